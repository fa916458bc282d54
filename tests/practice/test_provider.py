"""The whole flow, as a client and a browser see it."""

import hashlib
import re
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from entracte.errors import LocalError
from entracte.practice.provider import PracticeClient, PracticeProvider
from entracte.practice.serving import Served, listen
from entracte.values import Secret
from tests.practice.conftest import Running
from tests.practice.visitor import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Answer, Trip, Visitor, bearer


def keys_of(running: Running) -> KeySet:
    return KeySet.import_key_set(running.visitor().send("/jwks").json)


def verified(running: Running, token: str) -> Any:
    return jwt.decode(token, keys_of(running), algorithms=["RS256"])


def test_sign_in_from_request_to_verified_id_token(running: Running) -> None:
    trip = running.trip()
    login = trip.start()
    assert login.status == 200
    assert "Sign in" in login.text

    consent = trip.visitor.choose(login, "complete")
    assert "Share this with Northwind Radio?" in consent.text
    assert "ana@example.com" in consent.text

    back = trip.visitor.allow(consent)
    assert back.status == 303
    assert back.location.startswith(REDIRECT_URI + "?")
    assert back.parameters["state"] == trip.parameters["state"]
    assert back.parameters["iss"] == running.url

    answer = trip.redeem(back.parameters["code"])
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json
    assert tokens["token_type"] == "Bearer"
    id_token = verified(running, tokens["id_token"])
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert id_token.claims["iss"] == running.url
    assert id_token.claims["aud"] == CLIENT_ID
    assert id_token.claims["nonce"] == trip.parameters["nonce"]
    assert id_token.claims["at_hash"] == urlsafe_b64encode(half).decode().rstrip("=")
    assert id_token.claims["auth_time"] == running.clock.time
    assert id_token.claims["exp"] > time.time()
    assert id_token.claims["email"] == "ana@example.com"
    assert id_token.claims["email_verified"] is True


def test_discovery_names_addresses_that_answer(running: Running) -> None:
    found = running.visitor().send("/.well-known/openid-configuration").json
    assert found["issuer"] == running.url
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["code_challenge_methods_supported"] == ["S256"]
    endpoints = [value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) == 5
    for endpoint in endpoints:
        assert running.visitor().send(endpoint).status != 404


def test_published_keys_have_no_private_part(running: Running) -> None:
    (key,) = running.visitor().send("/jwks").json["keys"]
    assert {"kty", "n", "e", "kid", "use", "alg"} == set(key)


def test_access_token_is_a_jwt_access_token(running: Running) -> None:
    token = verified(running, running.trip().tokens()["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["aud"] == running.provider.api_audience
    assert token.claims["client_id"] == CLIENT_ID
    assert token.claims["sub"] == "persona-complete"
    assert token.claims["given_name"] == "Ana"
    assert {"iss", "exp", "iat", "jti", "scope"} <= set(token.claims)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:9/elsewhere"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_wrong_token_request_is_refused(running: Running, changes: dict[str, str], error: str) -> None:
    trip = running.trip()
    answer = trip.redeem(**{"code": trip.sign_in().parameters["code"], **changes})
    assert answer.status == 400
    assert answer.json["error"] == error
    assert "access_token" not in answer.json


def test_replayed_code_is_refused_and_ends_the_first_token(running: Running) -> None:
    trip = running.trip()
    code = trip.sign_in().parameters["code"]
    token = trip.redeem(code).json["access_token"]
    assert running.visitor().send("/userinfo", headers=bearer(token)).status == 200
    assert trip.redeem(code).json["error"] == "invalid_grant"
    assert running.visitor().send("/userinfo", headers=bearer(token)).status == 401


def test_code_lives_a_minute(running: Running) -> None:
    trip = running.trip()
    code = trip.sign_in().parameters["code"]
    running.clock.time += 61
    assert trip.redeem(code).json["error"] == "invalid_grant"


def test_code_of_one_client_is_nothing_to_another(running: Running) -> None:
    trip = running.trip()
    code = trip.sign_in().parameters["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": trip.verifier,
        "client_id": "other",
        "client_secret": "other-secret",
    }
    assert running.visitor().send("/token", form).json["error"] == "invalid_grant"
    assert trip.redeem(code).status == 200


def test_client_authenticates_by_post(running: Running) -> None:
    trip = running.trip()
    form = {
        "grant_type": "authorization_code",
        "code": trip.sign_in().parameters["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": trip.verifier,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert running.visitor().send("/token", {**form, "client_secret": "wrong"}).json["error"] == "invalid_client"
    assert running.visitor().send("/token", form).status == 200


@pytest.mark.parametrize(
    "header", ["Basic bm9ib2R5OndoYXQ=", "Basic Y2FtcGFpZ25zOndyb25n", "Basic ///", "Basic /w==", "Bearer x"]
)
def test_wrong_client_secret_is_refused(running: Running, header: str) -> None:
    trip = running.trip()
    form = {"grant_type": "authorization_code", "code": trip.sign_in().parameters["code"]}
    answer = running.visitor().send("/token", form, {"Authorization": header})
    assert answer.status == 401
    assert answer.json["error"] == "invalid_client"


def test_two_requests_can_not_both_spend_a_code(running: Running) -> None:
    from concurrent.futures import ThreadPoolExecutor

    trip = running.trip()
    code = trip.sign_in("slow").parameters["code"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: trip.redeem(code).status, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]


def test_user_info_by_header_and_by_form(running: Running) -> None:
    token = running.trip().tokens()["access_token"]
    visitor = running.visitor()
    by_header = visitor.send("/userinfo", headers=bearer(token))
    by_form = visitor.send("/userinfo", {"access_token": token})
    assert by_header.json == by_form.json
    assert by_header.json["sub"] == "persona-complete"
    assert by_header.json["phone_number"] == "+32470123456"
    assert by_header.json["address"]["locality"] == "Brussels"


def test_token_in_two_places_is_refused(running: Running) -> None:
    token = running.trip().tokens()["access_token"]
    answer = running.visitor().send("/userinfo", {"access_token": token}, bearer(token))
    assert answer.json["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["/userinfo", "/api/profile"])
@pytest.mark.parametrize("headers", [{}, bearer("nonsense"), bearer("a.b.c"), {"Authorization": "Basic eDp5"}])
def test_without_a_token_of_ours_nothing_is_told(running: Running, path: str, headers: dict[str, str]) -> None:
    answer = running.visitor().send(path, headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer ")
    assert "error" in answer.json


def test_id_token_is_no_access_token(running: Running) -> None:
    id_token = running.trip().tokens()["id_token"]
    assert running.visitor().send("/userinfo", headers=bearer(id_token)).status == 401


def test_scopes_limit_what_is_told(running: Running) -> None:
    token = running.trip().tokens(scope="openid email")["access_token"]
    told = running.visitor().send("/userinfo", headers=bearer(token)).json
    assert told == {"sub": "persona-complete", "email": "ana@example.com", "email_verified": True}
    profile = running.visitor().send("/api/profile", headers=bearer(token)).json["data"]["person"]
    assert set(profile) == {"id", "contact"}
    assert set(profile["contact"]) == {"email", "emailConfirmed"}


def test_brand_profile_by_get_and_post(running: Running) -> None:
    token = running.trip().tokens()["access_token"]
    visitor = running.visitor()
    answers = [
        visitor.send("/api/profile", headers=bearer(token)),
        visitor.send("/api/profile", {"anything": "else"}, bearer(token)),
        visitor.send("/api/profile", {"access_token": token}),
    ]
    for answer in answers:
        person = answer.json["data"]["person"]
        assert person["firstName"] == "Ana"
        assert person["contact"] == {"email": "ana@example.com", "emailConfirmed": True, "mobile": "+32470123456"}
        assert person["home"]["postCode"] == "1000"


def test_plain_oauth_without_openid(running: Running) -> None:
    tokens = running.trip().tokens(scope="profile email")
    assert "id_token" not in tokens
    answer = running.visitor().send("/api/profile", headers=bearer(tokens["access_token"]))
    assert answer.json["data"]["person"]["lastName"] == "Lopez"


# -- errors at the authorization endpoint


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://127.0.0.1:9/oauth/callback/"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": 'https://evil.example/"><script>alert(1)</script>'},
        {"redirect_uri": ""},
        {"client_id": "nobody"},
        {"client_id": ""},
    ],
)
def test_unknown_client_or_redirect_uri_stays_here(running: Running, changes: dict[str, str]) -> None:
    answer = running.trip().start(**changes)
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


def test_repeated_parameter_stays_here(running: Running) -> None:
    trip = running.trip()
    answer = trip.visitor.go(trip.url() + "&state=another")
    assert answer.status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"scope": "unknown"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
    ],
)
def test_error_goes_back_with_state_and_issuer(running: Running, changes: dict[str, str], error: str) -> None:
    trip = running.trip()
    answer = trip.start(**changes)
    assert answer.status == 303
    assert answer.location.startswith(REDIRECT_URI + "?")
    assert answer.parameters["error"] == error
    assert answer.parameters["state"] == trip.parameters["state"]
    assert answer.parameters["iss"] == running.url
    assert "code" not in answer.parameters


# -- personas


def claims_of(running: Running, persona: str) -> dict[str, Any]:
    claims: dict[str, Any] = verified(running, running.trip().tokens(persona)["id_token"]).claims
    return claims


def test_persona_without_email(running: Running) -> None:
    claims = claims_of(running, "no-email")
    assert "email" not in claims
    assert "email_verified" not in claims
    assert claims["given_name"] == "Ben"


def test_persona_with_unverified_email(running: Running) -> None:
    claims = claims_of(running, "unverified-email")
    assert claims["email"] == "chloe@example.com"
    assert claims["email_verified"] is False


def test_persona_who_is_a_minor(running: Running) -> None:
    born = int(claims_of(running, "minor")["birthdate"][:4])
    assert 10 <= time.gmtime().tm_year - born <= 13


def test_persona_who_says_no(running: Running) -> None:
    trip = running.trip()
    back = trip.visitor.choose(trip.start(), "refuses")
    assert back.parameters["error"] == "access_denied"
    assert back.parameters["state"] == trip.parameters["state"]
    assert back.parameters["iss"] == running.url
    assert trip.start(prompt="none").parameters["error"] == "login_required"


def test_persona_with_a_fault(running: Running) -> None:
    trip = running.trip()
    back = trip.visitor.choose(trip.start(), "fails")
    assert back.parameters["error"] == "server_error"
    assert back.parameters["state"] == trip.parameters["state"]
    assert back.parameters["iss"] == running.url


def test_persona_who_is_slow_is_slow_at_the_token(running: Running) -> None:
    trip = running.trip()
    code = trip.sign_in("slow").parameters["code"]
    signed_in = time.monotonic()
    assert trip.redeem(code).status == 200
    assert time.monotonic() - signed_in >= 0.4


@pytest.mark.parametrize("name", ["Ana Lopez", "No e-mail", "Unverified e-mail", "A minor", "Says no", "Slow", "Error"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_persona_names_are_the_same_in_every_language(running: Running, name: str, language: str) -> None:
    assert re.search(f'<button [^>]*lang="en"[^>]*>{name}</button>', Trip(running.visitor(language)).start().text)


# -- keys and settings


def test_rotated_keys_sign_and_the_old_ones_verify(running: Running) -> None:
    old = running.trip().tokens()["access_token"]
    running.provider.rotate_keys()
    new = running.trip().tokens()["access_token"]
    assert len(running.visitor().send("/jwks").json["keys"]) == 2
    assert verified(running, old).header["kid"] != verified(running, new).header["kid"]
    assert running.visitor().send("/userinfo", headers=bearer(old)).status == 200


def test_rotation_can_forget_the_old_keys(running: Running) -> None:
    old = running.trip().tokens()["access_token"]
    running.provider.rotate_keys(keep_old=False)
    assert len(running.visitor().send("/jwks").json["keys"]) == 1
    with pytest.raises((JoseError, ValueError)):
        verified(running, old)
    assert running.visitor().send("/userinfo", headers=bearer(old)).status == 401


@pytest.mark.parametrize("issuer", ["http://example.com", "http://localhost:1/", "localhost", "ftp://localhost"])
def test_issuer_must_be_secure(issuer: str) -> None:
    with pytest.raises(LocalError) as caught:
        PracticeProvider(issuer, [])
    assert caught.value.problem.code == "issuer_not_secure"


def test_pages_can_not_be_framed_and_load_nothing_from_elsewhere(running: Running) -> None:
    pages: list[Answer] = [running.trip().start(), running.visitor().send("/register"), running.visitor().send("/no")]
    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "//" not in page.text.replace(running.url, "")
    assert [page.status for page in pages] == [200, 200, 404]


def test_requests_for_another_host_are_refused(running: Running) -> None:
    answer = running.visitor().send("/authorize?client_id=campaigns", headers={"Host": "evil.example"})
    assert answer.status == 400
    assert "evil" not in answer.text


def test_logs_hold_no_token(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    caplog.set_level(logging.DEBUG)
    trip = running.trip()
    code = trip.sign_in().parameters["code"]
    tokens = trip.redeem(code).json
    for secret in (code, tokens["access_token"], tokens["id_token"], "ana@example.com", CLIENT_SECRET):
        assert secret not in caplog.text


def test_skipped_consent_and_an_ended_wait() -> None:
    """Who is slow is so at the token alone, and not after the end."""
    listening = listen()
    client = PracticeClient(CLIENT_ID, Secret(CLIENT_SECRET), (REDIRECT_URI,))
    provider = PracticeProvider(listening.url, [client], slow_seconds=100, skip_consent=True)
    with Served(provider.app, listening):
        trip = Trip(Visitor(listening.url))
        before = time.monotonic()
        code = trip.visitor.choose(trip.start(), "slow").parameters["code"]
        provider.close()
        assert trip.redeem(code).status == 200
        assert time.monotonic() - before < 90

"""Refresh tokens and refreshed ID tokens: MUST 32."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.base64url import encode
from entracte.protocol.client_auth import Client, ClientAuthentication, Moment
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.id_token import IdTokenExpectation, VerifiedClaims
from entracte.protocol.jws import UnknownKey
from entracte.protocol.messages import Purpose
from entracte.protocol.refresh import (
    FirstSignIn,
    first_sign_in,
    read_refresh_response,
    refresh_request,
    verify_refreshed_id_token,
)
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import NOW, elliptic_signer, json_response, key_set

CLIENT = Client("s6BhdRkqt3", Secret("gX1fBat3bV"), ClientAuthentication.BASIC)
OLD = Secret("tGzv3JOkF0XG5Qx2TlKWIA")
SIGNER = elliptic_signer("ES256")
KEYS = key_set(SIGNER.jwk)
EXPECTED = IdTokenExpectation("https://as.example", "s6BhdRkqt3", "not looked at", frozenset({"ES256"}))
ABSENT = object()
FIRST_CLAIMS: dict[str, Any] = {
    "iss": "https://as.example",
    "sub": "canary-24400320",
    "aud": ["s6BhdRkqt3"],
    "azp": "s6BhdRkqt3",
    "exp": NOW - 3000,
    "iat": NOW - 3600,
    "auth_time": NOW - 3700,
    "nonce": "n-0S6_WzA2Mj",
}
FIRST = first_sign_in(VerifiedClaims("https://as.example", "canary-24400320", FIRST_CLAIMS))
CLAIMS = {name: value for name, value in FIRST_CLAIMS.items() if name != "nonce"} | {"exp": NOW + 600, "iat": NOW}


def test_the_request() -> None:
    """RFC 6749 section 6, its example."""
    request = refresh_request("https://server.example.com/token", CLIENT, OLD)
    assert (request.method, request.url, request.purpose) == ("POST", "https://server.example.com/token", Purpose.TOKEN)
    assert parse_qs(request.body.reveal(), keep_blank_values=True) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["tGzv3JOkF0XG5Qx2TlKWIA"],
    }
    assert request.secret_headers["Authorization"].reveal() == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
    assert "tGzv" not in repr(request)


def test_the_request_with_all_of_it() -> None:
    request = refresh_request(
        "https://as.example/token",
        CLIENT,
        OLD,
        scope=("openid", "email"),
        resource=("https://a.example", "https://b.example"),
        headers={"DPoP": Secret("proof")},
    )
    form = parse_qs(request.body.reveal())
    assert form["scope"] == ["openid email"]
    assert form["resource"] == ["https://a.example", "https://b.example"]
    assert request.secret_headers["DPoP"].reveal() == "proof"


@pytest.mark.parametrize(("came", "kept"), [("8xLOxBtZp8", "8xLOxBtZp8"), (None, OLD.reveal()), ("", OLD.reveal())])
def test_rotation(came: str | None, kept: str) -> None:
    answer = {"access_token": "SlAV32hkKG", "token_type": "Bearer", "refresh_token": came}
    tokens = read_refresh_response(json_response(answer), OLD)
    assert tokens.refresh_token == Secret(kept)
    assert tokens.access_token == Secret("SlAV32hkKG")
    assert tokens.id_token is None


def test_the_type_that_was_asked_for() -> None:
    answer = json_response({"access_token": "SlAV32hkKG", "token_type": "DPoP"})
    assert read_refresh_response(answer, OLD, token_type="dpop").refresh_token == OLD
    refused = outcome(lambda: read_refresh_response(answer, OLD))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOKEN_TYPE


def test_a_refresh_token_that_is_refused() -> None:
    refused = outcome(lambda: read_refresh_response(json_response({"error": "invalid_grant"}, 400), OLD))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOKEN_REFUSED


def test_what_is_remembered_of_the_first() -> None:
    assert FirstSignIn(
        "https://as.example",
        "canary-24400320",
        ("s6BhdRkqt3",),
        "s6BhdRkqt3",
        NOW - 3700,
        NOW - 3600,
        "n-0S6_WzA2Mj",
    ) == first_sign_in(VerifiedClaims("https://as.example", "canary-24400320", FIRST_CLAIMS))
    assert "canary" not in repr(FIRST)
    assert "n-0S6" not in repr(FIRST)
    few = {"aud": "s6BhdRkqt3", "iat": 1, "auth_time": True}
    assert first_sign_in(VerifiedClaims("i", "s", few)) == FirstSignIn("i", "s", ("s6BhdRkqt3",), None, None, 1, None)


def verify(
    changes: dict[str, Any], *, first: FirstSignIn = FIRST, typ: Any = None, access_token: Secret | None = None
) -> Any:
    members = {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}
    token = Secret(SIGNER.sign(members, typ=typ))
    return outcome(lambda: verify_refreshed_id_token(token, KEYS, EXPECTED, first, now=NOW, access_token=access_token))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": "s6BhdRkqt3"},
        {"nonce": "n-0S6_WzA2Mj"},
        {"auth_time": ABSENT},
        {"auth_time": float(NOW - 3700)},
        {"iat": NOW - 3660, "exp": NOW + 1},
    ],
)
def test_one_that_agrees_with_the_first(changes: dict[str, Any]) -> None:
    verified = verify(changes)
    assert (verified.issuer, verified.subject) == ("https://as.example", "canary-24400320")
    assert verified.claims == {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}


def refused_by(name: str, changes: dict[str, Any], reason: Reason, *lines: str) -> Any:
    return pytest.param(changes, reason, id=name, marks=pytest.mark.conformance("MUST 32", *lines))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        refused_by("iss", {"iss": "https://evil.example"}, Reason.TOKEN_ISSUER, "refresh-token-invalid-issuer"),
        refused_by("iss-slash", {"iss": "https://as.example/"}, Reason.TOKEN_ISSUER, "refresh-token-invalid-issuer"),
        refused_by("sub", {"sub": "canary-24400321"}, Reason.TOKEN_SUBJECT, "refresh-token-invalid-sub"),
        refused_by("sub-case", {"sub": "Canary-24400320"}, Reason.TOKEN_SUBJECT, "refresh-token-invalid-sub"),
        refused_by("no-sub", {"sub": ABSENT}, Reason.TOKEN_SUBJECT, "refresh-token-invalid-sub"),
        refused_by("aud", {"aud": "other"}, Reason.TOKEN_AUDIENCE, "RefreshTokenInvalidAud"),
        refused_by("aud-more", {"aud": ["s6BhdRkqt3", "x"]}, Reason.TOKEN_AUDIENCE, "RefreshTokenInvalidAud"),
        refused_by("azp", {"azp": "other"}, Reason.TOKEN_AUDIENCE, "RefreshTokenInvalidAzp"),
        refused_by("no-azp", {"azp": ABSENT}, Reason.TOKEN_AUDIENCE, "RefreshTokenInvalidAzp"),
        refused_by("auth_time", {"auth_time": NOW}, Reason.AUTHENTICATION_AGE),
        refused_by("iat-before", {"iat": NOW - 3661}, Reason.TOKEN_TOO_OLD),
        refused_by("nonce", {"nonce": "n-0S6_WzA2Mk"}, Reason.TOKEN_NONCE),
        refused_by("no-iat", {"iat": ABSENT}, Reason.TOKEN_CLAIM),
        refused_by("exp", {"exp": NOW - 60}, Reason.TOKEN_EXPIRED),
    ],
)
def test_one_that_does_not(changes: dict[str, Any], reason: Reason) -> None:
    refused = verify(changes)
    assert isinstance(refused, Refused)
    assert refused.reason is reason
    assert is_silent_about(refused, "canary-24400320", "https://evil.example", "n-0S6_WzA2Mk")


@pytest.mark.parametrize(
    ("first", "changes", "reason"),
    [
        ({"aud": ["other"]}, {}, Reason.TOKEN_AUDIENCE),
        ({"aud": ["s6BhdRkqt3", "s6BhdRkqt3"]}, {}, Reason.TOKEN_AUDIENCE),
        ({"azp": None}, {}, Reason.TOKEN_AUDIENCE),
        ({"azp": None}, {"azp": ABSENT}, None),
        ({"auth_time": None}, {}, None),
        ({"nonce": None}, {}, None),
        ({"nonce": None}, {"nonce": "n-0S6_WzA2Mj"}, Reason.TOKEN_NONCE),
    ],
)
@pytest.mark.conformance("MUST 32")
def test_must_32_a_first_one_that_said_otherwise(
    first: dict[str, Any], changes: dict[str, Any], reason: Reason | None
) -> None:
    other = first_sign_in(VerifiedClaims("https://as.example", "canary-24400320", FIRST_CLAIMS | first))
    verified = verify(changes, first=other)
    assert (verified.reason if isinstance(verified, Refused) else None) is reason


def test_an_issuer_of_the_first_that_is_another() -> None:
    other = FirstSignIn("https://as.example/", "canary-24400320", ("s6BhdRkqt3",), "s6BhdRkqt3", None, 1, None)
    refusal = verify({}, first=other)
    assert refusal.reason is Reason.TOKEN_ISSUER
    assert refusal.evidence == "`iss` does not match. Expected https://as.example/; only a slash at the end differs."


def test_a_party_that_the_first_one_named_and_this_one_does_not() -> None:
    refusal = verify({"azp": ABSENT})
    assert refusal.reason is Reason.TOKEN_AUDIENCE
    assert refusal.evidence == "`azp` is missing, and the first ID token had one."


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", 7, ""])
def test_another_type(typ: Any) -> None:
    refusal = verify({}, typ=typ)
    assert refusal.reason is Reason.TOKEN_CLAIM
    assert refusal.evidence == "The header's `typ` is not that of an ID token."


@pytest.mark.parametrize("typ", ["JWT", "application/jwt"])
def test_the_type_of_an_id_token(typ: str) -> None:
    assert isinstance(verify({}, typ=typ), VerifiedClaims)


def test_the_hash_of_the_access_token_where_it_is_there() -> None:
    access_token = Secret("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")
    good = {"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}
    assert isinstance(verify(good, access_token=access_token), VerifiedClaims)
    assert isinstance(verify(good), VerifiedClaims)
    assert isinstance(verify({}, access_token=access_token), VerifiedClaims)
    refused = verify({"at_hash": encode(b"0" * 16)}, access_token=access_token)
    assert (refused.reason, refused.evidence) == (Reason.TOKEN_HASH, "`at_hash` is of something else.")


def test_a_stranger_s_signature_and_an_unknown_key() -> None:
    stranger = Secret(elliptic_signer("ES256").sign(CLAIMS))
    refused = outcome(lambda: verify_refreshed_id_token(stranger, KEYS, EXPECTED, FIRST, now=NOW))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOKEN_SIGNATURE
    with pytest.raises(UnknownKey):
        verify_refreshed_id_token(Secret(SIGNER.sign(CLAIMS, kid="two")), KEYS, EXPECTED, FIRST, now=NOW)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["s6BhdRkqt3", NOW]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(FIRST_CLAIMS)), anything, max_size=4))
def test_any_claims_are_verified_or_refused(changes: dict[str, Any]) -> None:
    verified = verify(changes)
    assert isinstance(verified, Refused) or verified.subject == "canary-24400320"


def test_an_assertion_is_made_for_this_moment() -> None:
    client = Client("us", Secret("s" * 40), ClientAuthentication.SECRET_JWT, audience="https://as.example")
    request = refresh_request("https://as.example/token", client, OLD, moment=Moment(NOW, "once"))
    assert len(parse_qs(request.body.reveal())["client_assertion"]) == 1

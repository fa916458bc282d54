"""Client authentication: B14, MUST 46, BAD 48, the examples of RFC 6749 and RFC 7523, and RFC 8705."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.client_auth import (
    ASSERTION_AGE,
    ASSERTION_TYPE,
    SECRET_AGE,
    SECRET_METHODS,
    TLS_METHODS,
    Client,
    ClientAuthentication,
    Moment,
    SignedSecret,
    authenticate,
    client_request,
)
from entracte.protocol.jws import verify_signature
from entracte.protocol.keys import mac_key_set
from entracte.protocol.messages import ClientCertificate, Purpose
from entracte.values import Secret
from tests.protocol.own_keys import our_key, published, verified
from tests.protocol.signing import NOW, vectors

FORM = {"grant_type": "authorization_code"}
ISSUER, CLIENT = "https://server.example.com", "s6BhdRkqt3"
CLIENT_SECRET = Secret("7Fjfp0ZBr1KtDRbnfVdmIw-and-more-of-it")
CERTIFICATE = ClientCertificate("-----BEGIN CERTIFICATE-----", Secret("canary-key"))
MOMENT = Moment(NOW, "1Yfd0wmSo3rkrrMKTXHbSw")
CLAIMS = {
    "iss": CLIENT,
    "sub": CLIENT,
    "aud": ISSUER,
    "jti": "1Yfd0wmSo3rkrrMKTXHbSw",
    "iat": NOW,
    "exp": NOW + 60,
}
"""OpenID Connect Core section 9, RFC 7523 section 3: each of them and no more."""
texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("vector", vectors("client_auth.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    client = Client(vector["client_id"], Secret(vector["client_secret"]), ClientAuthentication(vector["method"]))
    form, headers = authenticate(client, FORM)
    assert form == {**FORM, **vector["form"]}
    assert {name: value.reveal() for name, value in headers.items()} == (
        {"Authorization": vector["authorization"]} if vector["authorization"] else {}
    )


def client_by(method: ClientAuthentication, **changes: Any) -> Client:
    members = {"audience": ISSUER, "signing_key": our_key(), "certificate": CERTIFICATE, **changes}
    return Client(CLIENT, CLIENT_SECRET, method, **members)


@pytest.mark.conformance("B14")
@given(texts, texts)
def test_b14_basic_can_be_taken_apart_again(client_id: str, client_secret: str) -> None:
    client = Client(client_id, Secret(client_secret), ClientAuthentication.BASIC)
    _, headers = authenticate(client, {})
    scheme, _, credentials = headers["Authorization"].reveal().partition(" ")
    name, _, password = b64decode(credentials).decode("ascii").partition(":")
    assert scheme == "Basic"
    assert (unquote_plus(name), unquote_plus(password)) == (client_id, client_secret)


@pytest.mark.parametrize("method", ClientAuthentication)
def test_the_form_that_was_given_stays_as_it_was(method: ClientAuthentication) -> None:
    given_form = dict(FORM)
    form, _ = authenticate(client_by(method), given_form, Moment(NOW, "once"))
    form["more"] = "more"
    assert given_form == FORM


def test_the_secret_is_not_shown() -> None:
    client = Client("client", Secret("canary"), ClientAuthentication.BASIC)
    assert "canary" not in repr(client)
    assert "canary" not in repr(authenticate(client, FORM))


@pytest.mark.parametrize("method", [ClientAuthentication.NONE, *sorted(TLS_METHODS)])
def test_the_name_alone(method: ClientAuthentication) -> None:
    """RFC 6749 section 3.2.1, RFC 8705 section 2: `client_id` is sent, and no secret is."""
    assert authenticate(client_by(method), FORM) == ({**FORM, "client_id": CLIENT}, {})


@pytest.mark.conformance("MUST 46", "BAD 48")
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS256", "EdDSA"])
def test_private_key_jwt(algorithm: str) -> None:
    """The audience is the issuer, one string, whatever the token endpoint is called; good for a minute at most."""
    client = client_by(ClientAuthentication.PRIVATE_KEY_JWT, signing_key=our_key(algorithm))
    form, headers = authenticate(client, FORM, MOMENT)
    assertion = Secret(form.pop("client_assertion"))
    assert form == {**FORM, "client_id": CLIENT, "client_assertion_type": ASSERTION_TYPE}
    assert headers == {}
    seen = verified(assertion, algorithm)
    assert seen.claims == CLAIMS
    assert seen.header == {"alg": algorithm, "kid": "ours", "typ": "JWT"}
    assert ASSERTION_AGE == 60


@pytest.mark.conformance("MUST 46", "BAD 48")
def test_client_secret_jwt() -> None:
    form, headers = authenticate(client_by(ClientAuthentication.SECRET_JWT), FORM, MOMENT)
    assertion = Secret(form.pop("client_assertion"))
    assert form == {**FORM, "client_id": CLIENT, "client_assertion_type": ASSERTION_TYPE}
    assert headers == {}
    seen = verify_signature(assertion, mac_key_set(CLIENT_SECRET), frozenset({"HS256"}))
    assert (seen.claims, seen.header) == (CLAIMS, {"alg": "HS256", "typ": "JWT"})
    assert ASSERTION_TYPE == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.mark.parametrize("method", [ClientAuthentication.SECRET_JWT, ClientAuthentication.PRIVATE_KEY_JWT])
def test_an_assertion_without_moment_or_audience(method: ClientAuthentication) -> None:
    with pytest.raises(ValueError, match=r"^an assertion needs a moment and an audience$"):
        authenticate(client_by(method), FORM)
    with pytest.raises(ValueError, match=r"^an assertion needs a moment and an audience$"):
        authenticate(client_by(method, audience=""), FORM, MOMENT)


def test_an_assertion_without_a_key() -> None:
    with pytest.raises(ValueError, match=r"^an assertion needs a key$"):
        authenticate(client_by(ClientAuthentication.PRIVATE_KEY_JWT, signing_key=None), FORM, MOMENT)
    form, _ = authenticate(client_by(ClientAuthentication.SECRET_JWT, signing_key=None), FORM, MOMENT)
    assert form["client_assertion"]


MADE = SignedSecret("DEF123GHIJ", "https://appleid.apple.com", our_key(kid="ABC123DEFG"))
"""The names of Apple's own example ("Creating a client secret")."""


def made_secret(form: Mapping[str, str], headers: Mapping[str, Secret]) -> Secret:
    """The secret that was sent, in the form or by HTTP Basic."""
    if "client_secret" in form:
        return Secret(form["client_secret"])
    name, _, secret = b64decode(headers["Authorization"].reveal().removeprefix("Basic ")).decode().partition(":")
    assert unquote_plus(name) == CLIENT
    return Secret(unquote_plus(secret))


@pytest.mark.parametrize("method", [ClientAuthentication.POST, ClientAuthentication.BASIC])
def test_a_secret_of_our_own_making(method: ClientAuthentication) -> None:
    """Apple, "Creating a client secret": these members of the header and these claims, and no more of either. The
    secret that was given out, if there is one, is not sent."""
    form, headers = authenticate(client_by(method, signed_secret=MADE), FORM, MOMENT)
    secret = made_secret(form, headers)
    assert CLIENT_SECRET.reveal() not in str(form) + secret.reveal()
    seen = verify_signature(secret, published(kid="ABC123DEFG"), frozenset({"ES256"}))
    assert seen.header == {"alg": "ES256", "kid": "ABC123DEFG"}
    assert seen.claims == {
        "iss": "DEF123GHIJ",
        "iat": NOW,
        "exp": NOW + 300,
        "aud": "https://appleid.apple.com",
        "sub": CLIENT,
    }
    assert SECRET_AGE <= 15_777_000


def test_a_secret_of_our_own_making_is_made_afresh() -> None:
    client = client_by(ClientAuthentication.POST, signed_secret=MADE)
    first, second = (authenticate(client, FORM, Moment(at, "once"))[0]["client_secret"] for at in (NOW, NOW + 1))
    assert first != second


@pytest.mark.parametrize("method", [ClientAuthentication.POST, ClientAuthentication.BASIC])
def test_a_secret_of_our_own_making_without_a_moment(method: ClientAuthentication) -> None:
    with pytest.raises(ValueError, match=r"^a client secret of ours needs a moment$"):
        authenticate(client_by(method, signed_secret=MADE), FORM)


@pytest.mark.parametrize(
    "method", sorted(set(ClientAuthentication) - {ClientAuthentication.POST, ClientAuthentication.BASIC})
)
def test_other_methods_send_no_secret_of_our_own_making(method: ClientAuthentication) -> None:
    form, headers = authenticate(client_by(method, signed_secret=MADE), FORM, MOMENT)
    assert "client_secret" not in form
    assert headers == {}


def test_every_method_has_its_kind() -> None:
    others = {ClientAuthentication.NONE, ClientAuthentication.PRIVATE_KEY_JWT}
    assert {*TLS_METHODS, *SECRET_METHODS, *others} == set(ClientAuthentication)
    assert not TLS_METHODS & SECRET_METHODS


@pytest.mark.parametrize("method", ClientAuthentication)
def test_the_request_of_a_client(method: ClientAuthentication) -> None:
    more = (("resource", "https://a.example/"), ("resource", "https://b.example/"))
    request = client_request(
        "https://as.example/token",
        client_by(method),
        FORM,
        purpose=Purpose.TOKEN,
        moment=MOMENT,
        headers={"DPoP": Secret("proof")},
        more=more,
    )
    assert (request.method, request.url, request.purpose) == ("POST", "https://as.example/token", Purpose.TOKEN)
    assert (request.accept, request.content_type) == ("application/json", "application/x-www-form-urlencoded")
    form, headers = authenticate(client_by(method), FORM, MOMENT)
    sent = parse_qsl(request.body.reveal(), strict_parsing=True)
    fresh = {"client_assertion"}  # a signature of the elliptic curve is another one each time
    assert {name: value for name, value in sent[: len(form)] if name not in fresh} == {
        name: value for name, value in form.items() if name not in fresh
    }
    assert tuple(sent[len(form) :]) == more
    assert request.secret_headers == {**headers, "DPoP": Secret("proof")}
    assert request.client_certificate == CERTIFICATE
    assert "canary" not in repr(request)
    assert CLIENT_SECRET.reveal() not in repr(request)


def test_a_request_without_more() -> None:
    request = client_request("https://as.example/x", client_by(ClientAuthentication.NONE), FORM, purpose=Purpose.OTHER)
    assert request.body.reveal() == f"grant_type=authorization_code&client_id={CLIENT}"
    assert request.secret_headers == {}


@pytest.mark.conformance("MUST 53")
def test_nothing_secret_is_shown() -> None:
    """MUST 53."""
    shown = repr(client_by(ClientAuthentication.PRIVATE_KEY_JWT, signed_secret=MADE)) + repr(MOMENT)
    for secret in ("canary", CLIENT_SECRET.reveal(), MOMENT.token_id, "BEGIN"):
        assert secret not in shown

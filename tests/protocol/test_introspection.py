"""Introspection, plain (RFC 7662) and signed (RFC 9701)."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.client_auth import Client, ClientAuthentication, Moment
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.introspection import (
    SIGNED,
    IntrospectionExpectation,
    introspection_request,
    read_introspection,
    read_introspection_token,
    verify_introspection,
)
from entracte.protocol.jws import UnknownKey
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import NOW, elliptic_signer, json_response, key_set, vectors

CLIENT = Client("s6BhdRkqt3", Secret("canary-secret"), ClientAuthentication.BASIC)
SIGNER = elliptic_signer("ES256", kid="one")
KEYS = key_set(SIGNER.jwk)
ISSUER = "https://as.example.com/"
EXPECTED = IntrospectionExpectation(ISSUER, "s6BhdRkqt3", algorithms=frozenset({"ES256"}))
INSIDE = {"active": True, "iss": ISSUER, "client_id": "s6BhdRkqt3", "sub": "Z5O3upPC88QrAjx00dis", "exp": NOW + 120}
CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": "s6BhdRkqt3", "iat": NOW, "token_introspection": INSIDE}
TYP = "token-introspection+jwt"
ABSENT = object()


def test_the_request() -> None:
    """RFC 7662 section 2.1."""
    request = introspection_request(
        "https://as.example/introspect", CLIENT, Secret("mF_9.B5f-4.1JqM"), headers={"DPoP": Secret("proof")}
    )
    assert (request.method, request.url, request.purpose) == (
        "POST",
        "https://as.example/introspect",
        Purpose.INTROSPECTION,
    )
    assert request.accept == "application/json"
    assert parse_qs(request.body.reveal()) == {"token": ["mF_9.B5f-4.1JqM"], "token_type_hint": ["access_token"]}
    assert request.secret_headers.keys() == {"Authorization", "DPoP"}
    assert "mF_9" not in repr(request)


def test_the_request_for_a_signed_answer() -> None:
    """RFC 9701 section 4."""
    request = introspection_request("https://as.example/introspect", CLIENT, Secret("token"), signed=True)
    assert request.accept == SIGNED == "application/token-introspection+jwt"
    assert request.content_type == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("vector", vectors("introspection.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    expected = IntrospectionExpectation(
        vector["issuer"], vector["client_id"], audience=vector["audience"], subject=vector["subject"]
    )
    read = outcome(lambda: read_introspection(json_response(vector["answer"]), expected, now=vector["now"]))
    if "reason" in vector:
        assert isinstance(read, Refused)
        assert read.reason.code == vector["reason"]
        assert is_silent_about(
            read, *(value for name, value in vector["answer"].items() if name != "iss"), "https://evil.example"
        )
        return
    assert not isinstance(read, Refused)
    assert read.claims == vector["answer"]
    assert read.subject == vector["answer"].get("sub")
    assert "Z5O3" not in repr(read)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"", Reason.CLIENT_REFUSED),
        (403, b"", Reason.CLIENT_REFUSED),
        (400, b'{"error":"invalid_client"}', Reason.CLIENT_REFUSED),
        (400, b'{"error":"unauthorized_client"}', Reason.CLIENT_REFUSED),
        (400, b'{"error":"canary-error"}', Reason.RESPONSE_MALFORMED),
        (204, b"", Reason.RESPONSE_MALFORMED),
        (302, b"", Reason.RESPONSE_REDIRECTED),
        (429, b"", Reason.PROVIDER_ERROR),
        (500, b'{"error":"invalid_client"}', Reason.PROVIDER_ERROR),
        (200, b"[]", Reason.RESPONSE_MALFORMED),
        (200, b'{"active":true,"active":true}', Reason.RESPONSE_MALFORMED),
    ],
)
def test_an_answer_that_is_none(status: int, body: bytes, reason: Reason) -> None:
    refusals: list[object] = [outcome(lambda: read_introspection(json_response(body, status), EXPECTED, now=NOW))]
    if status != 200:
        refusals.append(outcome(lambda: read_introspection_token(json_response(body, status, SIGNED))))
    for refused in refusals:
        assert isinstance(refused, Refused)
        assert refused.reason is reason
        assert "canary" not in str(refused)


def signed(changes: dict[str, Any], *, typ: Any = TYP) -> Any:
    members = {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}
    token = SIGNER.sign(members, typ=typ, kid="one")
    response = HttpResponse(200, {"content-type": SIGNED}, token.encode())
    return outcome(lambda: verify_introspection(read_introspection_token(response), KEYS, EXPECTED, now=NOW))


@pytest.mark.parametrize("typ", [TYP, TYP.upper(), SIGNED])
def test_a_signed_answer(typ: str) -> None:
    read = signed({}, typ=typ)
    assert (read.subject, read.claims) == ("Z5O3upPC88QrAjx00dis", INSIDE)


def test_an_access_token_for_whatever_the_server_chose() -> None:
    assert signed({"token_introspection": {**INSIDE, "aud": "https://rs.example.com"}}).subject == INSIDE["sub"]


def test_an_old_and_a_new_one() -> None:
    assert signed({"iat": NOW - 300}).subject == signed({"iat": NOW + 60, "aud": ["s6BhdRkqt3"]}).subject


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", 7])
def test_another_type(typ: Any) -> None:
    """RFC 9701 section 8.1: an access token of the same server is no answer about one."""
    assert signed({}, typ=typ).reason is Reason.TOKEN_CLAIM


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://as.example.com"}, Reason.TOKEN_ISSUER),
        ({"iss": ABSENT}, Reason.TOKEN_CLAIM),
        ({"aud": "other"}, Reason.TOKEN_AUDIENCE),
        ({"aud": ["s6BhdRkqt3", "other"]}, Reason.TOKEN_AUDIENCE),
        ({"aud": ABSENT}, Reason.TOKEN_CLAIM),
        ({"iat": ABSENT}, Reason.TOKEN_CLAIM),
        ({"iat": NOW + 61}, Reason.TOKEN_EXPIRED),
        ({"iat": NOW - 301}, Reason.TOKEN_TOO_OLD),
        ({"token_introspection": ABSENT}, Reason.TOKEN_CLAIM),
        ({"token_introspection": [INSIDE]}, Reason.TOKEN_CLAIM),
        ({"token_introspection": {"active": False}}, Reason.TOKEN_INACTIVE),
        ({"token_introspection": {**INSIDE, "client_id": "other"}}, Reason.TOKEN_AUDIENCE),
        ({"token_introspection": {}, "active": True}, Reason.RESPONSE_MALFORMED),
    ],
)
def test_a_signed_answer_that_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    refused = signed(changes)
    assert isinstance(refused, Refused)
    assert refused.reason is reason
    assert is_silent_about(refused, "Z5O3upPC88QrAjx00dis")


def test_a_plain_answer_where_a_signed_one_was_asked_for() -> None:
    refused = outcome(lambda: read_introspection_token(json_response(INSIDE)))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.RESPONSE_MALFORMED


@pytest.mark.parametrize("body", [b"x" * 65537, "ä".encode()])
def test_a_signed_answer_without_the_limits(body: bytes) -> None:
    refused = outcome(lambda: read_introspection_token(HttpResponse(200, {"content-type": SIGNED}, body)))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOKEN_MALFORMED


def test_a_signed_answer_as_long_as_may_be() -> None:
    body = b"a.b.c".ljust(65536)
    assert read_introspection_token(HttpResponse(200, {"content-type": SIGNED}, body)) == Secret("a.b.c")


def test_a_stranger_s_signature_and_an_unknown_key() -> None:
    stranger = elliptic_signer("ES256").sign(CLAIMS, typ=TYP, kid="one")
    refused = outcome(lambda: verify_introspection(Secret(stranger), KEYS, EXPECTED, now=NOW))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOKEN_SIGNATURE
    with pytest.raises(UnknownKey):
        verify_introspection(Secret(SIGNER.sign(CLAIMS, typ=TYP, kid="two")), KEYS, EXPECTED, now=NOW)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("s6BhdRkqt3"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
answers = st.dictionaries(st.sampled_from([*INSIDE, "aud", "nbf", "iat"]), anything, max_size=5)


@given(st.integers(100, 599), st.binary() | answers, st.sampled_from(["application/json", SIGNED]))
def test_any_answer_is_read_or_refused(status: int, body: Any, media_type: str) -> None:
    response = json_response(body, status, media_type)
    outcome(lambda: read_introspection_token(response))
    read = outcome(lambda: read_introspection(response, EXPECTED, now=NOW))
    assert isinstance(read, Refused) or read.claims["active"] is True


def test_an_assertion_of_this_moment_and_the_proof_go_along() -> None:
    client = Client("us", Secret("s" * 40), ClientAuthentication.SECRET_JWT, audience="https://as.example")
    proof = {"DPoP": Secret("proof")}
    request = introspection_request(
        "https://as.example/introspect", client, Secret("token"), moment=Moment(NOW, "once"), headers=proof
    )
    assert len(parse_qs(request.body.reveal())["client_assertion"]) == 1
    assert request.secret_headers["DPoP"].reveal() == "proof"

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
from tests.protocol.refusals import is_silent_about, outcome, refused
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
    ("status", "body", "reason", "evidence"),
    [
        (401, b"", Reason.CLIENT_REFUSED, "The status was 401."),
        (403, b"", Reason.CLIENT_REFUSED, "The status was 403."),
        (400, b'{"error":"invalid_client"}', Reason.CLIENT_REFUSED, "The error is invalid_client."),
        (400, b'{"error":"unauthorized_client"}', Reason.CLIENT_REFUSED, "The error is unauthorized_client."),
        (499, b'{"error":"invalid_client"}', Reason.CLIENT_REFUSED, "The error is invalid_client."),
        (399, b'{"error":"invalid_client"}', Reason.RESPONSE_REDIRECTED, "The status was 399."),
        (400, b'{"error":"canary-error"}', Reason.RESPONSE_MALFORMED, "The status was 400."),
        (204, b"", Reason.RESPONSE_MALFORMED, "The status was 204."),
        (302, b"", Reason.RESPONSE_REDIRECTED, "The status was 302."),
        (429, b"", Reason.PROVIDER_ERROR, "The status was 429."),
        (500, b'{"error":"invalid_client"}', Reason.PROVIDER_ERROR, "The status was 500."),
        (200, b"[]", Reason.RESPONSE_MALFORMED, "The answer is not a JSON object."),
        (
            200,
            b'{"active":true,"active":true}',
            Reason.RESPONSE_MALFORMED,
            "The answer can not be read: a name stands twice in one object.",
        ),
        (200, b'{"active":1}', Reason.RESPONSE_MALFORMED, "`active` has to be true or false."),
        (200, b'{"active":false}', Reason.TOKEN_INACTIVE, ""),
    ],
)
def test_an_answer_that_is_none(status: int, body: bytes, reason: Reason, evidence: str) -> None:
    plain = json_response(body, status)
    assert refused(lambda: read_introspection(plain, EXPECTED, now=NOW)) == (reason, evidence)
    if status != 200:
        signed = json_response(body, status, SIGNED)
        assert refused(lambda: read_introspection_token(signed)) == (reason, evidence)


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
    refusal = signed({}, typ=typ)
    assert refusal.reason is Reason.TOKEN_CLAIM
    assert refusal.evidence == "The header's `typ` is not that of an introspection answer."


@pytest.mark.parametrize(
    ("changes", "reason", "evidence"),
    [
        (
            {"iss": "https://as.example.com"},
            Reason.TOKEN_ISSUER,
            f"`iss` does not match. Expected {ISSUER}; only a slash at the end differs.",
        ),
        ({"iss": ABSENT}, Reason.TOKEN_CLAIM, "`iss` is missing."),
        ({"aud": "other"}, Reason.TOKEN_AUDIENCE, "`aud` does not match."),
        ({"aud": ["s6BhdRkqt3", "other"]}, Reason.TOKEN_AUDIENCE, "`aud` does not match."),
        ({"aud": ABSENT}, Reason.TOKEN_CLAIM, "`aud` is missing."),
        ({"iat": ABSENT}, Reason.TOKEN_CLAIM, "`iat` is missing."),
        ({"iat": NOW + 61}, Reason.TOKEN_EXPIRED, "`iat` does not match."),
        ({"iat": NOW - 301}, Reason.TOKEN_TOO_OLD, "`iat` does not match."),
        ({"token_introspection": ABSENT}, Reason.TOKEN_CLAIM, "`token_introspection` is missing."),
        ({"token_introspection": [INSIDE]}, Reason.TOKEN_CLAIM, "`token_introspection` is of the wrong type."),
        ({"token_introspection": {"active": False}}, Reason.TOKEN_INACTIVE, ""),
        (
            {"token_introspection": {**INSIDE, "client_id": "other"}},
            Reason.TOKEN_AUDIENCE,
            "`client_id` does not match.",
        ),
        (
            {"token_introspection": {}, "active": True},
            Reason.RESPONSE_MALFORMED,
            "`active` has to be true or false.",
        ),
    ],
)
def test_a_signed_answer_that_is_refused(changes: dict[str, Any], reason: Reason, evidence: str) -> None:
    refusal = signed(changes)
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.evidence) == (reason, evidence)
    assert is_silent_about(refusal, "Z5O3upPC88QrAjx00dis")


def test_a_plain_answer_where_a_signed_one_was_asked_for() -> None:
    evidence = "The media type of the answer is not application/token-introspection+jwt."
    plain = json_response(INSIDE)
    assert refused(lambda: read_introspection_token(plain)) == (Reason.RESPONSE_MALFORMED, evidence)


@pytest.mark.parametrize("body", [b"x" * 65537, "ä".encode()])
def test_a_signed_answer_without_the_limits(body: bytes) -> None:
    answer = HttpResponse(200, {"content-type": SIGNED}, body)
    evidence = "The answer is not a token within the limits."
    assert refused(lambda: read_introspection_token(answer)) == (Reason.TOKEN_MALFORMED, evidence)


def test_a_signed_answer_as_long_as_may_be() -> None:
    body = b"a.b.c".ljust(65536)
    assert read_introspection_token(HttpResponse(200, {"content-type": SIGNED}, body)) == Secret("a.b.c")


def test_a_stranger_s_signature_and_an_unknown_key() -> None:
    stranger = elliptic_signer("ES256").sign(CLAIMS, typ=TYP, kid="one")
    refusal = outcome(lambda: verify_introspection(Secret(stranger), KEYS, EXPECTED, now=NOW))
    assert isinstance(refusal, Refused)
    assert refusal.reason is Reason.TOKEN_SIGNATURE
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

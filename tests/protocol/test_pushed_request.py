"""Pushed authorization requests: RFC 9126 and its examples, MUST 43, MUST 57, BAD 50."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.client_auth import Client, ClientAuthentication, Moment
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.protocol.pushed_request import MAXIMUM_REFERENCE, PushedRequest, pushed_request, read_pushed_response
from entracte.values import Secret
from tests.protocol.own_keys import our_key, verified
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import NOW, json_response

ENDPOINT, ISSUER = "https://as.example.com/as/par", "https://as.example.com"
REFERENCE = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
PARAMETERS = [
    ("response_type", "code"),
    ("client_id", "CLIENT1234"),
    ("state", "duk681S8n00GsJpe7n9boxdzen"),
    ("redirect_uri", "https://client.example.org/cb"),
    ("resource", "https://a.example/"),
    ("resource", "https://b.example/"),
]
FORM = [("client_id", "CLIENT1234"), *(pair for pair in PARAMETERS if pair[0] != "client_id")]
SIGNED = (ClientAuthentication.SECRET_JWT, ClientAuthentication.PRIVATE_KEY_JWT)


def pushed(method: ClientAuthentication, headers: dict[str, Secret] | None = None) -> HttpRequest:
    secret = Secret("a-client-secret-of-32-characters")
    client = Client("CLIENT1234", secret, method, audience=ISSUER, signing_key=our_key())
    return pushed_request(ENDPOINT, client, PARAMETERS, moment=Moment(NOW, "once"), headers=headers)


@pytest.mark.parametrize("method", ClientAuthentication)
def test_the_request(method: ClientAuthentication) -> None:
    """Section 2.1: every parameter of the authorization request, each as often as it stands there, and `client_id`
    once, whatever the authentication adds."""
    request = pushed(method)
    assert (request.method, request.url, request.accept) == ("POST", ENDPOINT, "application/json")
    assert request.content_type == "application/x-www-form-urlencoded"
    assert request.purpose is Purpose.PUSHED_REQUEST
    form = parse_qsl(request.body.reveal(), strict_parsing=True)
    added = {"client_secret", "client_assertion", "client_assertion_type"}
    assert sorted(pair for pair in form if pair[0] not in added) == sorted(FORM)
    assert ("Authorization" in request.secret_headers) == (method is ClientAuthentication.BASIC)
    assert ("client_assertion" in dict(form)) == (method in SIGNED)
    assert "duk681S8n00" not in repr(request)


@pytest.mark.conformance("MUST 46")
def test_the_assertion_names_the_issuer() -> None:
    """MUST 46, RFC 9126 section 2: the issuer identifier as the audience."""
    form = dict(parse_qsl(pushed(ClientAuthentication.PRIVATE_KEY_JWT).body.reveal()))
    claims = verified(Secret(form["client_assertion"])).claims
    assert (claims["aud"], claims["jti"]) == (ISSUER, "once")


def test_the_headers_of_a_proof_are_sent() -> None:
    """RFC 9449 section 10.1."""
    request = pushed(ClientAuthentication.BASIC, {"DPoP": Secret("proof")})
    assert request.secret_headers["DPoP"] == Secret("proof")
    assert set(request.secret_headers) == {"Authorization", "DPoP"}


def refusal(response: HttpResponse) -> tuple[Reason, str]:
    with pytest.raises(Refused) as refused:
        read_pushed_response(response)
    assert refused.value.__cause__ is None
    assert "canary" not in str(refused.value)
    return refused.value.reason, refused.value.evidence


@pytest.mark.parametrize("status", [200, 201])
def test_the_answer_of_the_specification(status: int) -> None:
    """Section 2.2; other servers answer with 200."""
    read = read_pushed_response(json_response({"request_uri": REFERENCE, "expires_in": 60}, status))
    assert read == PushedRequest(REFERENCE)
    assert REFERENCE not in repr(read)


def test_the_longest_reference() -> None:
    longest = "u" * MAXIMUM_REFERENCE
    assert read_pushed_response(json_response({"request_uri": longest})).request_uri == longest


@pytest.mark.conformance("BAD 50")
@pytest.mark.parametrize(
    "reference", [None, "", 1, True, [], [REFERENCE], {}, "u" * (MAXIMUM_REFERENCE + 1), "a b", "a\r\nb", "é", "\x7f"]
)
def test_a_reference_that_can_not_be_one(reference: Any) -> None:
    expected = (Reason.RESPONSE_MALFORMED, "`request_uri` has to be an address of at most 1024 characters.")
    assert refusal(json_response({"request_uri": reference})) == expected
    assert refusal(json_response({"expires_in": 60}, 201)) == expected


@pytest.mark.conformance("MUST 43")
@pytest.mark.parametrize(
    ("response", "evidence"),
    [
        (json_response({}, media_type="text/html"), "The media type of the answer is not JSON."),
        (json_response([REFERENCE]), "The answer is not a JSON object."),
        (json_response(b"canary"), "The answer can not be read: not JSON."),
    ],
)
def test_an_answer_that_can_not_be_read(response: HttpResponse, evidence: str) -> None:
    assert refusal(response) == (Reason.RESPONSE_MALFORMED, evidence)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("invalid_request", Reason.REQUEST_REFUSED),
        ("invalid_request_object", Reason.REQUEST_REFUSED),
        ("invalid_scope", Reason.REQUEST_REFUSED),
        ("invalid_target", Reason.REQUEST_REFUSED),
        ("invalid_dpop_proof", Reason.REQUEST_REFUSED),
        ("use_dpop_nonce", Reason.REQUEST_REFUSED),
        ("access_denied", Reason.REQUEST_REFUSED),
        ("invalid_client", Reason.CLIENT_REFUSED),
        ("unauthorized_client", Reason.CLIENT_REFUSED),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 499])
def test_a_registered_error_is_told(error: str, reason: Reason, status: int) -> None:
    """Section 2.3."""
    answer = json_response({"error": error, "error_description": "canary"}, status)
    assert refusal(answer) == (reason, f"The error is {error}.")


@pytest.mark.conformance("MUST 57")
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>canary", b"\xff", {"error": "<b>canary"}, {"error": ["invalid_client"]}, {"error": 1}]
)
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.REQUEST_REFUSED),
        (401, Reason.CLIENT_REFUSED),
        (403, Reason.REQUEST_REFUSED),
        (405, Reason.REQUEST_REFUSED),
        (413, Reason.REQUEST_REFUSED),
        (404, Reason.RESPONSE_MALFORMED),
        (204, Reason.RESPONSE_MALFORMED),
        (303, Reason.RESPONSE_REDIRECTED),
        (399, Reason.RESPONSE_REDIRECTED),
        (429, Reason.PROVIDER_ERROR),
        (500, Reason.PROVIDER_ERROR),
        (503, Reason.PROVIDER_ERROR),
    ],
)
def test_a_status_without_a_registered_error(status: int, reason: Reason, body: Any) -> None:
    assert refusal(json_response(body, status)) == (reason, f"The status was {status}.")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, Reason.RESPONSE_REDIRECTED), (399, Reason.RESPONSE_REDIRECTED), (500, Reason.PROVIDER_ERROR)],
)
def test_an_error_of_another_status_is_not_the_client_s(status: int, reason: Reason) -> None:
    assert refusal(json_response({"error": "invalid_client"}, status)) == (reason, f"The status was {status}.")


members = st.sampled_from(["request_uri", "expires_in", "error", "x"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("invalid_request"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.integers(100, 599), st.binary() | st.dictionaries(members, anything))
def test_any_answer_is_read_or_refused(status: int, body: Any) -> None:
    read = outcome(lambda: read_pushed_response(json_response(body, status)))
    if isinstance(read, Refused):
        told = {"invalid_request"}
        texts = [value for value in body.values() if isinstance(value, str)] if isinstance(body, dict) else []
        assert is_silent_about(read, *(set(texts) - told))
    else:
        assert read.request_uri == body["request_uri"]

"""The token request and its answer: MUST 43, BAD 50, and the case of `token_type`."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.authorization import Code
from entracte.protocol.client_auth import Client, ClientAuthentication, Moment
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.protocol.token import REFUSALS, Tokens, read_token_response, token_request
from entracte.values import Secret
from tests.protocol.own_keys import our_key, verified
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import NOW, json_response

GOOD = {"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer", "id_token": "a.b.c", "expires_in": 3600}


def request(method: ClientAuthentication) -> tuple[dict[str, list[str]], dict[str, str], Any]:
    made = token_request(
        "https://as.example/token",
        Client("s6BhdRkqt3", Secret("gX1fBat3bV"), method),
        Code(Secret("Splx lOBe+ZQQYbYS6WxSbIA")),
        redirect_uri="https://client.example.com/cb",
        code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    )
    headers = {name: value.reveal() for name, value in made.secret_headers.items()}
    return parse_qs(made.body.reveal(), strict_parsing=True), headers, made


def refusal(response: HttpResponse) -> Refused:
    with pytest.raises(Refused) as refused:
        read_token_response(response)
    assert refused.value.__cause__ is None
    return refused.value


FORM = {
    "grant_type": ["authorization_code"],
    "code": ["Splx lOBe+ZQQYbYS6WxSbIA"],
    "redirect_uri": ["https://client.example.com/cb"],
    "code_verifier": ["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
}


def test_the_request_with_basic() -> None:
    """B14; RFC 6749 section 4.1.3."""
    form, headers, made = request(ClientAuthentication.BASIC)
    assert (made.method, made.url, made.accept) == ("POST", "https://as.example/token", "application/json")
    assert made.content_type == "application/x-www-form-urlencoded"
    assert headers == {"Authorization": "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"}
    assert form == FORM


def test_the_request_with_the_secret_in_the_form() -> None:
    form, headers, made = request(ClientAuthentication.POST)
    assert headers == {}
    assert form == {**FORM, "client_id": ["s6BhdRkqt3"], "client_secret": ["gX1fBat3bV"]}
    assert "gX1fBat3bV" not in repr(made)


@pytest.mark.conformance("fapi2-token-type-case-insensitivity")
@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_type_is_compared_without_case(token_type: str) -> None:
    """token-type-case-insensitivity."""
    tokens = read_token_response(json_response({**GOOD, "token_type": token_type}))
    assert tokens == Tokens(Secret(GOOD["access_token"]), Secret("a.b.c"))  # type: ignore[arg-type]
    assert "2Yotn" not in repr(tokens)


@pytest.mark.parametrize("token_type", ["DPoP", "mac", "Bearer ", "N_A"])
def test_another_type_is_refused(token_type: str) -> None:
    refused = refusal(json_response({**GOOD, "token_type": token_type}))
    assert (refused.reason, refused.evidence) == (Reason.TOKEN_TYPE, "Expected bearer.")


@pytest.mark.conformance(
    "fapi2-token-endpoint-response-without-expires_in",
    "fapi1-no-scope-in-token-endpoint-response",
)
@pytest.mark.parametrize("absent", ["id_token", "expires_in"])
def test_what_may_be_absent(absent: str) -> None:
    """no-scope-in-token-endpoint-response, token-endpoint-response-without-expires_in."""
    tokens = read_token_response(json_response({name: value for name, value in GOOD.items() if name != absent}))
    assert (tokens.id_token is None) == (absent == "id_token")


@pytest.mark.parametrize("name", ["access_token", "token_type"])
def test_what_may_not_be_absent(name: str) -> None:
    answer = {member: value for member, value in GOOD.items() if member != name}
    refused = refusal(json_response(answer))
    assert refused.reason is Reason.RESPONSE_MALFORMED
    assert f"`{name}`" in refused.evidence


@pytest.mark.conformance("BAD 50")
@pytest.mark.parametrize("value", [None, "", [], ["a"], {}, {"a": "b"}, 0, 1.5, True])
@pytest.mark.parametrize("name", ["access_token", "token_type", "id_token"])
def test_bad_50_no_string_where_a_string_is_expected(name: str, value: Any) -> None:
    assert refusal(json_response({**GOOD, name: value})).reason is Reason.RESPONSE_MALFORMED


@pytest.mark.conformance("MUST 57")
@pytest.mark.parametrize("access_token", ["a b", "a\r\nX: y", "é", "\x00", "a\x7f"])
def test_must_57_an_access_token_that_can_not_stand_in_a_header(access_token: str) -> None:
    refused = refusal(json_response({**GOOD, "access_token": access_token}))
    assert refused.reason is Reason.RESPONSE_MALFORMED


@pytest.mark.parametrize("value", [None, [], 1, {"a": 1}])
def test_members_that_are_not_used_may_be_anything(value: Any) -> None:
    answer = {**GOOD, "scope": value, "expires_in": value, "refresh_token": value}
    assert read_token_response(json_response(answer)).access_token.reveal() == GOOD["access_token"]


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"access_token=a&token_type=bearer", b"{}{}", b"\xff"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    assert refusal(json_response(body)).reason is Reason.RESPONSE_MALFORMED


@pytest.mark.conformance("MUST 43")
def test_must_43_another_media_type() -> None:
    for media_type in ("text/html", "application/x-www-form-urlencoded", "application/jose+json", ""):
        assert refusal(json_response(GOOD, media_type=media_type)).reason is Reason.RESPONSE_MALFORMED


@pytest.mark.conformance("MUST 23")
def test_must_23_a_token_twice() -> None:
    body = b'{"access_token":"a","token_type":"Bearer","access_token":"b"}'
    assert refusal(json_response(body)).reason is Reason.RESPONSE_MALFORMED


@pytest.mark.parametrize("error", sorted(REFUSALS))
@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_registered_error_is_told(error: str, status: int) -> None:
    refused = refusal(json_response({"error": error, "error_description": "canary"}, status=status))
    assert refused.reason is REFUSALS[error]
    assert refused.evidence == f"The error is {error}."
    assert "canary" not in str(refused)


@pytest.mark.conformance("MUST 57")
@pytest.mark.parametrize("error", ["<script>canary", "bad_verification_code", 1, [], {}, True, ""])
@pytest.mark.parametrize("status", [200, 400])
def test_must_57_another_error_is_not_told(error: Any, status: int) -> None:
    refused = refusal(json_response({"error": error}, status=status))
    assert refused.reason is Reason.TOKEN_REFUSED
    assert "canary" not in str(refused)


@pytest.mark.conformance("MUST 11")
def test_an_error_counts_even_beside_a_token() -> None:
    """MUST 11, in the token response."""
    assert refusal(json_response({**GOOD, "error": "invalid_grant"})).reason is Reason.TOKEN_REFUSED
    assert read_token_response(json_response({**GOOD, "error": None})).id_token is not None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": null}', b'{"error":"' + b"x" * 70000 + b'"}'])
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.TOKEN_REFUSED),
        (401, Reason.CLIENT_REFUSED),
        (403, Reason.TOKEN_REFUSED),
        (404, Reason.RESPONSE_MALFORMED),
        (204, Reason.RESPONSE_MALFORMED),
        (302, Reason.RESPONSE_REDIRECTED),
        (429, Reason.PROVIDER_ERROR),
        (500, Reason.PROVIDER_ERROR),
        (503, Reason.PROVIDER_ERROR),
    ],
)
def test_a_status_without_a_registered_error(status: int, reason: Reason, body: bytes) -> None:
    refused = refusal(HttpResponse(status, {"content-type": "text/html"}, body))
    assert refused.reason is reason
    assert str(status) in refused.evidence


def test_an_error_of_the_server_stays_one_whatever_it_says() -> None:
    assert refusal(json_response({"error": "invalid_grant"}, status=500)).reason is Reason.PROVIDER_ERROR


members = st.sampled_from(["access_token", "token_type", "id_token", "error", "scope"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("Bearer"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.integers(100, 599),
    st.binary() | (st.dictionaries(members, anything)),
    st.sampled_from(["application/json", "text/html"]),
)
def test_any_answer_is_read_or_refused(status: int, body: Any, media_type: str) -> None:
    tokens = outcome(lambda: read_token_response(json_response(body, status, media_type)))
    if isinstance(tokens, Refused):
        assert is_silent_about(tokens, *(body.values() if isinstance(body, dict) else ()))
        return
    assert tokens.access_token.reveal() == body["access_token"]


def test_the_request_with_a_proof_an_assertion_and_resources() -> None:
    """RFC 7523 section 2.2, RFC 9449 section 5, RFC 8707 section 2."""
    made = token_request(
        "https://as.example/token",
        Client("client", Secret(""), ClientAuthentication.PRIVATE_KEY_JWT, "https://as.example", our_key()),
        Code(Secret("canary-code")),
        redirect_uri="https://client.example.com/cb",
        code_verifier="verifier",
        moment=Moment(NOW, "once"),
        headers={"DPoP": Secret("proof")},
        resource=("https://a.example/", "https://b.example/"),
    )
    form = parse_qs(made.body.reveal(), strict_parsing=True)
    assert form["resource"] == ["https://a.example/", "https://b.example/"]
    assert (form["code"], form["client_id"]) == (["canary-code"], ["client"])
    assert verified(Secret(form["client_assertion"][0])).claims["jti"] == "once"
    assert made.secret_headers == {"DPoP": Secret("proof")}
    assert made.purpose is Purpose.TOKEN
    assert "canary" not in repr(made)


def test_no_resource_is_sent_unless_there_is_one() -> None:
    assert "resource" not in request(ClientAuthentication.BASIC)[0]


@pytest.mark.conformance("fapi2-token-type-case-insensitivity")
@pytest.mark.parametrize("token_type", ["DPoP", "dPoP", "dpop", "DPOP"])
def test_a_bound_token(token_type: str) -> None:
    """RFC 9449 section 5: a token that is not bound where one was asked for is refused, and the other way round."""
    answer = json_response({**GOOD, "token_type": token_type})
    assert read_token_response(answer, token_type="dpop").access_token.reveal() == GOOD["access_token"]
    with pytest.raises(Refused) as refused:
        read_token_response(json_response(GOOD), token_type="dpop")
    assert (refused.value.reason, refused.value.evidence) == (Reason.TOKEN_TYPE, "Expected dpop.")


def test_a_refresh_token_is_kept_as_a_secret() -> None:
    tokens = read_token_response(json_response({**GOOD, "refresh_token": "canary-refresh"}))
    assert tokens.refresh_token == Secret("canary-refresh")
    assert "canary" not in repr(tokens)
    for value in (None, "", 1, ["a"]):
        assert read_token_response(json_response({**GOOD, "refresh_token": value})).refresh_token is None


def test_the_evidence_of_a_token_that_no_header_can_carry() -> None:
    refused = refusal(json_response({**GOOD, "access_token": "a b"}))
    assert refused.evidence == "`access_token` has characters that can not stand in a header."


@pytest.mark.parametrize(
    ("status", "reason"),
    [(302, Reason.RESPONSE_REDIRECTED), (399, Reason.RESPONSE_REDIRECTED), (499, Reason.TOKEN_REFUSED)],
)
def test_a_registered_error_counts_from_400_to_499(status: int, reason: Reason) -> None:
    assert refusal(json_response({"error": "invalid_grant"}, status=status)).reason is reason
    told = json_response({"error": "unheard-of"}, status=499)
    assert refusal(told).reason is Reason.RESPONSE_MALFORMED

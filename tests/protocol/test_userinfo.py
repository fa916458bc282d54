"""UserInfo and REST APIs: B11, B13, MUST 28, MUST 30, BAD 50."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jws import MAXIMUM_BYTES, UnknownKey
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.protocol.userinfo import (
    BearerPlace,
    ProfileRequest,
    UserInfoExpectation,
    profile_request,
    read_person,
    read_userinfo,
    read_userinfo_token,
    verify_userinfo,
)
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import NOW, elliptic_signer, json_part, json_response, key_set

CLAIMS = {"sub": "248289761001", "name": "Jane Doe", "email": "janedoe@example.com", "address": {"country": "US"}}
TOKEN = Secret("canary-token+/=")
URL = "https://as.example/userinfo"


@pytest.mark.conformance("userinfo-bearer-header")
def test_the_token_in_the_header() -> None:
    """userinfo-bearer-header; RFC 6750 section 2.1."""
    for method in ("GET", "POST"):
        request = profile_request(ProfileRequest(URL, method), TOKEN)
        assert (request.method, request.url) == (method, URL)
        assert request.secret_headers["Authorization"].reveal() == "Bearer canary-token+/="
        assert request.body.reveal() == request.content_type == ""
        assert "canary" not in repr(request)


@pytest.mark.conformance("userinfo-bearer-body")
def test_the_token_in_the_form() -> None:
    """userinfo-bearer-body; RFC 6750 section 2.2."""
    request = profile_request(ProfileRequest(URL, bearer=BearerPlace.FORM), TOKEN)
    assert request.method == "POST"
    assert request.content_type == "application/x-www-form-urlencoded"
    assert request.body.reveal() == "access_token=canary-token%2B%2F%3D"
    assert not request.secret_headers
    assert "canary" not in repr(request)


@pytest.mark.parametrize("method", ["PUT", "get", "", "GET /x"])
def test_only_get_and_post(method: str) -> None:
    with pytest.raises(ValueError, match=r"^the method of a profile request is GET or POST$"):
        profile_request(ProfileRequest(URL, method), TOKEN)


@pytest.mark.conformance("B13")
def test_b13_the_claims_of_the_same_subject() -> None:
    assert read_userinfo(json_response(CLAIMS), subject="248289761001") == CLAIMS
    assert read_userinfo(json_response(CLAIMS), subject=None) == CLAIMS


@pytest.mark.conformance("B11", "MUST 28")
@pytest.mark.parametrize("subject", ["248289761002", "", "248289761001 ", "２48289761001"])
def test_b11_must_28_another_subject(subject: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo(json_response(CLAIMS), subject=subject)
    assert refusal.value.reason is Reason.USERINFO_SUBJECT
    assert "248289761001" not in str(refusal.value)


@pytest.mark.conformance("MUST 30")
def test_must_30_subjects_are_compared_with_case() -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo(json_response({"sub": "User1"}), subject="user1")
    assert refusal.value.reason is Reason.USERINFO_SUBJECT


@pytest.mark.conformance("BAD 50")
@pytest.mark.parametrize("subject", ["x", None])
@pytest.mark.parametrize("sub", [None, "", [], ["x"], {}, 1, True, "x" * 256, "a\x00b", "absent"])
def test_bad_50_no_usable_sub(sub: Any, subject: str | None) -> None:
    claims = {} if sub == "absent" else {"sub": sub}
    with pytest.raises(Refused) as refusal:
        read_userinfo(json_response(claims), subject=subject)
    assert refusal.value.reason is Reason.RESPONSE_MALFORMED


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused(status: int) -> None:
    answer = json_response(CLAIMS, status=status)
    for result in (outcome(lambda: read_userinfo(answer, subject=None)), outcome(lambda: read_person(answer, ""))):
        assert isinstance(result, Refused)
        assert result.reason is Reason.USERINFO_REFUSED


@pytest.mark.conformance("MUST 43")
@pytest.mark.parametrize("media_type", ["application/jwt", "text/html", "application/scim+json"])
def test_must_43_userinfo_is_application_json(media_type: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo(json_response(CLAIMS, media_type=media_type), subject=None)
    assert refusal.value.reason is Reason.RESPONSE_MALFORMED


ANSWER = {"data": [{"person": {"email": "a@b.example"}}, {"0": {"email": "c@d.example"}}], "count": 2, "none": None}


@pytest.mark.parametrize(
    ("path", "person"),
    [
        ("", ANSWER),
        ("data.0", {"person": {"email": "a@b.example"}}),
        ("data.0.person", {"email": "a@b.example"}),
        ("data.1.0", {"email": "c@d.example"}),
    ],
)
def test_the_person_at_a_path(path: str, person: Any) -> None:
    assert read_person(json_response(ANSWER, media_type="application/vnd.brand+json"), path) == person


@pytest.mark.parametrize(
    "path",
    ["data", "count", "none", "absent", "data.2", "data.-1", "data.00", "data.x", "data.0.person.email", "a.b",
     "data.0.person.email.x", ".", "data.", "data.٠", "data." + "9" * 5000, "count.0", "none.a"],
)  # fmt: skip
def test_no_person_at_a_path(path: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_person(json_response(ANSWER), path)
    assert refusal.value.reason is Reason.PROFILE_INCOMPLETE


@pytest.mark.parametrize("body", [b"[]", b"null", b'"a"', b"1"])
def test_a_whole_answer_that_is_no_person(body: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read_person(json_response(body), "")
    assert refusal.value.reason is Reason.PROFILE_INCOMPLETE


def test_an_answer_that_is_no_json() -> None:
    for response in (json_response(b"<html>"), json_response(ANSWER, media_type="text/html")):
        with pytest.raises(Refused) as refusal:
            read_person(response, "")
        assert refusal.value.reason is Reason.RESPONSE_MALFORMED


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("sub"), inner),
    max_leaves=8,
)


@given(st.integers(100, 599), st.binary() | anything, st.text(max_size=10), st.none() | st.text())
def test_any_answer_is_read_or_refused(status: int, body: Any, path: str, subject: str | None) -> None:
    response = json_response(body, status)
    for read in (lambda: read_userinfo(response, subject=subject), lambda: read_person(response, path)):
        value = outcome(read)
        assert is_silent_about(value, body, subject) if isinstance(value, Refused) else isinstance(value, dict)


@pytest.mark.parametrize("bearer", BearerPlace)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_with_its_proof(method: str, bearer: BearerPlace) -> None:
    """RFC 9449 section 7.1: under its own scheme, never as a bearer token, whichever place was chosen."""
    proven = {"DPoP": Secret("proof"), "Authorization": Secret("DPoP canary-token")}
    request = profile_request(ProfileRequest(URL, method, bearer, "application/jwt"), TOKEN, proven=proven)
    assert (request.method, request.url, request.accept) == (method, URL, "application/jwt")
    assert request.secret_headers == proven
    assert request.body.reveal() == request.content_type == ""
    assert request.purpose is Purpose.PROFILE
    assert "canary" not in repr(request)


@pytest.mark.parametrize("bearer", BearerPlace)
def test_what_is_asked_for(bearer: BearerPlace) -> None:
    request = profile_request(ProfileRequest(URL, "POST", bearer, "application/jwt"), TOKEN)
    assert (request.url, request.accept, request.purpose) == (URL, "application/jwt", Purpose.PROFILE)
    assert profile_request(ProfileRequest(URL, bearer=bearer), TOKEN).accept == "application/json"


def jwt_response(body: bytes, status: int = 200, media_type: str = "application/jwt") -> HttpResponse:
    return HttpResponse(status, {"content-type": media_type}, body)


@pytest.mark.conformance("userinfo-signed")
@pytest.mark.parametrize("media_type", ["application/jwt", "Application/JWT; charset=UTF-8"])
def test_userinfo_as_a_token(media_type: str) -> None:
    for body in (b"canary.a.b", b" canary.a.b\n"):
        token = read_userinfo_token(jwt_response(body, media_type=media_type))
        assert token == Secret("canary.a.b")
        assert "canary" not in repr(token)
    assert read_userinfo_token(jwt_response(b"a.b.c", 201)) == Secret("a.b.c")


@pytest.mark.conformance("MUST 28", "MUST 43")
@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "", "application/jwt+json"])
def test_a_plain_answer_where_a_signed_one_was_registered(media_type: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo_token(jwt_response(b'{"sub":"canary"}', media_type=media_type))
    assert refusal.value.reason is Reason.RESPONSE_MALFORMED
    assert refusal.value.evidence == "The media type of UserInfo is not application/jwt."


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.USERINFO_REFUSED),
        (403, Reason.USERINFO_REFUSED),
        (404, Reason.RESPONSE_MALFORMED),
        (302, Reason.RESPONSE_REDIRECTED),
        (500, Reason.PROVIDER_ERROR),
    ],
)
def test_another_status_instead_of_a_token(status: int, reason: Reason) -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo_token(jwt_response(b"a.b.c", status))
    assert (refusal.value.reason, refusal.value.evidence) == (reason, f"The status was {status}.")


@pytest.mark.conformance("MUST 23")
def test_a_token_within_the_limits() -> None:
    assert read_userinfo_token(jwt_response(b"x" * MAXIMUM_BYTES)).reveal() == "x" * MAXIMUM_BYTES
    for body in (b"x" * (MAXIMUM_BYTES + 1), b"a.b.\xff", "a.b.é".encode()):
        with pytest.raises(Refused) as refusal:
            read_userinfo_token(jwt_response(body))
        assert refusal.value.reason is Reason.TOKEN_MALFORMED
        assert refusal.value.evidence == "UserInfo is not a token within the limits."


ISSUER, CLIENT = "https://as.example", "s6BhdRkqt3"
EXPECTED = UserInfoExpectation(ISSUER, CLIENT, frozenset({"ES256"}))
SIGNER = elliptic_signer("ES256", kid="one")
KEYS = key_set(SIGNER.jwk)
SIGNED = {**CLAIMS, "iss": ISSUER, "aud": CLIENT}
ABSENT = object()


def verify(changes: dict[str, Any], subject: str | None = "248289761001", **header: Any) -> Any:
    claims = {name: value for name, value in (SIGNED | changes).items() if value is not ABSENT}
    return verify_userinfo(Secret(SIGNER.sign(claims, **header)), KEYS, EXPECTED, subject=subject, now=NOW)


@pytest.mark.conformance("userinfo-signed", "MUST 28")
@pytest.mark.parametrize(
    "changes",
    [{}, {"aud": [CLIENT]}, {"aud": [CLIENT, "other"]}, {"exp": NOW - 59}, {"nbf": NOW + 60}, {"exp": NOW, "iat": 0}],
)
def test_signed_userinfo(changes: dict[str, Any]) -> None:
    """OpenID Connect Core section 5.3.2: `iss`, and an `aud` that has us in it."""
    assert verify(changes) == SIGNED | changes
    assert verify(changes, None) == SIGNED | changes


@pytest.mark.conformance("userinfo-signed", "MUST 28")
@pytest.mark.parametrize(
    ("changes", "reason", "evidence"),
    [
        ({"iss": ABSENT}, Reason.TOKEN_CLAIM, "`iss` is missing."),
        ({"aud": ABSENT}, Reason.TOKEN_CLAIM, "`aud` is missing."),
        ({"iss": ["https://as.example"]}, Reason.TOKEN_CLAIM, "`iss` is of the wrong type."),
        ({"aud": 1}, Reason.TOKEN_CLAIM, "`aud` is of the wrong type."),
        (
            {"iss": "https://AS.example"},
            Reason.TOKEN_ISSUER,
            "`iss` does not match. Expected https://as.example; only upper and lower case differ.",
        ),
        ({"aud": ["another-client"]}, Reason.TOKEN_AUDIENCE, "`aud` does not match."),
        ({"exp": NOW - 60}, Reason.TOKEN_EXPIRED, "`exp` does not match."),
        ({"exp": "soon"}, Reason.TOKEN_CLAIM, "`exp` is of the wrong type."),
        ({"nbf": NOW + 61}, Reason.TOKEN_EXPIRED, "`nbf` does not match."),
        ({"sub": "another-subject"}, Reason.USERINFO_SUBJECT, ""),
        ({"sub": ABSENT}, Reason.RESPONSE_MALFORMED, "UserInfo has no usable `sub`."),
        ({"sub": 1}, Reason.RESPONSE_MALFORMED, "UserInfo has no usable `sub`."),
    ],
)
def test_signed_userinfo_that_is_not_for_us(changes: dict[str, Any], reason: Reason, evidence: str) -> None:
    with pytest.raises(Refused) as refusal:
        verify(changes)
    assert (refusal.value.reason, refusal.value.evidence) == (reason, evidence)
    assert is_silent_about(refusal.value, "248289761001", "janedoe@example.com", "another-subject")


def test_the_signature_of_userinfo_comes_first() -> None:
    with pytest.raises(UnknownKey):
        verify({}, kid="two")
    for token, reason in (
        (elliptic_signer("ES256").sign({}), Reason.TOKEN_SIGNATURE),
        (f"{json_part({'alg': 'none'})}.{json_part(SIGNED)}.", Reason.TOKEN_ALGORITHM),
    ):
        with pytest.raises(Refused) as refusal:
            verify_userinfo(Secret(token), KEYS, EXPECTED, subject=None, now=NOW)
        assert refusal.value.reason is reason


def test_the_evidence_of_a_person_that_is_not_there() -> None:
    with pytest.raises(Refused) as refusal:
        read_person(json_response(ANSWER), "data")
    assert refusal.value.evidence == "There is no object at the path of the person."
    assert read_person(json_response({"data": [{"a": 1}] * 12}), "data.11") == {"a": 1}


def test_the_edges_of_a_list() -> None:
    answer = json_response({"data": [{"a": 0}, {"a": 1}]})
    assert read_person(answer, "data.1") == {"a": 1}
    with pytest.raises(Refused):
        read_person(answer, "data.2")

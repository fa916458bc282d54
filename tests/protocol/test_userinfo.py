"""UserInfo and REST APIs: B11, B13, MUST 28, MUST 30, BAD 50."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.userinfo import BearerPlace, ProfileRequest, profile_request, read_person, read_userinfo
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import json_response

CLAIMS = {"sub": "248289761001", "name": "Jane Doe", "email": "janedoe@example.com", "address": {"country": "US"}}
TOKEN = Secret("canary-token+/=")
URL = "https://as.example/userinfo"


def test_the_token_in_the_header() -> None:
    """userinfo-bearer-header; RFC 6750 section 2.1."""
    for method in ("GET", "POST"):
        request = profile_request(ProfileRequest(URL, method), TOKEN)
        assert (request.method, request.url) == (method, URL)
        assert request.secret_headers["Authorization"].reveal() == "Bearer canary-token+/="
        assert request.body.reveal() == request.content_type == ""
        assert "canary" not in repr(request)


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
    with pytest.raises(ValueError, match="GET or POST"):
        profile_request(ProfileRequest(URL, method), TOKEN)


def test_b13_the_claims_of_the_same_subject() -> None:
    assert read_userinfo(json_response(CLAIMS), subject="248289761001") == CLAIMS
    assert read_userinfo(json_response(CLAIMS), subject=None) == CLAIMS


@pytest.mark.parametrize("subject", ["248289761002", "", "248289761001 ", "２48289761001"])
def test_b11_must_28_another_subject(subject: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo(json_response(CLAIMS), subject=subject)
    assert refusal.value.reason is Reason.USERINFO_SUBJECT
    assert "248289761001" not in str(refusal.value)


def test_must_30_subjects_are_compared_with_case() -> None:
    with pytest.raises(Refused) as refusal:
        read_userinfo(json_response({"sub": "User1"}), subject="user1")
    assert refusal.value.reason is Reason.USERINFO_SUBJECT


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

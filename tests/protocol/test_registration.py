"""Registration and its management (RFC 7591, RFC 7592): the line dynamic-registration."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.client_metadata import ClientMetadata
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.protocol.registration import (
    ERRORS,
    Management,
    Registration,
    configuration_request,
    deletion_request,
    read_configuration,
    read_deletion,
    read_registration,
    registration_request,
    update_request,
)
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome, refused
from tests.protocol.signing import json_response, vectors

ASKED = ClientMetadata(
    redirect_uris=("https://client.example.org/callback", "https://client.example.org/callback2"),
    contacts=("ve7jtb@example.org", "mary@example.org"),
    token_endpoint_auth_method=ClientAuthentication.BASIC,
    jwks_uri="https://client.example.org/my_public_keys.jwks",
    post_logout_redirect_uris=("https://client.example.org/out",),
    more={"dpop_bound_access_tokens": True},
)
NOW = 1_500_000_000
URI = "https://server.example.com/register/s6BhdRkqt3"
MANAGEMENT = Management(URI, Secret("reg-23410913-abewfq.123483"))
BEFORE = Registration("s6BhdRkqt3", Secret("canary-secret"), 2893276800, MANAGEMENT, {})
ANSWER: dict[str, Any] = {
    "client_id": "s6BhdRkqt3",
    "client_secret": "cf136dc3c1fc93f31185e5885805d",
    "client_secret_expires_at": 0,
    "redirect_uris": list(ASKED.redirect_uris),
}
SILENT = {"client_secret", "client_secret_expires_at"}


def marked(vector: dict[str, Any]) -> Any:
    marks = [pytest.mark.conformance(*vector["lines"])] if vector["lines"] else []
    return pytest.param(vector, id=vector["id"], marks=marks)


@pytest.mark.parametrize("vector", [marked(vector) for vector in vectors("registration.json")])
def test_vectors(vector: dict[str, Any]) -> None:
    answer = vector["answer"]
    read = outcome(lambda: read_registration(json_response(answer, 201), ASKED, now=vector["now"]))
    secrets = ("client_secret", "registration_access_token")
    if "reason" in vector:
        assert isinstance(read, Refused)
        assert read.reason.code == vector["reason"]
        assert is_silent_about(read, *(answer.get(name) for name in secrets), "https://evil.example")
        return
    assert not isinstance(read, Refused)
    assert read.client_id == answer["client_id"]
    assert read.client_secret == Secret(answer["client_secret"])
    assert read.secret_expires_at == (answer["client_secret_expires_at"] or None)
    assert read.registered == {name: value for name, value in answer.items() if name not in secrets}
    assert (read.management is not None) == ("registration_client_uri" in answer)
    if read.management is not None:
        assert read.management.registration_client_uri == answer["registration_client_uri"]
        assert read.management.registration_access_token == Secret(answer["registration_access_token"])


@pytest.mark.conformance("dynamic-registration")
def test_the_request() -> None:
    """RFC 7591 section 3.1."""
    request = registration_request("https://server.example.com/register", ASKED)
    assert (request.method, request.url, request.purpose) == (
        "POST",
        "https://server.example.com/register",
        Purpose.REGISTRATION,
    )
    assert (request.accept, request.content_type) == ("application/json", "application/json")
    assert json.loads(request.body.reveal()) == ASKED.document()
    assert request.secret_headers == {}


def test_the_request_with_what_the_server_s_people_gave() -> None:
    request = registration_request(
        "https://server.example.com/register",
        ASKED,
        initial_access_token=Secret("canary-initial"),
        software_statement=Secret("canary.software.statement"),
    )
    assert request.secret_headers["Authorization"].reveal() == "Bearer canary-initial"
    assert json.loads(request.body.reveal())["software_statement"] == "canary.software.statement"
    assert "canary" not in repr(request)


def test_a_client_without_a_secret() -> None:
    asked = replace(ASKED, token_endpoint_auth_method=ClientAuthentication.PRIVATE_KEY_JWT)
    answer = {name: value for name, value in ANSWER.items() if name not in SILENT}
    read = read_registration(json_response({**answer, "token_endpoint_auth_method": "private_key_jwt"}), asked, now=NOW)
    assert (read.client_id, read.client_secret, read.secret_expires_at) == ("s6BhdRkqt3", None, None)


def test_a_management_address_without_tls_where_that_is_allowed() -> None:
    answer = {**ANSWER, "registration_client_uri": "http://localhost/r", "registration_access_token": "a"}
    read = read_registration(json_response(answer), ASKED, now=NOW, insecure_allowed=lambda host: host == "localhost")
    assert read.management == Management("http://localhost/r", Secret("a"))


def test_secrets_are_not_shown() -> None:
    assert "canary" not in repr(BEFORE)
    assert "abewfq" not in repr(BEFORE)


READERS: list[Callable[[HttpResponse], object]] = [
    lambda response: read_registration(response, ASKED, now=NOW),
    lambda response: read_configuration(response, ASKED, BEFORE, now=NOW),
    read_deletion,
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("error", sorted(ERRORS))
def test_a_registered_error_is_told(error: str, read: Callable[[HttpResponse], object]) -> None:
    refusal = outcome(lambda: read(json_response({"error": error, "error_description": "canary"}, 400)))
    assert isinstance(refusal, Refused)
    assert refusal.reason is Reason.REGISTRATION_REFUSED
    assert refusal.evidence == f"The error is {error}."


@pytest.mark.parametrize(
    ("status", "reason", "evidence"),
    [
        (499, Reason.REGISTRATION_REFUSED, "The error is invalid_token."),
        (399, Reason.RESPONSE_REDIRECTED, "The status was 399."),
        (500, Reason.PROVIDER_ERROR, "The status was 500."),
    ],
)
def test_an_error_counts_where_we_are_at_fault(status: int, reason: Reason, evidence: str) -> None:
    for read in READERS:
        response = json_response({"error": "invalid_token"}, status)
        assert refused(lambda read=read, response=response: read(response)) == (reason, evidence)  # type: ignore[misc]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.REGISTRATION_REFUSED),
        (403, Reason.REGISTRATION_REFUSED),
        (404, Reason.REGISTRATION_REFUSED),
        (405, Reason.REGISTRATION_REFUSED),
        (202, Reason.RESPONSE_MALFORMED),
        (302, Reason.RESPONSE_REDIRECTED),
        (429, Reason.PROVIDER_ERROR),
        (500, Reason.PROVIDER_ERROR),
    ],
)
def test_a_status(status: int, reason: Reason, read: Callable[[HttpResponse], object]) -> None:
    for error in ("canary", 7) if status != 500 else ("invalid_token",):
        refusal = outcome(lambda error=error: read(json_response({"error": error}, status)))  # type: ignore[misc]
        assert isinstance(refusal, Refused)
        assert refusal.reason is reason
        assert "canary" not in str(refusal)


def test_401_means_another_thing_once_we_are_gone() -> None:
    for read in READERS[:2]:
        refusal = outcome(lambda read=read: read(json_response({}, 401)))  # type: ignore[misc]
        assert isinstance(refusal, Refused)
        assert refusal.reason is Reason.REGISTRATION_REFUSED
    read_deletion(json_response({"error": "invalid_token"}, 401))


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"client_id":"a","client_id":"b"}'])
def test_a_body_that_is_no_object(body: bytes) -> None:
    for read in READERS[:2]:
        refusal = outcome(lambda read=read: read(json_response(body, 201)))  # type: ignore[misc]
        assert isinstance(refusal, Refused)
        assert refusal.reason is Reason.RESPONSE_MALFORMED


def test_the_requests_of_management() -> None:
    """RFC 7592 sections 2.1 to 2.3."""
    requests = [
        configuration_request(MANAGEMENT),
        update_request(BEFORE, MANAGEMENT, ASKED),
        deletion_request(MANAGEMENT),
    ]
    assert [request.method for request in requests] == ["GET", "PUT", "DELETE"]
    assert {request.url for request in requests} == {URI}
    for request in requests:
        assert request.secret_headers["Authorization"].reveal() == "Bearer reg-23410913-abewfq.123483"
        assert request.content_type == ("application/json" if request.method == "PUT" else "")
        assert bool(request.body.reveal()) == (request.method == "PUT")
    assert json.loads(requests[1].body.reveal()) == {
        **ASKED.document(),
        "client_id": "s6BhdRkqt3",
        "client_secret": "canary-secret",
    }
    without_secret = update_request(replace(BEFORE, client_secret=None), MANAGEMENT, ASKED)
    assert "client_secret" not in json.loads(without_secret.body.reveal())


def configuration(changes: dict[str, Any], *absent: str) -> Any:
    answer = {name: value for name, value in {**ANSWER, **changes}.items() if name not in absent}
    return outcome(lambda: read_configuration(json_response(answer), ASKED, BEFORE, now=NOW))


def test_what_comes_anew_replaces_what_we_had() -> None:
    """RFC 7592 section 3."""
    read = configuration({"registration_client_uri": f"{URI}/2", "registration_access_token": "new"})
    assert read.client_secret == Secret("cf136dc3c1fc93f31185e5885805d")
    assert read.secret_expires_at is None
    assert read.management == Management(f"{URI}/2", Secret("new"))


def test_what_does_not_come_stays() -> None:
    read = configuration({}, *SILENT)
    assert (read.client_secret, read.secret_expires_at) == (Secret("canary-secret"), 2893276800)
    assert read.management == MANAGEMENT
    assert read.registered == {"client_id": "s6BhdRkqt3", "redirect_uris": list(ASKED.redirect_uris)}


@pytest.mark.parametrize(
    ("changes", "reason", "evidence"),
    [
        ({"client_id": "other"}, Reason.REGISTRATION_REFUSED, "`client_id` is missing, or not as asked."),
        ({"client_id": None}, Reason.REGISTRATION_REFUSED, "`client_id` is missing, or not as asked."),
        (
            {"redirect_uris": ["https://evil.example/"]},
            Reason.REGISTRATION_REFUSED,
            "`redirect_uris` is missing, or not as asked.",
        ),
        (
            {"client_secret_expires_at": NOW},
            Reason.REGISTRATION_REFUSED,
            "`client_secret_expires_at` is missing, or not as asked.",
        ),
        (
            {"registration_client_uri": URI},
            Reason.RESPONSE_MALFORMED,
            "`registration_access_token` has to be a string that is not empty.",
        ),
    ],
)
def test_a_configuration_that_is_refused(changes: dict[str, Any], reason: Reason, evidence: str) -> None:
    refusal = configuration(changes)
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.evidence) == (reason, evidence)


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({"client_id": "x" * 513}, "`client_id` is too long, or not printable ASCII."),
        ({"client_id": "é"}, "`client_id` is too long, or not printable ASCII."),
        ({"client_secret": "canary-é"}, "`client_secret` is not printable ASCII."),
        (
            {"registration_client_uri": URI, "registration_access_token": "canary token"},
            "`registration_access_token` can not stand in a header.",
        ),
        (
            {"registration_client_uri": "http://server.example.com", "registration_access_token": "canary-token"},
            "`registration_client_uri` can not be used: the address has to begin with https.",
        ),
    ],
)
def test_what_is_said_of_an_answer_that_can_not_be_used(changes: dict[str, Any], evidence: str) -> None:
    response = json_response({**ANSWER, **changes}, 201)
    assert refused(lambda: read_registration(response, ASKED, now=NOW)) == (Reason.RESPONSE_MALFORMED, evidence)


def test_what_was_registered_is_kept_without_the_secrets() -> None:
    """The software statement, too: whoever has it can register in our name (RFC 7591 section 2.3)."""
    secrets = {"software_statement": "canary.software.statement", "client_secret": "canary-secret"}
    management = {"registration_client_uri": URI, "registration_access_token": "canary-token"}
    read = read_registration(json_response({**ANSWER, **secrets, **management, "more": 1}, 201), ASKED, now=NOW)
    kept = {"client_id", "client_secret_expires_at", "redirect_uris", "registration_client_uri", "more"}
    assert read.registered.keys() == kept


def test_a_configuration_that_needs_a_secret_and_has_none() -> None:
    answer = json_response({name: value for name, value in ANSWER.items() if name not in SILENT})
    before = replace(BEFORE, client_secret=None, secret_expires_at=None)
    refusal = outcome(lambda: read_configuration(answer, ASKED, before, now=NOW))
    assert isinstance(refusal, Refused)
    assert refusal.evidence == "`client_secret` is missing, or not as asked."


@pytest.mark.parametrize("status", [200, 204, 401])
def test_we_are_gone(status: int) -> None:
    read_deletion(HttpResponse(status, {}, b""))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
names = st.sampled_from([*ANSWER, "response_types", "registration_client_uri", "registration_access_token", "jwks_uri"])


@given(st.integers(100, 599), st.binary() | st.dictionaries(names, anything).map(lambda changes: ANSWER | changes))
def test_any_answer_is_read_or_refused(status: int, body: Any) -> None:
    for read in READERS:
        read_or_refused = outcome(lambda read=read: read(json_response(body, status)))  # type: ignore[misc]
        if isinstance(read_or_refused, Registration):
            assert read_or_refused.client_id == body["client_id"]

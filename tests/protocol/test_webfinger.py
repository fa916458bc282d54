"""Finding an issuer: the lines discovery-webfinger-acct and -url."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import Purpose
from entracte.protocol.webfinger import (
    MAXIMUM_BYTES,
    MAXIMUM_LINKS,
    RELATION,
    read_identifier,
    read_webfinger,
    webfinger_request,
)
from tests.protocol.refusals import is_silent_about, outcome, refused
from tests.protocol.signing import json_response, vectors

JRD = "application/jrd+json"
ISSUER = "https://server.example.com/tenant"
LINK = {"rel": RELATION, "href": ISSUER}
ANSWER: dict[str, Any] = {"subject": "acct:joe@example.com", "links": [LINK]}


def marked(vector: dict[str, Any]) -> Any:
    marks = [pytest.mark.conformance(*vector["lines"])] if vector["lines"] else []
    return pytest.param(vector, id=vector["id"], marks=marks)


@pytest.mark.parametrize("vector", [marked(vector) for vector in vectors("webfinger.json")])
def test_vectors(vector: dict[str, Any]) -> None:
    identifier = outcome(lambda: read_identifier(vector["typed"]))
    if "resource" not in vector:
        assert isinstance(identifier, Refused)
        assert identifier.reason is Reason.METADATA_MALFORMED
        assert identifier.evidence == "What was typed is no account, e-mail address, web address or host."
        assert is_silent_about(identifier, vector["typed"])
        return
    assert not isinstance(identifier, Refused)
    assert (identifier.resource, identifier.host) == (vector["resource"], vector["host"])
    assert identifier.resource not in repr(identifier)
    request = webfinger_request(identifier)
    assert (request.method, request.url, request.purpose) == ("GET", vector["url"], Purpose.WEBFINGER)
    assert request.accept == "application/jrd+json, application/json"


def test_a_host_that_may_be_asked_without_tls() -> None:
    identifier = read_identifier("joe@LocalHost")
    assert webfinger_request(identifier).url.startswith("https://LocalHost/")
    request = webfinger_request(identifier, insecure_allowed=lambda host: host == "localhost")
    assert request.url.startswith("http://LocalHost/.well-known/webfinger?resource=acct%3Ajoe%40LocalHost&rel=")


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        {"links": [LINK]},
        {**ANSWER, "subject": "acct:somebody@else.example"},
        {"links": [None] * (MAXIMUM_LINKS - 1) + [LINK]},
        {"links": [None, {"rel": "other", "href": "http://x"}, LINK, {**LINK, "href": "https://second.example"}]},
    ],
)
@pytest.mark.conformance("discovery-webfinger-acct", "discovery-webfinger-url")
def test_the_issuer(answer: dict[str, Any]) -> None:
    for media_type in (JRD, "application/json"):
        assert read_webfinger(json_response(answer, media_type=media_type)) == ISSUER


def test_an_issuer_without_tls_where_that_is_allowed() -> None:
    answer = json_response({"links": [{**LINK, "href": "http://localhost:8080"}]})
    assert read_webfinger(answer, insecure_allowed=lambda host: host == "localhost") == "http://localhost:8080"


def test_an_answer_as_large_as_may_be() -> None:
    answer = json.dumps(ANSWER).encode()
    assert read_webfinger(json_response(answer.ljust(MAXIMUM_BYTES), media_type=JRD)) == ISSUER
    larger = json_response(answer.ljust(MAXIMUM_BYTES + 1), media_type=JRD)
    evidence = "The answer can not be read: larger than the limit."
    assert refused(lambda: read_webfinger(larger)) == (Reason.METADATA_MALFORMED, evidence)


NO_LINK = "No link names an issuer."
NO_LIST = "`links` has to be a list of at most 100."


@pytest.mark.parametrize(
    ("answer", "reason", "evidence"),
    [
        ({}, Reason.METADATA_LACKS, NO_LINK),
        ({"links": []}, Reason.METADATA_LACKS, NO_LINK),
        ({"links": [{**LINK, "rel": RELATION + "/"}]}, Reason.METADATA_LACKS, NO_LINK),
        ({"links": {"rel": RELATION}}, Reason.METADATA_MALFORMED, NO_LIST),
        ({"links": None}, Reason.METADATA_MALFORMED, NO_LIST),
        ({"links": [LINK] * (MAXIMUM_LINKS + 1)}, Reason.METADATA_MALFORMED, NO_LIST),
        ({**ANSWER, "subject": 7}, Reason.METADATA_MALFORMED, "`subject` is not a string."),
        ([], Reason.METADATA_MALFORMED, "The answer is not a JSON object."),
    ],
)
def test_an_answer_that_is_refused(answer: Any, reason: Reason, evidence: str) -> None:
    response = json_response(answer, media_type=JRD)
    assert refused(lambda: read_webfinger(response)) == (reason, evidence)


NO_ADDRESS = "an issuer is an address without a query"


@pytest.mark.parametrize(
    ("href", "problem"),
    [
        (None, NO_ADDRESS),
        (7, NO_ADDRESS),
        ("", "the address has to begin with https"),
        ("http://server.example.com", "the address has to begin with https"),
        ("https://server.example.com?a=b", NO_ADDRESS),
        ("https://server.example.com#a", "the address holds a fragment"),
        ("https://a@server.example.com", "the address holds a user name"),
        ("javascript:alert(1)", "the address has to begin with https"),
    ],
)
def test_an_issuer_that_is_refused(href: Any, problem: str) -> None:
    response = json_response({"links": [{"rel": RELATION, "href": href}]}, media_type=JRD)
    evidence = f"The issuer can not be used: {problem}."
    assert refused(lambda: read_webfinger(response)) == (Reason.METADATA_MALFORMED, evidence)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, Reason.METADATA_LACKS),
        (410, Reason.METADATA_LACKS),
        (400, Reason.METADATA_MALFORMED),
        (301, Reason.RESPONSE_REDIRECTED),
        (503, Reason.PROVIDER_ERROR),
    ],
)
def test_a_status(status: int, reason: Reason) -> None:
    response = json_response(ANSWER, status)
    assert refused(lambda: read_webfinger(response)) == (reason, f"The status was {status}.")


@given(st.text() | st.from_regex(r"(acct:|https?://)?[^ ]{0,9}@?[a-z:/.?#@]{1,20}", fullmatch=True))
def test_any_text_is_an_identifier_or_refused(typed: str) -> None:
    identifier = outcome(lambda: read_identifier(typed))
    if not isinstance(identifier, Refused):
        assert webfinger_request(identifier).url.isascii()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(RELATION),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["links", "rel", "href", "subject"]), inner),
    max_leaves=8,
)


@given(st.integers(100, 599), st.binary() | anything)
def test_any_answer_is_read_or_refused(status: int, body: Any) -> None:
    issuer = outcome(lambda: read_webfinger(json_response(body, status)))
    assert isinstance(issuer, Refused) or issuer.startswith("https://")

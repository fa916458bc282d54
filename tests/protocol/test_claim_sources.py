"""Aggregated and distributed claims: MUST 34, MUST 29."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.claim_sources import (
    MEDIA_TYPE,
    PROTECTED,
    AggregatedSource,
    ClaimSource,
    DistributedSource,
    MergedClaims,
    SourcedClaims,
    TrustedSource,
    claim_request,
    is_allowed,
    issuer_inside,
    merge_claims,
    read_claim_sources,
    read_claim_token,
    verify_claim_source,
)
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jws import UnknownKey
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome, refused
from tests.protocol.signing import NOW, elliptic_signer, json_part, json_response, key_set, vectors

SIGNER = elliptic_signer("ES256", kid="one")
BANK = "https://bank.example.com"
TRUSTED = TrustedSource(BANK, key_set(SIGNER.jwk), frozenset({"ES256"}), frozenset({BANK}))
CLAIMS: dict[str, Any] = {
    "iss": BANK,
    "address": {"street_address": "canary 1234 Hollywood Blvd.", "country": "US"},
    "phone_number": "+1 (310) 123-4567",
    "credit_score": 650,
}
ABSENT = object()


def aggregated(*names: str) -> AggregatedSource:
    return AggregatedSource(frozenset(names), Secret("a.b.c"))


def distributed(endpoint: str, access_token: str | None = None) -> DistributedSource:
    return DistributedSource(frozenset({"credit_score"}), endpoint, Secret(access_token) if access_token else None)


def marked(vector: dict[str, Any]) -> Any:
    marks = [pytest.mark.conformance(*vector["lines"])] if vector["lines"] else []
    return pytest.param(vector, id=vector["id"], marks=marks)


def described(source: ClaimSource) -> dict[str, Any]:
    if isinstance(source, AggregatedSource):
        return {"names": sorted(source.names), "token": source.token.reveal()}
    token = source.access_token.reveal() if source.access_token else None
    return {"names": sorted(source.names), "endpoint": source.endpoint, "access_token": token}


@pytest.mark.parametrize("vector", [marked(vector) for vector in vectors("claim_sources.json")])
def test_vectors(vector: dict[str, Any]) -> None:
    sources = outcome(lambda: read_claim_sources(vector["document"]))
    if "reason" in vector:
        assert isinstance(sources, Refused)
        assert sources.reason.code == vector["reason"]
        return
    assert not isinstance(sources, Refused)
    assert [described(source) for source in sources] == vector["sources"]
    assert "ksj3n283dke" not in repr(sources)
    assert "jwt_part2" not in repr(sources)


NOBODY_ELSE = [
    "iss", "sub", "aud", "azp", "exp", "nbf", "iat", "jti", "nonce", "auth_time", "acr", "amr", "sid", "events",
    "at_hash", "c_hash", "s_hash", "cnf", "email_verified", "phone_number_verified", "_claim_names", "_claim_sources",
]  # fmt: skip


@pytest.mark.parametrize("name", NOBODY_ELSE)
@pytest.mark.conformance("MUST 34")
def test_must_34_what_nobody_else_can_say(name: str) -> None:
    document = {"_claim_names": {name: "s"}, "_claim_sources": {"s": {"JWT": "a"}}}
    assert refused(lambda: read_claim_sources(document))[0] is Reason.CLAIM_SOURCE


@pytest.mark.parametrize(
    ("names", "sources", "evidence"),
    [
        ({"a": "s"}, None, "The sources of claims are not described."),
        ({"a": "s"}, {"other": {"JWT": "a"}}, "The sources of claims are not described."),
        ({f"a{number}": "s" for number in range(51)}, {}, "There are more than 50 claims of others."),
        ({"sub": "s"}, {}, "A claim is not for others to say, or its source has no name."),
        ({"a": 7}, {}, "A claim is not for others to say, or its source has no name."),
        ({f"a{number}": f"s{number}" for number in range(6)}, {}, "There are more than 5 sources."),
        ({"a": "s"}, {"s": {}}, "A source has to have a token or an endpoint, and one of them."),
        ({"a": "s"}, {"s": {"JWT": 7}}, "A source is described by something that is not a text."),
        ({"a": "s"}, {"s": {"endpoint": ""}}, "A source is described by something that is not a text."),
    ],
)
def test_what_is_said_of_sources_that_can_not_be_read(names: Any, sources: Any, evidence: str) -> None:
    document = {"_claim_names": names, "_claim_sources": sources}
    assert refused(lambda: read_claim_sources(document)) == (Reason.CLAIM_SOURCE, evidence)


@pytest.mark.conformance("distributed-claims")
def test_the_request() -> None:
    """Section 5.6.2.2 and RFC 6750 section 2.1."""
    source = distributed("https://creditagency.example.com/claims_here", "ksj3n283dke")
    request = claim_request(source, {BANK, "https://creditagency.example.com"})
    assert (request.method, request.url, request.purpose) == (
        "GET",
        "https://creditagency.example.com/claims_here",
        Purpose.CLAIM_SOURCE,
    )
    assert request.accept == MEDIA_TYPE
    assert request.secret_headers["Authorization"].reveal() == "Bearer ksj3n283dke"
    assert "ksj3n283dke" not in repr(request)


def test_the_request_without_a_token() -> None:
    assert claim_request(distributed(f"{BANK}/claim_source"), {BANK}).secret_headers == {}


def test_the_request_without_tls_where_the_connection_names_that_origin() -> None:
    """The list decides, not the scheme: a server on one's own machine, to try it."""
    source = distributed("http://127.0.0.1:8080/claims")
    assert claim_request(source, {"http://127.0.0.1:8080"}).url == "http://127.0.0.1:8080/claims"


def test_whether_a_source_is_at_an_allowed_place() -> None:
    assert is_allowed(distributed(f"{BANK}/claims"), {BANK})
    assert not is_allowed(distributed("https://evil.example/claims"), {BANK})
    with pytest.raises(Refused):
        is_allowed(distributed("not an address"), {BANK})


UNKNOWN = "The endpoint of a source is none that the connection allows."
UNUSABLE = "The endpoint of a source is no address that can be used."
UNSENDABLE = "The access token of a source has characters that can not stand in a header."


@pytest.mark.parametrize(
    ("endpoint", "access_token", "evidence"),
    [
        ("https://evil.example/claims", None, UNKNOWN),
        ("https://bank.example.com:8443/claims", None, UNKNOWN),
        ("https://bank.example.com.evil.example/claims", None, UNKNOWN),
        ("http://bank.example.com/claims", None, UNKNOWN),
        ("https://bank.example.com@evil.example/claims", None, UNUSABLE),
        ("http://169.254.169.254/latest", None, UNKNOWN),
        ("not an address", None, UNUSABLE),
        (f"{BANK}/claims", "a\r\nX: y", UNSENDABLE),
        (f"{BANK}/claims", "a b", UNSENDABLE),
    ],
)
@pytest.mark.conformance("MUST 34")
def test_must_34_no_request_to_whom_the_connection_does_not_know(
    endpoint: str, access_token: str | None, evidence: str
) -> None:
    refusal = outcome(lambda: claim_request(distributed(endpoint, access_token), {BANK}))
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.evidence) == (Reason.CLAIM_SOURCE, evidence)
    assert is_silent_about(refusal, endpoint)


def test_the_answer_with_claims() -> None:
    for body in (b"a.b.c\n", b"a.b.c".ljust(65536)):
        response = HttpResponse(200, {"content-type": "application/jwt"}, body)
        assert read_claim_token(response) == Secret("a.b.c")


@pytest.mark.parametrize(
    ("status", "media_type", "body", "reason", "evidence"),
    [
        (401, MEDIA_TYPE, b"", Reason.CLAIM_SOURCE, "The status was 401."),
        (403, MEDIA_TYPE, b"", Reason.CLAIM_SOURCE, "The status was 403."),
        (302, MEDIA_TYPE, b"", Reason.RESPONSE_REDIRECTED, "The status was 302."),
        (500, MEDIA_TYPE, b"", Reason.PROVIDER_ERROR, "The status was 500."),
        (404, MEDIA_TYPE, b"", Reason.RESPONSE_MALFORMED, "The status was 404."),
        (
            200,
            "application/json",
            b"{}",
            Reason.RESPONSE_MALFORMED,
            "The media type of the claims is not application/jwt.",
        ),
        (200, MEDIA_TYPE, "ä".encode(), Reason.TOKEN_MALFORMED, "The claims are not a token within the limits."),
        (200, MEDIA_TYPE, b"x" * 65537, Reason.TOKEN_MALFORMED, "The claims are not a token within the limits."),
    ],
)
def test_an_answer_that_is_refused(status: int, media_type: str, body: bytes, reason: Reason, evidence: str) -> None:
    response = json_response(body, status, media_type)
    assert refused(lambda: read_claim_token(response)) == (reason, evidence)


@pytest.mark.parametrize(
    ("token", "issuer"),
    [
        (SIGNER.sign(CLAIMS), BANK),
        (SIGNER.sign({}), ""),
        (SIGNER.sign({"iss": 7}), ""),
        (SIGNER.sign([BANK]), ""),
        (f"{json_part({'alg': 'none'})}.{json_part(CLAIMS)}.", ""),
        (SIGNER.sign({"iss": BANK, "more": "x" * 65536}), ""),
        ("a.ä.c", ""),
        ("a.b", ""),
        ("x" * 70000, ""),
        ("", ""),
    ],
)
def test_the_issuer_before_anything_is_proven(token: str, issuer: str) -> None:
    assert issuer_inside(Secret(token)) == issuer


def test_the_issuer_of_a_token_as_long_as_may_be() -> None:
    token = SIGNER.sign(CLAIMS)
    for length, issuer in ((65536, BANK), (65537, "")):
        assert issuer_inside(Secret(token.ljust(length, "A"))) == issuer


def verify(changes: dict[str, Any], source: ClaimSource | None = None, **header: Any) -> Any:
    members = {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}
    token = Secret(SIGNER.sign(members, **{"kid": "one", **header}))
    named = source or aggregated("address", "phone_number", "birthdate")
    return outcome(lambda: verify_claim_source(token, named, TRUSTED, client_id="s6BhdRkqt3", now=NOW))


@pytest.mark.conformance("aggregated-claims")
def test_the_claims_that_the_source_was_named_for() -> None:
    proven = verify({"sub": "somebody", "email_verified": True})
    assert proven == SourcedClaims(BANK, {name: CLAIMS[name] for name in ("address", "phone_number")})
    assert "canary" not in repr(proven)


@pytest.mark.conformance("distributed-claims")
def test_distributed_claims() -> None:
    for typ in ("JWT", "application/jwt"):
        proven = verify({}, distributed(f"{BANK}/claim_source"), typ=typ)
        assert proven == SourcedClaims(BANK, {"credit_score": 650})


@pytest.mark.conformance("MUST 34")
def test_must_34_one_source_does_not_speak_for_another() -> None:
    for endpoint, evidence in (
        ("https://creditagency.example.com/claims", "The endpoint of a source is not that of the issuer."),
        ("not an address", UNUSABLE),
    ):
        refusal = verify({}, distributed(endpoint))
        assert (refusal.reason, refusal.evidence) == (Reason.CLAIM_SOURCE, evidence)


@pytest.mark.parametrize("changes", [{"aud": ["other", "s6BhdRkqt3"]}, {"exp": NOW, "nbf": NOW, "iat": NOW}])
def test_what_may_be_there(changes: dict[str, Any]) -> None:
    assert isinstance(verify(changes), SourcedClaims)


@pytest.mark.parametrize(
    ("changes", "header", "reason", "evidence"),
    [
        ({"iss": "https://evil.example"}, {}, Reason.TOKEN_ISSUER, f"`iss` does not match. Expected {BANK}."),
        (
            {"iss": BANK + "/"},
            {},
            Reason.TOKEN_ISSUER,
            f"`iss` does not match. Expected {BANK}; only a slash at the end differs.",
        ),
        ({"iss": ABSENT}, {}, Reason.TOKEN_CLAIM, "`iss` is missing."),
        ({"aud": "other"}, {}, Reason.TOKEN_AUDIENCE, "`aud` does not match."),
        ({"exp": NOW - 60}, {}, Reason.TOKEN_EXPIRED, "`exp` does not match."),
        ({"nbf": NOW + 61}, {}, Reason.TOKEN_EXPIRED, "`nbf` does not match."),
        ({"iat": NOW + 61}, {}, Reason.TOKEN_EXPIRED, "`iat` does not match."),
        ({}, {"typ": "at+jwt"}, Reason.TOKEN_CLAIM, "The header's `typ` is not that of a token with claims."),
        ({}, {"typ": 7}, Reason.TOKEN_CLAIM, "The header's `typ` is not that of a token with claims."),
        ({}, {"alg": "none"}, Reason.TOKEN_ALGORITHM, "Expected ES256; got none."),
    ],
)
@pytest.mark.conformance("MUST 34")
def test_must_34_a_token_that_is_refused(
    changes: dict[str, Any], header: dict[str, Any], reason: Reason, evidence: str
) -> None:
    refusal = verify(changes, **header)
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.evidence) == (reason, evidence)
    assert is_silent_about(refusal, "https://evil.example", "+1 (310) 123-4567")


@pytest.mark.conformance("MUST 34")
def test_must_34_a_stranger_s_signature_and_an_unknown_key() -> None:
    stranger = Secret(elliptic_signer("ES256").sign(CLAIMS, kid="one"))
    refusal = outcome(lambda: verify_claim_source(stranger, aggregated("a"), TRUSTED, client_id="c", now=NOW))
    assert isinstance(refusal, Refused)
    assert refusal.reason is Reason.TOKEN_SIGNATURE
    with pytest.raises(UnknownKey):
        verify({}, kid="two")


DOCUMENT: dict[str, Any] = {
    "sub": "248289761001",
    "name": "Jane Doe",
    "email": None,
    "_claim_names": {"address": "s"},
    "_claim_sources": {"s": {"JWT": "a.b.c"}},
}


@pytest.mark.conformance("aggregated-claims", "distributed-claims")
def test_a_document_and_what_its_sources_add() -> None:
    merged = merge_claims(DOCUMENT, [SourcedClaims(BANK, {"address": {"country": "US"}, "credit_score": 650})])
    assert merged == MergedClaims(
        {"sub": "248289761001", "name": "Jane Doe", "email": None, "address": {"country": "US"}, "credit_score": 650},
        {"address": BANK, "credit_score": BANK},
    )
    assert "Jane" not in repr(merged)


def test_a_document_without_sources() -> None:
    assert merge_claims({"sub": "a"}, []) == MergedClaims({"sub": "a"}, {})


@pytest.mark.conformance("MUST 34")
def test_must_34_what_the_document_says_stays_and_the_first_source_is_believed() -> None:
    first = SourcedClaims(BANK, {"name": "Mallory", "email": "mallory@evil.example", "credit_score": 1})
    second = SourcedClaims("https://creditagency.example.com", {"credit_score": 2, "payment_info": "x"})
    merged = merge_claims(DOCUMENT, [first, second])
    assert merged.claims["name"] == "Jane Doe"
    assert merged.claims["email"] is None
    assert merged.claims["credit_score"] == 1
    assert merged.issuers == {"credit_score": BANK, "payment_info": "https://creditagency.example.com"}


@pytest.mark.parametrize(
    ("voucher", "name"),
    [("email_verified", "email"), ("email_verified", "email#en"), ("phone_number_verified", "phone_number")],
)
@pytest.mark.conformance("MUST 29", "MUST 34")
def test_must_29_nothing_comes_in_under_a_voucher_of_another(voucher: str, name: str) -> None:
    source = SourcedClaims(BANK, {name: "mallory@evil.example"})
    assert merge_claims({"sub": "a", voucher: True}, [source]).claims == {"sub": "a", voucher: True}
    assert merge_claims({"sub": "a"}, [source]).issuers == {name: BANK}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("s"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["s", "JWT", "endpoint", "access_token", "sub", "a"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["_claim_names", "_claim_sources", "sub"]), anything))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    sources = outcome(lambda: read_claim_sources(document))
    for source in () if isinstance(sources, Refused) else sources:
        assert not source.names & PROTECTED
        if isinstance(source, DistributedSource):
            assert isinstance(outcome(lambda source=source: claim_request(source, set())), Refused)  # type: ignore[misc]


@given(st.dictionaries(st.sampled_from([*CLAIMS, "aud", "exp", "nbf", "iat", "sub"]), anything, max_size=4), st.text())
def test_any_token_is_verified_or_refused(changes: dict[str, Any], text: str) -> None:
    assert issuer_inside(Secret(text)) == ""
    proven = verify(changes)
    assert isinstance(proven, Refused) or proven.claims.keys() <= {"address", "phone_number", "birthdate"}

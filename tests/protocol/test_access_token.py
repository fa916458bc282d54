"""JWT access tokens: MUST 31, BAD 42, RFC 9068."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.access_token import AccessTokenExpectation, verify_access_token
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.id_token import UnknownKey, VerifiedClaims
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import NOW, elliptic_signer, key_set

ISSUER, AUDIENCE = "https://as.example", "https://api.example"
EXPECTED = AccessTokenExpectation(ISSUER, AUDIENCE, frozenset({"ES256"}))
LENIENT = AccessTokenExpectation(ISSUER, AUDIENCE, frozenset({"ES256"}), EXPECTED.types | {"jwt"})
SIGNER = elliptic_signer("ES256", kid="one")
KEYS = key_set(SIGNER.jwk)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "5ba552d67",
    "aud": AUDIENCE,
    "exp": NOW + 300,
    "iat": NOW,
    "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
    "client_id": "s6BhdRkqt3",
    "email": "canary@example.com",
}
ABSENT = object()
SLASH = f"Expected {ISSUER}; only a slash at the end differs."


def verify(
    changes: dict[str, Any], *, typ: Any = "at+jwt", expected: AccessTokenExpectation = EXPECTED
) -> VerifiedClaims:
    members = {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}
    return verify_access_token(Secret(SIGNER.sign(members, typ=typ)), KEYS, expected, now=NOW)


def refusal(changes: dict[str, Any], *, typ: Any = "at+jwt", expected: AccessTokenExpectation = EXPECTED) -> Reason:
    with pytest.raises(Refused) as refused:
        verify(changes, typ=typ, expected=expected)
    assert is_silent_about(refused.value, "5ba552d67", "canary@example.com", *changes.values())
    return refused.value.reason


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_everything_right(typ: str) -> None:
    verified = verify({}, typ=typ)
    assert (verified.issuer, verified.subject, verified.claims) == (ISSUER, "5ba552d67", CLAIMS)


@pytest.mark.conformance("MUST 31")
@pytest.mark.parametrize("typ", ["JWT", "jwt", None, "", "id+jwt", 1, ["at+jwt"]])
def test_must_31_another_type(typ: Any) -> None:
    assert refusal({}, typ=typ) is Reason.TOKEN_CLAIM


@pytest.mark.conformance("MUST 31")
def test_must_31_the_type_jwt_where_a_connection_says_so() -> None:
    assert verify({}, typ="JWT", expected=LENIENT).subject == "5ba552d67"
    assert refusal({}, typ=None, expected=LENIENT) is Reason.TOKEN_CLAIM


@pytest.mark.conformance("MUST 31")
@pytest.mark.parametrize("name", ["at_hash", "c_hash"])
def test_must_31_an_id_token_is_no_access_token(name: str) -> None:
    assert refusal({name: "77QmUPtjPfzWtF2AnpK9RQ"}, typ="JWT", expected=LENIENT) is Reason.TOKEN_CLAIM


@pytest.mark.parametrize("audience", [[AUDIENCE], [AUDIENCE, "https://other.example"]])
def test_an_audience_with_us_in_it(audience: list[str]) -> None:
    """RFC 9068 section 4: it contains us; a token for several resources is usual."""
    assert verify({"aud": audience}).subject == "5ba552d67"


@pytest.mark.conformance("BAD 42")
@pytest.mark.parametrize("audience", ["https://other.example", ["https://other.example"], AUDIENCE + "/", "s6BhdRkqt3"])
def test_bad_42_another_audience(audience: Any) -> None:
    assert refusal({"aud": audience}) is Reason.TOKEN_AUDIENCE


def test_another_issuer() -> None:
    assert refusal({"iss": "https://as.example/"}) is Reason.TOKEN_ISSUER


@pytest.mark.conformance("BAD 42")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("iss", Reason.TOKEN_CLAIM),
        ("sub", Reason.TOKEN_SUBJECT),
        ("aud", Reason.TOKEN_CLAIM),
        ("exp", Reason.TOKEN_CLAIM),
    ],
)
def test_bad_42_a_claim_that_is_missing_or_no_such_thing(name: str, reason: Reason) -> None:
    for value in (ABSENT, None, True, [], {}):
        assert refusal({name: value}) is reason


@pytest.mark.parametrize("changes", [{"exp": NOW - 60}, {"nbf": NOW + 61}, {"iat": NOW + 61}])
def test_not_in_time(changes: dict[str, int]) -> None:
    assert refusal(changes) is Reason.TOKEN_EXPIRED


@pytest.mark.parametrize("changes", [{"exp": NOW - 59}, {"nbf": NOW + 60}, {"iat": ABSENT}, {"jti": ABSENT}])
def test_in_time_and_what_may_be_absent(changes: dict[str, Any]) -> None:
    assert verify(changes).subject == "5ba552d67"


def test_a_stranger_s_signature_and_an_unknown_key() -> None:
    stranger = elliptic_signer("ES256")
    with pytest.raises(Refused) as refused:
        verify_access_token(Secret(stranger.sign(CLAIMS, typ="at+jwt")), KEYS, EXPECTED, now=NOW)
    assert refused.value.reason is Reason.TOKEN_SIGNATURE
    with pytest.raises(UnknownKey):
        verify_access_token(Secret(SIGNER.sign(CLAIMS, typ="at+jwt", kid="two")), KEYS, EXPECTED, now=NOW)


@pytest.mark.parametrize("token", ["", "2YotnFZFEjr1zCsicMWpAA", "a.b.c"])
def test_an_opaque_token(token: str) -> None:
    with pytest.raises(Refused) as refused:
        verify_access_token(Secret(token), KEYS, EXPECTED, now=NOW)
    assert refused.value.reason is Reason.TOKEN_MALFORMED


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ISSUER, AUDIENCE, NOW]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), anything, max_size=4), anything)
def test_any_claims_are_verified_or_refused(changes: dict[str, Any], typ: Any) -> None:
    for kind in ("at+jwt", typ):
        result = outcome(lambda kind=kind: verify(changes, typ=kind))  # type: ignore[misc]
        if isinstance(result, Refused):
            assert is_silent_about(result, *(value for value in changes.values() if value != ISSUER))
        else:
            assert result.issuer == ISSUER


@pytest.mark.parametrize(
    ("changes", "typ", "expected", "evidence"),
    [
        ({}, "JWT", EXPECTED, "The header's `typ` is not application/at+jwt or at+jwt."),
        ({"at_hash": "a"}, "JWT", LENIENT, "The token is an ID token, not an access token."),
        ({"iss": f"{ISSUER}/"}, "at+jwt", EXPECTED, f"`iss` does not match. {SLASH}"),
        ({"aud": "https://other.example"}, "at+jwt", EXPECTED, "`aud` does not match."),
    ],
)  # fmt: skip
def test_the_evidence(changes: dict[str, Any], typ: str, expected: AccessTokenExpectation, evidence: str) -> None:
    with pytest.raises(Refused) as refused:
        verify(changes, typ=typ, expected=expected)
    assert refused.value.evidence == evidence

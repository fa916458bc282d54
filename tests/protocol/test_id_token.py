"""The ID token: B1 to B5, B12; MUST 15 to 18, 27, 30, 31; BAD 13, 18, 42."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.id_token import (
    CLOCK_SKEW,
    HASHES,
    MAXIMUM_AGE,
    IdTokenExpectation,
    UnknownKey,
    VerifiedClaims,
    check_access_token_hash,
    verify_id_token,
)
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import ALGORITHMS, NOW, elliptic_signer, key_set, rsa_signer, signer, vectors

ISSUER, CLIENT, NONCE = "https://as.example", "s6BhdRkqt3", "n-0S6_WzA2Mj"
EXPECTED = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({"ES256"}))
SIGNER = elliptic_signer("ES256", kid="one")
KEYS = key_set(SIGNER.jwk)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "24400320",
    "aud": CLIENT,
    "nonce": NONCE,
    "exp": NOW + 300,
    "iat": NOW - 10,
    "email": "canary@example.com",
}
ABSENT = object()


def claims(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}


def verify(given_claims: Any, *, access_token: Secret | None = None, **header: Any) -> VerifiedClaims:
    token = SIGNER.sign(given_claims, **header)
    return verify_id_token(Secret(token), KEYS, EXPECTED, now=NOW, access_token=access_token)


def refusal(**changes: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        verify(claims(**changes))
    assert is_silent_about(refused.value, "24400320", "canary@example.com", NONCE, *changes.values())
    return refused.value


def test_b1_everything_right() -> None:
    verified = verify(CLAIMS, kid="one")
    assert (verified.issuer, verified.subject) == (ISSUER, "24400320")
    assert verified.claims == CLAIMS


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(algorithm: str) -> None:
    made = signer(algorithm)
    expectation = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({algorithm}))
    verified = verify_id_token(Secret(made.sign(CLAIMS)), key_set(made.jwk), expectation, now=NOW)
    assert verified.subject == "24400320"


def test_nothing_personal_is_shown() -> None:
    """MUST 53: neither claims, nor subject, nor nonce."""
    shown = repr(verify(CLAIMS)) + repr(EXPECTED)
    assert "canary" not in shown
    assert "24400320" not in shown
    assert NONCE not in shown


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("iss", Reason.TOKEN_CLAIM),
        ("sub", Reason.TOKEN_SUBJECT),
        ("aud", Reason.TOKEN_CLAIM),
        ("exp", Reason.TOKEN_CLAIM),
        ("iat", Reason.TOKEN_CLAIM),
        ("nonce", Reason.TOKEN_CLAIM),
    ],
)
def test_b3_b5_a_claim_that_is_missing(name: str, reason: Reason) -> None:
    """missing-sub, missing-iat, missing-iss, missing-aud, missing-exp, missing-nonce."""
    refused = refusal(**{name: ABSENT})
    assert refused.reason is reason
    assert refused.evidence == f"`{name}` is missing."


@pytest.mark.parametrize("value", [None, True, [], {}, [1], ""])
@pytest.mark.parametrize("name", ["iss", "sub", "aud", "azp", "exp", "nbf", "iat", "nonce"])
def test_bad_18_a_claim_of_the_wrong_type(name: str, value: Any) -> None:
    refused = refusal(**{name: value})
    assert refused.reason is (Reason.TOKEN_SUBJECT if name == "sub" else Reason.TOKEN_CLAIM)
    assert refused.evidence == f"`{name}` is of the wrong type."


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "azp", "nonce"])
def test_bad_18_a_number_where_a_string_is_expected(name: str) -> None:
    assert refusal(**{name: 1}).reason in {Reason.TOKEN_SUBJECT, Reason.TOKEN_CLAIM}


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_must_17_a_string_where_a_number_is_expected(name: str) -> None:
    assert refusal(**{name: str(NOW)}).reason is Reason.TOKEN_CLAIM


@pytest.mark.parametrize(
    ("issuer", "evidence"),
    [
        ("https://as.example/", "only a slash at the end differs"),
        ("https://AS.example", "only upper and lower case differ"),
        ("https://evil.example", "Expected https://as.example."),
        ("https://as.example\u200b", "Expected https://as.example."),
        ("http://as.example", "Expected https://as.example."),
    ],
)
def test_b2_must_15_another_issuer(issuer: str, evidence: str) -> None:
    refused = refusal(iss=issuer)
    assert refused.reason is Reason.TOKEN_ISSUER
    assert evidence in refused.evidence


@pytest.mark.parametrize("changes", [{"aud": [CLIENT]}, {"azp": CLIENT}, {"aud": [CLIENT], "azp": CLIENT}])
def test_must_16_an_audience_that_is_us_alone(changes: dict[str, Any]) -> None:
    """valid-aud-as-array."""
    assert verify(claims(**changes)).subject == "24400320"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT, "another-client"], "azp": CLIENT},
        {"aud": [CLIENT, CLIENT]},
        {"aud": CLIENT.lower()},
        {"aud": f"{CLIENT} another-client"},
        {"azp": "another-client"},
    ],
    ids=repr,
)
def test_b4_must_16_another_audience(changes: dict[str, Any]) -> None:
    """invalid-aud, invalid-secondary-aud."""
    assert refusal(**changes).reason is Reason.TOKEN_AUDIENCE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - CLOCK_SKEW + 1}, None),
        ({"exp": NOW - CLOCK_SKEW}, Reason.TOKEN_EXPIRED),
        ({"exp": NOW - 301}, Reason.TOKEN_EXPIRED),
        ({"exp": 0}, Reason.TOKEN_EXPIRED),
        ({"exp": -1}, Reason.TOKEN_EXPIRED),
        ({"exp": NOW + 0.5}, None),
        ({"exp": 1e300}, None),
        ({"nbf": NOW + CLOCK_SKEW}, None),
        ({"nbf": NOW + CLOCK_SKEW + 1}, Reason.TOKEN_EXPIRED),
        ({"nbf": 0}, None),
        ({"iat": NOW + CLOCK_SKEW}, None),
        ({"iat": NOW + CLOCK_SKEW + 1}, Reason.TOKEN_EXPIRED),
        ({"iat": NOW - MAXIMUM_AGE}, None),
        ({"iat": NOW - MAXIMUM_AGE - 1}, Reason.TOKEN_TOO_OLD),
        ({"iat": NOW - 7 * 86_400}, Reason.TOKEN_TOO_OLD),
        ({"iat": 0}, Reason.TOKEN_TOO_OLD),
        ({"iat": float(NOW)}, None),
    ],
    ids=repr,
)
def test_must_17_the_edges_of_time(changes: dict[str, Any], reason: Reason | None) -> None:
    """invalid-expired-exp, iat-is-week-in-past."""
    if reason is None:
        assert verify(claims(**changes)).subject == "24400320"
    else:
        assert refusal(**changes).reason is reason


@pytest.mark.parametrize("nonce", ["another-nonce", NONCE + "x", NONCE[:-1], NONCE.lower(), "é"])
def test_b12_must_18_another_nonce(nonce: str) -> None:
    assert refusal(nonce=nonce).reason is Reason.TOKEN_NONCE


def test_must_18_an_expectation_without_a_nonce_meets_no_token() -> None:
    expectation = IdTokenExpectation(ISSUER, CLIENT, "", frozenset({"ES256"}))
    for nonce in ("", NONCE, ABSENT):
        with pytest.raises(Refused):
            verify_id_token(Secret(SIGNER.sign(claims(nonce=nonce))), KEYS, expectation, now=NOW)


@pytest.mark.parametrize("subject", ["x" * 256, "a\x00b", "a\nb"])
def test_must_17_a_subject_that_can_not_be_used(subject: str) -> None:
    assert refusal(sub=subject).reason is Reason.TOKEN_SUBJECT


@pytest.mark.parametrize("subject", ["User1", "user1", "x" * 255, "Jürgen", "0", " a"])
def test_must_30_the_subject_comes_byte_for_byte(subject: str) -> None:
    assert verify(claims(sub=subject)).subject == subject


@pytest.mark.parametrize("kind", ["JWT", "jwt", "application/jwt"])
def test_the_types_of_an_id_token(kind: str) -> None:
    assert verify(CLAIMS, typ=kind).subject == "24400320"


@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "", 1, [], {"a": 1}])
def test_must_31_another_type_is_no_id_token(kind: Any) -> None:
    """BAD 42, the other way round: an access token with all the right claims."""
    with pytest.raises(Refused) as refused:
        verify(CLAIMS, typ=kind)
    assert refused.value.reason is Reason.TOKEN_CLAIM


def test_the_signature_comes_first() -> None:
    """A stranger's token tells nothing about what the claims should be."""
    stranger = elliptic_signer("ES256")
    with pytest.raises(Refused) as refused:
        verify_id_token(Secret(stranger.sign({})), KEYS, EXPECTED, now=NOW)
    assert refused.value.reason is Reason.TOKEN_SIGNATURE


def test_an_unknown_key_is_left_to_the_caller() -> None:
    with pytest.raises(UnknownKey):
        verify(CLAIMS, kid="two")


@pytest.mark.parametrize("vector", vectors("at_hash.json"), ids=lambda vector: vector["id"])
def test_at_hash_vectors(vector: dict[str, str]) -> None:
    made = rsa_signer(vector["algorithm"])
    expectation = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({vector["algorithm"]}))
    token = Secret(made.sign(claims(at_hash=vector["at_hash"])))
    given_token = Secret(vector["access_token"])
    verified = verify_id_token(token, key_set(made.jwk), expectation, now=NOW, access_token=given_token)
    assert verified.subject == "24400320"
    with pytest.raises(Refused) as refused:
        verify_id_token(token, key_set(made.jwk), expectation, now=NOW, access_token=Secret("another-token"))
    assert refused.value.reason is Reason.TOKEN_HASH
    assert "another-token" not in str(refused.value)


@pytest.mark.parametrize("at_hash", ["", "77QmUPtjPfzWtF2AnpK9RR", "77QmUPtjPfzWtF2AnpK9RQ==", "é", None, 1, [], {}])
def test_must_27_a_wrong_at_hash(at_hash: Any) -> None:
    """invalid-athash; verified when present, whatever it is."""
    with pytest.raises(Refused) as refused:
        verify(claims(at_hash=at_hash), access_token=Secret("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"))
    assert refused.value.reason is Reason.TOKEN_HASH


def test_must_27_no_at_hash_or_no_access_token() -> None:
    """missing-athash: accepted, the token came from the token endpoint."""
    assert verify(CLAIMS, access_token=Secret("a")).subject == "24400320"
    assert verify(claims(at_hash="unchecked")).subject == "24400320"


@pytest.mark.parametrize("algorithm", ["none", "ES256K", "HS256", ""])
def test_bad_13_must_27_an_unknown_algorithm_fails_closed(algorithm: str) -> None:
    with pytest.raises(Refused) as refused:
        check_access_token_hash("77QmUPtjPfzWtF2AnpK9RQ", Secret("a"), algorithm)
    assert refused.value.reason is Reason.TOKEN_HASH


def test_every_algorithm_has_its_hash() -> None:
    assert set(HASHES) == set(ALGORITHMS)
    sizes = {algorithm: HASHES[algorithm](b"").digest_size for algorithm in ALGORITHMS}
    assert sizes == {name: 64 if name == "EdDSA" else int(name[2:]) // 8 for name in ALGORITHMS}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ISSUER, CLIENT, NONCE, NOW]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["iss", "sub", "aud", "azp", "exp", "nbf", "iat", "nonce", "at_hash", "email"])


@given(st.dictionaries(names, anything, max_size=3), st.booleans())
def test_any_claims_are_verified_or_refused(changes: dict[str, Any], complete: bool) -> None:
    given_claims = CLAIMS | changes if complete else changes
    result = outcome(lambda: verify(given_claims, access_token=Secret("access-token")))
    if isinstance(result, Refused):
        assert is_silent_about(result, *(value for value in changes.values() if value != ISSUER), NONCE)
        return
    assert result.claims["aud"] in (CLIENT, [CLIENT])
    assert (result.issuer, result.claims["nonce"]) == (ISSUER, NONCE)

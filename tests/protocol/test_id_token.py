"""The ID token: B1 to B5, B12; MUST 15 to 19, 27, 30, 31, 33; BAD 8 to 13, 18, 42."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.id_token import (
    CLOCK_SKEW,
    HASHES,
    MAXIMUM_AGE,
    Companions,
    IdTokenExpectation,
    UnknownKey,
    VerifiedClaims,
    check_hash,
    verify_id_token,
)
from entracte.protocol.jws import MAC_ALGORITHMS
from entracte.protocol.keys import mac_key_set
from entracte.protocol.signing import mac
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import (
    ALGORITHMS,
    NOW,
    base64url,
    elliptic_signer,
    json_part,
    key_set,
    rsa_signer,
    signer,
    vectors,
)

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


def verify(
    given_claims: Any,
    *,
    access_token: Secret | None = None,
    companions: Companions | None = None,
    expected: IdTokenExpectation = EXPECTED,
    **header: Any,
) -> VerifiedClaims:
    token = SIGNER.sign(given_claims, **header)
    return verify_id_token(Secret(token), KEYS, expected, now=NOW, access_token=access_token, companions=companions)


def refusal(**changes: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        verify(claims(**changes))
    assert is_silent_about(refused.value, "24400320", "canary@example.com", NONCE, *changes.values())
    return refused.value


@pytest.mark.conformance("B1")
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


@pytest.mark.conformance("MUST 53")
def test_nothing_personal_is_shown() -> None:
    """MUST 53: neither claims, nor subject, nor nonce."""
    shown = repr(verify(CLAIMS)) + repr(EXPECTED)
    assert "canary" not in shown
    assert "24400320" not in shown
    assert NONCE not in shown


@pytest.mark.conformance(
    "B3",
    "B5",
    "fapi1-missing-nonce",
    "fapi2-missing-exp",
    "fapi1-missing-aud",
    "missing-aud",
    "fapi1-missing-exp",
    "fapi1-missing-iss",
    "fapi2-missing-iss",
    "fapi2-missing-aud",
    "fapi2-missing-nonce",
)
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


@pytest.mark.conformance("BAD 18")
@pytest.mark.parametrize("value", [None, True, [], {}, [1], ""])
@pytest.mark.parametrize("name", ["iss", "sub", "aud", "azp", "exp", "nbf", "iat", "nonce"])
def test_bad_18_a_claim_of_the_wrong_type(name: str, value: Any) -> None:
    refused = refusal(**{name: value})
    assert refused.reason is (Reason.TOKEN_SUBJECT if name == "sub" else Reason.TOKEN_CLAIM)
    assert refused.evidence == f"`{name}` is of the wrong type."


@pytest.mark.conformance("BAD 18")
@pytest.mark.parametrize("name", ["iss", "sub", "aud", "azp", "nonce"])
def test_bad_18_a_number_where_a_string_is_expected(name: str) -> None:
    assert refusal(**{name: 1}).reason in {Reason.TOKEN_SUBJECT, Reason.TOKEN_CLAIM}


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_must_17_a_string_where_a_number_is_expected(name: str) -> None:
    assert refusal(**{name: str(NOW)}).reason is Reason.TOKEN_CLAIM


@pytest.mark.conformance("B2", "MUST 15")
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


@pytest.mark.conformance("MUST 16", "fapi1-valid-aud-as-array", "fapi2-valid-aud-as-array")
@pytest.mark.parametrize("changes", [{"aud": [CLIENT]}, {"azp": CLIENT}, {"aud": [CLIENT], "azp": CLIENT}])
def test_must_16_an_audience_that_is_us_alone(changes: dict[str, Any]) -> None:
    """valid-aud-as-array."""
    assert verify(claims(**changes)).subject == "24400320"


@pytest.mark.conformance(
    "B4",
    "MUST 16",
    "fapi1-invalid-aud",
    "fapi2-invalid-aud",
    "fapi1-invalid-secondary-aud",
    "fapi2-invalid-secondary-aud",
)
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


@pytest.mark.conformance(
    "MUST 17",
    "fapi1-iat-is-week-in-past",
    "fapi2-invalid-expired-exp",
    "fapi1-invalid-expired-exp",
)
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


@pytest.mark.conformance("B12", "MUST 18")
@pytest.mark.parametrize("nonce", ["another-nonce", NONCE + "x", NONCE[:-1], NONCE.lower(), "é"])
def test_b12_must_18_another_nonce(nonce: str) -> None:
    assert refusal(nonce=nonce).reason is Reason.TOKEN_NONCE


@pytest.mark.conformance("MUST 18")
def test_must_18_an_expectation_without_a_nonce_meets_no_token() -> None:
    expectation = IdTokenExpectation(ISSUER, CLIENT, "", frozenset({"ES256"}))
    for nonce in ("", NONCE, ABSENT):
        with pytest.raises(Refused):
            verify_id_token(Secret(SIGNER.sign(claims(nonce=nonce))), KEYS, expectation, now=NOW)


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize("subject", ["x" * 256, "a\x00b", "a\nb"])
def test_must_17_a_subject_that_can_not_be_used(subject: str) -> None:
    assert refusal(sub=subject).reason is Reason.TOKEN_SUBJECT


@pytest.mark.conformance("MUST 30")
@pytest.mark.parametrize("subject", ["User1", "user1", "x" * 255, "Jürgen", "0", " a"])
def test_must_30_the_subject_comes_byte_for_byte(subject: str) -> None:
    assert verify(claims(sub=subject)).subject == subject


@pytest.mark.parametrize("kind", ["JWT", "jwt", "application/jwt"])
def test_the_types_of_an_id_token(kind: str) -> None:
    assert verify(CLAIMS, typ=kind).subject == "24400320"


@pytest.mark.conformance("MUST 31", "BAD 42")
@pytest.mark.parametrize("kind", ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "", 1, [], {"a": 1}])
def test_must_31_another_type_is_no_id_token(kind: Any) -> None:
    """BAD 42, the other way round: an access token with all the right claims."""
    with pytest.raises(Refused) as refused:
        verify(CLAIMS, typ=kind)
    assert refused.value.reason is Reason.TOKEN_CLAIM
    assert refused.value.evidence == "The header's `typ` is not that of an ID token."


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


@pytest.mark.conformance("MUST 27", "invalid-athash")
@pytest.mark.parametrize("at_hash", ["", "77QmUPtjPfzWtF2AnpK9RR", "77QmUPtjPfzWtF2AnpK9RQ==", "é", None, 1, [], {}])
def test_must_27_a_wrong_at_hash(at_hash: Any) -> None:
    """invalid-athash; verified when present, whatever it is."""
    with pytest.raises(Refused) as refused:
        verify(claims(at_hash=at_hash), access_token=Secret("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"))
    assert refused.value.reason is Reason.TOKEN_HASH
    why = "is of something else." if isinstance(at_hash, str) else "can not be checked."
    assert refused.value.evidence == f"`at_hash` {why}"


@pytest.mark.conformance("MUST 27", "fapi1-missing-athash", "missing-athash")
def test_must_27_no_at_hash_or_no_access_token() -> None:
    """missing-athash: accepted, the token came from the token endpoint."""
    assert verify(CLAIMS, access_token=Secret("a")).subject == "24400320"
    assert verify(claims(at_hash="unchecked")).subject == "24400320"


@pytest.mark.conformance("BAD 13", "MUST 27")
@pytest.mark.parametrize("algorithm", ["none", "ES256K", "Ed448", "es256", ""])
def test_bad_13_must_27_an_unknown_algorithm_fails_closed(algorithm: str) -> None:
    with pytest.raises(Refused) as refused:
        check_hash("at_hash", "77QmUPtjPfzWtF2AnpK9RQ", Secret("a"), algorithm)
    assert refused.value.reason is Reason.TOKEN_HASH
    assert refused.value.evidence == "`at_hash` can not be checked."


def test_every_algorithm_has_its_hash() -> None:
    assert set(HASHES) == {*ALGORITHMS, *MAC_ALGORITHMS}
    sizes = {algorithm: HASHES[algorithm](b"").digest_size for algorithm in HASHES}
    assert sizes == {name: 64 if name == "EdDSA" else int(name[2:]) // 8 for name in HASHES}


ACCESS_TOKEN, CODE, STATE = Secret("canary-access-token"), Secret("canary-code"), Secret("canary-state")
COMPANIONS = Companions(ACCESS_TOKEN, CODE, STATE)
HASH_OF = {"at_hash": ACCESS_TOKEN, "c_hash": CODE, "s_hash": STATE}


@pytest.mark.parametrize("vector", [v for v in vectors("at_hash.json") if "code" in v], ids=lambda vector: vector["id"])
def test_c_hash_vectors(vector: dict[str, str]) -> None:
    check_hash("c_hash", vector["c_hash"], Secret(vector["code"]), vector["algorithm"])
    with pytest.raises(Refused) as refused:
        check_hash("c_hash", vector["at_hash"], Secret(vector["code"]), vector["algorithm"])
    assert refused.value.evidence == "`c_hash` is of something else."


def half(of: Secret) -> str:
    return base64url(sha256(of.reveal().encode()).digest()[:16])


@pytest.mark.conformance("MUST 27", "invalid-athash", "invalid-chash", "fapi1-invalid-chash", "fapi1-invalid-shash")
@pytest.mark.parametrize("name", HASH_OF)
def test_each_hash_is_of_its_companion(name: str) -> None:
    """The hash of another one of them is wrong as well."""
    good = {other: half(of) for other, of in HASH_OF.items()}
    assert verify(claims(**good), companions=COMPANIONS).subject == "24400320"
    for other in HASH_OF.keys() - {name}:
        with pytest.raises(Refused) as refused:
            verify(claims(**good | {name: half(HASH_OF[other])}), companions=COMPANIONS)
        assert refused.value.reason is Reason.TOKEN_HASH
        assert refused.value.evidence == f"`{name}` is of something else."
        assert "canary" not in str(refused.value)


@pytest.mark.conformance("MUST 27", "missing-athash", "missing-chash", "fapi1-missing-shash")
@pytest.mark.parametrize("name", HASH_OF)
def test_a_hash_that_has_to_be_there(name: str) -> None:
    """From the authorization endpoint at_hash and c_hash are required; s_hash by Financial-grade API Part 2."""
    needed = Companions(ACCESS_TOKEN, CODE, STATE, frozenset({name}))
    assert verify(claims(**{name: half(HASH_OF[name])}), companions=needed).subject == "24400320"
    with pytest.raises(Refused) as refused:
        verify(CLAIMS, companions=needed)
    assert refused.value.reason is Reason.TOKEN_HASH
    assert refused.value.evidence == f"`{name}` is missing."
    with pytest.raises(Refused):  # nothing to check it against
        verify(claims(**{name: half(HASH_OF[name])}), companions=Companions(required=frozenset({name})))


def test_companions_stand_for_the_access_token() -> None:
    wrong = claims(at_hash=half(CODE))
    with pytest.raises(Refused):
        verify(wrong, access_token=ACCESS_TOKEN)
    assert verify(wrong, access_token=ACCESS_TOKEN, companions=Companions(CODE)).subject == "24400320"
    assert verify(claims(c_hash="unchecked", s_hash="unchecked"), access_token=ACCESS_TOKEN).subject == "24400320"
    assert "canary" not in repr(COMPANIONS)


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, *sorted(MAC_ALGORITHMS)])
def test_at_hash_under_every_algorithm(algorithm: str) -> None:
    digest = HASHES[algorithm](b"canary-access-token").digest()
    check_hash("at_hash", base64url(digest[: len(digest) // 2]), ACCESS_TOKEN, algorithm)
    for wrong in (digest, digest[len(digest) // 2 :], digest[: len(digest) // 2 - 1]):
        with pytest.raises(Refused) as refused:
            check_hash("at_hash", base64url(wrong), ACCESS_TOKEN, algorithm)
        assert refused.value.reason is Reason.TOKEN_HASH


AGED = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({"ES256"}), max_age=300)


@pytest.mark.conformance("MUST 33")
@pytest.mark.parametrize("at", [NOW, NOW - 300, NOW - 300 - CLOCK_SKEW, NOW + CLOCK_SKEW, float(NOW)])
def test_max_age_and_a_young_authentication(at: float) -> None:
    assert verify(claims(auth_time=at), expected=AGED).subject == "24400320"


@pytest.mark.conformance("MUST 33")
@pytest.mark.parametrize(
    ("at", "evidence"),
    [
        (ABSENT, "`auth_time` is missing, no time, or in the future."),
        (None, "`auth_time` is missing, no time, or in the future."),
        (True, "`auth_time` is missing, no time, or in the future."),
        (str(NOW), "`auth_time` is missing, no time, or in the future."),
        ([NOW], "`auth_time` is missing, no time, or in the future."),
        (NOW + CLOCK_SKEW + 1, "`auth_time` is missing, no time, or in the future."),
        (1e300, "`auth_time` is missing, no time, or in the future."),
        (NOW - 300 - CLOCK_SKEW - 1, "Expected at most 300 seconds."),
        (0, "Expected at most 300 seconds."),
        (-1e300, "Expected at most 300 seconds."),
    ],
)
def test_max_age_and_another_authentication(at: Any, evidence: str) -> None:
    with pytest.raises(Refused) as refused:
        verify(claims(auth_time=at), expected=AGED)
    assert (refused.value.reason, refused.value.evidence) == (Reason.AUTHENTICATION_AGE, evidence)


def test_max_age_of_nothing_is_one() -> None:
    """`max_age=0` asks to sign in anew."""
    anew = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({"ES256"}), max_age=0)
    assert verify(claims(auth_time=NOW), expected=anew).subject == "24400320"
    with pytest.raises(Refused):
        verify(claims(auth_time=NOW - CLOCK_SKEW - 1), expected=anew)
    with pytest.raises(Refused):
        verify(CLAIMS, expected=anew)


def test_without_max_age_the_time_of_the_authentication_is_not_looked_at() -> None:
    for at in (None, 0, "never", NOW + 86_400):
        assert verify(claims(auth_time=at)).subject == "24400320"


STRONG = IdTokenExpectation(
    ISSUER,
    CLIENT,
    NONCE,
    frozenset({"ES256"}),
    acr_values=("urn:mace:incommon:iap:silver", "urn:mace:incommon:iap:gold"),
)


@pytest.mark.conformance("MUST 33")
def test_the_authentication_context_that_was_asked_for() -> None:
    """Section 5.5.1.1: one of the values, each of them as it is."""
    for acr in STRONG.acr_values:
        assert verify(claims(acr=acr), expected=STRONG).claims["acr"] == acr
    other: tuple[Any, ...] = (ABSENT, None, "", "0", "urn:mace:incommon:iap:bronze", [STRONG.acr_values[1]], 1, {})
    for value in other:
        with pytest.raises(Refused) as refused:
            verify(claims(acr=value), expected=STRONG)
        assert refused.value.reason is Reason.AUTHENTICATION_CONTEXT
        assert refused.value.evidence == "Expected urn:mace:incommon:iap:silver or urn:mace:incommon:iap:gold."
    assert verify(claims(acr="0")).subject == "24400320"


CLIENT_SECRET = Secret("a-client-secret-of-more-than-sixty-four-characters-long-for-the-longest-hash")


@pytest.mark.conformance("MUST 19", "invalid-sig-hs256")
@pytest.mark.parametrize("algorithm", sorted(MAC_ALGORITHMS))
def test_a_mac_where_one_is_registered(algorithm: str) -> None:
    expectation = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({algorithm}))
    keys = mac_key_set(CLIENT_SECRET)
    token = mac(claims(at_hash=at_hash_of(algorithm)), CLIENT_SECRET, algorithm)
    assert verify_id_token(token, keys, expectation, now=NOW, access_token=ACCESS_TOKEN).subject == "24400320"
    forged = mac(CLAIMS, Secret(CLIENT_SECRET.reveal() + "x"), algorithm)
    with pytest.raises(Refused) as refused:
        verify_id_token(forged, keys, expectation, now=NOW)
    assert refused.value.reason is Reason.TOKEN_SIGNATURE
    with pytest.raises(Refused) as refused:
        verify_id_token(token, keys, EXPECTED, now=NOW)
    assert refused.value.reason is Reason.TOKEN_ALGORITHM
    with pytest.raises(Refused) as refused:
        verify_id_token(token, KEYS, expectation, now=NOW)
    assert refused.value.reason is Reason.TOKEN_ALGORITHM


def at_hash_of(algorithm: str) -> str:
    digest = HASHES[algorithm](b"canary-access-token").digest()
    return base64url(digest[: len(digest) // 2])


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


@pytest.mark.conformance("BAD 21", "MUST 19", "MUST 17", "B5", "B9")
def test_what_pyoidc_let_through() -> None:
    """Another algorithm than the registered one, none at all, and no `iat`."""
    both = key_set(SIGNER.jwk, rsa_signer("RS256", kid="two").jwk)
    unsigned = f"{json_part({'alg': 'none'})}.{json_part(CLAIMS)}."
    for token, reason in (
        (rsa_signer("RS256").sign(CLAIMS, kid="two"), Reason.TOKEN_ALGORITHM),
        (unsigned, Reason.TOKEN_ALGORITHM),
        (SIGNER.sign(claims(iat=ABSENT)), Reason.TOKEN_CLAIM),
    ):
        with pytest.raises(Refused) as refused:
            verify_id_token(Secret(token), both, EXPECTED, now=NOW)
        assert refused.value.reason is reason


# `sub`, where it was asked for


NAMED = IdTokenExpectation(ISSUER, CLIENT, NONCE, frozenset({"ES256"}), subjects=("24400320", "24400321"))


@pytest.mark.parametrize("subject", NAMED.subjects)
def test_a_subject_that_was_asked_for(subject: str) -> None:
    assert verify(claims(sub=subject), expected=NAMED).subject == subject


@pytest.mark.parametrize("subject", ["24400322", "2440032", "244003200", "24400320 ", "24400320,24400321"])
def test_a_subject_that_was_not_asked_for(subject: str) -> None:
    """OpenID Connect Core sections 3.1.2.2 and 5.5.1: the answer is of the person whom the request named, or none."""
    with pytest.raises(Refused) as refused:
        verify(claims(sub=subject), expected=NAMED)
    assert refused.value.reason is Reason.TOKEN_SUBJECT
    assert refused.value.evidence == "`sub` does not match."
    assert "24400320" not in repr(NAMED)
    assert verify(claims(sub=subject)).subject == subject

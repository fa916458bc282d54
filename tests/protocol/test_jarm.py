"""The authorization response as a signed token: MUST 35, BAD 19, and JARM section 2.4."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jarm import ResponseExpectation, read_response_token, state_inside
from entracte.protocol.jws import MAXIMUM_BYTES, UnknownKey
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import ALGORITHMS, NOW, base64url, elliptic_signer, json_part, key_set, signer

ISSUER, CLIENT, STATE = "https://accounts.example.com", "s6BhdRkqt3", "S8NJ7uqk5fY4EjNvP_G_FtyJu6pUsvH9jsYni9dMAJw"
EXPECTED = ResponseExpectation(ISSUER, CLIENT, frozenset({"ES256"}))
SIGNER = elliptic_signer("ES256", kid="one")
KEYS = key_set(SIGNER.jwk)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "exp": NOW + 600,
    "code": "PyyFaux2o7Q0YfXBU32jhw.5FXSQpvr8akv9CeRDSd0QA",
    "state": STATE,
}
ABSENT = object()
SLASH = f"`iss` does not match. Expected {ISSUER}; only a slash at the end differs."


def read(changes: dict[str, Any], *, state: str = STATE, **header: Any) -> dict[str, str]:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not ABSENT}
    return read_response_token(Secret(SIGNER.sign(claims, **header)), KEYS, EXPECTED, state=state, now=NOW)


def refusal(changes: dict[str, Any], *, state: str = STATE, **header: Any) -> tuple[Reason, str]:
    with pytest.raises(Refused) as refused:
        read(changes, state=state, **header)
    given_texts = (value for value in changes.values() if value != ISSUER)
    assert is_silent_about(refused.value, CLAIMS["code"], STATE, *given_texts)
    return refused.value.reason, refused.value.evidence


def test_the_response_of_the_specification() -> None:
    """Section 2.1, its first example: the parameters, and `iss` as that of RFC 9207."""
    assert read({}) == {"iss": ISSUER, "code": CLAIMS["code"], "state": STATE}
    assert "PyyFaux2o7Q0" not in repr(EXPECTED)


def test_the_error_of_the_specification() -> None:
    changes = {"code": ABSENT, "error": "access_denied"}
    assert read(changes) == {"iss": ISSUER, "state": STATE, "error": "access_denied"}


def test_the_response_with_an_access_token() -> None:
    """Section 2.1, its second example: `expires_in` is a number there."""
    changes = {"code": ABSENT, "access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "bearer", "expires_in": 3600}
    assert read(changes) == {
        "iss": ISSUER,
        "state": STATE,
        "access_token": "2YotnFZFEjr1zCsicMWpAA",
        "token_type": "bearer",
        "expires_in": "3600",
    }


def test_claims_of_the_token_itself_are_no_parameters() -> None:
    assert set(read({"iat": NOW, "nbf": NOW, "jti": "a"})) == {"iss", "code", "state"}


@pytest.mark.parametrize("value", [None, [], {"a": 1}, True, 1.5])
def test_a_parameter_that_nobody_knows_may_be_anything(value: Any) -> None:
    """RFC 6749 section 4.1.2: unrecognized parameters are ignored."""
    assert set(read({"extension": value})) == {"iss", "code", "state"}
    assert read({"extension": "text", "session_state": 7})["session_state"] == "7"


@pytest.mark.conformance("MUST 35", "BAD 50")
@pytest.mark.parametrize("value", [None, [], ["a"], {"a": 1}, True, 1, 1.5])
@pytest.mark.parametrize("name", ["code", "error", "error_description", "access_token", "id_token", "token_type"])
def test_a_parameter_of_the_wrong_type(name: str, value: Any) -> None:
    expected = (Reason.RESPONSE_MALFORMED, f"`{name}` in the response is of the wrong type.")
    assert refusal({name: value}) == expected


@pytest.mark.conformance("MUST 35", "fapi2-jarm-without-iss", "fapi2-jarm-without-aud", "fapi2-jarm-without-exp")
@pytest.mark.parametrize("name", ["iss", "aud", "exp"])
def test_a_claim_that_is_missing(name: str) -> None:
    assert refusal({name: ABSENT}) == (Reason.TOKEN_CLAIM, f"`{name}` is missing.")


@pytest.mark.conformance("MUST 35", "BAD 18")
@pytest.mark.parametrize("value", [None, True, [], {}, [1], ""])
@pytest.mark.parametrize("name", ["iss", "aud", "exp", "nbf", "iat"])
def test_a_claim_of_the_wrong_type(name: str, value: Any) -> None:
    assert refusal({name: value}) == (Reason.TOKEN_CLAIM, f"`{name}` is of the wrong type.")


@pytest.mark.conformance("MUST 35", "fapi2-jarm-invalid-iss", "fapi2-jarm-invalid-aud", "fapi2-jarm-expired-exp")
@pytest.mark.parametrize(
    ("changes", "reason", "evidence"),
    [
        ({"iss": f"{ISSUER}/"}, Reason.TOKEN_ISSUER, SLASH),
        ({"iss": "https://evil.example"}, Reason.TOKEN_ISSUER, f"`iss` does not match. Expected {ISSUER}."),
        ({"aud": "another-client"}, Reason.TOKEN_AUDIENCE, "`aud` does not match."),
        ({"aud": [CLIENT, "another-client"]}, Reason.TOKEN_AUDIENCE, "`aud` does not match."),
        ({"exp": NOW - 60}, Reason.TOKEN_EXPIRED, "`exp` does not match."),
        ({"nbf": NOW + 61}, Reason.TOKEN_EXPIRED, "`nbf` does not match."),
        ({"iat": NOW + 61}, Reason.TOKEN_EXPIRED, "`iat` does not match."),
    ],
    ids=repr,
)  # fmt: skip
def test_a_claim_that_does_not_match(changes: dict[str, Any], reason: Reason, evidence: str) -> None:
    assert refusal(changes) == (reason, evidence)


@pytest.mark.parametrize("changes", [{"aud": [CLIENT]}, {"exp": NOW - 59}, {"nbf": NOW + 60}, {"iat": NOW + 60}])
def test_what_just_matches(changes: dict[str, Any]) -> None:
    assert read(changes)["code"] == CLAIMS["code"]


@pytest.mark.conformance("MUST 35", "fapi2-jarm-invalid-sig", "fapi2-jarm-signature-is-not-none")
def test_the_signature_comes_first() -> None:
    stranger = elliptic_signer("ES256")
    for token, reason in (
        (stranger.sign({}), Reason.TOKEN_SIGNATURE),
        (f"{json_part({'alg': 'none'})}.{json_part(CLAIMS)}.", Reason.TOKEN_ALGORITHM),
        ("", Reason.TOKEN_MALFORMED),
    ):
        with pytest.raises(Refused) as refused:
            read_response_token(Secret(token), KEYS, EXPECTED, state=STATE, now=NOW)
        assert refused.value.reason is reason
    with pytest.raises(UnknownKey):
        read({}, kid="two")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(algorithm: str) -> None:
    made = signer(algorithm)
    expectation = ResponseExpectation(ISSUER, CLIENT, frozenset({algorithm}))
    token = Secret(made.sign(CLAIMS))
    assert read_response_token(token, key_set(made.jwk), expectation, state=STATE, now=NOW)["code"] == CLAIMS["code"]


@pytest.mark.conformance("MUST 35", "fapi2-ensure-authorization-response-with-invalid-state-fails")
@pytest.mark.parametrize("state", ["another-state", ABSENT, "", None, 1, [STATE], STATE + " "])
def test_the_state_of_another_sign_in(state: Any) -> None:
    expected = (Reason.RESPONSE_MIXED, "The response is that of another sign-in.")
    assert refusal({"state": state}) == expected
    assert refusal({}, state="the-opened-state") == expected


def test_the_state_inside_before_anything_is_proven() -> None:
    assert state_inside(Secret(SIGNER.sign(CLAIMS))) == STATE
    assert state_inside(Secret(f".{json_part(CLAIMS)}.")) == STATE


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "..",
        "...",
        "a.b",
        f"{json_part(CLAIMS)}.{json_part(CLAIMS)}",
        f".{json_part(CLAIMS)}..",
        f"a.{json_part(CLAIMS)}.b.c.d",
        f".{json_part({})}.",
        f".{json_part({'state': None})}.",
        f".{json_part({'state': 1})}.",
        f".{json_part({'state': [STATE]})}.",
        f".{json_part([STATE])}.",
        f".{base64url(b'not JSON')}.",
        f".{json_part(CLAIMS)}=.",
        ".é.",
    ],
)
def test_no_state_to_be_read(token: str) -> None:
    assert state_inside(Secret(token)) == ""


@pytest.mark.conformance("MUST 23")
def test_a_token_over_the_limit_is_not_read() -> None:
    token = f".{json_part(CLAIMS)}."
    assert state_inside(Secret(token + "x" * (MAXIMUM_BYTES - len(token)))) == STATE
    assert state_inside(Secret(token + "x" * (MAXIMUM_BYTES - len(token) + 1))) == ""
    assert state_inside(Secret("." * 1_000_000)) == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ISSUER, CLIENT, STATE, NOW]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*CLAIMS, "nbf", "iat", "error", "access_token", "response", "x"])


@given(st.dictionaries(names, anything, max_size=4))
def test_any_claims_are_read_or_refused(changes: dict[str, Any]) -> None:
    result = outcome(lambda: read(changes))
    if isinstance(result, Refused):
        assert is_silent_about(result, *(value for value in changes.values() if value != ISSUER))
        return
    assert (result["iss"], result["state"]) == (ISSUER, STATE)
    assert all(isinstance(value, str) for value in result.values())


@given(st.text() | st.builds(lambda raw: f".{base64url(raw)}.", st.binary()))
def test_any_token_has_a_state_or_none(token: str) -> None:
    assert isinstance(state_inside(Secret(token)), str)

"""The shapes of claims: MUST 16, MUST 17, BAD 18."""

from typing import Any

import pytest

from entracte.protocol.claim_rules import (
    CLOCK_SKEW,
    ClaimRule,
    audiences,
    check_claims,
    holds_already,
    is_audience,
    is_number,
    is_subject,
    is_text,
    not_expired,
    not_in_the_future,
)
from entracte.protocol.errors import Reason, Refused

NO_STRINGS: list[Any] = [None, True, 1, 1.5, [], ["a"], {}, {"a": "b"}]


@pytest.mark.conformance("BAD 18")
@pytest.mark.parametrize("value", [*NO_STRINGS, ""])
def test_bad_18_what_is_no_text(value: Any) -> None:
    assert not is_text(value)
    assert not is_subject(value)


def test_a_text_is_one() -> None:
    assert is_text("a")


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("a", True),
        ("a" * 255, True),
        ("a" * 256, False),
        ("Jürgen|25", True),
        ("a\x00", False),
        ("a\n", False),
        ("\x7f", False),
        ("\x9f", False),
        ("\xa0", True),
    ],
)
def test_must_17_the_subject(value: str, *, good: bool) -> None:
    assert is_subject(value) is good


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize(
    ("value", "good"),
    [(0, True), (-1, True), (1.5, True), (True, False), (False, False), ("1", False), (None, False), ([1], False)],
)
def test_must_17_a_number_is_no_bool(value: Any, *, good: bool) -> None:
    assert is_number(value) is good


@pytest.mark.conformance("MUST 16")
@pytest.mark.parametrize(
    ("value", "listed"), [("a", ["a"]), (["a"], ["a"]), (["a", "b"], ["a", "b"]), (["a", "a"], ["a", "a"])]
)
def test_must_16_audiences(value: Any, listed: list[str]) -> None:
    assert is_audience(value)
    assert audiences(value) == listed


@pytest.mark.conformance("BAD 18")
@pytest.mark.parametrize("value", [None, "", [], [""], ["a", None], ["a", 1], [["a"]], {"a": "a"}, 1, True])
def test_bad_18_what_is_no_audience(value: Any) -> None:
    assert not is_audience(value)


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize(("value", "holds"), [(1000 - CLOCK_SKEW, False), (1001 - CLOCK_SKEW, True), (1e308, True)])
def test_must_17_expiry_within_the_skew(value: float, *, holds: bool) -> None:
    assert not_expired(value, None, 1000) is holds


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize(("value", "holds"), [(1000 + CLOCK_SKEW, True), (1000.5 + CLOCK_SKEW, False), (-1e308, True)])
def test_must_17_the_future_within_the_skew(value: float, *, holds: bool) -> None:
    assert not_in_the_future(value, None, 1000) is holds


def test_the_skew_is_at_most_a_minute() -> None:
    assert CLOCK_SKEW <= 60


RULES: tuple[ClaimRule[str], ...] = (
    ClaimRule("needed", is_text, lambda value, expected, _now: bool(value == expected), Reason.TOKEN_NONCE),
    ClaimRule("maybe", is_text, holds_already, Reason.TOKEN_SUBJECT, required=False, unusable=Reason.TOKEN_SUBJECT),
)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"needed": "a"}, None),
        ({"needed": "a", "maybe": "b", "other": None}, None),
        ({}, Reason.TOKEN_CLAIM),
        ({"needed": None}, Reason.TOKEN_CLAIM),
        ({"needed": "canary-b"}, Reason.TOKEN_NONCE),
        ({"needed": "a", "maybe": None}, Reason.TOKEN_SUBJECT),
    ],
)
def test_a_table_is_checked_line_by_line(claims: dict[str, Any], reason: Reason | None) -> None:
    if reason is None:
        check_claims(claims, RULES, "a", 0)
        return
    with pytest.raises(Refused) as refusal:
        check_claims(claims, RULES, "a", 0)
    assert refusal.value.reason is reason
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    ("claims", "evidence"),
    [
        ({}, "`needed` is missing."),
        ({"needed": None}, "`needed` is of the wrong type."),
        ({"needed": "b"}, "`needed` does not match."),
        ({"needed": "a", "told": "b"}, "`told` does not match. Expected a; got 1 character at 7."),
    ],
)
def test_the_evidence_says_what_and_why(claims: dict[str, Any], evidence: str) -> None:
    told: ClaimRule[str] = ClaimRule(
        "told",
        is_text,
        lambda _value, _expected, now: now != 7,
        Reason.TOKEN_CLAIM,
        required=False,
        explain=lambda value, expected: f"Expected {expected}; got {len(value)} character at 7. ",
    )
    with pytest.raises(Refused) as refusal:
        check_claims(claims, (*RULES, told), "a", 7)
    assert refusal.value.evidence == evidence


def test_a_rule_explains_nothing_unless_it_says_so() -> None:
    assert RULES[0].explain("value", "expected") == ""


@pytest.mark.parametrize("value", ["a b", " a", "a "])
def test_a_space_is_no_control_character(value: str) -> None:
    assert is_subject(value)


@pytest.mark.parametrize("value", ["\x1f", "a\x1fb", "\x80"])
def test_the_edges_of_the_control_characters(value: str) -> None:
    assert not is_subject(value)


def test_one_audience_is_not_taken_apart() -> None:
    assert audiences("client") == ["client"]

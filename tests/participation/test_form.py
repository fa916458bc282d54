"""Values of fields and answers: what is kept, and what is said about the rest."""

from datetime import date
from typing import Any

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entracte.campaigns.model import FormField, MultipleChoice, OpenText, Question, SingleChoice
from entracte.participation.form import (
    ANSWER_CODES,
    FIELD_CODES,
    AnswerProblem,
    FieldProblem,
    Value,
    age,
    check_answer,
    check_value,
    shown_value,
    without_controls,
)
from entracte.values import Json

TODAY = date(2026, 6, 1)
CHOICES = [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}, {"key": "c", "label": "C"}]


def field(kind: str, **changes: Any) -> FormField:
    return FormField.model_validate({"key": "it", "kind": kind, "label": "It", **changes})


def problem(code: str, **facts: str | int) -> FieldProblem:
    return FieldProblem(code, facts)


@pytest.mark.parametrize("raw", [None, "", "  ", "\u00a0"])
@pytest.mark.parametrize("kind", ["text", "email", "phone", "date", "choice"])
def test_a_blank_field_is_nothing_or_missing(kind: str, raw: str | None) -> None:
    choices = CHOICES if kind == "choice" else []
    assert check_value(field(kind, choices=choices), raw, TODAY) is None
    assert check_value(field(kind, choices=choices, required=True), raw, TODAY) == problem("required")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (" Ana ", "Ana"),
        ("Cafe\u0301", "Café"),
        ("\u202ddéjà", "\u202ddéjà"),
        ("x" * 10, "x" * 10),
        ("x" * 11, problem("too_long", maximum_length=10)),
        ("a\nb", problem("control_characters")),
        ("a\x00b", problem("control_characters")),
        ("a\ud800b", problem("control_characters")),
    ],
)
def test_texts(raw: str, value: Value | FieldProblem) -> None:
    assert check_value(field("text", maximum_length=10), raw, TODAY) == value


BAD_EMAIL = problem("email_malformed")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("ana@example.com", "ana@example.com"),
        (" Ana@EXAMPLE.com ", "Ana@example.com"),
        ("ana+quiz@example.co.uk", "ana+quiz@example.co.uk"),
        ("ana@münchen.example.de", "ana@münchen.example.de"),
        ("ana", BAD_EMAIL),
        ("ana@", BAD_EMAIL),
        ("@example.com", BAD_EMAIL),
        ("ana@example", BAD_EMAIL),
        ("ana@b@example.com", BAD_EMAIL),
        ("ana@example.com, eve@example.com", BAD_EMAIL),
        ("Ana <ana@example.com>", BAD_EMAIL),
        ("ana@[127.0.0.1]", BAD_EMAIL),
        ("ana b@example.com", BAD_EMAIL),
        ("ana..b@example.com", BAD_EMAIL),
        ("a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".com", BAD_EMAIL),
        ("ana@example.com\r\nBcc: eve@example.com", problem("control_characters")),
    ],
)
def test_email_addresses(raw: str, value: Value | FieldProblem) -> None:
    assert check_value(field("email", maximum_length=400), raw, TODAY) == value


BELGIAN = "0450 00 12 34"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0470 12 34 56", "+32470123456"),
        ("0470/12.34.56", "+32470123456"),
        ("+32 (0)470 12 34 56", "+32470123456"),
        ("0032 470 12 34 56", "+32470123456"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("٠٤٧٠ ١٢ ٣٤ ٥٦", "+32470123456"),
        ("0470 12", problem("phone_too_short", country="BE", example=BELGIAN)),
        ("1", problem("phone_too_short", country="BE", example=BELGIAN)),
        ("+33 6 12", problem("phone_too_short", country="FR", example="+33 6 12 34 56 78")),
        ("0470 12 34 56 78 90", problem("phone_too_long", country="BE", example=BELGIAN)),
        ("0999 12 34 56", problem("phone_malformed", example=BELGIAN)),
        ("+999 123456", problem("phone_malformed", example=BELGIAN)),
        ("+", problem("phone_malformed", example=BELGIAN)),
        ("call me", problem("phone_malformed", example=BELGIAN)),
        ("0470 12 34 56 ext. 7", problem("phone_malformed", example=BELGIAN)),
        ("+32470123456;ext=7", problem("phone_malformed", example=BELGIAN)),
    ],
)
def test_phone_numbers(raw: str, value: Value | FieldProblem) -> None:
    assert check_value(field("phone", country="BE"), raw, TODAY) == value


def test_a_phone_number_without_a_country_needs_its_prefix() -> None:
    rule = field("phone")
    assert check_value(rule, "+32 470 12 34 56", TODAY) == "+32470123456"
    assert check_value(rule, "0470 12 34 56", TODAY) == problem("phone_needs_prefix", example="+32 450 00 12 34")


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_example_of_every_country_would_be_accepted_and_shown_again(country: str) -> None:
    rule = field("phone", country=country)
    refused = check_value(rule, "call me", TODAY)
    assert isinstance(refused, FieldProblem)
    kept = check_value(rule, str(refused.facts["example"]), TODAY)
    assert isinstance(kept, str)
    assert kept.startswith("+")
    assert check_value(rule, shown_value(rule, kept), TODAY) == kept


def test_a_phone_number_is_shown_in_the_way_of_its_country() -> None:
    rule = field("phone", country="BE")
    assert shown_value(rule, "+32470123456") == "0470 12 34 56"
    assert shown_value(rule, "+33612345678") == "+33 6 12 34 56 78"
    assert shown_value(rule, "what?") == "what?"
    assert shown_value(field("text"), "+32470123456") == "+32470123456"


BAD_DATE = problem("date_malformed", example="1990-05-17")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1988-05-17", "1988-05-17"),
        ("2008-06-01", "2008-06-01"),
        ("2008-06-02", problem("too_young", minimum_age=18)),
        ("2030-01-01", problem("too_young", minimum_age=18)),
        ("1988-02-30", BAD_DATE),
        ("17/05/1988", BAD_DATE),
        ("19880517", BAD_DATE),
        ("1988-W20-2", BAD_DATE),
        ("١٩٨٨-٠٥-١٧", BAD_DATE),
        ("0000-01-01", BAD_DATE),
    ],
)
def test_dates(raw: str, value: Value | FieldProblem) -> None:
    assert check_value(field("date", minimum_age=18), raw, TODAY) == value


@pytest.mark.parametrize(("today", "years"), [(date(2026, 2, 28), 17), (date(2026, 3, 1), 18), (date(2028, 2, 29), 20)])
def test_who_is_born_on_29_february_is_older_on_1_march(today: date, years: int) -> None:
    assert age(date(2008, 2, 29), today) == years


def test_choices() -> None:
    rule = field("choice", choices=CHOICES)
    assert check_value(rule, "b", TODAY) == "b"
    assert check_value(rule, "B", TODAY) == problem("not_a_choice")


@pytest.mark.parametrize("kind", ["checkbox", "opt_in"])
def test_boxes(kind: str) -> None:
    assert check_value(field(kind), "yes", TODAY) is True
    assert check_value(field(kind), None, TODAY) is False
    assert check_value(field(kind), "", TODAY) is False
    assert check_value(field(kind), "on", TODAY) == problem("not_a_choice")
    assert check_value(field(kind, required=True), None, TODAY) == problem("must_accept")
    assert check_value(field(kind, required=True), "yes", TODAY) is True


FIELDS = [
    field(kind, required=required, country=country, minimum_age=minimum_age, choices=CHOICES)
    for kind in ("text", "email", "phone", "date", "choice", "checkbox", "opt_in")
    for required in (True, False)
    for country in (None, "BE", "US")
    for minimum_age in (None, 18)
]
TYPED = st.text(st.characters(), max_size=40) | st.from_regex(r"[+0-9 ()./@a-z-]{0,30}", fullmatch=True)


@given(st.sampled_from(FIELDS), st.none() | TYPED)
@example(field("phone", country="BE"), "+800 1234 5678")
@example(field("phone", country="US"), "+881 6 12345678")
def test_whatever_is_typed_is_kept_or_has_a_documented_problem(rule: FormField, raw: str | None) -> None:
    value = check_value(rule, raw, TODAY)
    if isinstance(value, FieldProblem):
        assert set(value.facts) == set(FIELD_CODES[value.code])
        assert value.facts.get("example") != ""
    elif isinstance(value, str):
        value.encode()
        assert check_value(rule, value, TODAY) == value
        assert check_value(rule, shown_value(rule, value), TODAY) == value


SINGLE = SingleChoice.model_validate({"kind": "single_choice", "key": "q", "title": "?", "choices": CHOICES})
SEVERAL = MultipleChoice.model_validate(
    {"kind": "multiple_choice", "key": "q", "title": "?", "choices": CHOICES, "minimum": 2, "maximum": 2}
)
WORDS = OpenText.model_validate({"kind": "open_text", "key": "q", "title": "?", "maximum_length": 10})


@pytest.mark.parametrize(
    ("step", "given_values", "expected"),
    [
        (SINGLE, ["b"], "b"),
        (SINGLE, ["x"], AnswerProblem("not_a_choice")),
        (SINGLE, ["a", "b"], AnswerProblem("too_many", {"maximum": 1})),
        (SEVERAL, ["c", "a", "c"], ["a", "c"]),
        (SEVERAL, ["a"], AnswerProblem("too_few", {"minimum": 2})),
        (SEVERAL, ["a", "a"], AnswerProblem("too_few", {"minimum": 2})),
        (SEVERAL, ["a", "b", "c"], AnswerProblem("too_many", {"maximum": 2})),
        (SEVERAL, ["a", "x"], AnswerProblem("not_a_choice")),
        (WORDS, [" Two\r\nlines "], "Two\nlines"),
        (WORDS, ["12345\r\n7890\r1"], AnswerProblem("too_long", {"maximum_length": 10})),
        (WORDS, ["12345\r\n7890"], "12345\n7890"),
        (WORDS, ["a\x00b"], AnswerProblem("control_characters")),
    ],
)
def test_answers(step: Question, given_values: list[str], expected: Json | AnswerProblem) -> None:
    assert check_answer(step, {"answer": given_values, "other": ["x"]}) == expected


@pytest.mark.parametrize("step", [SINGLE, SEVERAL, WORDS])
@pytest.mark.parametrize("sent", [{}, {"answer": []}, {"answer": [" "]}, {"other": ["a"]}])
def test_a_question_can_be_passed_if_it_is_not_required(step: Question, sent: dict[str, list[str]]) -> None:
    assert check_answer(step, sent) == AnswerProblem("required")
    assert check_answer(step.model_copy(update={"required": False}), sent) is None


@given(st.sampled_from([SINGLE, SEVERAL, WORDS]), st.lists(st.sampled_from("abcx") | st.text(max_size=12), max_size=4))
def test_whatever_is_answered_is_kept_or_has_a_documented_problem(step: Question, values: list[str]) -> None:
    answer = check_answer(step, {"answer": values})
    if isinstance(answer, AnswerProblem):
        assert set(answer.facts) == set(ANSWER_CODES[answer.code])
    else:
        assert answer


def test_controls_are_left_out_of_what_is_shown_again() -> None:
    assert without_controls("a\x00b\ud800c\u200d") == "abc\u200d"

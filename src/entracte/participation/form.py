"""What a participant gave, checked: the values of form fields and the answers to questions.

A check returns the value as it is kept, or a problem with a code of `FIELD_CODES` or `ANSWER_CODES` and the facts that
its sentence needs. The sentences are in `web.sentences`; here is no language.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from unicodedata import category, normalize

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from entracte.campaigns.model import FieldKind, FormField, MultipleChoice, OpenText, Question, SingleChoice
from entracte.values import Json

TICKED = "yes"
"""The value of a ticked checkbox or opt-in."""
ANSWER = "answer"
"""The name under which the answer to a question is sent."""

FIELD_CODES: dict[str, tuple[str, ...]] = {
    "required": (),
    "must_accept": (),
    "too_long": ("maximum_length",),
    "control_characters": (),
    "email_malformed": (),
    "phone_too_short": ("country", "example"),
    "phone_too_long": ("country", "example"),
    "phone_malformed": ("example",),
    "phone_needs_prefix": ("example",),
    "date_malformed": ("example",),
    "too_young": ("minimum_age",),
    "not_a_choice": (),
    "locked_changed": (),
}
"""What can be wrong with a field, and the facts that come with it. `country` is an ISO 3166-1 code."""

ANSWER_CODES: dict[str, tuple[str, ...]] = {
    "required": (),
    "too_many": ("maximum",),
    "too_few": ("minimum",),
    "not_a_choice": (),
    "too_long": ("maximum_length",),
    "control_characters": (),
}
"""What can be wrong with an answer."""

Value = str | bool | None
"""What is kept of a field: a text, true or false for a box, None where nothing was given."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with the value of a field. It never holds the value."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """What is wrong with the answer to a question. It never holds the answer."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


def check_value(rule: FormField, raw: str | None, today: date) -> Value | FieldProblem:
    """The value of a field as it is kept: NFC, without blanks around it; e-mail addresses with the domain in lower
    case, phone numbers in E.164, dates in ISO 8601, boxes as true or false, None for a blank field."""
    if rule.kind in BOXES:
        return _check_box(rule, raw)
    text = normalize("NFC", raw or "").strip()
    if not text:
        return FieldProblem("required") if rule.required else None
    if len(text) > rule.maximum_length:
        return FieldProblem("too_long", {"maximum_length": rule.maximum_length})
    if not _printable(text):
        return FieldProblem("control_characters")
    return _CHECKS[rule.kind](rule, text, today)


def shown_value(rule: FormField, value: str) -> str:
    """A kept value as people read it: phone numbers in the way of the field's country. It passes the same check."""
    if rule.kind is not FieldKind.PHONE:
        return value
    try:
        number = phonenumbers.parse(value, rule.country)
    except NumberParseException:
        return value
    domestic = phonenumbers.region_code_for_number(number) == rule.country
    form = PhoneNumberFormat.NATIONAL if domestic else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


BOXES = frozenset({FieldKind.CHECKBOX, FieldKind.OPT_IN})
"""Fields that are ticked or not."""


def _check_box(rule: FormField, raw: str | None) -> Value | FieldProblem:
    if raw == TICKED:
        return True
    if raw:
        return FieldProblem("not_a_choice")
    return FieldProblem("must_accept") if rule.required else False


def _printable(text: str, also: str = "") -> bool:
    """Whether a text has no control characters and no halves of surrogate pairs, which no store can keep."""
    return all(character in also or not _is_control(character) for character in text)


def _is_control(character: str) -> bool:
    return category(character) in ("Cc", "Cs")


def without_controls(text: str) -> str:
    """A text as far as it can be kept and shown again."""
    return "".join(character for character in text if not _is_control(character))


def _check_text(rule: FormField, text: str, today: date) -> str | FieldProblem:
    return text


def _check_email(rule: FormField, text: str, today: date) -> str | FieldProblem:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return FieldProblem("email_malformed")


_PHONE = re.compile(r"[+＋]?[\d\s()./‐-―−-]+")


def _check_phone(rule: FormField, text: str, today: date) -> str | FieldProblem:
    # the library reads letters as keys and drops an extension; neither is what somebody meant here
    if not _PHONE.fullmatch(text):
        return FieldProblem("phone_malformed", {"example": _example(rule.country)})
    try:
        number = phonenumbers.parse(text, rule.country)
    except NumberParseException as error:
        return _unparsed(rule, error)
    return _check_number(rule, number)


def _unparsed(rule: FormField, error: NumberParseException) -> FieldProblem:
    if rule.country is None:
        return FieldProblem("phone_needs_prefix", {"example": _example(None)})
    short = (NumberParseException.NOT_A_NUMBER, NumberParseException.TOO_SHORT_NSN)
    if error.error_type in short:
        return FieldProblem("phone_too_short", {"country": rule.country, "example": _example(rule.country)})
    return FieldProblem("phone_malformed", {"example": _example(rule.country)})


_LENGTHS = {
    ValidationResult.TOO_SHORT: "phone_too_short",
    ValidationResult.TOO_LONG: "phone_too_long",
}


def _check_number(rule: FormField, number: PhoneNumber) -> str | FieldProblem:
    if phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    if region not in phonenumbers.SUPPORTED_REGIONS:
        return FieldProblem("phone_malformed", {"example": _example(rule.country)})
    if rule.country and phonenumbers.country_code_for_region(rule.country) == number.country_code:
        region = rule.country  # countries share codes: +1 is not the United States alone
    example = _example(region, abroad=region != rule.country)
    code = _LENGTHS.get(phonenumbers.is_possible_number_with_reason(number))
    if code is None:
        return FieldProblem("phone_malformed", {"example": example})
    return FieldProblem(code, {"country": region, "example": example})


def _example(country: str | None, *, abroad: bool = False) -> str:
    """A number that would be accepted; a mobile one, where the country has them."""
    region = country or "BE"
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(region)
    if number is None:
        return ""
    national = country is not None and not abroad
    form = PhoneNumberFormat.NATIONAL if national else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _check_date(rule: FormField, text: str, today: date) -> str | FieldProblem:
    try:
        given = date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
    except ValueError:
        given = None
    if given is None:
        return FieldProblem("date_malformed", {"example": "1990-05-17"})
    if rule.minimum_age is not None and age(given, today) < rule.minimum_age:
        return FieldProblem("too_young", {"minimum_age": rule.minimum_age})
    return text


def age(born: date, today: date) -> int:
    """Whole years. Who is born on 29 February has the birthday on 1 March in other years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _check_choice(rule: FormField, text: str, today: date) -> str | FieldProblem:
    return text if any(choice.key == text for choice in rule.choices) else FieldProblem("not_a_choice")


_CHECKS: dict[FieldKind, Callable[[FormField, str, date], str | FieldProblem]] = {
    FieldKind.TEXT: _check_text,
    FieldKind.EMAIL: _check_email,
    FieldKind.PHONE: _check_phone,
    FieldKind.DATE: _check_date,
    FieldKind.CHOICE: _check_choice,
}


def check_answer(step: Question, given: Mapping[str, Sequence[str]]) -> Json | AnswerProblem:
    """The answer as it is kept: the key of a choice, a list of keys in the order of the question, a text, or None where
    a question that may be passed was passed. `given` is what the browser sent, by name."""
    values = [value for value in given.get(ANSWER, ()) if value.strip()]
    if not values:
        return AnswerProblem("required") if step.required else None
    if isinstance(step, OpenText):
        return _check_words(step, values)
    keys = [choice.key for choice in step.choices]
    if any(value not in keys for value in values):
        return AnswerProblem("not_a_choice")
    if isinstance(step, SingleChoice):
        return values[0] if len(values) == 1 else AnswerProblem("too_many", {"maximum": 1})
    return _check_several(step, [key for key in keys if key in values])


def _check_several(step: MultipleChoice, chosen: list[str]) -> Json | AnswerProblem:
    if len(chosen) < step.minimum:
        return AnswerProblem("too_few", {"minimum": step.minimum})
    if step.maximum is not None and len(chosen) > step.maximum:
        return AnswerProblem("too_many", {"maximum": step.maximum})
    return list(chosen)


def _check_words(step: OpenText, values: list[str]) -> str | AnswerProblem:
    # browsers send line ends as CR LF and count them as one character (HTML, textarea's API value)
    text = normalize("NFC", values[0].replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(text) > step.maximum_length:
        return AnswerProblem("too_long", {"maximum_length": step.maximum_length})
    return text if _printable(text, also="\n\t") else AnswerProblem("control_characters")

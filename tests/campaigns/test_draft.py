"""The campaign file: every mistake has its code and its line, and a right file is complete in every language."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from entracte.campaigns.draft import read_draft, reference, schema
from entracte.campaigns.model import Definition
from entracte.campaigns.rules import STEP_MODELS, texts_of
from entracte.errors import Kind, LocalError, Problem
from tests.campaigns.definitions import definitions, small


def problems(text: str | bytes, source: str = "quiz.yaml") -> tuple[Problem, ...]:
    with pytest.raises(LocalError) as raised:
        read_draft(text, source)
    assert all(problem.kind is Kind.BAD_INPUT for problem in raised.value.problems)
    return raised.value.problems


def found(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Codes and places, of values that are written as JSON, which is YAML too."""
    return [(problem.code, problem.where.partition(": ")[2]) for problem in problems(json.dumps(values))]


QUIZ = """\
campaign: summer-quiz
title: {en: Summer, fr: Été}
languages: [en, fr]
opens: 2026-06-01
closes: 2026-08-31
steps:
  - kind: single_choice
    key: year
    title: {en: Which year?, fr: Quelle année ?}
    required: false
    choices:
      - key: 1984
        label: 1984
      - key: none
        label: {en: no, fr: non}
  - kind: form
    key: details
    title: Details
    fields:
      - {key: name, kind: text, label: Name, maximum_length: 80}
  - kind: thanks
    key: thanks
    title: {en: Thanks, fr: Merci}
"""


def test_a_right_file_is_read() -> None:
    definition = read_draft(QUIZ)
    question = definition.questions[0]
    assert str(definition.closes) == "2026-08-31"
    assert question.required is False
    assert definition.form.fields[0].maximum_length == 80


def test_a_number_where_a_text_stands_is_the_text_as_written() -> None:
    question = read_draft(QUIZ).questions[0]
    assert question.kind == "single_choice"
    assert question.choices[0].key == "1984"
    assert question.choices[0].label == {"en": "1984", "fr": "1984"}
    assert question.choices[1].label == {"en": "no", "fr": "non"}


def test_every_text_is_there_in_every_language() -> None:
    definition = read_draft(QUIZ)
    texts = list(texts_of(definition.model_dump(mode="json", exclude_none=True)))
    assert len(texts) == 7
    assert all(isinstance(text, dict) and list(text) == ["en", "fr"] for _, text in texts)


def test_bytes_with_a_byte_order_mark_are_read() -> None:
    assert read_draft(b"\xef\xbb\xbf" + QUIZ.encode()) == read_draft(QUIZ)


@pytest.mark.parametrize("name", ["summer-quiz", "listener-survey", "festival-contest"])
def test_the_shipped_examples_are_right(name: str) -> None:
    raw = files("entracte.practice").joinpath("examples", f"{name}.yaml").read_bytes()
    definition = read_draft(raw, f"{name}.yaml")
    assert definition.campaign == name
    assert definition.languages == ("en", "fr")


@given(definitions())
def test_a_definition_that_was_read_is_read_again_from_its_own_values(definition: Definition) -> None:
    read = read_draft(definition.model_dump_json(exclude_none=True, exclude_defaults=False))
    assert read_draft(read.model_dump_json(exclude_none=True)) == read


def test_every_problem_is_said_at_once_with_its_line_in_the_order_of_the_file() -> None:
    text = QUIZ.replace("languages: [en, fr]", "languages: [en, fr]\nlanguage: en")
    text = text.replace("key: year", "key: guest").replace("label: Name", "labl: Name")
    assert [(problem.code, problem.where) for problem in problems(text)] == [
        ("campaign_unknown_key", "quiz.yaml:4: language"),
        ("campaign_reserved_key", "quiz.yaml:9: steps[0].key"),
        ("campaign_missing_key", "quiz.yaml:21: steps[1].fields[0].label"),
        ("campaign_unknown_key", "quiz.yaml:21: steps[1].fields[0].labl"),
    ]


def test_an_unknown_key_comes_with_the_one_that_may_be_meant() -> None:
    (problem,) = problems(QUIZ.replace("    required: false", "    requird: false"))
    assert problem.message == "There is no key `requird` here. Did you mean `required`?"
    assert problem.where == "quiz.yaml:10: steps[0].requird"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("a: [1", "campaign_not_yaml", "quiz.yaml:1"),
        ("a: 1\n\tb: 2", "campaign_not_yaml", "quiz.yaml:2"),
        ("a: b: c", "campaign_not_yaml", "quiz.yaml:1"),
        ("a: 1\nb: \x07", "campaign_not_yaml", "quiz.yaml:2"),
        ("a: 1\n---\nb: 2", "campaign_not_yaml", "quiz.yaml:2"),
        ("%YAML 1.1\n---\na: yes", "campaign_not_yaml", "quiz.yaml:2"),
        ("%TAG ! tag:example.com,2026:\n---\na: 1", "campaign_not_yaml", "quiz.yaml:2"),
        ("[" * 100, "campaign_not_yaml", "quiz.yaml:1"),
        (b"a: 1\nb: \xff", "campaign_not_utf8", "quiz.yaml:2"),
        ("a: \ud800", "campaign_not_utf8", "quiz.yaml:1"),
        ("# " + "x" * 1_000_000, "campaign_too_large", "quiz.yaml:1"),
        ("a:\n" + "- 1\n" * 20_000, "campaign_too_large", "quiz.yaml:20000"),
        ("", "campaign_wrong_type", "quiz.yaml:1"),
        ("- campaign: x", "campaign_wrong_type", "quiz.yaml:1"),
    ],
)
def test_what_is_no_document_is_refused(text: str | bytes, code: str, where: str) -> None:
    (problem,) = problems(text)
    assert (problem.code, problem.where) == (code, where)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    codes = [problem.code for problem in problems(bomb)]
    assert codes.count("campaign_alias") == 118


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("title: Details", "title: !!python/name:os.system", "campaign_tag", "quiz.yaml:18: steps[1].title"),
        ("key: details", "key: details\n    key: form", "campaign_repeated_key", "quiz.yaml:18: steps[1].key"),
        ("title: Details", "title: *x", "campaign_alias", "quiz.yaml:18: steps[1].title"),
        ("title: Details", 'title: "a\\0b"', "campaign_character", "quiz.yaml:18: steps[1].title"),
        ("title: Details", "title: ''", "campaign_text_empty", "quiz.yaml:18: steps[1].title"),
        ("title: Details", "title:", "campaign_wrong_type", "quiz.yaml:18: steps[1].title"),
        ("title: Details", "title: [x]", "campaign_wrong_type", "quiz.yaml:18: steps[1].title"),
        ("title: Details", "title: {en: Details}", "campaign_language_missing", "quiz.yaml:18: steps[1].title"),
        ("fr: Merci", "fr: Merci, nl: Dank", "campaign_language_unknown", "quiz.yaml:23: steps[2].title.nl"),
        ("title: Details", f"title: {'x' * 2001}", "campaign_text_too_long", "quiz.yaml:18: steps[1].title"),
        ("required: false", "required: no", "campaign_wrong_type", "quiz.yaml:10: steps[0].required"),
        ("maximum_length: 80", "maximum_length: 8.5", "campaign_wrong_type",
         "quiz.yaml:20: steps[1].fields[0].maximum_length"),
        ("maximum_length: 80", "maximum_length: 0", "campaign_out_of_range",
         "quiz.yaml:20: steps[1].fields[0].maximum_length"),
        ("kind: text", "kind: word", "campaign_unknown_option", "quiz.yaml:20: steps[1].fields[0].kind"),
        ("kind: form", "kind: from", "campaign_unknown_kind", "quiz.yaml:16: steps[1]"),
        ("2026-06-01", "2026-13-01", "campaign_wrong_type", "quiz.yaml:4: opens"),
        ("2026-06-01", "2026-09-01", "campaign_schedule", "quiz.yaml:5: closes"),
        ("[en, fr]", "[en, fr, en]", "campaign_repeated_language", "quiz.yaml:3: languages[2]"),
        ("campaign: summer-quiz", "campaign: Summer Quiz", "campaign_malformed_name", "quiz.yaml:1: campaign"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_code_and_place(old: str, new: str, code: str, where: str) -> None:
    assert old in QUIZ
    assert (code, where) in [(problem.code, problem.where) for problem in problems(QUIZ.replace(old, new, 1))]


def test_problems_without_end_are_counted() -> None:
    said = problems("".join(f"key-{number}: 1\n" for number in range(1000)))
    assert len(said) == 501
    assert said[-1].code == "campaign_more_problems"
    assert said[-1].message.startswith("There are 50")


def test_a_key_that_is_no_word_is_refused() -> None:
    assert "campaign_key_not_text" in [problem.code for problem in problems(QUIZ + "? [a]\n: 1\n")]


def field(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        values["steps"][2]["fields"][0].update(changes)

    return change


def step(number: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        values["steps"][number].update(changes)

    return change


def order(*numbers: int) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        values["steps"] = [values["steps"][number] for number in numbers]

    return change


def again(number: int, at: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(values: dict[str, Any]) -> None:
        values["steps"].insert(at, {**values["steps"][number], "key": "again", **changes})

    return change


OTHER = {"key": "other", "kind": "text", "label": "Other"}
SEVERAL = {"kind": "multiple_choice"}
TWO = [{"key": "a", "label": "A"}, {"key": "a", "label": "B"}]


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (order(0, 1, 3), "campaign_form_missing", "steps"),
        (order(0, 1, 2), "campaign_thanks_missing", "steps"),
        (again(2, 3, fields=[OTHER]), "campaign_form_repeated", "steps[3]"),
        (again(3, 4), "campaign_thanks_repeated", "steps[4]"),
        (order(0, 1, 3, 2), "campaign_order", "steps[2]"),
        (order(1, 0, 2, 3), "campaign_order", "steps[1]"),
        (order(0, 2, 1, 3), "campaign_order", "steps[2]"),
        (again(0, 1), "campaign_welcome_repeated", "steps[1]"),
        (order(0, 1, 1, 2, 3), "campaign_repeated_step", "steps[2].key"),
        *((step(1, key=key), "campaign_reserved_key", "steps[1].key")
          for key in ("sign-in", "guest", "in", "assets", "form-draft")),
        (step(1, choices=TWO), "campaign_repeated_choice", "steps[1].choices[1].key"),
        (step(1, correct="c"), "campaign_unknown_choice", "steps[1].correct"),
        (step(1, **SEVERAL, maximum=3), "campaign_out_of_range", "steps[1].maximum"),
        (step(1, **SEVERAL, minimum=3), "campaign_out_of_range", "steps[1].minimum"),
        (step(1, **SEVERAL, minimum=2, maximum=1), "campaign_out_of_range", "steps[1].minimum"),
        (lambda values: values["steps"][2]["fields"].append(values["steps"][2]["fields"][0]),
         "campaign_repeated_field", "steps[2].fields[1].key"),
        (field(choices=[{"key": "a", "label": "A"}]), "campaign_option_misplaced", "steps[2].fields[0].choices"),
        (field(country="BE"), "campaign_option_misplaced", "steps[2].fields[0].country"),
        (field(minimum_age=18), "campaign_option_misplaced", "steps[2].fields[0].minimum_age"),
        (field(kind="choice"), "campaign_choices_missing", "steps[2].fields[0].choices"),
        (field(kind="choice", choices=TWO), "campaign_repeated_choice", "steps[2].fields[0].choices[1].key"),
        (field(kind="phone", country="XX"), "campaign_unknown_country", "steps[2].fields[0].country"),
        (field(mode="locked"), "campaign_prefill_missing", "steps[2].fields[0].mode"),
        (field(mode="hidden"), "campaign_prefill_missing", "steps[2].fields[0].mode"),
        (field(mode="hidden", prefill="name", required=True), "campaign_option_misplaced",
         "steps[2].fields[0].required"),
        (field(kind="opt_in", mode="locked", prefill="x"), "campaign_consent_locked", "steps[2].fields[0].mode"),
        (field(kind="checkbox", prefill="x"), "campaign_consent_prefilled", "steps[2].fields[0].prefill"),
        (field(label="[x](javascript:alert)"), "campaign_link", "steps[2].fields[0].label"),
        (lambda values: (values.pop("sign_in"), values["steps"][2].update(submit="when_complete")),
         "campaign_sign_in_missing", "steps[2].submit"),
        (step(2, title="Hi {first_name}"), "campaign_title_guest_missing", "steps[2].title"),
        (step(2, title="Hi {email}", title_guest="Hi"), "campaign_placeholder", "steps[2].title"),
        (lambda values: values.update(embed={"origins": ["https://x.example/path"]}), "campaign_malformed",
         "embed.origins[0]"),
    ],
)  # fmt: skip
def test_a_rule_across_the_parts_is_kept(change: Callable[[dict[str, Any]], object], code: str, where: str) -> None:
    values = small()
    read_draft(json.dumps(values))
    change(values)
    assert found(values) == [(code, where)]


@pytest.mark.parametrize(
    "origin",
    [
        "https://x.example; script-src *", "https://x.example,y", "https://*.example", "https://*", "https://a b",
        "https://X.example", "https://x.example:443", "http://x.example:80", "https://x.example:99999",
        "https://x.example:", "https://u@x.example", "https://x.example'", "https://-x.example", "https://é.example",
        "ftp://x.example", "https://", "null",
    ],
)  # fmt: skip
def test_an_origin_is_one_that_a_browser_says(origin: str) -> None:
    """MUST 55: it stands in `frame-ancestors`, and is compared with what browsers say, byte for byte."""
    assert found(small(embed={"origins": [origin]})) == [("campaign_malformed", "embed.origins[0]")]


@pytest.mark.parametrize(
    "origin",
    ["https://www.x.example", "http://localhost:9001", "https://x.example:8443", "https://xn--9ca.example",
     "http://[::1]:9001", "http://127.0.0.1"],
)  # fmt: skip
def test_an_origin_may_have_a_port_and_be_an_address(origin: str) -> None:
    embed = read_draft(json.dumps(small(embed={"origins": [origin]}))).embed
    assert embed is not None
    assert embed.origins == (origin,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["campaign", "title", "text", "languages", "steps", "sign_in", "embed", "opens", "kind", "key", "choices", "fields",
     "label", "minimum", "correct", "mode", "country", "title_guest", "submit"]
)  # fmt: skip


@given(st.dictionaries(NAMES, JSON, max_size=6), st.integers(0, 4), NAMES, JSON)
def test_whatever_has_the_wrong_shape_is_a_problem_and_never_another_error(
    top: dict[str, Any], number: int, name: str, value: Any
) -> None:
    values = small(**top)
    if (
        isinstance(values["steps"], list)
        and number < len(values["steps"])
        and isinstance(values["steps"][number], dict)
    ):
        values["steps"][number][name] = value
    try:
        read_draft(json.dumps(values))
    except LocalError as error:
        assert error.problems  # noqa: PT017 — a value may happen to be right


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%#?, \n\t\\0x\u2028\x85", max_size=60) | st.binary(max_size=40))
def test_any_text_is_a_problem_and_never_another_error(text: str | bytes) -> None:
    assert problems(text)


def test_the_schema_names_every_kind_of_step() -> None:
    definitions_by_name = schema()["$defs"]
    assert {model.__name__ for model in STEP_MODELS.values()} <= set(definitions_by_name)
    assert schema()["additionalProperties"] is False


def test_the_reference_describes_every_key() -> None:
    text = reference()
    models: list[type[BaseModel]] = [Definition, *STEP_MODELS.values()]
    for model in models:
        assert all(f"| `{name}` |" in text for name in model.model_fields)
    assert "| `maximum_length` | whole number, at least 1, at most 10000 | `1000` |" in text
    assert "| `mode` | `editable`, `locked`, `hidden` | `editable` |" in text
    assert "| `title` | text in each language | must be there |" in text


def test_the_page_in_the_documentation_is_the_reference() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "campaign-file.md"
    assert page.read_text(encoding="utf-8") == reference()

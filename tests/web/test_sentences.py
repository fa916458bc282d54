"""The sentences at fields: one for each code, with exactly the facts that come with it."""

from collections.abc import Mapping
from string import Formatter

import pytest

from entracte.participation.form import ANSWER_CODES, FIELD_CODES, AnswerProblem, FieldProblem
from entracte.web.sentences import ANSWER_SENTENCES, FIELD_SENTENCES, country_name, sentence


@pytest.mark.parametrize(
    ("codes", "sentences"), [(FIELD_CODES, FIELD_SENTENCES), (ANSWER_CODES, ANSWER_SENTENCES)], ids=["field", "answer"]
)
def test_every_code_has_a_sentence_with_its_facts(
    codes: Mapping[str, tuple[str, ...]], sentences: Mapping[str, str]
) -> None:
    assert set(codes) == set(sentences)
    for code, facts in codes.items():
        named = {name for _, name, _, _ in Formatter().parse(sentences[code]) if name}
        assert named <= set(facts)


def test_no_sentence_blames_or_begs() -> None:
    for text in (*FIELD_SENTENCES.values(), *ANSWER_SENTENCES.values()):
        assert not any(word in text.lower() for word in ("please", "oops", "invalid", "error", "!"))


def test_a_sentence_is_translated_before_its_facts_are_put_in() -> None:
    problem = FieldProblem("phone_too_short", {"country": "BE", "example": "0470 12 34 56"})
    english = sentence(problem, lambda text: text, "en")
    assert english == "That number is too short for Belgium. Example: 0470 12 34 56"
    french = {"That number is too short for {country}. Example: {example}": "{country} : trop court. {example}"}
    assert sentence(problem, french.__getitem__, "fr") == "Belgique : trop court. 0470 12 34 56"
    assert sentence(AnswerProblem("too_few", {"minimum": 2}), lambda text: text, "en").endswith("The least here is 2.")


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [("BE", "pt-BR", "Bélgica"), ("BE", "xx", "Belgium"), ("BE", "q", "Belgium"), ("ZZZ", "en", "ZZZ")],
)
def test_countries_have_names_in_the_language_of_the_page(code: str, language: str, name: str) -> None:
    assert country_name(code, language) == name

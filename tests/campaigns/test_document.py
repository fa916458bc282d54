"""Characters of a campaign's file, written as a JSON file may write them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.campaigns.document import Document, read_document


def read(text: str) -> Document:
    return read_document(text, "quiz.json", lambda path: False)


def test_a_character_of_two_escapes_is_one() -> None:
    document = read('{"title \\ud83c\\udfa4": "\\ud83c\\udf89"}')
    assert document.findings == ()
    assert document.value == {"title 🎤": "🎉"}


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_what_json_escapes_comes_back(values: dict[str, str]) -> None:
    document = read(json.dumps(values))
    if not document.findings:
        assert document.value == values


@pytest.mark.parametrize("key", ["\\ud83c", "\\udfa4\\ud83c", "\\u001d", "a\\u0000b"])
def test_a_key_has_no_control_characters_and_no_halves(key: str) -> None:
    document = read(f'{{"{key}": {{"a": 1}}, "title": "Summer"}}')
    assert [finding.code for finding in document.findings] == ["campaign_character"]
    assert document.value == {"title": "Summer"}

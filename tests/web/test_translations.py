"""Every text that participants and members read is in French, and nothing is there that nobody says."""

import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason
from entracte.statistics.reasons import REASONS
from entracte.web.translations import (
    CATALOGUES,
    EXTRACTION_KEYWORDS,
    LANGUAGES,
    LOCALE_FOLDER,
    language_name,
    long_date,
    negotiated,
    number_in_words,
    text_direction,
    translated,
    translated_plural,
    translations,
)

Key = str | tuple[str, ...]
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
PACKAGE = LOCALE_FOLDER.parent.parent
NOT_ENGLISH = sorted(path.name for path in LOCALE_FOLDER.iterdir() if path.is_dir())


def places() -> dict[Key, set[str]]:
    """The texts, each with the files that say it, as `extraction.cfg` finds them below the package."""
    with (LOCALE_FOLDER / "extraction.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found: dict[Key, set[str]] = {}
    for file_name, _, message, _, _ in extract_from_dir(PACKAGE, methods, options, keywords=dict(EXTRACTION_KEYWORDS)):
        found.setdefault(message, set()).add(file_name)
    return found


def said() -> set[Key]:
    return set(places())


def is_the_managers(file_name: str) -> bool:
    return file_name.startswith(("statistics/", "web/manage", "web/pages/manage"))


def said_to_participants() -> set[Key]:
    return {message for message, files in places().items() if not all(map(is_the_managers, files))}


def catalogue(language: str) -> Catalog:
    with Path(LOCALE_FOLDER / language / "LC_MESSAGES" / "entracte.po").open("rb") as file:
        return read_po(file, abort_invalid=True)


def key(message: Message) -> Key:
    return tuple(message.id) if isinstance(message.id, (list, tuple)) else message.id


def strings(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, (list, tuple)) else [message.string or ""]


def test_there_is_something_to_translate() -> None:
    assert {"Next", "Your answers are saved as you go.", "Try again"} <= said()
    assert {"Latest entries", "Still at the login", "provider did not answer in time"} <= said()
    assert ("Your answer waits for you.", "Your %(number)s answers wait for you.") in said()


@pytest.mark.parametrize("language", NOT_ENGLISH)
def test_a_catalogue_is_complete_and_has_nothing_left_over(language: str) -> None:
    read = catalogue(language)
    written = {key(message): message for message in read if message.id}
    assert said() - set(written) == set(), "not translated"
    assert set(written) - said() == set(), "said nowhere any more"
    assert not read.obsolete
    assert not [message.id for message in written.values() if message.fuzzy or not all(strings(message))]


@pytest.mark.parametrize("language", NOT_ENGLISH)
def test_every_translation_has_the_placeholders_of_its_text(language: str) -> None:
    for message in catalogue(language):
        if not message.id:
            continue
        wanted = set(PLACEHOLDER.findall(key(message)[-1] if isinstance(message.id, (list, tuple)) else message.id))
        assert set(PLACEHOLDER.findall(strings(message)[-1])) == wanted, message.id


def test_french_is_set_as_french_is() -> None:
    for message in catalogue("fr"):
        for text in strings(message) if message.id else []:
            assert not re.search(r"[^\u202f][?!;]", text), text
            assert not re.search(r"[^\u00a0]:", text), text
            assert "'" not in text, text
            assert not re.search(r"\b([Tt]u|[Tt]oi|[Tt]on|[Tt]es)\b", text), text


SHOUTED = r"!|\b(please|oops|invalid|veuillez|invalide)\b"
BLAMED = rf"{SHOUTED}|\b(failed|échec)\b"
"""The manager counts what failed; a participant never reads that."""


@pytest.mark.parametrize("language", ["", *NOT_ENGLISH])
def test_no_text_shouts_or_blames(language: str) -> None:
    read = {key(message): strings(message) for message in catalogue(language) if message.id} if language else {}
    participants = said_to_participants()
    assert {"Try again", "Almost there"} <= participants
    assert "Failed: %(reason)s" not in participants
    for text in said():
        joined = " ".join(read.get(text) or ([text] if isinstance(text, str) else text))
        assert not re.search(BLAMED if text in participants else SHOUTED, joined, re.IGNORECASE), joined


def test_reasons_stay_apart_in_every_language() -> None:
    for language in LANGUAGES:
        assert len({translated(language, words) for words in REASONS.values()}) == len(Reason)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("FR", "fr"),
        ("fr-BE,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("en;q=0.3, fr;q=0.7", "fr"),
        ("fr;q=0, en", "en"),
        ("nl-BE, nl;q=0.9, fr-CH;q=0.5, en;q=0.2", "fr"),
        ("nl, de", "en"),
        ("*", "en"),
        ("fr;q=2, \x00, ;;, fr-", "en"),
        ("nl," * 5000 + "fr", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_best(accepted: str, language: str) -> None:
    assert negotiated(accepted) == language


def test_what_is_offered_may_be_less() -> None:
    assert negotiated("fr, en;q=0.5", ["nl", "en"]) == "en"
    assert negotiated("fr", ["nl", "en"]) == "nl"


@given(st.text(alphabet="abfren-;,=q01. *\u00e9\n"))
def test_any_header_gives_a_language_of_ours(accepted: str) -> None:
    assert negotiated(accepted) in LANGUAGES


def test_a_language_falls_back_to_its_parent_and_then_to_english() -> None:
    assert translated("fr", "Next") == translated("fr-BE", "Next") == "Suivant"
    assert translated("xx", "Next") == translated("de", "Next") == "Next"
    assert translations("fr") is CATALOGUES["fr"]


def test_values_are_filled_in() -> None:
    assert translated("fr", "Continue with %(connection)s", connection="100 % Radio") == "Continuer avec 100 % Radio"


@pytest.mark.parametrize(
    ("language", "number", "sentence"),
    [
        ("en", 1, "Your answer waits for you."),
        ("en", 4, "Your four answers wait for you."),
        ("en", 13, "Your 13 answers wait for you."),
        ("fr", 1, "Votre réponse vous attend."),
        ("fr", 4, "Vos quatre réponses vous attendent."),
    ],
)
def test_small_numbers_are_words(language: str, number: int, sentence: str) -> None:
    one, many = "Your answer waits for you.", "Your %(number)s answers wait for you."
    assert translated_plural(language, one, many, number) == sentence


def test_every_number_has_a_form() -> None:
    assert [number_in_words("en", number) for number in (-1, 0, 12, 13)] == ["-1", "zero", "twelve", "13"]


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("xx", "ltr")])
def test_text_direction(language: str, direction: str) -> None:
    assert text_direction(language) == direction


def test_names_and_days() -> None:
    assert language_name("fr") == "français"
    assert language_name("xx") == "xx"
    day = date(2026, 11, 30)
    assert long_date("en", day) == long_date("xx", day) == "30 November 2026"
    assert long_date("fr", day) == "30 novembre 2026"

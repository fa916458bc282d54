"""The texts of the pages, the participant's and the manager's, in the language of who reads them.

The English text is the key. Catalogues are `locale/<language>/LC_MESSAGES/entracte.po`, parsed once when the program
starts; a language without one reads English. In templates it is Jinja's `{% trans %}` and `gettext`; in Python it is
`translated`, `translated_plural` and `mark`. How the texts are collected is said in `locale/extraction.cfg`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LOCALE_FOLDER = Path(__file__).parent / "locale"

EXTRACTION_KEYWORDS: Mapping[str, tuple[int, ...] | None] = MappingProxyType({
    "gettext": None,
    "ngettext": (1, 2),
    "mark": None,
    "N_": None,
    "translated": (2,),
    "translated_plural": (2, 3),
    "translate": None,
})  # fmt: skip
"""Which functions hold a text, and in which of their arguments."""


def mark(message: str) -> str:
    """Says that a text in a table is translated where it is shown."""
    return message


NUMBER_WORDS = (
    mark("zero"), mark("one"), mark("two"), mark("three"), mark("four"), mark("five"), mark("six"),
    mark("seven"), mark("eight"), mark("nine"), mark("ten"), mark("eleven"), mark("twelve"),
)  # fmt: skip
"""Small numbers are words in running text."""


def _read_catalogue(path: Path) -> NullTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


CATALOGUES: Mapping[str, NullTranslations] = MappingProxyType({
    path.parent.parent.name: _read_catalogue(path) for path in sorted(LOCALE_FOLDER.glob("*/LC_MESSAGES/entracte.po"))
})  # fmt: skip
ENGLISH = NullTranslations()
LANGUAGES = ("en", *CATALOGUES)
"""What we have texts in. English comes first: it is there for everybody."""

_ACCEPTED = re.compile(
    r"(?P<tag>[a-z]{1,8}(?:-[a-z0-9]{1,8})*)[ \t]*(?:;[ \t]*q=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?", re.ASCII
)
_MOST_ACCEPTED = 20


def negotiated(accept_language: str, languages: Sequence[str] = LANGUAGES) -> str:
    """The one of our languages that a browser's `Accept-Language` likes best (RFC 9110 section 12.5.4), or the first.
    What is no language range is passed over."""
    ranges = (_ACCEPTED.fullmatch(item.strip()) for item in accept_language.lower().split(",")[:_MOST_ACCEPTED])
    weights = {found["tag"]: float(found["weight"] or 1) for found in ranges if found}
    preferred = sorted((tag for tag, weight in weights.items() if weight), key=lambda tag: -weights[tag])
    chosen = negotiate_locale(preferred, languages, sep="-") or ""
    # the answer has the browser's spelling; ours is the one that texts are kept under
    return next((language for language in languages if language.lower() == chosen.lower()), languages[0])


def translations(language: str) -> NullTranslations:
    """The catalogue of a language (`fr`, `fr-BE`), or English."""
    return CATALOGUES.get(language) or CATALOGUES.get(language.partition("-")[0]) or ENGLISH


def translated(language: str, message: str, **values: object) -> str:
    """A text in that language, with its `%(name)s` filled in. The result is plain text: a template escapes it."""
    text = translations(language).gettext(message)
    return text % values if values else text


def translated_plural(language: str, one: str, many: str, number: int, **values: object) -> str:
    """The text for that number of things; `%(number)s` in it is the number, in words where it is small."""
    text = translations(language).ngettext(one, many, number)
    return text % {"number": number_in_words(language, number), **values}


def number_in_words(language: str, number: int) -> str:
    """`four` for 4; digits from 13 on, and below zero."""
    if 0 <= number < len(NUMBER_WORDS):
        return translated(language, NUMBER_WORDS[number])
    return str(number)


def text_direction(language: str) -> Literal["ltr", "rtl"]:
    """Which way a language is written; left to right when nobody knows it."""
    locale = _locale(language)
    return "rtl" if locale is not None and locale.text_direction == "rtl" else "ltr"


def language_name(language: str) -> str:
    """What a language calls itself (`français`), or its code."""
    locale = _locale(language)
    return (locale.get_display_name() if locale is not None else None) or language


def long_date(language: str, day: date) -> str:
    """`30 November 2026`, as that language writes it; a language without texts of ours reads the English form."""
    spoken = _locale(language) if translations(language) is not ENGLISH else None
    return format_date(day, "d MMMM y" if spoken is None else "long", locale=spoken or Locale("en"))


def _locale(language: str) -> Locale | None:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None

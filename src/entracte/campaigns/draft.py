"""From a campaign's file to its definition: every problem at once, each with its line.

The file is YAML 1.2 (`document`), its shape is the model's (`model`), and `rules` says what holds across its parts.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from entracte.campaigns.document import Document, Finding, Path, read_document
from entracte.campaigns.model import Definition
from entracte.campaigns.reference import reference, schema
from entracte.campaigns.rules import (
    STEP_MODELS,
    TEXT_KEYS,
    TYPED_KEYS,
    connection_findings,
    findings,
    languages_of,
    model_at,
    with_all_languages,
)
from entracte.errors import LocalError
from entracte.values import Json

__all__ = ["define", "mistakes", "read_draft", "read_file", "reference", "schema"]

MOST_PROBLEMS = 500
"""Problems that are said one by one; who has more has written something else than a campaign."""


def read_draft(
    text: str | bytes,
    source: str = "campaign.yaml",
    known_connections: Mapping[str, AbstractSet[str]] | None = None,
) -> Definition:
    """The definition that a file holds, with every text in every language of the campaign. `known_connections` are the
    organization's, as in `manage.publish`; without them, what the file asks of them is not looked at.

    LocalError has one problem for each mistake, all of them at once, in the order of the file; `where` is
    `quiz.yaml:12: steps[2].choices[0].label`."""
    document = read_file(text, source)
    return define(document, mistakes(document, known_connections))


def read_file(text: str | bytes, source: str) -> Document:
    """What a campaign's file says, right or wrong. Raises Unreadable as `read_document` does."""
    return read_document(text, source, _is_typed)


def mistakes(document: Document, known_connections: Mapping[str, AbstractSet[str]] | None) -> list[Finding]:
    """Everything that is wrong, in the order of the file."""
    if not isinstance(document.value, dict):
        return [Finding((), "campaign_wrong_type", "A campaign is a mapping; it begins with `campaign:`.")]
    found = [*document.findings, *_shape(document), *findings(document.value)]
    if known_connections is not None:
        found += connection_findings(document.value, known_connections)
    return _in_order(document, found)


def define(document: Document, found: Sequence[Finding]) -> Definition:
    """The definition of a document in which nothing wrong was found. LocalError: what was found, all of it."""
    if found or not isinstance(document.value, dict):
        raise LocalError(*(document.problem(finding) for finding in found))
    complete = with_all_languages(document.value, languages_of(document.value))
    return Definition.model_validate_json(json.dumps(complete), strict=True)


def _is_typed(path: Path) -> bool:
    return bool(path) and path[-1] in TYPED_KEYS


def _in_order(document: Document, found: Sequence[Finding]) -> list[Finding]:
    """One finding for each place and code, by line. What follows from a value that could not be read is left out."""
    own = set(document.findings)
    first: dict[tuple[Path, str], Finding] = {}
    for finding in found:
        if finding in own or not _below(finding.path, document.refused):
            first.setdefault((finding.path, finding.code), finding)
    ordered = sorted(first.values(), key=lambda finding: document.line(finding.path))
    if len(ordered) > MOST_PROBLEMS:
        more = f"There are {len(ordered) - MOST_PROBLEMS} more problems behind these."
        return [*ordered[:MOST_PROBLEMS], Finding((), "campaign_more_problems", more)]
    return ordered


def _below(path: Path, refused: frozenset[Path]) -> bool:
    return any(path[:length] in refused for length in range(len(path) + 1))


def _shape(document: Document) -> Iterator[Finding]:
    """What the model finds. Texts are left to the rules, which know the languages."""
    try:
        Definition.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            finding = _finding(detail, document.value)
            if finding is not None:
                yield finding


def _finding(detail: ErrorDetails, top: Json) -> Finding | None:
    path, value = _place(detail, top)
    if detail["type"] != "missing" and any(part in TEXT_KEYS for part in path) and not _misplaced(detail):
        return None
    if detail["type"] == "too_short" and isinstance(value, list) and len(value) >= detail["ctx"]["min_length"]:
        return None  # counted after its items were refused, and they have their own problems
    code, say = _SAYINGS.get(detail["type"], ("campaign_malformed", _plain))
    return Finding(path, code, say(path, detail, top))


def _misplaced(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _place(detail: ErrorDetails, top: Json) -> tuple[Path, Json]:
    """Where in the file an error of the model is: its location without the names of union members."""
    path: Path = ()
    value = top
    location = detail["loc"]
    for depth, part in enumerate(location):
        if depth == 2 and location[0] == "steps":
            continue  # the kind of the step
        if isinstance(value, dict) and part in value:
            value, path = value[str(part)], (*path, part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value, path = value[part], (*path, part)
        elif detail["type"] == "missing":
            path = (*path, part)
    return path, value


def _at(path: Path, top: Json) -> Json:
    for part in path:
        top = top[part]  # type: ignore[index]
    return top


def _plain(path: Path, detail: ErrorDetails, top: Json) -> str:
    return detail["msg"].removeprefix("Value error, ").capitalize() + "."


def _missing(path: Path, detail: ErrorDetails, top: Json) -> str:
    return f"`{path[-1]}` is missing."


def _unknown(path: Path, detail: ErrorDetails, top: Json) -> str:
    key = str(path[-1])
    model = model_at(path[:-1], _at(path[:-1], top))
    names = list(model.model_fields) if model else []
    close = get_close_matches(key, names, n=1)
    meant = f"Did you mean `{close[0]}`?" if close else f"The keys here are {_words(names)}."
    return f"There is no key `{key}` here. {meant}"


def _words(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _kinds(path: Path, detail: ErrorDetails, top: Json) -> str:
    return f"A step has a `kind`, one of {_words(list(STEP_MODELS))}."


def _one_of(path: Path, detail: ErrorDetails, top: Json) -> str:
    return f"Here stands one of {detail['ctx']['expected'].replace(chr(39), '`')}."


def _says(sentence: str) -> Callable[[Path, ErrorDetails, Json], str]:
    return lambda path, detail, top: sentence


def _limit(sentence: str) -> Callable[[Path, ErrorDetails, Json], str]:
    return lambda path, detail, top: sentence.format(**detail["ctx"])


_PATTERNS = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "lower-case letters, digits and hyphens, such as summer-quiz",
    "^[a-z0-9]+([-_][a-z0-9]+)*$": "lower-case letters, digits and hyphens, such as best-song",
    "^[a-z][a-z0-9_]*$": "lower-case letters, digits and underscores, such as first_name",
    "^[a-z]{2,3}(-[A-Z][A-Za-z0-9]{1,7})?$": "a language, such as en or pt-BR",
    "^[A-Z]{2}$": "a country in two capital letters, such as BE",
}


def _pattern(path: Path, detail: ErrorDetails, top: Json) -> str:
    return f"Here stands {_PATTERNS[detail['ctx']['pattern']]}."


_TEXT = ("campaign_wrong_type", _says("Here stands a text."))
_NUMBER = ("campaign_wrong_type", _says("Here stands a whole number."))
_TRUTH = ("campaign_wrong_type", _says("Here stands true or false."))
_MAPPING = ("campaign_wrong_type", _says("Here stands a mapping: lines of `key: value`."))
_DATE = ("campaign_wrong_type", _says("Here stands a date, such as 2026-09-30."))

_SAYINGS: dict[str, tuple[str, Callable[[Path, ErrorDetails, Json], str]]] = {
    "missing": ("campaign_missing_key", _missing),
    "extra_forbidden": ("campaign_unknown_key", _unknown),
    "union_tag_invalid": ("campaign_unknown_kind", _kinds),
    "union_tag_not_found": ("campaign_unknown_kind", _kinds),
    "literal_error": ("campaign_unknown_option", _one_of),
    "enum": ("campaign_unknown_option", _one_of),
    "string_pattern_mismatch": ("campaign_malformed_name", _pattern),
    "string_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "tuple_type": ("campaign_wrong_type", _says("Here stands a list: lines that begin with a hyphen.")),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "too_short": ("campaign_out_of_range", _limit("Here stand at least {min_length}.")),
    "too_long": ("campaign_out_of_range", _limit("Here stand at most {max_length}.")),
    "string_too_long": ("campaign_out_of_range", _limit("This is longer than {max_length} characters.")),
    "string_too_short": ("campaign_out_of_range", _limit("This is shorter than {min_length} characters.")),
    "greater_than_equal": ("campaign_out_of_range", _limit("The least number here is {ge}.")),
    "less_than_equal": ("campaign_out_of_range", _limit("The greatest number here is {le}.")),
}
"""What each error of the model is called, and what it says, by pydantic's type of error."""

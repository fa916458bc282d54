"""The entries of a campaign as CSV, oldest first, one line each.

Columns: `entered_at` (ISO 8601, UTC), `language`, `signed_in`, then `question.KEY` for each question, then `form.KEY`
and `form.KEY.outcome` for each field of the form, then `no_longer_asked`. A choice is written as its label in the
campaign's first language, several are joined by "; ". An outcome is kept, edited, typed or blank. What an earlier
version of the campaign asked and this one does not is in `no_longer_asked`, as a JSON object of column and value:
nothing is left out.

A text that a spreadsheet would run as a formula has an apostrophe in front (see `spreadsheet`).
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from entracte import spreadsheet
from entracte.campaigns.model import Choice, Definition, FieldKind, MultipleChoice, SingleChoice
from entracte.participation.model import Entry
from entracte.spreadsheet import Cell
from entracte.values import Json

CHUNK_LINES = 200
"""How many lines are held in memory at once."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The keys of the campaign's questions and fields in their order, each with the labels of its choices."""

    questions: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Mapping[str, str]]


async def entries_csv(definition: Definition, entries: AsyncIterator[Entry]) -> AsyncIterator[str]:
    """The file in pieces of at most `CHUNK_LINES` lines, so that a million entries take no more memory than these.

    To be encoded as UTF-8. `entries` are those of `Participations.entries`."""
    columns = _columns(definition)
    rows: list[tuple[Cell, ...]] = [_header(columns)]
    async for entry in entries:
        rows.append(_line(columns, entry))
        if len(rows) >= CHUNK_LINES:
            yield spreadsheet.lines(rows)
            rows.clear()
    yield spreadsheet.lines(rows)


def _columns(definition: Definition) -> _Columns:
    language = definition.languages[0]

    def labels(choices: tuple[Choice, ...]) -> dict[str, str]:
        return {choice.key: definition.say(choice.label, language) for choice in choices}

    return _Columns(
        questions={
            question.key: labels(question.choices) if isinstance(question, SingleChoice | MultipleChoice) else {}
            for question in definition.questions
        },
        fields={
            field.key: labels(field.choices) if field.kind is FieldKind.CHOICE else {}
            for field in definition.form.fields
        },
    )


def _header(columns: _Columns) -> tuple[str, ...]:
    fields = [name for key in columns.fields for name in (f"form.{key}", f"form.{key}.outcome")]
    questions = [f"question.{key}" for key in columns.questions]
    return ("entered_at", "language", "signed_in", *questions, *fields, "no_longer_asked")


def _line(columns: _Columns, entry: Entry) -> tuple[Cell, ...]:
    moment = datetime.fromtimestamp(entry.entered_at, UTC).isoformat().replace("+00:00", "Z")
    answers = [_words(entry.answers.get(key), labels) for key, labels in columns.questions.items()]
    fields = [cell for key, labels in columns.fields.items() for cell in _field(entry, key, labels)]
    return (moment, entry.language, _words(entry.signed_in, {}), *answers, *fields, _former(columns, entry))


def _field(entry: Entry, key: str, labels: Mapping[str, str]) -> Iterator[str]:
    yield _words(entry.values.get(key), labels)
    yield entry.outcomes[key].value if key in entry.outcomes else ""


def _former(columns: _Columns, entry: Entry) -> str:
    """Steps that were only passed (null) have nothing to tell."""
    answers = {f"question.{key}": value for key, value in entry.answers.items() if key not in columns.questions}
    values = {f"form.{key}": value for key, value in entry.values.items() if key not in columns.fields}
    former = {name: value for name, value in (answers | values).items() if value is not None}
    return json.dumps(former, ensure_ascii=False, sort_keys=True) if former else ""


def _words(value: Json, labels: Mapping[str, str]) -> str:
    """A value as a person reads it. A choice that the campaign does not have any more stays its key."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(_words(item, labels) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return labels.get(str(value), str(value))

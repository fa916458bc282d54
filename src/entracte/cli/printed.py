"""How commands print what was kept: moments in ISO 8601 and UTC, lines of names and values, JSON documents.

Participants and authorization servers wrote some of it, so nothing of it reaches a terminal as a control character.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from entracte.values import Json


class Moment(click.ParamType[int]):
    """A date or a date-time as ISO 8601 has it, as epoch seconds. A date is its first second. Without an offset it is
    in UTC; a fraction of a second is cut off."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(value)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no date or date-time, such as 2026-11-01 or 2026-11-01T18:30:00Z.", param, ctx)


def instant(seconds: int | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def print_json(document: Mapping[str, Any]) -> None:
    """One document. All of it is ASCII: a text may hold what is no character."""
    click.echo(json.dumps(document, indent=2))


def print_facts(facts: Mapping[str, str | None]) -> None:
    """A line for each that there is: name, tab, value."""
    for name, value in facts.items():
        if value:
            click.echo(f"{plain(name)}\t{plain(value)}")


def plain(text: str) -> str:
    """A text on one line, with whatever is not printable as an escape of JSON."""
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def written(value: Json) -> str:
    """A kept value in a line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""What commands that list in pages have in common: their options, and where a page ended."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from entracte.campaigns.model import Published
from entracte.cli.printed import Moment
from entracte.participation.cursors import read_cursor, write_cursor
from entracte.participation.records import MOST_LINES, Page, Position, resuming
from entracte.protocol.seal import SealKeys
from entracte.values import now

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def between(what: str) -> Callable[[Decorated], Decorated]:
    """The options `--since` and `--before`, about a moment that is named."""

    def decorate(command: Decorated) -> Decorated:
        since = click.option("--since", type=Moment(), help=f"{what} at or after this date or date-time, in UTC.")
        before = click.option("--before", type=Moment(), help=f"{what} before this date or date-time, in UTC.")
        return since(before(command))

    return decorate


after_option = click.option("--after", "cursor", default="", help="Go on behind a page: the cursor that it printed.")
limit_option = click.option(
    "--limit", type=click.IntRange(1, MOST_LINES), default=100, show_default=True, help="The most lines of a page."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def purpose(list_name: str, campaign: Published, chosen: object) -> str:
    """What a cursor is good for: this list of this campaign, with this filter."""
    return f"{list_name}:{campaign.organization}:{campaign.number}:{chosen!r}"


def position(cursor: str, purpose: str, keys: SealKeys) -> Position | None:
    """LocalError `cursor_invalid`."""
    return read_cursor(cursor, purpose, keys) if cursor else None


def cursors(page: Page[Any], after: Position | None, purpose: str, keys: SealKeys) -> dict[str, str | None]:
    """Where to go on now, and where to go on another day; as the REST API says it."""
    resume = resuming(page.last, after, now())
    ends = {"next": page.after, "resume": resume}
    return {name: None if end is None else write_cursor(end, purpose, keys) for name, end in ends.items()}

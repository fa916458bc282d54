"""What the resources have in common: moments, pages of a list, the address of what was made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from entracte.campaigns.model import Published
from entracte.participation.cursors import LONGEST, read_cursor, write_cursor
from entracte.participation.records import MOST_LINES, Page, Position, resuming
from entracte.web.api.access import Access

Item = TypeVar("Item")
Kept = TypeVar("Kept")

Limit = Annotated[int, Query(ge=1, le=MOST_LINES, description="The most lines of a page.")]
Cursor = Annotated[
    str,
    Query(
        max_length=LONGEST, description="`next` or `resume` of a page before; with the same filter, and any `limit`."
    ),
]
Since = Annotated[
    AwareDatetime | None, Query(description="At or after this moment.", examples=["2026-11-01T00:00:00Z"])
]
Before = Annotated[AwareDatetime | None, Query(description="Before this moment.", examples=["2026-12-01T00:00:00Z"])]


class PageOf(BaseModel, Generic[Item]):
    """A page of a list, oldest first."""

    items: tuple[Item, ...]
    next: str | None = Field(description="The cursor of the next page; null when there is nothing more now.")
    resume: str | None = Field(
        description="The cursor to come back with later. Nothing is missed; lines of the last minute may come twice."
    )


class ListOf(BaseModel, Generic[Item]):
    """All of them."""

    items: tuple[Item, ...]


def instant(seconds: int) -> datetime:
    """Epoch seconds as a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def instant_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant(seconds)


def epoch(moment: datetime | None) -> int | None:
    """A moment as epoch seconds, the fraction cut off."""
    return None if moment is None else int(moment.timestamp())


@dataclass(frozen=True, slots=True)
class Asked:
    """The page of a list that a request asks for. `purpose` is what a cursor is good for: this list of this campaign,
    with this filter. `address` is the one of the next page, without its cursor."""

    purpose: str
    address: str
    after: Position | None


def asked(
    campaign: Published, list_name: str, given: Mapping[str, Any], cursor: str, limit: int, access: Access
) -> Asked:
    """LocalError `cursor_invalid`."""
    chosen = {name: _spelt(value) for name, value in given.items() if value is not None}
    purpose = f"{list_name}:{campaign.organization}:{campaign.number}:{urlencode(chosen)}"
    address = f"/api/v1/campaigns/{campaign.name}/{list_name}?{urlencode(chosen | {'limit': limit})}"
    return Asked(purpose, address, read_cursor(cursor, purpose, access.services.keys) if cursor else None)


def _spelt(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def page_of(
    page: Page[Kept], show: Callable[[Kept], Item], asked: Asked, access: Access, response: Response
) -> PageOf[Item]:
    """A page as it is answered, with the address of the next one in `Link` (RFC 8288)."""
    services = access.services

    def cursor(position: Position | None) -> str | None:
        return write_cursor(position, asked.purpose, services.keys) if position is not None else None

    following = cursor(page.after)
    if following is not None:
        target = f"{services.public_url}{asked.address}&{urlencode({'cursor': following})}"
        response.headers["Link"] = f'<{target}>; rel="next"'
    resume = cursor(resuming(page.last, asked.after, services.clock()))
    return PageOf(items=tuple(map(show, page.items)), next=following, resume=resume)

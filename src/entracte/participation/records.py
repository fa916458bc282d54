"""What was kept, read again: entries, participations and sign-in attempts, in pages, by those who may.

The REST API and the command line read here. Lists are oldest first, so that what comes meanwhile comes at the end.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from entracte.participation.events import Outcome
from entracte.participation.model import Attempt, Entry, Participation
from entracte.values import CampaignNumber, OrganizationNumber, ParticipationId

T = TypeVar("T")

MOST_LINES = 1000
"""Of one page."""
MOST_ALIKE = 100
"""Attempts with one short code. A code has thirty bits, so there is nearly always one."""
AT_ONCE = 500
"""Lines of a page where all are read."""
LATE_SECONDS = 60
"""The longest between the time that something bears and the moment at which it can be seen."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the time (epoch seconds) and the participation of its last line."""

    at: int
    participation: ParticipationId


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries. Times are epoch seconds: entered at or after `since`, and before `before`."""

    since: int | None = None
    before: int | None = None
    language: str | None = None
    signed_in: bool | None = None


@dataclass(frozen=True, slots=True)
class ParticipationFilter:
    """Which participations. Times are epoch seconds: started at or after `since`, and before `before`. `outcome` is
    the one of the sign-in."""

    since: int | None = None
    before: int | None = None
    entered: bool | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some lines of a list. `after` is where the next page begins, None when there is nothing more now; `last` is where
    this one ended, None when it is empty."""

    items: tuple[T, ...]
    after: Position | None
    last: Position | None


class Records(Protocol):
    """What reads. `limit` is 1 to `MOST_LINES`."""

    async def entries(
        self,
        organization: OrganizationNumber,
        campaign: CampaignNumber,
        chosen: EntryFilter,
        after: Position | None,
        limit: int,
    ) -> Page[Entry]: ...

    async def entry(self, organization: OrganizationNumber, participation: ParticipationId) -> Entry | None: ...

    async def participations(
        self,
        organization: OrganizationNumber,
        campaign: CampaignNumber,
        chosen: ParticipationFilter,
        after: Position | None,
        limit: int,
    ) -> Page[Participation]:
        """By their start, with their answers."""
        ...

    async def participation(
        self, organization: OrganizationNumber, participation: ParticipationId
    ) -> Participation | None:
        """With its answers."""
        ...

    async def attempts_of(self, organization: OrganizationNumber, participation: ParticipationId) -> list[Attempt]:
        """The newest first."""
        ...

    async def attempts_by_short_code(self, organization: OrganizationNumber, short_code: str) -> list[Attempt]:
        """The newest first, at most `MOST_ALIKE`."""
        ...


async def every_entry(
    records: Records,
    organization: OrganizationNumber,
    campaign: CampaignNumber,
    chosen: EntryFilter,
    at_once: int = AT_ONCE,
) -> AsyncIterator[Entry]:
    """All that were chosen, oldest first; so many are held in memory at once."""
    after: Position | None = None
    while True:
        read = await records.entries(organization, campaign, chosen, after, at_once)
        for entry in read.items:
            yield entry
        if read.after is None:
            return
        after = read.after


def resuming(last: Position | None, before: Position | None, now: int) -> Position | None:
    """Where to go on another day, without missing what was late: at most a minute before `now`. So lines of the last
    minute may come twice. `before` is where this page began."""
    end = last or before
    if end is None or end.at < now - LATE_SECONDS:
        return end
    return Position(now - LATE_SECONDS, ParticipationId(UUID(int=0)))


def page(lines: Sequence[tuple[Position, T]], limit: int) -> Page[T]:
    """A page of what a query found, which asked for one line more than the page has."""
    shown = lines[:limit]
    last = shown[-1][0] if shown else None
    return Page(tuple(line for _, line in shown), last if len(lines) > limit else None, last)

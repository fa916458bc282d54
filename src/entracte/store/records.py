"""Statements that read what was kept in pages (`participation.records`).

A page is asked for by the place where the one before ended, not by a number of lines, so that no page gets slower.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Uuid, literal, select, tuple_

from entracte.participation.events import EventKind
from entracte.participation.model import Attempt, Entry, Participation
from entracte.participation.records import (
    MOST_ALIKE,
    MOST_LINES,
    EntryFilter,
    Page,
    ParticipationFilter,
    Position,
    page,
)
from entracte.store import attempts, entries, participations
from entracte.store.commits import Commits
from entracte.store.tables import attempt, entry, event, participation
from entracte.values import CampaignNumber, OrganizationNumber, ParticipationId


class StoredRecords:
    """`participation.records.Records`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def entries(
        self,
        organization: OrganizationNumber,
        campaign: CampaignNumber,
        chosen: EntryFilter,
        after: Position | None,
        limit: int,
    ) -> Page[Entry]:
        statement = entries_page(organization, campaign, chosen, after, limit)

        def work(connection: Connection) -> Page[Entry]:
            found = [entries.read(row) for row in connection.execute(statement).mappings()]
            return page([(Position(one.entered_at, one.participation), one) for one in found], limit)

        return await self._commits.read(work)

    async def entry(self, organization: OrganizationNumber, participation: ParticipationId) -> Entry | None:
        statement = select(entry).where(entry.c.organization == organization, entry.c.participation == participation)
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())
        return entries.read(row) if row is not None else None

    async def participations(
        self,
        organization: OrganizationNumber,
        campaign: CampaignNumber,
        chosen: ParticipationFilter,
        after: Position | None,
        limit: int,
    ) -> Page[Participation]:
        statement = participations_page(organization, campaign, chosen, after, limit)

        def work(connection: Connection) -> Page[Participation]:
            starts = [(at, ParticipationId(found)) for at, found in connection.execute(statement)]
            kept = participations.load(connection, organization, [found for _, found in starts])
            return page([(Position(at, found), kept[found]) for at, found in starts], limit)

        return await self._commits.read(work)

    async def participation(
        self, organization: OrganizationNumber, participation: ParticipationId
    ) -> Participation | None:
        def work(connection: Connection) -> Participation | None:
            return participations.load(connection, organization, [participation]).get(participation)

        return await self._commits.read(work)

    async def attempts_of(self, organization: OrganizationNumber, participation: ParticipationId) -> list[Attempt]:
        return await self._attempts(organization, attempt.c.participation == participation)

    async def attempts_by_short_code(self, organization: OrganizationNumber, short_code: str) -> list[Attempt]:
        return await self._attempts(organization, attempt.c.short_code == short_code)

    async def _attempts(self, organization: OrganizationNumber, which: ColumnElement[bool]) -> list[Attempt]:
        statement = attempts_where(organization, which)
        return await self._commits.read(
            lambda connection: [attempts.read(row) for row in connection.execute(statement).mappings()]
        )


def entries_page(
    organization: OrganizationNumber,
    campaign: CampaignNumber,
    chosen: EntryFilter,
    after: Position | None,
    limit: int,
) -> Select[Any]:
    """The next entries, and one more."""
    wanted = {entry.c.language: chosen.language, entry.c.signed_in: chosen.signed_in}
    return (
        select(entry)
        .where(
            entry.c.organization == organization,
            entry.c.campaign == campaign,
            *_between(entry, entry.c.entered_at, chosen, after),
            *(column == value for column, value in wanted.items() if value is not None),
        )
        .order_by(entry.c.entered_at, entry.c.participation)
        .limit(_checked(limit) + 1)
    )


def participations_page(
    organization: OrganizationNumber,
    campaign: CampaignNumber,
    chosen: ParticipationFilter,
    after: Position | None,
    limit: int,
) -> Select[Any]:
    """Start and id of the next participations, and one more. They are found by the event of their start, which has the
    index; whoever was erased has the event alone.

    The participation is a subquery with a value: from a join PostgreSQL would make a scan of all participations where
    it believes that few are chosen."""
    stands = select(literal(1)).where(
        participation.c.organization == event.c.organization,
        participation.c.id == event.c.participation,
        *_stands(chosen),
    )
    return (
        select(event.c.at, event.c.participation)
        .where(
            event.c.organization == organization,
            event.c.campaign == campaign,
            event.c.kind == EventKind.STARTED.value,
            event.c.step == "",
            *_between(event, event.c.at, chosen, after),
            stands.scalar_subquery().is_not(None),
        )
        .order_by(event.c.at, event.c.participation)
        .limit(_checked(limit) + 1)
    )


def attempts_where(organization: OrganizationNumber, which: ColumnElement[bool]) -> Select[Any]:
    """Attempts, the newest first."""
    return (
        select(attempt)
        .where(attempt.c.organization == organization, which)
        .order_by(attempt.c.sent_at.desc(), attempt.c.place.desc(), attempt.c.number.desc())
        .limit(MOST_ALIKE)
    )


def _stands(chosen: ParticipationFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.entered is not None:
        entered_at = participation.c.entered_at
        conditions.append(entered_at.is_not(None) if chosen.entered else entered_at.is_(None))
    if chosen.outcome is not None:
        conditions.append(participation.c.sign_in_outcome == chosen.outcome.value)
    return conditions


def _between(
    table: Table, at: ColumnElement[int], chosen: EntryFilter | ParticipationFilter, after: Position | None
) -> Sequence[ColumnElement[bool]]:
    """From where to where. Of the two beginnings only the later one is said: SQLite goes by the first that it finds,
    and would read everything since `since` again for each page."""
    until = [at < chosen.before] if chosen.before is not None else []
    if after is not None and (chosen.since is None or chosen.since <= after.at):
        place = tuple_(literal(after.at, at.type), literal(after.participation, Uuid()))
        return [tuple_(at, table.c.participation) > place, *until]
    return [at >= chosen.since, *until] if chosen.since is not None else until


def _checked(limit: int) -> int:
    if not 1 <= limit <= MOST_LINES:
        raise ValueError(f"a page has 1 to {MOST_LINES} lines")
    return limit

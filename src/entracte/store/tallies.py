"""Statements that count (`statistics.tallies`). They select numbers and codes; no statement here selects a person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, distinct, func, or_, select, text

from entracte.participation.events import EventKind, Outcome
from entracte.statistics.tallies import Counts
from entracte.store.commits import Commits
from entracte.store.tables import attempt, entry, event, participation
from entracte.values import CampaignNumber, OrganizationNumber


def _of(table: Any) -> Any:
    return (table.c.organization == bindparam("of_organization")) & (table.c.campaign == bindparam("of_campaign"))


_REACHED = select(event.c.kind, event.c.step, func.count()).where(_of(event)).group_by(event.c.kind, event.c.step)
_STARTED_SINCE = (
    select(func.count())
    .select_from(event)
    .where(_of(event), event.c.kind == EventKind.STARTED.value, event.c.step == "", event.c.at >= bindparam("since"))
)
_ENTRIES = select(
    func.count(), func.count(distinct(func.nullif(entry.c.person, bindparam("nobody", type_=entry.c.person.type))))
).where(_of(entry))

_LATEST_REASON = (
    select(attempt.c.reason)
    .where(attempt.c.organization == participation.c.organization, attempt.c.participation == participation.c.id)
    .order_by(attempt.c.sent_at.desc(), attempt.c.place.desc(), attempt.c.number.desc())
    .limit(1)
    .correlate(participation)
    .scalar_subquery()
)
_outcome = func.coalesce(participation.c.sign_in_outcome, Outcome.SENT.value)
_each_sent = (
    select(
        _outcome.label("outcome"),
        case((_outcome == Outcome.FAILED.value, func.coalesce(_LATEST_REASON, "")), else_="").label("reason"),
    )
    # Outer: who was erased was still sent, and the sum stays the funnel's number.
    .select_from(
        event.outerjoin(
            participation,
            (participation.c.organization == event.c.organization) & (participation.c.id == event.c.participation),
        )
    )
    .where(_of(event), event.c.kind == EventKind.SIGN_IN_SENT.value, event.c.step == "")
    .subquery()
)
_SIGN_INS = select(_each_sent.c.outcome, _each_sent.c.reason, func.count()).group_by(
    _each_sent.c.outcome, _each_sent.c.reason
)

_seconds = (attempt.c.finished_at - attempt.c.sent_at).label("seconds")
_ranked = (
    select(
        _seconds,
        func.row_number().over(order_by=_seconds).label("rank"),
        func.count().over().label("size"),
    )
    # Written out, not a parameter, so that the databases see that the partial index `attempt_signed_in` fits.
    .where(_of(attempt), text("outcome = 'signed_in'"), attempt.c.finished_at.is_not(None))
    .subquery()
)
_MEDIAN = select(func.min(_ranked.c.seconds), func.max(_ranked.c.seconds)).where(
    or_(_ranked.c.rank * 2 == _ranked.c.size, (_ranked.c.rank * 2).between(_ranked.c.size + 1, _ranked.c.size + 2))
)


class StoredTallies:
    """`statistics.tallies.Tallies`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def counts(self, organization: OrganizationNumber, campaign: CampaignNumber, since: int) -> Counts:
        return (await self.counts_of_each(organization, [campaign], since))[0]

    async def counts_of_each(
        self, organization: OrganizationNumber, campaigns: Sequence[CampaignNumber], since: int
    ) -> list[Counts]:
        each = [{"of_organization": organization, "of_campaign": campaign} for campaign in campaigns]
        return await self._commits.read(lambda connection: [_counts(connection, of, since) for of in each])


def _counts(connection: Connection, of: dict[str, Any], since: int) -> Counts:
    entries, people = connection.execute(_ENTRIES, of | {"nobody": b""}).one()
    return Counts(
        reached={(EventKind(kind), step): number for kind, step, number in connection.execute(_REACHED, of)},
        outcomes={(Outcome(outcome), reason): number for outcome, reason, number in connection.execute(_SIGN_INS, of)},
        started_since=connection.execute(_STARTED_SINCE, of | {"since": since}).scalar_one(),
        entries=entries,
        people=people,
        median_sign_in_seconds=_median(connection, of),
    )


def _median(connection: Connection, of: dict[str, Any]) -> int | None:
    """The middle one, or the mean of the middle two, in whole seconds, rounded down."""
    lower, upper = connection.execute(_MEDIAN, of).one()
    return (lower + upper) // 2 if lower is not None else None

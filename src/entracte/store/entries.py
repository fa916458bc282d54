"""Statements for entries. Functions of a connection: `participations` puts them into transactions."""

from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, literal, select, tuple_, update

from entracte.participation.events import ValueOutcome
from entracte.participation.model import Entry
from entracte.store.prepared import Prepared
from entracte.store.tables import answer as answers
from entracte.store.tables import entry as table
from entracte.store.tables import participation
from entracte.values import CampaignNumber, OrganizationNumber, ParticipationId

_MARK = (
    update(participation)
    .where(
        participation.c.organization == bindparam("of_organization"),
        participation.c.id == bindparam("of_participation"),
        participation.c.entered_at.is_(None),
    )
    .values(entered_at=bindparam("entered_now"), draft={})
)


_ANSWERS_OF = select(answers.c.step, answers.c.answer).where(
    answers.c.organization == bindparam("of_organization"), answers.c.participation == bindparam("of_participation")
)
_END = Prepared(lambda connection: _MARK)
_ANSWERS = Prepared(lambda connection: _ANSWERS_OF)
_KEEP = Prepared(lambda connection: insert(table))


def keep(connection: Connection, entry: Entry) -> bool:
    """Keep it, once per participation. The mark on the participation decides: it also ends answers and drafts.
    Answers are read behind the mark, so that one from another tab that was acknowledged is in the entry."""
    this = {"of_organization": entry.organization, "of_participation": entry.participation}
    if _END.change(connection, this | {"entered_now": entry.entered_at}) == 0:
        return False
    kept = {row["step"]: row["answer"] for row in _ANSWERS.rows(connection, this)}
    _KEEP.change(connection, _row(entry) | {"answers": {**entry.answers, **kept}})
    return True


def latest(
    connection: Connection, organization: OrganizationNumber, campaign: CampaignNumber, limit: int
) -> list[Entry]:
    """The newest ones, newest first."""
    statement = (
        select(table)
        .where(table.c.organization == organization, table.c.campaign == campaign)
        .order_by(table.c.entered_at.desc(), table.c.participation.desc())
        .limit(limit)
    )
    return [read(row) for row in connection.execute(statement).mappings()]


def page(
    connection: Connection, organization: OrganizationNumber, campaign: CampaignNumber, after: Entry | None, size: int
) -> list[Entry]:
    """The next ones, oldest first: after an entry, not after a number of entries, so that no page gets slower."""
    statement = select(table).where(table.c.organization == organization, table.c.campaign == campaign)
    if after is not None:
        place = tuple_(
            literal(after.entered_at, table.c.entered_at.type), literal(after.participation, table.c.participation.type)
        )
        statement = statement.where(tuple_(table.c.entered_at, table.c.participation) > place)
    statement = statement.order_by(table.c.entered_at, table.c.participation).limit(size)
    return [read(row) for row in connection.execute(statement).mappings()]


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "organization": entry.organization,
        "participation": entry.participation,
        "campaign": entry.campaign,
        "entered_at": entry.entered_at,
        "language": entry.language,
        "signed_in": entry.signed_in,
        "person": entry.person,
        "answers": dict(entry.answers),
        "form_values": dict(entry.values),
        "outcomes": {key: outcome.value for key, outcome in entry.outcomes.items()},
    }


def read(row: RowMapping) -> Entry:
    """The entry of a row."""
    return Entry(
        organization=OrganizationNumber(row["organization"]),
        campaign=CampaignNumber(row["campaign"]),
        participation=ParticipationId(row["participation"]),
        entered_at=row["entered_at"],
        language=row["language"],
        signed_in=row["signed_in"],
        person=row["person"],
        answers=row["answers"],
        values=row["form_values"],
        outcomes={key: ValueOutcome(outcome) for key, outcome in row["outcomes"].items()},
    )

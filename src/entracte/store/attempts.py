"""Statements for sign-in attempts. Functions of a connection: `participations` puts them into transactions.

The outcome of a participation is the outcome of its latest attempt, but `SIGNED_IN` stays. So a failure of an older
attempt, in another tab, changes nothing there. Latest is the one sent last; within one second, the one kept last.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from entracte.participation.events import Outcome
from entracte.participation.model import OPEN_ATTEMPTS, Attempt, Profile
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.prepared import Prepared
from entracte.store.profiles import document, person, read_profile
from entracte.store.tables import attempt as table
from entracte.store.tables import participation
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, OrganizationNumber, ParticipationId

_KEY = [table.c.organization, table.c.participation, table.c.number]
_OF_PARTICIPATION = and_(
    table.c.organization == bindparam("of_organization"), table.c.participation == bindparam("of_participation")
)
_THIS = and_(_OF_PARTICIPATION, table.c.number == bindparam("of_number"))

_before = table.alias("before")
_NEXT_PLACE = (
    select(func.coalesce(func.max(_before.c.place), 0) + 1)
    .where(
        _before.c.organization == bindparam("of_organization"), _before.c.participation == bindparam("of_participation")
    )
    .scalar_subquery()
)


def _placed(insert: Any) -> Any:
    return insert.values({column.name: _given(column) for column in table.c} | {"place": _NEXT_PLACE})


def _given(column: Any) -> Any:
    return bindparam(f"given_{column.name}", type_=column.type)


def _consumed(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={"consumed_at": insert.excluded.consumed_at, "outcome": insert.excluded.outcome},
        where=and_(table.c.consumed_at.is_(None), _NEXT_PLACE - table.c.place <= OPEN_ATTEMPTS),
    ).returning(table.c.number)


def _finished(insert: Any) -> Any:
    columns = ("outcome", "reason", "evidence", "finished_at", "held_profile", "held_person")
    return insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={name: insert.excluded[name] for name in columns},
        where=table.c.outcome != Outcome.SIGNED_IN.value,
    ).returning(table.c.number)


_SENT = Upsert(table, lambda insert: or_nothing(_placed(insert)).returning(table.c.number)).prepared()
_CONSUME = Upsert(table, lambda insert: _consumed(_placed(insert))).prepared()
_FINISH = Upsert(table, lambda insert: _finished(_placed(insert))).prepared()

_later = table.alias("later")
_FOLLOW_LATEST = (
    update(participation)
    .where(
        participation.c.organization == bindparam("of_organization"),
        participation.c.id == bindparam("of_participation"),
        or_(participation.c.sign_in_outcome.is_(None), participation.c.sign_in_outcome != Outcome.SIGNED_IN.value),
        ~exists().where(
            _THIS,
            _later.c.organization == bindparam("of_organization"),
            _later.c.participation == bindparam("of_participation"),
            or_(
                _later.c.sent_at > table.c.sent_at,
                and_(_later.c.sent_at == table.c.sent_at, _later.c.place > table.c.place),
            ),
        ),
    )
    .values(sign_in_outcome=bindparam("outcome_now"))
)
_FOLLOW = Prepared(lambda connection: _FOLLOW_LATEST)

_ONE = select(table).where(_THIS)
_LATEST = (
    select(table)
    .where(_OF_PARTICIPATION)
    .order_by(table.c.sent_at.desc(), table.c.place.desc(), table.c.number.desc())
    .limit(1)
)
_HELD = (
    select(table.c.number, table.c.sent_at, table.c.held_profile, table.c.held_person)
    .where(_OF_PARTICIPATION, table.c.held_profile.is_not(None))
    .order_by(table.c.number)
)
_RELEASE = (
    update(table)
    .where(_OF_PARTICIPATION, table.c.sent_at <= bindparam("released_until"))
    .values(held_profile=None, held_person=None)
)


def keep_sent(connection: Connection, attempt: Attempt) -> None:
    """Keep it unless it is there: an attempt that came back already is not `SENT` again."""
    if _SENT.first(connection, _row(attempt)) is not None:
        follow(connection, attempt, attempt.outcome)


def consume(connection: Connection, attempt: Attempt, at: int) -> bool:
    """One statement decides, whichever process and whether or not the attempt was kept before."""
    returned = replace(attempt, consumed_at=at, outcome=Outcome.RETURNED)
    if _CONSUME.first(connection, _row(returned)) is None:
        return False
    follow(connection, attempt, Outcome.RETURNED)
    return True


def finish(connection: Connection, attempt: Attempt) -> bool:
    """Keep how it ended. False when it had signed in already: that stays."""
    return _FINISH.first(connection, _row(attempt)) is not None


def follow(connection: Connection, attempt: Attempt, outcome: Outcome) -> None:
    """Put the outcome on the participation, when this is its latest attempt and none signed in."""
    _FOLLOW.change(connection, _this(attempt) | {"outcome_now": outcome.value})


def take_held_profile(
    connection: Connection, organization: OrganizationNumber, participation: ParticipationId, number: AttemptNumber
) -> Profile | None:
    """The held profile, which is held no longer, nor is that of an earlier attempt: whoever signed in later does not
    give way to it. None when there is none (any more)."""
    whose = {"of_organization": organization, "of_participation": participation}
    # PostgreSQL: a second claimant waits here for the first, and then finds nothing. All rows are taken in one order:
    # two claimants never wait for each other. SQLite has one writer.
    held = {row.number: row for row in connection.execute(_HELD.with_for_update(), whose)}
    row = held.get(number)
    if row is None:
        return None
    connection.execute(_RELEASE, whose | {"released_until": row.sent_at})
    return read_profile(row.held_profile, row.held_person)


def one(
    connection: Connection, organization: OrganizationNumber, participation: ParticipationId, number: AttemptNumber
) -> Attempt | None:
    """By its number."""
    this = {"of_organization": organization, "of_participation": participation, "of_number": number}
    return _read(connection.execute(_ONE, this).mappings().first())


def latest(connection: Connection, organization: OrganizationNumber, participation: ParticipationId) -> Attempt | None:
    """The latest of a participation."""
    whose = {"of_organization": organization, "of_participation": participation}
    return _read(connection.execute(_LATEST, whose).mappings().first())


def _this(attempt: Attempt) -> dict[str, Any]:
    return {
        "of_organization": attempt.organization,
        "of_participation": attempt.participation,
        "of_number": attempt.number,
    }


def _row(attempt: Attempt) -> dict[str, Any]:
    row = {
        "organization": attempt.organization,
        "participation": attempt.participation,
        "number": attempt.number,
        "campaign": attempt.campaign,
        "connection": attempt.connection,
        "short_code": attempt.short_code,
        "sent_at": attempt.sent_at,
        "consumed_at": attempt.consumed_at,
        "finished_at": attempt.finished_at,
        "outcome": attempt.outcome.value,
        "reason": attempt.reason,
        "evidence": attempt.evidence,
        "held_profile": document(attempt.held_profile),
        "held_person": person(attempt.held_profile),
    }
    whose = {"of_organization": attempt.organization, "of_participation": attempt.participation}
    return {f"given_{name}": value for name, value in row.items()} | whose


def _read(row: RowMapping | None) -> Attempt | None:
    return read(row) if row is not None else None


def read(row: RowMapping) -> Attempt:
    """The attempt of a row."""
    return Attempt(
        organization=OrganizationNumber(row["organization"]),
        campaign=CampaignNumber(row["campaign"]),
        participation=ParticipationId(row["participation"]),
        number=AttemptNumber(row["number"]),
        connection=ConnectionNumber(row["connection"]),
        short_code=row["short_code"],
        sent_at=row["sent_at"],
        consumed_at=row["consumed_at"],
        finished_at=row["finished_at"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        evidence=row["evidence"],
        held_profile=read_profile(row["held_profile"], row["held_person"]),
    )

"""Statements for sessions at authorization servers (`participation.provider_sessions`).

Whoever changes a participation and its sessions changes the participation first, so that two processes never wait for
each other.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    null,
    select,
    true,
    tuple_,
    update,
)

from entracte.participation.events import Event, EventKind
from entracte.participation.provider_sessions import KEPT_SECONDS, KeptSession, Left, Logout, Place
from entracte.protocol.logout import ReplayKey
from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.events import keep_events
from entracte.store.prepared import Prepared
from entracte.store.tables import attempt, participation, seen_logout_token
from entracte.store.tables import provider_session as table
from entracte.values import (
    AttemptNumber,
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
)

MOST_FORGOTTEN = 100
"""Old rows that one change clears away: its commit stays short, and more go than come."""

_KEEP = Upsert(table, or_nothing).prepared()
_OF_PARTICIPATION = and_(
    table.c.organization == bindparam("of_organization"), table.c.participation == bindparam("of_participation")
)
_REPLACED = delete(table).where(_OF_PARTICIPATION, table.c.attempt != bindparam("of_number"))
_REPLACE = Prepared(lambda connection: _REPLACED)
_LEAVE = (
    update(participation)
    .where(
        participation.c.organization == bindparam("of_organization"),
        participation.c.id == bindparam("of_participation"),
        participation.c.person == bindparam("of_person", type_=participation.c.person.type),
    )
    .values(
        profile=null(),
        person=null(),
        draft={},
        generation=participation.c.generation + 1,
        previous_key_open=true(),
    )
    .returning(participation.c.generation, participation.c.campaign)
)
_HELD = and_(
    attempt.c.organization == bindparam("of_organization"),
    attempt.c.participation == bindparam("of_participation"),
    attempt.c.held_profile.is_not(None),
)
_RELEASE_ALL = update(attempt).where(_HELD).values(held_profile=None, held_person=None)
_RELEASE_ONE = _RELEASE_ALL.where(attempt.c.number == bindparam("of_number"))
_USE_TOKEN = Upsert(
    seen_logout_token, lambda insert: or_nothing(insert).returning(seen_logout_token.c.digest)
).prepared()


def keep(connection: Connection, session: KeptSession) -> None:
    """Keep the session of a sign-in, and forget some that are too old for anybody."""
    _KEEP.change(connection, _row(session))
    _forget(connection, table, table.c.signed_in_at, session.organization, session.signed_in_at - KEPT_SECONDS)


def replace(connection: Connection, session: KeptSession) -> None:
    """Keep the session of a sign-in in the place of those before it."""
    keep(connection, session)
    _REPLACE.change(connection, _this(session.organization, session.participation) | {"of_number": session.attempt})


class StoredProviderSessions:
    """`participation.provider_sessions.ProviderSessions`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def current(
        self, organization: OrganizationNumber, participation: ParticipationId, person: bytes
    ) -> KeptSession | None:
        return await self._commits.read(lambda connection: _current(connection, organization, participation, person))

    async def leave(
        self, organization: OrganizationNumber, participation: ParticipationId, person: bytes, at: int
    ) -> Left | None:
        this = _this(organization, participation)

        def work(connection: Connection) -> Left | None:
            row = connection.execute(_LEAVE, this | {"of_person": person}).first()
            if row is None:
                return None
            session = _current(connection, organization, participation, person)
            connection.execute(_RELEASE_ALL, this)
            connection.execute(delete(table).where(_OF_PARTICIPATION), this)
            keep_events(connection, [_signed_out(organization, row.campaign, participation, at)])
            return Left(row.generation, session)

        return await self._commits.write(work)

    async def end(self, logout: Logout, at: int, replay: ReplayKey | None = None) -> int | None:
        """The token is used and the identity is gone in one transaction: a token whose logout failed can come again."""
        statement = select(table).where(*_meant(logout)).order_by(table.c.participation, table.c.attempt)

        def work(connection: Connection) -> int | None:
            if replay is not None and not _use(connection, logout, replay, at):
                return None
            sessions = [_read(row) for row in connection.execute(statement).mappings()]
            for session in sessions:
                _end(connection, session, at)
            return len(sessions)

        return await self._commits.write(work)

    async def after(self, organization: OrganizationNumber, place: Place | None, limit: int) -> Sequence[KeptSession]:
        here = tuple_(table.c.participation, table.c.attempt)
        further = [here > tuple_(*place)] if place is not None else []
        statement = (
            select(table)
            .where(table.c.organization == organization, *further)
            .order_by(table.c.participation, table.c.attempt)
            .limit(limit)
        )
        return await self._commits.read(
            lambda connection: [_read(row) for row in connection.execute(statement).mappings()]
        )

    async def reseal(self, before: KeptSession, after: KeptSession) -> bool:
        statement = (
            update(table)
            .where(
                *_is(before),
                table.c.sealed_id_token.is_not_distinct_from(before.sealed_id_token),
                table.c.sealed_session_state.is_not_distinct_from(before.sealed_session_state),
            )
            .values(sealed_id_token=after.sealed_id_token, sealed_session_state=after.sealed_session_state)
        )
        return await self._commits.write(lambda connection: connection.execute(statement).rowcount == 1)


def _current(
    connection: Connection, organization: OrganizationNumber, participation: ParticipationId, person: bytes
) -> KeptSession | None:
    latest = (
        select(table)
        .where(_OF_PARTICIPATION, table.c.person == person)
        .order_by(table.c.signed_in_at.desc(), table.c.attempt)
        .limit(1)
    )
    row = connection.execute(latest, _this(organization, participation)).mappings().first()
    return _read(row) if row is not None else None


def _use(connection: Connection, logout: Logout, replay: ReplayKey, at: int) -> bool:
    """One statement decides: True for exactly one caller per token, in whichever process."""
    row = {
        "organization": logout.organization,
        "connection": logout.connection,
        "digest": bytes.fromhex(replay.digest),
        "keep_until": replay.until,
    }
    if _USE_TOKEN.first(connection, row) is None:
        return False
    _forget(connection, seen_logout_token, seen_logout_token.c.keep_until, logout.organization, at)
    return True


def _end(connection: Connection, session: KeptSession, at: int) -> None:
    this = _this(session.organization, session.participation)
    left = connection.execute(_LEAVE, this | {"of_person": session.person}).first()
    released = connection.execute(_RELEASE_ONE, this | {"of_number": session.attempt})
    connection.execute(delete(table).where(*_is(session)))
    if left is not None or released.rowcount:
        keep_events(connection, [_signed_out(session.organization, session.campaign, session.participation, at)])


def _forget(
    connection: Connection, of: Any, age: ColumnElement[int], organization: OrganizationNumber, before: int
) -> None:
    keys = of.primary_key.columns
    old = (
        select(*keys)
        .where(of.c.organization == organization, age < before)
        .order_by(age)
        .limit(MOST_FORGOTTEN)
        .with_for_update(skip_locked=True)
    )
    for row in connection.execute(old).all():
        connection.execute(delete(of).where(*(key == value for key, value in zip(keys, row, strict=True))))


def _meant(logout: Logout) -> Sequence[ColumnElement[bool]]:
    """The sessions that a logout is of: by all that it names."""
    named = {table.c.session: logout.session, table.c.person: logout.person}
    return (
        table.c.organization == logout.organization,
        table.c.connection == logout.connection,
        *(column == value for column, value in named.items() if value is not None),
    )


def _is(session: KeptSession) -> Sequence[ColumnElement[bool]]:
    return (
        table.c.organization == session.organization,
        table.c.participation == session.participation,
        table.c.attempt == session.attempt,
    )


def _this(organization: OrganizationNumber, participation: ParticipationId) -> dict[str, Any]:
    return {"of_organization": organization, "of_participation": participation}


def _signed_out(organization: OrganizationNumber, campaign: int, participation: ParticipationId, at: int) -> Event:
    return Event(organization, CampaignNumber(campaign), participation, EventKind.SIGNED_OUT, at)


def _row(session: KeptSession) -> dict[str, Any]:
    return {
        "organization": session.organization,
        "participation": session.participation,
        "attempt": session.attempt,
        "campaign": session.campaign,
        "connection": session.connection,
        "signed_in_at": session.signed_in_at,
        "person": session.person,
        "session": session.session,
        "sealed_id_token": session.sealed_id_token,
        "sealed_session_state": session.sealed_session_state,
    }


def _read(row: RowMapping) -> KeptSession:
    return KeptSession(
        OrganizationNumber(row["organization"]),
        CampaignNumber(row["campaign"]),
        ParticipationId(row["participation"]),
        AttemptNumber(row["attempt"]),
        ConnectionNumber(row["connection"]),
        row["signed_in_at"],
        row["person"],
        row["session"],
        row["sealed_id_token"],
        row["sealed_session_state"],
    )

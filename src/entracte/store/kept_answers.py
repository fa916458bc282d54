"""Statements for the answers of the REST API that are kept for a repeated request (`web.api.idempotency`)."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.tables import kept_answer as table
from entracte.values import OrganizationNumber

_CLAIM = Upsert(table, lambda insert: or_nothing(insert).returning(table.c.idempotency_key))
MOST_FORGOTTEN = 500
"""Rows that one claim clears away: its commit stays short."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known of an idempotency key. `is_ours`: nobody has used it, and it is now this request's. Otherwise
    another request has: `status` is None while that one is under way."""

    is_ours: bool
    fingerprint: bytes
    status: int | None = None
    sealed_answer: str | None = field(default=None, repr=False)


class StoredAnswers:
    """Keeps one answer for each key of an organization."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def claim(
        self, organization: OrganizationNumber, key: str, fingerprint: bytes, at: int, keep: int, patience: int
    ) -> Claim:
        """Take the key, or say who has it. Answers are kept for `keep` seconds; a request that has been under way for
        `patience` seconds is taken to have died with its process."""
        row = {"organization": organization, "idempotency_key": key, "fingerprint": fingerprint, "kept_at": at}

        def work(connection: Connection) -> Claim:
            _forget(connection, at - keep)
            connection.execute(delete(table).where(*_is(organization, key), _is_over(at, keep, patience)))
            if connection.execute(_CLAIM.of(connection), row).first() is not None:
                return Claim(True, fingerprint)
            kept = connection.execute(select(table).where(*_is(organization, key))).mappings().one()
            return Claim(False, kept["fingerprint"], kept["status"], kept["sealed_answer"])

        return await self._commits.write(work)

    async def keep(
        self, organization: OrganizationNumber, key: str, fingerprint: bytes, status: int, sealed_answer: str
    ) -> None:
        """The request has been answered."""
        statement = (
            update(table)
            .where(*_is(organization, key), table.c.fingerprint == fingerprint)
            .values(status=status, sealed_answer=sealed_answer)
        )
        await self._commits.write(lambda connection: connection.execute(statement).rowcount)

    async def release(self, organization: OrganizationNumber, key: str, fingerprint: bytes) -> None:
        """The request changed nothing: the key can be used again."""
        statement = delete(table).where(
            *_is(organization, key), table.c.fingerprint == fingerprint, table.c.status.is_(None)
        )
        await self._commits.write(lambda connection: connection.execute(statement).rowcount)


def _forget(connection: Connection, before: int) -> None:
    old = (
        select(table.c.organization, table.c.idempotency_key)
        .where(table.c.kept_at < before)
        .order_by(table.c.kept_at)
        .limit(MOST_FORGOTTEN)
        .with_for_update(skip_locked=True)
    )
    for organization, key in connection.execute(old).all():
        connection.execute(delete(table).where(*_is(organization, key)))


def _is_over(at: int, keep: int, patience: int) -> ColumnElement[bool]:
    return or_(table.c.kept_at < at - keep, and_(table.c.status.is_(None), table.c.kept_at < at - patience))


def _is(organization: OrganizationNumber, key: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.organization == organization, table.c.idempotency_key == key

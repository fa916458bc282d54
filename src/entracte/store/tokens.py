"""Statements for tokens of the REST API (`organizations.tokens`)."""

from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select, update

from entracte.organizations.tokens import DAY, MOST_TOKENS, Scope, Token, tokens_full
from entracte.store.commits import Commits
from entracte.store.tables import token as table
from entracte.store.tables import token_address
from entracte.values import OrganizationNumber

FORGOTTEN_AFTER = 400 * DAY
"""Seconds after its end that a token is still listed: who looks for what an old program did finds it for a year."""

_BY_HASH = select(table).join_from(
    token_address,
    table,
    (table.c.organization == token_address.c.organization) & (table.c.id == token_address.c.id),
)


class StoredTokens:
    """`organizations.tokens.Tokens`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def add(self, token: Token, token_hash: bytes) -> None:
        address = {"token_hash": token_hash, "organization": token.organization, "id": token.id}
        row = {
            "organization": token.organization,
            "id": token.id,
            "name": token.name,
            "scopes": " ".join(sorted(token.scopes)),
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }

        def work(connection: Connection) -> None:
            _forget_old(connection, token.organization, token.created_at - FORGOTTEN_AFTER)
            if _valid(connection, token.organization, token.created_at) >= MOST_TOKENS:
                raise tokens_full()
            connection.execute(insert(table), row)
            connection.execute(insert(token_address), address)

        await self._commits.write(work)

    async def by_hash(self, token_hash: bytes) -> Token | None:
        return await self._one(_BY_HASH.where(token_address.c.token_hash == token_hash))

    async def get(self, organization: OrganizationNumber, token_id: UUID) -> Token | None:
        return await self._one(select(table).where(*_is(organization, token_id)))

    async def of(self, organization: OrganizationNumber) -> list[Token]:
        statement = (
            select(table).where(table.c.organization == organization).order_by(table.c.created_at.desc(), table.c.id)
        )
        return await self._commits.read(
            lambda connection: [_token(row) for row in connection.execute(statement).mappings()]
        )

    async def revoke(self, organization: OrganizationNumber, token_id: UUID, at: int) -> Token | None:
        """Also takes its way in: from this commit on it opens nothing, in any process."""
        first = update(table).where(*_is(organization, token_id), table.c.revoked_at.is_(None)).values(revoked_at=at)
        address = delete(token_address).where(
            token_address.c.organization == organization, token_address.c.id == token_id
        )

        def work(connection: Connection) -> Token | None:
            connection.execute(first)
            connection.execute(address)
            row = connection.execute(select(table).where(*_is(organization, token_id))).mappings().first()
            return _token(row) if row is not None else None

        return await self._commits.write(work)

    async def _one(self, statement: object) -> Token | None:
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())  # type: ignore[call-overload]
        return _token(row) if row is not None else None


def _forget_old(connection: Connection, organization: OrganizationNumber, before: int) -> None:
    old = select(table.c.id).where(table.c.organization == organization, table.c.expires_at < before)
    connection.execute(
        delete(token_address).where(token_address.c.organization == organization, token_address.c.id.in_(old))
    )
    connection.execute(delete(table).where(table.c.organization == organization, table.c.expires_at < before))


def _valid(connection: Connection, organization: OrganizationNumber, now: int) -> int:
    statement = select(func.count()).where(
        table.c.organization == organization, table.c.revoked_at.is_(None), table.c.expires_at > now
    )
    return int(connection.execute(statement).scalar_one())


def _is(organization: OrganizationNumber, token_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return table.c.organization == organization, table.c.id == token_id


def _token(row: RowMapping) -> Token:
    return Token(
        organization=OrganizationNumber(row["organization"]),
        id=row["id"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"].split(" ")),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )

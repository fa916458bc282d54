"""Statements for connections (`connections.model`)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import RowMapping, delete, select, update
from sqlalchemy.exc import IntegrityError

from entracte.connections.kept_config import read_kept
from entracte.connections.model import Connection, ConnectionConfig, KeptRegistration, OwnKey
from entracte.errors import Kind, LocalError, Problem
from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.numbers import next_number
from entracte.store.tables import connection as table
from entracte.values import ConnectionNumber, OrganizationNumber

_ADD = Upsert(table, lambda insert: or_nothing(insert).returning(table.c.number))


class StoredConnections:
    """`connections.model.Connections`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def add(
        self, organization: OrganizationNumber, config: ConnectionConfig, sealed_secret: str, at: int | None = None
    ) -> Connection:
        def work(database: DatabaseConnection) -> Connection:
            number = ConnectionNumber(next_number(database, "connection"))
            kept = Connection(organization, number, config, sealed_secret, at)
            if database.execute(_ADD.of(database), _row(kept)).first() is None:
                raise _exists(config.name)
            return kept

        return await self._commits.write(work)

    async def replace(self, connection: Connection) -> bool:
        """False when the organization has no such connection. LocalError `connection_exists` when the name is taken."""
        statement = (
            update(table)
            .where(table.c.organization == connection.organization, table.c.number == connection.number)
            .values(_row(connection))
        )

        def work(database: DatabaseConnection) -> bool:
            try:
                return database.execute(statement).rowcount == 1
            except IntegrityError:
                raise _exists(connection.config.name) from None

        return await self._commits.write(work)

    async def change(
        self, organization: OrganizationNumber, name: str, change: Callable[[Connection], Connection]
    ) -> Connection | None:
        if "\0" in name:  # as in `by_name`
            return None
        kept = select(table).where(table.c.organization == organization, table.c.name == name).with_for_update()

        def work(database: DatabaseConnection) -> Connection | None:
            row = database.execute(kept).mappings().first()
            if row is None:
                return None
            changed = change(_connection(row))
            same = (table.c.organization == organization, table.c.number == row["number"])
            database.execute(update(table).where(*same).values(_row(changed)))
            return changed

        return await self._commits.write(work)

    async def remove(self, organization: OrganizationNumber, name: str) -> bool:
        if "\0" in name:  # as in `by_name`
            return False
        statement = delete(table).where(table.c.organization == organization, table.c.name == name)
        return await self._commits.write(lambda database: database.execute(statement).rowcount == 1)

    async def by_name(self, organization: OrganizationNumber, name: str) -> Connection | None:
        if "\0" in name:  # PostgreSQL takes no such text, not even to compare with it
            return None
        return await self._one(organization, table.c.name == name)

    async def by_number(self, organization: OrganizationNumber, number: ConnectionNumber) -> Connection | None:
        return await self._one(organization, table.c.number == number)

    async def of(self, organization: OrganizationNumber) -> list[Connection]:
        statement = select(table).where(table.c.organization == organization).order_by(table.c.name)
        return await self._commits.read(
            lambda database: [_connection(row) for row in database.execute(statement).mappings()]
        )

    async def _one(self, organization: OrganizationNumber, condition: Any) -> Connection | None:
        statement = select(table).where(table.c.organization == organization, condition)
        row = await self._commits.read(lambda database: database.execute(statement).mappings().first())
        return _connection(row) if row is not None else None


def _row(connection: Connection) -> dict[str, Any]:
    registered = connection.registration
    return {
        "organization": connection.organization,
        "number": connection.number,
        "name": connection.config.name,
        # With its defaults: a default that changes later does not change what is set up.
        "config": connection.config.model_dump_json(),
        "sealed_secret": connection.sealed_secret,
        "secret_added_at": connection.secret_added_at,
        "previous_sealed_secret": connection.previous_sealed_secret,
        "previous_secret_added_at": connection.previous_secret_added_at,
        "own_keys": _OWN_KEYS.dump_json(connection.own_keys).decode() if connection.own_keys else None,
        "registration": registered.model_dump_json(exclude={"sealed_token"}) if registered else None,
        "sealed_registration_token": registered.sealed_token or None if registered else None,
        "identity_changed_at": connection.identity_changed_at,
    }


_OWN_KEYS = TypeAdapter(tuple[OwnKey, ...])


@lru_cache(maxsize=4096)
def own_keys_of(text: str) -> tuple[OwnKey, ...]:
    """The keys as they are kept in a row."""
    return _OWN_KEYS.validate_json(text)


@lru_cache(maxsize=4096)
def _config(text: str) -> ConnectionConfig:
    """Read once for each text: who looks a connection up again gets the same object."""
    return read_kept(text)


def _connection(row: RowMapping) -> Connection:
    return Connection(
        OrganizationNumber(row["organization"]),
        ConnectionNumber(row["number"]),
        _config(row["config"]),
        row["sealed_secret"],
        row["secret_added_at"],
        row["previous_sealed_secret"],
        row["previous_secret_added_at"],
        own_keys_of(row["own_keys"]) if row["own_keys"] else (),
        _registration(row) if row["registration"] else None,
        row["identity_changed_at"],
    )


def _registration(row: RowMapping) -> KeptRegistration:
    kept = KeptRegistration.model_validate_json(row["registration"])
    return kept.model_copy(update={"sealed_token": row["sealed_registration_token"] or ""})


def _exists(name: str) -> LocalError:
    return LocalError(Problem(Kind.CONFLICT, "connection_exists", f"There is a connection {name} already."))

"""Statements for connections (`connections.model`)."""

from typing import Any

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import RowMapping, select, update
from sqlalchemy.exc import IntegrityError

from entracte.connections.model import Connection, ConnectionConfig
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

    async def add(self, organization: OrganizationNumber, config: ConnectionConfig, sealed_secret: str) -> Connection:
        def work(database: DatabaseConnection) -> Connection:
            number = ConnectionNumber(next_number(database, "connection"))
            kept = Connection(organization, number, config, sealed_secret)
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

    async def by_name(self, organization: OrganizationNumber, name: str) -> Connection | None:
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
    return {
        "organization": connection.organization,
        "number": connection.number,
        "name": connection.config.name,
        # With its defaults: a default that changes later does not change what is set up.
        "config": connection.config.model_dump_json(),
        "sealed_secret": connection.sealed_secret,
    }


def _connection(row: RowMapping) -> Connection:
    return Connection(
        OrganizationNumber(row["organization"]),
        ConnectionNumber(row["number"]),
        ConnectionConfig.model_validate_json(row["config"]),
        row["sealed_secret"],
    )


def _exists(name: str) -> LocalError:
    return LocalError(Problem(Kind.CONFLICT, "connection_exists", f"There is a connection {name} already."))

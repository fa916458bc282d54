"""Statements for drafts of campaigns (`campaigns.drafts`)."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, select, update

from entracte.campaigns.drafts import Draft, DraftLine, Expected
from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.tables import campaign_draft as table
from entracte.values import OrganizationNumber

_ADD = Upsert(table, lambda insert: or_nothing(insert).returning(table.c.name))


class StoredDrafts:
    """`campaigns.drafts.Drafts`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def save(
        self, organization: OrganizationNumber, name: str, text: str, at: int, expected: Expected
    ) -> Draft | None:
        def work(connection: Connection) -> Draft | None:
            kept = _kept(connection, organization, name)
            if not expected(kept):
                return None
            draft = Draft(organization, name, kept.revision + 1 if kept else 1, at, text)
            values = {"document": text, "revision": draft.revision, "saved_at": at}
            if kept is not None:
                connection.execute(update(table).where(*_is(organization, name)).values(values))
            elif connection.execute(_ADD.of(connection), _key(organization, name) | values).first() is None:
                return work(connection)  # another process has added one since we looked; now it is seen
            return draft

        return await self._commits.write(work)

    async def get(self, organization: OrganizationNumber, name: str) -> Draft | None:
        statement = select(table).where(*_is(organization, name))
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())
        return _draft(row) if row is not None else None

    async def remove(self, organization: OrganizationNumber, name: str, expected: Expected) -> bool:
        def work(connection: Connection) -> bool:
            if not expected(_kept(connection, organization, name)):
                return False
            return connection.execute(delete(table).where(*_is(organization, name))).rowcount == 1

        return await self._commits.write(work)

    async def of(self, organization: OrganizationNumber) -> list[DraftLine]:
        columns = (table.c.organization, table.c.name, table.c.revision, table.c.saved_at)
        statement = select(*columns).where(table.c.organization == organization).order_by(table.c.name)
        return await self._commits.read(
            lambda connection: [
                DraftLine(OrganizationNumber(number), name, revision, saved_at)
                for number, name, revision, saved_at in connection.execute(statement)
            ]
        )


def _kept(connection: Connection, organization: OrganizationNumber, name: str) -> Draft | None:
    """What is kept now, and stays so until the transaction ends."""
    statement = select(table).where(*_is(organization, name)).with_for_update()
    row = connection.execute(statement).mappings().first()
    return _draft(row) if row is not None else None


def _is(organization: OrganizationNumber, name: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.organization == organization, table.c.name == name


def _key(organization: OrganizationNumber, name: str) -> dict[str, Any]:
    return {"organization": organization, "name": name}


def _draft(row: RowMapping) -> Draft:
    return Draft(
        OrganizationNumber(row["organization"]), row["name"], row["revision"], row["saved_at"], row["document"]
    )

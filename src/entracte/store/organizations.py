"""Statements for organizations, members and their sessions (`organizations.model`)."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.model import Brand, Member, MemberSession, Organization, Role
from entracte.store import tables
from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.numbers import next_number
from entracte.values import OrganizationNumber, Secret

_ADD_ORGANIZATION = Upsert(
    tables.organization, lambda insert: or_nothing(insert).returning(tables.organization.c.number)
)
_ADD_ADDRESS = Upsert(
    tables.member_address, lambda insert: or_nothing(insert).returning(tables.member_address.c.address)
)
_MEMBER_BY_ADDRESS = select(tables.member).join_from(
    tables.member_address,
    tables.member,
    (tables.member.c.organization == tables.member_address.c.organization)
    & (tables.member.c.address == tables.member_address.c.address),
)


class StoredOrganizations:
    """`organizations.model.Organizations`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def add(self, name: str, title: str, brand: Brand, sealed_person_key: str) -> Organization:
        def work(connection: Connection) -> Organization:
            number = next_number(connection, "organization")
            row = {"number": number, "name": name, "title": title, "brand": brand.model_dump_json()}
            row["sealed_person_key"] = sealed_person_key
            if connection.execute(_ADD_ORGANIZATION.of(connection), row).first() is None:
                raise LocalError(
                    Problem(Kind.CONFLICT, "organization_exists", f"There is an organization {name} already.")
                )
            return Organization(OrganizationNumber(number), name, title, brand, sealed_person_key)

        return await self._commits.write(work)

    async def by_name(self, name: str) -> Organization | None:
        return await self._one(tables.organization.c.name == name)

    async def by_number(self, organization: OrganizationNumber) -> Organization | None:
        return await self._one(tables.organization.c.number == organization)

    async def everyone(self) -> list[Organization]:
        statement = select(tables.organization).order_by(tables.organization.c.name)
        return await self._commits.read(
            lambda connection: [_organization(row) for row in connection.execute(statement).mappings()]
        )

    async def set_brand(self, organization: OrganizationNumber, title: str, brand: Brand) -> None:
        statement = (
            update(tables.organization)
            .where(tables.organization.c.number == organization)
            .values(title=title, brand=brand.model_dump_json())
        )
        await self._commits.write(lambda connection: connection.execute(statement).rowcount)

    async def replace_person_key(self, organization: OrganizationNumber, before: str, after: str) -> bool:
        table = tables.organization
        statement = (
            update(table)
            .where(table.c.number == organization, table.c.sealed_person_key == before)
            .values(sealed_person_key=after)
        )
        return await self._commits.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def _one(self, condition: Any) -> Organization | None:
        statement = select(tables.organization).where(condition)
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())
        return _organization(row) if row is not None else None


class StoredMembers:
    """`organizations.model.Members`. An address is compared by its case-folded form."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits

    async def add(self, member: Member) -> None:
        address = {"organization": member.organization, "address": member.email.casefold()}
        row = {"email": member.email, "role": member.role.value, "password_hash": member.password_hash.reveal()}

        def work(connection: Connection) -> None:
            if connection.execute(_ADD_ADDRESS.of(connection), address).first() is None:
                raise LocalError(
                    Problem(Kind.CONFLICT, "member_exists", "There is a member with this e-mail address already.")
                )
            connection.execute(insert(tables.member), address | row)

        await self._commits.write(work)

    async def set_password(self, organization: OrganizationNumber, email: str, password_hash: Secret) -> bool:
        table = tables.member
        statement = (
            update(table)
            .where(table.c.organization == organization, table.c.address == email.casefold())
            .values(password_hash=password_hash.reveal())
        )
        return await self._commits.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def by_email(self, email: str) -> Member | None:
        statement = _MEMBER_BY_ADDRESS.where(tables.member_address.c.address == email.casefold())
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())
        return _member(row) if row is not None else None

    async def begin_session(self, session: MemberSession) -> None:
        """Also forgets the organization's sessions that are over by now."""
        table = tables.member_session
        ended = delete(table).where(
            table.c.organization == session.organization, table.c.expires_at <= session.created_at
        )
        row = {name: getattr(session, name) for name in table.c.keys()}  # noqa: SIM118

        def work(connection: Connection) -> None:
            connection.execute(ended)
            connection.execute(insert(table), row)

        await self._commits.write(work)

    async def session(self, token_hash: bytes, now: int) -> MemberSession | None:
        table = tables.member_session
        statement = select(table).where(table.c.token_hash == token_hash, table.c.expires_at > now)
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())
        return MemberSession(**row) if row is not None else None

    async def end_session(self, organization: OrganizationNumber, token_hash: bytes) -> None:
        table = tables.member_session
        statement = delete(table).where(table.c.organization == organization, table.c.token_hash == token_hash)
        await self._commits.write(lambda connection: connection.execute(statement).rowcount)


@lru_cache(maxsize=4096)
def _brand(text: str) -> Brand:
    """Read once for each text: what pages work out of a brand, they find again by the object."""
    return Brand.model_validate_json(text)


def _organization(row: RowMapping) -> Organization:
    return Organization(
        OrganizationNumber(row["number"]),
        row["name"],
        row["title"],
        _brand(row["brand"]),
        row["sealed_person_key"],
    )


def _member(row: RowMapping) -> Member:
    return Member(
        OrganizationNumber(row["organization"]), row["email"], Role(row["role"]), Secret(row["password_hash"])
    )

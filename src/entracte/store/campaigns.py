"""Statements for published campaigns (`campaigns.model`). Every version is kept; the latest one is played."""

from collections import OrderedDict
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Update, func, insert, select, update

from entracte.campaigns.model import Definition, Published, Version
from entracte.errors import Kind, LocalError, Problem
from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.numbers import next_number
from entracte.store.tables import campaign, campaign_address, campaign_version
from entracte.values import CampaignNumber, OrganizationNumber

MOST_DEFINITIONS = 2048
"""Remembered by one process, of some 30 KB each."""

_ADD_ADDRESS = Upsert(campaign_address, or_nothing)
_NEXT_VERSION = Upsert(
    campaign,
    lambda insert: insert.on_conflict_do_update(
        index_elements=[campaign.c.organization, campaign.c.number], set_={"version": campaign.c.version + 1}
    ).returning(campaign.c.version, campaign.c.closed_at),
)
_LATEST = select(campaign_version, campaign.c.closed_at).join_from(
    campaign,
    campaign_version,
    (campaign_version.c.organization == campaign.c.organization)
    & (campaign_version.c.number == campaign.c.number)
    & (campaign_version.c.version == campaign.c.version),
)
_BY_ADDRESS = _LATEST.join(
    campaign_address,
    (campaign.c.organization == campaign_address.c.organization) & (campaign.c.number == campaign_address.c.number),
)


class StoredCampaigns:
    """`campaigns.model.Campaigns`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._definitions: OrderedDict[tuple[int, int, int], Definition] = OrderedDict()

    async def publish(self, organization: OrganizationNumber, definition: Definition, at: int) -> Published:
        name = definition.campaign

        def work(connection: Connection) -> Published:
            key = {"organization": organization, "number": _number(connection, organization, name)}
            row = key | {"name": name, "version": 1}
            version, closed_at = connection.execute(_NEXT_VERSION.of(connection), row).one()
            # With its defaults: a default that changes later does not change a campaign that people play.
            kept = {"version": version, "definition": definition.model_dump_json(), "published_at": at}
            connection.execute(insert(campaign_version), key | kept)
            return Published(organization, CampaignNumber(key["number"]), definition, version, at, closed_at)

        return await self._commits.write(work)

    async def by_name(self, name: str) -> Published | None:
        if "\0" in name:  # PostgreSQL takes no such text, not even to compare with it
            return None
        return await self._one(campaign_address.c.name == name)

    async def by_number(self, number: CampaignNumber) -> Published | None:
        return await self._one(campaign_address.c.number == number)

    async def of(self, organization: OrganizationNumber) -> list[Published]:
        statement = _LATEST.where(campaign.c.organization == organization).order_by(campaign.c.name)
        return await self._commits.read(
            lambda connection: [self._published(row) for row in connection.execute(statement).mappings()]
        )

    async def versions(self, organization: OrganizationNumber, name: str) -> list[Version]:
        statement = (
            select(campaign_version.c.version, campaign_version.c.published_at)
            .join(
                campaign,
                (campaign.c.organization == campaign_version.c.organization)
                & (campaign.c.number == campaign_version.c.number),
            )
            .where(*_is(organization, name))
            .order_by(campaign_version.c.version.desc())
        )
        return await self._commits.read(
            lambda connection: [Version(number, published_at) for number, published_at in connection.execute(statement)]
        )

    async def close(self, organization: OrganizationNumber, name: str, at: int) -> Published | None:
        closing = update(campaign).values(closed_at=func.coalesce(campaign.c.closed_at, at))
        return await self._change(organization, name, closing)

    async def reopen(self, organization: OrganizationNumber, name: str) -> Published | None:
        return await self._change(organization, name, update(campaign).values(closed_at=None))

    async def _change(self, organization: OrganizationNumber, name: str, change: Update) -> Published | None:
        if "\0" in name:  # as in `by_name`
            return None

        def work(connection: Connection) -> Published | None:
            connection.execute(change.where(*_is(organization, name)))
            row = connection.execute(_LATEST.where(*_is(organization, name))).mappings().first()
            return self._published(row) if row is not None else None

        return await self._commits.write(work)

    async def _one(self, condition: Any) -> Published | None:
        statement = _BY_ADDRESS.where(condition)
        row = await self._commits.read(lambda connection: connection.execute(statement).mappings().first())
        return self._published(row) if row is not None else None

    def _published(self, row: RowMapping) -> Published:
        return Published(
            organization=OrganizationNumber(row["organization"]),
            number=CampaignNumber(row["number"]),
            definition=self._definition(row),
            version=row["version"],
            published_at=row["published_at"],
            closed_at=row["closed_at"],
        )

    def _definition(self, row: RowMapping) -> Definition:
        """A version never changes, so it is read once, and whoever remembers something of it finds it again."""
        key = row["organization"], row["number"], row["version"]
        known = self._definitions.pop(key, None) or Definition.model_validate_json(row["definition"])
        self._definitions[key] = known
        if len(self._definitions) > MOST_DEFINITIONS:
            with suppress(KeyError):  # threads that read do this at the same time
                self._definitions.popitem(last=False)
        return known


def _is(organization: OrganizationNumber, name: str) -> tuple[ColumnElement[bool], ...]:
    return campaign.c.organization == organization, campaign.c.name == name


def _number(connection: Connection, organization: OrganizationNumber, name: str) -> int:
    """The number behind the name; a new one when nobody has the name. Another process may take it at the same time."""
    statement = select(campaign_address).where(campaign_address.c.name == name)
    if (taken := connection.execute(statement).first()) is None:
        row = {"name": name, "organization": organization, "number": next_number(connection, "campaign")}
        connection.execute(_ADD_ADDRESS.of(connection), row)
        taken = connection.execute(statement).one()
    if taken.organization != organization:
        raise LocalError(
            Problem(
                Kind.CONFLICT, "campaign_name_taken", f"The name {name} is taken.", "Choose another one.", "campaign"
            )
        )
    number: int = taken.number
    return number

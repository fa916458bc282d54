"""What a process remembers of campaigns, over a real store that says how often it was asked."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from entracte.campaigns.model import Definition
from entracte.connections.model import ConnectionConfig
from entracte.organizations.model import Brand, Organization
from entracte.store.opened import Store
from entracte.values import CampaignNumber, ConnectionNumber
from entracte.web.directory import FRESH, MOST, Directory
from tests.campaigns.definitions import small

CONFIG = ConnectionConfig(
    name="northwind",
    title="Northwind",
    authorization_endpoint="https://login.example/authorize",
    token_endpoint="https://login.example/token",
    userinfo_endpoint="https://login.example/userinfo",
    client_id="entracte",
    scopes=("profile",),
    profile_source="userinfo",
)


class Hall:
    """A directory over a store, at a clock that the test sets. `asked` are the statements that the database ran."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 1000
        self.asked: list[str] = []
        self.directory = Directory(store.organizations, store.campaigns, store.connections, lambda: self.now)
        event.listen(store._engine, "before_cursor_execute", self._executed)

    def _executed(self, connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT"):
            self.asked.append(statement)

    async def organization(self, name: str = "northwind") -> Organization:
        return await self.store.organizations.add(name, name.title(), Brand(), "sealed")

    async def publish(self, organization: Organization, **changes: Any) -> CampaignNumber:
        definition = Definition.model_validate(small(**changes))
        return (await self.store.campaigns.publish(organization.number, definition, self.now)).number


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    store = Store.open("sqlite://")
    await store.start()
    yield Hall(store)
    await store.stop()


async def test_a_campaign_with_its_organization_and_connection(hall: Hall) -> None:
    organization = await hall.organization()
    connection = await hall.store.connections.add(organization.number, CONFIG, "sealed")
    number = await hall.publish(organization)
    listed = await hall.directory.by_name("small")
    assert listed is not None
    assert (listed.published.number, listed.organization, listed.connection) == (number, organization, connection)
    by_number = await hall.directory.by_number(number)
    assert by_number is not None
    assert by_number.published == listed.published


async def test_a_page_costs_no_read_for_two_seconds(hall: Hall) -> None:
    await hall.publish(await hall.organization())
    await hall.directory.by_name("small")
    hall.asked.clear()
    for _ in range(100):
        await hall.directory.by_name("small")
    assert hall.asked == []
    hall.now += FRESH
    await hall.directory.by_name("small")
    assert hall.asked


async def test_a_new_publication_is_seen_after_two_seconds(hall: Hall) -> None:
    organization = await hall.organization()
    await hall.publish(organization)
    await hall.directory.by_name("small")
    await hall.publish(organization, title="Newer")
    hall.now += FRESH
    listed = await hall.directory.by_name("small")
    assert listed is not None
    assert listed.published.definition.title == "Newer"


async def test_that_nothing_is_there_is_remembered_no_longer(hall: Hall) -> None:
    assert await hall.directory.by_name("small") is None
    hall.asked.clear()
    assert await hall.directory.by_name("small") is None
    assert hall.asked == []
    await hall.publish(await hall.organization())
    hall.now += FRESH
    assert await hall.directory.by_name("small") is not None


@pytest.mark.parametrize("name", ["", "Small", "small\0", "../small", "sm all", "s" * 61, "sмall", "%", "'; --"])
async def test_what_could_be_no_name_is_not_asked_for(hall: Hall, name: str) -> None:
    """Not even a database that refuses such a text hears of it, and nothing is remembered."""
    await hall.publish(await hall.organization())
    hall.asked.clear()
    assert await hall.directory.by_name(name) is None
    assert hall.asked == []
    assert name not in hall.directory._remembered


async def test_the_memory_does_not_grow_without_end(hall: Hall) -> None:
    for number in range(MOST + 10):
        hall.directory._remembered[number] = (hall.now, None)
    await hall.directory.by_name("small")
    assert len(hall.directory._remembered) <= MOST


async def test_the_connection_of_another_organization_is_nobodys(hall: Hall) -> None:
    """MUST 48, by the name of the campaign's file and by the number of a state."""
    mine, theirs = await hall.organization(), await hall.organization("other")
    connection = await hall.store.connections.add(theirs.number, CONFIG, "sealed")
    await hall.publish(mine)
    listed = await hall.directory.by_name("small")
    assert listed is not None
    assert listed.connection is None
    assert await hall.directory.connection(mine.number, connection.number) is None
    assert await hall.directory.connection(theirs.number, connection.number) == connection
    assert await hall.directory.connection(mine.number, ConnectionNumber(99)) is None


async def test_a_changed_connection_is_seen_with_its_campaign(hall: Hall) -> None:
    organization = await hall.organization()
    connection = await hall.store.connections.add(organization.number, CONFIG, "sealed")
    await hall.publish(organization)
    await hall.directory.by_name("small")
    changed = replace(connection, config=CONFIG.model_copy(update={"title": "Northwind II"}))
    await hall.store.connections.replace(changed)
    hall.now += FRESH
    listed = await hall.directory.by_name("small")
    assert listed is not None
    assert listed.connection is not None
    assert listed.connection.config.title == "Northwind II"


async def test_a_campaign_without_a_sign_in_has_no_connection(hall: Hall) -> None:
    organization = await hall.organization()
    await hall.store.connections.add(organization.number, CONFIG, "sealed")
    await hall.publish(organization, sign_in=None)
    listed = await hall.directory.by_name("small")
    assert listed is not None
    assert listed.connection is None


async def test_what_is_known_is_told_however_old_and_without_asking(hall: Hall) -> None:
    organization = await hall.organization()
    await hall.publish(organization)
    assert hall.directory.remembered("small") is None
    listed = await hall.directory.by_name("small")
    hall.asked.clear()
    hall.now += 1000 * FRESH
    assert hall.directory.remembered("small") is listed
    assert hall.directory.remembered("another") is None
    assert hall.asked == []

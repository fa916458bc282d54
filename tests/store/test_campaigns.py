"""Campaigns, on every database."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from entracte.campaigns.model import Campaigns, Definition, Published, Version
from entracte.errors import LocalError
from entracte.organizations.model import Brand, Organization
from entracte.store.campaigns import StoredCampaigns
from entracte.store.opened import Store
from entracte.store.tables import campaign_version
from entracte.values import CampaignNumber
from tests.store.samples import SEALED_PERSON_KEY


def definition(name: str = "summer-quiz", **given: object) -> Definition:
    choices = [{"key": "red", "label": {"en": "Red", "de": "Rot"}}, {"key": "blue", "label": "Blue"}]
    values: dict[str, object] = {
        "campaign": name,
        "title": {"en": "Summer", "de": "Sommer", "pt-BR": "Verão"},
        "languages": ["en", "de", "pt-BR"],
        "opens": date(2027, 6, 1),
        "closes": "2027-08-31",
        "sign_in": {"connection": "northwind", "guests": True, "tells": "  your name  "},
        "embed": {"origins": ["https://www.example.com"]},
        "steps": [
            {"kind": "welcome", "key": "hello", "title": "Hello \u0000 “you”"},
            {"kind": "single_choice", "key": "color", "title": "Which?", "choices": choices, "correct": "red"},
            {"kind": "multiple_choice", "key": "some", "title": "Which?", "choices": choices, "maximum": 2},
            {"kind": "open_text", "key": "why", "title": "Why?", "required": False},
            {
                "kind": "form",
                "key": "form",
                "title": "You, {first_name}",
                "fields": [
                    {"key": "email", "kind": "email", "label": "E-mail", "prefill": "email", "mode": "locked"},
                    {"key": "born", "kind": "date", "label": "Born", "minimum_age": 18},
                    {"key": "phone", "kind": "phone", "label": "Phone", "country": "DE", "half": True},
                ],
            },
            {"kind": "thanks", "key": "thanks", "title": "Thank you"},
        ],
    }
    return Definition.model_validate(values | given)


def test_the_protocol_is_kept(store: Store) -> None:
    campaigns: Campaigns = store.campaigns
    assert isinstance(campaigns, StoredCampaigns)


async def test_a_published_campaign_comes_back_exactly(store: Store, northwind: Organization) -> None:
    given = definition()
    published = await store.campaigns.publish(northwind.number, given, 100)
    assert published == Published(northwind.number, published.number, given, 1, 100)
    for found in (
        await store.campaigns.by_name("summer-quiz"),
        await store.campaigns.by_number(published.number),
        *await store.campaigns.of(northwind.number),
    ):
        assert found == published
        assert found.definition.model_dump_json() == given.model_dump_json()  # with the order of languages


async def test_publishing_again_makes_the_next_version_of_the_same_number(
    store: Store, northwind: Organization
) -> None:
    first = await store.campaigns.publish(northwind.number, definition(), 100)
    second = await store.campaigns.publish(northwind.number, definition(title="Later"), 200)
    assert second == Published(northwind.number, first.number, definition(title="Later"), 2, 200)
    assert await store.campaigns.by_name("summer-quiz") == second
    assert await store.campaigns.of(northwind.number) == [second]
    kept = campaign_version.select().order_by(campaign_version.c.version)
    rows = await store.commits.read(lambda connection: connection.execute(kept).all())
    assert [Definition.model_validate_json(row.definition) for row in rows] == [first.definition, second.definition]


async def test_a_name_belongs_to_one_organization(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine = await store.campaigns.publish(northwind.number, definition(), 100)
    with pytest.raises(LocalError) as raised:
        await store.campaigns.publish(outsider.number, definition(title="Stolen"), 200)
    assert raised.value.problem.code == "campaign_name_taken"
    assert await store.campaigns.by_name("summer-quiz") == mine
    assert await store.campaigns.of(outsider.number) == []


async def test_what_is_not_there_is_not_found(store: Store, northwind: Organization) -> None:
    published = await store.campaigns.publish(northwind.number, definition(), 100)
    assert await store.campaigns.by_name("summer") is None
    assert await store.campaigns.by_name("SUMMER-QUIZ") is None
    assert await store.campaigns.by_number(CampaignNumber(published.number + 1)) is None


async def test_campaigns_of_an_organization_are_sorted_by_the_bytes_of_the_name(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    for name in ("b-b", "b2", "ba", "b"):
        await store.campaigns.publish(northwind.number, definition(name), 100)
    await store.campaigns.publish(outsider.number, definition("other"), 100)
    found = await store.campaigns.of(northwind.number)
    assert [published.name for published in found] == ["b", "b-b", "b2", "ba"]
    assert len({published.number for published in found}) == 4


async def test_two_processes_that_publish_one_name_agree(shared_url: str) -> None:
    stores = [Store.open(shared_url) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        mine = await stores[0].organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
        published = await asyncio.gather(
            *(store.campaigns.publish(mine.number, definition(), 100) for store in stores for _ in range(10))
        )
    finally:
        for store in stores:
            await store.stop()
    assert len({one.number for one in published}) == 1
    assert sorted(one.version for one in published) == list(range(1, 21))


async def test_closed_by_hand_until_it_is_reopened(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    published = await store.campaigns.publish(northwind.number, definition(), 100)
    closed = replace(published, closed_at=150)
    assert await store.campaigns.close(northwind.number, "summer-quiz", 150) == closed
    assert await store.campaigns.close(northwind.number, "summer-quiz", 160) == closed  # it is closed since then
    for found in (
        await store.campaigns.by_name("summer-quiz"),
        await store.campaigns.by_number(published.number),
        *await store.campaigns.of(northwind.number),
    ):
        assert found == closed
    again = await store.campaigns.publish(northwind.number, definition(), 200)
    assert (again.version, again.closed_at) == (2, 150)  # publishing opens nothing
    assert await store.campaigns.reopen(outsider.number, "summer-quiz") is None
    assert await store.campaigns.close(outsider.number, "summer-quiz", 300) is None
    assert await store.campaigns.by_name("summer-quiz") == again
    assert await store.campaigns.reopen(northwind.number, "summer-quiz") == replace(again, closed_at=None)
    assert await store.campaigns.reopen(northwind.number, "summer-quiz") == replace(again, closed_at=None)
    assert await store.campaigns.close(northwind.number, "other", 1) is None
    assert await store.campaigns.close(northwind.number, "o\0ther", 1) is None


async def test_every_version_is_told_to_its_organization(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    for at in (100, 200, 300):
        await store.campaigns.publish(northwind.number, definition(), at)
    await store.campaigns.publish(northwind.number, definition("other"), 400)
    assert await store.campaigns.versions(northwind.number, "summer-quiz") == [
        Version(3, 300),
        Version(2, 200),
        Version(1, 100),
    ]
    assert await store.campaigns.versions(outsider.number, "summer-quiz") == []


async def test_a_name_with_a_nul_is_nobodys(store: Store) -> None:
    """PostgreSQL refuses such a text; the manager asks for whatever stands in an address."""
    assert await store.campaigns.by_name("summer\0quiz") is None

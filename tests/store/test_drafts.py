"""Drafts of campaigns, on every database."""

import asyncio

from entracte.campaigns.drafts import Draft, DraftLine, Drafts, anything
from entracte.organizations.model import Brand, Organization
from entracte.store.drafts import StoredDrafts
from entracte.store.opened import Store
from tests.store.samples import SEALED_PERSON_KEY

AWKWARD = "\ufefftitle: “Zoë” 👩🏽‍🎤 \u202e\r\n\t'%s :name ?\x07\n"


def test_the_protocol_is_kept(store: Store) -> None:
    drafts: Drafts = store.drafts
    assert isinstance(drafts, StoredDrafts)


async def test_a_draft_comes_back_exactly(store: Store, northwind: Organization) -> None:
    saved = await store.drafts.save(northwind.number, "quiz", AWKWARD, 100, anything)
    assert saved == Draft(northwind.number, "quiz", 1, 100, AWKWARD)
    assert await store.drafts.get(northwind.number, "quiz") == saved
    again = await store.drafts.save(northwind.number, "quiz", "title: x", 200, anything)
    assert again == Draft(northwind.number, "quiz", 2, 200, "title: x")
    assert await store.drafts.get(northwind.number, "quiz") == again


async def test_each_organization_has_its_own(store: Store, northwind: Organization, outsider: Organization) -> None:
    mine = await store.drafts.save(northwind.number, "quiz", "mine", 100, anything)
    assert await store.drafts.get(outsider.number, "quiz") is None
    theirs = await store.drafts.save(outsider.number, "quiz", "theirs", 200, anything)
    assert theirs is not None
    assert theirs.revision == 1
    assert await store.drafts.remove(outsider.number, "quiz", anything) is True
    assert await store.drafts.of(outsider.number) == []
    assert await store.drafts.get(northwind.number, "quiz") == mine


async def test_drafts_are_listed_by_the_bytes_of_their_names(store: Store, northwind: Organization) -> None:
    for name in ("b-b", "b2", "a"):
        await store.drafts.save(northwind.number, name, "x", 100, anything)
    assert await store.drafts.of(northwind.number) == [
        DraftLine(northwind.number, name, 1, 100) for name in ("a", "b-b", "b2")
    ]


async def test_nothing_is_changed_that_is_not_what_was_expected(store: Store, northwind: Organization) -> None:
    assert await store.drafts.save(northwind.number, "quiz", "x", 1, lambda kept: kept is not None) is None
    assert await store.drafts.get(northwind.number, "quiz") is None
    first = await store.drafts.save(northwind.number, "quiz", "one", 1, lambda kept: kept is None)
    assert await store.drafts.save(northwind.number, "quiz", "x", 1, lambda kept: kept is None) is None
    assert await store.drafts.save(northwind.number, "quiz", "two", 2, lambda kept: kept == first) is not None
    assert await store.drafts.save(northwind.number, "quiz", "x", 3, lambda kept: kept == first) is None
    assert await store.drafts.remove(northwind.number, "quiz", lambda kept: kept == first) is False
    kept = await store.drafts.get(northwind.number, "quiz")
    assert kept is not None
    assert kept.text == "two"
    assert await store.drafts.remove(northwind.number, "quiz", lambda found: found == kept) is True
    assert await store.drafts.remove(northwind.number, "quiz", anything) is False


async def test_of_two_processes_that_save_what_they_saw_one_is_first(shared_url: str) -> None:
    stores = [Store.open(shared_url) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        mine = await stores[0].organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
        created = await asyncio.gather(
            *(
                store.drafts.save(mine.number, "quiz", "new", 1, lambda kept: kept is None)
                for store in stores
                for _ in range(10)
            )
        )
        assert sum(one is not None for one in created) == 1
        saved = await asyncio.gather(
            *(store.drafts.save(mine.number, "other", "x", 1, anything) for store in stores for _ in range(10))
        )
        assert sorted(one.revision for one in saved if one) == list(range(1, 21))
    finally:
        for store in stores:
            await store.stop()

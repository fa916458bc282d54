"""Entries, on every database."""

import asyncio
from dataclasses import replace

import pytest

from entracte.organizations.model import Brand, Organization
from entracte.participation.events import EventKind
from entracte.participation.model import Entry
from entracte.store import participations
from entracte.store.opened import Store
from entracte.values import CampaignNumber, OrganizationNumber
from tests.store.samples import CAMPAIGN, SEALED_PERSON_KEY, START, a_participation, an_entry, an_event, numbered
from tests.store.test_participations import events_of, found, started


async def all_entries(
    store: Store, organization: OrganizationNumber, campaign: CampaignNumber = CAMPAIGN
) -> list[Entry]:
    return [entry async for entry in store.participations.entries(organization, campaign)]


async def test_an_entry_comes_back_exactly(store: Store, northwind: Organization) -> None:
    entry = an_entry(await started(store, northwind))
    guest = an_entry(await started(store, northwind), person=b"", signed_in=False, values={}, outcomes={}, answers={})
    assert await store.participations.enter(entry, []) is True
    assert await store.participations.enter(guest, []) is True
    kept = {one.participation: one for one in await all_entries(store, northwind.number)}
    assert kept == {entry.participation: entry, guest.participation: guest}
    assert list(kept[entry.participation].values) == list(entry.values)


async def test_one_enters_once(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    entry = an_entry(participation)
    entered = an_event(participation, EventKind.ENTERED, at=START + 60)
    assert await store.participations.enter(entry, [entered]) is True
    again = replace(entry, values={"email": "other@example.com"}, entered_at=START + 99)
    assert await store.participations.enter(again, [an_event(participation, EventKind.GUEST)]) is False
    assert await all_entries(store, northwind.number) == [entry]
    assert (await found(store, participation)).entered_at == START + 60
    assert await events_of(store, participation) == {("started", "", START), ("entered", "", START + 60)}


async def test_of_many_at_once_one_enters(store: Store, northwind: Organization) -> None:
    entry = an_entry(await started(store, northwind))
    won = await asyncio.gather(
        *(store.participations.enter(replace(entry, entered_at=START + n), []) for n in range(50))
    )
    assert won.count(True) == 1
    assert [one.entered_at for one in await all_entries(store, northwind.number)] == [START + won.index(True)]


async def test_another_organization_enters_and_sees_nothing(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    participation = await started(store, northwind)
    stolen = replace(an_entry(participation), organization=outsider.number)
    assert await store.participations.enter(stolen, []) is False
    assert await store.participations.enter(an_entry(participation), []) is True
    assert await all_entries(store, outsider.number) == []
    assert await store.participations.latest_entries(outsider.number, CAMPAIGN, 10) == []


async def test_who_never_started_does_not_enter(store: Store, northwind: Organization) -> None:
    entry = an_entry(a_participation(northwind.number))
    assert await store.participations.enter(entry, []) is False
    assert await all_entries(store, northwind.number) == []


async def test_entries_come_oldest_first_in_pages(
    store: Store, northwind: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(participations, "PAGE", 4)
    other = CampaignNumber(3)
    expected = []
    # Great ids first, and some at the same second: the order is by time, then by id, with no gap at a page's end.
    for place in (250, 16, 9, 255, 1, 128, 2, 200):
        participation = await started(store, northwind, id=numbered(place << 64))
        entry = an_entry(participation, entered_at=START + (place > 100))
        assert await store.participations.enter(entry, []) is True
        expected.append(entry)
    elsewhere = await started(store, northwind, campaign=other)
    await store.participations.enter(an_entry(elsewhere), [])
    expected.sort(key=lambda entry: (entry.entered_at, entry.participation))
    assert await all_entries(store, northwind.number) == expected
    assert [one.participation for one in await all_entries(store, northwind.number, other)] == [elsewhere.id]


async def test_the_latest_entries_come_newest_first(store: Store, northwind: Organization) -> None:
    entries = []
    for n in range(5):
        entries.append(an_entry(await started(store, northwind), entered_at=START + n))
        await store.participations.enter(entries[-1], [])
    assert await store.participations.latest_entries(northwind.number, CAMPAIGN, 3) == entries[:1:-1]
    assert await store.participations.latest_entries(northwind.number, CAMPAIGN, 99) == entries[::-1]
    assert await store.participations.latest_entries(northwind.number, CampaignNumber(1), 99) == []


async def test_no_process_keeps_an_answer_after_another_s_entry(shared_url: str) -> None:
    """Answers and the entry race; what is kept afterwards is what was answered True."""
    stores = [Store.open(shared_url) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        northwind = await stores[0].organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
        for turn in range(20):
            participation = a_participation(northwind.number)
            await stores[0].participations.start(participation, [])
            key = (northwind.number, participation.id)
            entered, *kept = await asyncio.gather(
                stores[0].participations.enter(an_entry(participation, answers={}, entered_at=START + turn), []),
                *(stores[1].participations.keep_answer(*key, f"step-{n}", n, START, []) for n in range(4)),
            )
            assert entered is True
            after = await stores[0].participations.get(*key)
            assert after is not None
            assert after.answers == {f"step-{n}": n for n in range(4) if kept[n]}
            [entry] = await stores[0].participations.latest_entries(northwind.number, participation.campaign, 1)
            assert entry.participation == participation.id
            assert entry.answers == after.answers, "what was acknowledged is in the entry, and nothing else"
    finally:
        for store in stores:
            await store.stop()

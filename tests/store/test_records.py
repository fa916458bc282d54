"""What was kept, read in pages, on every database."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, delete, event, insert

from entracte.organizations.model import Organization
from entracte.participation.events import EventKind, Outcome
from entracte.participation.model import Attempt, Entry, Participation
from entracte.participation.records import (
    MOST_ALIKE,
    MOST_LINES,
    EntryFilter,
    Page,
    ParticipationFilter,
    Position,
    Records,
    every_entry,
)
from entracte.store import tables
from entracte.store.commits import Commits
from entracte.store.engine import open_engine
from entracte.store.opened import Store
from entracte.store.prepared import Prepared
from entracte.store.records import StoredRecords
from entracte.values import CampaignNumber, OrganizationNumber
from tests.store.samples import (
    AWKWARD,
    CAMPAIGN,
    START,
    a_participation,
    an_attempt,
    an_entry,
    an_event,
    numbered,
)
from tests.store.test_participations import found

T = TypeVar("T")
OTHER_CAMPAIGN = CampaignNumber(3)
PLACES = (250, 16, 9, 255, 1, 128, 2, 200)
"""The first bytes of ids: the order in which things happen is not the order of their ids."""


async def started(store: Store, organization: Organization, at: int = START, **given: object) -> Participation:
    participation = a_participation(organization.number, started_at=at, **given)
    await store.participations.start(participation, [an_event(participation, EventKind.STARTED, at=at)])
    return participation


async def entered(store: Store, organization: Organization, at: int = START, **given: object) -> Entry:
    place = {"id": given.pop("id")} if "id" in given else {}
    entry = an_entry(await started(store, organization, START, **place), entered_at=at, **given)
    assert await store.participations.enter(entry, []) is True
    return entry


async def walked(read: Callable[[Position | None], Awaitable[Page[T]]]) -> list[T]:
    """All lines of a list, page by page."""
    lines: list[T] = []
    page = await read(None)
    while True:
        lines += page.items
        if page.after is None:
            return lines
        assert page.after == page.last
        page = await read(page.after)


async def entries_of(store: Store, chosen: EntryFilter, limit: int, owner: Organization) -> list[Entry]:
    records = store.records
    return await walked(lambda after: records.entries(owner.number, CAMPAIGN, chosen, after, limit))


async def participations_of(
    store: Store, chosen: ParticipationFilter, limit: int, owner: Organization
) -> list[Participation]:
    records = store.records
    return await walked(lambda after: records.participations(owner.number, CAMPAIGN, chosen, after, limit))


def test_the_protocol_is_kept(store: Store) -> None:
    records: Records = store.records
    assert isinstance(records, StoredRecords)


# Pages


@pytest.mark.parametrize("limit", [1, 2, 3, len(PLACES), MOST_LINES])
async def test_entries_come_oldest_first_without_gaps_inside_a_second(
    store: Store, northwind: Organization, limit: int
) -> None:
    expected = [
        await entered(store, northwind, START + (place > 100), id=numbered(place << 120 | 7)) for place in PLACES
    ]
    expected.sort(key=lambda entry: (entry.entered_at, entry.participation.int))
    assert await entries_of(store, EntryFilter(), limit, northwind) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, len(PLACES), MOST_LINES])
async def test_participations_come_by_their_start_with_their_answers(
    store: Store, northwind: Organization, limit: int
) -> None:
    expected = []
    for place in PLACES:
        kept = await started(store, northwind, START + (place > 100), id=numbered(place << 120), answers={"a": place})
        for step in ("color", "why")[: place % 3]:
            await store.participations.keep_answer(kept.organization, kept.id, step, AWKWARD, START, [])
        expected.append(await found(store, kept))
    expected.sort(key=lambda kept: (kept.started_at, kept.id.int))
    read = await participations_of(store, ParticipationFilter(), limit, northwind)
    assert read == expected
    assert {len(kept.answers) for kept in read} == {1, 2, 3}


async def test_a_page_says_where_it_ended_and_whether_there_is_more(store: Store, northwind: Organization) -> None:
    one, two = [await entered(store, northwind, START + n) for n in range(2)]

    async def page(after: Position | None, limit: int) -> Page[Entry]:
        return await store.records.entries(northwind.number, CAMPAIGN, EntryFilter(), after, limit)

    first = Position(one.entered_at, one.participation)
    second = Position(two.entered_at, two.participation)
    assert await page(None, 1) == Page((one,), after=first, last=first)
    assert await page(first, 1) == Page((two,), after=None, last=second)
    assert await page(None, 2) == Page((one, two), after=None, last=second)
    assert await page(second, 2) == Page((), after=None, last=None)


async def test_what_comes_meanwhile_shifts_no_page(store: Store, northwind: Organization) -> None:
    before = [await entered(store, northwind, START + n) for n in range(4)]
    page = await store.records.entries(northwind.number, CAMPAIGN, EntryFilter(), None, 2)
    late = await entered(store, northwind, START + 9)
    rest = await store.records.entries(northwind.number, CAMPAIGN, EntryFilter(), page.after, 9)
    assert [*page.items, *rest.items] == [*before, late]


@pytest.mark.parametrize("limit", [-1, 0, MOST_LINES + 1])
async def test_a_page_that_is_too_large_is_a_mistake(store: Store, northwind: Organization, limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000 lines"):
        await store.records.entries(northwind.number, CAMPAIGN, EntryFilter(), None, limit)
    with pytest.raises(ValueError, match="1 to 1000 lines"):
        await store.records.participations(northwind.number, CAMPAIGN, ParticipationFilter(), None, limit)


async def test_every_entry_is_all_of_them_whatever_the_size_of_a_page(store: Store, northwind: Organization) -> None:
    kept = [await entered(store, northwind, START + n // 3, language="en" if n % 2 else "de") for n in range(11)]
    kept.sort(key=lambda entry: (entry.entered_at, entry.participation.int))
    for size in (1, 3, 11, MOST_LINES):
        read = every_entry(store.records, northwind.number, CAMPAIGN, EntryFilter(), size)
        assert [entry async for entry in read] == kept
    german = every_entry(store.records, northwind.number, CAMPAIGN, EntryFilter(language="de"))
    assert [entry async for entry in german] == [entry for entry in kept if entry.language == "de"]


# Filters


async def test_entries_are_chosen_by_time_language_and_account(store: Store, northwind: Organization) -> None:
    kept = [
        await entered(store, northwind, START + n, language=language, signed_in=signed_in)
        for n, (language, signed_in) in enumerate(product(("en", "de", "EN"), (True, False)))
    ]
    times = (None, START + 1, START + 3, START + 99)
    for since, before, language, signed_in in product(times, times, (None, "en", "fr"), (None, True, False)):
        expected = [
            entry
            for entry in kept
            if (since is None or entry.entered_at >= since)
            and (before is None or entry.entered_at < before)
            and language in (None, entry.language)
            and signed_in in (None, entry.signed_in)
        ]
        chosen = EntryFilter(since, before, language, signed_in)
        assert await entries_of(store, chosen, 2, northwind) == expected, chosen


async def test_participations_are_chosen_by_start_entry_and_outcome(store: Store, northwind: Organization) -> None:
    outcomes = (None, *Outcome)
    kept = [
        await started(store, northwind, START + n, sign_in_outcome=outcome, entered_at=at)
        for n, (outcome, at) in enumerate(product(outcomes, (None, START + 60)))
    ]
    times = (None, START + 1, START + 5, START + 99)
    for since, before, has_entered, outcome in product(times, times, (None, True, False), outcomes):
        expected = [
            one
            for one in kept
            if (since is None or one.started_at >= since)
            and (before is None or one.started_at < before)
            and has_entered in (None, one.entered_at is not None)
            and outcome in (None, one.sign_in_outcome)
        ]
        chosen = ParticipationFilter(since, before, has_entered, outcome)
        assert await participations_of(store, chosen, 5, northwind) == expected, chosen


# One


async def test_one_comes_back_exactly(store: Store, northwind: Organization) -> None:
    entry = await entered(store, northwind)
    assert await store.records.entry(northwind.number, entry.participation) == entry
    participation = await store.records.participation(northwind.number, entry.participation)
    assert participation is not None
    assert (participation.id, participation.entered_at) == (entry.participation, entry.entered_at)
    waiting = await started(store, northwind, answers={"color": "red", "passed": None})
    assert await store.records.entry(northwind.number, waiting.id) is None
    assert await store.records.participation(northwind.number, waiting.id) == waiting
    assert await store.records.participation(northwind.number, numbered(1)) is None


async def test_attempts_come_newest_first(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    attempts = [
        an_attempt(participation, number, sent_at=START + at) for number, at in ((9, 10), (7, 30), (8, 20), (3, 20))
    ]
    for attempt in attempts:
        await store.participations.attempt_was_sent(attempt, [])
    failed = replace(
        attempts[2], outcome=Outcome.FAILED, reason="token_audience", evidence="The status was 500.", finished_at=START
    )
    await store.participations.finish_attempt(failed)
    expected = [attempts[1], attempts[3], failed, attempts[0]]  # in one second, the one kept last is the newer
    assert await store.records.attempts_of(northwind.number, participation.id) == expected
    assert await store.records.attempts_of(northwind.number, numbered(1)) == []


async def test_a_short_code_may_repeat(store: Store, northwind: Organization) -> None:
    attempts: list[Attempt] = []
    for n in range(3):
        participation = await started(store, northwind, campaign=(CAMPAIGN, OTHER_CAMPAIGN)[n % 2])
        attempts.append(an_attempt(participation, short_code="K7Q-2M4", sent_at=START + n))
        await store.participations.attempt_was_sent(attempts[-1], [])
        await store.participations.attempt_was_sent(an_attempt(participation, 2, short_code="K7Q-2M5"), [])
    assert await store.records.attempts_by_short_code(northwind.number, "K7Q-2M4") == attempts[::-1]
    assert await store.records.attempts_by_short_code(northwind.number, "k7q-2m4") == []


async def test_attempts_are_at_most_a_hundred(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    sent = [an_attempt(participation, number, sent_at=START + number) for number in range(MOST_ALIKE + 1)]
    await asyncio.gather(*(store.participations.attempt_was_sent(attempt, []) for attempt in sent))
    newest = sent[:0:-1]
    assert await store.records.attempts_of(northwind.number, participation.id) == newest
    assert await store.records.attempts_by_short_code(northwind.number, sent[0].short_code) == newest


# Others


async def test_another_organization_or_campaign_sees_nothing(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    """Charlie has the ids and codes of Alice's, and things of his own with the same."""
    mine = [await entered(store, northwind, id=numbered(n)) for n in range(1, 4)]
    attempt = an_attempt(a_participation(northwind.number, id=numbered(1)))
    await store.participations.attempt_was_sent(attempt, [])
    theirs = await entered(store, outsider, id=numbered(2), values={"email": "charlie@contoso.example"})
    records, position = store.records, Position(mine[0].entered_at, mine[0].participation)
    for after in (None, position):
        page = await records.entries(outsider.number, CAMPAIGN, EntryFilter(), after, 10)
        assert page.items == (theirs,)
        kept = await records.participations(outsider.number, CAMPAIGN, ParticipationFilter(), after, 10)
        assert [one.organization for one in kept.items] == [outsider.number]
    assert await records.entry(outsider.number, numbered(1)) is None
    assert await records.participation(outsider.number, numbered(1)) is None
    assert await records.attempts_of(outsider.number, numbered(1)) == []
    assert await records.attempts_by_short_code(outsider.number, attempt.short_code) == []
    assert await entries_of(store, EntryFilter(), 2, northwind) == mine
    nothing = await records.entries(northwind.number, OTHER_CAMPAIGN, EntryFilter(), None, 10)
    assert nothing == Page((), None, None)
    nobody = await records.participations(northwind.number, OTHER_CAMPAIGN, ParticipationFilter(), None, 10)
    assert nobody == Page((), None, None)


async def test_who_was_erased_is_on_no_page(store: Store, northwind: Organization) -> None:
    """The event of the start stays, for the counts."""
    kept = [await started(store, northwind, START + n) for n in range(5)]
    gone = {kept[1].id, kept[2].id}
    await store.commits.write(
        lambda connection: (
            connection.execute(
                delete(tables.participation).where(
                    tables.participation.c.organization == northwind.number, tables.participation.c.id.in_(gone)
                )
            ).rowcount
        )
    )
    assert await participations_of(store, ParticipationFilter(), 1, northwind) == [kept[0], *kept[3:]]


# Indexes

NORTHWIND = OrganizationNumber(1)
MANY = 4000


def fill(engine: Engine, owner: OrganizationNumber) -> None:
    """Enough of everything that a plan tells what happens with much: four campaigns, ten a second."""
    rows: dict[str, list[dict[str, Any]]] = {"participation": [], "event": [], "entry": [], "attempt": [], "answer": []}
    for n in range(MANY):
        key = {"organization": owner, "campaign": n % 4}
        of = key | {"participation": numbered(n * 7919 % MANY << 64)}
        at = START + n // 10
        rows["participation"].append(
            key
            | {"id": of["participation"], "language": "en", "started_at": at, "embed_page": "", "generation": 0}
            | {"previous_key_open": False, "guest": False, "draft": {}, "sign_in_outcome": "sent"}
        )
        rows["event"] += [of | {"kind": kind, "step": "", "at": at} for kind in ("started", "form_shown", "entered")]
        rows["entry"].append(
            of
            | {"entered_at": at, "language": "en", "signed_in": True, "person": b""}
            | {"answers": {}, "form_values": {}, "outcomes": {}}
        )
        answer = {"organization": owner, "participation": of["participation"], "answer": "red", "kept_at": at}
        rows["answer"] += [answer | {"step": step} for step in ("color", "why", "who")]
        rows["attempt"].append(
            of
            | {"number": n, "place": 1, "connection": 1, "short_code": f"{n:07}", "sent_at": at}
            | {"outcome": "sent", "reason": "", "evidence": ""}
        )
    with engine.begin() as connection:
        brand = {"name": "northwind", "title": "", "brand": "{}", "sealed_person_key": ""}
        connection.execute(insert(tables.organization), {"number": owner} | brand)
        for name, given in rows.items():
            connection.execute(insert(tables.METADATA.tables[name]), given)
        connection.exec_driver_sql("ANALYZE")


def explained(connection: Connection, statement: str, given: Any) -> str:
    explain = "EXPLAIN QUERY PLAN "
    if connection.dialect.name == "postgresql":
        explain = "EXPLAIN "
        if "FROM answer" in statement:  # dozens of ids at once: a table as small as this it would rather scan
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, given))


CAMPAIGN_1 = CampaignNumber(1)
AFTER = Position(START + 200, numbered(1))
SOME = EntryFilter(START + 9, START + 300, "en", True)
FEW = ParticipationFilter(START + 9, START + 300, entered=False, outcome=Outcome.FAILED)
PAGES: dict[str, Callable[[Records, OrganizationNumber], Awaitable[object]]] = {
    "entry_by_time": lambda records, owner: records.entries(owner, CAMPAIGN_1, EntryFilter(), None, 50),
    "entry_by_time, after": lambda records, owner: records.entries(owner, CAMPAIGN_1, EntryFilter(), AFTER, 50),
    "entry_by_time, after, chosen": lambda records, owner: records.entries(owner, CAMPAIGN_1, SOME, AFTER, 50),
    "event_by_kind": lambda records, owner: records.participations(owner, CAMPAIGN_1, ParticipationFilter(), None, 50),
    "event_by_kind, after": lambda records, owner: records.participations(
        owner, CAMPAIGN_1, ParticipationFilter(), AFTER, 50
    ),
    "event_by_kind, after, chosen": lambda records, owner: records.participations(owner, CAMPAIGN_1, FEW, AFTER, 50),
}
"""By the index of the page, and whether it begins inside the list."""
LOOK_UPS: dict[str, Callable[[Records, OrganizationNumber], Awaitable[object]]] = {
    "attempt_by_short_code": lambda records, owner: records.attempts_by_short_code(owner, "0000007"),
    "attempt_key|sqlite_autoindex_attempt_1": lambda records, owner: records.attempts_of(owner, numbered(7 << 64)),
    "entry_key|sqlite_autoindex_entry_1": lambda records, owner: records.entry(owner, numbered(7 << 64)),
    "answer_key|sqlite_autoindex_answer_1": lambda records, owner: records.participation(owner, numbered(7 << 64)),
}
BEGINS_INSIDE = re.compile(
    r"\((entered_at|at),participation\)>\(\?,\?\)"  # SQLite
    r"|Index Cond: .*(ROW\(entered_at, participation\) > ROW|\(at >= )"  # PostgreSQL; one index has the time alone
)


def watch(monkeypatch: pytest.MonkeyPatch, engine: Engine, ran: list[tuple[str, Any]]) -> None:
    """Writes down the statements of this engine: those of SQLAlchemy, and those that are prepared."""
    run = Prepared._run

    def collect(connection: object, cursor: object, statement: str, given: Any, context: object, many: bool) -> None:
        if statement.startswith("SELECT"):
            ran.append((statement, given))

    def run_and_collect(self: Prepared, connection: Connection, values: Mapping[str, Any], read: Any) -> Any:
        found = run(self, connection, values, read)
        compiled = self._compiled[connection.dialect.name]
        given = compiled.parameters(values)
        ran.append((compiled.text, given if isinstance(given, dict) else tuple(given)))
        return found

    event.listen(engine, "before_cursor_execute", collect)
    monkeypatch.setattr(Prepared, "_run", run_and_collect)


async def test_every_read_goes_by_an_index(shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a page as quick at the end of ten million lines as at their beginning. The plans are those that the
    database itself makes, with thousands of rows and its statistics about them."""
    engine, beside, ran = open_engine(shared_url), open_engine(shared_url), list[tuple[str, Any]]()
    fill(engine, NORTHWIND)
    store = Store(engine, Commits(engine))
    await store.start()
    watch(monkeypatch, engine, ran)
    for name, read in (PAGES | LOOK_UPS).items():
        ran.clear()
        assert await read(store.records, NORTHWIND), name
        with beside.connect() as connection:
            plans = [explained(connection, *one) for one in ran]
        assert len(plans) >= 1, name
        for plan in plans:
            assert not re.search(r"Seq Scan|SCAN ", plan), (name, plan)
        assert re.search(name.partition(",")[0], plans[0]), (name, plans)
        if name in PAGES:
            assert not re.search(r"(?<!Incremental )Sort +\(|TEMP B-TREE", plans[0]), (name, plans)
            assert ("after" in name) == bool(BEGINS_INSIDE.search(plans[0])), (name, plans)
    await store.stop()
    beside.dispose()

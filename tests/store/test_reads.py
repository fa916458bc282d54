"""Look-ups that arrive together, on every database."""

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Mapping

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from entracte.store import reads
from entracte.store.commits import Commits
from entracte.store.engine import open_engine
from entracte.store.reads import Lookup


class Squares:
    """Knows the squares of even numbers, and which keys came together."""

    def __init__(self) -> None:
        self.groups: list[set[int]] = []
        self.opened = threading.Event()
        self.opened.set()
        self.error: Exception | None = None

    def __call__(self, connection: Connection, keys: Collection[int]) -> Mapping[int, int]:
        self.groups.append(set(keys))
        assert self.opened.wait(60)
        if self.error is not None:
            raise self.error
        return {key: key * key for key in keys if key % 2 == 0}


@pytest_asyncio.fixture
async def commits(url: str) -> AsyncIterator[Commits]:
    engine = open_engine(url)
    started = Commits(engine)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()
        engine.dispose()


async def test_what_arrives_together_is_one_query(commits: Commits) -> None:
    squares = Squares()
    lookup = Lookup(commits, squares)
    assert await asyncio.gather(*(lookup.find(n % 6) for n in range(60))) == [0, None, 4, None, 16, None] * 10
    assert squares.groups == [{0, 1, 2, 3, 4, 5}]


async def test_what_comes_meanwhile_gathers_for_the_next_query(commits: Commits) -> None:
    squares = Squares()
    lookup = Lookup(commits, squares)
    squares.opened.clear()
    tasks = []
    for n in range(10):
        tasks.append(asyncio.create_task(lookup.find(n)))
        await asyncio.sleep(0.005)
    squares.opened.set()
    await asyncio.gather(*tasks)
    # two queries are under way at once, and either may have begun first
    assert sorted(squares.groups, key=min) == [{0}, {1}, set(range(2, 10))]


async def test_no_query_gets_too_many_keys(commits: Commits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "MOST_KEYS", 4)
    squares = Squares()
    lookup = Lookup(commits, squares)
    assert await asyncio.gather(*(lookup.find(2 * n) for n in range(10))) == [4 * n * n for n in range(10)]
    assert sorted(len(group) for group in squares.groups) == [2, 4, 4]


async def test_one_asker_that_goes_away_takes_nothing_from_the_others(commits: Commits) -> None:
    squares = Squares()
    lookup = Lookup(commits, squares)
    squares.opened.clear()
    tasks = [asyncio.create_task(lookup.find(n)) for n in (2, 4)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    squares.opened.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == 16


async def test_all_askers_hear_of_an_error_and_the_next_query_is_a_new_one(commits: Commits) -> None:
    squares = Squares()
    lookup = Lookup(commits, squares)
    squares.error = RuntimeError("ours")
    results = await asyncio.gather(*map(lookup.find, (2, 4)), return_exceptions=True)
    assert results == [squares.error, squares.error]
    squares.error = None
    assert await lookup.find(2) == 4

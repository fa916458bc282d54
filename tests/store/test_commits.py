"""The one way to the database, on every database."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import BigInteger, Column, Connection, Engine, MetaData, PrimaryKeyConstraint, Table, event, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from entracte.errors import Kind, LocalError, Problem
from entracte.store.commits import Commits, Work
from entracte.store.engine import is_memory, open_engine
from tests.postgresql import PostgreSQL

note = Table(
    "note",
    MetaData(),
    Column("number", BigInteger, autoincrement=False),
    Column("value", BigInteger),
    PrimaryKeyConstraint("number"),
)


class Put:
    """A change: one more note."""

    def __init__(self, number: int, value: int = 0) -> None:
        self.number, self.value, self.runs = number, value, 0

    def __call__(self, connection: Connection) -> int:
        self.runs += 1
        connection.execute(note.insert(), {"number": self.number, "value": self.value})
        return self.number


def numbers(connection: Connection) -> list[int]:
    return list(connection.execute(select(note.c.number).order_by(note.c.number)).scalars())


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    opened = open_engine(url)
    with opened.begin() as connection:
        note.create(connection)
    yield opened
    opened.dispose()


@pytest_asyncio.fixture
async def commits(engine: Engine) -> AsyncIterator[Commits]:
    started = Commits(engine)
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@pytest.fixture
def committed(engine: Engine) -> list[int]:
    """One item for each commit."""
    counted: list[int] = []
    event.listen(engine, "commit", lambda connection: counted.append(1))
    return counted


class Gate:
    """A change that waits, so that others gather behind it."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, connection: Connection) -> None:
        self.entered.set()
        assert self.opened.wait(60)


async def gathered(commits: Commits, *works: Work[Any]) -> list[object]:
    """Run the works in one company: they wait together behind a gate."""
    gate = Gate()
    first = asyncio.create_task(commits.write(gate))
    await asyncio.to_thread(gate.entered.wait, 60)
    waiting = [asyncio.create_task(commits.write(work)) for work in works]
    await asyncio.sleep(0.02)
    gate.opened.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    return list(results)


async def test_a_result_is_answered_and_read(commits: Commits) -> None:
    assert await commits.write(Put(1)) == 1
    assert await commits.read(numbers) == [1]


async def test_sixty_four_changes_need_one_commit(commits: Commits, committed: list[int]) -> None:
    assert await gathered(commits, *map(Put, range(64))) == list(range(64))
    assert len(committed) == 2  # the gate's and theirs
    assert await commits.read(numbers) == list(range(64))


async def test_changes_that_arrive_at_once_share_commits_by_themselves(commits: Commits, committed: list[int]) -> None:
    await asyncio.gather(*(commits.write(Put(n)) for n in range(64)))
    assert len(committed) <= 16


async def test_no_commit_takes_more_than_it_should(engine: Engine, committed: list[int]) -> None:
    commits = Commits(engine, together=10)
    await commits.start()
    try:
        await gathered(commits, *map(Put, range(25)))
    finally:
        await commits.stop()
    assert len(committed) == 1 + 3


async def test_nobody_is_answered_before_the_commit(commits: Commits, engine: Engine) -> None:
    order: list[str] = []

    def slow(connection: Connection) -> None:
        order.append("commit")

    event.listen(engine, "commit", slow)
    tasks = [asyncio.create_task(commits.write(Put(n))) for n in range(5)]
    for task in tasks:
        task.add_done_callback(lambda _: order.append("answer"))
    await asyncio.gather(*tasks)
    await asyncio.sleep(0)
    assert order[0] == "commit"
    assert order.count("answer") == 5


def _refuse(connection: Connection) -> None:
    connection.execute(note.insert(), {"number": 100})
    raise LocalError(Problem(Kind.CONFLICT, "of_its_own", "It did not fit."))


def _mistake(connection: Connection) -> None:
    connection.execute(note.insert(), {"number": 101})
    raise KeyError("ours")


def _duplicate(connection: Connection) -> None:
    connection.execute(note.insert(), {"number": 102})
    connection.execute(note.insert(), {"number": 102, "value": 4711})


async def test_a_work_that_fails_undoes_itself_alone(commits: Commits) -> None:
    results = await gathered(commits, Put(1), _refuse, Put(2), _mistake, Put(3), _duplicate, Put(4))
    assert [result for result in results if not isinstance(result, Exception)] == [1, 2, 3, 4]
    _, refused, _, mistaken, _, duplicate, _ = results
    assert isinstance(refused, LocalError)
    assert refused.problem.code == "of_its_own"
    assert isinstance(mistaken, KeyError)
    assert isinstance(duplicate, LocalError)
    assert duplicate.problem.code == "store_unavailable"
    assert await commits.read(numbers) == [1, 2, 3, 4]


async def test_a_work_that_fails_alone_undoes_itself(commits: Commits) -> None:
    with pytest.raises(LocalError, match="of_its_own"):
        await commits.write(_refuse)
    assert await commits.read(numbers) == []
    assert await commits.write(Put(1)) == 1


async def test_a_database_s_error_tells_neither_statement_nor_values(commits: Commits) -> None:
    with pytest.raises(LocalError) as raised:
        await commits.write(_duplicate)
    problem = raised.value.problem
    assert (problem.kind, problem.code) == (Kind.UNAVAILABLE, "store_unavailable")
    assert not any(word in str(raised.value).lower() for word in ("insert", "note", "102", "4711"))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


async def test_a_work_may_translate_the_database_s_error(commits: Commits) -> None:
    def work(connection: Connection) -> None:
        try:
            _duplicate(connection)
        except IntegrityError:
            raise LocalError(Problem(Kind.CONFLICT, "taken", "It is taken.")) from None

    results = await gathered(commits, Put(1), work)
    assert results[0] == 1
    assert isinstance(results[1], LocalError)
    assert results[1].problem.code == "taken"
    assert results[1].__context__ is None


class FailsOnce(Put):
    """A change that a lock held up in its second run, and that works in its third."""

    def __call__(self, connection: Connection) -> int:
        super().__call__(connection)
        if self.runs == 2:
            raise KeyError("held up")
        return self.number


class CutOff:
    """A change whose transaction the database undoes in the first two runs."""

    runs = 0

    def __call__(self, connection: Connection) -> None:
        self.runs += 1
        if self.runs <= 2:
            raise DBAPIError("statement", {}, sqlite3.OperationalError(), connection_invalidated=True)


async def test_who_succeeded_in_the_run_that_counts_hears_of_no_earlier_failure(commits: Commits) -> None:
    """The winner of an attempt must not be told that it lost."""
    assert await gathered(commits, FailsOnce(1), CutOff()) == [1, None]
    assert await commits.read(numbers) == [1]


async def test_when_the_commit_fails_everybody_hears_it(
    commits: Commits, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    puts = [Put(1), Put(2)]

    def fail(connection: object) -> None:
        raise engine.dialect.loaded_dbapi.OperationalError("disk I/O error")

    gate = Gate()
    first = asyncio.create_task(commits.write(gate))
    await asyncio.to_thread(gate.entered.wait, 60)
    waiting = [asyncio.create_task(commits.write(put)) for put in puts]
    await asyncio.sleep(0.02)
    monkeypatch.setattr(engine.dialect, "do_commit", fail)
    gate.opened.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    monkeypatch.undo()
    assert [isinstance(one, LocalError) and one.problem.code for one in results] == ["store_unavailable"] * 3
    assert len({id(one) for one in results}) == 3
    assert [put.runs for put in puts] == [1, 1]  # a commit that may have happened is not repeated
    assert await commits.read(numbers) == []
    assert await commits.write(Put(3)) == 3


async def test_one_more_than_may_wait_is_refused_at_once(engine: Engine) -> None:
    commits = Commits(engine, waiting=3)
    await commits.start()
    try:
        gate = Gate()
        first = asyncio.create_task(commits.write(gate))
        await asyncio.to_thread(gate.entered.wait, 60)
        waiting = [asyncio.create_task(commits.write(Put(n))) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(LocalError) as raised:
            await commits.write(Put(9))
        assert (raised.value.problem.kind, raised.value.problem.code) == (Kind.UNAVAILABLE, "store_busy")
        gate.opened.set()
        await first
        assert await asyncio.gather(*waiting) == [0, 1, 2]
        assert await commits.read(numbers) == [0, 1, 2]
    finally:
        await commits.stop()


async def test_a_caller_that_goes_away_hurts_nobody_and_loses_nothing(commits: Commits) -> None:
    gate = Gate()
    first = asyncio.create_task(commits.write(gate))
    await asyncio.to_thread(gate.entered.wait, 60)
    waiting = [asyncio.create_task(commits.write(Put(n))) for n in range(3)]
    await asyncio.sleep(0.02)
    waiting[1].cancel()
    gate.opened.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert isinstance(results[2], asyncio.CancelledError)
    assert [results[1], results[3]] == [0, 2]
    assert await commits.read(numbers) == [0, 1, 2]


async def test_stop_finishes_what_was_accepted(engine: Engine) -> None:
    commits = Commits(engine, together=7)
    await commits.start()
    gate = Gate()
    first = asyncio.create_task(commits.write(gate))
    await asyncio.to_thread(gate.entered.wait, 60)
    waiting = [asyncio.create_task(commits.write(Put(n))) for n in range(40)]
    await asyncio.sleep(0)
    stopping = asyncio.create_task(commits.stop())
    await asyncio.sleep(0.02)
    with pytest.raises(LocalError, match="store_busy"):
        await commits.write(Put(99))
    gate.opened.set()
    await asyncio.gather(first, stopping)
    assert await asyncio.gather(*waiting) == list(range(40))
    with engine.connect() as connection:
        assert numbers(connection) == list(range(40))


def _threads() -> list[threading.Thread]:
    """Threads of any store: another one may be open in this process."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("entracte")]


async def test_before_start_and_after_stop_nothing_is_accepted(engine: Engine) -> None:
    commits, before = Commits(engine), set(_threads())
    with pytest.raises(LocalError, match="store_busy"):
        await commits.write(Put(1))
    await commits.start()
    assert set(_threads()) - before
    await commits.stop()
    await commits.stop()
    assert not set(_threads()) - before
    with pytest.raises(LocalError, match="store_busy"):
        await commits.read(numbers)
    await commits.start()
    assert await commits.write(Put(1)) == 1
    await commits.stop()


def test_a_program_that_fails_before_stop_ends() -> None:
    program = """
import asyncio
from entracte.store.commits import Commits
from entracte.store.engine import open_engine

async def main():
    await Commits(open_engine("sqlite://")).start()
    raise SystemExit(3)

asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 3


async def test_a_read_changes_nothing(commits: Commits, engine: Engine) -> None:
    if not is_memory(engine):
        reading = asyncio.create_task(commits.read(Put(1)))
        await asyncio.wait([reading])
        assert reading.exception() is None or isinstance(reading.exception(), LocalError)
    assert await commits.read(numbers) == []


async def test_a_read_that_fails_tells_its_caller(commits: Commits) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1 FROM nowhere_at_all")

    with pytest.raises(LocalError) as raised:
        await commits.read(fail)
    assert raised.value.problem.code == "store_unavailable"
    assert "nowhere" not in str(raised.value)
    assert await commits.read(numbers) == []


async def test_readers_do_not_wait_for_a_change(shared_url: str) -> None:
    engine = open_engine(shared_url)
    with engine.begin() as connection:
        note.create(connection)
    commits = Commits(engine)
    await commits.start()
    gate = Gate()
    first = asyncio.create_task(commits.write(gate))
    await asyncio.to_thread(gate.entered.wait, 60)
    assert await asyncio.wait_for(commits.read(numbers), 60) == []
    gate.opened.set()
    await first
    await commits.stop()
    engine.dispose()


async def test_what_was_answered_another_process_sees(shared_url: str) -> None:
    engines = [open_engine(shared_url) for _ in range(2)]
    with engines[0].begin() as connection:
        note.create(connection)
    commits = Commits(engines[0])
    await commits.start()
    for number in range(20):
        await commits.write(Put(number))
        with engines[1].connect() as connection:
            assert number in numbers(connection)
    await commits.stop()
    for engine in engines:
        engine.dispose()


async def test_two_processes_write_at_once(shared_url: str) -> None:
    engines = [open_engine(shared_url) for _ in range(2)]
    with engines[0].begin() as connection:
        note.create(connection)
    both = [Commits(engine) for engine in engines]
    for commits in both:
        await commits.start()
    await asyncio.gather(*(both[n % 2].write(Put(n)) for n in range(300)))
    assert await both[0].read(numbers) == await both[1].read(numbers) == list(range(300))
    for commits, engine in zip(both, engines, strict=True):
        await commits.stop()
        engine.dispose()


@pytest_asyncio.fixture
async def two_on_postgresql(postgresql: PostgreSQL) -> AsyncIterator[list[Commits]]:
    url = postgresql.new_database()
    engines = [open_engine(url) for _ in range(2)]
    with engines[0].begin() as connection:
        note.create(connection)
        connection.execute(note.insert(), [{"number": 1, "value": 0}, {"number": 2, "value": 0}])
    both = [Commits(engine) for engine in engines]
    for commits in both:
        await commits.start()
    try:
        yield both
    finally:
        for commits, engine in zip(both, engines, strict=True):
            await commits.stop()
            engine.dispose()


async def test_a_deadlock_of_two_processes_is_run_again(two_on_postgresql: list[Commits]) -> None:
    """Each locks what the other one needs next. PostgreSQL undoes one of them, and nobody hears of it."""
    met = threading.Barrier(2)
    runs = []

    def cross(first: int, second: int, connection: Connection) -> None:
        runs.append(1)
        for place, number in enumerate((first, second)):
            statement = note.update().where(note.c.number == number).values(value=note.c.value + 1)
            connection.execute(statement)
            if place == 0 and len(runs) <= 2:
                met.wait(10)

    one, two = two_on_postgresql
    await asyncio.gather(
        one.write(lambda connection: cross(1, 2, connection)), two.write(lambda connection: cross(2, 1, connection))
    )
    assert len(runs) in (3, 4), "one was undone and run again; on a busy machine perhaps twice"
    values = await one.read(lambda connection: list(connection.execute(select(note.c.value)).scalars()))
    assert values == [2, 2]


def _own_number(connection: Connection) -> int:
    number = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    assert isinstance(number, int)
    return number


async def test_a_lost_connection_is_opened_again(postgresql: PostgreSQL, two_on_postgresql: list[Commits]) -> None:
    commits = two_on_postgresql[0]
    process = await commits.write(_own_number)
    with postgresql.administer() as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    assert await commits.write(Put(7)) == 7
    assert await commits.write(_own_number) != process
    assert 7 in await commits.read(numbers)


async def test_a_commit_that_lost_its_connection_is_not_repeated(
    postgresql: PostgreSQL, two_on_postgresql: list[Commits]
) -> None:
    put = Put(7)

    def work(connection: Connection) -> None:
        put(connection)
        process = _own_number(connection)
        with postgresql.administer() as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [process])

    with pytest.raises(LocalError, match="store_unavailable"):
        await two_on_postgresql[0].write(work)
    assert put.runs == 1
    assert await two_on_postgresql[0].write(Put(8)) == 8


async def test_after_a_crash_what_was_answered_is_there() -> None:
    server = PostgreSQL()
    try:
        server.start()
        engine = open_engine(server.new_database())
        with engine.begin() as connection:
            note.create(connection)
        commits = Commits(engine)
        await commits.start()
        answered = await asyncio.gather(*(commits.write(Put(n)) for n in range(50)))
        server.kill()
        with pytest.raises(LocalError, match="store_unavailable"):
            await commits.write(Put(99))
        with pytest.raises(LocalError, match="store_unavailable"):
            await commits.read(numbers)
        server.start()
        assert await commits.read(numbers) == sorted(answered)
        assert await commits.write(Put(100)) == 100
        await commits.stop()
        engine.dispose()
    finally:
        server.close()

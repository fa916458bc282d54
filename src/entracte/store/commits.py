"""The one way to the database: changes that wait together are committed together.

A commit costs the same for one change as for sixty. So one thread takes everything that is waiting, runs it in one
transaction, commits once, and only then answers. Nobody waits for company: while one commit is under way, the next one
gathers. Rules of this file:

- A work is a function of a connection. It may run more than once, and it keeps nothing of a run that failed.
- A work that fails undoes only itself, and only its caller hears of it.
- When the commit fails, every caller of it hears of it. Nobody is answered before the commit.
- A transaction that the database undid, or that lost its connection before the commit, is run again. A commit whose
  answer was lost is not: it may have happened, and a second run would tell the winner of an attempt that it lost.
- What was accepted is done, also when its caller has gone: a closed browser does not lose an answer.

Several processes on one PostgreSQL each have such a thread. Compare-and-set therefore rests on row locks and unique
keys, never on this thread being alone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from entracte import measures
from entracte.store import failures
from entracte.store.engine import is_memory, reading

T = TypeVar("T")
Work = Callable[[Connection], T]

TOGETHER = 64
"""The most changes in one commit."""
PAUSES = (0.02, 0.1)
"""Seconds before a transaction that the database undid is run again: at once, it would meet the same one again."""
ANSWER_SECONDS = 25
"""The longest that a caller waits for a database that does nothing at all. Its own limits are shorter."""
READERS = 2
"""Threads that read. SQLite and Python let little more than that run at once."""


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        self.error = None  # of a run that was undone
        self.result = self.work(connection)

    def tell(self) -> None:
        if self.answer.done():  # its caller was cancelled
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class _Inbox:
    """What waits for a thread: bounded, and taken in company."""

    def __init__(self, name: str, capacity: int) -> None:
        self._name = name
        self._capacity = capacity
        self._waiting: deque[_Job] = deque()
        self._changed = Condition()
        self._open = False

    def open(self) -> None:
        with self._changed:
            self._open = True

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def offer(self, job: _Job) -> bool:
        with self._changed:
            if not self._open or len(self._waiting) >= self._capacity:
                measures.refused(self._name)
                return False
            self._waiting.append(job)
            measures.waiting(self._name, len(self._waiting))
            self._changed.notify()
            return True

    def take(self, most: int) -> list[_Job]:
        """What waits, at most so many; waits for something. Nothing when it is closed and empty."""
        with self._changed:
            while self._open and not self._waiting:
                self._changed.wait()
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            measures.waiting(self._name, len(self._waiting))
            return taken


class _CommitFailed(Exception):
    """The commit itself was not confirmed. It may have happened."""

    def __init__(self, cause: SQLAlchemyError) -> None:
        super().__init__()
        self.cause = cause


class Commits:
    """Runs works against one database, changes in company and reads beside them.

    `waiting` is the most changes, and the most reads, that may wait; one more is LocalError `store_busy`.
    """

    def __init__(
        self, engine: Engine, *, waiting: int = 4096, together: int = TOGETHER, readers: int = READERS
    ) -> None:
        self._engine = engine
        self._snapshots = reading(engine)
        self._together = together
        self._changes = _Inbox("changes", waiting)
        # A database in memory has one connection, so its reads take their turn among the changes.
        self._reads = self._changes if is_memory(engine) else _Inbox("reads", waiting)
        self._readers = 0 if is_memory(engine) else readers
        self._threads: list[Thread] = []

    async def start(self) -> None:
        """Begin to accept. The threads end with `stop`."""
        targets = [self._keep_writing] + [self._keep_reading] * self._readers
        # Daemons: a program that fails before `stop` ends, and its supervisor starts another; nobody was answered.
        self._threads = [Thread(target=target, name=f"entracte{target.__name__}", daemon=True) for target in targets]
        for inbox in (self._changes, self._reads):
            inbox.open()
        for thread in self._threads:
            thread.start()

    async def stop(self) -> None:
        """Accept nothing more, finish what was accepted, end the threads."""
        for inbox in (self._changes, self._reads):
            inbox.close()
        threads, self._threads = self._threads, []
        for thread in threads:
            await asyncio.to_thread(thread.join)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction; its result, once that is durable.

        LocalError `store_busy` (nothing was done), `store_unavailable` or `store_slow` (it may still be done); or what
        the work itself raised.
        """
        return await self._through(self._changes, work)

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which changes nothing, on one snapshot. Sees every change that was answered before."""
        return await self._through(self._reads, work)

    async def _through(self, inbox: _Inbox, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if not inbox.offer(_Job(work, loop, answer)):
            raise failures.busy()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError:
            raise failures.slow() from None

    def _keep_writing(self) -> None:
        while jobs := self._changes.take(self._together):
            began = time.perf_counter()
            self._settle(jobs)
            measures.committed(len(jobs), time.perf_counter() - began)
            _tell(jobs)

    def _settle(self, jobs: list[_Job]) -> None:
        """Run the jobs together; when that failed without a commit, again with each held apart."""
        error = self._committed(jobs, _run_together)
        if error is not None and len(jobs) > 1 and not isinstance(error, _CommitFailed):
            error = self._committed(jobs, _run_apart)
        for pause in PAUSES:
            if error is None or not _is_of_the_transaction(error):
                break
            time.sleep(pause)
            error = self._committed(jobs, _run_apart)
        if error is not None:
            _fail(jobs, error)

    def _committed(self, jobs: list[_Job], run: Callable[[Connection, list[_Job]], None]) -> BaseException | None:
        try:
            with self._engine.connect() as connection:
                connection.begin()
                run(connection, jobs)
                _commit(connection)
        except BaseException as error:  # a thread that ended here would leave its callers waiting for ever
            return error
        return None

    def _keep_reading(self) -> None:
        while jobs := self._reads.take(1):
            for job in jobs:
                self._look(job)
            _tell(jobs)

    def _look(self, job: _Job) -> None:
        error = self._seen(job)
        if error is not None and _is_of_the_transaction(error):
            error = self._seen(job)
        if error is not None:
            _fail([job], error)

    def _seen(self, job: _Job) -> BaseException | None:
        try:
            with self._snapshots.connect() as connection:
                job.run(connection)
        except BaseException as error:
            return error
        return None


def _run_together(connection: Connection, jobs: list[_Job]) -> None:
    # Savepoints are two more statements for each job, and nearly never needed: the first run goes without.
    for job in jobs:
        job.run(connection)


def _run_apart(connection: Connection, jobs: list[_Job]) -> None:
    for job in jobs:
        try:
            with connection.begin_nested():
                job.run(connection)
        except Exception as error:
            if _is_of_the_transaction(error):
                raise
            job.error = failures.explained(error)


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except SQLAlchemyError as error:
        _abandon(connection)
        if failures.was_rolled_back(error):
            raise
        raise _CommitFailed(error) from None


def _abandon(connection: Connection) -> None:
    """Undo what a failed commit may have left open. SQLAlchemy takes such a transaction for ended, and would give
    the connection, with the transaction still in it, to the next one."""
    if connection.invalidated:
        return
    try:
        connection.connection.rollback()
    except Exception:
        connection.invalidate()


def _is_of_the_transaction(error: BaseException) -> bool:
    return failures.was_rolled_back(error) or failures.was_cut_off(error)


def _fail(jobs: Iterable[_Job], error: BaseException) -> None:
    cause = error.cause if isinstance(error, _CommitFailed) else error
    for job in jobs:
        job.error = failures.explained(cause)


def _tell(jobs: list[_Job]) -> None:
    for loop in {job.loop for job in jobs}:
        mine = [job for job in jobs if job.loop is loop]
        try:
            loop.call_soon_threadsafe(_tell_now, mine)
        except RuntimeError:  # that loop has ended; nobody waits there any more
            continue


def _tell_now(jobs: list[_Job]) -> None:
    for job in jobs:
        job.tell()

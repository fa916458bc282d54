"""Look-ups that arrive together are one query.

While one query is under way, the keys that come gather for the next; a key alone goes alone. Whoever asks after a
change was answered sees that change: a key joins only a query that has not begun.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection

from entracte.store.commits import Commits

K = TypeVar("K")
V = TypeVar("V")

MOST_KEYS = 256
"""In one query. SQLite takes 32,766 parameters, PostgreSQL 65,535; a page waits for the slowest of its company."""
UNDER_WAY = 2


@dataclass(slots=True, eq=False)
class _Group(Generic[K]):
    keys: set[K] = field(default_factory=set)


class Lookup(Generic[K, V]):
    """Finds values by key with `load`, which gets some keys and answers with those that exist."""

    def __init__(self, commits: Commits, load: Callable[[Connection, Collection[K]], Mapping[K, V]]) -> None:
        self._commits = commits
        self._load = load
        self._turns = asyncio.Semaphore(UNDER_WAY)
        self._open: tuple[_Group[K], asyncio.Task[Mapping[K, V]]] | None = None

    async def find(self, key: K) -> V | None:
        """The value, or None when there is none."""
        if self._open is None or len(self._open[0].keys) >= MOST_KEYS:
            group: _Group[K] = _Group()
            task = asyncio.create_task(self._answer(group))
            task.add_done_callback(_heard)
            self._open = group, task
        group, task = self._open
        group.keys.add(key)
        # One asker that goes away does not take the answer from the others.
        return (await asyncio.shield(task)).get(key)

    async def _answer(self, group: _Group[K]) -> Mapping[K, V]:
        async with self._turns:
            if self._open is not None and self._open[0] is group:
                self._open = None
            return await self._commits.read(lambda connection: self._load(connection, group.keys))


def _heard(task: asyncio.Task[Mapping[K, V]]) -> None:
    """When all askers are gone, nobody else takes the task's error."""
    if not task.cancelled():
        task.exception()

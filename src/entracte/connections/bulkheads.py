"""How many requests may be on their way to one server, for one connection and for one organization (MUST 42).

A server that hangs holds places, and never all of them. Whoever takes one may hold `MOST` of its kind, and no more than
are still free then. So one that hangs is stopped by the first rule, and many by the second: eight of them hold about 50
of `ALL` each, as many stay free, and a ninth finds room.

A request that finds no place waits a moment, for bursts; then it is refused, `PROVIDER_BUSY`, and the worker is free.
"""

import asyncio
from collections import deque
from collections.abc import Hashable

from entracte.protocol.errors import Reason, Refused, refuse

Holder = tuple[str, Hashable]
"""A kind of `MOST`, and who of that kind."""
Holders = tuple[Holder, ...]
"""Who a request is for; it takes one place of each."""

ALL = 448
"""Places of a process: fewer than the connections of the fetcher, so that a place is always a connection too."""
MOST = {"organization": 128, "connection": 64, "server": 16}
"""`server` counts what is asked without a connection: key sets and metadata."""
MOST_WAITING = 64
"""For the same holders."""
PATIENCE = 1.0
"""Seconds that a request waits for a place."""


class Bulkheads:
    """The places of a process. Who holds none is not remembered."""

    def __init__(self) -> None:
        self._taken = 0
        self._held: dict[Holder, int] = {}
        self._waiting: dict[Holders, deque[asyncio.Future[None]]] = {}

    async def take(self, holders: Holders) -> None:
        """A place for each of the holders, to be given back. Refuses `PROVIDER_BUSY`."""
        if self._has_room(holders):
            self._count(holders, 1)
        else:
            await self._wait(holders)

    def give_back(self, holders: Holders) -> None:
        """Free a place. The one of these holders that waited longest has it."""
        self._count(holders, -1)
        for waiting in self._waiting.get(holders, ()):
            if not waiting.done() and self._has_room(holders):
                self._count(holders, 1)
                waiting.set_result(None)
                return

    async def _wait(self, holders: Holders) -> None:
        queue = self._waiting.setdefault(holders, deque())
        if len(queue) >= MOST_WAITING:
            raise _busy()
        place = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            await asyncio.wait((place,), timeout=PATIENCE)
        except asyncio.CancelledError:
            if place.done():  # given in the moment in which the caller gave up
                self.give_back(holders)
            raise
        finally:
            queue.remove(place)
            if not queue:
                self._waiting.pop(holders, None)
        if not place.done():
            self._take_at_last(holders)

    def _take_at_last(self, holders: Holders) -> None:
        """What others gave back counts too."""
        if not self._has_room(holders):
            raise _busy()
        self._count(holders, 1)

    def _has_room(self, holders: Holders) -> bool:
        free = ALL - self._taken
        for holder in holders:  # a plain loop: it is on the way of every request
            held = self._held.get(holder, 0)
            if held >= free or held >= MOST[holder[0]]:
                return False
        return True

    def _count(self, holders: Holders, change: int) -> None:
        self._taken += change
        for holder in holders:
            held = self._held.get(holder, 0) + change
            if held:
                self._held[holder] = held
            else:
                del self._held[holder]


def _busy() -> Refused:
    return refuse(Reason.PROVIDER_BUSY, f"no place within {PATIENCE:g} s")

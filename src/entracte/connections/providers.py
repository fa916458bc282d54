"""What is remembered of authorization servers: their key sets, fetched seldom and never lost.

A key set is shared by everyone who names its address; decisions are not. An unknown `kid` fetches the set
again once, at most every `REFETCH_INTERVAL` seconds for one address; requests that arrive together share
one fetch; a server that is down keeps its last good set for `STALE_MAXIMUM` seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.keys import KeySet, jwks_request, read_jwks
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import Clock

Fetch = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Runs a server-to-server request; refuses with a reason when it can not."""

FRESH = 3600
"""Seconds that a key set is used without asking again."""
REFETCH_INTERVAL = 10
"""Least seconds between two fetches of one address."""
STALE_MAXIMUM = 86_400
"""Seconds that a last good set outlives its server's silence."""


@dataclass(slots=True)
class _Remembered:
    key_set: KeySet | None = None
    fetched_at: int = 0
    asked_at: int = -REFETCH_INTERVAL
    refusal: Refused | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Providers:
    """The process's memory of key sets, and the way to ask."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self.fetch = fetch
        self._clock = clock
        self._remembered: dict[str, _Remembered] = {}

    async def key_set(self, jwks_uri: str) -> KeySet:
        """The key set of an address, from memory while it is fresh. Refuses as `fetch` and `read_jwks` do."""
        remembered = self._remembered.setdefault(jwks_uri, _Remembered())
        if remembered.key_set is not None and self._clock() - remembered.fetched_at < FRESH:
            return remembered.key_set
        return await self._ask(jwks_uri, remembered, known=remembered.key_set)

    async def key_set_after(self, jwks_uri: str, known: KeySet) -> KeySet:
        """The key set after `known` did not have a key: fetched again, unless that was just done."""
        remembered = self._remembered.setdefault(jwks_uri, _Remembered())
        return await self._ask(jwks_uri, remembered, known)

    async def _ask(self, jwks_uri: str, remembered: _Remembered, known: KeySet | None) -> KeySet:
        async with remembered.lock:
            if remembered.key_set is not None and remembered.key_set is not known:
                return remembered.key_set  # somebody asked while we waited
            now = self._clock()
            if now - remembered.asked_at >= REFETCH_INTERVAL:
                remembered.asked_at = now
                try:
                    await self._fetch_into(jwks_uri, remembered, now)
                finally:  # from its end: who waited behind a fetch as long as the interval shares what came of it
                    remembered.asked_at = self._clock()
            return _last_good(remembered, now)

    async def _fetch_into(self, jwks_uri: str, remembered: _Remembered, now: int) -> None:
        try:
            remembered.key_set = read_jwks(await self.fetch(jwks_request(jwks_uri)))
        except Refused as refusal:
            remembered.refusal = refusal
        else:
            remembered.fetched_at = now
            remembered.refusal = None


def _last_good(remembered: _Remembered, now: int) -> KeySet:
    if remembered.key_set is not None and now - remembered.fetched_at < STALE_MAXIMUM:
        return remembered.key_set
    # inside the interval the last refusal answers: a dead server is not asked by every participant
    if remembered.refusal is None:  # the asking itself was cut off
        raise refuse(Reason.PROVIDER_UNREACHABLE)
    raise refuse(remembered.refusal.reason, remembered.refusal.evidence)

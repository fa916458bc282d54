"""What is remembered of authorization servers: their key sets, fetched seldom and never lost.

A key set is shared by everyone who names its address; decisions are not. An unknown `kid` fetches the set
again once, at most every `REFETCH_INTERVAL` seconds for one address, however fresh the set is: a server may change its
keys right after we asked. Requests that arrive together share one fetch; a server that is down keeps its last good set
for `STALE_MAXIMUM` seconds. Whatever is asked goes through a bulkhead and a breaker.
"""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import partial

from entracte.connections.breakers import Breakers, Fetch
from entracte.connections.bulkheads import Bulkheads, Holders
from entracte.connections.model import Connection
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.keys import KeySet, jwks_request, read_jwks
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import Clock, OrganizationNumber

__all__ = ["FRESH", "REFETCH_INTERVAL", "STALE_MAXIMUM", "Fetch", "Nonces", "Providers", "asking_for"]

FRESH = 3600
"""Seconds that a key set is used without asking again."""
REFETCH_INTERVAL = 10
"""Least seconds between two fetches of one address for an unknown key, and between two of a server that failed."""
MOST_NONCES = 1000
MOST_KEY_SETS = 4096
STALE_MAXIMUM = 86_400
"""Seconds that a last good set outlives its server's silence."""


@dataclass(slots=True)
class _Remembered:
    key_set: KeySet | None = None
    fetched_at: int = 0
    asked_at: int = -REFETCH_INTERVAL
    missed_at: int = -REFETCH_INTERVAL
    """When it was last asked for an unknown key."""
    refusal: Refused | None = None
    refused_for: OrganizationNumber | None = None
    """Whose refusal it is: one that found no place says nothing to others."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def asking_for(organization: OrganizationNumber, fetch: Fetch) -> Fetch:
    """The same way to ask, for an organization: what it holds of what is scarce is counted as its own."""

    async def ask(request: HttpRequest) -> HttpResponse:
        return await fetch(replace(request, asked_by=str(organization)))

    return ask


class Nonces:
    """The latest DPoP nonce that each address gave (RFC 9449 section 8.2): it spares a request that is asked back."""

    def __init__(self) -> None:
        self._by_address: dict[str, str] = {}

    def of(self, address: str) -> str:
        return self._by_address.get(address, "")

    def keep(self, address: str, nonce: str) -> None:
        """Keep a nonce that was given; an empty one was not. The oldest address gives way."""
        if not nonce:
            return
        self._by_address.pop(address, None)
        while len(self._by_address) >= MOST_NONCES:
            del self._by_address[next(iter(self._by_address))]
        self._by_address[address] = nonce


class Providers:
    """The process's memory of key sets, and the way to ask."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._bulkheads = Bulkheads()
        self._breakers = Breakers(clock)
        self.nonces = Nonces()
        self._remembered: dict[str, _Remembered] = {}

    def of(self, connection: Connection) -> Fetch:
        """The way to ask the server of a connection. Refuses as `fetch` does, `PROVIDER_BUSY` when too much is on its
        way there already, and `PROVIDER_PAUSED` while what it is asked for failed again and again."""
        holders = (("connection", connection.number), ("organization", connection.organization))
        return asking_for(connection.organization, partial(self._ask_for, holders, connection.number))

    async def document(self, request: HttpRequest) -> HttpResponse:
        """What any server answers about itself: a key set, metadata. It belongs to no connection. Refuses as `of` does.

        Places are counted for the server; failures for the address, so that nobody's wrong path shuts out those who
        have the right one."""
        server = "/".join(request.url.split("/", 3)[:3]).lower()
        return await self._ask_for((("server", server),), request.url, request)

    async def key_set(self, organization: OrganizationNumber, jwks_uri: str) -> KeySet:
        """The key set of an address, from memory while it is fresh; otherwise asked for on behalf of an organization.
        Refuses as `fetch` and `read_jwks` do."""
        remembered = self._memory_of(jwks_uri)
        age = self._clock() - remembered.fetched_at
        # who comes while it is asked again does not wait for a server that may hang
        if remembered.key_set is not None and age < (STALE_MAXIMUM if remembered.lock.locked() else FRESH):
            return remembered.key_set
        return await self._ask(organization, jwks_uri, remembered, known=remembered.key_set)

    async def key_set_after(self, organization: OrganizationNumber, jwks_uri: str, known: KeySet) -> KeySet:
        """The key set after `known` did not have a key: fetched again, unless that was just done for such a key."""
        return await self._ask(organization, jwks_uri, self._memory_of(jwks_uri), known, missed=True)

    async def _ask_for(self, holders: Holders, owner: Hashable, request: HttpRequest) -> HttpResponse:
        way = (owner, request.purpose)
        self._breakers.check(way)  # before it waits for a place
        await self._bulkheads.take(holders)
        try:
            return await self._breakers.ask(way, self._fetch, request)
        finally:
            self._bulkheads.give_back(holders)

    def _memory_of(self, jwks_uri: str) -> _Remembered:
        """What is known of an address; the one that was met first gives way to a new one."""
        if jwks_uri not in self._remembered:
            while len(self._remembered) >= MOST_KEY_SETS:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[jwks_uri] = _Remembered()
        return self._remembered[jwks_uri]

    async def _ask(
        self,
        organization: OrganizationNumber,
        jwks_uri: str,
        remembered: _Remembered,
        known: KeySet | None,
        *,
        missed: bool = False,
    ) -> KeySet:
        async with remembered.lock:
            if remembered.key_set is not None and remembered.key_set is not known:
                return remembered.key_set  # somebody asked while we waited
            now = self._clock()
            if remembered.refused_for not in (None, organization) or _may_be_asked(remembered, now, missed=missed):
                _note(remembered, now, missed=missed)
                try:
                    await self._fetch_into(organization, jwks_uri, remembered, now)
                finally:  # from its end: who waited behind a fetch as long as the interval shares what came of it
                    _note(remembered, self._clock(), missed=missed)
            return _last_good(remembered, now)

    async def _fetch_into(
        self, organization: OrganizationNumber, jwks_uri: str, remembered: _Remembered, now: int
    ) -> None:
        remembered.refused_for = None
        try:
            remembered.key_set = read_jwks(await asking_for(organization, self.document)(jwks_request(jwks_uri)))
        except Refused as refusal:
            remembered.refusal = refusal
            remembered.refused_for = organization if refusal.reason is Reason.PROVIDER_BUSY else None
        else:
            remembered.fetched_at = now
            remembered.refusal = None


def _may_be_asked(remembered: _Remembered, now: int, *, missed: bool) -> bool:
    """A set that was read just now may lack a key that is newer still; a server that failed just now is left alone."""
    last = remembered.missed_at if missed and remembered.refusal is None else remembered.asked_at
    return now - last >= REFETCH_INTERVAL


def _note(remembered: _Remembered, at: int, *, missed: bool) -> None:
    remembered.asked_at = at
    if missed:
        remembered.missed_at = at


def _last_good(remembered: _Remembered, now: int) -> KeySet:
    if remembered.key_set is not None and now - remembered.fetched_at < STALE_MAXIMUM:
        return remembered.key_set
    # inside the interval the last refusal answers: a dead server is not asked by every participant
    if remembered.refusal is None:  # the asking itself was cut off
        raise refuse(Reason.PROVIDER_UNREACHABLE)
    raise refuse(remembered.refusal.reason, remembered.refusal.evidence)

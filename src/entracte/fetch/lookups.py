"""Names looked up: shared while they last, given up in time, and never so many that one name server stops all."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakValueDictionary

from entracte.fetch.limits import LOOKUPS, Limits
from entracte.protocol.errors import Reason, refuse

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a host name, as text. Raises OSError when there are none."""

_THREADS = ThreadPoolExecutor(max_workers=LOOKUPS, thread_name_prefix="entracte-resolve")
"""Threads of its own: a name server that hangs holds up lookups, and nothing else."""

_SHARED_ENDINGS = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "ne", "net", "nom", "or", "org", "sch"}
)
"""What stands before the country in names such as `brand.co.uk`: many owners are below it."""


async def resolve_by_system(host: str) -> Sequence[str]:
    """The addresses of a name by the system's resolver, in its order of preference (RFC 6724)."""
    found = await asyncio.get_running_loop().run_in_executor(_THREADS, _getaddrinfo, host)
    return list(dict.fromkeys(found))


def _getaddrinfo(host: str) -> Iterable[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def domain_of(host: str) -> str:
    """The part of a name that has one owner, as far as that can be told from the name: `brand.example`,
    `brand.co.uk`. It only says who shares places with whom, and decides nothing else."""
    labels = host.split(".")
    shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED_ENDINGS
    return ".".join(labels[-3 if shared else -2 :])


class Lookups:
    """The lookups under way. A lookup of the system can not be stopped: who asked gives up after a time, and its
    thread goes on until the system gives up too, half a minute later. So the names of one domain share a few places,
    and so do the names that one organization asks for: whoever's names hang finds none, and everybody else does."""

    def __init__(self, resolve: Resolve, limits: Limits) -> None:
        self._resolve = resolve
        self._limits = limits
        self._under_way: dict[tuple[str, str], asyncio.Future[Sequence[str]]] = {}
        """By who asks, and the name: those that are being resolved, and those that wait for a place."""
        self._resolving: dict[str, asyncio.Future[Sequence[str]]] = {}
        """By name: the answer is the same for everybody."""
        self._held: dict[str, int] = {}
        """By who asks: how many of theirs are under way, where there are any."""
        self._places = asyncio.Semaphore(limits.lookups)
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        """By domain, while a lookup holds or awaits a place."""

    async def addresses(self, host: str, asked_by: str = "") -> Sequence[str]:
        """All addresses of a name, at least one. Refuses `PROVIDER_TIMEOUT` and `PROVIDER_UNREACHABLE`, and
        `PROVIDER_BUSY` when there is no place to look it up: at once where the names of whoever asks hold all of
        theirs."""
        seconds = self._limits.resolve
        try:
            async with asyncio.timeout(seconds):
                addresses = await asyncio.shield(self._lookup(host, asked_by))
        except TimeoutError:
            raise refuse(Reason.PROVIDER_TIMEOUT, f"{host}: the name did not resolve in {seconds:g} s") from None
        except (OSError, UnicodeError):
            addresses = ()
        if not addresses:
            raise refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: the name does not resolve")
        return addresses

    async def close(self) -> None:
        """Give up every lookup."""
        for lookup in tuple(self._under_way.values()):
            lookup.cancel()

    def _lookup(self, host: str, asked_by: str) -> "asyncio.Future[Sequence[str]]":
        """The lookup under way, shared by all that ask meanwhile: a name server that hangs holds one thread a name. One
        that only waits for a place is shared by those of one organization: others wait for no place of theirs."""
        key = (asked_by, host)
        known = self._resolving.get(host) or self._under_way.get(key)
        if known is not None:
            return known
        held = self._held.get(asked_by, 0)
        if held >= self._limits.lookups_per_asker:
            raise refuse(Reason.PROVIDER_BUSY, f"{host}: {held} other names have not resolved yet")
        self._held[asked_by] = held + 1
        self._under_way[key] = asyncio.ensure_future(self._asked(host))
        self._under_way[key].add_done_callback(lambda lookup: self._forget(key, lookup))
        return self._under_way[key]

    async def _asked(self, host: str) -> Sequence[str]:
        domain, seconds = domain_of(host), self._limits.lookup_patience
        places = self._places_of.get(domain) or asyncio.Semaphore(self._limits.lookups_per_domain)
        self._places_of[domain] = places
        try:
            async with asyncio.timeout(seconds) as patience, places, self._places:
                patience.reschedule(None)  # it is asked now; the place is held until the answer, however late
                resolving = self._resolving.get(host)
                if resolving is None:
                    return await self._begun(host)
        except TimeoutError:
            if not patience.expired():
                raise
            raise refuse(Reason.PROVIDER_BUSY, f"{host}: no place to look it up within {seconds:g} s") from None
        return await asyncio.shield(resolving)

    async def _begun(self, host: str) -> Sequence[str]:
        resolving = self._resolving[host] = asyncio.ensure_future(self._resolve(host))
        try:
            return await resolving
        finally:
            del self._resolving[host]

    def _forget(self, key: tuple[str, str], lookup: "asyncio.Future[Sequence[str]]") -> None:
        asked_by, _ = key
        del self._under_way[key]
        self._held[asked_by] -= 1
        if not self._held[asked_by]:
            del self._held[asked_by]
        if not lookup.cancelled():
            lookup.exception()  # asked for, so that a failure nobody waited for is not reported

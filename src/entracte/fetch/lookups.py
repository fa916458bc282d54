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
    thread goes on until the system gives up too, half a minute later. So the names of one domain share a few places."""

    def __init__(self, resolve: Resolve, limits: Limits) -> None:
        self._resolve = resolve
        self._limits = limits
        self._under_way: dict[str, asyncio.Future[Sequence[str]]] = {}
        self._places = asyncio.Semaphore(limits.lookups)
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        """By domain, while a lookup holds or awaits a place."""

    async def addresses(self, host: str) -> Sequence[str]:
        """All addresses of a name, at least one. Refuses `PROVIDER_TIMEOUT` and `PROVIDER_UNREACHABLE`."""
        seconds = self._limits.resolve
        try:
            async with asyncio.timeout(seconds):
                addresses = await asyncio.shield(self._lookup(host))
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

    def _lookup(self, host: str) -> "asyncio.Future[Sequence[str]]":
        """The lookup under way, shared by all that ask meanwhile: a name server that hangs holds one thread a name."""
        if host not in self._under_way:
            self._under_way[host] = asyncio.ensure_future(self._asked(host))
            self._under_way[host].add_done_callback(lambda lookup: self._forget(host, lookup))
        return self._under_way[host]

    async def _asked(self, host: str) -> Sequence[str]:
        domain = domain_of(host)
        places = self._places_of.get(domain) or asyncio.Semaphore(self._limits.lookups_per_domain)
        self._places_of[domain] = places
        async with asyncio.timeout(self._limits.resolve) as patience, places, self._places:
            patience.reschedule(None)  # it is asked now; the place is held until the answer, however late
            return await self._resolve(host)

    def _forget(self, host: str, lookup: "asyncio.Future[Sequence[str]]") -> None:
        self._under_way.pop(host, None)
        if not lookup.cancelled():
            lookup.exception()  # asked for, so that a failure nobody waited for is not reported

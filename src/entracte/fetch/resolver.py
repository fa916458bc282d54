"""Gives the pool of connections addresses that were checked, and no others (MUST 38)."""

import socket
from contextvars import ContextVar

from aiohttp.abc import AbstractResolver, ResolveResult

from entracte.fetch.destinations import Destination
from entracte.fetch.guard import check_addresses
from entracte.fetch.lookups import Lookups
from entracte.fetch.networks import OutboundAllow
from entracte.protocol.errors import Reason, refuse

wanted: ContextVar[tuple[Destination, str]] = ContextVar("wanted")
"""Where this task's request goes, and by whom it is asked: the connector tells a resolver the host, and the scheme
counts as well."""


class CheckedResolver(AbstractResolver):
    """Asked once for each new connection to a name; what it gives is what is connected to."""

    def __init__(self, allow: OutboundAllow, lookups: Lookups) -> None:
        self._allow = allow
        self._lookups = lookups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        destination, asked_by = wanted.get()
        if (host, port) != (destination.host, destination.port):
            raise refuse(Reason.PROVIDER_BLOCKED, f"{destination.host}: another host was looked up")
        addresses = await self._lookups.addresses(host, asked_by)
        check_addresses(destination, addresses, self._allow)
        return [_resolved(host, address, port) for address in addresses]

    async def close(self) -> None:
        await self._lookups.close()


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )  # fmt: skip

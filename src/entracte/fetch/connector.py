"""The pool of connections, with a limit for TCP and one for TLS."""

import asyncio
import os
import socket
import ssl
from typing import Any

import aiohappyeyeballs
import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest

from entracte.fetch.limits import Limits
from entracte.fetch.tls import tls_failure
from entracte.protocol.errors import Reason, refuse


class TimedConnector(aiohttp.TCPConnector):
    """Gives TCP and TLS a limit each, where aiohttp has one for both, and says in our words what went wrong.

    The guard does not depend on this override of a method that aiohttp may rename: the resolver is the guard.
    """

    def __init__(self, limits: Limits, tls: ssl.SSLContext, resolver: AbstractResolver) -> None:
        super().__init__(
            ssl=tls,
            resolver=resolver,
            use_dns_cache=False,  # each connection is resolved and checked anew
            keepalive_timeout=limits.idle,
            limit=limits.connections,
            limit_per_host=limits.connections_per_host,
        )
        self._limits = limits

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[aiohappyeyeballs.AddrInfoType],
        req: ClientRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  the signature is aiohttp's
        client_error: type[Exception] = aiohttp.ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        host = req.url.raw_host or ""
        connected = await self._connected(addr_infos, host)
        try:
            async with asyncio.timeout(self._limits.tls):
                return await self._loop.create_connection(*args, sock=connected, **kwargs)
        except TimeoutError:
            why = f"{host}: TLS was not ready within {self._limits.tls:g} s"
            raise refuse(Reason.PROVIDER_TIMEOUT, why) from None
        except OSError as error:
            raise refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: {tls_failure(error)}") from None

    async def _connected(self, addresses: list[aiohappyeyeballs.AddrInfoType], host: str) -> socket.socket:
        try:
            async with asyncio.timeout(self._limits.connect):
                return await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=0.25, interleave=1)
        except TimeoutError:
            why = f"{host}: no connection within {self._limits.connect:g} s"
            raise refuse(Reason.PROVIDER_TIMEOUT, why) from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else "no connection"
            raise refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: {why}") from None

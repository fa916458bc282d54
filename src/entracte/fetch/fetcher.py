"""Runs a request of the protocol: the guard, the limits and the pool around one exchange."""

import asyncio
import ssl
import time
from ipaddress import IPv4Address

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from entracte import measures
from entracte.fetch.body import Body
from entracte.fetch.connector import TimedConnector
from entracte.fetch.destinations import Destination, read_destination
from entracte.fetch.failures import failure
from entracte.fetch.guard import check_addresses
from entracte.fetch.headers import answer_headers, request_headers
from entracte.fetch.hosts import normalize_host
from entracte.fetch.limits import USUAL, Limits
from entracte.fetch.lookups import Lookups, Resolve, resolve_by_system
from entracte.fetch.networks import OutboundAllow
from entracte.fetch.resolver import CheckedResolver, wanted
from entracte.fetch.tls import Contexts, MakeContext, tls_context
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpRequest, HttpResponse


class Fetcher:
    """Runs requests, each within the guard and the limits. One per process: it holds the pool of connections.

    `resolve` gives all addresses of a name; `tls` makes contexts that trust a private certificate authority. Calling it
    refuses `PROVIDER_UNREACHABLE`, `PROVIDER_TIMEOUT`, `PROVIDER_BUSY` (no place to look the name up),
    `PROVIDER_BLOCKED`, `RESPONSE_REDIRECTED`, `RESPONSE_TOO_LARGE` and `RESPONSE_MALFORMED`, with the host in the
    evidence and never a path, query, header or body; `CLIENT_REFUSED` for a certificate of ours that can not be shown.
    Any status but 3xx is an answer.
    """

    def __init__(
        self,
        allow: OutboundAllow,
        limits: Limits = USUAL,
        *,
        resolve: Resolve = resolve_by_system,
        tls: MakeContext = tls_context,
    ) -> None:
        self._allow = allow
        self._limits = limits
        self._contexts = Contexts(tls)
        self._session: aiohttp.ClientSession | None = None
        self._resolver = CheckedResolver(allow, Lookups(resolve, limits))

    async def start(self) -> None:
        """Open the pool, in the loop that will use it."""
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=TimedConnector(limits, self._contexts.plain, self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # `Body` does, within the limit
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=limits.first_byte),
            max_line_size=limits.header_line,
            max_field_size=limits.header_line,
            max_headers=limits.header_lines,
        )

    async def stop(self) -> None:
        """Close the pool and all its connections."""
        if self._session is not None:
            await self._session.close()
            await self._resolver.close()
            self._session = None

    def insecure_allowed(self, host: str) -> bool:
        """Whether http may be used to reach a host, as far as can be told without looking its name up: it is named in
        the allow list, or is an address in an allowed network, or a loopback name (RFC 6761 section 6.3) while
        127.0.0.1 is allowed. Other names inside an allowed network are told only when they are connected to."""
        try:
            read = normalize_host(host if ":" not in host or host.startswith("[") else f"[{host}]")
        except ValueError:
            return False
        if not isinstance(read, str):
            return self._allow.has(read)
        loopback = read == "localhost" or read.endswith(".localhost")
        return read in self._allow.hosts or (loopback and self._allow.has(IPv4Address("127.0.0.1")))

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        began, outcome = time.perf_counter(), "interrupted"
        try:
            response = await self._run(request)
            outcome = "answered"
            return response
        except Refused as refusal:
            outcome = refusal.reason.code
            raise
        finally:
            measures.provider_asked(request.purpose.value, outcome, time.perf_counter() - began)

    async def _run(self, request: HttpRequest) -> HttpResponse:
        destination = read_destination(request.url)
        if destination.address is not None:  # the connector asks no resolver about an address
            check_addresses(destination, [destination.host], self._allow)
        token = wanted.set((destination, request.asked_by))
        try:
            async with asyncio.timeout(self._limits.total):
                return await self._exchange(request, destination)
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError) as error:
            refusal = failure(error, destination.host)
        finally:
            wanted.reset(token)
        # outside of the `except`: aiohttp's exception holds the request's headers, and is not to hang on to ours
        raise refusal

    async def _exchange(self, request: HttpRequest, destination: Destination) -> HttpResponse:
        if self._session is None:
            raise RuntimeError("the fetcher is not started")
        async with self._session.request(
            request.method,
            destination.url,
            headers=request_headers(request, destination.host),
            data=request.body.reveal().encode() or None,
            allow_redirects=False,
            ssl=self._context(request, destination),
        ) as response:
            return await self._answer(response, destination.host)

    def _context(self, request: HttpRequest, destination: Destination) -> ssl.SSLContext | bool:
        """What aiohttp takes as the connection's TLS, and pools it by: True stands for the plain context."""
        if request.client_certificate is None:
            return True
        if not destination.secure:
            why = f"{destination.host}: a certificate is shown in TLS alone, and the address is http"
            raise refuse(Reason.PROVIDER_BLOCKED, why)
        return self._contexts.showing(request.client_certificate)

    async def _answer(self, response: aiohttp.ClientResponse, host: str) -> HttpResponse:
        if 300 <= response.status < 400:
            raise refuse(Reason.RESPONSE_REDIRECTED, f"{host}: status {response.status}")
        if response.status < 200 or response.version != aiohttp.HttpVersion11:
            raise refuse(Reason.RESPONSE_MALFORMED, f"{host}: the server wants to speak another protocol")
        if (response.content_length or 0) > self._limits.body:
            raise refuse(Reason.RESPONSE_TOO_LARGE, f"{host}: the body is larger than {self._limits.body} bytes")
        return HttpResponse(response.status, answer_headers(response.headers), await self._body(response, host))

    async def _body(self, response: aiohttp.ClientResponse, host: str) -> bytes:
        body = Body(response.headers.get("Content-Encoding", ""), self._limits.body, host)
        async for chunk in response.content.iter_any():
            body.add(chunk)
        return body.whole()

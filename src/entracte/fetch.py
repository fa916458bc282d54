"""Every request that leaves: one pooled client, an outbound guard, and limits on what a server can make us wait for.

A customer types the addresses, so each of them is hostile until checked (OWASP server-side request forgery):

- **Address**: https; no user info, no fragment; the host normalised (IDNA, lower case). A number that is not written as
  a plain dotted IPv4 address (`127.1`, `0x7f.1`, `2130706433`) is refused.
- **Port**: 443, or any from 1024 up (brands run login servers on 8443 and 9443, always with TLS). The others below 1024
  belong to other protocols, and are refused.
- **Network**: a name is resolved once per connection, *all* its addresses are checked, and the connection goes to
  exactly those, with the original name in SNI and Host. A name that changes its address in between changes nothing.
- **Allowed**: `ENTRACTE_OUTBOUND_ALLOW` names networks and hosts of the operator's own. Those may be private, may use
  http and any port. A name counts as inside a network only when every one of its addresses is.

No proxy from the environment, no cookies, no redirects, no `.netrc`, HTTP/1.1 only, TLS 1.2 or newer, always verified.
A POST is never sent twice: a code is redeemed once. A GET is sent again, once, when its connection just closed.
"""

import asyncio
import os
import re
import socket
import ssl
import string
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Self
from urllib.parse import quote

import aiohappyeyeballs
import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from yarl import URL

from entracte import measures
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpRequest, HttpResponse

SETTING = "ENTRACTE_OUTBOUND_ALLOW"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""All addresses of a host name, as text. Raises OSError when there are none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost. Times in seconds, sizes in bytes."""

    resolve: float = 3.0
    connect: float = 2.0
    tls: float = 3.0
    first_byte: float = 5.0
    """Also the longest silence within an answer."""
    total: float = 10.0
    """Wall clock, from the call to the last byte, waiting for a free connection included."""
    body: int = 1024 * 1024
    """After decompression."""
    header_line: int = 8 * 1024
    header_lines: int = 64
    idle: float = 4.0
    """How long a connection is kept for reuse: under the 5 seconds after which common servers close theirs, so
    that a POST seldom meets a connection that has just died."""
    connections: int = 512
    connections_per_host: int = 64
    """A bulkhead: one server that hangs holds no more than these."""


# Networks


DENIED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        # IANA IPv4 special-purpose registry
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a public number that is Azure's metadata and agent host inside Azure
        # IANA IPv6 special-purpose registry, and the tunnels, which end who knows where
        "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
        "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def embedded(address: Address) -> Address:
    """The IPv4 address that a v4-mapped or NAT64 (RFC 6052) address really leads to; others as they are."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet: by our own table and by the standard library's."""
    real = embedded(address)
    if isinstance(real, IPv6Address) and real not in _GLOBAL_UNICAST:
        return False
    return real.is_global and not any(real in network for network in DENIED)


@dataclass(frozen=True, slots=True)
class OutboundAllow:
    """What the operator lets through besides the public internet: `ENTRACTE_OUTBOUND_ALLOW`."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Exact names, normalised; a name does not stand for the names below it."""

    @classmethod
    def parse(cls, setting: str) -> Self:
        """Networks (`10.1.0.0/16`), addresses (`::1`) and host names, separated by commas.

        Raises LocalError with one problem `outbound_allow_malformed` for each item that is none of these.
        """
        read = [_allowed(item) for item in filter(None, map(str.strip, setting.split(",")))]
        problems = [item for item in read if isinstance(item, Problem)]
        if problems:
            raise LocalError(*problems)
        hosts = frozenset(item for item in read if isinstance(item, str))
        return cls(tuple(item for item in read if isinstance(item, Network)), hosts)

    def has(self, address: Address) -> bool:
        """Whether an address, or the IPv4 address embedded in it, is in an allowed network."""
        return any(address in network or embedded(address) in network for network in self.networks)


def _allowed(item: str) -> Network | str | Problem:
    try:
        if "/" in item or ":" in item:
            return ip_network(item)
        host = normalize_host(item)
    except ValueError:
        return _malformed(item)
    return host if isinstance(host, str) else ip_network(host)


def _malformed(item: str) -> Problem:
    return Problem(
        Kind.BAD_INPUT,
        "outbound_allow_malformed",
        f"“{item[:100]}” is no network, address or host name.",
        hint="Write 10.1.0.0/16 (nothing after the prefix), ::1 or login.intra.example, separated by commas.",
        where=SETTING,
    )


# Addresses


_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#@:\\%]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?].*)?)",
    re.IGNORECASE | re.DOTALL,
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"(?!.{254})[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""What ends in a number is an IPv4 address to somebody (WHATWG URL, "ends in a number")."""
_MAXIMUM_URL = 8 * 1024


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes, read and normalised. Made only by `read_destination`."""

    secure: bool
    host: str
    """A name in ASCII, or an address without brackets."""
    address: Address | None
    """The address, when the host is one."""
    port: int
    url: URL

    @property
    def usual(self) -> bool:
        """What any server may be asked: https, on a port where login servers live."""
        return self.secure and (self.port == 443 or self.port >= 1024)


def normalize_host(text: str) -> str | Address:
    """A host as it is compared and connected to. Raises ValueError that says why, never naming the host."""
    if text.startswith("["):
        return _bracketed(text)
    try:
        host = URL.build(scheme="https", host=text).raw_host or ""
    except (ValueError, UnicodeError):
        raise ValueError("the host name has characters that no host name has") from None
    if _NUMBER.fullmatch(host):
        return _plain_number(host)
    if not _NAME.fullmatch(host):
        raise ValueError("the host name is not one")
    return host


def _bracketed(text: str) -> IPv6Address:
    try:
        return IPv6Address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError("the host is in brackets and no IPv6 address") from None


def _plain_number(host: str) -> IPv4Address:
    try:
        return IPv4Address(host)
    except ValueError:
        raise ValueError("the host is a number that is not written as an address") from None


@lru_cache(maxsize=1024)  # a connection's endpoints stay the same from one sign-in to the next
def read_destination(url: str) -> Destination:
    """Take an address apart (RFC 3986 section 3). Refuses `PROVIDER_BLOCKED` for one that no provider would be at."""
    match = _URL.fullmatch(url)
    if match is None or _UNPRINTABLE.search(url) or len(url) > _MAXIMUM_URL:
        raise refuse(Reason.PROVIDER_BLOCKED, _what_is_wrong(url))
    try:
        host = normalize_host(match["host"])
    except ValueError as error:
        raise refuse(Reason.PROVIDER_BLOCKED, str(error)) from None
    secure = match["scheme"].lower() == "https"
    port = int(match["port"] or (443 if secure else 80))
    if not 0 < port <= 65535:
        raise refuse(Reason.PROVIDER_BLOCKED, "the port is not one")
    return _destination(secure, host, port, match["rest"])


_WRONG: tuple[tuple[str, str], ...] = (
    (r"[\s\S]{8193}", "the address is too long"),
    (r"(?i)(?!https?://)", "the address does not begin with https"),
    (r"[\s\S]*[\x00-\x20\x7f\\]", "the address has characters that no address has"),
    (r"[^/]*//[^/?#]*@", "the address has user information before the host"),
    (r"[\s\S]*#", "the address has a fragment"),
)


def _what_is_wrong(url: str) -> str:
    return next((why for pattern, why in _WRONG if re.match(pattern, url)), "the address has no usable host")


def _destination(secure: bool, host: str | Address, port: int, rest: str) -> Destination:
    if "#" in rest:
        raise refuse(Reason.PROVIDER_BLOCKED, "the address has a fragment")
    address = None if isinstance(host, str) else host
    name = str(host)
    authority = f"[{name}]" if isinstance(host, IPv6Address) else name
    if port != (443 if secure else 80):
        authority += f":{port}"
    # encoded here and nowhere else: what the customer wrote is sent byte for byte
    url = URL(f"http{'s' * secure}://{authority}{quote(rest, safe=string.printable)}", encoded=True)
    return Destination(secure, name, address, port, url)


# The guard


def check_addresses(destination: Destination, addresses: Sequence[str], allow: OutboundAllow) -> None:
    """Let a connection to these addresses through, or refuse `PROVIDER_BLOCKED`. One bad address spoils all: which of
    them answers is the name server's choice (MUST 38)."""
    host = destination.host
    if host in allow.hosts:
        return
    read = [ip_address(address) for address in addresses]
    own = [address for address in read if allow.has(address)]
    if read and len(own) == len(read):
        return
    if not destination.secure:
        raise refuse(Reason.PROVIDER_BLOCKED, f"{host}: http is only for hosts that {SETTING} names")
    if not destination.usual:
        raise refuse(Reason.PROVIDER_BLOCKED, f"{host}: port {destination.port} is only for hosts that {SETTING} names")
    if not all(address in own or is_public(address) for address in read):
        raise refuse(Reason.PROVIDER_BLOCKED, f"{host}: leads to an address that is not on the public internet")


_LOOKUPS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="entracte-resolve")
"""Threads of its own: a name server that hangs holds up lookups, and nothing else."""


async def resolve_by_system(host: str) -> Sequence[str]:
    """The addresses of a name by the system's resolver, in its order of preference (RFC 6724)."""
    found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, _getaddrinfo, host)
    return list(dict.fromkeys(found))


def _getaddrinfo(host: str) -> Iterable[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


_wanted: ContextVar[Destination] = ContextVar("wanted")
"""Where this task's request goes: the connector tells a resolver the host, and the scheme counts as well."""


class _CheckedResolver(AbstractResolver):
    """Gives the connector addresses that were checked, and no others."""

    def __init__(self, allow: OutboundAllow, resolve: Resolve, seconds: float) -> None:
        self._allow = allow
        self._resolve = resolve
        self._seconds = seconds
        self._lookups: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        destination = _wanted.get()
        if (host, port) != (destination.host, destination.port):
            raise refuse(Reason.PROVIDER_BLOCKED, f"{destination.host}: another host was looked up")
        addresses = await self._look_up(host)
        check_addresses(destination, addresses, self._allow)
        return [_resolved(host, address, port) for address in addresses]

    async def _look_up(self, host: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await asyncio.shield(self._lookup(host))
        except TimeoutError:
            raise refuse(Reason.PROVIDER_TIMEOUT, f"{host}: the name did not resolve in {self._seconds:g} s") from None
        except (OSError, UnicodeError):
            addresses = ()
        if not addresses:
            raise refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: the name does not resolve")
        return addresses

    def _lookup(self, host: str) -> "asyncio.Future[Sequence[str]]":
        """The lookup under way, shared by all that ask meanwhile: a name server that hangs holds one thread a name."""
        if host not in self._lookups:
            self._lookups[host] = asyncio.ensure_future(self._resolve(host))
            self._lookups[host].add_done_callback(lambda lookup: self._forget(host, lookup))
        return self._lookups[host]

    def _forget(self, host: str, lookup: "asyncio.Future[Sequence[str]]") -> None:
        self._lookups.pop(host, None)
        if not lookup.cancelled():
            lookup.exception()  # asked for, so that a failure nobody waited for is not reported

    async def close(self) -> None:
        for lookup in tuple(self._lookups.values()):
            lookup.cancel()


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )  # fmt: skip


class _TimedConnector(aiohttp.TCPConnector):
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
            raise refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: {_tls_failure(error)}") from None

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


def _tls_failure(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    return "the connection was closed before TLS was ready"


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """The system's certificate authorities, and those of a PEM file besides. Raises LocalError
    `outbound_ca_file_unusable` when the file can not be read as one."""
    context = ssl.create_default_context()
    if not ca_file:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError:  # also ssl.SSLError
        raise LocalError(_unusable_ca_file()) from None
    return context


def _unusable_ca_file() -> Problem:
    return Problem(
        Kind.BAD_INPUT,
        "outbound_ca_file_unusable",
        "The file of certificate authorities can not be read.",
        hint="It must be there, be readable, and hold certificates in PEM.",
        where="ENTRACTE_OUTBOUND_CA_FILE",
    )


def _verifying(context: ssl.SSLContext) -> ssl.SSLContext:
    """A context that verifies, TLS 1.2 or newer, HTTP/1.1. Raises ValueError for one that does not verify."""
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("a TLS context without verification is never used")
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.set_alpn_protocols(["http/1.1"])
    return context


# Requests and answers


_OWN_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _request_headers(request: HttpRequest, host: str) -> dict[str, str]:
    """The header fields of a request. Raises ValueError for a name that is ours to set; refuses `RESPONSE_MALFORMED`
    for a value that can not be sent (RFC 9110 section 5.5): it is a token that the server gave."""
    headers = {"Accept": request.accept, "Accept-Encoding": "identity", "User-Agent": "Entracte"}
    if request.content_type:
        headers["Content-Type"] = request.content_type
    for name, secret in request.secret_headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise ValueError("a header field that only the fetcher may set, or no header field at all")
        headers[name] = secret.reveal()
    if not all(map(_HEADER_VALUE.fullmatch, headers.values())):
        raise refuse(Reason.RESPONSE_MALFORMED, f"{host}: a value has characters that can not be sent in a header")
    return headers


def _answer_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower-case names; values of the same name joined, as RFC 9110 section 5.3 says. Cookies are not kept."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {_readable(value)}" if key in joined else _readable(value)
    joined.pop("set-cookie", None)
    return joined


def _readable(value: str) -> str:
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""zlib's window bits per content coding (RFC 9110 section 8.4.1). We ask for none; some servers compress anyway."""


class _Body:
    """An answer's body as it comes, inflated, and never larger than the limit."""

    def __init__(self, encoding: str, limit: int, host: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", *_ENCODINGS}:
            raise refuse(Reason.RESPONSE_MALFORMED, f"{host}: the answer is compressed in a way that was not asked for")
        self._inflate = zlib.decompressobj(_ENCODINGS[encoding]) if encoding in _ENCODINGS else None
        self._limit = limit
        self._host = host
        self._parts: list[bytes] = []
        self._received = self._size = 0

    def add(self, chunk: bytes) -> None:
        self._received += len(chunk)
        part = self._inflated(chunk)
        self._size += len(part)
        if max(self._received, self._size) > self._limit:
            raise refuse(Reason.RESPONSE_TOO_LARGE, f"{self._host}: the body is larger than {self._limit} bytes")
        self._parts.append(part)

    def _inflated(self, chunk: bytes) -> bytes:
        if self._inflate is None:
            return chunk
        try:
            # one byte more than may come, so that what is too large shows, and no more than that
            part = self._inflate.decompress(chunk, self._limit - self._size + 1)
        except zlib.error:
            raise self._damaged() from None
        if self._inflate.unused_data:
            raise self._damaged()
        return part

    def whole(self) -> bytes:
        if self._inflate is not None and self._received and not self._inflate.eof:
            raise self._damaged()
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _damaged(self) -> Refused:
        return refuse(Reason.RESPONSE_MALFORMED, f"{self._host}: the compressed body is damaged")


_FAILURES: tuple[tuple[type[Exception], Reason, str], ...] = (
    (aiohttp.ServerTimeoutError, Reason.PROVIDER_TIMEOUT, "the server fell silent"),
    (TimeoutError, Reason.PROVIDER_TIMEOUT, "the whole answer did not come in time"),
    (aiohttp.ClientPayloadError, Reason.RESPONSE_MALFORMED, "the body was cut short"),
    (aiohttp.ClientResponseError, Reason.RESPONSE_MALFORMED, "the answer is not proper HTTP/1.1"),
    (aiohttp.ClientConnectionError, Reason.PROVIDER_UNREACHABLE, "the connection was closed before the answer"),
)
"""The first line that fits, from the special to the general."""


def _failure(error: Exception, host: str) -> Refused:
    if any(map(_is_header_limit, _causes(error))):
        return refuse(Reason.RESPONSE_TOO_LARGE, f"{host}: the header is larger than the limit")
    for kind, reason, what in _FAILURES:
        if isinstance(error, kind):
            return refuse(reason, f"{host}: {what}")
    return refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: the request failed")


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_header_limit(error: BaseException) -> bool:
    # aiohttp has a class for a line that is too long, and a message alone for too many lines
    return isinstance(error, LineTooLong) or "Too many headers" in str(error)


class Fetcher:
    """Runs requests, each within the guard and the limits. One per process: it holds the pool of connections.

    `resolve` gives all addresses of a name; `tls` is a context that trusts a private certificate authority. Calling it
    refuses `PROVIDER_UNREACHABLE`, `PROVIDER_TIMEOUT`, `PROVIDER_BLOCKED`, `RESPONSE_REDIRECTED`, `RESPONSE_TOO_LARGE`
    and `RESPONSE_MALFORMED`, with the host in the evidence and never a path, query, header or body. Any status but 3xx
    is an answer.
    """

    def __init__(
        self,
        allow: OutboundAllow,
        limits: Limits = Limits(),
        *,
        resolve: Resolve = resolve_by_system,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow = allow
        self._limits = limits
        self._tls = _verifying(tls or tls_context())
        self._session: aiohttp.ClientSession | None = None
        self._resolver = _CheckedResolver(allow, resolve, limits.resolve)

    async def start(self) -> None:
        """Open the pool, in the loop that will use it."""
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=_TimedConnector(limits, self._tls, self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # `_Body` does, within the limit
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
        wanted = _wanted.set(destination)
        try:
            async with asyncio.timeout(self._limits.total):
                return await self._exchange(request, destination)
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError) as error:
            refusal = _failure(error, destination.host)
        finally:
            _wanted.reset(wanted)
        # outside of the `except`: aiohttp's exception holds the request's headers, and is not to hang on to ours
        raise refusal

    async def _exchange(self, request: HttpRequest, destination: Destination) -> HttpResponse:
        if self._session is None:
            raise RuntimeError("the fetcher is not started")
        async with self._session.request(
            request.method,
            destination.url,
            headers=_request_headers(request, destination.host),
            data=request.body.reveal().encode() or None,
            allow_redirects=False,
        ) as response:
            return await self._answer(response, destination.host)

    async def _answer(self, response: aiohttp.ClientResponse, host: str) -> HttpResponse:
        if 300 <= response.status < 400:
            raise refuse(Reason.RESPONSE_REDIRECTED, f"{host}: status {response.status}")
        if response.status < 200:
            raise refuse(Reason.RESPONSE_MALFORMED, f"{host}: the server wants to speak another protocol")
        if (response.content_length or 0) > self._limits.body:
            raise refuse(Reason.RESPONSE_TOO_LARGE, f"{host}: the body is larger than {self._limits.body} bytes")
        return HttpResponse(response.status, _answer_headers(response.headers), await self._body(response, host))

    async def _body(self, response: aiohttp.ClientResponse, host: str) -> bytes:
        body = _Body(response.headers.get("Content-Encoding", ""), self._limits.body, host)
        async for chunk in response.content.iter_any():
            body.add(chunk)
        return body.whole()

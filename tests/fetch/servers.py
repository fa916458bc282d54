"""Servers on loopback that say what a test wants, at free ports, and a fetcher that asks them."""

import asyncio
import socket
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from entracte.fetch import Fetcher, Limits, OutboundAllow, tls_context
from entracte.protocol.errors import Refused
from entracte.protocol.messages import HttpRequest
from entracte.values import Secret
from tests.awake import awake

LOOPBACK = "127.0.0.0/8,::1/128"
CANARY = "canary-5f1c"
SMALL = Limits(body=10_000, idle=30, resolve=30, connect=30, tls=30, first_byte=30, total=60)
"""In bytes. In seconds it is large: what is not about time shall not fail of it, however busy the machine is."""
SHORT = 0.3
"""Seconds, for the one phase that a test is about: what runs out is the phase, and no other one."""
WHOLE = replace(SMALL, total=0.9)
"""The whole, and no phase."""
LONGEST = 4
"""Seconds of our own that a request takes at most which has run out of `SHORT` or `WHOLE`."""
PUBLIC = "93.184.215.14"
PUBLIC6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

Speak = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Listener:
    """A server that was started, and what it saw."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """The SNI of each TLS connection."""
    certificates: list[bytes | None] = field(default_factory=list)
    """What the client of each request showed in TLS, in DER."""

    def url(self, host: str = "127.0.0.1", scheme: str = "http", path: str = "/token") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def answer(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


CLOSING = answer(b"{}", "Connection: close")
"""For `saying`, where a test asks more than once: who is not told would ask on the connection that is being closed."""


def saying(raw: bytes) -> Speak:
    """Says this, and closes."""

    async def speak(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        writer.close()

    return speak


def staying(raw: bytes) -> Speak:
    """Says this, and keeps the connection open."""

    async def speak(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return speak


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return head + await reader.readexactly(int(length.split(b":")[1]))


def _shown(writer: asyncio.StreamWriter) -> bytes | None:
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    return tls.getpeercert(binary_form=True) if tls is not None else None


@asynccontextmanager
async def listening(
    speak: Speak, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Listener]:
    listener = Listener()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        try:
            while not writer.is_closing():
                request = await _read_request(reader)
                listener.requests.append(request)
                listener.certificates.append(_shown(writer))
                await speak(request, writer)
                await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: listener.names.append(name)
    server = await asyncio.start_server(begin, host, port, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:  # also of a task that was cancelled before it began: nothing of it ever ran
            writer.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)  # what was aborted closes in the loop's next turn


@asynccontextmanager
async def fetching(
    allow: str = LOOPBACK,
    limits: Limits = SMALL,
    *,
    resolve: Callable[[str], Awaitable[Sequence[str]]] | None = None,
    tls: Callable[[], ssl.SSLContext] = tls_context,
) -> AsyncIterator[Fetcher]:
    read = OutboundAllow.parse(allow)
    fetcher = Fetcher(read, limits, tls=tls) if resolve is None else Fetcher(read, limits, tls=tls, resolve=resolve)
    await fetcher.start()
    try:
        yield fetcher
    finally:
        await fetcher.stop()


def names(**known: Sequence[str]) -> Callable[[str], Awaitable[Sequence[str]]]:
    """A name server: `login_brand_example="127.0.0.1"` and so on."""

    async def resolve(host: str) -> Sequence[str]:
        found = known.get(host.replace(".", "_"))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    return resolve


def get(url: str) -> HttpRequest:
    return HttpRequest("GET", url)


def post(url: str) -> HttpRequest:
    form = "application/x-www-form-urlencoded"
    secret_headers = {"Authorization": Secret(f"Bearer {CANARY}")}
    return HttpRequest(
        "POST", url, content_type=form, body=Secret(f"code={CANARY}"), secret_headers=secret_headers
    )  # fmt: skip


async def refusal(fetcher: Fetcher, request: HttpRequest) -> Refused:
    """The refusal of a request; it never tells more than the host, and brings no other exception along."""
    with pytest.raises(Refused) as caught:
        await fetcher(request)
    refused = caught.value
    text = "".join(traceback.format_exception(refused)) + refused.evidence + str(refused) + repr(refused)
    assert CANARY not in text
    assert "/token" not in refused.evidence
    assert refused.__cause__ is None
    assert refused.__context__ is None or refused.__suppress_context__
    assert "aiohttp" not in repr(refused.__context__)
    return refused


async def timed(fetcher: Fetcher, request: HttpRequest) -> tuple[Refused, float]:
    """The refusal, soon, and how many seconds passed until then: at least, as a machine may take its time."""
    begun = time.monotonic()
    with awake() as own:
        refused = await refusal(fetcher, request)
        assert own() < LONGEST
    return refused, time.monotonic() - begun


async def until(happened: Callable[[], object]) -> None:
    """Waits for what a program hears and nobody tells; the limit of the whole test ends it."""
    while not happened():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.005)


async def turns(number: int = 200) -> None:
    """So many turns of the loop: however long they take, whoever could go on has gone on."""
    for _ in range(number):
        await asyncio.sleep(0)

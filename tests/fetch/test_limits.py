"""What a server can make us wait for: the twin of `fetch.limits`."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from entracte.fetch import Limits
from entracte.protocol.errors import Reason
from tests.fetch.servers import SHORT, SMALL, WHOLE, Speak, fetching, get, listening, names, post, timed


@pytest.mark.conformance("MUST 41")
def test_the_limits_are_those_of_the_protocol() -> None:
    limits = Limits()
    assert (limits.connect, limits.tls, limits.first_byte, limits.total) == (2, 3, 5, 10)
    assert limits.body == 1024 * 1024


async def test_a_name_server_that_hangs() -> None:
    async def resolve(host: str) -> Sequence[str]:
        await asyncio.sleep(60)
        return ["127.0.0.1"]

    async with fetching(limits=replace(SMALL, resolve=SHORT), resolve=resolve) as fetcher:
        refused, seconds = await timed(fetcher, get("https://login.example/token"))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert seconds > 0.25
        assert "resolve" in refused.evidence


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full: the next one waits for an answer that does not come."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        try:
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for one in crowd:
                one.close()


@pytest.mark.conformance("MUST 41")
async def test_a_server_that_does_not_accept() -> None:
    with deaf_port() as port:
        async with fetching(limits=replace(SMALL, connect=SHORT)) as fetcher:
            refused, seconds = await timed(fetcher, post(f"http://127.0.0.1:{port}/token"))
    assert refused.reason is Reason.PROVIDER_TIMEOUT
    assert "no connection within 0.3 s" in refused.evidence
    assert seconds > 0.25


async def test_many_addresses_that_do_not_accept_share_one_limit() -> None:
    with deaf_port() as port:
        async with fetching(
            limits=replace(SMALL, connect=SHORT), resolve=names(login_example=["127.0.0.1"] * 20)
        ) as fetcher:
            refused, seconds = await timed(fetcher, get(f"http://login.example:{port}/token"))
    assert refused.reason is Reason.PROVIDER_TIMEOUT
    assert seconds > 0.25


@pytest.mark.conformance("MUST 41")
async def test_a_server_that_does_not_speak_tls() -> None:
    async with fetching(limits=replace(SMALL, tls=SHORT)) as fetcher:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            refused, seconds = await timed(fetcher, post(f"https://127.0.0.1:{silent.getsockname()[1]}/token"))
    assert refused.reason is Reason.PROVIDER_TIMEOUT
    assert "TLS was not ready within 0.3 s" in refused.evidence
    assert seconds > 0.25


@pytest.mark.conformance("MUST 41")
async def test_a_server_that_hangs_before_the_first_byte() -> None:
    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with listening(hang) as server, fetching(limits=replace(SMALL, first_byte=SHORT)) as fetcher:
        refused, seconds = await timed(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert seconds > 0.25
        assert len(server.requests) == 1


def dripping(start: bytes, drop: bytes) -> Speak:
    async def drip(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.05)

    return drip


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    ],
)
@pytest.mark.conformance("MUST 41")
async def test_a_server_that_drips_is_cut_off_by_the_clock(start: bytes, drop: bytes) -> None:
    async with listening(dripping(start, drop)) as server, fetching(limits=WHOLE) as fetcher:
        refused, seconds = await timed(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert seconds > 0.8


async def test_a_caller_that_gives_up_is_not_kept() -> None:
    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with listening(hang) as server, fetching(limits=Limits()) as fetcher:
        call = asyncio.create_task(fetcher(get(server.url())))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

"""Bodies within the limit: the twin of `fetch.body`."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from entracte.fetch import Limits
from entracte.protocol.errors import Reason
from tests.fetch.servers import Speak, answer, fetching, get, listening, post, refusal, saying, staying


def endless(start: bytes, more: bytes) -> Speak:
    async def pour(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()

    return pour


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"[" * 1000),
        (b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": "', b"x" * 1000),
        (b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": 1}', b" " * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"a" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nx: ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 100),
        (b"HTTP/1.1 200 ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 100),
    ],
)
@pytest.mark.conformance("MUST 41")
async def test_an_endless_answer_is_cut_off(start: bytes, more: bytes) -> None:
    async with listening(endless(start, more)) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is Reason.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(("size", "fits"), [(10_000, True), (10_001, False)])
@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate", "GZip"])
@pytest.mark.conformance("MUST 41")
async def test_the_limit_of_the_body_is_exact(size: int, fits: bool, coding: str) -> None:
    plain = b"a" * size
    packed = {"identity": plain, "gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}[coding.lower()]
    async with listening(saying(answer(packed, f"Content-Encoding: {coding}"))) as server, fetching() as fetcher:
        if fits:
            assert (await fetcher(get(server.url()))).body == plain
        else:
            assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_TOO_LARGE


@pytest.mark.conformance("MUST 41")
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_not_inflated(coding: str) -> None:
    bomb = gzip.compress(bytes(100_000_000)) if coding == "gzip" else zlib.compress(bytes(100_000_000))
    limits = Limits()
    assert len(bomb) < limits.body
    async with (
        listening(saying(answer(bomb, f"Content-Encoding: {coding}"))) as server,
        fetching(limits=limits) as fetcher,
    ):
        tracemalloc.start()
        try:
            refused = await refusal(fetcher, get(server.url()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert refused.reason is Reason.RESPONSE_TOO_LARGE
    assert peak < 8_000_000


async def test_a_body_that_inflates_to_nothing_is_counted_as_it_comes() -> None:
    """Empty deflate blocks without end: no output, and all the same too much."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b"a") + packer.flush(zlib.Z_FULL_FLUSH) + b"\x00\x00\x00\xff\xff" * 4000
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed  # no Content-Length tells it before
    async with listening(saying(raw)) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_TOO_LARGE


@pytest.mark.conformance("MUST 41")
async def test_a_body_that_is_announced_too_large_is_not_waited_for() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n"
    async with listening(staying(raw)) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(b"cut", mtime=0)[:-4]),
        ("gzip", gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0)),
        ("gzip", gzip.compress(b"one", mtime=0) + b"\x00"),
        ("gzip", gzip.compress(b"sum", mtime=0)[:-8] + bytes(8)),
        ("deflate", b"\x00\x01"),
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0)),
        ("nonsense", b"x"),
    ],
)
async def test_a_compressed_body_that_can_not_be_read(coding: str, body: bytes) -> None:
    async with listening(saying(answer(body, f"Content-Encoding: {coding}"))) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_MALFORMED


async def test_an_empty_body_needs_no_inflating() -> None:
    async with listening(saying(answer(b"", "Content-Encoding: gzip"))) as server, fetching() as fetcher:
        assert (await fetcher(get(server.url()))).body == b""

"""Heads of requests up to the limit pass, on the real server; larger ones are refused before they are all there."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from entracte.web.heads import MAXIMUM_HEAD, LimitedHeads
from tests.web.running import ask, served


async def _say(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{len(request.headers.get('cookie', ''))} {len(body)}")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/", _say, methods=["GET", "POST"])])
    config = uvicorn.Config(app, log_config=None, http=LimitedHeads, lifespan="off")
    with served(uvicorn.Server(config)) as taken:
        yield taken


def test_a_head_within_the_limit_passes(port: int) -> None:
    size = MAXIMUM_HEAD - 200
    assert ask(port, "/", headers=[("Cookie", "a" * size)]).body == f"{size} 0"


@pytest.mark.parametrize("size", [MAXIMUM_HEAD, MAXIMUM_HEAD + 1, 150_000, 1_000_000, 8_000_000])
def test_a_larger_one_is_refused(port: int, size: int) -> None:
    assert ask(port, "/", headers=[("Cookie", "a" * size)]).status == 431
    assert ask(port, f"/?{'a' * size}").status == 431
    assert ask(port, "/", headers=[(f"X-{number}", "a" * 1000) for number in range(size // 1000 + 1)]).status == 431


def test_a_large_body_is_not_a_head(port: int) -> None:
    assert ask(port, "/", "POST", body=b"a" * 1_000_000).body == "0 1000000"


def test_many_requests_on_one_connection_are_not_added_up(port: int) -> None:
    request = b"POST / HTTP/1.1\r\nHost: a\r\nCookie: %s\r\nContent-Length: 4\r\n\r\nbody" % (b"c" * 20_000)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for _ in range(8):
            connection.sendall(request)
            received = b""
            while not received.endswith(b"20000 4"):
                piece = connection.recv(4096)
                assert piece, received
                received += piece


def test_a_head_without_an_end_is_cut_off(port: int) -> None:
    """After a few chunks, not after the memory is full."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nCookie: ")
        with contextlib.suppress(ConnectionError):
            while sent < 100_000_000:
                connection.sendall(b"a" * 100_000)
                sent += 100_000
    assert sent < 50_000_000

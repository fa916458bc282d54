import socket
import threading
import time
import urllib.request
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from entracte.errors import LocalError
from entracte.practice.serving import Served, listen, serve
from tests.awake import awake

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def hello(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def ask(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        return bytes(response.read())


def test_serves_on_a_free_port_and_stops() -> None:
    before = threading.active_count()
    with serve(hello) as served:
        assert served.url == f"http://127.0.0.1:{served.port}"
        assert ask(served.url) == b"hello"
    with pytest.raises(OSError, match="refused"):
        ask(served.url)
    deadline = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_stops_at_once_while_a_connection_is_kept_open() -> None:
    with serve(hello) as served, socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"hello" not in received:
            received += connection.recv(1000)
        with awake() as own:
            served.stop()
            assert own() < 2
        assert connection.recv(10) == b""


def test_stopping_twice_is_fine() -> None:
    served = serve(hello).start()
    served.stop()
    served.stop()


def test_port_is_known_before_the_application() -> None:
    listening = listen(name="localhost")
    assert listening.url == f"http://localhost:{listening.port}"
    with Served(hello, listening) as served:
        assert served.port == listening.port
        assert ask(listening.url) == b"hello"


def test_taken_port_says_which_and_what_to_do() -> None:
    listening = listen()
    try:
        with pytest.raises(LocalError) as caught:
            listen(port=listening.port)
    finally:
        listening.close()
    assert caught.value.problem.code == "port_taken"
    assert str(listening.port) in caught.value.problem.message
    assert "another port" in caught.value.problem.hint


@pytest.mark.parametrize(
    ("host", "port", "code"), [("192.0.2.1", 0, "host_not_here"), ("127.0.0.1", 99999, "port_not_usable")]
)
def test_impossible_places(host: str, port: int, code: str) -> None:
    with pytest.raises(LocalError) as caught:
        listen(host, port)
    assert caught.value.problem.code == code


def test_port_can_be_used_again_right_away() -> None:
    with serve(hello) as served:
        ask(served.url)
    with serve(hello, port=served.port) as again:
        assert ask(again.url) == b"hello"

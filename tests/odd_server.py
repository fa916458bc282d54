"""A server on loopback that answers as no authorization server should: the first part of the path says how."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread


@dataclass
class Odd:
    """A server on loopback; the first part of the path says how it answers."""

    port: int
    asked: list[str]

    def address(self, way: str) -> str:
        return f"http://127.0.0.1:{self.port}/{way}"


JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"


def _wait(end: Event) -> None:
    end.wait(60)


def _drip(peer: socket.socket, end: Event) -> None:
    peer.sendall(JSON)
    while not end.wait(0.2):
        peer.sendall(b" ")


WAYS: dict[str, Callable[[socket.socket, Event], None]] = {
    "redirect": lambda peer, end: peer.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ),
    "hang": lambda peer, end: _wait(end),
    "drip": _drip,
    "huge": lambda peer, end: peer.sendall(JSON + b'{"a": "' + b"x" * 3_000_000 + b'"}'),
    "html": lambda peer, end: peer.sendall(JSON.replace(b"application/json", b"text/html") + b"<h1>Welcome</h1>"),
    "not-json": lambda peer, end: peer.sendall(JSON + b"issuer=me"),
    "array": lambda peer, end: peer.sendall(JSON + b"[]"),
    "deep": lambda peer, end: peer.sendall(JSON + b"[" * 200_000),
    "not-http": lambda peer, end: peer.sendall(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "nothing": lambda peer, end: None,
    "broken": lambda peer, end: peer.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
    "bad-utf8": lambda peer, end: peer.sendall(JSON + b'{"issuer": "\xff\xfe"}'),
}


@contextmanager
def served_oddly() -> Iterator[Odd]:
    """The server, until the end of the block."""
    end, listening = Event(), socket.create_server(("127.0.0.1", 0))
    server = Odd(listening.getsockname()[1], [])

    def answer(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            path = peer.recv(65536).split(b" ")[1].decode()
            server.asked.append(path)
            WAYS.get(path.split("/")[1], WAYS["array"])(peer, end)

    def accept() -> None:
        with suppress(OSError):
            while True:
                Thread(target=answer, args=[listening.accept()[0]], daemon=True).start()

    Thread(target=accept, daemon=True).start()
    yield server
    end.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()

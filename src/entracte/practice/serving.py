"""Serves an application on a port of this machine, in a thread, on waitress.

The port is taken first (`listen`), so that an application that must know its own address can be made after it.
"""

import logging
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from waitress import wasyncore
from waitress.server import BaseWSGIServer, create_server

from entracte.listening import Listening, listen

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Listening", "Served", "listen", "serve"]

THREADS = 8
WAKE_SECONDS = 1.0


class Served:
    """An application that answers on a port until the `with` block ends."""

    def __init__(self, app: "WSGIApplication", listening: Listening) -> None:
        _quiet()
        self.url = listening.url
        self.port = listening.port
        self._map: dict[int, object] = {}
        self._stopping = Event()
        server = create_server(
            app,
            map=self._map,  # type: ignore[arg-type]  # it holds dispatchers, not sockets
            sockets=[listening.socket],
            threads=THREADS,
            ident="",
        )
        assert isinstance(server, BaseWSGIServer)  # noqa: S101 — one socket gives one server
        self._server = server
        self._thread = Thread(target=self._run, name=f"practice-{self.port}", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answers nobody any more. Waits for the thread; may be called more than once."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.pull_trigger()
        if self._thread.ident is not None:
            self._thread.join()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._map)  # type: ignore[arg-type]

    def _run(self) -> None:
        # Turn by turn instead of waitress' own endless loop, so that `stop` needs no exception in this thread.
        while not self._stopping.is_set():
            wasyncore.loop(timeout=WAKE_SECONDS, map=self._map, count=1)  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0) -> Served:
    """`Served` on a port that is taken here. Same errors as `listen`."""
    return Served(app, listen(host, port))


def _quiet() -> None:
    """Waitress reports a queue of waiting requests and broken connections; neither is news here."""
    logging.getLogger("waitress").setLevel(logging.ERROR)

"""The parser of requests, with limits for what a client sends: uvicorn's own on httptools has none. It would keep a
header of any size, and wait for ever for the rest of a request."""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAXIMUM_HEAD = 64 * 1024
"""Bytes of the request line and the headers together."""
HEAD_SECONDS = 10
"""From the opened connection, or the first byte of a further request on it, to the end of the head."""
BODY_SECONDS = 30
"""From the end of the head to the end of the body."""


class LimitedHeads(HttpToolsProtocol):
    """Answers and closes: 431 as soon as a head is larger (RFC 6585 section 5), 408 when a head or a body takes longer
    (RFC 9110 section 15.5.9), 400 for what is no request."""

    _in_head = False
    _received = 0
    _too_large = False
    _deadline: float | None = None
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._allow(HEAD_SECONDS)
        self._watch = self.loop.call_later(HEAD_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head, self._received = True, 0
        self._allow(HEAD_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAXIMUM_HEAD:
            self._too_large = True
            raise ValueError("the head is too large")  # what calls back makes a refusal of it
        self._allow(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._deadline = None
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._received += len(data)
        if self._received > MAXIMUM_HEAD:
            self._too_large = True
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        if self._too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large.\n")
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "This is not a request.\n")

    def _allow(self, seconds: int) -> None:
        self._deadline = self.loop.time() + seconds

    def _look(self) -> None:
        """One timer for the whole connection: a timer for each request would cost each request."""
        now = self.loop.time()
        if self._deadline is not None and self._deadline <= now:
            if not self._waits_for_us():
                self._end()
                return
            self._allow(HEAD_SECONDS)
        # a deadline is never nearer than this when it is set
        pause = HEAD_SECONDS if self._deadline is None else min(HEAD_SECONDS, self._deadline - now)
        self._watch = self.loop.call_later(pause, self._look)

    def _waits_for_us(self) -> bool:
        """Whether the client could not go on: we read no further, or the answer before is still under way."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return self.flow.read_paused or (self._in_head and answering)

    def _end(self) -> None:
        """The client took too long. Who has sent nothing, or has its answer, is told nothing."""
        answered = self.cycle is not None and self.cycle.response_started
        if self.transport.is_closing() or not (self._in_head or self.cycle) or (answered and not self._in_head):
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request took too long to come.\n")

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """The last answer on this connection; none in the middle of another."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()
            return
        if self.cycle is not None:
            self.cycle.disconnected = True  # whoever still reads the body gets no more of it, and says no more
            self.cycle.message_event.set()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(text)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(f"{head}{text}".encode("ascii"))
        self.transport.close()

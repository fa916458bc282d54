"""The parser of requests, with a limit for their head: uvicorn's own on httptools has none, and would keep a header of
any size."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAXIMUM_HEAD = 64 * 1024
"""Bytes of the request line and the headers together."""


class LimitedHeads(HttpToolsProtocol):
    """Answers 400 and closes as soon as a head is larger."""

    _in_head = False
    _received = 0

    def on_message_begin(self) -> None:
        self._in_head, self._received = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAXIMUM_HEAD:
            raise ValueError("the head is too large")  # what calls back makes a 400 of it
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._received += len(data)
        if self._received > MAXIMUM_HEAD:
            self.send_400_response("The head of the request is too large.")

"""The body of an answer: inflated as it comes, within the limit."""

import zlib

from entracte.protocol.errors import Reason, Refused, refuse

_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""zlib's window bits per content coding (RFC 9110 section 8.4.1). We ask for none; some servers compress anyway."""


class Body:
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
        """Take in what came. Refuses `RESPONSE_TOO_LARGE` and `RESPONSE_MALFORMED`."""
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
        """All of it, at the end. Refuses `RESPONSE_MALFORMED` when it was cut short."""
        if self._inflate is not None and self._received and not self._inflate.eof:
            raise self._damaged()
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _damaged(self) -> Refused:
        return refuse(Reason.RESPONSE_MALFORMED, f"{self._host}: the compressed body is damaged")

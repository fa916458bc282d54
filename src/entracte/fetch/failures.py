"""What aiohttp raises, as refusals."""

from collections.abc import Iterable

import aiohttp
from aiohttp.http_exceptions import LineTooLong

from entracte.protocol.errors import Reason, Refused, refuse

_FAILURES: tuple[tuple[type[Exception], Reason, str], ...] = (
    (aiohttp.ServerTimeoutError, Reason.PROVIDER_TIMEOUT, "the server fell silent"),
    (TimeoutError, Reason.PROVIDER_TIMEOUT, "the whole answer did not come in time"),
    (aiohttp.ClientPayloadError, Reason.RESPONSE_MALFORMED, "the body was cut short"),
    (aiohttp.ClientResponseError, Reason.RESPONSE_MALFORMED, "the answer is not proper HTTP/1.1"),
    (aiohttp.ClientConnectionError, Reason.PROVIDER_UNREACHABLE, "the connection was closed before the answer"),
)
"""The first line that fits, from the special to the general."""


def failure(error: Exception, host: str) -> Refused:
    """The refusal that tells of an exception; it holds nothing of it."""
    if any(map(_is_header_limit, _causes(error))):
        return refuse(Reason.RESPONSE_TOO_LARGE, f"{host}: the header is larger than the limit")
    for kind, reason, what in _FAILURES:
        if isinstance(error, kind):
            return refuse(reason, f"{host}: {what}")
    return refuse(Reason.PROVIDER_UNREACHABLE, f"{host}: the request failed")


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_header_limit(error: BaseException) -> bool:
    # aiohttp has a class for a line that is too long, and a message alone for too many lines
    return isinstance(error, LineTooLong) or "Too many headers" in str(error)

"""Header fields of requests and answers."""

import re
from collections.abc import Mapping

from entracte.protocol.errors import Reason, refuse
from entracte.protocol.messages import HttpRequest

_OWN_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def request_headers(request: HttpRequest, host: str) -> dict[str, str]:
    """The header fields of a request. Raises ValueError for a name that is ours to set; refuses `RESPONSE_MALFORMED`
    for a value that can not be sent (RFC 9110 section 5.5): it is a token that the server gave."""
    headers = {"Accept": request.accept, "Accept-Encoding": "identity", "User-Agent": "Entracte"}
    if request.content_type:
        headers["Content-Type"] = request.content_type
    for name, secret in request.secret_headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise ValueError("a header field that only the fetcher may set, or no header field at all")
        headers[name] = secret.reveal()
    if not all(map(_HEADER_VALUE.fullmatch, headers.values())):
        raise refuse(Reason.RESPONSE_MALFORMED, f"{host}: a value has characters that can not be sent in a header")
    return headers


def answer_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower-case names; values of the same name joined, as RFC 9110 section 5.3 says. Cookies are not kept."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {_readable(value)}" if key in joined else _readable(value)
    joined.pop("set-cookie", None)
    return joined


def _readable(value: str) -> str:
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

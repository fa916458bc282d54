"""JSON from a stranger, within limits that are checked before anything is parsed.

RFC 8259 lets a parser choose what it does with repeated names, huge numbers and deep nesting. Two
parsers that choose differently are how a checked document and a used document come to differ, so
all of these are refused (RFC 8725 section 2.4, RFC 7515 section 4).
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpResponse

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 32
MAXIMUM_INTEGER = 2**64

SUCCESS = frozenset({200, 201})
NO_OUTCOMES: Mapping[int, Reason] = MappingProxyType({})

# A string always matches to its end or to the end of the text: one pass, whatever the text is.
_STRUCTURE = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class MalformedJson(ValueError):
    """The text is not JSON that we take. The message says why and never shows the text."""


def parse_json(raw: bytes, *, maximum_bytes: int = MAXIMUM_BYTES) -> Any:
    """The value of a JSON text. Raises `MalformedJson`."""
    if len(raw) > maximum_bytes:
        raise MalformedJson("larger than the limit")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJson("not UTF-8") from None
    _check_depth(text)
    value = _loads(text)
    _check_surrogates(text, value)
    return value


def parse_json_object(raw: bytes, *, maximum_bytes: int = MAXIMUM_BYTES) -> dict[str, Any]:
    """The object of a JSON text. Raises `MalformedJson` for another type, too."""
    value = parse_json(raw, maximum_bytes=maximum_bytes)
    if not isinstance(value, dict):
        raise MalformedJson("not an object")
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if depth > MAXIMUM_DEPTH:
            raise MalformedJson("nested too deeply")


def _loads(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError:
        raise MalformedJson("not JSON") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("a name stands twice in one object")
    return members


def _integer(text: str) -> int:
    # the length first: Python itself refuses to read thousands of digits
    if len(text) > 21 or abs(number := int(text)) >= MAXIMUM_INTEGER:
        raise MalformedJson("a number is out of range")
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedJson("a number is out of range")
    return number


def _constant(_text: str) -> float:
    raise MalformedJson("NaN and Infinity are not JSON")


def _check_surrogates(text: str, value: Any) -> None:
    """Half a character (`"\\ud800"`) can neither be stored nor be sent."""
    if _SURROGATE_ESCAPE.search(text) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedJson("a string holds half a character") from None


def is_json(media_type: str) -> bool:
    """The media type that OAuth 2.0 and OpenID Connect ask for."""
    return media_type == "application/json"


def is_any_json(media_type: str) -> bool:
    """Any media type of the JSON family (RFC 6839 section 3.1)."""
    return media_type in {"application/json", "text/json"} or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def read_json(
    response: HttpResponse,
    *,
    accepts: Callable[[str], bool] = is_json,
    malformed: Reason = Reason.RESPONSE_MALFORMED,
    outcomes: Mapping[int, Reason] = NO_OUTCOMES,
    maximum_bytes: int = MAXIMUM_BYTES,
) -> Any:
    """The JSON of a good answer. `outcomes` tells what a status means at this endpoint; any other that is not a
    success is refused by `refused_status`, and what can not be read is refused as `malformed`."""
    if response.status not in SUCCESS:
        raise refused_status(response.status, malformed=malformed, outcomes=outcomes)
    if not accepts(response.media_type):
        raise refuse(malformed, "The media type of the answer is not JSON.")
    try:
        return parse_json(response.body, maximum_bytes=maximum_bytes)
    except MalformedJson as problem:
        raise refuse(malformed, f"The answer can not be read: {problem}.") from None


def read_json_object(
    response: HttpResponse,
    *,
    accepts: Callable[[str], bool] = is_json,
    malformed: Reason = Reason.RESPONSE_MALFORMED,
    outcomes: Mapping[int, Reason] = NO_OUTCOMES,
    maximum_bytes: int = MAXIMUM_BYTES,
) -> dict[str, Any]:
    """As `read_json`, for an answer that has to be an object."""
    value = read_json(response, accepts=accepts, malformed=malformed, outcomes=outcomes, maximum_bytes=maximum_bytes)
    if not isinstance(value, dict):
        raise refuse(malformed, "The answer is not a JSON object.")
    return value


def refused_status(
    status: int, *, malformed: Reason = Reason.RESPONSE_MALFORMED, outcomes: Mapping[int, Reason] = NO_OUTCOMES
) -> Refused:
    """What an answer that is no success means: redirects are never followed, 5xx and 429 are the server's trouble."""
    evidence = f"The status was {status}."
    if status in outcomes:
        return refuse(outcomes[status], evidence)
    if 300 <= status <= 399:
        return refuse(Reason.RESPONSE_REDIRECTED, evidence)
    if status >= 500 or status == 429:
        return refuse(Reason.PROVIDER_ERROR, evidence)
    return refuse(malformed, evidence)


def required_text(document: Mapping[str, Any], name: str, malformed: Reason = Reason.RESPONSE_MALFORMED) -> str:
    """A member that must be a string with something in it."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise refuse(malformed, f"`{name}` has to be a string that is not empty.")
    return value

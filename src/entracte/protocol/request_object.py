"""The authorization request as a signed token (RFC 9101, OpenID Connect Core section 6)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from entracte.protocol.client_auth import Moment
from entracte.protocol.json_documents import parse_json_object
from entracte.protocol.signing import SigningKey, sign
from entracte.values import Secret

AGE = 300
"""Seconds that a request object is good for (FAPI 2.0 Message Signing section 5.3.1: at most 60 minutes)."""
TYPE = "oauth-authz-req+jwt"
_DIGITS = re.compile(r"[0-9]{1,18}")


def request_object(
    parameters: Sequence[tuple[str, str]], key: SigningKey, *, client_id: str, issuer: str, moment: Moment
) -> Secret:
    """The parameters of an authorization request, signed. `issuer` is the audience (RFC 9101 section 4). A parameter
    that stands there several times becomes a list; `claims` an object, and `max_age` a number (OpenID Connect Core
    section 6.1)."""
    claims: dict[str, Any] = {}
    for name, value in parameters:
        claims[name] = _joined(claims[name], value) if name in claims else _value(name, value)
    registered = {
        "iss": client_id,
        "aud": issuer,
        "client_id": client_id,
        "iat": moment.now,
        "nbf": moment.now,
        "exp": moment.now + AGE,
        "jti": moment.token_id,
    }
    return sign({**claims, **registered}, key, typ=TYPE)


def _value(name: str, value: str) -> Any:
    """What can not be read as it should be stays the text that it would be in a query: the server judges it."""
    try:
        return _TYPES.get(name, str)(value)
    except ValueError:
        return value


def _number(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise ValueError("not a number of seconds")
    return int(text)


_TYPES: Mapping[str, Callable[[str], Any]] = {
    "max_age": _number,
    "claims": lambda text: parse_json_object(text.encode()),
}


def _joined(before: Any, value: str) -> list[Any]:
    return [*(before if isinstance(before, list) else [before]), value]

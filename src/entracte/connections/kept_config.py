"""A kept configuration, read by a program that may be younger than it.

Rules that were added since do not refuse it (`model.ConnectionConfig`). `max_age` and `claims` could once be extra
parameters, or stand in the query of the authorization endpoint: they were asked for, and nobody looked whether they
hold. They become the settings that they are now, so that they are still asked for, and checked.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from entracte.connections.contradictions import CHECKED_PARAMETERS
from entracte.connections.model import AS_KEPT, ConnectionConfig
from entracte.protocol.json_documents import parse_json_object

_LONGEST = 18
"""Digits of a `max_age` that is read."""


def read_kept(text: str) -> ConnectionConfig:
    """The configuration of a kept row. Raises ValidationError for what no version of this program has kept."""
    given: dict[str, Any] = json.loads(text)
    found = _taken_out(given)
    if not found:
        return ConnectionConfig.model_validate_json(text, context=AS_KEPT)
    given |= _max_age(found, given) | _requested_claims(found)
    return ConnectionConfig.model_validate_json(json.dumps(given), context=AS_KEPT)


def _taken_out(given: dict[str, Any]) -> Mapping[str, str]:
    """What was really sent of `CHECKED_PARAMETERS`: the query won over an extra parameter, which won over a setting."""
    extra = given.get("extra_parameters", {})
    parts = urlsplit(given.get("authorization_endpoint", ""))
    query = parse_qsl(parts.query, keep_blank_values=True)
    found = {name: value for name, value in (*extra.items(), *query) if name in CHECKED_PARAMETERS}
    if found:
        given["extra_parameters"] = {name: value for name, value in extra.items() if name not in found}
    if any(name in found for name, _ in query):
        left = urlencode([pair for pair in query if pair[0] not in found], quote_via=quote, safe="")
        given["authorization_endpoint"] = urlunsplit(parts._replace(query=left))
    return found


def _max_age(found: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, int]:
    """The stricter of two. Without an ID token nothing could be checked, so nothing is asked for; nor is what was no
    number of seconds."""
    text = found.get("max_age", "")
    is_openid = bool(given.get("issuer")) and "openid" in given.get("scopes", ())
    if not (is_openid and text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        return {}
    before = given.get("max_age")
    return {"max_age": int(text) if before is None else min(before, int(text))}


def _requested_claims(found: Mapping[str, str]) -> dict[str, Any]:
    """What was asked for in place of the setting; what was no JSON object was nothing."""
    try:
        return {"requested_claims": parse_json_object(found.get("claims", "").encode())}
    except ValueError:
        return {}

"""What a connection asks for with `claims` that has to hold: the ID token is checked for it.

OpenID Connect Core section 5.5.1.1 for `acr`, and sections 3.1.2.2 and 5.5.1 for `sub`. Every other claim may be left
out by the server, even an essential one (section 5.5.1).
"""

from collections.abc import Mapping
from typing import Any

_MEMBERS = ("id_token", "userinfo")
_DEMANDS = ("acr", "sub")


def is_claims_request(requested: Mapping[str, Any]) -> bool:
    """Whether it has the form of section 5.5, and asks for `acr` and `sub` by texts. Members that nobody knows may
    stand in it."""
    members = [requested[name] for name in _MEMBERS if name in requested]
    if not all(isinstance(member, Mapping) for member in members):
        return False
    return all(_is_claim(claim, textual=name in _DEMANDS) for member in members for name, claim in member.items())


def demanded_contexts(requested: Mapping[str, Any]) -> tuple[str, ...]:
    """The authentication contexts of which the ID token has to name one: those of an essential `acr`. Without
    `essential` they are a wish; without values nothing is demanded."""
    asked = _asked(requested, "acr")
    return _values(asked) if asked.get("essential") is True else ()


def demanded_subjects(requested: Mapping[str, Any]) -> tuple[str, ...]:
    """The subjects of which the ID token has to be of one, essential or not; none: it may be of anybody."""
    return _values(_asked(requested, "sub"))


def _is_claim(asked: Any, *, textual: bool) -> bool:
    if asked is None:
        return True
    if not isinstance(asked, Mapping) or not isinstance(asked.get("essential", False), bool):
        return False
    values = asked.get("values", [])
    if not isinstance(values, list):
        return False
    return not textual or all(isinstance(value, str) for value in (*values, asked.get("value", "")))


def _asked(requested: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    of_token = requested.get("id_token")
    asked = of_token.get(name) if isinstance(of_token, Mapping) else None
    return asked if isinstance(asked, Mapping) else {}


def _values(asked: Mapping[str, Any]) -> tuple[str, ...]:
    values = asked.get("values")
    said = [asked.get("value"), *(values if isinstance(values, list) else ())]
    return tuple(value for value in said if isinstance(value, str))

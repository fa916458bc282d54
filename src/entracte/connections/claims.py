"""The claim map: from what the authorization server told to the attributes that campaigns use.

A path is names with dots between them; a number is a place in a list (`emails.0.value`). A name that has dots itself
(`https://brand.example/phone`) is found as it is, and can be put in double quotes. Only texts, numbers, true and false
come through, never an object or a list, and whatever else the server sends is passed over without an error.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from unicodedata import category

from entracte.connections.claim_map import ClaimRule
from entracte.connections.model import ConnectionConfig
from entracte.values import Json

LONGEST_VALUE = 1000
"""Characters of a value that are kept."""

_NAME = re.compile(r'"([^"]*)"|([^."]+)')
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Overrides that would let a name reorder the sentence it stands in."""


@dataclass(frozen=True, slots=True)
class MappedClaims:
    """The attributes of a person: each a text, true or false. `verified` names those that the server vouched for;
    `account` is what the person knows the account by, empty when nothing was told."""

    attributes: Mapping[str, Json] = field(repr=False)
    verified: frozenset[str]
    account: str = field(repr=False)


def map_claims(claims: Mapping[str, Any], config: ConnectionConfig) -> MappedClaims:
    """The attributes that the connection's claim map finds in one document. Never an error, whatever stands there."""
    found = {name: _find(rule, claims) for name, rule in config.claims.items()}
    attributes: dict[str, Json] = {name: hit.value for name, hit in found.items() if hit is not None}
    verified = frozenset(name for name, hit in found.items() if hit is not None and hit.verified)
    return MappedClaims(attributes, verified, _account(attributes))


def map_claims_beside(unsigned: Mapping[str, str], claims: Mapping[str, Any], config: ConnectionConfig) -> MappedClaims:
    """As `map_claims`, with claims that nobody signed: each counts where the document has none of its name. Nothing
    that they bring is vouched for, whatever the claim map says, and they never say what the account is known by."""
    proven = map_claims(claims, config)
    if not unsigned:
        return proven
    return replace(proven, attributes=map_claims({**unsigned, **claims}, config).attributes)


def at_path(claims: Json | Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path, None where nothing does. A name with dots goes before the names it is made of."""
    return next(_reach(claims, _segments(path)), None)


@dataclass(frozen=True, slots=True)
class _Hit:
    value: str | bool
    verified: bool


def _find(rule: ClaimRule, claims: Mapping[str, Any]) -> _Hit | None:
    for place, path in enumerate(rule.paths):
        value = _value(at_path(claims, path), rule)
        if value is not None:
            return _Hit(value, place == 0 and _vouched_for(rule, claims))
    constant = _value(rule.constant, rule)
    return None if constant is None else _Hit(constant, verified=False)


def _vouched_for(rule: ClaimRule, claims: Mapping[str, Any]) -> bool:
    """Whether the same document says that the value of the rule's first path is confirmed (OpenID Connect Core section
    5.1, email_verified). The flag says nothing about a fallback, and only `true` is true."""
    if rule.verified is None:
        return False
    flag = at_path(claims, rule.verified)
    return flag is True or flag == "true"


@lru_cache(maxsize=4096)  # of configurations
def _segments(path: str) -> tuple[tuple[str, bool], ...]:
    """The names of a path, each with whether it was quoted."""
    found = _NAME.findall(path) if '"' in path else []
    if not found:
        return tuple((name, False) for name in path.split("."))
    return tuple((quoted or name, bool(quoted)) for quoted, name in found)


def _reach(value: Any, segments: tuple[tuple[str, bool], ...]) -> Iterator[Any]:
    """Every value that the segments can lead to, the longest names first."""
    if not segments:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        for length in range(_joinable(segments), 0, -1):
            name = ".".join(text for text, _ in segments[:length])
            if name in value:
                yield from _reach(value[name], segments[length:])
    elif isinstance(value, list):
        place = _place(segments[0][0])
        if place is not None and place < len(value):
            yield from _reach(value[place], segments[1:])


def _joinable(segments: tuple[tuple[str, bool], ...]) -> int:
    """How many of the first segments may be one name together: quoted ones stand alone."""
    quoted = [place for place, (_, is_quoted) in enumerate(segments) if is_quoted]
    if not quoted:
        return len(segments)
    return quoted[0] or 1


def _place(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _value(raw: Any, rule: ClaimRule) -> str | bool | None:
    """A claim as a text, true or false, after the rule's transform; None where nothing usable stands."""
    value = _scalar(raw)
    if value is None:
        return None
    transformed = _TRANSFORMS[rule.transform](value)
    if isinstance(transformed, str):
        # a transform can make a text longer: upper("ß") is "SS"
        transformed = transformed[:LONGEST_VALUE].strip()
    return None if transformed == "" else transformed


def _scalar(raw: Any) -> str | bool | None:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int):
        return str(raw) if raw.bit_length() <= 256 else None
    if isinstance(raw, float):
        return _decimal(raw)
    return _clean(raw) if isinstance(raw, str) else None


def _decimal(number: float) -> str | None:
    if not math.isfinite(number):
        return None
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _clean(text: str) -> str:
    """A text in one line, without what can not be stored or shown."""
    text = text[: 4 * LONGEST_VALUE]  # what is far beyond the limit is not worth looking at
    if text.isprintable():  # nearly every one; what is left out below is never printable
        return text.strip()[:LONGEST_VALUE]
    spaced = "".join(" " if character in "\t\n\r" else character for character in text)
    kept = (character for character in spaced if category(character) not in ("Cc", "Cs"))
    return "".join(character for character in kept if character not in _BIDIRECTIONAL).strip()[:LONGEST_VALUE]


Transform = Callable[[str | bool], str | bool | None]


def _of_text(transform: Callable[[str], str]) -> Transform:
    return lambda value: transform(value) if isinstance(value, str) else value


def _title(text: str) -> str:
    """The first letter of each word large, of names in one case alone: McKay and d'Hondt are right already."""
    if text not in (text.lower(), text.upper()):
        return text
    return re.sub(r"[^\W\d_]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


_TRUTHS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}

_TRANSFORMS: dict[str, Transform] = {
    "": lambda value: value,
    "trim": _of_text(lambda text: " ".join(text.split())),
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "title": _of_text(_title),
    "first_word": _of_text(lambda text: text.split(maxsplit=1)[0] if text.split() else ""),
    "last_words": _of_text(lambda text: "".join(text.split(maxsplit=1)[1:])),
    "boolean": lambda value: value if isinstance(value, bool) else _TRUTHS.get(value.lower()),
}


def _account(attributes: Mapping[str, Json]) -> str:
    """What the person knows the account by: the e-mail address, else the name."""

    def text(name: str) -> str:
        value = attributes.get(name)
        return value if isinstance(value, str) else ""

    return text("email") or text("name") or f"{text('first_name')} {text('last_name')}".strip()

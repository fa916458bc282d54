"""Where a page of a list ended, as a text that a program gives back. It is sealed: it opens for its list alone, and
what is inside can change from one version to the next."""

import struct
from hashlib import sha256
from uuid import UUID

from entracte.errors import Kind, LocalError, Problem
from entracte.participation.records import Position
from entracte.protocol.errors import Refused
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import ParticipationId

LONGEST = 200
"""Characters."""
_FORM = struct.Struct(">q16s16s")
_PURPOSE = "cursor"


def write_cursor(position: Position, purpose: str, keys: SealKeys) -> str:
    """A cursor for one list. `purpose` names the list, its owner and its filter."""
    return seal(_FORM.pack(position.at, position.participation.bytes, _mark(purpose)), _PURPOSE, keys)


def read_cursor(text: str, purpose: str, keys: SealKeys) -> Position:
    """Where that page ended. LocalError `cursor_invalid` for whatever is not a cursor of this list."""
    try:
        content = open_sealed(text[: LONGEST + 1], _PURPOSE, keys)
        at, participation, mark = _FORM.unpack(content)
    except (Refused, struct.error):
        raise _invalid() from None
    if mark != _mark(purpose):
        raise _invalid()
    return Position(at, ParticipationId(UUID(bytes=participation)))


def _mark(purpose: str) -> bytes:
    return sha256(purpose.encode()).digest()[:16]


def _invalid() -> LocalError:
    message, hint = "This is no cursor of this list.", "Begin without one, or use the same filter as before."
    return LocalError(Problem(Kind.BAD_INPUT, "cursor_invalid", message, hint, "cursor"))

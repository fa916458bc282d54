"""The small values everybody shares: identifiers, secrets, the clock and the source of randomness."""

import secrets
import time
from collections.abc import Callable
from typing import NewType
from uuid import UUID

OrganizationNumber = NewType("OrganizationNumber", int)
CampaignNumber = NewType("CampaignNumber", int)
"""Unique in one installation, 1 to 2**32 - 1: it travels inside the state."""
ConnectionNumber = NewType("ConnectionNumber", int)
"""Unique in one installation, 1 to 2**24 - 1: it travels inside the state."""
ParticipationId = NewType("ParticipationId", UUID)
AttemptNumber = NewType("AttemptNumber", int)
"""Random, 0 to 2**32 - 1, unique within its participation."""

Clock = Callable[[], int]
"""Seconds since the epoch."""
Entropy = Callable[[int], bytes]
"""So many random bytes, fit for keys."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Secret:
    """A string that shows itself only when asked: not in `repr`, `str`, logs or exceptions."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return secrets.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)


def now() -> int:
    """The wall clock, in whole seconds since the epoch."""
    return int(time.time())


def entropy(size: int) -> bytes:
    """Random bytes from the operating system."""
    return secrets.token_bytes(size)

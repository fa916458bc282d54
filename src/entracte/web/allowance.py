"""How many requests somebody may make (a token, an address, an organization), and how an answer says so
(draft-ietf-httpapi-ratelimit-headers-10).

A window begins with the first request and lasts a minute. The counts live in this process: with several, each
counts what it serves itself.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

WINDOW = 60
"""Seconds."""
_CAPACITY = 10_000
_POLICY = "requests"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to somebody after this request. `reset` is in seconds from now; `granted` is False for one too
    many."""

    limit: int
    remaining: int
    reset: int
    granted: bool

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit`, as structured fields (RFC 9651)."""
        headers = {
            "RateLimit-Policy": f'"{_POLICY}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{_POLICY}";r={self.remaining};t={self.reset}',
        }
        return headers if self.granted else headers | {"Retry-After": str(self.reset)}


class Allowances:
    """Counts requests by who makes them; the time is an argument. Forgets those first who have asked least lately."""

    def __init__(self, limit: int, capacity: int = _CAPACITY) -> None:
        self._limit = limit
        self._capacity = capacity
        self._windows: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()

    def take(self, who: Hashable, now: int) -> Allowance:
        """One more request of theirs. `now` is in epoch seconds."""
        began, count = self._window(who, now)
        granted = count < self._limit
        self._keep(who, (began, count + granted))
        return Allowance(self._limit, self._limit - count - granted, began + WINDOW - now, granted)

    def look(self, who: Hashable, now: int) -> Allowance:
        """What is left to them, with nothing taken; `granted` says whether one more would be."""
        began, count = self._window(who, now)
        return Allowance(self._limit, self._limit - count, began + WINDOW - now, count < self._limit)

    def _window(self, who: Hashable, now: int) -> tuple[int, int]:
        began, count = self._windows.get(who, (now, 0))
        return (began, count) if began <= now < began + WINDOW else (now, 0)

    def _keep(self, who: Hashable, window: tuple[int, int]) -> None:
        self._windows[who] = window
        self._windows.move_to_end(who)
        if len(self._windows) > self._capacity:
            self._windows.popitem(last=False)

"""How often signing in to the manager may fail.

Three counts run at once: of one account from one network address, of one address (many accounts tried), and of one
account (many addresses used). An attempt counts as failed until it is known to have succeeded, so that many attempts
at the same time can not slip through. A refused attempt counts nowhere: whoever is refused can not lock out others.

The counts live in this process. They slow guessing down; the cost of a guess is argon2id's.
"""

from collections import OrderedDict
from collections.abc import Mapping
from ipaddress import ip_address
from math import ceil
from types import MappingProxyType

from entracte.errors import Kind, LocalError, Problem
from entracte.network_addresses import household

WINDOW = 15 * 60
"""Seconds that a failure counts."""
LIMITS: Mapping[str, int] = MappingProxyType({"account_and_address": 5, "address": 30, "account": 30})
"""Failures within the window, by what is counted."""
_CAPACITY = 30_000

_Key = tuple[str, str, str]


class TooManyAttempts(LocalError):
    """`too_many_attempts`. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        minutes = ceil(retry_after / 60)
        hint = f"Wait {minutes} minutes and try again." if minutes > 1 else "Wait a minute and try again."
        super().__init__(Problem(Kind.NOT_ALLOWED, "too_many_attempts", "Signing in failed too often.", hint))


class Throttle:
    """Counts failures; the time is an argument. Holds at most `capacity` counts and forgets the oldest first."""

    def __init__(self, window: int = WINDOW, capacity: int = _CAPACITY) -> None:
        self._window = window
        self._capacity = capacity
        self._failures: OrderedDict[_Key, tuple[int, ...]] = OrderedDict()

    def admit(self, email: str, address: str, now: int) -> None:
        """Let one attempt through, counted as failed until `succeeded`. Raises `TooManyAttempts`."""
        keys = _keys(email, address)
        recent = {key: self._recent(key, now) for key in keys}
        waits = [recent[key][0] + self._window - now for key in keys if len(recent[key]) >= LIMITS[key[0]]]
        if waits:
            raise TooManyAttempts(max(1, *waits))
        for key in keys:
            self._keep(key, (*recent[key], now))

    def succeeded(self, email: str, address: str) -> None:
        """The attempt was no failure: the account starts afresh, and the address gets this attempt back."""
        for key in _keys(email, address):
            failures = self._failures.pop(key, ())
            kept = failures[:-1] if key[0] == "address" else ()
            if kept:
                self._keep(key, kept)

    def _recent(self, key: _Key, now: int) -> tuple[int, ...]:
        return tuple(at for at in self._failures.get(key, ()) if at > now - self._window)

    def _keep(self, key: _Key, failures: tuple[int, ...]) -> None:
        self._failures[key] = failures
        self._failures.move_to_end(key)
        while len(self._failures) > self._capacity:
            self._failures.popitem(last=False)


def _keys(email: str, address: str) -> tuple[_Key, ...]:
    account, network = email.strip().casefold()[:254], _network(address)
    return ("account_and_address", account, network), ("address", "", network), ("account", account, "")


def _network(address: str) -> str:
    """Whom an address is of; one that is none stands for itself."""
    try:
        return household(ip_address(address))
    except ValueError:
        return address[:64]

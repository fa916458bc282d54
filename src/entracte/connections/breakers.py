"""A server that fails again and again is not asked for a moment (MUST 42): a circuit breaker for each way to a server.

| state | a request | an answer | a failure |
| --- | --- | --- | --- |
| closed | goes through | forgets the failures | is counted; `FAILURES` in a row within `WINDOW` open it |
| open, for `PAUSE` seconds | is refused, `PROVIDER_PAUSED` | closes it | is of a request from before: nothing |
| half open | the first is the probe, others are refused | closes it | of the probe opens it again |

A failure is a server that is not there, is silent, or says that it is broken (5xx). Whatever else it says is an answer:
that it refuses a code or a client is no failure, nor is anything that a participant did. What was not asked at all, or
was given up on our side, is neither. Only what failed is remembered: a way that is well costs one look into a table.
Each process finds out for itself.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from enum import Enum, auto

from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import Clock

Fetch = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Runs a server-to-server request; refuses with a reason when it can not."""

FAILURES = 8
WINDOW = 60
"""Seconds from the first failure of a row."""
PAUSE = 10
MOST_WAYS = 4096
"""Ways whose failures are remembered; the one that began to fail first gives way."""


class _Outcome(Enum):
    ANSWERED = auto()
    FAILED = auto()
    NOTHING = auto()


_OUTCOMES = {
    Reason.PROVIDER_UNREACHABLE: _Outcome.FAILED,
    Reason.PROVIDER_TIMEOUT: _Outcome.FAILED,
    Reason.RESPONSE_REDIRECTED: _Outcome.ANSWERED,
    Reason.RESPONSE_TOO_LARGE: _Outcome.ANSWERED,
    Reason.RESPONSE_MALFORMED: _Outcome.ANSWERED,
}
"""What a refusal of the fetcher says about the server; nothing, where it stands not here."""


@dataclass(slots=True)
class _Failing:
    since: int
    failures: int = 0
    opened_at: int | None = None
    probing: bool = False

    def refuses(self, now: int) -> bool:
        """Whether a request has to wait: it is open, or its probe is on its way. A clock that was set back opens
        nothing for longer."""
        return self.opened_at is not None and (self.probing or 0 <= now - self.opened_at < PAUSE)


class Breakers:
    """The breakers of a process, by the name of the way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failing: dict[Hashable, _Failing] = {}

    def check(self, way: Hashable) -> None:
        """Refuses `PROVIDER_PAUSED` while the way is not to be used."""
        failing = self._failing.get(way)
        if failing is not None and failing.refuses(self._clock()):
            raise refuse(Reason.PROVIDER_PAUSED, f"asked again within {PAUSE} s")

    async def ask(self, way: Hashable, fetch: Fetch, request: HttpRequest) -> HttpResponse:
        """What the server answers. Refuses as `fetch` does, and `PROVIDER_PAUSED`."""
        self.check(way)
        probe = self._begins_probe(way)
        outcome = _Outcome.NOTHING
        try:
            response = await fetch(request)
            outcome = _Outcome.FAILED if response.status >= 500 else _Outcome.ANSWERED
            return response
        except Refused as refusal:
            outcome = _OUTCOMES.get(refusal.reason, _Outcome.NOTHING)
            raise
        finally:
            self._note(way, outcome, probe)

    def _begins_probe(self, way: Hashable) -> bool:
        failing = self._failing.get(way)
        if failing is None or failing.opened_at is None:
            return False
        failing.probing = True
        return True

    def _note(self, way: Hashable, outcome: _Outcome, probe: bool) -> None:
        if outcome is _Outcome.ANSWERED:
            self._failing.pop(way, None)
        elif outcome is _Outcome.FAILED:
            self._failed(way, probe)
        elif probe and way in self._failing:
            self._failing[way].probing = False  # it told nothing: the next one is the probe

    def _failed(self, way: Hashable, probe: bool) -> None:
        now, failing = self._clock(), self._remembered(way)
        if failing.opened_at is not None:
            if probe:
                failing.opened_at, failing.probing = now, False
            return
        if not 0 <= now - failing.since <= WINDOW:
            failing.since, failing.failures = now, 0
        failing.failures += 1
        if failing.failures >= FAILURES:
            failing.opened_at = now

    def _remembered(self, way: Hashable) -> _Failing:
        if way not in self._failing:
            while len(self._failing) >= MOST_WAYS:
                del self._failing[next(iter(self._failing))]
            self._failing[way] = _Failing(self._clock())
        return self._failing[way]

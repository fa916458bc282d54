"""The circuit breaker in each of its states, over a fetch and a clock that a test holds."""

import asyncio

import pytest

from entracte.connections.breakers import FAILURES, MOST_WAYS, PAUSE, WINDOW, Breakers
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpRequest, HttpResponse

REQUEST = HttpRequest("POST", "https://login.example/token")
WAY = "a way"
Says = int | Reason | BaseException
"""A status, a refusal of the fetcher, or what else a request may end in."""

FAILS: tuple[Says, ...] = (Reason.PROVIDER_UNREACHABLE, Reason.PROVIDER_TIMEOUT, 500, 502, 503, 504)
ANSWERS: tuple[Says, ...] = (
    200, 201, 400, 401, 403, 404, 429, Reason.RESPONSE_MALFORMED, Reason.RESPONSE_TOO_LARGE, Reason.RESPONSE_REDIRECTED,
)  # fmt: skip
NOTHING: tuple[Says, ...] = (
    Reason.PROVIDER_BLOCKED, Reason.CLIENT_REFUSED, Reason.PROVIDER_BUSY, ValueError("ours"), asyncio.CancelledError(),
)  # fmt: skip


class Way:
    """A breaker, a clock and a server, all in the hand of the test."""

    def __init__(self) -> None:
        self.time = 1_000_000
        self.breakers = Breakers(lambda: self.time)
        self.asked = 0

    async def ask(self, says: Says = 200, way: str = WAY, until: asyncio.Event | None = None) -> str:
        """What becomes of a request to which the server says this."""

        async def fetch(request: HttpRequest) -> HttpResponse:
            self.asked += 1
            if until is not None:
                await until.wait()
            if isinstance(says, Reason):
                raise refuse(says)
            if isinstance(says, BaseException):
                raise says
            return HttpResponse(says, {}, b"")

        try:
            return str((await self.breakers.ask(way, fetch, REQUEST)).status)
        except Refused as refusal:
            return refusal.reason.code
        except (ValueError, asyncio.CancelledError) as error:
            return type(error).__name__

    async def fail(self, times: int = FAILURES, way: str = WAY) -> None:
        for _ in range(times):
            assert await self.ask(Reason.PROVIDER_TIMEOUT, way) == "provider_timeout"

    async def paused(self, way: str = WAY) -> bool:
        """Whether a request is refused unasked."""
        before = self.asked
        said = await self.ask(200, way)
        assert (said == "provider_paused") is (self.asked == before)
        return said == "provider_paused"


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.mark.conformance("MUST 42")
@pytest.mark.parametrize("says", FAILS)
async def test_failures_in_a_row_open_it(way: Way, says: Says) -> None:
    for _ in range(FAILURES):
        assert await way.ask(says) != "provider_paused"
    assert await way.paused()
    assert way.asked == FAILURES


@pytest.mark.conformance("MUST 42")
@pytest.mark.parametrize("says", ANSWERS)
async def test_what_a_server_answers_is_no_failure(way: Way, says: Says) -> None:
    """Wrong codes, unknown clients and bad tokens: any participant could otherwise shut out the others."""
    for _ in range(3 * FAILURES):
        await way.ask(says)
    assert way.asked == 3 * FAILURES


@pytest.mark.parametrize("says", ANSWERS)
async def test_an_answer_in_between_ends_the_row(way: Way, says: Says) -> None:
    for _ in range(3):
        await way.fail(FAILURES - 1)
        await way.ask(says)
    assert not await way.paused()


@pytest.mark.parametrize("says", NOTHING)
async def test_what_was_not_asked_is_neither(way: Way, says: Says) -> None:
    for _ in range(2 * FAILURES):
        await way.ask(says)
    assert not await way.paused(), "no failure"
    await way.fail(FAILURES - 1)
    await way.ask(says)
    await way.fail(1)
    assert await way.paused(), "and no answer: the row goes on"


async def test_failures_long_apart_open_nothing(way: Way) -> None:
    for _ in range(2 * FAILURES):
        await way.fail(FAILURES - 1)
        way.time += WINDOW + 1
    assert not await way.paused()


async def test_after_the_pause_one_request_tries(way: Way) -> None:
    await way.fail()
    way.time += PAUSE - 1
    assert await way.paused()
    way.time += 1
    until = asyncio.Event()
    probe = asyncio.create_task(way.ask(200, until=until))
    await asyncio.sleep(0)
    asked = way.asked
    assert [await way.ask() for _ in range(5)] == ["provider_paused"] * 5
    assert way.asked == asked == FAILURES + 1, "the probe alone"
    until.set()
    assert await probe == "200"
    assert not await way.paused()
    await way.fail(FAILURES - 1)
    assert not await way.paused(), "the failures of before are forgotten"


async def test_a_probe_that_fails_opens_it_again(way: Way) -> None:
    await way.fail()
    for _ in range(3):
        way.time += PAUSE
        await way.fail(1)
        assert await way.paused()
        way.time += PAUSE - 1
        assert await way.paused()
        way.time += 1 - PAUSE
    way.time += PAUSE
    assert not await way.paused()


@pytest.mark.parametrize("says", NOTHING)
async def test_a_probe_that_tells_nothing_leaves_the_next_one_to_try(way: Way, says: Says) -> None:
    await way.fail()
    way.time += PAUSE
    await way.ask(says)
    assert await way.ask() == "200"
    assert not await way.paused()


async def test_a_late_failure_does_not_prolong_the_pause(way: Way) -> None:
    until = asyncio.Event()
    late = [asyncio.create_task(way.ask(Reason.PROVIDER_TIMEOUT, until=until)) for _ in range(20)]
    await asyncio.sleep(0)
    await way.fail()
    way.time += PAUSE - 1
    until.set()
    await asyncio.gather(*late)
    way.time += 1
    assert not await way.paused()


async def test_a_late_failure_does_not_end_the_probe(way: Way) -> None:
    until, probing = asyncio.Event(), asyncio.Event()
    late = asyncio.create_task(way.ask(Reason.PROVIDER_TIMEOUT, until=until))
    gone = asyncio.create_task(way.ask(ValueError("ours"), until=until))
    await asyncio.sleep(0)
    await way.fail()
    way.time += PAUSE
    probe = asyncio.create_task(way.ask(200, until=probing))
    await asyncio.sleep(0)
    until.set()
    await asyncio.gather(late, gone)
    assert await way.ask() == "provider_paused", "the probe is still on its way"
    probing.set()
    assert await probe == "200"


async def test_a_late_answer_closes_it(way: Way) -> None:
    until = asyncio.Event()
    late = asyncio.create_task(way.ask(200, until=until))
    await asyncio.sleep(0)
    await way.fail()
    assert await way.paused()
    until.set()
    await late
    assert not await way.paused()


async def test_ways_are_apart(way: Way) -> None:
    await way.fail(way="one")
    assert await way.paused("one")
    assert not await way.paused("two")


async def test_a_clock_that_was_set_back_pauses_nobody_for_hours(way: Way) -> None:
    await way.fail()
    way.time -= 7200
    assert not await way.paused()


async def test_many_ways_that_fail_are_not_remembered_forever(way: Way) -> None:
    await way.fail(way="first")
    for number in range(MOST_WAYS):
        assert len(way.breakers._failing) <= MOST_WAYS
        await way.ask(500, f"way {number}")
    assert not await way.paused("first")


async def test_a_way_that_is_well_is_not_remembered(way: Way) -> None:
    await way.ask(500)
    await way.ask(200)
    assert not way.breakers._failing

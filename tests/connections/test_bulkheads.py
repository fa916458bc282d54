"""Places: how many requests may be on their way, who waits, and that none is ever lost."""

import asyncio
import random
import time

import pytest

from entracte.connections.bulkheads import ALL, MOST, MOST_WAITING, PATIENCE, Bulkheads, Holders
from entracte.fetch import Limits
from entracte.protocol.errors import Reason, Refused, RefusedAnswer
from tests.awake import awake


def of(connection: int, organization: int | None = None) -> Holders:
    return (("connection", connection), ("organization", connection if organization is None else organization))


async def fill(bulkheads: Bulkheads, holders: Holders) -> int:
    """Take what there is, without waiting for more."""
    taken = 0
    while bulkheads._has_room(holders):
        await bulkheads.take(holders)
        taken += 1
    return taken


async def is_busy(bulkheads: Bulkheads, holders: Holders) -> bool:
    with pytest.raises(Refused) as caught:
        await bulkheads.take(holders)
    return caught.value.reason is Reason.PROVIDER_BUSY


def test_there_are_fewer_places_than_connections() -> None:
    """So a request with a place never waits for a connection behind those of servers that hang."""
    limits = Limits()
    assert limits.connections > ALL
    assert limits.connections_per_host >= max(MOST["connection"], MOST["server"])


@pytest.mark.conformance("MUST 42")
async def test_a_connection_holds_no_more_than_its_share() -> None:
    bulkheads = Bulkheads()
    assert await fill(bulkheads, of(1)) == MOST["connection"]
    began = time.monotonic()
    with awake() as own:
        assert await is_busy(bulkheads, of(1))
        assert own() < PATIENCE + 1
    assert time.monotonic() - began > PATIENCE * 0.9
    await bulkheads.take(of(2))


@pytest.mark.conformance("MUST 42")
async def test_an_organization_holds_no_more_than_its_share() -> None:
    bulkheads = Bulkheads()
    taken = [await fill(bulkheads, of(number, organization=1)) for number in range(4)]
    assert taken == [64, 64, 0, 0]
    assert await fill(bulkheads, of(9, organization=2)) == 64


@pytest.mark.conformance("MUST 42")
async def test_many_servers_that_hang_leave_room_for_others() -> None:
    bulkheads = Bulkheads()
    taken = [await fill(bulkheads, of(number)) for number in range(8)]
    assert sum(taken) < ALL
    assert await fill(bulkheads, of(8)) >= 5
    for number in range(9, 40):  # however many there are, the next one still gets through
        await bulkheads.take(of(number))
        bulkheads.give_back(of(number))


async def test_who_waits_has_the_place_that_is_given_back() -> None:
    bulkheads = Bulkheads()
    await fill(bulkheads, of(1))
    order: list[int] = []

    async def wait(number: int) -> None:
        await bulkheads.take(of(1))
        order.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in range(3):
        bulkheads.give_back(of(1))
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    assert not bulkheads._has_room(of(1))


async def test_who_waits_gets_nothing_while_others_need_it_more() -> None:
    """A server that began to hang alone gives way as others come: what it gives back is for those who hold less."""
    bulkheads = Bulkheads()
    await fill(bulkheads, of(1))
    waiting = asyncio.create_task(is_busy(bulkheads, of(1)))
    await asyncio.sleep(0)
    for number in range(2, 10):
        await fill(bulkheads, of(number))
    bulkheads.give_back(of(1))
    assert await waiting
    await bulkheads.take(of(11))


async def test_a_queue_has_an_end() -> None:
    bulkheads = Bulkheads()
    await fill(bulkheads, of(1))
    waiting = [asyncio.create_task(is_busy(bulkheads, of(1))) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with awake() as own:
        assert await is_busy(bulkheads, of(1))
        assert own() < PATIENCE / 2, "at once"
    assert all(await asyncio.gather(*waiting))


async def test_what_another_connection_gives_back_counts_for_who_waited() -> None:
    bulkheads = Bulkheads()
    for number in (1, 2):
        await fill(bulkheads, of(number, organization=1))
    waiting = asyncio.create_task(bulkheads.take(of(3, organization=1)))
    await asyncio.sleep(0)
    bulkheads.give_back(of(1, organization=1))
    await waiting


async def test_who_gives_up_takes_no_place_along() -> None:
    bulkheads = Bulkheads()
    await fill(bulkheads, of(1))
    waiting = asyncio.create_task(bulkheads.take(of(1)))
    await asyncio.sleep(0)
    bulkheads.give_back(of(1))  # the place is given to who waits, and in the same moment
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert bulkheads._has_room(of(1))


async def test_no_place_is_lost_in_a_crowd() -> None:
    """Requests of every length, many given up at any moment: in the end every place is free, and nobody remembered."""
    chance, bulkheads, on_their_way = random.Random(42), Bulkheads(), 0

    async def request(holders: Holders, seconds: float) -> None:
        nonlocal on_their_way
        await bulkheads.take(holders)
        on_their_way += 1
        try:
            assert on_their_way <= ALL
            assert bulkheads._held[holders[0]] <= MOST["connection"]
            await asyncio.sleep(seconds)
        finally:
            on_their_way -= 1
            bulkheads.give_back(holders)

    tasks = []
    for _ in range(2000):
        holders = of(chance.choice([1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]), chance.choice([1, 2]))
        tasks.append(asyncio.create_task(request(holders, chance.random() * 0.1)))
        if chance.random() < 0.4:
            asyncio.get_running_loop().call_later(chance.random() * 0.2, tasks[-1].cancel)
        if chance.random() < 0.1:
            await asyncio.sleep(0.002)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in ended if one is not None} <= {asyncio.CancelledError, RefusedAnswer}
    assert (bulkheads._taken, bulkheads._held, bulkheads._waiting) == (0, {}, {})

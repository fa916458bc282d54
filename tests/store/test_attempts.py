"""Sign-in attempts, on every database."""

import asyncio
from dataclasses import replace

import pytest

from entracte.errors import LocalError
from entracte.organizations.model import Brand, Organization
from entracte.participation.events import EventKind, Outcome
from entracte.participation.model import OPEN_ATTEMPTS, Attempt, Participation
from entracte.store.opened import Store
from entracte.values import AttemptNumber
from tests.store.samples import AWKWARD, SEALED_PERSON_KEY, START, a_participation, a_profile, an_attempt, an_event
from tests.store.test_participations import events_of, found, started


async def kept(store: Store, attempt: Attempt) -> Attempt | None:
    return await store.participations.attempt(attempt.organization, attempt.participation, attempt.number)


async def outcome_of(store: Store, participation: Participation) -> Outcome | None:
    return (await found(store, participation)).sign_in_outcome


async def test_a_sent_attempt_comes_back_exactly(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation, 2**32 - 1, short_code="Ä-1")
    sent = an_event(participation, EventKind.SIGN_IN_SENT)
    await store.participations.attempt_was_sent(attempt, [sent])
    await store.participations.attempt_was_sent(replace(attempt, short_code="other"), [sent])
    assert await kept(store, attempt) == attempt
    assert await outcome_of(store, participation) is Outcome.SENT
    assert ("sign_in_sent", "", START) in await events_of(store, participation)


@pytest.mark.conformance("MUST 2")
async def test_an_attempt_is_consumed_once(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation)
    await store.participations.attempt_was_sent(attempt, [])
    returned = an_event(participation, EventKind.SIGN_IN_RETURNED, at=START + 20)
    assert await store.participations.consume_attempt(attempt, START + 20, [returned]) is True
    late = an_event(participation, EventKind.SIGN_IN_SHOWN)
    assert await store.participations.consume_attempt(attempt, START + 30, [late]) is False
    assert await kept(store, attempt) == replace(attempt, consumed_at=START + 20, outcome=Outcome.RETURNED)
    assert await outcome_of(store, participation) is Outcome.RETURNED
    assert await events_of(store, participation) == {
        ("started", "", START),
        ("sign_in_returned", "", START + 20),
    }


@pytest.mark.conformance("MUST 12")
async def test_the_oldest_of_many_attempts_is_not_consumed(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    sent = [an_attempt(participation, number, sent_at=START) for number in range(1, OPEN_ATTEMPTS + 2)]
    for one in sent:
        await store.participations.attempt_was_sent(one, [])
    assert await store.participations.consume_attempt(sent[0], START + 20, []) is False
    assert await kept(store, sent[0]) == sent[0]
    assert await store.participations.consume_attempt(sent[1], START + 20, []) is True
    other = await started(store, northwind)
    assert await store.participations.consume_attempt(an_attempt(other, 1), START + 20, []) is True


async def test_an_attempt_that_was_never_kept_is_consumed_once(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation)
    assert await store.participations.consume_attempt(attempt, START + 20, []) is True
    assert await store.participations.consume_attempt(attempt, START + 20, []) is False
    consumed = replace(attempt, consumed_at=START + 20, outcome=Outcome.RETURNED)
    assert await kept(store, attempt) == consumed
    await store.participations.attempt_was_sent(attempt, [])  # a write that comes late takes nothing back
    assert await kept(store, attempt) == consumed
    assert await outcome_of(store, participation) is Outcome.RETURNED
    assert await store.participations.consume_attempt(attempt, START + 21, []) is False


@pytest.mark.conformance("MUST 2")
@pytest.mark.parametrize("was_sent", [True, False])
async def test_of_a_hundred_at_once_one_consumes(store: Store, northwind: Organization, was_sent: bool) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation)
    if was_sent:
        await store.participations.attempt_was_sent(attempt, [])
    won = await asyncio.gather(*(store.participations.consume_attempt(attempt, START + n, []) for n in range(100)))
    assert won.count(True) == 1
    after = await kept(store, attempt)
    assert after is not None
    assert after.consumed_at == START + won.index(True)


@pytest.mark.conformance("MUST 2")
async def test_two_processes_race_and_one_consumes(shared_url: str) -> None:
    stores = [Store.open(shared_url) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        northwind = await stores[0].organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
        participation = a_participation(northwind.number)
        await stores[0].participations.start(participation, [])
        for number in range(10):
            attempt = an_attempt(participation, number)
            won = await asyncio.gather(
                *(stores[turn % 2].participations.consume_attempt(attempt, START + turn, []) for turn in range(100))
            )
            assert won.count(True) == 1
    finally:
        for store in stores:
            await store.stop()


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.FAILED])
async def test_a_finished_attempt_says_how(store: Store, northwind: Organization, outcome: Outcome) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation)
    await store.participations.attempt_was_sent(attempt, [])
    await store.participations.consume_attempt(attempt, START + 20, [])
    finished = replace(
        attempt, consumed_at=START + 20, finished_at=START + 21, outcome=outcome, reason="access_denied", evidence="ä…"
    )
    await store.participations.finish_attempt(finished)
    assert await kept(store, attempt) == finished
    assert await outcome_of(store, participation) is outcome
    assert await store.participations.consume_attempt(attempt, START + 30, []) is False


async def test_an_attempt_that_was_never_kept_can_be_finished(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    finished = an_attempt(participation, finished_at=START + 21, outcome=Outcome.FAILED, reason="expired")
    await store.participations.finish_attempt(finished)
    assert await kept(store, finished) == finished
    assert await outcome_of(store, participation) is Outcome.FAILED


async def test_signed_in_stays(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation, finished_at=START + 30, evidence="proof")
    await store.participations.sign_in(attempt, a_profile())
    signed_in = replace(attempt, outcome=Outcome.SIGNED_IN)
    assert await kept(store, attempt) == signed_in
    later = an_attempt(participation, 2, sent_at=START + 50)
    await store.participations.attempt_was_sent(later, [])
    assert await outcome_of(store, participation) is Outcome.SIGNED_IN
    await store.participations.consume_attempt(later, START + 51, [])
    await store.participations.finish_attempt(replace(later, outcome=Outcome.FAILED, finished_at=START + 52))
    await store.participations.finish_attempt(replace(attempt, outcome=Outcome.FAILED, finished_at=START + 53))
    assert await outcome_of(store, participation) is Outcome.SIGNED_IN
    assert await kept(store, attempt) == signed_in
    after = await kept(store, later)
    assert after is not None
    assert after.outcome is Outcome.FAILED


async def test_the_outcome_is_the_latest_attempt_s(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    first, second = an_attempt(participation, 9), an_attempt(participation, 1, sent_at=START + 11)
    await store.participations.attempt_was_sent(first, [])
    await store.participations.attempt_was_sent(second, [])
    await store.participations.finish_attempt(replace(first, outcome=Outcome.CANCELLED))
    assert await outcome_of(store, participation) is Outcome.SENT
    await store.participations.finish_attempt(replace(second, outcome=Outcome.FAILED))
    assert await outcome_of(store, participation) is Outcome.FAILED
    latest = await store.participations.latest_attempt(northwind.number, participation.id)
    assert latest == replace(second, outcome=Outcome.FAILED)


async def test_within_one_second_the_attempt_that_was_kept_last_is_the_latest(
    store: Store, northwind: Organization
) -> None:
    participation = await started(store, northwind)
    for number in (7, 3, 5):
        attempt = an_attempt(participation, number)
        await store.participations.attempt_was_sent(attempt, [])
        assert await store.participations.latest_attempt(northwind.number, participation.id) == attempt
        assert await outcome_of(store, participation) is Outcome.SENT
        await store.participations.finish_attempt(replace(attempt, outcome=Outcome.CANCELLED))
        assert await outcome_of(store, participation) is Outcome.CANCELLED


@pytest.mark.conformance("MUST 48")
async def test_another_organization_sees_and_consumes_nothing(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation)
    await store.participations.attempt_was_sent(attempt, [])
    stolen = replace(attempt, organization=outsider.number)
    with pytest.raises(LocalError):  # there is no such participation there
        await store.participations.consume_attempt(stolen, START + 20, [])
    assert await kept(store, stolen) is None
    assert await store.participations.latest_attempt(outsider.number, participation.id) is None
    await store.participations.hold_profile(attempt, a_profile())
    assert await store.participations.claim_profile(outsider.number, participation.id, attempt.number) is None
    assert await store.participations.claim_profile(northwind.number, participation.id, attempt.number) == 1


async def test_a_held_profile_waits_on_the_attempt(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind, guest=True)
    attempt = an_attempt(participation, finished_at=START + 40)
    await store.participations.consume_attempt(attempt, START + 20, [])
    profile = a_profile(street=AWKWARD)
    await store.participations.hold_profile(attempt, profile)
    held = await kept(store, attempt)
    assert held == replace(attempt, consumed_at=START + 20, outcome=Outcome.SIGNED_IN, held_profile=profile)
    waiting = await found(store, participation)
    assert (waiting.profile, waiting.generation, waiting.guest) == (None, 0, True)
    assert await store.participations.claim_profile(northwind.number, participation.id, attempt.number) == 1
    assert await found(store, participation) == replace(
        participation,
        guest=False,
        profile=profile,
        sign_in_outcome=Outcome.SIGNED_IN,
        generation=1,
        previous_key_open=True,
    )
    assert await kept(store, attempt) == replace(held, held_profile=None)
    assert await store.participations.claim_profile(northwind.number, participation.id, attempt.number) is None
    assert (await found(store, participation)).generation == 1


@pytest.mark.conformance("BAD 26")
async def test_a_held_profile_is_claimed_once(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    attempt = an_attempt(participation)
    await store.participations.hold_profile(attempt, a_profile())
    key = (northwind.number, participation.id, attempt.number)
    claimed = await asyncio.gather(*(store.participations.claim_profile(*key) for _ in range(50)))
    assert sorted(claimed, key=str) == [1, *[None] * 49]
    nothing = (northwind.number, participation.id, AttemptNumber(99))
    assert await store.participations.claim_profile(*nothing) is None


@pytest.mark.conformance("BAD 26")
async def test_a_profile_held_earlier_gives_way_to_a_later_one(store: Store, northwind: Organization) -> None:
    """The claims of two attempts, in either order: the later one's stays."""
    earlier_first, later_first = await started(store, northwind), await started(store, northwind)
    for participation in (earlier_first, later_first):
        for number in (9, 1):
            attempt = an_attempt(participation, number, sent_at=START + 10 - number)
            await store.participations.hold_profile(attempt, a_profile())

    async def claim(participation: Participation, number: int) -> int | None:
        return await store.participations.claim_profile(northwind.number, participation.id, AttemptNumber(number))

    assert [await claim(later_first, number) for number in (1, 9, 1)] == [1, None, None]
    assert [await claim(earlier_first, number) for number in (9, 1, 9)] == [1, 2, None]


@pytest.mark.conformance("BAD 26")
async def test_two_processes_claim_a_profile_once(shared_url: str) -> None:
    stores = [Store.open(shared_url) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        northwind = await stores[0].organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
        for number in range(10):
            participation = a_participation(northwind.number)
            await stores[0].participations.start(participation, [])
            attempt = an_attempt(participation, number)
            await stores[0].participations.hold_profile(attempt, a_profile())
            key = (northwind.number, participation.id, attempt.number)
            claimed = await asyncio.gather(
                *(store.participations.claim_profile(*key) for store in stores for _ in range(5))
            )
            assert sorted(claimed, key=str) == [1, *[None] * 9]
    finally:
        for store in stores:
            await store.stop()

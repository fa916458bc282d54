"""Counts, on every database."""

from collections import Counter
from dataclasses import replace
from functools import partial
from random import Random

import pytest
from sqlalchemy import Connection, Executable

from entracte.organizations.model import Organization
from entracte.participation.events import Event, EventKind, Outcome
from entracte.participation.model import Participation
from entracte.statistics.tallies import Counts, Tallies
from entracte.store.opened import Store
from entracte.store.tables import participation as participation_table
from entracte.store.tallies import StoredTallies
from entracte.values import CampaignNumber, OrganizationNumber
from tests.store.samples import CAMPAIGN, START, a_participation, a_profile, an_attempt, an_entry, an_event

NOTHING = Counts({}, {}, 0, 0, 0, None)


async def started(store: Store, organization: OrganizationNumber, at: int = START, **given: object) -> Participation:
    participation = a_participation(organization, started_at=at, **given)
    await store.participations.start(participation, [an_event(participation, EventKind.STARTED, at=at)])
    return participation


def sent(participation: Participation) -> list[Event]:
    return [an_event(participation, EventKind.SIGN_IN_SENT)]


async def signed_in(store: Store, participation: Participation, seconds: int, number: int = 1) -> None:
    attempt = an_attempt(participation, number)
    await store.participations.attempt_was_sent(attempt, sent(participation))
    await store.participations.consume_attempt(attempt, START, [])
    await store.participations.sign_in(replace(attempt, finished_at=attempt.sent_at + seconds), a_profile())


async def failed(store: Store, participation: Participation, reason: str, number: int = 1, after: int = 0) -> None:
    attempt = an_attempt(participation, number, sent_at=START + 10 + after)
    await store.participations.attempt_was_sent(attempt, sent(participation))
    await store.participations.finish_attempt(
        replace(attempt, outcome=Outcome.FAILED, reason=reason, finished_at=START + 99)
    )


def test_the_protocol_is_kept(store: Store) -> None:
    tallies: Tallies = store.tallies
    assert isinstance(tallies, StoredTallies)


async def test_of_nothing_there_is_nothing(store: Store, northwind: Organization) -> None:
    assert await store.tallies.counts(northwind.number, CAMPAIGN, 0) == NOTHING


async def test_several_campaigns_are_counted_as_each_alone(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    campaigns = [CampaignNumber(5), CAMPAIGN, CampaignNumber(6)]
    for campaign, number in zip(campaigns, (2, 1, 0), strict=True):
        for _ in range(number):
            await started(store, northwind.number, campaign=campaign)
    found = await store.tallies.counts_of_each(northwind.number, campaigns, 0)
    assert [counts.started_since for counts in found] == [2, 1, 0]
    assert found == [await store.tallies.counts(northwind.number, campaign, 0) for campaign in campaigns]
    assert await store.tallies.counts_of_each(northwind.number, [], 0) == []
    assert await store.tallies.counts_of_each(outsider.number, campaigns, 0) == [NOTHING] * 3


async def test_reached_counts_participations_by_kind_and_step(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    for n in range(3):
        participation = await started(store, northwind.number)
        for step in ["color", "why"][: n + 1]:
            answered = an_event(participation, EventKind.ANSWERED, step)
            await store.participations.keep_answer(
                northwind.number, participation.id, step, "x", START, [answered, answered]
            )
    await started(store, northwind.number, campaign=CampaignNumber(5))
    await started(store, outsider.number)
    counts = await store.tallies.counts(northwind.number, CAMPAIGN, 0)
    assert counts == replace(
        NOTHING,
        reached={
            (EventKind.STARTED, ""): 3,
            (EventKind.ANSWERED, "color"): 3,
            (EventKind.ANSWERED, "why"): 2,
        },
        started_since=3,
    )


async def test_started_since_counts_from_that_second_on(store: Store, northwind: Organization) -> None:
    for at in (START - 1, START, START + 1):
        await started(store, northwind.number, at)
    for since, number in ((0, 3), (START, 2), (START + 1, 1), (START + 2, 0)):
        assert (await store.tallies.counts(northwind.number, CAMPAIGN, since)).started_since == number


async def test_people_are_distinct_persons_with_an_entry(store: Store, northwind: Organization) -> None:
    for person in (b"a", b"a", b"A", b"", b""):
        participation = await started(store, northwind.number)
        await store.participations.enter(an_entry(participation, person=person), [])
    counts = await store.tallies.counts(northwind.number, CAMPAIGN, 0)
    assert (counts.entries, counts.people) == (5, 2)


async def test_outcomes_say_the_reason_of_the_latest_attempt_where_it_failed(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    never, waiting, cancelled, twice, recovered, failed_since = [
        await started(store, northwind.number) for _ in range(6)
    ]
    await store.participations.attempt_was_sent(an_attempt(waiting), sent(waiting))
    await store.participations.attempt_was_sent(an_attempt(cancelled), sent(cancelled))
    await store.participations.finish_attempt(
        replace(an_attempt(cancelled), outcome=Outcome.CANCELLED, reason="access_denied")
    )
    await failed(store, twice, "expired", 9)
    await failed(store, twice, "nonce_mismatch", 2, after=5)
    await failed(store, recovered, "expired")
    await signed_in(store, recovered, 30, number=2)
    await signed_in(store, failed_since, 50)
    await failed(store, failed_since, "expired", 2, after=9)
    await signed_in(store, await started(store, outsider.number), 1)
    counts = await store.tallies.counts(northwind.number, CAMPAIGN, 0)
    assert counts.outcomes == {
        (Outcome.SENT, ""): 1,
        (Outcome.CANCELLED, ""): 1,
        (Outcome.FAILED, "nonce_mismatch"): 1,
        (Outcome.SIGNED_IN, ""): 2,
    }
    assert sum(counts.outcomes.values()) == counts.reached[EventKind.SIGN_IN_SENT, ""] == 5
    assert never


@pytest.mark.parametrize(
    ("seconds", "median"), [([7], 7), ([1, 9], 5), ([1, 8], 4), ([30, 1, 2], 2), ([5, 5, 5, 900], 5), ([0, 0], 0)]
)
async def test_the_median_is_the_middle(store: Store, northwind: Organization, seconds: list[int], median: int) -> None:
    for duration in seconds:
        await signed_in(store, await started(store, northwind.number), duration)
    await failed(store, await started(store, northwind.number), "expired")
    await signed_in(store, await started(store, northwind.number, campaign=CampaignNumber(5)), 5000)
    assert (await store.tallies.counts(northwind.number, CAMPAIGN, 0)).median_sign_in_seconds == median


async def test_the_sum_of_outcomes_is_always_the_number_that_was_sent(store: Store, northwind: Organization) -> None:
    """Whatever happens in whatever order, also when a participation is erased afterwards."""
    random = Random(7)
    expected: Counter[str] = Counter()
    for n in range(40):
        participation = await started(store, northwind.number)
        expected["sent"] += bool(await _wander(store, participation, random))
        if n % 10 == 0:
            gone = participation_table.delete().where(participation_table.c.id == participation.id)
            await store.commits.write(partial(_execute, gone))
    counts = await store.tallies.counts(northwind.number, CAMPAIGN, 0)
    assert sum(counts.outcomes.values()) == counts.reached.get((EventKind.SIGN_IN_SENT, ""), 0) == expected["sent"]
    assert expected["sent"] > 10
    assert len(counts.outcomes) > 3


def _execute(statement: Executable, connection: Connection) -> None:
    connection.execute(statement)


async def _wander(store: Store, participation: Participation, random: Random) -> bool:
    was_sent = False
    for number in range(random.randrange(4)):
        attempt = an_attempt(participation, number, sent_at=START + random.randrange(3))
        for step in random.sample(range(4), k=random.randrange(1, 5)):
            if step == 0:
                await store.participations.attempt_was_sent(attempt, sent(participation))
                was_sent = True
            elif step == 1:
                await store.participations.consume_attempt(attempt, START, [])
            elif step == 2:
                ended = replace(attempt, outcome=Outcome.FAILED, reason=random.choice(["expired", "timeout"]))
                await store.participations.finish_attempt(ended)
            elif random.random() < 0.3:
                await store.participations.sign_in(replace(attempt, finished_at=START + 5), a_profile())
    return was_sent

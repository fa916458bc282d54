"""Participations and their answers, on every database."""

import asyncio
from dataclasses import replace

import pytest

from entracte.errors import LocalError
from entracte.organizations.model import Organization
from entracte.participation.events import Event, EventKind, Outcome
from entracte.participation.model import Participation, Participations
from entracte.store.opened import Store
from entracte.store.participations import StoredParticipations
from entracte.store.tables import event
from entracte.values import Json
from tests.store.samples import (
    AWKWARD,
    START,
    a_participation,
    a_profile,
    an_attempt,
    an_entry,
    an_event,
    numbered,
)


async def started(store: Store, organization: Organization, **given: object) -> Participation:
    participation = a_participation(organization.number, **given)
    await store.participations.start(participation, [an_event(participation, EventKind.STARTED)])
    return participation


async def found(store: Store, participation: Participation) -> Participation:
    kept = await store.participations.get(participation.organization, participation.id)
    assert kept is not None
    return kept


async def events_of(store: Store, participation: Participation) -> set[tuple[str, str, int]]:
    columns = event.select().where(
        event.c.organization == participation.organization, event.c.participation == participation.id
    )
    rows = await store.commits.read(lambda connection: connection.execute(columns).all())
    assert {row.campaign for row in rows} <= {participation.campaign}
    return {(row.kind, row.step, row.at) for row in rows}


def test_the_protocol_is_kept(store: Store) -> None:
    participations: Participations = store.participations
    assert isinstance(participations, StoredParticipations)


async def test_a_participation_comes_back_exactly(store: Store, northwind: Organization) -> None:
    least = await started(store, northwind)
    assert await found(store, least) == least
    full = await started(
        store,
        northwind,
        language="pt-BR",
        embed_page="https://www.example.com/play?x=ä",
        generation=3,
        previous_key_open=True,
        guest=True,
        sign_in_outcome=Outcome.FAILED,
        profile=a_profile(),
        draft={"z": "1", "a": [True, None, 1.5, AWKWARD]},
        entered_at=START + 5,
        answers={"color": "red", "passed": None},
    )
    assert await found(store, full) == full


async def test_starting_twice_changes_nothing(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind, answers={"color": "red"})
    again = replace(participation, language="de", answers={"color": "blue"})
    await store.participations.start(again, [an_event(participation, EventKind.STARTED, at=START + 9)])
    assert await found(store, participation) == participation
    assert await events_of(store, participation) == {("started", "", START)}


@pytest.mark.conformance("MUST 48")
async def test_another_organization_sees_nothing(store: Store, northwind: Organization, outsider: Organization) -> None:
    participation = await started(store, northwind, answers={"color": "red"})
    assert await store.participations.get(outsider.number, participation.id) is None
    assert await store.participations.get(northwind.number, numbered(1)) is None


async def test_two_organizations_may_have_the_same_id(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine = await started(store, northwind, id=numbered(7), answers={"color": "red"})
    theirs = await started(store, outsider, id=numbered(7), answers={"color": "blue"}, language="fr")
    assert (await found(store, mine), await found(store, theirs)) == (mine, theirs)


@pytest.mark.parametrize(
    "answer",
    ["red", ["b", "a"], None, AWKWARD, "", [], {"nested": {"b": 1, "a": None}}, True, 0, 1.5, "\ud800 alone"],
    ids=repr,
)
async def test_an_answer_comes_back_exactly(store: Store, northwind: Organization, answer: Json) -> None:
    participation = await started(store, northwind)
    key = (northwind.number, participation.id)
    assert await store.participations.keep_answer(*key, "step-1", answer, START + 1, []) is True
    kept = (await found(store, participation)).answers
    assert kept == {"step-1": answer}
    assert repr(kept["step-1"]) == repr(answer)  # also its order, and True is not 1


async def test_an_answer_is_replaced_and_its_event_counts_once(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    key = (northwind.number, participation.id)
    for at, answer in ((1, "red"), (2, "blue"), (3, "blue")):
        answered = an_event(participation, EventKind.ANSWERED, "color", START + at)
        assert await store.participations.keep_answer(*key, "color", answer, START + at, [answered, answered]) is True
    assert await store.participations.keep_answer(*key, "Color", "other", START + 4, []) is True
    assert (await found(store, participation)).answers == {"color": "blue", "Color": "other"}
    assert await events_of(store, participation) == {("started", "", START), ("answered", "color", START + 1)}


async def test_no_answer_is_kept_after_the_entry(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind, answers={"color": "red"})
    key = (northwind.number, participation.id)
    assert await store.participations.enter(an_entry(participation), []) is True
    answered = an_event(participation, EventKind.ANSWERED, "why")
    assert await store.participations.keep_answer(*key, "color", "blue", START, [answered]) is False
    assert await store.participations.keep_answer(*key, "why", "because", START, [answered]) is False
    assert (await found(store, participation)).answers == {"color": "red"}
    assert await events_of(store, participation) == {("started", "", START)}


@pytest.mark.conformance("MUST 48")
async def test_no_answer_is_kept_for_another_organization(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    participation = await started(store, northwind)
    stolen = replace(participation, organization=outsider.number)
    happened = an_event(stolen, EventKind.ANSWERED, "color")
    assert (
        await store.participations.keep_answer(outsider.number, participation.id, "color", "x", START, [happened])
        is False
    )
    assert await found(store, participation) == participation
    assert await events_of(store, stolen) == set()


async def test_a_draft_is_kept_until_the_entry(store: Store, northwind: Organization, outsider: Organization) -> None:
    participation = await started(store, northwind)
    draft: dict[str, Json] = {"z": AWKWARD, "email": "alice@example.com", "news": True}
    await store.participations.keep_draft(northwind.number, participation.id, {"first": "1"})
    await store.participations.keep_draft(northwind.number, participation.id, draft)
    await store.participations.keep_draft(outsider.number, participation.id, {"stolen": "1"})
    kept = (await found(store, participation)).draft
    assert kept == draft
    assert list(kept) == list(draft)
    await store.participations.enter(an_entry(participation), [])
    assert (await found(store, participation)).draft == {}
    await store.participations.keep_draft(northwind.number, participation.id, draft)
    assert (await found(store, participation)).draft == {}


async def test_the_language_is_set(store: Store, northwind: Organization, outsider: Organization) -> None:
    participation = await started(store, northwind)
    await store.participations.set_language(northwind.number, participation.id, "de")
    await store.participations.set_language(outsider.number, participation.id, "fr")
    assert await found(store, participation) == replace(participation, language="de")


async def test_a_guest_s_profile_is_forgotten(store: Store, northwind: Organization, outsider: Organization) -> None:
    participation = await started(store, northwind, profile=a_profile(), generation=2)
    await store.participations.take_part_as_guest(outsider.number, participation.id, [])
    assert await found(store, participation) == participation
    guest = an_event(participation, EventKind.GUEST)
    for _ in range(2):
        await store.participations.take_part_as_guest(northwind.number, participation.id, [guest])
    assert await found(store, participation) == replace(participation, guest=True, profile=None)
    assert await events_of(store, participation) == {("started", "", START), ("guest", "", START)}


async def test_an_event_is_kept_once_per_participation_kind_and_step(store: Store, northwind: Organization) -> None:
    one, two = await started(store, northwind), await started(store, northwind)
    shown = [
        an_event(one, EventKind.SIGN_IN_SHOWN, "", START + 1),
        an_event(one, EventKind.SIGN_IN_SHOWN, "", START + 2),
        an_event(one, EventKind.FORM_SHOWN, "form", START + 3),
        an_event(two, EventKind.FORM_SHOWN, "form", START + 4),
    ]
    await store.participations.note(shown)
    await store.participations.note([replace(happened, at=START + 9) for happened in shown])
    await store.participations.note([])
    assert await events_of(store, one) == {
        ("started", "", START),
        ("sign_in_shown", "", START + 1),
        ("form_shown", "form", START + 3),
    }
    assert await events_of(store, two) == {("started", "", START), ("form_shown", "form", START + 4)}


@pytest.mark.conformance("MUST 13", "BAD 7")
async def test_the_previous_key_closes_when_the_current_one_was_seen(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    participation = await started(store, northwind)
    generation = await store.participations.sign_in(an_attempt(participation), a_profile())
    assert (await found(store, participation)).previous_key_open is True
    shown = an_event(participation, EventKind.FORM_SHOWN, "form")
    await store.participations.form_was_shown(northwind.number, participation.id, generation - 1, [shown])
    await store.participations.form_was_shown(outsider.number, participation.id, generation, [])
    assert (await found(store, participation)).previous_key_open is True
    await store.participations.form_was_shown(northwind.number, participation.id, generation, [shown])
    assert (await found(store, participation)).previous_key_open is False
    assert ("form_shown", "form", START) in await events_of(store, participation)


async def test_signing_in_puts_the_profile_there_and_begins_the_next_generation(
    store: Store, northwind: Organization
) -> None:
    participation = await started(store, northwind, guest=True)
    finished = an_attempt(participation, finished_at=START + 42, reason="left over", evidence="id_token ES256")
    assert await store.participations.sign_in(finished, a_profile()) == 1
    assert await found(store, participation) == replace(
        participation,
        guest=False,
        profile=a_profile(),
        sign_in_outcome=Outcome.SIGNED_IN,
        generation=1,
        previous_key_open=True,
    )
    other = a_profile(b"other", email="bob@example.com")
    assert await store.participations.sign_in(an_attempt(participation, 2), other) == 2
    kept = await found(store, participation)
    assert (kept.profile, kept.generation, kept.previous_key_open) == (other, 2, True)


@pytest.mark.conformance("MUST 48")
async def test_nobody_signs_in_to_another_organization_s_participation(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    participation = await started(store, northwind)
    stolen = replace(an_attempt(participation), organization=outsider.number)
    with pytest.raises(LocalError) as raised:
        await store.participations.sign_in(stolen, a_profile())
    assert raised.value.problem.code == "participation_unknown"
    assert await found(store, participation) == participation
    assert await store.participations.attempt(outsider.number, participation.id, stolen.number) is None


async def test_a_change_and_its_events_are_one(store: Store, northwind: Organization) -> None:
    """When an event can not be kept, neither is the answer."""
    participation = await started(store, northwind)
    broken = Event(northwind.number, None, participation.id, EventKind.ANSWERED, START, "color")  # type: ignore[arg-type]
    with pytest.raises(LocalError) as raised:
        await store.participations.keep_answer(northwind.number, participation.id, "color", "red", START, [broken])
    assert raised.value.problem.code == "store_unavailable"
    assert await found(store, participation) == participation


async def test_a_document_that_is_not_json_is_refused_on_every_database(store: Store, northwind: Organization) -> None:
    participation = await started(store, northwind)
    with pytest.raises((LocalError, ValueError)):
        await store.participations.keep_draft(northwind.number, participation.id, {"number": float("nan")})
    assert await found(store, participation) == participation


async def test_many_are_found_together(store: Store, northwind: Organization, outsider: Organization) -> None:
    kept = [await started(store, whose, answers={"n": str(n)}) for n in range(20) for whose in (northwind, outsider)]
    results = await asyncio.gather(
        *(store.participations.get(one.organization, one.id) for one in kept),
        *(store.participations.get(northwind.number, numbered(n)) for n in range(20)),
    )
    assert results == [*kept, *[None] * 20]

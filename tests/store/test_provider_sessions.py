"""Sessions at authorization servers, on every database: kept with the sign-in, ended with the identity, used once."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from entracte.organizations.model import Brand, Organization
from entracte.participation.events import EventKind, Outcome
from entracte.participation.model import Attempt, Participation
from entracte.participation.provider_sessions import KEPT_SECONDS, KeptSession, Logout
from entracte.protocol.logout import ReplayKey
from entracte.store import tables
from entracte.store.opened import Store
from entracte.store.schema import migrate
from entracte.values import ConnectionNumber, OrganizationNumber
from tests.store.samples import (
    CAMPAIGN,
    CONNECTION,
    START,
    a_participation,
    a_profile,
    an_attempt,
    an_entry,
    numbered,
)

PERSON = b"\x00\xff person"
SESSION = b"\x01\xfe session"
OTHER = ConnectionNumber(5)
REPLAY = ReplayKey("ab" * 32, START + 300)


def a_session(attempt: Attempt, **given: object) -> KeptSession:
    values: dict[str, object] = {
        "organization": attempt.organization,
        "campaign": attempt.campaign,
        "participation": attempt.participation,
        "attempt": attempt.number,
        "connection": attempt.connection,
        "signed_in_at": START + 20,
        "person": PERSON,
        "session": SESSION,
        "sealed_id_token": "AQ-id",
        "sealed_session_state": "AQ-state",
    }
    return KeptSession(**(values | given))  # type: ignore[arg-type]


async def signed_in(
    store: Store, organization: OrganizationNumber, *, person: bytes = PERSON, held: bool = False, **given: Any
) -> tuple[Participation, KeptSession]:
    """A participation that came back from the login, with a draft."""
    participation = a_participation(organization, draft={"phone": "+34600123456"})
    await store.participations.start(participation, [])
    attempt = an_attempt(participation)
    session = a_session(attempt, person=person, **given)
    profile = a_profile(person)
    await (store.participations.hold_profile if held else store.participations.sign_in)(attempt, profile, session)
    return participation, session


async def kept(store: Store, participation: Participation) -> Participation:
    found = await store.participations.get(participation.organization, participation.id)
    assert found is not None
    return found


async def count(store: Store, table: Any) -> int:
    return await store.commits.read(
        lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
    )


async def test_a_session_is_kept_with_its_sign_in(store: Store, northwind: Organization) -> None:
    participation, session = await signed_in(store, northwind.number)
    assert await store.provider_sessions.current(northwind.number, participation.id, PERSON) == session
    assert await store.provider_sessions.current(northwind.number, participation.id, b"another") is None
    alone = replace(session, session=None, sealed_id_token=None, sealed_session_state=None)
    _, bare = await signed_in(store, northwind.number, session=None, sealed_id_token=None, sealed_session_state=None)
    assert await store.provider_sessions.current(northwind.number, bare.participation, PERSON) == replace(
        alone, participation=bare.participation
    )


async def test_nothing_is_kept_of_a_sign_in_that_did_not_happen(store: Store, northwind: Organization) -> None:
    attempt = an_attempt(a_participation(northwind.number))
    with pytest.raises(Exception, match="participation_unknown"):
        await store.participations.sign_in(attempt, a_profile(), a_session(attempt))
    assert await count(store, tables.provider_session) == 0


async def test_the_next_sign_in_takes_the_place_of_the_one_before(store: Store, northwind: Organization) -> None:
    participation, _ = await signed_in(store, northwind.number)
    attempt = an_attempt(participation, 2)
    session = a_session(attempt, person=b"another", signed_in_at=START + 90)
    await store.participations.sign_in(attempt, a_profile(b"another"), session)
    assert await store.provider_sessions.after(northwind.number, None, 10) == [session]


async def test_a_frame_that_has_not_claimed_leaves_the_session_before_in_force(
    store: Store, northwind: Organization
) -> None:
    participation, before = await signed_in(store, northwind.number)
    attempt = an_attempt(participation, 2)
    held = a_session(attempt, person=b"another", session=b"another session")
    await store.participations.hold_profile(attempt, a_profile(b"another"), held)
    assert await store.provider_sessions.after(northwind.number, None, 10) == [before, held]
    ended = await store.provider_sessions.end(Logout(northwind.number, CONNECTION, session=SESSION), START)
    assert ended == 1
    assert (await kept(store, participation)).profile is None
    assert await store.participations.claim_profile(northwind.number, participation.id, attempt.number) is not None
    assert (await kept(store, participation)).profile == a_profile(b"another")


@pytest.mark.conformance("MUST 13")
async def test_an_identity_leaves_with_all_that_is_personal(store: Store, northwind: Organization) -> None:
    participation, session = await signed_in(store, northwind.number)
    await store.participations.keep_answer(northwind.number, participation.id, "song", "b", START, [])
    left = await store.provider_sessions.leave(northwind.number, participation.id, PERSON, START + 60)
    assert left is not None
    assert (left.generation, left.session) == (2, session)
    after = await kept(store, participation)
    assert (after.profile, after.draft, after.generation, after.previous_key_open) == (None, {}, 2, True)
    assert (after.answers, after.sign_in_outcome) == ({"song": "b"}, Outcome.SIGNED_IN)
    assert await count(store, tables.provider_session) == 0
    assert await store.provider_sessions.leave(northwind.number, participation.id, PERSON, START + 61) is None
    counts = await store.tallies.counts(northwind.number, CAMPAIGN, 0)
    assert counts.reached[EventKind.SIGNED_OUT, ""] == 1


async def test_an_entry_stays(store: Store, northwind: Organization) -> None:
    participation, _ = await signed_in(store, northwind.number)
    entry = an_entry(participation, answers={})
    assert await store.participations.enter(entry, [])
    await store.provider_sessions.leave(northwind.number, participation.id, PERSON, START + 90)
    assert await store.participations.latest_entries(northwind.number, CAMPAIGN, 5) == [entry]
    assert (await kept(store, participation)).entered_at == entry.entered_at


async def test_who_signed_in_meanwhile_is_not_signed_out(store: Store, northwind: Organization) -> None:
    participation, _ = await signed_in(store, northwind.number)
    await store.participations.sign_in(an_attempt(participation, 2), a_profile(b"another"))
    assert await store.provider_sessions.leave(northwind.number, participation.id, PERSON, START) is None
    assert await store.provider_sessions.end(Logout(northwind.number, CONNECTION, session=SESSION), START) == 1
    assert (await kept(store, participation)).profile == a_profile(b"another")


async def test_a_profile_that_waits_for_its_frame_leaves_too(store: Store, northwind: Organization) -> None:
    told, _ = await signed_in(store, northwind.number, held=True)
    assert await store.provider_sessions.end(Logout(northwind.number, CONNECTION, session=SESSION), START) == 1
    attempt = an_attempt(told)
    assert await store.participations.claim_profile(northwind.number, told.id, attempt.number) is None
    own, _ = await signed_in(store, northwind.number)
    again = an_attempt(own, 2)
    await store.participations.hold_profile(again, a_profile(), a_session(again))
    assert await store.provider_sessions.leave(northwind.number, own.id, PERSON, START) is not None
    assert await store.participations.claim_profile(northwind.number, own.id, again.number) is None


@pytest.mark.conformance("rp-backchannel-rpinitlogout")
async def test_a_logout_is_of_all_that_it_names_and_of_nothing_else(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine, _ = await signed_in(store, northwind.number)
    elsewhere, _ = await signed_in(store, northwind.number, session=b"another session")
    bobs, _ = await signed_in(store, northwind.number, person=b"bob")
    other_login, _ = await signed_in(store, northwind.number, connection=OTHER)
    charlies, _ = await signed_in(store, outsider.number)
    everybody = (mine, elsewhere, bobs, other_login, charlies)

    async def who() -> list[bool]:
        return [(await kept(store, one)).profile is not None for one in everybody]

    sessions, of = store.provider_sessions, (northwind.number, CONNECTION)
    assert await sessions.end(Logout(*of, session=b"nobody's"), START) == 0
    assert await sessions.end(Logout(*of, session=b"another session", person=b"bob"), START) == 0
    assert await who() == [True] * 5
    assert await sessions.end(Logout(*of, session=SESSION, person=PERSON), START) == 1
    assert await who() == [False, True, True, True, True]
    assert await sessions.end(Logout(*of, person=PERSON), START) == 1
    assert await who() == [False, False, True, True, True]
    assert await sessions.end(Logout(*of, session=SESSION), START) == 1
    assert await who() == [False, False, False, True, True]
    with pytest.raises(ValueError, match="a session or a person"):
        Logout(*of)


@pytest.mark.conformance("MUST 36", "BAD 24")
async def test_a_logout_token_counts_once(store: Store, northwind: Organization) -> None:
    """Ten at once, in one process; a second use finds nothing to do and says so."""
    participation, _ = await signed_in(store, northwind.number)
    logout = Logout(northwind.number, CONNECTION, person=PERSON)
    ended = await asyncio.gather(*(store.provider_sessions.end(logout, START, REPLAY) for _ in range(10)))
    assert sorted(ended, key=lambda one: one is None) == [1, *[None] * 9]
    await store.participations.sign_in(
        an_attempt(participation, 2), a_profile(), a_session(an_attempt(participation, 2))
    )
    assert await store.provider_sessions.end(logout, START, REPLAY) is None
    assert (await kept(store, participation)).profile is not None
    at_another = Logout(northwind.number, OTHER, person=PERSON)
    assert await store.provider_sessions.end(at_another, START, REPLAY) == 0, "another connection's tokens are its own"


async def test_two_processes_use_a_token_once(shared_url: str) -> None:
    stores = [Store.open(shared_url) for _ in range(2)]
    for one in stores:
        await one.start()
    try:
        organization = await stores[0].organizations.add("northwind", "Northwind", Brand(), "AQ-sealed")
        logout = Logout(organization.number, CONNECTION, person=PERSON)
        ended = await asyncio.gather(*(one.provider_sessions.end(logout, START, REPLAY) for one in stores * 5))
        assert sorted(ended, key=lambda one: one is None) == [0, *[None] * 9]
    finally:
        for one in stores:
            await one.stop()


async def test_old_rows_go_away(store: Store, northwind: Organization) -> None:
    old, _ = await signed_in(store, northwind.number, signed_in_at=START - KEPT_SECONDS - 1)
    young, session = await signed_in(store, northwind.number, signed_in_at=START)
    assert await store.provider_sessions.after(northwind.number, None, 10) == [session]
    assert (await kept(store, old)).profile is not None, (
        "who signed in stays; it can not be ended from outside any more"
    )
    logout = Logout(northwind.number, CONNECTION, person=b"nobody")
    await store.provider_sessions.end(logout, START, REPLAY)
    await store.provider_sessions.end(logout, REPLAY.until, ReplayKey("cd" * 32, REPLAY.until + 300))
    assert await count(store, tables.seen_logout_token) == 2
    await store.provider_sessions.end(logout, REPLAY.until + 1, ReplayKey("ef" * 32, REPLAY.until + 300))
    assert await count(store, tables.seen_logout_token) == 2
    assert young.id == session.participation


async def test_sessions_are_read_in_pages_and_sealed_anew(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    for number in range(1, 6):
        participation = a_participation(northwind.number, id=numbered(number))
        await store.participations.start(participation, [])
        attempt = an_attempt(participation)
        await store.participations.sign_in(attempt, a_profile(), a_session(attempt))
    first = await store.provider_sessions.after(northwind.number, None, 3)
    rest = await store.provider_sessions.after(northwind.number, first[-1].place, 3)
    assert [one.participation.int for one in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert await store.provider_sessions.after(northwind.number, rest[-1].place, 3) == []
    assert await store.provider_sessions.after(outsider.number, None, 3) == []
    after = replace(first[0], sealed_id_token="Ag-id", sealed_session_state=None)
    assert await store.provider_sessions.reseal(first[0], after)
    assert not await store.provider_sessions.reseal(first[0], after), "somebody else was there first"
    assert (await store.provider_sessions.after(northwind.number, None, 1)) == [after]


async def test_erasing_a_participation_erases_its_sessions(store: Store, northwind: Organization) -> None:
    participation, _ = await signed_in(store, northwind.number)
    statement = tables.participation.delete().where(tables.participation.c.id == participation.id)
    await store.commits.write(lambda connection: connection.execute(statement).rowcount)
    assert await count(store, tables.provider_session) == 0


async def test_a_sign_in_without_a_session_runs_the_same_statements_as_before(tmp_path: Path) -> None:
    """Who does not opt in pays nothing: an update, an insert, no look at the new table. SQLite tells what it runs."""
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    migrate(url)
    store, said = Store.open(url), list[str]()

    @event.listens_for(store.commits._engine, "connect")
    def watch(raw: Any, record: Any) -> None:
        raw.set_trace_callback(said.append)

    async def statements(*sessions: KeptSession) -> list[str]:
        said.clear()
        await store.participations.sign_in(an_attempt(participation), a_profile(), *sessions)
        work = [text for text in said if text.split()[0] not in ("BEGIN", "COMMIT", "PRAGMA")]
        return [" ".join(text.split()[:3]) for text in work]

    await store.start()
    try:
        owner = await store.organizations.add("northwind", "Northwind", Brand(), "AQ-sealed")
        participation = a_participation(owner.number)
        await store.participations.start(participation, [])
        usual = ["UPDATE participation SET", "INSERT INTO attempt"]
        assert await statements() == usual
        more = await statements(a_session(an_attempt(participation)))
        assert more[:3] == [*usual, "INSERT INTO provider_session"]
        assert len(more) == 5
    finally:
        await store.stop()

"""Charlie's organization, with every name and number that is Alice's, gets nothing from any method of any store and
changes nothing there: a method that forgot to look at the organization would."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from entracte.campaigns.drafts import Drafts, anything
from entracte.campaigns.model import Campaigns, Definition
from entracte.connections.model import Connection, ConnectionConfig, Connections
from entracte.errors import LocalError
from entracte.organizations.model import Brand, Member, Members, MemberSession, Organization, Organizations, Role
from entracte.organizations.tokens import DAY, Scope, Token, Tokens
from entracte.participation.events import EventKind, Outcome
from entracte.participation.model import Attempt, Participation, Participations
from entracte.participation.provider_sessions import KeptSession, Logout, ProviderSessions
from entracte.participation.records import EntryFilter, Page, ParticipationFilter, Records
from entracte.protocol.logout import ReplayKey
from entracte.statistics.tallies import Counts, Tallies
from entracte.store import tables
from entracte.store.opened import Store
from entracte.values import AttemptNumber, CampaignNumber, OrganizationNumber, ParticipationId, Secret
from entracte.web.api.parts import KeptAnswers
from tests.campaigns.definitions import small
from tests.store.samples import (
    SEALED_PERSON_KEY,
    START,
    a_participation,
    a_profile,
    an_attempt,
    an_entry,
    an_event,
    numbered,
)

PERSON, SESSION = b"a person", b"a session"
TOKEN, EMAIL = UUID(int=7), "alice@northwind.example"
CONFIG = ConnectionConfig.model_validate(
    {
        "name": "northwind", "title": "Northwind", "client_id": "us", "scopes": ["profile"],
        "authorization_endpoint": "https://login.example/a", "token_endpoint": "https://login.example/t",
        "userinfo_endpoint": "https://login.example/u", "profile_source": "userinfo",
    }
)  # fmt: skip
OPEN, ENTERED = numbered(1), numbered(2)
"""A participation that goes on, and one with an entry."""
SENT, HELD, LAST = (AttemptNumber(number) for number in (1, 2, 3))
NO_COUNTS = Counts({}, {}, 0, 0, 0, None)


@dataclass(frozen=True)
class Things:
    """What is Alice's, as somebody names it who says whose it is."""

    organization: OrganizationNumber
    campaign: CampaignNumber
    connection: Connection

    def participation(self, which: ParticipationId = OPEN) -> Participation:
        return a_participation(self.organization, campaign=self.campaign, id=which)

    def attempt(self, number: AttemptNumber = SENT, of: ParticipationId = OPEN) -> Attempt:
        ended = {"outcome": Outcome.FAILED, "reason": "token_refused", "finished_at": START}
        return an_attempt(self.participation(of), number, connection=self.connection.number, **ended)

    def session(self, number: AttemptNumber = LAST, of: ParticipationId = OPEN) -> KeptSession:
        connection = self.connection.number
        where = (self.organization, self.campaign, of, number, connection, START, PERSON, SESSION)
        return KeptSession(*where, "AQ-id", "AQ-state")

    def logout(self) -> Logout:
        return Logout(self.organization, self.connection.number, person=PERSON)


async def keep(store: Store, organization: Organization, whose: str = "") -> Things:
    """Something in every table, by the same names and numbers for everybody. `whose` is for what is one in the
    installation."""
    number = organization.number
    connection = await store.connections.add(number, CONFIG, "AQ-secret", START)
    published = await store.campaigns.publish(number, Definition.model_validate(small(campaign=f"{whose}small")), START)
    things = Things(number, published.number, connection)
    await store.drafts.save(number, "draft", "title: x", START, anything)
    await store.members.add(Member(number, whose + EMAIL, Role.OWNER, Secret("hash")))
    await store.members.begin_session(
        MemberSession(number, whose.encode() + b"cookie", whose + EMAIL, START, START + DAY)
    )
    scopes = frozenset({Scope.ENTRIES_READ})
    await store.tokens.add(Token(number, TOKEN, "t", scopes, START, START + DAY), whose.encode() + b"token")
    for key in ("key", "other key"):
        await store.kept_answers.claim(number, key, b"request", START, 1000, 60)
    for one in (OPEN, ENTERED):
        participation = things.participation(one)
        await store.participations.start(participation, [an_event(participation, EventKind.STARTED)])
        await store.participations.keep_answer(number, one, "color", "red", START, [])
        await store.participations.attempt_was_sent(things.attempt(LAST, one), [])
        await store.participations.sign_in(things.attempt(LAST, one), a_profile(PERSON), things.session(LAST, one))
    await store.participations.enter(an_entry(things.participation(ENTERED)), [])
    await store.participations.hold_profile(things.attempt(HELD), a_profile(PERSON), things.session(HELD))
    await store.participations.attempt_was_sent(things.attempt(SENT), [])
    return things


Ask = Callable[[Store, Things], Awaitable[Any]]


async def _all_entries(store: Store, of: Things) -> list[Any]:
    return [entry async for entry in store.participations.entries(of.organization, of.campaign)]


EMPTY: Page[Any] = Page((), None, None)
READS: Mapping[type, Mapping[str, tuple[Ask, Any]]] = {
    Organizations: {},
    Members: {},
    Connections: {
        "by_name": (lambda store, of: store.connections.by_name(of.organization, "northwind"), None),
        "by_number": (lambda store, of: store.connections.by_number(of.organization, of.connection.number), None),
        "of": (lambda store, of: store.connections.of(of.organization), []),
    },
    Campaigns: {
        "of": (lambda store, of: store.campaigns.of(of.organization), []),
        "versions": (lambda store, of: store.campaigns.versions(of.organization, "small"), []),
    },
    Drafts: {
        "get": (lambda store, of: store.drafts.get(of.organization, "draft"), None),
        "of": (lambda store, of: store.drafts.of(of.organization), []),
    },
    Tokens: {
        "get": (lambda store, of: store.tokens.get(of.organization, TOKEN), None),
        "of": (lambda store, of: store.tokens.of(of.organization), []),
    },
    Tallies: {
        "counts": (lambda store, of: store.tallies.counts(of.organization, of.campaign, 0), NO_COUNTS),
        "counts_of_each": (
            lambda store, of: store.tallies.counts_of_each(of.organization, [of.campaign], 0), [NO_COUNTS]
        ),
    },
    Records: {
        "entries": (
            lambda store, of: store.records.entries(of.organization, of.campaign, EntryFilter(), None, 9), EMPTY
        ),
        "entry": (lambda store, of: store.records.entry(of.organization, ENTERED), None),
        "participations": (
            lambda store, of: store.records.participations(
                of.organization, of.campaign, ParticipationFilter(), None, 9
            ),
            EMPTY,
        ),
        "participation": (lambda store, of: store.records.participation(of.organization, OPEN), None),
        "attempts_of": (lambda store, of: store.records.attempts_of(of.organization, OPEN), []),
        "attempts_by_short_code": (
            lambda store, of: store.records.attempts_by_short_code(of.organization, of.attempt().short_code), []
        ),
    },
    Participations: {
        "get": (lambda store, of: store.participations.get(of.organization, OPEN), None),
        "attempt": (lambda store, of: store.participations.attempt(of.organization, OPEN, SENT), None),
        "latest_attempt": (lambda store, of: store.participations.latest_attempt(of.organization, OPEN), None),
        "latest_entries": (
            lambda store, of: store.participations.latest_entries(of.organization, of.campaign, 9), []
        ),
        "entries": (_all_entries, []),
    },
    ProviderSessions: {
        "current": (lambda store, of: store.provider_sessions.current(of.organization, OPEN, PERSON), None),
        "after": (lambda store, of: store.provider_sessions.after(of.organization, None, 9), []),
    },
    KeptAnswers: {},
}  # fmt: skip
"""What reads -> how, and what it is for somebody who has nothing."""

CHANGES: Mapping[type, Mapping[str, Ask]] = {
    Organizations: {
        "set_brand": lambda store, of: store.organizations.set_brand(of.organization, "Changed", Brand()),
        "replace_person_key": lambda store, of: store.organizations.replace_person_key(
            of.organization, SEALED_PERSON_KEY, "AQ-another"
        ),
    },
    Members: {
        "set_password": lambda store, of: store.members.set_password(of.organization, EMAIL, Secret("another")),
        "end_session": lambda store, of: store.members.end_session(of.organization, b"cookie"),
    },
    Connections: {
        "replace": lambda store, of: store.connections.replace(replace(of.connection, sealed_secret="AQ-another")),
        "change": lambda store, of: store.connections.change(
            of.organization, "northwind", lambda kept: replace(kept, sealed_secret="AQ-third")
        ),
        "remove": lambda store, of: store.connections.remove(of.organization, "northwind"),
    },
    Campaigns: {
        "close": lambda store, of: store.campaigns.close(of.organization, "small", START),
        "reopen": lambda store, of: store.campaigns.reopen(of.organization, "small"),
    },
    Drafts: {"remove": lambda store, of: store.drafts.remove(of.organization, "draft", anything)},
    Tokens: {"revoke": lambda store, of: store.tokens.revoke(of.organization, TOKEN, START)},
    Tallies: {},
    Records: {},
    Participations: {
        "keep_answer": lambda store, of: store.participations.keep_answer(
            of.organization, OPEN, "color", "blue", START, []
        ),
        "keep_draft": lambda store, of: store.participations.keep_draft(of.organization, OPEN, {"email": "x"}),
        "set_language": lambda store, of: store.participations.set_language(of.organization, OPEN, "fr"),
        "form_was_shown": lambda store, of: store.participations.form_was_shown(of.organization, OPEN, 1, []),
        "consume_attempt": lambda store, of: store.participations.consume_attempt(of.attempt(), START, []),
        "finish_attempt": lambda store, of: store.participations.finish_attempt(of.attempt()),
        "claim_profile": lambda store, of: store.participations.claim_profile(of.organization, OPEN, HELD),
        "take_part_as_guest": lambda store, of: store.participations.take_part_as_guest(of.organization, OPEN, []),
    },
    ProviderSessions: {
        "reseal": lambda store, of: store.provider_sessions.reseal(
            of.session(LAST, ENTERED), replace(of.session(LAST, ENTERED), sealed_id_token="AQ-newer")
        ),
        "leave": lambda store, of: store.provider_sessions.leave(of.organization, ENTERED, PERSON, START),
        "end": lambda store, of: store.provider_sessions.end(of.logout(), START),
    },
    KeptAnswers: {
        "keep": lambda store, of: store.kept_answers.keep(of.organization, "key", b"request", 201, "AQ-answer"),
        "release": lambda store, of: store.kept_answers.release(of.organization, "other key", b"request"),
    },
}
"""What changes something that is there -> how. In this order each changes something of Alice's."""

MAKES: Mapping[type, frozenset[str]] = {
    Organizations: frozenset({"add"}),
    Members: frozenset({"add", "begin_session"}),
    Connections: frozenset({"add"}),
    Campaigns: frozenset({"publish"}),
    Drafts: frozenset({"save"}),
    Tokens: frozenset({"add"}),
    Participations: frozenset({"start", "note", "attempt_was_sent", "sign_in", "hold_profile", "enter"}),
    KeptAnswers: frozenset({"claim"}),
}
"""What makes something: in the organization that it is given, of what it is given."""

DIRECTORY: Mapping[type, frozenset[str]] = {
    Organizations: frozenset({"by_name", "by_number", "everyone"}),
    Members: frozenset({"by_email", "session"}),
    Campaigns: frozenset({"by_name", "by_number"}),
    Tokens: frozenset({"by_hash"}),
}
"""The only ways to an organization: from a name, an address, a state or what a browser or a program holds."""


@pytest.mark.conformance("MUST 48")
@pytest.mark.parametrize("kept_by", READS, ids=lambda kept_by: kept_by.__name__)
def test_every_method_of_every_store_is_in_a_table(kept_by: type) -> None:
    methods = {name for name, _ in inspect.getmembers(kept_by, inspect.isfunction) if not name.startswith("_")}
    made, found = MAKES.get(kept_by, frozenset()), DIRECTORY.get(kept_by, frozenset())
    assert methods == {*READS[kept_by], *CHANGES[kept_by], *made, *found}


def rows(store: Store, organization: OrganizationNumber) -> dict[str, list[str]]:
    """All that is kept of an organization."""
    found = {}
    with store._engine.connect() as connection:
        for table in tables.METADATA.sorted_tables:
            if table.name not in NOBODYS:
                column = table.c["number" if table is tables.organization else "organization"]
                found[table.name] = sorted(map(repr, connection.execute(select(table).where(column == organization))))
    return found


NOBODYS = frozenset({"allocation"})
"""Tables that are no organization's."""


def asks(kinds: Mapping[type, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for kept_by, methods in kinds.items():
        yield from ((f"{kept_by.__name__}.{name}", method) for name, method in methods.items())


@pytest.mark.conformance("MUST 48")
async def test_another_organization_gets_nothing_and_changes_nothing(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    alices = await keep(store, northwind)
    charlies = replace(
        alices, organization=outsider.number, connection=replace(alices.connection, organization=outsider.number)
    )
    before = rows(store, northwind.number)
    assert [name for name, kept in before.items() if not kept] == EMPTY_TABLES
    for name, (ask, nothing) in asks(READS):
        assert await ask(store, charlies) == nothing, name
    for name, change in asks(CHANGES):
        changed = await _changed(change, store, charlies)
        assert not changed or name.startswith("Organizations."), name  # of these each has one, and changes its own
        assert rows(store, northwind.number) == before, name
    await keep(store, outsider, "charlies-")
    assert rows(store, northwind.number) == before, "what Charlie makes is Charlie's"


async def _changed(change: Ask, store: Store, of: Things) -> Any:
    """None where the database has no participation to hang it on."""
    try:
        return await change(store, of)
    except LocalError:
        return None


EMPTY_TABLES = ["seen_logout_token"]
"""A used logout token is kept when one is used."""


@pytest.mark.conformance("MUST 48")
async def test_the_organization_itself_gets_and_changes_each(store: Store, northwind: Organization) -> None:
    """So that the test above shows something."""
    alices = await keep(store, northwind)
    for name, (ask, nothing) in asks(READS):
        assert await ask(store, alices) != nothing, name
    for name, change in asks(CHANGES):
        before = rows(store, northwind.number)
        await change(store, alices)
        assert rows(store, northwind.number) != before, name


@pytest.mark.conformance("MUST 36", "MUST 48")
async def test_a_logout_token_that_one_organization_used_is_new_to_another(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    alices, token = await keep(store, northwind), ReplayKey("ab" * 32, START + 300)
    assert await store.provider_sessions.end(alices.logout(), START, token)
    charlies = replace(alices.logout(), organization=outsider.number)
    assert await store.provider_sessions.end(charlies, START, token) == 0
    assert await store.provider_sessions.end(charlies, START, token) is None

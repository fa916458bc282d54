"""The use cases of a participant on a real store in memory, at a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from entracte.campaigns.model import Definition, Published
from entracte.connections.model import Connection, ConnectionConfig
from entracte.participation.events import EventKind
from entracte.participation.form import AnswerProblem
from entracte.participation.keys import ParticipationKey, seal_key
from entracte.participation.model import Attempt, Entry, Profile
from entracte.participation.prefill import Rejected, offer
from entracte.participation.take_part import Playing, TakePart
from entracte.protocol.seal import SealKeys
from entracte.store.opened import Store
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, OrganizationNumber, ParticipationId
from tests.campaigns.definitions import small

KEYS = SealKeys(1, {1: b"k" * 32})
NOON = 1_800_000_000
ORGANIZATION = OrganizationNumber(1)
CONNECTION = ConnectionNumber(7)
FIELDS = [
    {"key": "name", "kind": "text", "label": "Name", "prefill": "name", "required": True},
    {"key": "email", "kind": "email", "label": "E-mail", "prefill": "email", "mode": "locked", "required": True},
    {"key": "news", "kind": "opt_in", "label": "News", "prefill": "news"},
]
ANA = Profile(
    {"name": "Ana Lopez", "email": "ana@example.com", "news": True}, frozenset({"email"}), "ana@example.com", b"a" * 32
)


def published(number: int = 3, organization: OrganizationNumber = ORGANIZATION, **changes: Any) -> Published:
    steps = [*small()["steps"][:2], {"kind": "form", "key": "details", "title": "You", "fields": FIELDS, **changes}]
    given = small(languages=["en", "fr"], steps=[*steps, small()["steps"][3]])
    return Published(organization, CampaignNumber(number), Definition.model_validate(given), 1, NOON)


PUBLISHED = published()
ONE = next(step for step in PUBLISHED.definition.questions if step.key == "one")
PREFILLED_OPT_INS = Connection(
    ORGANIZATION,
    CONNECTION,
    ConnectionConfig.model_validate(
        {
            "name": "northwind",
            "title": "Northwind",
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token",
            "userinfo_endpoint": "https://login.example/userinfo",
            "client_id": "entracte",
            "scopes": ["profile"],
            "profile_source": "userinfo",
            "prefill_opt_ins": True,
        }
    ),
    "sealed",
)


class Desk:
    """The use cases, and what the store kept."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.take_part = TakePart(store.participations, KEYS, lambda: self.now, lambda: ParticipationId(uuid4()))

    async def start(self, campaign: Published = PUBLISHED) -> Playing:
        return await self.take_part.start(campaign, language="en")

    async def again(self, playing: Playing) -> Playing:
        """The same browser's next request."""
        found = await self.take_part.playing(playing.published, self.take_part.key_text(playing))
        assert found is not None
        return found

    async def signed_in(self, playing: Playing, profile: Profile = ANA) -> Playing:
        who = playing.participation
        number = AttemptNumber(int.from_bytes(uuid4().bytes[:4], "big"))
        attempt = Attempt(who.organization, who.campaign, who.id, number, CONNECTION, "ABC-DEF", self.now)
        await self.store.participations.sign_in(attempt, profile)
        kept = await self.store.participations.get(who.organization, who.id)
        assert kept is not None
        return Playing(playing.published, kept, kept.generation)

    async def entries(self, campaign: Published = PUBLISHED) -> list[Entry]:
        return await self.store.participations.latest_entries(campaign.organization, campaign.number, 100)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = Store.open("sqlite://")
    await store.start()
    yield Desk(store)
    await store.stop()


async def test_who_starts_holds_a_key_that_opens_this_participation(desk: Desk) -> None:
    started = await desk.start()
    found = await desk.again(started)
    assert found.participation.id == started.participation.id
    assert (found.participation.language, found.participation.started_at) == ("en", NOON)
    assert found.key_is_current
    assert (await desk.start()).participation.id != started.participation.id


@pytest.mark.conformance("MUST 48")
async def test_a_key_opens_its_own_campaign_and_organization_alone(desk: Desk) -> None:
    """MUST 48: the same key at another campaign, and at another organization's campaign of the same number."""
    text = desk.take_part.key_text(await desk.start())
    assert await desk.take_part.playing(PUBLISHED, text) is not None
    assert await desk.take_part.playing(published(4), text) is None
    assert await desk.take_part.playing(published(3, OrganizationNumber(2)), text) is None


async def test_a_key_that_was_made_up_opens_nothing(desk: Desk) -> None:
    started = await desk.start()
    text = desk.take_part.key_text(started)
    nobody = ParticipationKey(PUBLISHED.number, ParticipationId(uuid4()), 0)
    later = ParticipationKey(PUBLISHED.number, started.participation.id, 1)
    for made_up in ("", text[:-1], "A" * len(text), seal_key(nobody, KEYS), seal_key(later, KEYS)):
        assert await desk.take_part.playing(PUBLISHED, made_up) is None


@pytest.mark.conformance("MUST 13", "BAD 7")
async def test_the_key_from_before_the_login_opens_the_answers_until_the_new_one_was_seen(desk: Desk) -> None:
    """MUST 13, BAD 7: an answer that got lost loses no answer; the old key opens nothing of the person, never becomes
    the new one, and opens nothing at all afterwards."""
    started = await desk.start()
    await desk.take_part.keep_draft(started, {"first_name": "Bob"}, None)
    before = desk.take_part.key_text(started)
    signed_in = await desk.signed_in(started)
    after = desk.take_part.key_text(signed_in)
    assert before != after
    lost_answer = await desk.take_part.playing(PUBLISHED, before)
    assert lost_answer is not None
    assert not lost_answer.key_is_current
    assert (lost_answer.participation.profile, lost_answer.participation.draft) == (None, {})
    assert desk.take_part.key_text(lost_answer) == before
    await desk.take_part.form_was_shown(lost_answer)
    assert await desk.take_part.playing(PUBLISHED, before) is not None, "the old key does not close itself"
    await desk.take_part.form_was_shown(await desk.again(signed_in))
    assert await desk.take_part.playing(PUBLISHED, before) is None
    assert await desk.take_part.playing(PUBLISHED, after) is not None


@pytest.mark.conformance("BAD 7")
async def test_the_key_from_two_logins_ago_opens_nothing(desk: Desk) -> None:
    started = await desk.start()
    once = await desk.signed_in(started)
    twice = await desk.signed_in(once)
    assert await desk.take_part.playing(PUBLISHED, desk.take_part.key_text(started)) is None
    assert await desk.take_part.playing(PUBLISHED, desk.take_part.key_text(once)) is not None
    assert (await desk.again(twice)).participation.generation == 2


async def test_the_language_is_kept_when_the_campaign_has_it(desk: Desk) -> None:
    started = await desk.start()
    assert (await desk.take_part.speak(started, "fr")).participation.language == "fr"
    assert (await desk.again(started)).participation.language == "fr"
    for other in ("de", "", "fr'; --"):
        assert await desk.take_part.speak(started, other) is started


async def test_an_answer_is_kept_at_once_and_can_be_changed(desk: Desk) -> None:
    started = await desk.start()
    assert await desk.take_part.answer(started, ONE, {"answer": ["a"]}) is None
    assert (await desk.again(started)).participation.answers == {"one": "a"}
    assert await desk.take_part.answer(started, ONE, {"answer": ["b"]}) is None
    assert (await desk.again(started)).participation.answers == {"one": "b"}


@pytest.mark.parametrize("given", [{}, {"answer": ["c"]}, {"answer": ["a", "b"]}, {"answer": ["\x1b"]}])
async def test_an_answer_that_can_not_be_taken_keeps_the_one_before(desk: Desk, given: dict[str, list[str]]) -> None:
    started = await desk.start()
    await desk.take_part.answer(started, ONE, {"answer": ["a"]})
    assert isinstance(await desk.take_part.answer(started, ONE, given), AnswerProblem)
    assert (await desk.again(started)).participation.answers == {"one": "a"}


async def test_nothing_is_overwritten_after_the_entry(desk: Desk) -> None:
    started = await desk.start()
    await desk.take_part.answer(started, ONE, {"answer": ["a"]})
    answered = await desk.again(started)
    assert await desk.take_part.submit(answered, {"name": "Ana", "email": "ana@example.com"}, None) is None
    await desk.take_part.answer(started, ONE, {"answer": ["b"]})
    await desk.take_part.keep_draft(started, {"name": "Later"}, None)
    kept = (await desk.again(started)).participation
    assert kept.answers == {"one": "a"}
    assert kept.draft == {}
    assert [entry.answers for entry in await desk.entries()] == [{"one": "a"}]


async def test_a_guest_goes_on_where_the_campaign_allows_it(desk: Desk) -> None:
    signed_in = await desk.signed_in(await desk.start())
    assert await desk.take_part.take_part_as_guest(signed_in)
    kept = (await desk.again(signed_in)).participation
    assert kept.guest
    assert kept.profile is None, "a guest has no account"


@pytest.mark.parametrize("sign_in", [None, {"connection": "northwind", "guests": False}])
async def test_no_guest_where_the_campaign_does_not(desk: Desk, sign_in: dict[str, Any] | None) -> None:
    given = {**small(), "sign_in": sign_in}
    campaign = replace(PUBLISHED, definition=Definition.model_validate(given))
    started = await desk.start(campaign)
    assert not await desk.take_part.take_part_as_guest(started)
    assert not (await desk.again(started)).participation.guest


async def test_what_was_typed_is_kept_without_control_characters(desk: Desk) -> None:
    started = await desk.start()
    await desk.take_part.keep_draft(started, {"name": "A\x00na\x1b", "email": "x" * 9000, "unknown": "?"}, None)
    draft = (await desk.again(started)).participation.draft
    assert draft["name"] == "Ana"
    assert len(str(draft["email"])) < 9000
    assert "unknown" not in draft


async def test_a_form_that_is_refused_makes_no_entry_and_keeps_what_was_typed(desk: Desk) -> None:
    started = await desk.start()
    rejected = await desk.take_part.submit(started, {"name": "Ana", "email": "ana"}, None)
    assert isinstance(rejected, Rejected)
    assert {key: problem.code for key, problem in rejected.problems.items()} == {"email": "email_malformed"}
    assert await desk.entries() == []
    draft = (await desk.again(started)).participation.draft
    assert (draft["name"], draft["email"]) == ("Ana", "ana")


async def test_an_entry_says_who_by_a_keyed_hash_alone(desk: Desk) -> None:
    signed_in = await desk.signed_in(await desk.start())
    desk.now += 60
    sent = {"name": "Anna", "email": "ana@example.com"}
    assert await desk.take_part.submit(signed_in, sent, None) is None
    [entry] = await desk.entries()
    assert (entry.signed_in, entry.person, entry.entered_at, entry.language) == (True, ANA.person, NOON + 60, "en")
    assert entry.values == {"name": "Anna", "email": "ana@example.com", "news": False}
    assert {key: outcome.value for key, outcome in entry.outcomes.items()} == {
        "name": "edited",
        "email": "kept",
        "news": "blank",
    }
    assert (await desk.again(signed_in)).participation.entered_at == NOON + 60


async def test_a_locked_value_that_was_changed_is_refused(desk: Desk) -> None:
    signed_in = await desk.signed_in(await desk.start())
    rejected = await desk.take_part.submit(signed_in, {"name": "Ana", "email": "eve@example.com"}, None)
    assert isinstance(rejected, Rejected)
    assert rejected.problems["email"].code == "locked_changed"
    assert await desk.entries() == []


async def test_twenty_submissions_at_once_make_one_entry(desk: Desk) -> None:
    started = await desk.start()
    given = [{"name": f"Ana {number}", "email": "ana@example.com"} for number in range(20)]
    outcomes = await asyncio.gather(*(desk.take_part.submit(started, typed, None) for typed in given))
    assert outcomes == [None] * 20
    assert len(await desk.entries()) == 1


async def test_submit_at_once_when_the_account_told_everything(desk: Desk) -> None:
    campaign = published(submit="when_complete")
    signed_in = await desk.signed_in(await desk.start(campaign))
    assert await desk.take_part.submit_when_complete(signed_in, PREFILLED_OPT_INS)
    [entry] = await desk.entries(campaign)
    assert entry.values == {"name": "Ana Lopez", "email": "ana@example.com", "news": True}


async def test_an_opt_in_is_not_ticked_by_an_account_that_may_not(desk: Desk) -> None:
    campaign = published(submit="when_complete")
    signed_in = await desk.signed_in(await desk.start(campaign))
    assert await desk.take_part.submit_when_complete(signed_in, None)
    [entry] = await desk.entries(campaign)
    assert entry.values["news"] is False


async def test_the_form_is_shown_when_something_is_missing(desk: Desk) -> None:
    """No profile, a form that is always shown, a required value that the account does not have, typed words that would
    be lost."""
    complete = published(submit="when_complete")
    as_guest = await desk.start(complete)
    always = await desk.signed_in(await desk.start())
    no_email = Profile({"name": "Ben"}, frozenset(), "Ben", b"b" * 32)
    incomplete = await desk.signed_in(await desk.start(complete), no_email)
    typed = await desk.start(complete)
    await desk.take_part.keep_draft(typed, {"name": "Anna"}, None)
    for playing in (as_guest, always, incomplete, await desk.signed_in(typed)):
        assert not await desk.take_part.submit_when_complete(playing, None)
    assert await desk.entries() == []


async def test_today_is_the_day_in_utc(desk: Desk) -> None:
    desk.now = 1_767_225_599  # the last second of 2025
    assert desk.take_part.today().isoformat() == "2025-12-31"
    desk.now += 1
    assert desk.take_part.today().isoformat() == "2026-01-01"


BEN = Profile(
    {"name": "Ben Okri", "email": "ben@example.com", "news": False}, frozenset(), "ben@example.com", b"b" * 32
)


async def test_another_account_takes_the_place_of_what_the_first_one_told(desk: Desk) -> None:
    """“Not you?” sends the form as it stands: the values of the account that is left are not what somebody typed."""
    ana = await desk.signed_in(await desk.start())
    sent = {"name": "Ana Lopez", "email": "ana@example.com", "news": "yes"}
    await desk.take_part.keep_draft(ana, sent, PREFILLED_OPT_INS)
    ben = (await desk.signed_in(ana, BEN)).participation
    shown = offer(PUBLISHED.definition.form, ben.profile, ben.draft, prefill_opt_ins=True)
    assert {key: offered.value for key, offered in shown.items()} == BEN.attributes


async def test_what_was_typed_over_an_account_stays_with_another_one(desk: Desk) -> None:
    ana = await desk.signed_in(await desk.start())
    await desk.take_part.keep_draft(ana, {"name": "Anna", "email": "ana@example.com"}, PREFILLED_OPT_INS)
    ben = (await desk.signed_in(ana, BEN)).participation
    shown = offer(PUBLISHED.definition.form, ben.profile, ben.draft, prefill_opt_ins=True)
    assert {key: offered.value for key, offered in shown.items()} == {
        "name": "Anna",
        "email": "ben@example.com",
        "news": False,
    }


async def test_nobody_becomes_a_guest_after_the_entry(desk: Desk) -> None:
    """A page from before, in another tab: the entry has an account, and no guest is counted."""
    signed_in = await desk.signed_in(await desk.start())
    assert await desk.take_part.submit(signed_in, {"name": "Ana", "email": "ana@example.com"}, None) is None
    for tab in (signed_in, await desk.again(signed_in)):
        assert not await desk.take_part.take_part_as_guest(tab)
    kept = (await desk.again(signed_in)).participation
    assert (kept.guest, kept.profile) == (False, ANA)
    counts = await desk.store.tallies.counts(ORGANIZATION, PUBLISHED.number, 0)
    assert (EventKind.GUEST, "") not in counts.reached


async def test_the_first_page_with_the_new_key_closes_the_one_before(desk: Desk) -> None:
    """An entry that is sent at once never shows the form."""
    started = await desk.start()
    signed_in = await desk.signed_in(started)
    await desk.take_part.key_was_seen(replace(signed_in, generation=started.generation))
    assert await desk.take_part.playing(PUBLISHED, desk.take_part.key_text(started)), "the new key was not seen yet"
    await desk.take_part.key_was_seen(signed_in)
    assert await desk.take_part.playing(PUBLISHED, desk.take_part.key_text(started)) is None
    assert await desk.take_part.playing(PUBLISHED, desk.take_part.key_text(signed_in))

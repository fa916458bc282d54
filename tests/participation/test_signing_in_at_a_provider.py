"""A sign-in in the same window, at a real authorization server: who may finish it, how often, and what it leaves.

The frame's way back is in `test_signing_in.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import aiohttp
import pytest

from entracte.campaigns.model import Definition, Published
from entracte.connections.authorization_response import Came
from entracte.connections.client_secrets import seal_secret
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.providers import Fetch, Providers
from entracte.fetch import Fetcher, OutboundAllow
from entracte.participation.events import Outcome
from entracte.participation.model import Attempt, Participation
from entracte.participation.signing_in import IN_PROGRESS, LOST_ANSWER, SigningIn
from entracte.participation.take_part import Playing, TakePart
from entracte.participation.trips import Back, Proof, Returned, Sent
from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Reason
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.protocol.seal import SealKeys
from entracte.protocol.state import MAXIMUM_AGE, open_state, read_state
from entracte.store.opened import Store
from entracte.values import (
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
    Secret,
    entropy,
    now,
)
from tests.campaigns.definitions import small
from tests.misbehaving_provider import MisbehavingProvider

KEYS = SealKeys(1, {1: b"k" * 32})
PERSON_KEY = b"p" * 32
OAUTH_URL = "https://play.example"
REDIRECT_URI = f"{OAUTH_URL}/oauth/callback"
ORGANIZATION = OrganizationNumber(1)
OTHERS = OrganizationNumber(2)


def published(number: int = 3, organization: OrganizationNumber = ORGANIZATION) -> Published:
    return Published(organization, CampaignNumber(number), Definition.model_validate(small()), 1, 0)


PUBLISHED = published()


@dataclass(frozen=True)
class Trip:
    """What the browser brings back from the login."""

    playing: Playing
    query: str = field(repr=False)

    @property
    def parameters(self) -> dict[str, str]:
        return parse_query(self.query)

    @property
    def state(self) -> str:
        return self.parameters["state"]


class Desk:
    """The use cases over a store in memory, with a real way to a real provider, `late` seconds ahead; with
    `stands_at` its clock stands still."""

    def __init__(self, store: Store, fetcher: Fetcher, provider: MisbehavingProvider) -> None:
        self.store = store
        self.provider = provider
        self.late = 0
        self.stands_at: int | None = None
        self.signing_in = self.over(fetcher)
        self.take_part = TakePart(store.participations, KEYS, self.clock, lambda: ParticipationId(uuid4()))

    def clock(self) -> int:
        return now() + self.late if self.stands_at is None else self.stands_at

    def over(self, fetch: Fetch) -> SigningIn:
        """The use cases with another way out."""
        providers = Providers(fetch, self.clock)
        return SigningIn(self.store.participations, providers, KEYS, self.clock, entropy, OAUTH_URL)

    def connection(self, number: int = 7, organization: OrganizationNumber = ORGANIZATION, **config: Any) -> Connection:
        issuer = self.provider.issuer
        given = {
            "name": "northwind",
            "title": "Northwind",
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "issuer_in_response": True,
            "client_id": self.provider.client_id,
            **config,
        }
        sealed = seal_secret(Secret(self.provider.client_secret), organization, KEYS)
        return Connection(organization, ConnectionNumber(number), ConnectionConfig.model_validate(given), sealed)

    async def start(self, campaign: Published = PUBLISHED) -> Playing:
        return await self.take_part.start(campaign, language="en")

    async def send(self, playing: Playing, connection: Connection) -> Sent:
        sent = await self.signing_in.send(playing, connection, another_account=False)
        assert isinstance(sent, Sent)
        return sent

    async def go(self, playing: Playing) -> Trip:
        """To the login and back, as a browser would carry it."""
        sent = await self.send(playing, self.connection())
        async with aiohttp.ClientSession() as browser, browser.get(sent.url, allow_redirects=False) as answer:
            return Trip(playing, urlsplit(answer.headers["Location"]).query)

    async def come_back(
        self,
        trip: Trip,
        *,
        proof: Proof | None = None,
        campaign: Published = PUBLISHED,
        connection: Connection | None = None,
        signing_in: SigningIn | None = None,
    ) -> Returned:
        return await (signing_in or self.signing_in).take_back(
            campaign,
            trip.state,
            open_state(trip.state, KEYS, self.clock()),
            Came(trip.parameters),
            proof or Proof(trip.playing),
            connection or self.connection(),
            PERSON_KEY,
        )

    async def participation(self, playing: Playing) -> Participation:
        kept = await self.store.participations.get(playing.published.organization, playing.participation.id)
        assert kept is not None
        return kept

    async def attempt(self, trip: Trip) -> Attempt:
        kept = await self.store.participations.attempt(
            ORGANIZATION, trip.playing.participation.id, read_state(trip.state, KEYS).attempt
        )
        assert kept is not None
        return kept


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store, fetcher = Store.open("sqlite://"), Fetcher(OutboundAllow.parse("127.0.0.1"))
    await store.start()
    await fetcher.start()
    try:
        async with MisbehavingProvider() as provider:
            yield Desk(store, fetcher, provider)
    finally:
        await fetcher.stop()
        await store.stop()


async def test_a_sign_in_puts_the_profile_on_the_participation(desk: Desk) -> None:
    trip = await desk.go(await desk.start())
    returned = await desk.come_back(trip)
    assert (returned.back, returned.handle, returned.embed_page) == (Back.SIGNED_IN, "", "")
    kept = await desk.participation(trip.playing)
    assert kept.profile is not None
    assert kept.profile.attributes["email"] == "ada@northwind.example"
    assert kept.sign_in_outcome is Outcome.SIGNED_IN
    assert returned.playing is not None
    assert returned.playing.participation.profile == kept.profile
    assert returned.playing.generation == kept.generation == 1
    attempt = await desk.attempt(trip)
    assert (attempt.outcome, attempt.reason) == (Outcome.SIGNED_IN, "")
    assert attempt.sent_at <= (attempt.consumed_at or 0) <= (attempt.finished_at or 0)


@pytest.mark.conformance("MUST 2")
async def test_twenty_returns_at_once_redeem_the_code_once(desk: Desk) -> None:
    """MUST 2: one attempt, one token request, whoever is first; everybody gets to a right page."""
    trip = await desk.go(await desk.start())
    returned = await asyncio.gather(*(desk.come_back(trip) for _ in range(20)))
    assert len(desk.provider.calls("/token")) == 1
    assert {one.back for one in returned} <= {Back.SIGNED_IN, Back.IN_PROGRESS}
    assert [one.back for one in returned].count(Back.SIGNED_IN) >= 1
    assert {one.playing.generation for one in returned if one.back is Back.SIGNED_IN and one.playing} == {1}
    assert (await desk.participation(trip.playing)).generation == 1
    late = await desk.come_back(trip)
    assert late.back is Back.SIGNED_IN
    assert late.playing is not None
    assert late.playing.generation == 1, "a slow second answer does not give the browser its old key back"
    assert len(desk.provider.calls("/token")) == 1


@pytest.mark.conformance("MUST 1", "BAD 1", "BAD 2", "BAD 4")
async def test_another_browser_consumes_nothing(desk: Desk) -> None:
    """MUST 1; BAD 1, 2, 4: a valid state and code without the key, and with the key of somebody else."""
    trip = await desk.go(await desk.start())
    somebody_else = await desk.start()
    for proof in (Proof(), Proof(somebody_else)):
        returned = await desk.come_back(trip, proof=proof)
        assert (returned.back, returned.playing, returned.handle) == (Back.OTHER_BROWSER, None, "")
    assert desk.provider.calls("/token") == []
    assert (await desk.attempt(trip)).consumed_at is None
    assert (await desk.participation(somebody_else)).profile is None
    assert (await desk.come_back(trip)).back is Back.SIGNED_IN, "whoever began it can still finish it"


@pytest.mark.conformance("MUST 48")
async def test_the_state_of_one_campaign_signs_in_at_no_other(desk: Desk) -> None:
    """MUST 48: another campaign of the organization, and of another organization, with and without their own key."""
    trip = await desk.go(await desk.start())
    for other in (published(4), published(4, OTHERS)):
        own = await desk.start(other)
        for proof in (Proof(trip.playing), Proof(own)):
            returned = await desk.come_back(trip, proof=proof, campaign=other)
            assert (returned.back, returned.playing) == (Back.OTHER_BROWSER, None)
    assert desk.provider.calls("/token") == []
    assert (await desk.attempt(trip)).consumed_at is None


@pytest.mark.conformance("MUST 48")
async def test_a_state_at_another_organization_with_the_same_campaign_number(desk: Desk) -> None:
    """MUST 48: numbers are unique in an installation; where they were not, the organization would still keep apart."""
    trip = await desk.go(await desk.start())
    frame_of_mine = await desk.send(trip.playing, desk.connection())
    ticket = desk.signing_in.ticket(frame_of_mine.ticket)
    assert ticket is not None
    ticket = replace(ticket, attempt=read_state(trip.state, KEYS).attempt)
    returned = await desk.come_back(trip, proof=Proof(ticket=ticket), campaign=published(3, OTHERS))
    assert (returned.back, returned.playing) == (Back.OTHER_BROWSER, None)
    assert await desk.store.participations.latest_attempt(OTHERS, trip.playing.participation.id) is None


@pytest.mark.conformance("MUST 9")
async def test_the_code_goes_to_the_connection_of_the_state_alone(desk: Desk) -> None:
    """MUST 9: what comes back may name whatever it likes; the endpoints are the connection's."""
    trip = await desk.go(await desk.start())
    async with MisbehavingProvider() as elsewhere:
        named = {"token_endpoint": f"{elsewhere.issuer}/token", "jwks_uri": f"{elsewhere.issuer}/jwks"}
        extra = "".join(f"&{name}={value}" for name, value in named.items())
        returned = await desk.come_back(replace(trip, query=trip.query + extra))
        assert elsewhere.requests == []
    assert returned.back is Back.SIGNED_IN


@pytest.mark.conformance("MUST 2")
async def test_a_reload_goes_where_the_first_one_went(desk: Desk) -> None:
    """Signed in stays signed in, a mishap stays that mishap, and nobody is asked again."""
    well = await desk.go(await desk.start())
    await desk.come_back(well)
    desk.provider.misbehaviour = "wrong_nonce"
    badly = await desk.go(await desk.start())
    assert (await desk.come_back(badly)).back is Back.MISHAP
    desk.provider.misbehaviour = ""
    asked = len(desk.provider.requests)
    first, second = await desk.come_back(well), await desk.come_back(badly)
    assert (first.back, second.back) == (Back.SIGNED_IN, Back.MISHAP)
    assert len(desk.provider.requests) == asked
    assert (await desk.attempt(badly)).reason == Reason.TOKEN_NONCE.code
    assert (await desk.participation(well.playing)).generation == 1


@pytest.mark.parametrize(
    ("misbehaviour", "outcome", "reason"),
    [
        ("callback_access_denied", Outcome.CANCELLED, Reason.ACCESS_DENIED),
        ("callback_user_cancelled", Outcome.CANCELLED, Reason.ACCESS_DENIED),
        ("callback_error", Outcome.FAILED, Reason.PROVIDER_ERROR),
        ("callback_wrong_iss", Outcome.FAILED, Reason.ISSUER_MISMATCH),
        ("token_400", Outcome.FAILED, Reason.TOKEN_REFUSED),
        ("bad_signature", Outcome.FAILED, Reason.TOKEN_SIGNATURE),
    ],
)
async def test_every_refusal_is_recorded_with_its_reason(
    desk: Desk, misbehaviour: str, outcome: Outcome, reason: Reason
) -> None:
    desk.provider.misbehaviour = misbehaviour
    trip = await desk.go(await desk.start())
    assert (await desk.come_back(trip)).back is Back.MISHAP
    attempt = await desk.attempt(trip)
    assert (attempt.outcome, attempt.reason) == (outcome, reason.code)
    assert attempt.finished_at is not None
    kept = await desk.participation(trip.playing)
    assert (kept.profile, kept.generation, kept.sign_in_outcome) == (None, 0, outcome)


@pytest.mark.conformance("MUST 2")
async def test_while_it_is_being_finished_a_reload_waits_and_later_it_was_interrupted(desk: Desk) -> None:
    """Nobody knows what became of a redemption that was cut off: the code is never sent a second time."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def held(request: HttpRequest) -> HttpResponse:
        asked.set()
        await go_on.wait()
        raise ConnectionError("never reached")

    holding = desk.over(held)
    trip = await desk.go(await desk.start())
    first = asyncio.create_task(desk.come_back(trip, signing_in=holding))
    await asyncio.wait_for(asked.wait(), 60)
    assert (await desk.come_back(trip)).back is Back.IN_PROGRESS
    consumed_at = (await desk.attempt(trip)).consumed_at or 0
    desk.stands_at = consumed_at + IN_PROGRESS - 1
    assert (await desk.come_back(trip)).back is Back.IN_PROGRESS
    first.cancel()  # the process that worked on it is gone
    await asyncio.wait([first])
    desk.stands_at = consumed_at + IN_PROGRESS
    returned = await desk.come_back(trip)
    assert returned.back is Back.MISHAP
    attempt = await desk.attempt(trip)
    assert (attempt.outcome, attempt.reason) == (Outcome.FAILED, Reason.ATTEMPT_INTERRUPTED.code)
    assert desk.provider.calls("/token") == []


async def test_a_mistake_of_ours_leaves_no_attempt_open(desk: Desk) -> None:
    async def broken(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("a mistake")

    trip = await desk.go(await desk.start())
    with pytest.raises(RuntimeError):
        await desk.come_back(trip, signing_in=desk.over(broken))
    assert (await desk.attempt(trip)).reason == Reason.ATTEMPT_INTERRUPTED.code
    assert (await desk.come_back(trip)).back is Back.MISHAP
    again = await desk.go(trip.playing)
    assert (await desk.come_back(again)).back is Back.SIGNED_IN


async def test_an_attempt_whose_sending_was_never_kept_can_be_finished(desk: Desk) -> None:
    """The state needs no write before the redirect: a store that lost it does not lose the person."""
    trip = await desk.go(await desk.start())
    forgotten = Store.open("sqlite://")
    await forgotten.start()
    try:
        await forgotten.participations.start(trip.playing.participation, [])
        desk.store = forgotten
        returned = await desk.come_back(
            trip, signing_in=replace(desk.signing_in, participations=forgotten.participations)
        )
        assert returned.back is Back.SIGNED_IN
        assert (await desk.attempt(trip)).outcome is Outcome.SIGNED_IN
    finally:
        await forgotten.stop()


async def test_an_expired_state_is_recorded_for_the_browser_that_began_it(desk: Desk) -> None:
    trip = await desk.go(await desk.start())
    desk.late = MAXIMUM_AGE + 1
    content = read_state(trip.state, KEYS)

    async def expired(proof: Proof, campaign: Published = PUBLISHED) -> Back:
        returned = await desk.signing_in.expired(campaign, trip.state, content, proof, Reason.STATE_EXPIRED)
        return returned.back

    assert await expired(Proof()) is Back.OTHER_BROWSER
    assert await expired(Proof(await desk.start())) is Back.OTHER_BROWSER
    assert await expired(Proof(trip.playing), published(4)) is Back.OTHER_BROWSER
    assert (await desk.attempt(trip)).consumed_at is None
    assert await expired(Proof(trip.playing)) is Back.MISHAP
    attempt = await desk.attempt(trip)
    assert (attempt.outcome, attempt.reason) == (Outcome.FAILED, Reason.STATE_EXPIRED.code)
    assert await expired(Proof(trip.playing)) is Back.MISHAP, "a reload goes there, too"
    assert desk.provider.calls("/token") == []


async def test_an_expired_state_says_nothing_about_a_sign_in_that_went_well(desk: Desk) -> None:
    """Back, an hour later: the profile stays, and the attempt keeps its outcome."""
    trip = await desk.go(await desk.start())
    returned = await desk.come_back(trip)
    assert returned.playing is not None
    desk.late = MAXIMUM_AGE + 1
    content = read_state(trip.state, KEYS)
    proof = Proof(returned.playing)
    await desk.signing_in.expired(PUBLISHED, trip.state, content, proof, Reason.STATE_EXPIRED)
    assert (await desk.attempt(trip)).outcome is Outcome.SIGNED_IN
    assert (await desk.participation(trip.playing)).profile is not None


@pytest.mark.conformance("MUST 13", "BAD 7")
async def test_the_key_from_before_opens_the_answers_until_the_new_one_was_seen(desk: Desk) -> None:
    """MUST 13, BAD 7: the whole way, from the login to the form."""
    playing = await desk.start()
    before = desk.take_part.key_text(playing)
    returned = await desk.come_back(await desk.go(playing))
    assert returned.playing is not None
    after = desk.take_part.key_text(returned.playing)
    assert after != before
    found = await desk.take_part.playing(PUBLISHED, before)
    assert found is not None
    assert found.participation.profile is None
    seen = await desk.take_part.playing(PUBLISHED, after)
    assert seen is not None
    await desk.take_part.form_was_shown(seen)
    assert await desk.take_part.playing(PUBLISHED, before) is None


@pytest.mark.conformance("MUST 13")
async def test_the_return_brings_the_key_again_for_minutes(desk: Desk) -> None:
    """To who shows the key from before: the answer with the new one may have been lost."""
    playing = await desk.start()
    trip = await desk.go(playing)
    returned = await desk.come_back(trip)
    assert returned.playing is not None
    for later, brings in ((LOST_ANSWER, True), (LOST_ANSWER + 1, False)):
        desk.late = later
        again = await desk.come_back(trip)
        assert (again.back, again.playing is not None) == (Back.SIGNED_IN, True)
        assert again.playing is not None
        assert (again.playing.generation == 1, again.playing.participation.profile is not None) == (brings, brings)


async def test_a_guest_may_still_sign_in(desk: Desk) -> None:
    playing = await desk.start()
    assert await desk.take_part.take_part_as_guest(playing)
    await desk.come_back(await desk.go(playing))
    kept = await desk.participation(playing)
    assert not kept.guest
    assert kept.profile is not None


async def test_a_second_account_replaces_the_first(desk: Desk) -> None:
    """“Not you?”: nothing of the first account stays, not even what the second one does not tell."""
    playing = await desk.start()
    await desk.come_back(await desk.go(playing))
    first = (await desk.participation(playing)).profile
    desk.provider.person = {"sub": "person-2", "name": "Grace Hopper"}
    await desk.come_back(await desk.go(await _again(desk, playing)))
    kept = await desk.participation(playing)
    assert first is not None
    assert kept.profile is not None
    assert kept.profile.person != first.person
    assert kept.profile.attributes.get("name") == "Grace Hopper"
    assert "ada@northwind.example" not in kept.profile.attributes.values()
    assert kept.generation == 2


async def test_a_cancelled_second_sign_in_keeps_the_first_account(desk: Desk) -> None:
    playing = await desk.start()
    await desk.come_back(await desk.go(playing))
    desk.provider.misbehaviour = "callback_access_denied"
    returned = await desk.come_back(await desk.go(await _again(desk, playing)))
    assert returned.back is Back.MISHAP
    kept = await desk.participation(playing)
    assert kept.profile is not None
    assert kept.sign_in_outcome is Outcome.SIGNED_IN


async def _again(desk: Desk, playing: Playing) -> Playing:
    """The same browser after a sign-in, with the key that it was given."""
    kept = await desk.participation(playing)
    return Playing(playing.published, kept, kept.generation)


@pytest.mark.conformance("MUST 5")
async def test_each_attempt_has_its_own_number_state_and_short_code(desk: Desk) -> None:
    playing, connection = await desk.start(), desk.connection()
    sent = [await desk.send(playing, connection) for _ in range(5)]
    queries = [parse_qs(urlsplit(one.url).query) for one in sent]
    for name in ("state", "nonce", "code_challenge"):
        assert len({query[name][0] for query in queries}) == 5
    assert len({one.attempt for one in sent}) == 5
    assert all(query["redirect_uri"] == [REDIRECT_URI] for query in queries)
    assert queries[0]["state"][0] not in repr(sent[0])
    assert sent[0].ticket not in repr(sent[0])

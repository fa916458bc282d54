"""A framed sign-in comes back in the top window: what proves that window, and who may take what it brought.

No server is asked here: the attempts end with an error that the browser carries, or hold a profile already.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from entracte.campaigns.model import Definition, Published
from entracte.connections.authorization_response import Came
from entracte.connections.client_secrets import seal_secret
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.providers import Providers
from entracte.participation.events import Outcome
from entracte.participation.keys import HANDLE_AGE, Ticket
from entracte.participation.model import Attempt, Participation, Profile
from entracte.participation.signing_in import SigningIn
from entracte.participation.take_part import Playing
from entracte.participation.trips import Back, Proof, Returned, Sent
from entracte.protocol.errors import Reason
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.protocol.seal import SealKeys
from entracte.protocol.state import open_state
from entracte.store.opened import Store
from entracte.values import (
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
    Secret,
    entropy,
)
from tests.campaigns.definitions import small

KEYS = SealKeys(1, {1: b"k" * 32})
START = 1_800_000_000
ORGANIZATION = OrganizationNumber(1)
PAGE = "https://brand.example/win"
CONFIG = ConnectionConfig(
    name="northwind",
    title="Northwind",
    authorization_endpoint="https://login.example/authorize",
    token_endpoint="https://login.example/token",
    userinfo_endpoint="https://login.example/userinfo",
    client_id="entracte",
    scopes=("profile",),
    profile_source="userinfo",
)
CONNECTION = Connection(ORGANIZATION, ConnectionNumber(7), CONFIG, seal_secret(Secret("secret"), ORGANIZATION, KEYS))
PROFILE = Profile({"email": "ana@example.com"}, frozenset(), "ana@example.com", b"person")
PUBLISHED = Published(ORGANIZATION, CampaignNumber(3), Definition.model_validate(small()), 1, START)


async def nobody(request: HttpRequest) -> HttpResponse:
    raise AssertionError(f"{request.url} was asked")


@dataclass
class Trip:
    """One attempt: who began it, the state that the login gives back, and the cookie of the top window."""

    playing: Playing
    state: str = field(repr=False)
    ticket: Ticket
    attempt: Attempt


class Frame:
    """The use cases on a store in memory, at a clock that the test sets."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START
        self.signing_in = SigningIn(
            store.participations,
            Providers(nobody, lambda: self.now),
            KEYS,
            lambda: self.now,
            entropy,
            "https://play.example",
        )

    async def begin(self, embed_page: str = PAGE) -> Playing:
        started = Participation(
            ORGANIZATION, PUBLISHED.number, ParticipationId(uuid4()), "en", START, embed_page=embed_page
        )
        await self.store.participations.start(started, [])
        return Playing(PUBLISHED, started, started.generation)

    async def send(self, playing: Playing) -> Trip:
        sent = await self.signing_in.send(playing, CONNECTION, another_account=False)
        assert isinstance(sent, Sent)
        ticket = self.signing_in.ticket(sent.ticket)
        attempt = await self.attempt(playing)
        assert ticket is not None
        return Trip(playing, parse_qs(urlsplit(sent.url).query)["state"][0], ticket, attempt)

    async def come_back(self, trip: Trip, proof: Proof) -> Returned:
        """The login refused; an error asks no server."""
        opened = open_state(trip.state, KEYS, self.now, 600)
        came = Came({"state": trip.state, "error": "access_denied"})
        return await self.signing_in.take_back(PUBLISHED, trip.state, opened, came, proof, CONNECTION, b"p" * 32)

    async def hold(self, trip: Trip) -> str:
        """A sign-in that went well; the handle that its return carries."""
        await self.store.participations.consume_attempt(trip.attempt, self.now, [])
        await self.store.participations.hold_profile(trip.attempt, PROFILE)
        returned = await self.come_back(trip, Proof(ticket=trip.ticket))
        assert returned.back is Back.SIGNED_IN
        return returned.handle

    async def attempt(self, playing: Playing) -> Attempt:
        attempt = await self.store.participations.latest_attempt(ORGANIZATION, playing.participation.id)
        assert attempt is not None
        return attempt

    async def profile(self, playing: Playing) -> Profile | None:
        kept = await self.store.participations.get(ORGANIZATION, playing.participation.id)
        assert kept is not None
        return kept.profile


@pytest.fixture
async def frame() -> AsyncIterator[Frame]:
    store = Store.open("sqlite://")
    await store.start()
    yield Frame(store)
    await store.stop()


async def test_the_top_window_is_known_by_its_ticket(frame: Frame) -> None:
    trip = await frame.send(await frame.begin())
    returned = await frame.come_back(trip, Proof(ticket=trip.ticket))
    assert (returned.back, returned.embed_page) == (Back.MISHAP, PAGE)
    assert returned.handle
    assert (await frame.attempt(trip.playing)).reason == Reason.ACCESS_DENIED.code


@pytest.mark.conformance("MUST 1", "BAD 1")
async def test_without_its_ticket_nothing_is_consumed(frame: Frame) -> None:
    """No cookie, that of another attempt, and another participation of the same browser."""
    trip = await frame.send(await frame.begin())
    other = await frame.send(await frame.begin())
    for proof in (Proof(), Proof(ticket=other.ticket), Proof(playing=other.playing)):
        returned = await frame.come_back(trip, proof)
        assert (returned.back, returned.playing, returned.handle) == (Back.OTHER_BROWSER, None, "")
    assert (await frame.attempt(trip.playing)).consumed_at is None


@pytest.mark.conformance("BAD 6")
async def test_a_participation_without_a_frame_is_not_proven_by_a_ticket(frame: Frame) -> None:
    """Its key is that of a cookie. In an address it was put by somebody who has it, too, and who must neither get the
    profile nor give this browser their participation."""
    trip = await frame.send(await frame.begin(embed_page=""))
    returned = await frame.come_back(trip, Proof(ticket=trip.ticket))
    assert (returned.back, returned.playing, returned.handle) == (Back.OTHER_BROWSER, None, "")
    assert (await frame.attempt(trip.playing)).consumed_at is None
    in_its_browser = await frame.come_back(trip, Proof(playing=trip.playing))
    assert (in_its_browser.back, in_its_browser.handle) == (Back.MISHAP, "")


@pytest.mark.conformance("BAD 26")
async def test_a_held_profile_is_claimed_once_by_key_and_handle(frame: Frame) -> None:
    trip = await frame.send(await frame.begin())
    handle = await frame.hold(trip)
    assert await frame.profile(trip.playing) is None
    claimed = await frame.signing_in.claim(trip.playing, handle)
    assert claimed.participation.profile == PROFILE
    assert claimed.generation == trip.playing.generation + 1
    again = await frame.signing_in.claim(trip.playing, handle)
    assert again is trip.playing


@pytest.mark.conformance("BAD 43")
async def test_neither_half_is_enough(frame: Frame) -> None:
    """The handle with another key; the key with the cookie's ticket, with another handle, and with nothing."""
    trip, other = await frame.send(await frame.begin()), await frame.send(await frame.begin())
    handle, others = await frame.hold(trip), await frame.hold(other)
    stranger = await frame.begin()
    assert await frame.signing_in.claim(stranger, handle) is stranger
    sent = await frame.signing_in.send(trip.playing, CONNECTION, another_account=False)
    assert isinstance(sent, Sent)
    for guess in (sent.ticket, others, "", handle[:-1], f"{handle}A"):
        assert await frame.signing_in.claim(trip.playing, guess) is trip.playing
    assert await frame.profile(trip.playing) is None
    assert await frame.profile(stranger) is None


async def test_a_handle_is_good_for_minutes(frame: Frame) -> None:
    trip = await frame.send(await frame.begin())
    handle = await frame.hold(trip)
    frame.now += HANDLE_AGE + 1
    assert await frame.signing_in.claim(trip.playing, handle) is trip.playing
    frame.now -= 1
    assert (await frame.signing_in.claim(trip.playing, handle)).participation.profile == PROFILE


async def test_a_second_return_of_a_mishap_is_not_a_sign_in(frame: Frame) -> None:
    """A reload of the top window: it goes where the first return went, and consumes nothing more."""
    trip = await frame.send(await frame.begin())
    await frame.come_back(trip, Proof(ticket=trip.ticket))
    again = await frame.come_back(trip, Proof(ticket=trip.ticket))
    assert (again.back, again.embed_page) == (Back.MISHAP, PAGE)
    assert (await frame.attempt(trip.playing)).outcome is Outcome.CANCELLED

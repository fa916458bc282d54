"""Signing out at a real authorization server: what leaves, what stays, and who may say so."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import aiohttp
import pytest

from entracte.campaigns.model import Definition, Published
from entracte.connections.authorization_response import Came
from entracte.connections.client_secrets import seal_secret
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.own_keys import with_needed_keys
from entracte.connections.provider_sessions import ID_TOKEN, opened_for
from entracte.connections.providers import Providers
from entracte.connections.server import server_of
from entracte.fetch import Fetcher, OutboundAllow
from entracte.organizations.model import Brand
from entracte.participation.events import Outcome
from entracte.participation.model import Participation
from entracte.participation.signing_in import SigningIn
from entracte.participation.signing_out import RETURN_AGE, CameBack, SigningOut
from entracte.participation.take_part import Playing, TakePart
from entracte.participation.trips import Back, Proof, Sent
from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.logout import MAXIMUM_AGE, LogoutReturn
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
    now,
)
from tests.campaigns.definitions import small
from tests.misbehaving_provider import MisbehavingProvider
from tests.misbehaving_provider.logout import logout_token

KEYS = SealKeys(1, {1: b"k" * 32})
PERSON_KEY = b"p" * 32
OAUTH_URL = "https://login.play.example"
ORGANIZATION = OrganizationNumber(1)
PUBLISHED = Published(ORGANIZATION, CampaignNumber(3), Definition.model_validate(small()), 1, 0)
WRONG = {
    "logout_alg_none": ("rp-backchannel-rpinitlogout-alg-none", Reason.TOKEN_ALGORITHM),
    "logout_wrong_iss": ("rp-backchannel-rpinitlogout-wrong-iss", Reason.TOKEN_ISSUER),
    "logout_wrong_aud": ("rp-backchannel-rpinitlogout-wrong-aud", Reason.TOKEN_AUDIENCE),
    "logout_missing_events": ("rp-backchannel-rpinitlogout-no-event", Reason.TOKEN_EVENT),
    "logout_wrong_event": ("rp-backchannel-rpinitlogout-wrong-event", Reason.TOKEN_EVENT),
    "logout_with_nonce": ("rp-backchannel-rpinitlogout-with-nonce", Reason.TOKEN_EVENT),
    "logout_missing_iat": ("BAD 24", Reason.TOKEN_CLAIM),
    "logout_missing_jti": ("BAD 24", Reason.TOKEN_CLAIM),
    "logout_hs256_public_key": ("rp-backchannel-rpinitlogout-wrong-alg", Reason.TOKEN_ALGORITHM),
    "logout_other_alg": ("rp-backchannel-rpinitlogout-wrong-alg", Reason.TOKEN_ALGORITHM),
    "logout_bad_signature": ("MUST 36", Reason.TOKEN_SIGNATURE),
    "logout_wrong_typ": ("MUST 36", Reason.TOKEN_CLAIM),
    "logout_missing_typ": ("MUST 36", Reason.TOKEN_CLAIM),
    "logout_missing_exp": ("MUST 36", Reason.TOKEN_CLAIM),
    "logout_long_exp": ("MUST 36", Reason.TOKEN_EXPIRED),
    "logout_old_iat": ("MUST 36", Reason.TOKEN_TOO_OLD),
    "logout_missing_sub_and_sid": ("MUST 36", Reason.TOKEN_SUBJECT),
}


@dataclass
class Desk:
    """The use cases over a store in memory, at a real provider, `late` seconds ahead."""

    store: Store
    fetcher: Fetcher
    provider: MisbehavingProvider
    late: int = 0
    config: dict[str, Any] = field(
        default_factory=lambda: {"sign_out": True, "single_logout": True, "watch_session": True}
    )

    def __post_init__(self) -> None:
        participations = self.store.participations
        self.providers = Providers(self.fetcher, self.clock)
        self.signing_in = SigningIn(participations, self.providers, KEYS, self.clock, entropy, OAUTH_URL)
        self.signing_out = self.with_keys(KEYS)
        self.take_part = TakePart(participations, KEYS, self.clock, lambda: ParticipationId(uuid4()))

    def with_keys(self, keys: SealKeys) -> SigningOut:
        return SigningOut(self.store.participations, self.store.provider_sessions, keys, self.clock, OAUTH_URL)

    def clock(self) -> int:
        return now() + self.late

    def connection(self, number: int = 7, **config: Any) -> Connection:
        issuer = self.provider.issuer
        given = {
            "name": "northwind",
            "title": "Northwind",
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/end_session",
            "check_session_iframe": f"{issuer}/check_session",
            "issuer_in_response": True,
            "client_id": self.provider.client_id,
            **self.config,
            **config,
        }
        sealed = seal_secret(Secret(self.provider.client_secret), ORGANIZATION, KEYS)
        return Connection(ORGANIZATION, ConnectionNumber(number), ConnectionConfig.model_validate(given), sealed)

    async def signed_in(self, connection: Connection | None = None) -> Playing:
        """A participant with an answer and something typed, back from the login."""
        connection = connection or self.connection()
        playing = await self.take_part.start(PUBLISHED, language="fr")
        kept = playing.participation
        await self.store.participations.keep_answer(ORGANIZATION, kept.id, "song", "b", self.clock(), [])
        await self.store.participations.keep_draft(ORGANIZATION, kept.id, {"phone": "+34600123456"})
        sent = await self.signing_in.send(playing, connection, another_account=False)
        assert isinstance(sent, Sent)
        async with aiohttp.ClientSession() as browser, browser.get(sent.url, allow_redirects=False) as answer:
            parameters = parse_query(urlsplit(answer.headers["Location"]).query)
        state = parameters["state"]
        opened, came = open_state(state, KEYS, self.clock()), Came(parameters)
        returned = await self.signing_in.take_back(
            PUBLISHED, state, opened, came, Proof(playing), connection, PERSON_KEY
        )
        assert returned.back is Back.SIGNED_IN
        assert returned.playing is not None
        return returned.playing

    async def participation(self, playing: Playing) -> Participation:
        kept = await self.store.participations.get(ORGANIZATION, playing.participation.id)
        assert kept is not None
        return kept

    async def is_signed_in(self, playing: Playing) -> bool:
        return (await self.participation(playing)).profile is not None

    def token(self, *, sub: str = "", sid: str = "") -> Secret:
        return Secret(logout_token(self.provider, sub=sub, sid=sid, client_id=self.provider.client_id))

    async def told(self, token: Secret, connection: Connection | None = None) -> int:
        connection = connection or self.connection()
        server = server_of(connection, self.providers, KEYS, entropy, self.clock())
        return await self.signing_out.told_by_server(token, server, PERSON_KEY)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store, fetcher = Store.open("sqlite://"), Fetcher(OutboundAllow.parse("127.0.0.1"))
    await store.start()
    await fetcher.start()
    owner = await store.organizations.add("northwind", "Northwind", Brand(), "AQ-sealed")
    assert owner.number == ORGANIZATION
    try:
        async with MisbehavingProvider(client_id="entracte") as provider:
            provider.sid = "session-1"
            provider.session_management = True
            yield Desk(store, fetcher, provider)
    finally:
        await fetcher.stop()
        await store.stop()


def asked(url: Secret) -> dict[str, str]:
    """The parameters of the address at the login."""
    return {name: value for name, [value] in parse_qs(urlsplit(url.reveal()).query).items()}


@pytest.mark.conformance("rp-init-logout", "MUST 13")
async def test_a_sign_out_leaves_here_and_then_at_the_login(desk: Desk) -> None:
    playing = await desk.signed_in()
    signed_out = await desk.signing_out.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is not None
    kept = await desk.participation(playing)
    assert (kept.profile, kept.draft, kept.answers) == (None, {}, {"song": "b"})
    assert (kept.generation, signed_out.playing.generation) == (2, 2)
    assert kept.sign_in_outcome is Outcome.SIGNED_IN, "what the funnel counts is no person"
    parameters = asked(signed_out.url)
    assert set(parameters) == {"client_id", "id_token_hint", "post_logout_redirect_uri", "state", "ui_locales"}
    assert parameters["post_logout_redirect_uri"] == f"{OAUTH_URL}/oauth/signed-out"
    assert (parameters["client_id"], parameters["ui_locales"]) == ("entracte", "fr")
    assert len(parameters["state"]) <= 64
    url = signed_out.url.reveal()
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        back = parse_query(urlsplit(answer.headers["Location"]).query)
    assert desk.signing_out.came_back(back["state"]) == CameBack(
        LogoutReturn.OURS, PUBLISHED.number, playing.participation.id
    )


async def test_the_store_holds_no_token_no_session_and_no_subject(desk: Desk) -> None:
    """Of `sid` and of the person there are hashes; the ID token is sealed."""
    playing = await desk.signed_in()
    profile = playing.participation.profile
    assert profile is not None
    kept = await desk.store.provider_sessions.current(ORGANIZATION, playing.participation.id, profile.person)
    assert kept is not None
    assert kept.session is not None
    assert (len(kept.session), len(kept.person)) == (32, 32)
    assert kept.session != kept.person
    texts = f"{kept.session!r}{kept.person!r}{kept.sealed_id_token}{kept.sealed_session_state}{kept!r}"
    token = opened_for(ID_TOKEN, kept.sealed_id_token, ORGANIZATION, KEYS)
    assert token is not None
    assert not [part for part in token.reveal().split(".") if part in texts]
    assert "session-1" not in texts
    assert desk.provider.person["sub"] not in texts


@pytest.mark.parametrize(
    ("config", "sealed"),
    [
        ({"sign_out": True}, (False, True, False)),
        ({"single_logout": True}, (True, False, False)),
        ({"watch_session": True}, (False, False, True)),
        ({"sign_out": True, "sign_out_hint": ""}, (False, False, False)),
    ],
)
async def test_what_is_kept_is_what_is_used(desk: Desk, config: dict[str, Any], sealed: tuple[bool, ...]) -> None:
    """MUST 60: a connection keeps what its options need, and nothing without options."""
    desk.config = config
    playing = await desk.signed_in()
    [kept] = await desk.store.provider_sessions.after(ORGANIZATION, None, 5)
    assert kept.participation == playing.participation.id
    found = (kept.session, kept.sealed_id_token, kept.sealed_session_state)
    assert tuple(one is not None for one in found) == sealed


async def test_nothing_is_kept_where_nobody_signs_out(desk: Desk) -> None:
    desk.config = {}
    playing = await desk.signed_in()
    assert await desk.store.provider_sessions.after(ORGANIZATION, None, 5) == []
    signed_out = await desk.signing_out.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is None, "the identity leaves here all the same"
    assert not await desk.is_signed_in(playing)


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [("id_token", {"id_token_hint"}), ("account", {"logout_hint"}), ("", set())],
)
async def test_the_login_is_told_who_it_is_in_the_way_that_was_chosen(desk: Desk, hint: str, wanted: set[str]) -> None:
    desk.config = {"sign_out": True, "sign_out_hint": hint}
    playing = await desk.signed_in()
    signed_out = await desk.signing_out.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is not None
    parameters = asked(signed_out.url)
    assert parameters.keys() & {"id_token_hint", "logout_hint"} == wanted
    assert parameters.get("logout_hint", "ada@northwind.example") == "ada@northwind.example"


async def test_an_id_token_that_is_too_long_for_an_address_is_left_out(desk: Desk) -> None:
    desk.provider.person["picture"] = "x" * 5000
    playing = await desk.signed_in()
    signed_out = await desk.signing_out.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is not None
    assert "id_token_hint" not in asked(signed_out.url)


async def test_a_hint_that_does_not_open_any_more_is_left_out(desk: Desk) -> None:
    playing = await desk.signed_in()
    renewed = desk.with_keys(SealKeys(2, {2: b"n" * 32}))
    signed_out = await renewed.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is not None
    assert "id_token_hint" not in asked(signed_out.url)
    assert not await desk.is_signed_in(playing)


async def test_a_campaign_that_changed_its_login_signs_out_here_alone(desk: Desk) -> None:
    """The ID token of one server is never shown to another."""
    playing = await desk.signed_in()
    signed_out = await desk.signing_out.sign_out(playing, desk.connection(8))
    assert signed_out is not None
    assert signed_out.url is None
    assert not await desk.is_signed_in(playing)


async def test_an_address_that_says_what_we_would_is_not_used(desk: Desk) -> None:
    playing = await desk.signed_in()
    odd = desk.connection(end_session_endpoint=f"{desk.provider.issuer}/end_session?client_id=other")
    signed_out = await desk.signing_out.sign_out(playing, odd)
    assert signed_out is not None
    assert signed_out.url is None
    assert not await desk.is_signed_in(playing)


async def test_a_second_press_finds_nobody(desk: Desk) -> None:
    playing = await desk.signed_in()
    pressed = await asyncio.gather(*(desk.signing_out.sign_out(playing, desk.connection()) for _ in range(5)))
    assert len([one for one in pressed if one is not None]) == 1
    assert (await desk.participation(playing)).generation == 2
    fresh = Playing(PUBLISHED, await desk.participation(playing), 2)
    assert await desk.signing_out.sign_out(fresh, desk.connection()) is None
    assert await desk.signing_out.leave(fresh) is None


@pytest.mark.conformance("rp-init-logout-other-state", "rp-init-logout-no-state", "BAD 34")
async def test_a_return_that_is_not_ours_leads_nowhere(desk: Desk) -> None:
    """No state, another's, one that was altered, too old, or the state of a sign-in: it names no campaign."""
    playing = await desk.signed_in()
    signed_out = await desk.signing_out.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is not None
    state = asked(signed_out.url)["state"]
    came_back = desk.signing_out.came_back
    assert came_back("") == CameBack(LogoutReturn.NO_STATE)
    sent = await desk.signing_in.send(playing, desk.connection(), another_account=False)
    assert isinstance(sent, Sent)
    sign_in_state = parse_qs(urlsplit(sent.url).query)["state"][0]
    other = CameBack(LogoutReturn.OTHER_STATE)
    for text in ("another-state", "//evil.example", state[:-1], f"{state}A", state.swapcase(), sign_in_state, "é"):
        assert came_back(text) == other, text
    assert came_back(state).how is LogoutReturn.OURS
    with pytest.raises(Refused):
        open_state(state, KEYS, desk.clock())
    desk.late = RETURN_AGE + 1
    assert came_back(state) == other


@pytest.mark.conformance("rp-backchannel-rpinitlogout")
@pytest.mark.parametrize("by", ["sid", "sub", "both"])
async def test_the_server_tells_of_a_logout(desk: Desk, by: str) -> None:
    playing = await desk.signed_in()
    desk.provider.sid = "session-2"
    desk.provider.person["sub"] = "person-2"
    stays = await desk.signed_in()
    named = {"sid": {"sid": "session-1"}, "sub": {"sub": "person-1"}}
    token = desk.token(**named.get(by, {"sid": "session-1", "sub": "person-1"}))
    assert await desk.told(token) == 1
    kept = await desk.participation(playing)
    assert (kept.profile, kept.answers, kept.previous_key_open) == (None, {"song": "b"}, True)
    assert await desk.is_signed_in(stays)
    key = desk.take_part.key_text(playing)
    again = await desk.take_part.playing(PUBLISHED, key)
    assert again is not None, "the browser's key opens until it has the next one"
    assert again.participation.profile is None


@pytest.mark.conformance("rp-backchannel-rpinitlogout", "signing-key-rotation-just-before-signing")
async def test_a_new_key_of_the_server_is_fetched_once(desk: Desk) -> None:
    playing = await desk.signed_in()
    desk.late = 60
    desk.provider.rotate_key()
    before = len(desk.provider.calls("/jwks"))
    assert await desk.told(desk.token(sid="session-1")) == 1
    assert len(desk.provider.calls("/jwks")) == before + 1
    assert not await desk.is_signed_in(playing)


@pytest.mark.conformance("MUST 36", "BAD 24")
async def test_a_logout_token_is_used_once(desk: Desk) -> None:
    await desk.signed_in()
    token = desk.token(sid="session-1")
    assert await desk.told(token) == 1
    playing = await desk.signed_in()
    with pytest.raises(Refused) as refused:
        await desk.told(token)
    assert refused.value.reason is Reason.TOKEN_REPLAYED
    assert await desk.is_signed_in(playing)


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        pytest.param(name, reason, id=name, marks=pytest.mark.conformance(line))
        for name, (line, reason) in WRONG.items()
    ],
)
async def test_a_logout_token_that_is_wrong_ends_nothing(desk: Desk, misbehaviour: str, reason: Reason) -> None:
    playing = await desk.signed_in()
    desk.provider.misbehaviour = misbehaviour
    token = desk.token(sid="session-1", sub="person-1")
    with pytest.raises(Refused) as refused:
        await desk.told(token)
    assert refused.value.reason is reason
    assert "session-1" not in refused.value.evidence
    assert await desk.is_signed_in(playing)


@pytest.mark.conformance("BAD 23")
async def test_an_unsigned_logout_token_is_refused_whatever_the_settings(desk: Desk) -> None:
    """Also where MACs are registered, and where tokens come encrypted."""
    playing = await desk.signed_in()
    desk.provider.misbehaviour = "logout_alg_none"
    token = desk.token(sid="session-1")
    for config in ({"id_token_algorithms": ("HS256",)}, {"id_token_algorithms": ("PS256", "ES256")}):
        with pytest.raises(Refused) as refused:
            await desk.told(token, desk.connection(**config))
        assert refused.value.reason is Reason.TOKEN_ALGORITHM
    encrypted = desk.connection(encryption_algorithm="RSA-OAEP", encrypted=("id_token",))
    with_keys = with_needed_keys(encrypted, KEYS, entropy, desk.clock() - 7200)
    with pytest.raises(Refused) as refused:
        await desk.told(token, with_keys)
    assert refused.value.reason is Reason.TOKEN_ALGORITHM
    assert await desk.is_signed_in(playing)


async def test_a_token_that_expired_meanwhile_is_refused(desk: Desk) -> None:
    playing = await desk.signed_in()
    token = desk.token(sid="session-1")
    desk.late = MAXIMUM_AGE + 61
    with pytest.raises(Refused):
        await desk.told(token)
    assert await desk.is_signed_in(playing)


@pytest.mark.conformance("rp-frontchannel-opinitlogout")
async def test_a_frame_tells_of_a_session(desk: Desk) -> None:
    playing = await desk.signed_in()
    assert await desk.signing_out.told_in_browser(desk.connection(), "session-9", PERSON_KEY) == 0
    assert await desk.signing_out.told_in_browser(desk.connection(8), "session-1", PERSON_KEY) == 0
    assert await desk.is_signed_in(playing)
    assert await desk.signing_out.told_in_browser(desk.connection(), "session-1", PERSON_KEY) == 1
    assert not await desk.is_signed_in(playing)


@pytest.mark.conformance("session-management")
async def test_a_page_that_watches_is_told_whom_to_ask_and_what(desk: Desk) -> None:
    playing = await desk.signed_in()
    connection = desk.connection()
    watch = await desk.signing_out.watch(playing, connection)
    assert watch is not None
    assert (watch.frame, watch.origin) == (f"{desk.provider.issuer}/check_session", desk.provider.issuer)
    client, state = watch.message.split(" ")
    assert client == "entracte"
    assert state.count(".") == 1
    assert await desk.signing_out.watch(playing, desk.connection(watch_session=False)) is None
    assert await desk.signing_out.watch(playing, desk.connection(8)) is None
    left = await desk.signing_out.leave(playing)
    assert left is not None
    assert await desk.signing_out.watch(left, connection) is None


async def test_a_login_without_session_state_is_not_watched(desk: Desk) -> None:
    desk.provider.session_management = False
    playing = await desk.signed_in()
    assert await desk.signing_out.watch(playing, desk.connection()) is None


async def test_nothing_of_a_sign_out_shows_itself(desk: Desk) -> None:
    """The address holds the ID token, so it hides like a secret."""
    playing = await desk.signed_in()
    signed_out = await desk.signing_out.sign_out(playing, desk.connection())
    assert signed_out is not None
    assert signed_out.url is not None
    hint = asked(signed_out.url)["id_token_hint"]
    assert hint not in repr(signed_out)
    assert str(signed_out.url) == "Secret(…)"

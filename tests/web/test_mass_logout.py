"""A server tells of all its logouts from one address: good tokens are never cut off by it, and floods of broken ones
are."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import pytest

from entracte.campaigns.model import Published
from entracte.connections.addresses import addresses_of
from entracte.connections.model import Connection
from entracte.connections.provider_sessions import session_hash
from entracte.organizations.person_key import person_key_of
from entracte.participation.model import Attempt, Participation, Profile
from entracte.participation.provider_sessions import KeptSession
from entracte.store.opened import Store
from entracte.values import AttemptNumber, ParticipationId, now
from entracte.web.rates import PER_ADDRESS
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.misbehaving_provider.logout import logout_token
from tests.web.running import FORM, Running, running

MANY = PER_ADDRESS + 100
AT_ONCE = 20
LIMIT = 3
SERVER, SERVER_ELSEWHERE = "8.8.8.8", "9.9.9.9"


def address_of(connection: Connection) -> str:
    address = addresses_of(connection, "").backchannel_logout_uri
    assert address is not None
    return address


@pytest.mark.conformance("MUST 52")
def test_a_mass_logout_from_one_address_ends_every_session(tmp_path: Path) -> None:
    with served_misbehaving_provider() as provider, running(tmp_path, trusted_proxies="127.0.0.1") as site:
        connection = site.connect(provider, single_logout=True)
        kept = sign_in_many(site, connection, site.publish(QUIZ))
        assert len(people(site, kept)) == MANY
        assert asyncio.run(tell(site, connection, provider)) == [200] * MANY
        assert people(site, kept) == []


@pytest.mark.conformance("MUST 52")
def test_who_floods_with_broken_tokens_waits_and_others_do_not(tmp_path: Path) -> None:
    limit = {"sign_ins_per_minute_per_address": LIMIT, "trusted_proxies": "127.0.0.1"}
    with served_misbehaving_provider() as provider, running(tmp_path, **limit) as site:
        connection = site.connect(provider, single_logout=True)
        good = [tell_one(site, connection, token(provider), SERVER) for _ in range(2 * LIMIT)]
        provider.misbehaviour = "logout_bad_signature"
        broken = [tell_one(site, connection, token(provider), SERVER) for _ in range(LIMIT + 2)]
        provider.misbehaviour = ""
        assert (good, broken) == ([200] * 2 * LIMIT, [400] * LIMIT + [429] * 2)
        assert tell_one(site, connection, token(provider), SERVER) == 429
        assert tell_one(site, connection, token(provider), SERVER_ELSEWHERE) == 200


def token(provider: MisbehavingProvider, number: int = 0) -> str:
    return logout_token(provider, sub="", sid=f"session-{number}", client_id=provider.client_id)


def tell_one(site: Running, connection: Connection, token: str, source: str) -> int:
    body = urlencode({"logout_token": token}).encode()
    return site.ask(address_of(connection), "POST", [FORM, ("X-Forwarded-For", source)], body).status


async def tell(site: Running, connection: Connection, provider: MisbehavingProvider) -> list[int]:
    """What the token of each session is answered, all from one address, some at once."""
    url = f"http://127.0.0.1:{site.port}{address_of(connection)}"
    places = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(headers={"X-Forwarded-For": SERVER}) as session:

        async def one(number: int) -> int:
            async with places, session.post(url, data={"logout_token": token(provider, number)}) as answer:
                return answer.status

        return await asyncio.gather(*map(one, range(MANY)))


def sign_in_many(site: Running, connection: Connection, published: Published) -> list[Participation]:
    """Everybody, as their sign-in left them; the session of each is known by its number."""
    person_key = person_key_of(site.organization, site.program.keys)
    participations = [
        Participation(
            connection.organization, published.number, ParticipationId(UUID(int=number + 1)), "en", started_at=now()
        )
        for number in range(MANY)
    ]

    async def keep(store: Store) -> None:
        await asyncio.gather(*(one(store, number, item) for number, item in enumerate(participations)))

    async def one(store: Store, number: int, item: Participation) -> None:
        await store.participations.start(item, [])
        attempt = Attempt(
            item.organization, item.campaign, item.id, AttemptNumber(1), connection.number, "K7M-2QX", sent_at=now()
        )
        person = f"person {number}".encode()
        named = session_hash(person_key, connection.config.issuer, f"session-{number}")
        session = KeptSession(
            item.organization, item.campaign, item.id, attempt.number, connection.number, now(), person, named
        )
        await store.participations.sign_in(attempt, Profile({}, frozenset(), "", person), session)

    site.work(keep)
    return participations


def people(site: Running, participations: Sequence[Participation]) -> list[Participation]:
    """Those of them that are somebody still."""

    async def read(store: Store) -> list[Participation]:
        found = [await store.participations.get(item.organization, item.id) for item in participations]
        return [item for item in found if item is not None and item.profile is not None]

    return site.work(read)

"""Servers that hang, real ones, beside servers that are well: who asks the second is not held up (MUST 42)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from entracte.connections.breakers import FAILURES
from entracte.connections.bulkheads import ALL, MOST
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.providers import Providers, asking_for
from entracte.fetch import Fetcher, Limits
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.keys import jwks_request
from entracte.protocol.messages import HttpRequest, Purpose
from entracte.values import ConnectionNumber, OrganizationNumber, now
from tests.awake import awake
from tests.fetch.servers import CLOSING, answer, fetching, get, listening, post, saying, until

SILENCE = 6.0
"""Seconds until a request to a silent server is given up; long enough for a machine that stands still meanwhile."""
LIMITS = Limits(connect=SILENCE, first_byte=SILENCE, total=2 * SILENCE)
SOON = 1.0
"""Seconds of our own. A request that waited for somebody else's server would take longer."""


async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


def connection(number: int, organization: int | None = None) -> Connection:
    config = ConnectionConfig.model_validate(
        {
            "name": f"c{number}", "title": "A login", "client_id": "us", "scopes": ["profile"],
            "profile_source": "userinfo", "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token", "userinfo_endpoint": "https://login.example/userinfo",
        }
    )  # fmt: skip
    owner = OrganizationNumber(number if organization is None else organization)
    return Connection(owner, ConnectionNumber(number), config, "")


async def outcome(providers: Providers, of: Connection, request: HttpRequest) -> str:
    try:
        return str((await providers.of(of)(request)).status)
    except Refused as refusal:
        return refusal.reason.code


async def slowest(providers: Providers, of: Connection, request: HttpRequest, times: int) -> float:
    """Ask again and again, each answered: how long the slowest took, in seconds of our own."""
    worst = 0.0
    with awake() as own:
        for _ in range(times):
            began = own()
            assert await outcome(providers, of, request) == "200"
            worst = max(worst, own() - began)
            await asyncio.sleep(0.005)
    return worst


@pytest.mark.conformance("MUST 42")
async def test_a_server_that_hangs_does_not_slow_the_participants_of_another() -> None:
    async with (
        listening(hang) as dead,
        listening(saying(CLOSING)) as alive,
        fetching(limits=LIMITS) as fetcher,
    ):
        providers = Providers(fetcher, now)
        crowd = [asyncio.create_task(outcome(providers, connection(1), post(dead.url()))) for _ in range(300)]
        await asyncio.sleep(0)
        calls = (slowest(providers, connection(2), post(alive.url()), 100) for _ in range(4))
        assert max(await asyncio.gather(*calls)) < SOON
        said = Counter(await asyncio.gather(*crowd))
        assert said["provider_timeout"] == MOST["connection"] == dead.connections
        assert said["provider_busy"] == 300 - MOST["connection"], "at once, or after a moment"
        with awake() as own:
            assert await outcome(providers, connection(1), post(dead.url())) == "provider_paused"
            assert own() < SOON
        assert dead.connections == MOST["connection"]


@pytest.mark.conformance("MUST 42")
async def test_many_servers_that_hang_do_not_hold_every_connection() -> None:
    """Ten, with a crowd before each: together they would hold more connections than there are."""
    async with AsyncExitStack() as servers:
        dead = [await servers.enter_async_context(listening(hang)) for _ in range(10)]
        alive = await servers.enter_async_context(listening(saying(CLOSING)))
        fetcher: Fetcher = await servers.enter_async_context(fetching(limits=LIMITS))
        providers = Providers(fetcher, now)
        crowd = [
            asyncio.create_task(outcome(providers, connection(number), post(server.url())))
            for _ in range(MOST["connection"])
            for number, server in enumerate(dead)
        ]
        await asyncio.sleep(0.2)
        assert await slowest(providers, connection(99), post(alive.url()), 50) < SOON
        said = Counter(await asyncio.gather(*crowd))
        assert said["provider_timeout"] <= ALL
        assert set(said) == {"provider_timeout", "provider_busy"}


@pytest.mark.conformance("MUST 42")
async def test_one_purpose_that_fails_does_not_hide_behind_another_that_is_well() -> None:
    """A server whose UserInfo is broken and whose token endpoint is not: UserInfo alone is paused."""
    async with (
        listening(saying(answer(status="503 Service Unavailable"))) as broken,
        listening(saying(CLOSING)) as alive,
        fetching(limits=LIMITS) as fetcher,
    ):
        providers = Providers(fetcher, now)
        token = HttpRequest("POST", alive.url(), purpose=Purpose.TOKEN)
        profile = HttpRequest("GET", broken.url(), purpose=Purpose.PROFILE)
        for _ in range(FAILURES):
            assert await outcome(providers, connection(1), token) == "200"
            assert await outcome(providers, connection(1), profile) == "503"
        assert await outcome(providers, connection(1), profile) == "provider_paused"
        assert await outcome(providers, connection(1), token) == "200"
        assert await outcome(providers, connection(2), profile) == "503", "others find out for themselves"


@pytest.mark.conformance("MUST 42", "MUST 44")
async def test_key_sets_of_a_server_that_hangs_hold_few_connections() -> None:
    async with listening(hang) as dead, listening(saying(CLOSING)) as alive, fetching(limits=LIMITS) as fetcher:
        providers = Providers(fetcher, now)
        owner = OrganizationNumber(1)
        asked = [asyncio.create_task(providers.key_set(owner, dead.url(path=f"/{number}"))) for number in range(100)]
        await asyncio.sleep(0.2)
        with awake() as own:
            assert (await providers.document(jwks_request(alive.url()))).status == 200
            assert own() < SOON
        said = await asyncio.gather(*asked, return_exceptions=True)
        codes = Counter(one.reason.code for one in said if isinstance(one, Refused))
        assert codes == {"provider_timeout": MOST["server"], "provider_busy": 100 - MOST["server"]}
        assert dead.connections == MOST["server"]


@pytest.mark.conformance("MUST 42")
@pytest.mark.parametrize("what", ["tokens", "key sets", "metadata"])
async def test_domains_of_one_organization_that_hang_do_not_stop_the_lookups_of_another(what: str) -> None:
    """Sixteen domains with four names each, whatever is asked for there."""
    asked: list[str] = []
    answers = asyncio.Event()

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        if host.startswith("dead"):
            await answers.wait()
        return ["127.0.0.1"]

    limits = replace(LIMITS, resolve=120, total=240)
    async with listening(saying(CLOSING)) as alive, fetching(limits=limits, resolve=resolve) as fetcher:
        providers, hostile = Providers(fetcher, now), OrganizationNumber(1)

        async def ask(number: int) -> None:
            url = alive.url(f"dead{number}.d{number % 16}.example", path=f"/{number}")
            if what == "tokens":
                await providers.of(connection(number, organization=hostile))(post(url))
            elif what == "key sets":
                await providers.key_set(hostile, url)
            else:
                await asking_for(hostile, providers.document)(get(url))

        crowd = [asyncio.create_task(ask(number)) for number in range(64)]
        await until(lambda: sum(one.done() for one in crowd) == 64 - limits.lookups_per_asker)
        assert await outcome(providers, connection(99), post(alive.url("login.example"))) == "200"
        others = asking_for(OrganizationNumber(99), providers.document)
        assert (await others(get(alive.url("other.example")))).status == 200
        assert len(asked) == limits.lookups_per_asker + 2
        answers.set()
        said = await asyncio.gather(*crowd, return_exceptions=True)
        busy = [one for one in said if isinstance(one, Refused) and one.reason is Reason.PROVIDER_BUSY]
        assert len(busy) == 64 - limits.lookups_per_asker


async def test_an_address_that_is_none_is_refused_as_any() -> None:
    async with fetching() as fetcher:
        for address in ("http://[not-an-ip]/", "", "https://", "jwks"):
            with pytest.raises(Refused, match="provider_blocked"):
                await Providers(fetcher, now).key_set(OrganizationNumber(1), address)

"""What is remembered of key sets: over a fetch that a test can hold up, fail and count.

A real server can not be made to fail at the wanted moment of the clock; the fetch over real sockets is in
`test_sign_in`."""

import asyncio
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from entracte.connections.providers import FRESH, MOST_KEY_SETS, REFETCH_INTERVAL, STALE_MAXIMUM, Providers
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import OrganizationNumber

URL = "https://login.example/jwks"
US, OTHERS = OrganizationNumber(1), OrganizationNumber(2)


def _document() -> bytes:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = RSAKey.import_key(private.public_key())
    return json.dumps({"keys": [{**key.as_dict(private=False), "kid": "one", "use": "sig"}]}).encode()


DOCUMENT = _document()


class Server:
    """A clock and a server, both in the hand of the test."""

    def __init__(self) -> None:
        self.time = 1_000_000
        self.asked = 0
        self.down: Reason | None = None
        self.open = asyncio.Event()
        self.open.set()

    def clock(self) -> int:
        return self.time

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        self.asked += 1
        await self.open.wait()
        if self.down:
            raise refuse(self.down)
        return HttpResponse(200, {"content-type": "application/json"}, DOCUMENT)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def providers(server: Server) -> Providers:
    return Providers(server.fetch, server.clock)


async def test_a_fresh_set_is_not_asked_for_again(server: Server, providers: Providers) -> None:
    first = await providers.key_set(US, URL)
    server.time += FRESH - 1
    assert await providers.key_set(US, URL) is first
    assert server.asked == 1


@pytest.mark.conformance("MUST 44")
async def test_requests_that_arrive_together_share_one_fetch(server: Server, providers: Providers) -> None:
    server.open.clear()
    waiting = [asyncio.create_task(providers.key_set(US, URL)) for _ in range(50)]
    await asyncio.sleep(0)
    server.open.set()
    assert len({id(key_set) for key_set in await asyncio.gather(*waiting)}) == 1
    assert server.asked == 1


@pytest.mark.conformance("MUST 44")
async def test_the_last_good_set_outlives_a_silent_server(server: Server, providers: Providers) -> None:
    first = await providers.key_set(US, URL)
    server.down = Reason.PROVIDER_TIMEOUT
    server.time += FRESH + 1
    assert await providers.key_set(US, URL) is first
    server.time += STALE_MAXIMUM
    with pytest.raises(Refused) as refused:
        await providers.key_set(US, URL)
    assert refused.value.reason is Reason.PROVIDER_TIMEOUT


@pytest.mark.conformance("MUST 44")
async def test_a_dead_server_is_not_asked_by_everybody(server: Server, providers: Providers) -> None:
    server.down = Reason.PROVIDER_UNREACHABLE
    for _ in range(5):
        with pytest.raises(Refused):
            await providers.key_set(US, URL)
    assert server.asked == 1
    server.down = None
    server.time += REFETCH_INTERVAL
    assert await providers.key_set(US, URL)


@pytest.mark.conformance("MUST 44")
async def test_a_set_that_lacks_a_key_is_fetched_once_per_interval(server: Server, providers: Providers) -> None:
    known = await providers.key_set(US, URL)
    newer = await providers.key_set_after(US, URL, known)
    assert newer is not known  # however fresh: keys change between a look and a signature
    assert await providers.key_set_after(US, URL, known) is newer  # somebody else's refetch serves
    server.time += REFETCH_INTERVAL - 1
    assert await providers.key_set_after(US, URL, newer) is newer
    assert server.asked == 2
    server.time += 1
    assert await providers.key_set_after(US, URL, newer) is not newer
    assert server.asked == 3


@pytest.mark.conformance("MUST 44")
async def test_strange_keys_at_a_server_that_is_down_do_not_ask_it_again(server: Server, providers: Providers) -> None:
    known = await providers.key_set(US, URL)
    server.time += FRESH
    server.down = Reason.PROVIDER_TIMEOUT
    assert await providers.key_set(US, URL) is known
    assert await providers.key_set_after(US, URL, known) is known
    assert server.asked == 2
    server.time += REFETCH_INTERVAL
    assert await providers.key_set_after(US, URL, known) is known
    assert server.asked == 3


async def test_an_asking_that_was_cut_off_leaves_a_refusal(server: Server, providers: Providers) -> None:
    server.open.clear()
    asking = asyncio.create_task(providers.key_set(US, URL))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    server.open.set()
    with pytest.raises(Refused) as refused:
        await providers.key_set(US, URL)
    assert refused.value.reason is Reason.PROVIDER_UNREACHABLE


@pytest.mark.conformance("MUST 44")
async def test_a_server_that_takes_the_whole_interval_to_fail_is_asked_once_by_all(
    server: Server, providers: Providers
) -> None:
    """Who waits behind a slow failure shares it, and does not wait as long again, one after the other."""
    server.down = Reason.PROVIDER_TIMEOUT
    server.open.clear()
    waiting = [asyncio.create_task(providers.key_set(US, URL)) for _ in range(5)]
    await asyncio.sleep(0)
    server.time += REFETCH_INTERVAL
    server.open.set()
    refusals = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, Refused) and one.reason for one in refusals] == [Reason.PROVIDER_TIMEOUT] * 5
    assert server.asked == 1


@pytest.mark.conformance("MUST 44")
async def test_nobody_waits_for_a_silent_server_while_its_last_good_set_serves(
    server: Server, providers: Providers
) -> None:
    first = await providers.key_set(US, URL)
    server.time += FRESH
    server.open.clear()
    asking = asyncio.create_task(providers.key_set(US, URL))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(providers.key_set(US, URL), 60) is first
    server.down = Reason.PROVIDER_TIMEOUT
    server.open.set()
    assert await asking is first
    assert server.asked == 2


@pytest.mark.conformance("MUST 44")
async def test_a_set_that_is_too_old_is_not_used_while_it_is_asked_for(server: Server, providers: Providers) -> None:
    await providers.key_set(US, URL)
    server.time += STALE_MAXIMUM
    server.open.clear()
    server.down = Reason.PROVIDER_TIMEOUT
    waiting = [asyncio.create_task(providers.key_set(US, URL)) for _ in range(2)]
    await asyncio.sleep(0)
    server.open.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, Refused) and one.reason for one in said] == [Reason.PROVIDER_TIMEOUT] * 2


async def test_key_sets_of_many_addresses_are_not_kept_forever(server: Server, providers: Providers) -> None:
    for number in range(MOST_KEY_SETS + 5):
        await providers.key_set(US, f"{URL}/{number}")
    assert len(providers._remembered) == MOST_KEY_SETS
    asked = server.asked
    await providers.key_set(US, f"{URL}/{MOST_KEY_SETS}")
    assert server.asked == asked, "the newest are kept"


@pytest.mark.conformance("MUST 42")
async def test_who_finds_no_place_speaks_for_nobody_else(server: Server, providers: Providers) -> None:
    """Its own names hang: of the server, which others ask at once, that says nothing."""
    server.down = Reason.PROVIDER_BUSY
    for _ in range(3):
        with pytest.raises(Refused, match="provider_busy"):
            await providers.key_set(US, URL)
    assert server.asked == 1
    server.down = None
    known = await providers.key_set(OTHERS, URL)
    assert await providers.key_set(US, URL) is known
    assert server.asked == 2

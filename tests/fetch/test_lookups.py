"""Names looked up together, and never too many: the twin of `fetch.lookups`."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from entracte.fetch import Limits
from entracte.fetch.lookups import Lookups, domain_of
from entracte.protocol.errors import Reason, Refused
from tests.fetch.servers import PUBLIC, answer, fetching, get, listening, refusal, saying


async def test_lookups_of_one_name_are_shared_while_they_last() -> None:
    asked = 0

    async def resolve(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return ["127.0.0.1"]

    async with listening(saying(answer())) as server, fetching(resolve=resolve) as fetcher:
        await asyncio.gather(*(fetcher(get(server.url("login.example"))) for _ in range(5)))
        assert asked == 1


async def test_a_shared_lookup_does_not_share_its_verdict() -> None:
    """http and https to one host and port ask for one lookup, and each is judged by its own scheme."""
    asked = 0

    async def resolve(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return ["127.0.0.1", PUBLIC]  # the first accepts, so that the second is never tried

    async with listening(saying(answer())) as server, fetching(allow="127.0.0.1", resolve=resolve) as fetcher:
        secure, plain = await asyncio.gather(
            refusal(fetcher, get(server.url("login.example", "https"))),
            refusal(fetcher, get(server.url("login.example", "http"))),
        )
        assert plain.reason is Reason.PROVIDER_BLOCKED
        assert secure.reason is not Reason.PROVIDER_BLOCKED
        assert (asked, server.connections, server.requests) == (1, 1, [])


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("localhost", "localhost"),
        ("brand.example", "brand.example"),
        ("login.eu.brand.example", "brand.example"),
        ("brand.co.uk", "brand.co.uk"),
        ("login.brand.co.uk", "brand.co.uk"),
        ("co.uk", "co.uk"),
        ("login.brand.de", "brand.de"),
        ("a.b.de", "b.de"),
    ],
)
def test_who_shares_places_with_whom(host: str, domain: str) -> None:
    assert domain_of(host) == domain


class SlowNames:
    """A resolver that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host.endswith("silent.example"):
            await self.answers.wait()
        return ["127.0.0.1"]


@pytest.mark.conformance("MUST 42")
async def test_names_of_one_domain_share_a_few_places() -> None:
    names = SlowNames()
    lookups = Lookups(names.resolve, Limits(resolve=0.3, lookups=4, lookups_per_domain=2))
    silent = [asyncio.create_task(lookups.addresses(f"n{number}.silent.example")) for number in range(9)]
    await asyncio.sleep(0)
    assert await lookups.addresses("login.example") == ["127.0.0.1"]
    refusals = await asyncio.gather(*silent, return_exceptions=True)
    assert [isinstance(one, Refused) and one.reason for one in refusals] == [Reason.PROVIDER_TIMEOUT] * 9
    assert names.asked == ["n0.silent.example", "n1.silent.example", "login.example"]
    # the threads of the first two have not come back, so their places are not free, and the others gave up
    with pytest.raises(Refused):
        await lookups.addresses("n9.silent.example")
    assert "n9.silent.example" not in names.asked
    names.answers.set()
    await asyncio.sleep(0.01)
    assert await lookups.addresses("n9.silent.example") == ["127.0.0.1"]
    assert not lookups._under_way
    del refusals, silent
    gc.collect()
    assert not lookups._places_of, "a domain is remembered while somebody asks for its names"


async def test_lookups_that_never_end_are_given_up_at_the_end() -> None:
    names = SlowNames()
    lookups = Lookups(names.resolve, Limits(resolve=0.1))
    with pytest.raises(Refused):
        await lookups.addresses("silent.example")
    await lookups.close()
    await asyncio.sleep(0.01)
    assert not lookups._under_way

"""Names looked up together, and never too many: the twin of `fetch.lookups`."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import replace

import pytest

from entracte.fetch import Limits
from entracte.fetch.lookups import Lookups, domain_of
from entracte.protocol.errors import Reason, Refused
from tests.fetch.servers import CLOSING, PUBLIC, fetching, get, listening, refusal, saying, turns, until


async def test_lookups_of_one_name_are_shared_while_they_last() -> None:
    asked = 0

    async def resolve(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await turns()
        return ["127.0.0.1"]

    async with listening(saying(CLOSING)) as server, fetching(resolve=resolve) as fetcher:
        await asyncio.gather(*(fetcher(get(server.url("login.example"))) for _ in range(5)))
        assert asked == 1


async def test_a_shared_lookup_does_not_share_its_verdict() -> None:
    """http and https to one host and port ask for one lookup, and each is judged by its own scheme."""
    asked = 0

    async def resolve(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await turns()
        return ["127.0.0.1", PUBLIC]  # the first accepts, so that the second is never tried

    async with listening(saying(CLOSING)) as server, fetching(allow="127.0.0.1", resolve=resolve) as fetcher:
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


PATIENT = Limits(resolve=120, lookup_patience=60, total=240)
"""For what ends by an event of the test, and not by the time: the machine may stand still meanwhile."""


async def done_soon(lookup: "asyncio.Task[Sequence[str]]") -> bool:
    """Whether a lookup waits for nobody."""
    await turns()
    return lookup.done()


@pytest.mark.conformance("MUST 42")
async def test_names_of_one_domain_share_a_few_places() -> None:
    names = SlowNames()
    limits = Limits(resolve=120, lookup_patience=0.05, lookups=4, lookups_per_domain=2, lookups_per_asker=9)
    lookups = Lookups(names.resolve, limits)
    silent = [asyncio.create_task(lookups.addresses(f"n{number}.silent.example")) for number in range(9)]
    await asyncio.sleep(0)
    other = asyncio.create_task(lookups.addresses("login.example", "another"))
    assert await done_soon(other)
    refusals = await asyncio.gather(*silent[2:], return_exceptions=True)
    assert [isinstance(one, Refused) and one.reason for one in refusals] == [Reason.PROVIDER_BUSY] * 7
    assert names.asked == ["n0.silent.example", "n1.silent.example", "login.example"]
    # the threads of the first two have not come back, so their places are not free
    with pytest.raises(Refused):
        await lookups.addresses("n9.silent.example")
    assert "n9.silent.example" not in names.asked
    names.answers.set()
    assert await asyncio.gather(*silent[:2]) == [["127.0.0.1"]] * 2
    assert await lookups.addresses("n9.silent.example") == ["127.0.0.1"]
    await asyncio.sleep(0)
    assert (lookups._under_way, lookups._resolving, lookups._held) == ({}, {}, {})
    del refusals, silent
    gc.collect()
    assert not lookups._places_of, "a domain is remembered while somebody asks for its names"


@pytest.mark.conformance("MUST 42")
async def test_many_domains_of_one_organization_that_hang_hold_up_nobody_else() -> None:
    """Sixteen, with four names each, would hold every place there is."""
    names = SlowNames()
    lookups = Lookups(names.resolve, PATIENT)
    dead = [
        asyncio.create_task(lookups.addresses(f"n{name}.d{domain}-silent.example", "1"))
        for name in range(PATIENT.lookups_per_domain)
        for domain in range(16)
    ]
    for number in range(2, 6):  # others come once all of them have asked, each for a name of its own
        assert await done_soon(asyncio.create_task(lookups.addresses(f"login{number}.example", str(number))))
    assert len([name for name in names.asked if "silent" in name]) == PATIENT.lookups_per_asker
    refused = [one for one in dead if one.done()]
    assert len(refused) == len(dead) - PATIENT.lookups_per_asker, "at once"
    assert {one.exception().reason for one in refused} == {Reason.PROVIDER_BUSY}  # type: ignore[union-attr]
    with pytest.raises(Refused, match="provider_busy"):
        await lookups.addresses("login.example", "1")
    names.answers.set()
    await asyncio.gather(*dead, return_exceptions=True)
    assert await lookups.addresses("login.example", "1") == ["127.0.0.1"]


@pytest.mark.conformance("MUST 42")
async def test_a_name_that_one_organization_waits_for_is_looked_up_for_another() -> None:
    """Who waits for a place shares it with their own; what is being resolved is shared by all."""
    names = SlowNames()
    lookups = Lookups(names.resolve, replace(PATIENT, lookups_per_domain=1))
    first = asyncio.create_task(lookups.addresses("n1.silent.example", "1"))
    await turns()
    waiting = [asyncio.create_task(lookups.addresses("n2.silent.example", asked_by)) for asked_by in ("1", "1", "2")]
    same = asyncio.create_task(lookups.addresses("n1.silent.example", "2"))
    await turns()
    assert names.asked == ["n1.silent.example"]
    assert lookups._held == {"1": 2, "2": 1}, "one that is resolved already costs no place"
    names.answers.set()
    assert await asyncio.gather(first, same, *waiting) == [["127.0.0.1"]] * 5
    assert names.asked == ["n1.silent.example", "n2.silent.example", "n2.silent.example"]


async def test_who_asks_at_the_same_moment_shares_what_is_resolved() -> None:
    """Of two organizations, before either has a place."""
    names = SlowNames()
    lookups = Lookups(names.resolve, PATIENT)
    asking = [asyncio.create_task(lookups.addresses("silent.example", str(number))) for number in range(3)]
    await turns()
    names.answers.set()
    assert await asyncio.gather(*asking) == [["127.0.0.1"]] * 3
    assert names.asked == ["silent.example"]


async def test_a_name_that_does_not_resolve_in_time_is_the_servers_silence() -> None:
    lookups = Lookups(SlowNames().resolve, Limits(resolve=0.05, lookup_patience=60))
    with pytest.raises(Refused) as refused:
        await lookups.addresses("silent.example")
    assert refused.value.reason is Reason.PROVIDER_TIMEOUT
    await lookups.close()


async def test_a_resolver_that_gives_up_is_no_lack_of_places() -> None:
    async def resolve(host: str) -> Sequence[str]:
        raise TimeoutError

    with pytest.raises(Refused) as refused:
        await Lookups(resolve, PATIENT).addresses("login.example")
    assert refused.value.reason is Reason.PROVIDER_TIMEOUT


async def test_by_whom_a_request_is_asked_reaches_the_lookups() -> None:
    names = SlowNames()
    async with listening(saying(CLOSING)) as server, fetching(limits=PATIENT, resolve=names.resolve) as fetcher:
        dead = [
            asyncio.create_task(refusal(fetcher, replace(get(server.url(f"d{number}-silent.example")), asked_by="1")))
            for number in range(PATIENT.lookups_per_asker + 1)
        ]
        busy = await dead[-1]
        assert busy.reason is Reason.PROVIDER_BUSY
        assert (await fetcher(replace(get(server.url("login.example")), asked_by="2"))).status == 200
        assert server.requests
        assert b"asked" not in server.requests[0], "it is not sent"
        for one in dead[:-1]:
            one.cancel()
        await asyncio.gather(*dead, return_exceptions=True)


async def test_lookups_that_never_end_are_given_up_at_the_end() -> None:
    names = SlowNames()
    lookups = Lookups(names.resolve, Limits(resolve=0.1))
    with pytest.raises(Refused):
        await lookups.addresses("silent.example")
    await lookups.close()
    await until(lambda: not lookups._under_way)

"""The guard over real names and sockets: a name server that lies and changes its mind, asked by a real resolver."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import uvloop

from entracte.fetch import Fetcher, Limits
from entracte.fetch.lookups import resolve_by_system
from entracte.protocol.errors import Reason
from entracte.protocol.messages import HttpRequest
from tests.awake import awake
from tests.fetch.name_server import NameServer, Say, resolver_of, serving_names
from tests.fetch.servers import (
    CLOSING,
    LOOPBACK,
    PUBLIC,
    PUBLIC6,
    SMALL,
    Listener,
    answer,
    fetching,
    get,
    listening,
    post,
    refusal,
    saying,
    staying,
    timed,
    until,
)

NAME = "login.brand.example"


@dataclass
class Net:
    """A name server, a fetcher that asks it, and what listens where the names may lead."""

    names: NameServer
    fetcher: Fetcher
    loopback: Listener
    loopback6: Listener
    other: Listener
    """On 127.0.0.2, at the same port."""

    @property
    def url(self) -> str:
        return self.loopback.url(NAME, "https")

    def untouched(self) -> bool:
        return (self.loopback.connections, self.loopback6.connections, self.other.connections) == (0, 0, 0)


@asynccontextmanager
async def net(*turns: Say, allow: str = "", limits: Limits = SMALL, **zone: list[Say]) -> AsyncIterator[Net]:
    """A net in which the name says this, lookup for lookup."""
    async with (
        serving_names(login_brand_example=list(turns), **zone) as names,
        listening(staying(answer(b"loopback"))) as loopback,
        listening(staying(answer(b"loopback6")), host="::1", port=loopback.port) as loopback6,
        listening(staying(answer(b"other")), host="127.0.0.2", port=loopback.port) as other,
        fetching(allow, limits, resolve=resolver_of(names)) as fetcher,
    ):
        yield Net(names, fetcher, loopback, loopback6, other)


PRIVATE = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "198.18.0.1", "198.19.255.255", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::1", "2002:a9fe:a9fe::",
    "2001:0:7f00:1::",
)  # fmt: skip


@pytest.mark.conformance("MUST 38", "BAD 28")
@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_to_a_private_address(address: str) -> None:
    async with net([address]) as here:
        refused = await refusal(here.fetcher, post(here.url))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert refused.evidence == f"{NAME}: leads to an address that is not on the public internet"
        assert here.names.asked == [NAME]
        assert here.untouched()


@pytest.mark.conformance("MUST 38", "BAD 28")
@pytest.mark.parametrize(
    "addresses",
    [
        [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC6, "127.0.0.1"], [PUBLIC, "10.0.0.1"],
        [PUBLIC, PUBLIC6, "::ffff:127.0.0.1"], [PUBLIC, "64:ff9b::7f00:1"],
        [PUBLIC, "1.1.1.1", "8.8.8.8", "169.254.169.254"],
    ],
)  # fmt: skip
async def test_a_name_with_a_public_and_a_private_address(addresses: list[str]) -> None:
    """Which of them would be tried is the name server's choice: one spoils all."""
    async with net(addresses) as here:
        assert (await refusal(here.fetcher, post(here.url))).reason is Reason.PROVIDER_BLOCKED
        assert here.untouched()


@pytest.mark.conformance("MUST 38", "BAD 28")
async def test_a_name_that_stands_for_a_private_one() -> None:
    async with net(["inside.brand.example"], inside_brand_example=[["127.0.0.1"]]) as here:
        assert (await refusal(here.fetcher, post(here.url))).reason is Reason.PROVIDER_BLOCKED
        assert here.untouched()


@pytest.mark.conformance("MUST 38")
@pytest.mark.parametrize("request_of", [get, post])
async def test_a_name_that_changes_between_the_check_and_the_connection(
    request_of: Callable[[str], HttpRequest],
) -> None:
    """Rebinding: once it was asked, the name leads elsewhere, to where something listens at the same port. Nobody
    asks a second time, and the socket goes to the address that was checked."""
    async with net(["127.0.0.1"], ["127.0.0.2"], allow="127.0.0.1") as here:
        response = await here.fetcher(request_of(here.loopback.url(NAME)))
        assert response.body == b"loopback"
        assert here.names.asked == [NAME]
        assert (here.loopback.connections, here.other.connections) == (1, 0)
        response = await here.fetcher(request_of(here.loopback.url(NAME)))
        assert response.body == b"loopback", "the connection that was kept, and no lookup"
        assert here.names.asked == [NAME]
        assert here.other.connections == 0


@pytest.mark.conformance("MUST 38")
async def test_each_new_connection_is_checked_anew() -> None:
    """MUST 38, "re-check per connection": the name was good at the first request."""
    async with net(["127.0.0.1"], ["127.0.0.2"], allow="127.0.0.1", limits=replace(SMALL, idle=0.05)) as here:
        assert (await here.fetcher(post(here.loopback.url(NAME)))).status == 200
        await asyncio.sleep(0.2)
        assert (await refusal(here.fetcher, post(here.loopback.url(NAME)))).reason is Reason.PROVIDER_BLOCKED
        assert here.names.asked == [NAME] * 2
        assert here.other.connections == 0


@pytest.mark.conformance("MUST 38")
async def test_a_get_that_is_sent_again_is_checked_again() -> None:
    """The server closes on the kept connection, and the name has been turned meanwhile: the second try is a new one."""
    seen = 0

    async def once(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        writer.write(answer()) if seen == 1 else writer.close()

    async with (
        serving_names(login_brand_example=[["127.0.0.1"], ["127.0.0.2"]]) as names,
        listening(once) as good,
        listening(saying(CLOSING), host="127.0.0.2", port=good.port) as evil,
        fetching("127.0.0.1", resolve=resolver_of(names)) as fetcher,
    ):
        await fetcher(get(good.url(NAME)))
        assert (await refusal(fetcher, get(good.url(NAME)))).reason is Reason.PROVIDER_BLOCKED
        assert (good.connections, evil.connections, len(names.asked)) == (1, 0, 2)


@pytest.mark.conformance("MUST 38")
async def test_the_next_address_of_a_name_was_checked_too() -> None:
    """Nothing listens at the first address: the second one is from the same lookup."""
    async with net(["127.0.0.9", "127.0.0.2"], ["127.0.0.1"], allow=LOOPBACK) as here:
        assert (await here.fetcher(post(here.loopback.url(NAME)))).body == b"other"
        assert here.names.asked == [NAME]


@pytest.mark.conformance("MUST 39", "BAD 28")
@pytest.mark.parametrize("target", ["http://127.0.0.2:{port}/", "https://169.254.169.254/", "//127.0.0.2:{port}/", "/"])
async def test_a_redirect_to_a_private_address_is_not_followed(target: str) -> None:
    async with net(["127.0.0.1"], allow=LOOPBACK) as here:
        location = f"Location: {target.format(port=here.other.port)}"
        async with listening(staying(answer(b"", location, status="302 Found"))) as server:
            for request in (get(server.url(NAME)), post(server.url(NAME))):
                assert (await refusal(here.fetcher, request)).reason is Reason.RESPONSE_REDIRECTED
            assert (len(server.requests), here.other.connections, here.loopback.connections) == (2, 0, 0)


@pytest.mark.parametrize("say", ["servfail", []])
async def test_a_name_without_addresses(say: Say) -> None:
    async with net(say) as here:
        refused = await refusal(here.fetcher, post(here.url))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        refused = await refusal(here.fetcher, post(here.url.replace("login", "unknown")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE


@pytest.mark.conformance("MUST 41")
async def test_a_name_server_that_is_silent() -> None:
    async with net("silence", limits=replace(SMALL, resolve=0.3)) as here:
        refused, seconds = await timed(here.fetcher, post(here.url))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert seconds > 0.25


@pytest.mark.conformance("MUST 42")
async def test_a_name_server_that_is_silent_does_not_stop_other_names() -> None:
    """A customer's server that hangs, with more names than there are places: those of its domain share a few."""
    limits = replace(SMALL, resolve=6, lookups=8, lookups_per_domain=2)
    hanging: dict[str, list[Say]] = {f"n{number}_silent_example": ["silence"] for number in range(20)}
    async with net(["127.0.0.1"], allow=LOOPBACK, limits=limits, **hanging) as here:
        waiting = [
            asyncio.create_task(refusal(here.fetcher, replace(post(url), asked_by=str(number))))
            for number, url in enumerate(here.loopback.url(f"n{number}.silent.example") for number in range(20))
        ]
        await until(lambda: len(here.names.asked) >= 2)
        await asyncio.sleep(0.4)  # time for a third, which must not come
        assert len(here.names.asked) == 2
        with awake() as own:
            assert (await here.fetcher(post(here.loopback.url(NAME)))).status == 200
            assert own() < 1
        said = Counter([one.reason for one in await asyncio.gather(*waiting)])
        assert set(said) == {Reason.PROVIDER_TIMEOUT, Reason.PROVIDER_BUSY}, "asked, and without a place"
        assert said[Reason.PROVIDER_TIMEOUT] >= 2


# The system's own resolver


@pytest.mark.conformance("MUST 38", "BAD 28")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost.localdomain", "ip6-localhost", "brand.localhost"]
)
async def test_a_name_of_this_machine_is_not_reached(host: str, scheme: str) -> None:
    """By getaddrinfo, as in production. Not every system knows every one of these names."""
    async with listening(saying(CLOSING)) as server, fetching("") as fetcher:
        refused = await refusal(fetcher, post(server.url(host, scheme)))
        assert refused.reason in {Reason.PROVIDER_BLOCKED, Reason.PROVIDER_UNREACHABLE}
        assert server.connections == 0


async def test_the_system_knows_where_this_machine_is() -> None:
    """So the test before is none of names that lead nowhere."""
    found: Sequence[str] = await resolve_by_system("localhost")
    assert set(found) & {"127.0.0.1", "::1"}
    with pytest.raises(socket.gaierror):
        await resolve_by_system("nowhere.invalid")


def test_it_is_the_same_on_uvloop() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_a_name_that_changes_between_the_check_and_the_connection(post))
        runner.run(test_a_name_that_leads_to_a_private_address("::ffff:127.0.0.1"))
        runner.run(test_a_name_server_that_is_silent())

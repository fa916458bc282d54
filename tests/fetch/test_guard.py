"""What the guard lets through, by table and on real sockets: the twin of `fetch.guard` and `fetch.resolver`."""

from collections.abc import Sequence

import pytest

from entracte.fetch import OutboundAllow, check_addresses, read_destination
from entracte.protocol.errors import Reason, Refused
from tests.fetch.servers import (
    CLOSING,
    LOOPBACK,
    PUBLIC,
    PUBLIC6,
    answer,
    fetching,
    get,
    listening,
    names,
    post,
    refusal,
    saying,
    staying,
)

NAMED = "intra.example"


@pytest.mark.parametrize(
    ("url", "addresses", "passes"),
    [
        # a public host: https alone, on a usual port
        ("https://login.example", [PUBLIC], True),
        ("https://login.example", [PUBLIC, PUBLIC6], True),
        ("https://login.example:8443", [PUBLIC], True),
        ("https://login.example:1024", [PUBLIC], True),
        ("https://login.example:80", [PUBLIC], False),
        ("https://login.example:25", [PUBLIC], False),
        ("https://login.example:1023", [PUBLIC], False),
        ("http://login.example", [PUBLIC], False),
        ("http://login.example:8080", [PUBLIC], False),
        # one address that is not public spoils all
        ("https://login.example", ["10.9.9.9"], False),
        ("https://login.example", [PUBLIC, "10.9.9.9"], False),
        ("https://login.example", [PUBLIC, "::1"], False),
        ("https://login.example", ["::ffff:169.254.169.254"], False),
        # an allowed network: http and any port, when all addresses are in it
        ("http://login.example", ["10.1.0.1"], True),
        ("https://login.example:25", ["10.1.0.1", "10.1.0.2"], True),
        ("https://login.example", ["10.1.0.1", PUBLIC], True),
        ("http://login.example", ["10.1.0.1", PUBLIC], False),
        ("https://login.example:25", ["10.1.0.1", PUBLIC], False),
        ("https://login.example", ["10.1.0.1", "10.2.0.1"], False),
        # a host that is named: whatever it resolves to
        ("http://intra.example", ["192.168.0.1"], True),
        ("https://intra.example:25", ["192.168.0.1"], True),
        ("https://sub.intra.example", ["192.168.0.1"], False),
        ("https://intra.example.evil.test", ["192.168.0.1"], False),
        ("https://evil-intra.example", ["192.168.0.1"], False),
    ],
)
@pytest.mark.conformance("MUST 37", "MUST 38")
def test_what_the_guard_lets_through(url: str, addresses: list[str], passes: bool) -> None:
    allow = OutboundAllow.parse(f"10.1.0.0/16,{NAMED}")
    destination = read_destination(url)
    if passes:
        check_addresses(destination, addresses, allow)
        return
    with pytest.raises(Refused) as caught:
        check_addresses(destination, addresses, allow)
    assert caught.value.reason is Reason.PROVIDER_BLOCKED
    assert destination.host in caught.value.evidence


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://localhost:{port}/", "https://localhost:{port}/",
        "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://127.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/", "https://[::ffff:7f00:1]:{port}/", "https://[::]:{port}/", "https://[::1]:{port}/",
        "http://127。0。0。1:{port}/", "http://localhost.:{port}/",
    ],
)  # fmt: skip
@pytest.mark.conformance("MUST 38", "BAD 28")
async def test_nothing_on_loopback_is_reached_by_default(url: str) -> None:
    async with listening(saying(CLOSING)) as server, fetching(allow="") as fetcher:
        refused = await refusal(fetcher, post(url.format(port=server.port)))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert server.connections == 0


@pytest.mark.parametrize(
    "url", ["http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://017700000001:{port}/"]
)
@pytest.mark.conformance("MUST 37")
async def test_odd_spellings_of_a_number_are_refused_even_where_it_is_allowed(url: str) -> None:
    async with listening(saying(CLOSING)) as server, fetching() as fetcher:
        refused = await refusal(fetcher, get(url.format(port=server.port)))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert server.connections == 0


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]])
@pytest.mark.conformance("MUST 38", "BAD 28")
async def test_a_name_that_resolves_to_loopback_is_refused(addresses: list[str]) -> None:
    resolve = names(login_example=addresses)
    async with listening(saying(CLOSING)) as server, fetching(allow="", resolve=resolve) as fetcher:
        refused = await refusal(fetcher, get(server.url("login.example", "https")))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert "login.example" in refused.evidence
        assert server.connections == 0


async def test_http_to_a_public_host_is_refused_before_anything_is_sent() -> None:
    async with fetching(resolve=names(login_example=[PUBLIC])) as fetcher:
        refused = await refusal(fetcher, get("http://login.example/"))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert "http" in refused.evidence


@pytest.mark.parametrize("allow", ["localhost", LOOPBACK])
async def test_a_name_of_the_system_is_reached_where_it_is_allowed(allow: str) -> None:
    async with listening(saying(answer(b'{"a":1}'))) as server, fetching(allow=allow) as fetcher:
        response = await fetcher(get(server.url("localhost")))
        assert response.body == b'{"a":1}'


async def test_a_mapped_address_is_reached_where_its_own_is_allowed() -> None:
    async with listening(saying(CLOSING)) as server, fetching(allow="127.0.0.1") as fetcher:
        response = await fetcher(get(server.url("[::ffff:127.0.0.1]")))
        assert response.status == 200


@pytest.mark.conformance("MUST 38")
async def test_each_connection_is_resolved_once_and_goes_where_was_checked() -> None:
    """Rebinding: the name's second answer is another address, where another server listens on the same port."""
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    allow = "127.0.0.1"
    async with (
        listening(saying(answer(b"1", "Connection: close"))) as good,
        listening(saying(answer(b"2", "Connection: close")), host="127.0.0.2", port=good.port) as evil,
        fetching(allow=allow, resolve=resolve) as fetcher,
    ):
        response = await fetcher(get(good.url("login.example")))
        assert response.body == b"1"
        assert asked == ["login.example"]
        refused = await refusal(fetcher, get(good.url("login.example")))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert asked == ["login.example"] * 2
        assert (good.connections, evil.connections) == (1, 0)


async def test_a_pooled_connection_stays_where_it_is() -> None:
    """The name server may say what it likes: while the connection lives, nobody asks it."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def resolve(host: str) -> Sequence[str]:
        return next(answers)

    async with listening(staying(answer())) as server, fetching(resolve=resolve) as fetcher:
        await fetcher(post(server.url("login.example")))
        await fetcher(post(server.url("login.example")))
        assert server.connections == 1

"""The pool of connections: the twin of `fetch.connector`."""

import asyncio
import socket

import pytest

from entracte.fetch import Fetcher, Limits, OutboundAllow
from entracte.protocol.errors import Reason
from tests.fetch.servers import (
    CLOSING,
    LOOPBACK,
    SMALL,
    Speak,
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


async def test_two_requests_use_one_connection() -> None:
    async with listening(staying(answer())) as server, fetching() as fetcher:
        for _ in range(3):
            await fetcher(post(server.url()))
        assert len(server.requests) == 3
        assert server.connections == 1


@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
async def test_a_connection_with_an_unread_answer_is_not_used_again(status: str) -> None:
    rest = answer(b"x" * 20_000, status=status)[:-1]
    async with listening(staying(rest)) as server, fetching() as fetcher:
        await refusal(fetcher, post(server.url()))
        await refusal(fetcher, post(server.url()))
        assert server.connections == 2


def closing_on(number: int) -> tuple[Speak, list[bytes]]:
    """Answers each request but the one with this number: there it reads, and closes without a word."""
    seen: list[bytes] = []

    async def speak(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        if len(seen) == number:
            writer.close()
        else:
            writer.write(answer())

    return speak, seen


async def test_a_get_on_a_connection_that_died_is_sent_again_once() -> None:
    speak, seen = closing_on(2)
    async with listening(speak) as server, fetching() as fetcher:
        await fetcher(get(server.url()))
        assert (await fetcher(get(server.url()))).status == 200
        assert len(seen) == 3
        assert server.connections == 2


async def test_a_get_is_not_sent_a_third_time() -> None:
    async with listening(saying(b"")) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.PROVIDER_UNREACHABLE
        assert len(server.requests) <= 2


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.conformance("MUST 42")
async def test_a_post_is_never_sent_twice(number: int) -> None:
    speak, seen = closing_on(number)
    async with listening(speak) as server, fetching() as fetcher:
        for _ in range(number - 1):
            await fetcher(post(server.url()))
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        await asyncio.sleep(0.05)
        assert len(seen) == number


async def test_a_server_that_hangs_holds_no_more_than_its_share() -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        arrived.put_nowait(request)
        await asyncio.sleep(30)

    limits = Limits(connect=6, first_byte=6, total=6, connections=10, connections_per_host=3)
    async with listening(hang) as dead, listening(saying(CLOSING)) as alive, fetching(limits=limits) as fetcher:
        waiting = [asyncio.create_task(refusal(fetcher, get(dead.url()))) for _ in range(8)]
        for _ in range(3):
            await arrived.get()
        await asyncio.sleep(0.1)  # time for a fourth, which must not come
        assert dead.connections == 3
        assert (await fetcher(get(alive.url()))).status == 200
        assert {refused.reason for refused in await asyncio.gather(*waiting)} == {Reason.PROVIDER_TIMEOUT}


async def test_nothing_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with fetching() as fetcher:
        refused = await refusal(fetcher, post(f"http://127.0.0.1:{port}/token"))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert refused.evidence == "127.0.0.1: Connection refused"


async def test_a_name_that_does_not_resolve() -> None:
    async with fetching(resolve=names(empty_example=[])) as fetcher:
        for host in ("nowhere.example", "empty.example"):
            refused = await refusal(fetcher, get(f"https://{host}/token"))
            assert refused.reason is Reason.PROVIDER_UNREACHABLE
            assert refused.evidence == f"{host}: the name does not resolve"


async def test_the_second_address_is_tried_when_the_first_does_not_answer() -> None:
    async with listening(saying(CLOSING)) as server:
        async with fetching(resolve=names(login_example=["127.0.0.9", "127.0.0.1"])) as fetcher:
            assert (await fetcher(post(server.url("login.example")))).status == 200
        assert len(server.requests) == 1


async def test_a_fetcher_that_was_not_started_says_so() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        await Fetcher(OutboundAllow.parse(LOOPBACK))(get("http://127.0.0.1:1/"))


async def test_a_fetcher_can_be_stopped_twice_and_started_again() -> None:
    async with listening(saying(CLOSING)) as server:
        fetcher = Fetcher(OutboundAllow.parse(LOOPBACK), SMALL)
        for _ in range(2):
            await fetcher.start()
            assert (await fetcher(get(server.url()))).status == 200
            await fetcher.stop()
            await fetcher.stop()

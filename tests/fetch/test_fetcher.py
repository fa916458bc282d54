"""Requests and answers over real sockets: the twin of `fetch.fetcher`, `fetch.headers` and `fetch.failures`."""

import asyncio
import random
import socket
import traceback
from pathlib import Path

import pytest

from entracte.fetch import Fetcher, OutboundAllow
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import Secret
from tests.fetch.servers import CANARY, CLOSING, answer, fetching, get, listening, post, refusal, saying, staying


@pytest.mark.parametrize(
    ("host", "allow", "expected"),
    [
        ("login.example", "", False),
        ("localhost", "", False),
        ("localhost", "localhost", True),
        ("LOCALHOST", "localhost", True),
        ("localhost", "127.0.0.0/8", True),
        ("brand.localhost", "127.0.0.0/8", True),
        ("localhost.example", "127.0.0.0/8", False),
        ("localhost", "10.0.0.0/8", False),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("127.0.0.1", "", False),
        ("10.0.0.1", "127.0.0.0/8", False),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("::1", "127.0.0.0/8", False),
        ("login.example", "login.example", True),
        ("sub.login.example", "login.example", False),
        ("127.1", "127.0.0.0/8", False),
        ("", "127.0.0.0/8", False),
        ("[", "127.0.0.0/8", False),
        ("a:b", "127.0.0.0/8", False),
    ],
)
def test_where_http_may_be_used(host: str, allow: str, expected: bool) -> None:
    assert Fetcher(OutboundAllow.parse(allow)).insecure_allowed(host) is expected


@pytest.mark.conformance("MUST 40")
async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with listening(saying(answer(b"proxy"))) as proxy, listening(saying(answer(b"server"))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        async with fetching() as fetcher:
            response = await fetcher(get(server.url()))
        assert response.body == b"server"
        assert proxy.connections == 0
        assert b"authorization" not in server.requests[0].lower()


async def test_a_request_is_sent_as_it_is_written() -> None:
    async with listening(saying(CLOSING)) as server, fetching() as fetcher:
        await fetcher(post(server.url(path="/a%2Fb?c=%20")))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a%2Fb?c=%20 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "Accept: application/json" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Content-Type: application/x-www-form-urlencoded" in lines
    assert f"Authorization: Bearer {CANARY}" in lines
    assert body == f"code={CANARY}".encode()


async def test_an_answer_is_read_whole() -> None:
    raw = answer(b'{"a":1}', "Content-Type: application/JSON; charset=utf-8", "X-Two: 1", "x-two: 2", "X-Odd: \xff")
    async with listening(saying(raw)) as server, fetching() as fetcher:
        response = await fetcher(get(server.url()))
    assert response.status == 200
    assert response.body == b'{"a":1}'
    assert response.media_type == "application/json"
    assert response.headers["x-two"] == "1, 2"
    response.headers["x-odd"].encode()


@pytest.mark.parametrize(
    "status", ["200 OK", "201 Created", "204 No Content", "400 Bad Request", "401 No", "500 Oh", "503 X"]
)
async def test_any_status_but_a_redirect_is_an_answer(status: str) -> None:
    body = b"" if status.startswith("204") else b"x"
    async with listening(saying(answer(body, status=status))) as server, fetching() as fetcher:
        response = await fetcher(get(server.url()))
        assert (response.status, response.body) == (int(status[:3]), body)


@pytest.mark.parametrize("status", ["300 x", "301 x", "302 Found", "303 x", "304 x", "307 x", "308 x"])
@pytest.mark.conformance("MUST 39")
async def test_a_redirect_is_refused_and_not_followed(status: str) -> None:
    async with listening(saying(answer(b"secret"))) as other:
        raw = answer(b"", f"Location: {other.url()}", status=status)
        async with listening(staying(raw)) as server, fetching() as fetcher:
            for request in (get(server.url()), post(server.url())):
                assert (await refusal(fetcher, request)).reason is Reason.RESPONSE_REDIRECTED
        assert other.connections == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
async def test_an_answer_without_a_length_ends_with_its_connection_or_its_last_chunk(raw: bytes) -> None:
    async with listening(saying(raw)) as server, fetching() as fetcher:
        assert (await fetcher(post(server.url()))).body == b"{}"


async def test_cookies_are_neither_kept_nor_shown() -> None:
    async with listening(staying(answer(b"{}", "Set-Cookie: a=b; Path=/"))) as server, fetching() as fetcher:
        response = await fetcher(get(server.url("localhost")))
        assert "set-cookie" not in response.headers
        await fetcher(get(server.url("localhost")))
        assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "a\x00b", "a\x7fb", "€"])
async def test_a_token_that_can_not_be_sent_is_refused(value: str) -> None:
    async with listening(saying(CLOSING)) as server, fetching() as fetcher:
        request = HttpRequest("GET", server.url(), secret_headers={"Authorization": Secret(CANARY + value)})
        assert (await refusal(fetcher, request)).reason is Reason.RESPONSE_MALFORMED
        assert server.requests == []


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "a b", "a:", "a\r\nb", ""]
)
async def test_some_header_fields_are_not_for_others_to_set(name: str) -> None:
    async with fetching() as fetcher:
        request = HttpRequest("GET", "http://127.0.0.1:1/", secret_headers={name: Secret(CANARY)})
        with pytest.raises(ValueError, match="header field"):
            await fetcher(request)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.PROVIDER_UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nContent-", Reason.PROVIDER_UNREACHABLE),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.RESPONSE_MALFORMED),
        (b"{}", Reason.RESPONSE_MALFORMED),
        (b"HTTP/2 200 OK\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", Reason.RESPONSE_MALFORMED),
        (b"HTTP/0.9 200 OK\r\n\r\n{}", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 OK\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", Reason.RESPONSE_MALFORMED),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Reason.RESPONSE_MALFORMED,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nx: a\x00b\r\nContent-Length: 0\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Reason.RESPONSE_MALFORMED),
    ],
)
@pytest.mark.conformance("MUST 40")
async def test_an_answer_that_is_not_http(raw: bytes, reason: Reason) -> None:
    async with listening(saying(raw)) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is reason


async def test_a_connection_that_is_reset() -> None:
    async def reset(request: bytes, writer: asyncio.StreamWriter) -> None:
        plug: socket.socket = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    async with listening(reset) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert len(server.requests) == 1


async def test_whatever_a_server_says_is_an_answer_or_a_refusal() -> None:
    chance = random.Random(20)
    good = bytearray(answer(b'{"a": 1}', "Content-Type: application/json", "Content-Encoding: identity"))

    async def garble(request: bytes, writer: asyncio.StreamWriter) -> None:
        raw = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            raw[chance.randrange(len(raw))] = chance.choice(b"\x00\r\n :/;,19aZ\x80\xff")
        writer.write(bytes(raw))
        writer.close()

    seen: set[type] = set()
    told: list[str] = []
    async with listening(garble) as server, fetching() as fetcher:
        for _ in range(150):
            try:
                seen.add(type(await fetcher(post(server.url()))))
            except Refused as refused:
                seen.add(Refused)
                told.extend(traceback.format_exception(refused))
    assert CANARY not in "".join(told)
    assert seen == {HttpResponse, Refused}

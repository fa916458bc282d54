"""Requests that are too large, no form, not text, too slow or cut off: 413, 415, 400, 431, 408, at once, and the memory
of the process stays flat."""

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from entracte.web.forms import MAXIMUM_BYTES
from entracte.web.heads import BODY_SECONDS, HEAD_SECONDS
from tests.bad_input.stage import Stage
from tests.web.running import FORM, PUBLIC, Answer, Browser, Header, ask, ask_raw

AT_ONCE = 1
"""Seconds that the server works for the answer, however busy the machine is with others."""
MEBIBYTE = 1024 * 1024
MANY = 200
PATHS = {"an answer": "/c/quiz/why", "the form": "/c/quiz/details", "the sign-in": "/c/quiz/sign-in",
         "the manager": "/manage/sign-in"}  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """A request that is refused with `status`."""

    status: int
    body: bytes = b""
    media_type: str = FORM[1]
    more: tuple[Header, ...] = ()


FIELDS = b"&".join(b"field-%d=" % number for number in range(10_000))
BAD: dict[str, Bad] = {
    "a body over the limit": Bad(413, b"answer=" + b"a" * MAXIMUM_BYTES),
    "a body of many megabytes": Bad(413, b"answer=" + b"a" * 8 * MEBIBYTE),
    "a body that is only announced": Bad(413, b"answer=", more=(("Content-Length", str(10**12)),)),
    "10,000 fields": Bad(400, FIELDS),
    "301 fields": Bad(400, b"&".join([b"a="] * 301)),
    "JSON": Bad(415, b'{"answer": "a"}', "application/json"),
    "several parts": Bad(415, b"--x--", "multipart/form-data; boundary=x"),
    "plain text": Bad(415, b"answer=a", "text/plain"),
    "bad UTF-8": Bad(400, b"answer=%ff%fe"),
    "bad UTF-8, raw": Bad(400, b"answer=\xff\xfe"),
    "NUL": Bad(400, b"answer=a%00b"),
    "NUL in a name": Bad(400, b"ans%00wer=a"),
    "a cookie of 1 MB": Bad(431, b"answer=a", more=(("Cookie", "a" * MEBIBYTE),)),
    "10,000 headers": Bad(431, b"answer=a", more=tuple((f"X-{number}", "aaaaaa") for number in range(10_000))),
}


def send(browser: Browser, bad: Bad, path: str) -> Answer:
    mine = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = [("Content-Type", bad.media_type), ("Origin", PUBLIC), ("Cookie", mine), *bad.more]
    return ask(browser.port, path, "POST", headers, bad.body)


@contextlib.contextmanager
def at_once(stage: Stage) -> Iterator[None]:
    """In the block the server answers with little work, and without waiting for what is to come of the request."""
    began, worked = time.monotonic(), stage.installation.worked()
    yield
    assert stage.installation.worked() - worked < AT_ONCE
    assert time.monotonic() - began < BODY_SECONDS


@pytest.mark.parametrize("where", PATHS)
@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_at_once(stage: Stage, browser: Browser, name: str, where: str) -> None:
    if where == "the form":
        browser.sign_in()
    kept = stage.installation.participation(browser)
    with at_once(stage):
        answer = send(browser, BAD[name], PATHS[where])
    larger = "fields" in name and where == "the manager"  # whose forms are smaller
    assert answer.status in ((400, 413) if larger else (BAD[name].status,))
    if answer.status != 431:  # whose head is not read has no page
        stage.calm(answer, answer.status)
        assert "body_" in answer.body
    assert stage.installation.participation(browser) == kept, "nothing was overwritten"


@pytest.mark.parametrize("name", BAD)
def test_memory_stays_flat(stage: Stage, browser: Browser, name: str) -> None:
    for _ in range(20):
        send(browser, BAD[name], PATHS["an answer"])
    before = stage.installation.memory()
    with ThreadPoolExecutor(max_workers=8) as clients:
        statuses = set(clients.map(lambda _: send(browser, BAD[name], PATHS["an answer"]).status, range(MANY)))
    assert statuses == {BAD[name].status}
    assert stage.installation.memory() - before < 10 * MEBIBYTE


NO_REQUESTS = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00",
    "a length that is no number": b"POST /c/quiz/why HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    "two lengths": b"POST /c/quiz/why HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length beside chunks": b"POST /c/quiz/why HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": b"POST /c/quiz/why HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_what_is_no_request(stage: Stage, name: str) -> None:
    with at_once(stage):
        answer = ask_raw(stage.installation.port, NO_REQUESTS[name])
    assert (answer.status, answer["connection"]) == (400, "close")
    stage.no_traceback()


STANDSTILL = 15
"""Seconds that the machine may be late with something, and less than what lies between the two limits."""
HEAD = b"POST /c/quiz/why HTTP/1.1\r\nHost: play.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def dripped(port: int, first: bytes, drop: bytes) -> tuple[float, bytes]:
    """A byte each second after `first`: how long the server listened, and what it said."""
    began, received = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(first)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < BODY_SECONDS + 2 * STANDSTILL:
                try:
                    piece = connection.recv(65536)
                except TimeoutError:
                    connection.sendall(drop)
                    continue
                if not piece:
                    break
                received += piece
    return time.monotonic() - began, received


def test_a_slow_sender_is_sent_away(stage: Stage, browser: Browser) -> None:
    """A byte a second, in the head, in a further head on the same connection, in the body, in a body that is not read
    any more, and not even one: all at the same time, while others are served."""
    port = stage.installation.port
    again = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX-Slow: "
    refused = HEAD.replace(b"x-www-form-urlencoded", b"json") + b"Content-Length: 100000\r\n\r\n"
    slow: dict[str, tuple[bytes, bytes, int, bytes]] = {
        "head": (b"GET / HTTP/1.1\r\nX-Slow: ", b"a", HEAD_SECONDS, b"HTTP/1.1 408"),
        "further head": (again, b"a", HEAD_SECONDS, b"HTTP/1.1 200"),
        "nothing": (b"", b"", HEAD_SECONDS, b""),
        "body": (HEAD + b"Cookie: %s\r\nContent-Length: 1000\r\n\r\nanswer=" % _cookie(browser), b"a", BODY_SECONDS,
                 b"HTTP/1.1 408"),
        "chunks": (HEAD + b"Cookie: %s\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nanswer=\r\n" % _cookie(browser),
                   b"1\r\na\r\n", BODY_SECONDS, b"HTTP/1.1 408"),
        "body that was refused": (refused, b"a", BODY_SECONDS, b"HTTP/1.1 "),
    }  # fmt: skip
    with ThreadPoolExecutor(max_workers=len(slow)) as senders:
        waiting = {name: senders.submit(dripped, port, case[0], case[1]) for name, case in slow.items()}
        assert browser.get("/healthz").status == 200
        done = {name: future.result(100) for name, future in waiting.items()}
    for name, (_, _, seconds, said) in slow.items():
        took, received = done[name]
        assert seconds - 1 < took < seconds + STANDSTILL, name
        assert received.startswith(said), name
        assert bool(said) == bool(received), name
    assert done["further head"][1].count(b"HTTP/1.1 408") == 1
    assert stage.installation.participation(browser).answers["why"] == "The sea"
    stage.no_traceback()


def _cookie(browser: Browser) -> bytes:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items()).encode()


@pytest.mark.parametrize("path", PATHS.values())
def test_a_client_that_goes_away_in_the_middle_is_no_fault_of_ours(stage: Stage, browser: Browser, path: str) -> None:
    begun = b"POST %s HTTP/1.1\r\nHost: play.example\r\nOrigin: %s\r\n" % (path.encode(), PUBLIC.encode())
    begun += b"Content-Type: application/x-www-form-urlencoded\r\nCookie: %s\r\nContent-Length: 500\r\n\r\nanswer=cut"
    before = len(stage.installation.logged("request"))
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", browser.port), timeout=60) as connection:
            connection.sendall(begun % _cookie(browser))
            time.sleep(0.02)
    until = time.monotonic() + 60
    while len(stage.installation.logged("request")) < before + 5:
        assert time.monotonic() < until, "each was answered, or was seen to have gone"
        time.sleep(0.05)
    stage.no_traceback()
    assert "ClientDisconnect" not in stage.installation.log()
    assert stage.installation.participation(browser).answers["why"] == "The sea"

"""The browser is a witness that can be believed: it sees failures, reaches loopback alone, and starts fresh."""

import queue
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.browser import Witness, block_third_party_cookies, come_to_pass, is_this_machine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PAGES = {
    "/favicon.ico": " ",
    "/": "<h1>Hello</h1><script>document.title = navigator.language + ' ' + innerWidth</script>",
    "/broken": "<script>throw new Error('broken')</script>",
    "/policy": "<script>document.title = 'ran'</script>",
    "/stranger": "<img src='https://stranger.example/pixel.png' alt=''>",
    "/frame": "cookie: {cookie}",
    "/embedding": "<iframe src='http://inner.localhost:{port}/frame'></iframe>",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        template = PAGES.get(self.path, "")
        port = self.headers["Host"].rpartition(":")[2]
        html = template.replace("{cookie}", self.headers.get("Cookie", "none")).replace("{port}", port)
        self.send_response(200 if template else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.path == "/policy":
            self.send_header("Content-Security-Policy", "default-src 'none'")
        if self.path == "/frame":
            self.send_header("Set-Cookie", "seen=yes; Secure; SameSite=None; Path=/")
        self.end_headers()
        self.wfile.write(f"<!doctype html>{html}".encode())

    def log_message(self, *_: object) -> None:
        """Says nothing: the tests look at the browser."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_fresh_page_is_british_and_runs_scripts(page: "Page", witness: Witness, port: int) -> None:
    page.goto(f"http://localhost:{port}/")
    assert page.title().startswith("en-GB")
    assert page.context.cookies() == []
    assert witness.console_errors == []


def test_phone_is_narrow(phone_page: "Page", port: int) -> None:
    phone_page.goto(f"http://play.test:{port}/")
    assert phone_page.evaluate("[screen.width, navigator.maxTouchPoints > 0]") == [390, True]


def test_plain_page_runs_no_script(plain_page: "Page", port: int) -> None:
    plain_page.goto(f"http://127.0.0.1:{port}/")
    assert plain_page.title() == ""


def test_missing_page_is_a_console_error(page: "Page", witness: Witness, port: int) -> None:
    page.goto(f"http://localhost:{port}/nowhere")
    come_to_pass(page, lambda: witness.console_errors)
    assert ["404" in message for message in witness.console_errors] == [True]
    witness.check()


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/broken", "page_errors"), ("/policy", "policy_violations"), ("/stranger", "strangers")],
)
def test_faults_fail_the_journey(page: "Page", witness: Witness, port: int, path: str, seen: str) -> None:
    page.goto(f"http://localhost:{port}{path}")
    come_to_pass(page, lambda: getattr(witness, seen))
    with pytest.raises(pytest.fail.Exception):
        witness.check()
    assert len(getattr(witness, seen)) == 1
    getattr(witness, seen).clear()


def test_stranger_is_not_reached(page: "Page", witness: Witness, port: int) -> None:
    page.goto(f"http://localhost:{port}/stranger")
    come_to_pass(page, lambda: witness.failed_requests)
    assert "ERR_NAME_NOT_RESOLVED" in witness.failed_requests[0]
    witness.strangers.clear()


def cookie_in_frame(page: "Page", port: int) -> str:
    """What the framed site gets back of the cookie that it set."""
    for _ in range(2):
        page.goto(f"http://outer.localhost:{port}/embedding")
        text = page.frame_locator("iframe").locator("body").inner_text()
    return text


def test_lenient_page_accepts_third_party_cookies(lenient_page: "Page", port: int) -> None:
    assert cookie_in_frame(lenient_page, port) == "cookie: seen=yes"


def test_strict_page_blocks_third_party_cookies(strict_page: "Page", port: int) -> None:
    assert cookie_in_frame(strict_page, port) == "cookie: none"
    for _ in range(2):
        strict_page.goto(f"http://inner.localhost:{port}/frame")
    assert strict_page.inner_text("body") == "cookie: seen=yes"


def test_blocking_works_whatever_the_profile_says(lenient_page: "Page", port: int) -> None:
    assert cookie_in_frame(block_third_party_cookies(lenient_page), port) == "cookie: none"


def test_two_people_share_nothing(open_context: "Callable[..., BrowserContext]", port: int) -> None:
    first, second = open_context(), open_context(locale="fr-FR")
    first.new_page().goto(f"http://inner.localhost:{port}/frame")
    assert [cookie.get("name") for cookie in first.cookies()] == ["seen"]
    assert second.cookies() == []


def test_a_page_that_is_late_has_one_more_chance_and_nothing_else_has(
    page: "Page", port: int, request: pytest.FixtureRequest
) -> None:
    once_more = request.node.get_closest_marker("flaky")
    assert once_more is not None
    assert once_more.kwargs["reruns"] == 1
    [pattern] = once_more.kwargs["only_rerun"]
    page.goto(f"http://localhost:{port}/")
    late: tuple[Callable[[], object], ...] = (
        lambda: page.locator("h2").wait_for(timeout=1),
        lambda: page.wait_for_url("**/nowhere", timeout=1),
        lambda: page.wait_for_event("popup", timeout=1),
    )
    for ask in late:
        assert re.search(pattern, said_by(ask))
    wrong: tuple[Callable[[], object], ...] = (
        lambda: page.locator("h1, script").inner_text(),
        lambda: page.evaluate("nothing"),
        lambda: queue.Queue[None]().get(timeout=0),
        lambda: Future[None]().result(timeout=0),
    )
    for ask in wrong:
        assert not re.search(pattern, said_by(ask))


def said_by(ask: Callable[[], object]) -> str:
    """What goes wrong, as the rule for a second chance reads it."""
    try:
        ask()
    except Exception as error:  # whatever it is: the rule looks at all of them
        return f"{type(error).__name__}: {error}"
    raise AssertionError("nothing went wrong")


def test_browser_stays_open_for_the_file(browser: "Browser") -> None:
    assert browser.is_connected()
    assert browser.contexts == []


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8000/", True),
        ("https://play.localhost/", True),
        ("http://brand.test:1/", True),
        ("http://127.0.0.2/", True),
        ("http://[::1]:80/", True),
        ("data:,", True),
        ("http://localhost.example/", False),
        ("https://10.0.0.1/", False),
        ("wss://example.com/", False),
    ],
)
def test_is_this_machine(url: str, here: bool) -> None:
    assert is_this_machine(url) is here

"""A real browser for journeys: the system's Chromium, driven by Playwright, on loopback only.

A journey is a synchronous test that takes `page`, or `phone_page`, `plain_page` (no JavaScript), or `open_context` for
several people or other options. Browsers differ in what they do with third-party cookies, and versions of one browser,
too: a journey in a frame takes `strict_page` (blocked) or `lenient_page` (accepted). The browser lives as long as one
test file: while Playwright's synchronous interface is open no asynchronous test can run, so a file holds journeys or
asynchronous tests, not both.

    def test_play(page: Page, server: Server) -> None:
        page.goto(f"{server.url}/c/quiz")
        page.get_by_role("button", name="Start").click()

A busy machine is no fault of a page: whatever a browser tells is waited for (an address, an element, a load state, a
call), never given a fixed time. A press right after a page came can be there before its script: where the script
matters, wait for the address or the load state first. A fixed wait shows only that something does not happen.

At the end a journey fails when a script of a page failed, when a page broke its own content security policy, or when
anything asked for another host than this machine. Names in `.localhost` and `.test` (RFC 6761) are this machine.
"""

import ipaddress
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests import parts

if TYPE_CHECKING:  # the browser's driver is loaded only by tests that need it
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError

ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, "
    "EXCLUDE 127.0.0.1, EXCLUDE [::1]",
)
"""Nothing leaves this machine, not even from a worker or a prefetch. Intercepting requests instead would switch off the
browser's cache, and with it what Back does for a participant."""

PERSON: dict[str, Any] = {"locale": "en-GB", "timezone_id": "Europe/Paris"}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
SECONDS = 30
"""How long a page may take to show what a journey waits for."""
LONGEST = 300
"""Seconds after which a test with a browser hangs: with its file's servers, and with its second chance."""


@dataclass  # without slots: Playwright keeps its wrappers of bound methods on the object
class Witness:
    """What a browser said while a journey went on. Lists that a journey expects to be filled, it clears itself."""

    console_errors: list[str] = field(default_factory=list)
    """Messages of the level "error": failed requests, among others."""
    failed_requests: list[str] = field(default_factory=list)
    """Requests without an answer, as `METHOD address: reason`."""
    page_errors: list[str] = field(default_factory=list)
    """Exceptions that no script caught."""
    policy_violations: list[str] = field(default_factory=list)
    """What a content security policy kept from happening."""
    strangers: list[str] = field(default_factory=list)
    """Addresses on other machines that something asked for. They were not reached."""
    contexts: "list[BrowserContext]" = field(default_factory=list)
    """The browsers that are watched."""

    def watch(self, context: "BrowserContext") -> None:
        """Listens to all pages of the context, also those that open later."""
        self.contexts.append(context)
        context.on("console", self._console)
        context.on("weberror", self._page_error)
        context.on("request", self._request)
        context.on("requestfailed", self._request_failed)

    def check(self) -> None:
        """Fails the test when something happened that must not."""
        faults = {
            "scripts failed": self.page_errors,
            "the content security policy was broken": self.policy_violations,
            "other machines were asked for": self.strangers,
        }
        found = [f"{name}: {'; '.join(seen)}" for name, seen in faults.items() if seen]
        if found:
            pytest.fail("In the browser " + ", and ".join(found), pytrace=False)

    def shown(self) -> Iterator[str]:
        """The address and the text of every page and frame that is open now, and what the browser complained of."""
        for frame in (frame for context in self.contexts for page in context.pages for frame in page.frames):
            try:
                yield f"{frame.url}\n{frame.locator('body').inner_text(timeout=1000)}\n"
            except Exception as error:  # a page that is gone, or on its way: its address is what there is to tell
                yield f"{frame.url}: {type(error).__name__}\n"
        yield from self.console_errors
        yield from self.failed_requests

    def _console(self, message: "ConsoleMessage") -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.policy_violations.append(message.text)
        elif message.type == "error":
            self.console_errors.append(message.text)

    def _page_error(self, error: "WebError") -> None:
        self.page_errors.append(str(error.error))

    def _request(self, request: "Request") -> None:
        if not is_this_machine(request.url):
            self.strangers.append(request.url)

    def _request_failed(self, request: "Request") -> None:
        self.failed_requests.append(f"{request.method} {request.url}: {request.failure}")


def watched(context: "BrowserContext", witness: Witness) -> "BrowserContext":
    """The context, with its witness and with patience for a busy machine."""
    context.set_default_timeout(SECONDS * 1000)
    witness.watch(context)
    return context


def come_to_pass(page: "Page", happened: Callable[[], object]) -> None:
    """Waits until something is so that no page shows, but a program hears: a message, a call, a row, a line of a log.

    It counts turns and not the time, so that a machine that stands still for a while takes nothing from it.
    """
    for _ in range(SECONDS * 20):
        if happened():
            return
        page.wait_for_timeout(50)
    pytest.fail(f"it did not happen; now at {page.url}")


def is_this_machine(url: str) -> bool:
    """Whether an address is on loopback, or on no network at all (`data:`, `blob:`, `about:`)."""
    parts_of_url = urlsplit(url)
    if parts_of_url.scheme not in ("http", "https", "ws", "wss"):
        return True
    host = parts_of_url.hostname or ""
    if host.rpartition(".")[2] in ("localhost", "test"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def running_browser() -> Iterator["Browser"]:
    """Chromium without a window, with no profile of anybody's."""
    program = parts.require(parts.CHROMIUM)
    parts.require(parts.DRIVER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A page that did not come within its time, on a machine that is busy, gets one more chance; the summary names it
    as run again. Anything else that goes wrong in a browser fails at once."""
    once_more = pytest.mark.flaky(reruns=1, only_rerun=[r"^TimeoutError: .*Timeout \d+ms exceeded"])
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(once_more)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the tests that were run again, so that one that often needs it is seen."""
    for report in terminalreporter.stats.get("rerun", []):
        said = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
        terminalreporter.write_line(f"RUN AGAIN: {report.nodeid}: {said.splitlines()[0] if said else report.when}")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """The browser of this test file."""
    with running_browser() as running:
        yield running


@pytest.fixture
def witness() -> Iterator[Witness]:
    """What all browsers of this test said; checked when the test ends."""
    seen = Witness()
    yield seen
    seen.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A journey that failed tells what its windows showed at the end: on another machine nobody can look."""
    report = yield
    if report.when == "call" and report.failed:
        seen = getattr(item, "funcargs", {}).get("witness")
        if isinstance(seen, Witness):
            report.sections.append(("What the windows showed", "\n".join(seen.shown())))
    return report


@pytest.fixture
def open_context(browser: "Browser", witness: Witness) -> Iterator[Callable[..., "BrowserContext"]]:
    """Opens one more person's browser: `open_context(locale="fr-FR")`; the options are those of `new_context`."""
    with ExitStack() as stack:

        def opened(**options: Any) -> "BrowserContext":
            context = browser.new_context(**{**PERSON, **options})
            stack.callback(context.close)
            return watched(context, witness)

        yield opened


@pytest.fixture
def context(open_context: Callable[..., "BrowserContext"]) -> "BrowserContext":
    """A fresh browser: no cookies, British English."""
    return open_context()


@pytest.fixture
def page(context: "BrowserContext") -> "Page":
    """A window in a fresh browser."""
    return context.new_page()


@pytest.fixture
def phone_page(open_context: Callable[..., "BrowserContext"]) -> "Page":
    """A window of a phone's size, with touch."""
    return open_context(**PHONE).new_page()


@pytest.fixture
def plain_page(open_context: Callable[..., "BrowserContext"]) -> "Page":
    """A window in a browser that runs no JavaScript."""
    return open_context(java_script_enabled=False).new_page()


@pytest.fixture
def strict_page(open_context: Callable[..., "BrowserContext"]) -> "Page":
    """A window in a browser that blocks third-party cookies."""
    return block_third_party_cookies(open_context().new_page())


@pytest.fixture
def lenient_page(browser: "Browser", witness: Witness, tmp_path: Path) -> Iterator["Page"]:
    """A window in a browser that accepts third-party cookies: a setting of a profile on disk."""
    settings = tmp_path / "profile" / "Default" / "Preferences"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}))
    context = browser.browser_type.launch_persistent_context(
        settings.parent.parent, executable_path=parts.require(parts.CHROMIUM), args=ARGUMENTS, **PERSON
    )
    with closing(watched(context, witness)):
        yield context.new_page()


def block_third_party_cookies(page: "Page") -> "Page":
    """Makes a window, not yet used, treat cookies as browsers do that block those of other sites in frames."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )
    return page

"""A real browser by TLS, as in a real installation: who holds the key of a participation, and who does not.

The installation is one host of a site; another host of the same site is somebody else's.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.bad_input.stage import follow
from tests.browser import Witness, come_to_pass
from tests.installation import Installation, free_port
from tests.journeys.logins import Login, practice_login
from tests.journeys.quiz import QUIZ, answer_questions, choose, go_to_the_login
from tests.journeys.test_practice_provider import where_the_login_leads
from tests.journeys.tls_front import tls_front
from tests.web.running import Browser

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    OpenContext = Callable[..., BrowserContext]

FORM = re.compile("/c/quiz/details$")
NAME = "__Host-entracte-quiz"
EMAIL = "ana@example.com"


@dataclass
class Site:
    """The installation by TLS, and its neighbour: another host of the same site, by the same front."""

    installation: Installation
    login: Login
    port: int

    @property
    def url(self) -> str:
        return f"https://play.brand.test:{self.port}"

    @property
    def quiz(self) -> str:
        return f"{self.url}/c/quiz"

    @property
    def neighbour(self) -> str:
        return f"https://evil.brand.test:{self.port}"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    with ExitStack() as stack:
        front = stack.enter_context(tls_front(port))
        installation = Installation(
            tmp_path_factory.mktemp("tls"), port=port, public_url=f"https://play.brand.test:{front}"
        )
        login = stack.enter_context(practice_login(installation.redirect_uri, 1.0))
        installation.connect(login.issuer, profile_source="userinfo")
        installation.publish(QUIZ)
        stack.enter_context(installation)
        yield Site(installation, login, front)


@pytest.fixture
def somebody(open_context: "OpenContext") -> Callable[[], "Page"]:
    """A window in a fresh browser that takes the certificate of the tests."""
    return lambda: open_context(ignore_https_errors=True).new_page()


def key_of(page: "Page") -> str:
    [cookie] = [one for one in page.context.cookies() if one.get("name") == NAME]
    return str(cookie.get("value"))


def sign_in(page: "Page", site: Site) -> None:
    answer_questions(page, site.quiz)
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    assert page.get_by_label("E-mail", exact=True).input_value() == EMAIL


def seen(page: "Page", site: Site) -> str:
    """All that the pages say to a program with the cookies of this browser, behind the front."""
    held = {str(one.get("name")): str(one.get("value")) for one in page.context.cookies(site.url)}
    program = Browser(site.installation.port, held)
    paths = ("", "/details", "/sign-in", "/sign-in/mishap", "/thanks", "/why")
    return "\n".join(follow(program, f"/c/quiz{path}").body for path in paths)


@pytest.mark.conformance("MUST 12")
def test_the_cookie_is_of_this_host_and_no_script_reads_it(tls: Site, somebody: Callable[[], "Page"]) -> None:
    page = somebody()
    answer_questions(page, tls.quiz)
    [cookie] = page.context.cookies()
    assert (cookie.get("name"), cookie.get("domain"), cookie.get("path")) == (NAME, "play.brand.test", "/")
    assert (cookie.get("secure"), cookie.get("httpOnly"), cookie.get("sameSite")) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""


@pytest.mark.conformance("MUST 12", "BAD 6")
def test_another_host_of_the_site_tosses_no_key_into_this_one(tls: Site, somebody: Callable[[], "Page"]) -> None:
    """The attacker's own key, set for the whole site by the neighbour: the browser does not take it under our name, and
    what it does take says nothing to us."""
    attacker, victim = somebody(), somebody()
    answer_questions(attacker, tls.quiz)
    victim.goto(f"{tls.neighbour}/healthz")
    for name in (NAME, NAME.lower(), "entracte-quiz", f" {NAME}", f"{NAME} ", f"={NAME}"):
        for more in ("; Domain=brand.test; Path=/; Secure", "; Domain=brand.test; Path=/c/quiz; Secure", "; Path=/"):
            victim.evaluate("cookie => { document.cookie = cookie }", f"{name}={key_of(attacker)}{more}")
    victim.goto(f"{tls.quiz}/why")
    victim.get_by_role("button", name="Start").wait_for()
    sign_in(victim, tls)
    assert key_of(victim) != key_of(attacker)
    assert EMAIL not in seen(attacker, tls)


@pytest.mark.conformance("MUST 13", "BAD 7")
def test_the_cookie_from_before_the_sign_in_shows_nothing_after_it(tls: Site, somebody: Callable[[], "Page"]) -> None:
    page, thief = somebody(), somebody()
    answer_questions(page, tls.quiz)
    before = key_of(page)
    thief.context.add_cookies([{"name": NAME, "value": before, "url": tls.url, "secure": True}])
    assert "Because of the sea." in seen(thief, tls), "it was of use"
    thief.context.add_cookies([{"name": NAME, "value": before, "url": tls.url, "secure": True}])
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    assert key_of(page) != before
    assert EMAIL not in seen(thief, tls)


@pytest.mark.conformance("MUST 1", "BAD 1")
def test_the_attackers_code_in_the_victims_browser_signs_nobody_in(tls: Site, somebody: Callable[[], "Page"]) -> None:
    """The attacker stops before the return; the victim, who plays as well, follows the link."""
    attacker, victim = somebody(), somebody()
    answer_questions(attacker, tls.quiz)
    go_to_the_login(attacker)
    callback = where_the_login_leads(attacker, "Ana Lopez")
    answer_questions(victim, tls.quiz)
    answer = victim.goto(callback)
    assert answer is not None
    assert answer.status == 400
    assert EMAIL not in seen(victim, tls)
    assert "Because of the sea." in seen(victim, tls), "the victim's own participation is where it was"


@pytest.mark.conformance("BAD 49")
def test_a_second_person_at_the_same_machine_sees_nothing_of_the_first(
    tls: Site, somebody: Callable[[], "Page"]
) -> None:
    """The cookie is gone, the window is the same: neither an address nor Back shows what the first one saw."""
    page = somebody()
    sign_in(page, tls)
    page.goto(f"{tls.url}/healthz")
    page.context.clear_cookies()
    page.go_back()
    page.get_by_role("button", name="Start").wait_for()
    assert EMAIL not in page.content()
    assert EMAIL not in seen(page, tls)
    page.goto(f"{tls.quiz}/details")
    page.get_by_role("button", name="Start").wait_for()
    assert EMAIL not in page.content()


@pytest.mark.conformance("MUST 54")
def test_no_address_hears_of_the_code(tls: Site, somebody: Callable[[], "Page"]) -> None:
    """No request has it in its Referer, no page as its referrer, and the history does not keep it."""
    page = somebody()
    asked: list[tuple[str, str]] = []

    def ask(request: object) -> None:
        asked.append((request.url, str(request.headers.get("referer", ""))))  # type: ignore[attr-defined]

    page.on("request", ask)
    sign_in(page, tls)
    with_code = [url for url, _ in asked if "code=" in url]
    assert len(with_code) >= 2
    assert not [referer for _, referer in asked if "code=" in referer or "state=" in referer]
    assert "code=" not in page.evaluate("document.referrer")
    page.go_back()
    page.wait_for_load_state()
    assert "code=" not in page.url


@pytest.mark.conformance("MUST 55")
@pytest.mark.parametrize(
    "path", ["/c/quiz", "/c/quiz/sign-in", "/oauth/callback", "/oauth/callback?state=x", "/manage"]
)
def test_a_neighbour_frames_none_of_our_pages(
    tls: Site, somebody: Callable[[], "Page"], witness: Witness, path: str
) -> None:
    page = somebody()
    page.goto(f"{tls.neighbour}/healthz")
    page.evaluate(
        "address => new Promise(done => { const frame = document.createElement('iframe'); frame.src = address;"
        " frame.onload = done; document.body.append(frame) })",
        f"{tls.url}{path}",
    )
    [frame] = page.frames[1:]
    come_to_pass(page, lambda: frame.url.startswith("chrome-error:"))
    come_to_pass(page, lambda: witness.policy_violations or witness.console_errors)
    witness.policy_violations.clear()

"""The whole of the web over real sockets: the headers of every answer, what is refused before anything is looked up,
and what nobody gets to see."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.manage import add_organization
from entracte.organizations.model import Brand
from entracte.participation.model import Entry
from entracte.protocol.errors import Reason
from entracte.protocol.seal import SealKeys
from entracte.protocol.state import StateContent, read_state, seal_state
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, ParticipationId, Secret, entropy, now
from entracte.web.app import Operations, application
from entracte.web.directory import FRESH, Directory
from entracte.web.visits import Services
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.participation.test_keys import SOMEBODY
from tests.web.reading import check_page
from tests.web.running import (
    BRAND,
    FORM,
    FRAMED_QUIZ,
    PUBLIC,
    Answer,
    Browser,
    Running,
    ask,
    ask_raw,
    redirected,
    running,
    served,
    target_of,
)


@pytest.fixture(scope="module")
def provider() -> Iterator[MisbehavingProvider]:
    with served_misbehaving_provider() as serving:
        yield serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: MisbehavingProvider) -> Iterator[Running]:
    """Two organizations; the quiz, one that is over, and one without a frame."""
    with running(tmp_path_factory.mktemp("site")) as started:
        started.connect(provider)
        started.publish(FRAMED_QUIZ)
        started.publish(QUIZ.replace("campaign: quiz", "campaign: over\ncloses: 2020-01-01"))
        started.publish(QUIZ.replace("campaign: quiz", "campaign: not-framed"))
        others = started.work(
            lambda store: add_organization(
                store.organizations, "other", "Other", Brand(), started.program.keys, entropy
            )
        )
        started.publish(QUIZ.replace("campaign: quiz", "campaign: of-others"), others)
        yield started


@pytest.fixture
def browser(site: Running) -> Browser:
    return site.browser()


@pytest.fixture(scope="module")
def waiting(site: Running) -> tuple[Browser, str]:
    """A browser whose login goes on, for returns that leave it so; and its state."""
    browser = site.browser()
    browser.answer_questions()
    return browser, state_of(browser.go_to_the_login())


@pytest.fixture
def at_the_login(browser: Browser, provider: MisbehavingProvider) -> Browser:
    """A browser that is at the login; the provider has not been asked for anything yet."""
    browser.answer_questions()
    provider.requests.clear()
    return browser


# What every page says (MUST 54, MUST 55)


def check_headers(answer: Answer) -> None:
    assert answer["cache-control"] == "no-store"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["referrer-policy"] in ("no-referrer", "same-origin")
    assert not answer.has("server")
    if answer["content-type"].startswith("text/html"):
        policy = dict(part.strip().split(" ", 1) for part in answer["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["base-uri"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert answer["x-frame-options"] == "DENY"
        nonce = check_page(answer.body).one("style")["nonce"]
        assert policy["style-src"] == f"'nonce-{nonce}'"


def _answered(browser: Browser) -> Browser:
    browser.answer_questions()
    return browser


PAGES: dict[str, Callable[[Browser], Answer]] = {
    "start": lambda browser: browser.get("/c/quiz"),
    "question": lambda browser: _answered(browser).get("/c/quiz/song"),
    "question with a problem": lambda browser: _answered(browser).post("/c/quiz/song"),
    "sign-in": lambda browser: _answered(browser).get("/c/quiz/sign-in"),
    "no such campaign": lambda browser: browser.get("/c/no-such-campaign"),
    "no such address": lambda browser: browser.get("/nothing/here"),
    "closed": lambda browser: browser.get("/c/over"),
    "no cookie": lambda browser: browser.post("/c/quiz/song", [("answer", "b")]),
    "callback without a state": lambda browser: browser.get("/oauth/callback"),
    "return without a state": lambda browser: browser.get("/c/quiz/sign-in/return"),
    "unreadable form": lambda browser: (browser.get("/c/quiz"), browser.post("/c/quiz/hello", [("a", "\0")]))[1],
}
STATUS = {
    "question with a problem": 422,
    "no such campaign": 404,
    "no such address": 404,
    "closed": 410,
    "no cookie": 400,
    "callback without a state": 400,
    "return without a state": 400,
    "unreadable form": 400,
}


@pytest.mark.conformance("MUST 54", "MUST 55")
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_sent_with_the_headers_that_guard_it(browser: Browser, name: str) -> None:
    answer = PAGES[name](browser)
    assert answer.status == STATUS.get(name, 200)
    assert answer["content-type"] == "text/html; charset=utf-8"
    check_headers(answer)


@pytest.mark.conformance("MUST 54")
def test_a_nonce_is_never_used_twice(browser: Browser) -> None:
    browser.get("/c/quiz")
    policies = {browser.get("/c/quiz/hello")["content-security-policy"] for _ in range(5)}
    assert len(policies) == 5


@pytest.mark.conformance("MUST 54")
def test_every_redirect_is_303_and_tells_no_address_on(at_the_login: Browser) -> None:
    """MUST 54: from the start to the form, no 307, nothing cached, no referrer."""
    browser = at_the_login
    seen = [browser.post("/c/quiz/hello"), browser.get("/c/quiz"), browser.post("/c/quiz/sign-in")]
    assert seen[-1]["location"].startswith("http://127.0.0.1")
    callback = browser.get(target_of(redirected(seen[-1]["location"])))
    seen += [callback, browser.get(callback.path), browser.get("/c/quiz/song?lang=fr")]
    assert [answer.status for answer in seen] == [303, 303, 303, 303, 303, 200]
    for answer in seen[:-1]:
        assert answer["referrer-policy"] == "no-referrer"
        assert answer["cache-control"] == "no-store"
        assert answer["x-content-type-options"] == "nosniff"
    assert callback["location"].startswith(f"{PUBLIC}/c/quiz/sign-in/return?")
    assert "?" not in seen[4]["location"], "the address with the code leaves the history"


@pytest.mark.conformance("MUST 12")
def test_cookies_on_tls_are_host_cookies(browser: Browser) -> None:
    """MUST 12."""
    [line] = browser.get("/c/quiz").set_cookies
    name, _, rest = line.partition("=")
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}
    assert name == "__Host-entracte-quiz"
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


def test_another_method_is_405_with_the_ones_that_are_taken(site: Running) -> None:
    for target, method, allowed in (
        ("/oauth/callback", "DELETE", {"GET", "HEAD", "POST"}),
        ("/oauth/callback/1-1/fragment", "GET", {"POST"}),
        ("/c/quiz/sign-in/return", "POST", {"GET", "HEAD"}),
        ("/c/quiz", "DELETE", {"GET", "HEAD"}),
        ("/healthz", "PUT", {"GET", "HEAD"}),
    ):
        answer = site.ask(target, method)
        if target == "/c/quiz/sign-in/return":
            assert answer.status in (404, 405)
            continue
        assert answer.status == 405, target
        assert set(answer["allow"].split(", ")) == allowed
        assert answer["x-content-type-options"] == "nosniff"


# Who sees what


def test_there_is_no_difference_between_not_there_and_not_yours(site: Running) -> None:
    """A campaign that was never there, an address below it, a frame of a campaign that has none: byte for byte the
    same page."""
    targets = ("/c/never", "/c/never/song", "/c/never/sign-in", "/c/not-framed/in?page=x", "/c/not-framed/in/KEY", "/x")
    answers = [site.ask(target) for target in targets]
    assert {answer.status for answer in answers} == {404}
    pages = {check_page(answer.body).one("main").text for answer in answers}
    assert len(pages) == 1
    assert "There is nothing at this address." in pages.pop()


@pytest.mark.conformance("MUST 48")
def test_the_key_of_one_campaign_is_nobody_at_another(site: Running, browser: Browser) -> None:
    """MUST 48, across campaigns and organizations."""
    browser.answer_questions()
    key = browser.cookies["__Host-entracte-quiz"]
    for other in ("not-framed", "of-others"):
        stranger = site.browser()
        stranger.cookies[f"__Host-entracte-{other}"] = key
        assert stranger.get(f"/c/{other}/why").path == f"/c/{other}"


def test_a_campaign_that_is_over_says_so_calmly(site: Running, browser: Browser) -> None:
    answer = browser.get("/c/over")
    assert answer.status == 410
    assert "This campaign is over." in answer.body
    assert answer.set_cookies == []
    french = site.browser("fr-BE").get("/c/over")
    assert "a pris fin le 1 janvier 2020" in french.body or "1 janvier 2020" in french.body


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://play.example", "https://play.example.evil"])
def test_a_post_from_another_origin_is_not_taken(site: Running, browser: Browser, origin: str) -> None:
    browser.get("/c/quiz")
    browser.post("/c/quiz/hello")
    answer = browser.post("/c/quiz/song", [("answer", "b")], origin=origin)
    assert (answer.status, answer.path) == (303, "/c/quiz/song")
    assert browser.get("/c/quiz").path == "/c/quiz/song", "it was not kept"
    guest = site.browser()
    guest.answer_questions()
    guest.post("/c/quiz/guest", origin=origin)
    assert guest.get("/c/quiz").path == "/c/quiz/sign-in"
    assert guest.post("/c/quiz/sign-in", origin=origin).path == "/c/quiz/sign-in"


def test_a_browser_that_keeps_no_cookie_is_told_so(site: Running) -> None:
    """Its answer can not be kept, and it is not sent around in a circle."""
    for language, title in (("en", "Your browser did not keep your place."), ("fr", "n’a pas gardé votre place")):
        browser = site.browser(language)
        browser.get("/c/quiz")
        browser.cookies.clear()
        answer = browser.post("/c/quiz/hello", [("answer", "")])
        assert answer.status == 400
        document = check_page(answer.body)
        assert title in document.one("h1").text
        assert document.one("a", class_="button primary")["href"] == "/c/quiz"
        assert document.one("html")["lang"] == language
        assert not answer.set_cookies


def test_a_key_that_does_not_open_starts_anew_and_is_not_an_error(browser: Browser) -> None:
    browser.cookies["__Host-entracte-quiz"] = "A" * 50
    assert browser.post("/c/quiz/hello").path == "/c/quiz"
    assert browser.get("/c/quiz").status == 200


# Who only looks


LOOKING: list[tuple[str, list[tuple[str, str]], int]] = [
    ("HEAD", [], 200),
    ("GET", [("Sec-Purpose", "prefetch")], 503),
    ("GET", [("Sec-Purpose", "prefetch;prerender")], 503),
    ("GET", [("Purpose", "prefetch")], 503),
]


@pytest.mark.parametrize(("method", "headers", "status"), LOOKING)
@pytest.mark.parametrize("target", ["/c/quiz", f"/c/quiz/in?{urlencode({'page': BRAND + '/'})}"])
def test_who_only_looks_starts_nothing(
    site: Running, target: str, method: str, headers: list[tuple[str, str]], status: int
) -> None:
    before = participations(site)
    answer = site.ask(target, method, headers)
    assert answer.status == status
    assert answer.set_cookies == []
    assert answer["cache-control"] == "no-store"
    assert participations(site) == before


@pytest.mark.parametrize(("method", "headers", "status"), LOOKING)
def test_who_only_looks_uses_no_code_up(
    at_the_login: Browser,
    provider: MisbehavingProvider,
    method: str,
    headers: list[tuple[str, str]],
    status: int,
) -> None:
    """A preview of the return address, by a browser that has the cookies."""
    browser = at_the_login
    back = browser.get(target_of(redirected(browser.go_to_the_login()))).path
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    answer = ask(browser.port, back, method, [*headers, ("Cookie", cookies)])
    assert answer.status == status
    assert provider.calls("/token") == []
    assert browser.get(back).path == "/c/quiz/details"
    assert browser.get("/c/quiz").path == "/c/quiz/details"


def participations(site: Running) -> int:
    with sqlite3.connect(site.database) as database:
        count: int = database.execute("SELECT count(*) FROM participation").fetchone()[0]
    database.close()
    return count


# The return


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


def sealed(site: Running, keys: SealKeys | None = None, *, issued_at: int | None = None) -> str:
    """A state of this installation, of nobody."""
    content = StateContent(
        CampaignNumber(1),
        ConnectionNumber(1),
        ParticipationId(SOMEBODY),
        AttemptNumber(5),
        now() if issued_at is None else issued_at,
    )
    return seal_state(content, keys or site.program.keys)


def altered(state: str) -> str:
    return ("B" if state[20] != "B" else "C").join((state[:20], state[21:]))


CALLBACKS: dict[str, Callable[[str], str]] = {
    "nothing": lambda state: "",
    "an ampersand": lambda state: "&",
    "no state": lambda state: "code=abc",
    "an empty state": lambda state: "code=abc&state=",
    "the state twice": lambda state: f"code=abc&state={state}&state={state}",
    "the state twice, once encoded": lambda state: f"code=abc&state={state}&%73tate={state}",
    "a state that was cut": lambda state: f"code=abc&state={state[:-1]}",
    "a state that was lengthened": lambda state: f"code=abc&state={state}A",
    "a state that was altered": lambda state: f"code=abc&state={altered(state)}",
    "a state in capitals": lambda state: f"code=abc&state={state.upper()}",
    "a made-up state": lambda state: f"code=abc&state={'A' * 64}",
    "a state under no key of ours": lambda state: f"code=abc&state={sealed_elsewhere(2)}",
    "a state under another installation's key": lambda state: f"code=abc&state={sealed_elsewhere(1)}",
    "the code twice": lambda state: f"code=abc&code=def&state={state}",
    "iss twice": lambda state: f"code=abc&iss=a&iss=b&state={state}",
    "a query of 17 KB": lambda state: f"code={'a' * 17_000}&state={state}",
    "a broken escape": lambda state: f"code=%zz&state={state}",
    "not UTF-8": lambda state: f"code=%ff%fe&state={state}",
    "a line break": lambda state: f"code=a%0d%0aSet-Cookie:%20a=b&state={state}",
    "51 parameters": lambda state: f"state={state}&" + "&".join(f"p{number}=1" for number in range(51)),
}


def sealed_elsewhere(number: int) -> str:
    content = StateContent(CampaignNumber(1), ConnectionNumber(1), SOMEBODY, AttemptNumber(5), now())
    return seal_state(content, SealKeys(number, {number: b"another installation's key......"}))


@pytest.mark.conformance("MUST 4", "MUST 10", "BAD 3", "BAD 5", "BAD 40", "BAD 50")
@pytest.mark.parametrize("name", CALLBACKS)
def test_a_return_that_names_no_attempt_is_a_calm_page(
    waiting: tuple[Browser, str], provider: MisbehavingProvider, name: str
) -> None:
    """MUST 4, MUST 10; BAD 3, 5, 40, 50: nobody is redirected anywhere, and the token endpoint is not asked."""
    provider.requests.clear()
    browser, state = waiting
    answer = browser.get(f"/oauth/callback?{CALLBACKS[name](state)}")
    assert answer.status == 400
    document = check_page(answer.body)
    assert document.one("p", class_="quote").one("code").text.count("-") == 1
    assert not answer.has("location")
    assert state not in answer.body
    assert [link["href"] for link in document.one("div", class_="ways list").every("a")] == ["/c/quiz"]
    assert provider.calls("/token") == []


def test_a_calm_page_in_french(site: Running) -> None:
    answer = site.ask("/oauth/callback?code=abc", headers=[("Accept-Language", "fr-BE,fr;q=0.9,en;q=0.8")])
    assert check_page(answer.body).one("html")["lang"] == "fr"


MIXED: dict[str, tuple[str, Reason]] = {
    "code beside error": ("code=abc&error=access_denied&iss={issuer}", Reason.RESPONSE_MIXED),
    "neither": ("iss={issuer}", Reason.RESPONSE_MIXED),
    "an access token that nobody asked for": ("code=abc&access_token=canary&iss={issuer}", Reason.RESPONSE_MIXED),
    "an ID token that nobody asked for": ("code=abc&id_token=canary&iss={issuer}", Reason.RESPONSE_MIXED),
    "an answer in a response mode that nobody asked for": ("code=abc&response=canary&iss={issuer}",
                                                           Reason.RESPONSE_MIXED),
    "no iss where it is announced": ("code=abc", Reason.ISSUER_MISSING),
    "an empty iss": ("code=abc&iss=", Reason.ISSUER_MISMATCH),
    "the iss of somebody else": ("code=abc&iss=https://evil.example", Reason.ISSUER_MISMATCH),
}  # fmt: skip


@pytest.mark.conformance("MUST 7", "MUST 11", "BAD 39")
@pytest.mark.parametrize("name", MIXED)
def test_a_wrong_response_to_an_attempt_is_a_mishap_of_that_attempt(
    site: Running, at_the_login: Browser, provider: MisbehavingProvider, name: str
) -> None:
    """MUST 7, MUST 11; BAD 39: recorded with its reason, and no endpoint is called."""
    browser = at_the_login
    state = state_of(browser.go_to_the_login())
    query, reason = MIXED[name]
    callback = browser.get(f"/oauth/callback?{query.format(issuer=provider.issuer)}&state={state}")
    assert callback.status == 303
    assert "canary" not in callback["location"], "a token goes no further"
    answer = browser.get(callback.path)
    assert reason_of(site, state) == reason.code
    assert (answer.status, answer.path) == (303, "/c/quiz/sign-in/mishap")
    assert "Try again" in browser.get("/c/quiz/sign-in/mishap").body
    assert provider.calls("/token") == []


def reason_of(site: Running, state: str) -> str:
    """The reason that was recorded of the attempt of a state."""
    content = read_state(state, site.program.keys)
    kept = site.work(
        lambda store: store.participations.attempt(site.organization.number, content.participation, content.attempt)
    )
    assert kept is not None
    return kept.reason


@pytest.mark.conformance("MUST 54")
@pytest.mark.parametrize("name", ["callback without a state", "return without a state"])
def test_an_address_with_a_code_is_told_to_nobody(browser: Browser, name: str) -> None:
    """MUST 54: not even to our own server, whose proxy may keep it."""
    assert PAGES[name](browser)["referrer-policy"] == "no-referrer"


@pytest.mark.conformance("MUST 54")
def test_an_address_with_a_code_in_another_browser_is_told_to_nobody(
    waiting: tuple[Browser, str], site: Running
) -> None:
    """MUST 54: the code there was not used, and still opens something."""
    answer = site.browser().get(f"/c/quiz/sign-in/return?code=abc&state={waiting[1]}")
    assert (answer.status, answer["referrer-policy"]) == (400, "no-referrer")


AT_ONCE = (
    QUIZ.replace("campaign: quiz", "campaign: at-once")
    .replace("key: details", "key: details\n    submit: when_complete")
    .replace(", kind: checkbox, label: {en: I accept the rules., fr: J’accepte le règlement.}, required: true}",
             ", kind: checkbox, label: Rules}")
)  # fmt: skip
OVER = AT_ONCE.replace("campaign: at-once", "campaign: at-once\ncloses: 2020-01-01")


def test_after_its_last_day_a_campaign_signs_nobody_in_and_takes_no_entry(site: Running, browser: Browser) -> None:
    """One is at the login when the day ends, one before it, and one in a frame."""
    at_once = site.publish(AT_ONCE + f"embed:\n  origins: [{BRAND}]\n")
    entered, late = site.browser(), site.browser()
    entered.answer_questions("/c/at-once")
    entered.sign_in("/c/at-once")

    def entries() -> list[Entry]:
        return site.work(lambda store: store.participations.latest_entries(at_once.organization, at_once.number, 9))

    assert len(entries()) == 1, "the account alone makes an entry"
    browser.answer_questions("/c/at-once")
    late.answer_questions("/c/at-once")
    framed = site.browser().get(f"/c/at-once/in?page={BRAND}/win").path
    way_back = redirected(late.go_to_the_login("/c/at-once"))
    site.publish(OVER + f"embed:\n  origins: [{BRAND}]\n")
    time.sleep(FRESH + 0.1)
    assert late.get(late.get(target_of(way_back)).path).path == "/c/at-once/details"
    for answer in (
        late.get("/c/at-once/details"),
        browser.get("/c/at-once/sign-in"),
        browser.post("/c/at-once/sign-in"),
        browser.post("/c/at-once/guest"),
    ):
        assert answer.status == 410
        assert "is over" in answer.body
    assert len(entries()) == 1
    in_the_frame = site.browser().get(f"{framed}/hello")
    assert in_the_frame.status == 410
    assert f"frame-ancestors {BRAND}" in in_the_frame["content-security-policy"]
    assert not in_the_frame.has("x-frame-options")


@pytest.mark.conformance("MUST 57")
def test_descriptions_of_errors_go_nowhere(at_the_login: Browser) -> None:
    """MUST 57."""
    browser = at_the_login
    state = state_of(browser.go_to_the_login())
    query = urlencode(
        {
            "error": "server_error",
            "error_description": "<b>canary</b>",
            "error_uri": "https://evil.example",
            "state": state,
        }
    )
    callback = browser.get(f"/oauth/callback?{query}")
    assert "canary" not in callback["location"]
    assert "evil" not in callback["location"]
    browser.get(callback.path)
    assert "canary" not in browser.get("/c/quiz/sign-in/mishap").body


@pytest.mark.conformance("MUST 4")
@pytest.mark.parametrize("issued", [1000, -700], ids=["from the future", "expired"])
def test_a_state_of_ours_at_the_wrong_time(site: Running, provider: MisbehavingProvider, issued: int) -> None:
    """Only the state is handed on to its campaign; a browser that did not begin it is told just that."""
    provider.requests.clear()
    state = sealed(site, issued_at=now() + issued)
    callback = site.ask(f"/oauth/callback?{urlencode({'code': 'abc', 'state': state})}")
    assert callback.status == 303
    assert parse_qs(urlsplit(callback["location"]).query) == {"state": [state]}
    answer = site.ask(callback.path)
    assert answer.status == 400
    assert "another browser" in answer.body
    assert provider.requests == []


def test_a_state_of_a_campaign_that_is_gone(site: Running) -> None:
    content = StateContent(CampaignNumber(4_000_000), ConnectionNumber(1), SOMEBODY, AttemptNumber(5), now())
    state = seal_state(content, site.program.keys)
    assert site.ask(f"/oauth/callback?code=abc&state={state}").status == 400


@pytest.mark.conformance("MUST 48")
def test_the_return_of_one_campaign_opens_nothing_at_another(
    at_the_login: Browser, provider: MisbehavingProvider
) -> None:
    """MUST 48: the same browser, the return address of another campaign or of another organization's."""
    browser = at_the_login
    back = browser.get(target_of(redirected(browser.go_to_the_login()))).path
    for other in ("not-framed", "of-others"):
        browser.get(f"/c/{other}")
        answer = browser.get(back.replace("/c/quiz/", f"/c/{other}/"))
        assert answer.status == 400
        assert "another browser" in answer.body
    assert provider.calls("/token") == []
    assert browser.get(back).status == 303
    assert browser.get("/c/quiz").path == "/c/quiz/details"


# The page to come back to (MUST 50)


REFUSED_PAGES = [
    "",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,hello",
    f"http{BRAND.removeprefix('https')}/",
    f"{BRAND}.evil.example/",
    "https://evil-www.northwind.example/",
    "https://evilwww.northwind.example/",
    "https://northwind.example/",
    "https://evil.www.northwind.example/",
    "https://www.northwind.example@evil.example/",
    "https://www.northwind.example:80@evil.example/",
    "https://evil.example\\@www.northwind.example/",
    "https://user@www.northwind.example/",
    "https://www.northwind.example:443/",
    "https://www.northwind.example:8443/",
    "https://WWW.northwind.example/",
    "https://www.northwind.example./",
    "https://www。northwind。example/",
    "https://www.northwind.example\x00/",
    f"{BRAND}/\r\nSet-Cookie: a=b",
    f"{BRAND}/%0a\n",
    f"{BRAND}/\t",
    f" {BRAND}/",
    f"{BRAND} /",
    f"{BRAND}/ü",
    "https://[not-an-ip]/",
    "https://[/",
    f"{BRAND}/{'a' * 2000}",
]


@pytest.mark.conformance("MUST 50")
@pytest.mark.parametrize("page", REFUSED_PAGES)
def test_a_page_to_come_back_to_that_the_campaign_does_not_name(site: Running, page: str) -> None:
    """MUST 50; BAD 29 to 35: no redirect, no participation, no error of ours."""
    before = participations(site)
    answer = site.ask(f"/c/quiz/in?{urlencode({'page': page})}")
    assert answer.status == 400
    assert not answer.has("location")
    assert answer.set_cookies == []
    assert [link["href"] for link in check_page(answer.body).one("main").every("a")] == ["/c/quiz"]
    assert participations(site) == before


@pytest.mark.conformance("MUST 50", "MUST 55")
@pytest.mark.parametrize("page", [BRAND, f"{BRAND}/", f"{BRAND}/win?a=//evil.example#part", f"{BRAND}//evil.example"])
def test_a_page_that_the_campaign_names(site: Running, page: str) -> None:
    """And the pages of the frame say who may frame them (MUST 55)."""
    answer = site.ask(f"/c/quiz/in?{urlencode({'page': page})}")
    assert answer.status == 303
    assert answer.path.startswith("/c/quiz/in/")
    shown = site.ask(site.ask(answer.path).path)
    assert shown.status == 200
    assert f"frame-ancestors {BRAND}" in shown["content-security-policy"]
    assert not shown.has("x-frame-options")
    assert shown.set_cookies == []


@pytest.mark.conformance("MUST 50", "BAD 34")
def test_other_parameters_lead_nowhere(at_the_login: Browser) -> None:
    """BAD 34: there is no parameter for where to go, whatever it is called."""
    browser = at_the_login
    names = ("next", "url", "redirect_uri", "return_to", "target_link_uri", "rd", "page", "start")
    evil = "&" + urlencode(dict.fromkeys(names, "https://evil.example/"))
    back = browser.get(target_of(redirected(browser.go_to_the_login())) + evil)
    assert "evil" not in back["location"]
    assert browser.get(back.path + evil).path == "/c/quiz/details"
    assert browser.get(f"/c/quiz?a=b{evil}").path == "/c/quiz/details"


# What is too much, and what is no HTTP


@pytest.mark.conformance("BAD 38")
def test_a_cookie_header_of_a_megabyte_is_refused_at_once(site: Running) -> None:
    answer = site.ask("/c/quiz", headers=[("Cookie", "a=" + "b" * 1_000_000)])
    assert 400 <= answer.status < 500


@pytest.mark.conformance("BAD 38")
@pytest.mark.parametrize(
    "cookie",
    [
        ";=",
        "=;=;=",
        "__Host-entracte-quiz",
        "__Host-entracte-quiz=",
        "__Host-entracte-quiz=\xff\xfe",
        '__Host-entracte-quiz="\\',
        "; ".join(f"__Host-entracte-c{number}=x" for number in range(1500)),
        "; ".join(f"__Host-entracte_attempt-{number:08x}=x" for number in range(1000)),
        "__Host-entracte-../../evil=x; __Host-entracte-//evil.example=x",
    ],
)
def test_a_crafted_cookie_header_is_nobody(site: Running, cookie: str) -> None:
    """BAD 38."""
    assert site.ask("/c/quiz", headers=[("Cookie", cookie)]).status == 200
    callback = site.ask("/oauth/callback?code=a", headers=[("Cookie", cookie)])
    assert callback.status == 400
    assert "evil" not in callback.body


@pytest.mark.conformance("MUST 59")
@pytest.mark.parametrize("host", ["[", "[not-an-ip]", "evil.example/c/quiz?state=x", "a b", "\xff", "", "a@b:c", "#"])
def test_the_host_header_is_asked_for_nothing(site: Running, host: str) -> None:
    """Addresses of ours are made of the settings alone (MUST 59)."""
    for target, fine in (
        ("/c/quiz", 200),
        ("/oauth/callback?code=a", 400),
        ("/c/quiz/in?page=x", 400),
        ("/x", 404),
        ("/manage", 303),
    ):
        answer = site.ask(target, headers=[("Host", host)])
        assert answer.status in (fine, 400), target
        assert "evil" not in answer.body


@pytest.mark.conformance("MUST 59", "BAD 37")
def test_forwarded_headers_of_strangers_say_nothing(site: Running, browser: Browser) -> None:
    """MUST 59; BAD 37."""
    forged = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Uri", "/healthz"),
        ("Forwarded", "host=evil.example;proto=http"),
        ("X-Original-URL", "/evil"),
    ]
    answer = browser.get("/c/quiz", *forged)
    assert "evil" not in answer.body
    assert "secure" in answer.set_cookies[0].lower()
    assert "evil" not in str(browser.get("/c/quiz/why", *forged).headers)


@pytest.mark.parametrize(
    "target", ["/c/%00", "/c/quiz%00", "/c/%ff", "/c/..%2fmanage", "/c/QUIZ", f"/c/{'a' * 5000}", "/c//"]
)
def test_a_name_that_no_campaign_can_have(site: Running, target: str) -> None:
    assert site.ask(target).status == 404


@pytest.mark.parametrize(
    "target", [b"/oauth/callback?state=\xff", b"/c/\xff", b"/c/quiz?lang=\xff", b"http://[/c/quiz"]
)
def test_bytes_that_no_browser_sends_in_an_address(site: Running, target: bytes) -> None:
    request = b"GET " + target + b" HTTP/1.1\r\nHost: play.example\r\nConnection: close\r\n\r\n"
    assert ask_raw(site.port, request).status in (200, 400, 404)


def test_a_language_that_nobody_speaks(site: Running, browser: Browser) -> None:
    for language in ("", "*", ",,;q=", "fr;q=x", "é", "x" * 5000, "en-" * 2000, "../../fr"):
        answer = site.ask("/c/quiz", headers=[("Accept-Language", language.encode().decode("latin-1"))])
        assert answer.status == 200
    browser.get("/c/quiz")
    for wanted in ("de", "%00", "../fr", "fr%0d%0aa:b"):
        assert browser.get(f"/c/quiz/hello?lang={wanted}").status == 200


# What goes wrong inside


CANARY = "canary-of-a-person@example.com"


async def _boom(request: Request) -> Response:
    raise ValueError(f"could not read {CANARY}")


async def _busy(request: Request) -> Response:
    raise LocalError(Problem(Kind.UNAVAILABLE, "store_busy", f"It holds {CANARY}."))


async def _halfway(request: Request) -> Response:
    class Halfway(Response):
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
            raise ValueError(CANARY)

    return Halfway()


@pytest.fixture(scope="module")
def broken(site: Running) -> Iterator[Running]:
    """The application with a few more addresses, behind which something goes wrong."""
    routes = [Route(f"/{handler.__name__}", handler) for handler in (_boom, _busy, _halfway)]

    async def ready() -> bool:
        return False

    store = site.program.store
    directory = Directory(store.organizations, store.campaigns, store.connections, now)
    services = Services(directory, None, None, None, site.program.keys, now, PUBLIC, True, 600)  # type: ignore[arg-type]
    app = application(services, routes, Operations(ready, Secret(""), ""), None)  # type: ignore[arg-type]
    with served(uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, server_header=False))) as port:
        yield replace(site, port=port)


def test_a_mistake_of_ours_is_a_calm_page_and_a_line_without_its_text(
    broken: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    """MUST 53: the class and the place are logged, what it was about is not."""
    with capture_logs() as lines:
        answer = broken.ask(f"/_boom?{urlencode({'who': CANARY})}")
    assert answer.status == 500
    check_headers(answer)
    document = check_page(answer.body)
    assert document.one("h1").text == "That did not work just now."
    assert "ValueError" not in answer.body
    [unexpected] = [line for line in lines if line["event"] == "unexpected"]
    assert unexpected["error"] == "ValueError"
    assert str(unexpected["where"]).startswith("test_app.py:")
    [request] = [line for line in lines if line["event"] == "request"]
    assert (request["route"], request["status"], request["method"]) == ("/_boom", 500, "GET")
    printed = capfd.readouterr()
    assert CANARY not in f"{lines}{answer.body}{printed.out}{printed.err}"


def test_a_problem_with_a_kind_has_its_status_and_tells_its_code_alone(broken: Running) -> None:
    with capture_logs() as lines:
        answer = broken.ask("/_busy", headers=[("Accept-Language", "fr")])
    assert answer.status == 503
    assert answer["retry-after"] == "5"
    document = check_page(answer.body)
    assert document.one("html")["lang"] == "fr"
    assert document.one("code").text == "store_busy"
    assert CANARY not in f"{answer.body}{lines}"
    assert {"event": "problem", "code": "store_busy", "kind": "unavailable", "log_level": "warning"} in lines


def test_what_breaks_in_the_middle_of_an_answer_prints_nothing(
    broken: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as lines:
        answer = broken.ask("/_halfway")
    assert answer.status == 200
    printed = capfd.readouterr()
    assert CANARY not in f"{lines}{answer.body}{printed.out}{printed.err}"


@pytest.mark.conformance("MUST 53")
def test_the_log_has_patterns_of_addresses_and_no_keys(site: Running, provider: MisbehavingProvider) -> None:
    """MUST 53: a framed campaign's key stands in its addresses, and in no line."""
    browser = site.browser()
    with capture_logs() as lines:
        browser.answer_questions()
        browser.sign_in()
        base = site.ask(f"/c/quiz/in?{urlencode({'page': BRAND})}").path
        site.ask(f"{base}/hello")
        browser.get("/c/quiz/details?email=canary@example.com")
        browser.get("/nothing/canary")
    logged = str(lines)
    assert "/c/{campaign}/in/{key}/{step}" in logged
    assert browser.cookies["__Host-entracte-quiz"] not in logged
    assert base.rpartition("/")[2] not in logged
    assert "canary" not in logged
    assert "ada@northwind.example" not in logged


@pytest.mark.conformance("MUST 53")
def test_a_broken_form_is_not_in_the_log(browser: Browser) -> None:
    browser.get("/c/quiz")
    with capture_logs() as lines:
        browser._ask("/c/quiz/hello", "POST", (FORM, ("Origin", PUBLIC)), b"answer=%ffcanary")
    assert "body_malformed" in str(lines)
    assert "canary" not in str(lines)


# Operations


def test_alive_and_ready(site: Running, broken: Running) -> None:
    assert (site.ask("/healthz").status, site.ask("/healthz").body) == (200, "alive\n")
    assert (site.ask("/readyz").status, site.ask("/readyz").body) == (200, "ready\n")
    not_ready = broken.ask("/readyz")
    assert (not_ready.status, not_ready["retry-after"]) == (503, "2")
    assert broken.ask("/healthz").status == 200


@pytest.mark.parametrize("damage", ["no tables", "no database", "another version"])
def test_not_ready_without_the_database(tmp_path: Path, damage: str) -> None:
    """And ready again as soon as it is there."""
    with running(tmp_path) as alone:
        assert alone.ask("/readyz").status == 200
        intact = alone.database.read_bytes()
        _damage(alone.database, damage)
        answer = alone.ask("/readyz")
        assert (answer.status, answer["retry-after"]) == (503, "2")
        assert alone.ask("/healthz").status == 200
        assert intact


def _damage(database: Path, how: str) -> None:
    if how == "no database":
        database.write_bytes(b"This is no database. " * 1000)
        return
    statement = {
        "no tables": "DROP TABLE alembic_version",
        "another version": "UPDATE alembic_version SET version_num = '9999'",
    }[how]
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()


def test_our_scripts_can_be_kept_and_nothing_else_is_there(site: Running) -> None:
    script = site.ask("/assets/take_part.js?v=1")
    assert script.status == 200
    assert "immutable" in script["cache-control"]
    assert script["x-content-type-options"] == "nosniff"
    assert site.ask("/assets/take_part.js")["cache-control"] == "no-cache"
    for name in ("nothing.js", "..%2f..%2fapp.py", "%2e%2e/app.py", "page.css"):
        assert site.ask(f"/assets/{name}").status == 404
    embed = site.ask("/embed.js")
    assert embed["cross-origin-resource-policy"] == "cross-origin"


def test_what_went_wrong_in_a_frame_is_seen_in_the_frame(browser: Browser) -> None:
    """By the pages that the campaign names. Where there is no such campaign, nobody frames it."""
    browser.get("/c/quiz")
    in_a_frame, by_itself = browser.get("/c/quiz/in/a/b/c/d"), browser.get("/c/nothing-of-ours/in")
    assert in_a_frame.status == by_itself.status == 404
    assert in_a_frame["content-security-policy"].endswith(f"frame-ancestors {BRAND}")
    assert not in_a_frame.has("x-frame-options")
    assert "<form" not in in_a_frame.body
    check_headers(by_itself)

"""Logout over real sockets: our own way out, the login's two ways of telling, who may frame what, and what is said."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from structlog.testing import capture_logs

from entracte.connections.addresses import addresses_of
from entracte.connections.model import Connection
from entracte.participation.model import Entry
from entracte.web.rates import Rates
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.misbehaving_provider.logout import logout_token
from tests.web.reading import check_page
from tests.web.running import BRAND, FORM, FRAMED_QUIZ, PUBLIC, Answer, Browser, Running, redirected, running, target_of

PLAIN_QUIZ = QUIZ.replace("campaign: quiz", "campaign: plain").replace("connection: northwind", "connection: plain")
FRAMED = FRAMED_QUIZ.replace("campaign: quiz", "campaign: framed")
ENTRY = [("first_name", "Ada"), ("email", "ada@northwind.example"), ("phone", ""), ("rules", "yes")]


@dataclass
class Site:
    """An installation with a connection that does all of it, and one, `plain`, that does nothing of it."""

    running: Running
    provider: MisbehavingProvider
    connection: Connection
    plain: Connection

    def browser(self) -> Browser:
        return self.running.browser()

    def signed_in(self, campaign: str = "/c/quiz") -> Browser:
        browser = self.browser()
        browser.answer_questions(campaign)
        assert browser.sign_in(campaign).path == f"{campaign}/details"
        assert "ada@northwind.example" in browser.get(f"{campaign}/details").body
        return browser

    def is_signed_in(self, browser: Browser, campaign: str = "/c/quiz") -> bool:
        answer = browser.get(f"{campaign}/details")
        return answer.status == 200 and "ada@northwind.example" in answer.body

    def address(self, name: str, connection: Connection | None = None) -> str:
        """The path of one of our addresses at the server."""
        found = getattr(addresses_of(connection or self.connection, ""), name)
        assert isinstance(found, str)
        return found

    def tell(self, token: str, address: str = "") -> Answer:
        body = urlencode({"logout_token": token}).encode()
        return self.running.ask(address or self.address("backchannel_logout_uri"), "POST", [FORM], body)

    def token(self, *, sub: str = "", sid: str = "session-1") -> str:
        return logout_token(self.provider, sub=sub, sid=sid, client_id=self.provider.client_id)

    def frame(self, told: Mapping[str, str], *headers: tuple[str, str], browser: Browser | None = None) -> Answer:
        target = f"{self.address('frontchannel_logout_uri')}?{urlencode(told)}"
        return (browser or self.browser()).get(target, ("Sec-Fetch-Dest", "iframe"), *headers)

    def entries(self) -> list[Entry]:
        async def read(store: object) -> list[Entry]:
            published = await store.campaigns.by_name("quiz")  # type: ignore[attr-defined]
            found: list[Entry] = await store.participations.latest_entries(  # type: ignore[attr-defined]
                published.organization, published.number, 10
            )
            return found

        return self.running.work(read)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served_misbehaving_provider() as provider, running(tmp_path_factory.mktemp("logout")) as started:
        provider.client_id = "entracte"
        provider.session_management = True
        issuer = provider.issuer
        endpoints = {"end_session_endpoint": f"{issuer}/end_session", "check_session_iframe": f"{issuer}/check_session"}
        connection = started.connect(provider, sign_out=True, single_logout=True, watch_session=True, **endpoints)
        plain = started.connect(provider, name="plain", **endpoints)
        for text in (QUIZ, PLAIN_QUIZ, FRAMED):
            started.publish(text)
        yield Site(started, provider, connection, plain)


@pytest.fixture
def site(everything: Site) -> Site:
    everything.provider.misbehaviour = ""
    everything.provider.sid = "session-1"
    return everything


# Our own way out


@pytest.mark.conformance("rp-init-logout", "MUST 13")
def test_a_person_signs_out_here_and_at_the_login_and_comes_back(site: Site) -> None:
    browser = site.signed_in()
    browser.post("/c/quiz/details", [("first_name", "Ada"), ("phone", "+34600123456")])
    before = browser.cookies["__Host-entracte-quiz"]
    [button] = [
        one for one in check_page(browser.get("/c/quiz/details").body).every("button") if one.text == "Sign out"
    ]
    assert (button["formaction"], button["type"]) == ("/c/quiz/sign-out", "submit")
    answer = browser.post("/c/quiz/sign-out", ENTRY)
    assert (answer.status, answer["cache-control"], answer["referrer-policy"]) == (303, "no-store", "no-referrer")
    assert answer["location"].startswith(f"{site.provider.issuer}/end_session?")
    asked = {name: value for name, [value] in parse_qs(urlsplit(answer["location"]).query).items()}
    assert asked["post_logout_redirect_uri"] == f"{PUBLIC}/oauth/signed-out"
    assert len(asked["state"]) <= 64
    assert asked["id_token_hint"].count(".") == 2
    assert browser.cookies["__Host-entracte-quiz"] != before
    assert not site.is_signed_in(browser), "before the login was even asked"
    back = browser.get(target_of(redirected(answer["location"])))
    assert (back.status, back["location"]) == (303, f"{PUBLIC}/c/quiz")
    assert browser.get("/c/quiz").path == "/c/quiz/sign-in", "the answers are there, and the sign-in comes next"
    assert browser.get("/c/quiz/song").status == 200
    assert browser.sign_in().path == "/c/quiz/details"
    assert "123456" not in browser.get("/c/quiz/details").body, "what was typed into the form has left with the person"


@pytest.mark.conformance("rp-init-logout-other-state", "rp-init-logout-no-state")
@pytest.mark.parametrize("misbehaviour", ["end_session_other_state", "end_session_missing_state"])
def test_a_return_with_another_state_or_none_is_the_end_all_the_same(site: Site, misbehaviour: str) -> None:
    browser = site.signed_in()
    site.provider.misbehaviour = misbehaviour
    login = browser.post("/c/quiz/sign-out")["location"]
    with capture_logs() as logs:
        back = browser.get(target_of(redirected(login)))
    assert (back.status, back.has("location"), back["cache-control"]) == (200, False, "no-store")
    assert back["x-frame-options"] == "DENY"
    assert check_page(back.body).one("h1").text == "You are signed out."
    [line] = [one for one in logs if one["event"] == "sign_out_returned"]
    assert line["how"] == misbehaviour.removeprefix("end_session_").replace("missing", "no")
    assert not site.is_signed_in(browser)


@pytest.mark.conformance("BAD 34")
@pytest.mark.parametrize(
    "query",
    [
        "state=%2F%2Fevil.example", "state=https%3Aevil.example", "state=a&state=b", "state=%0d%0aLocation:x", "&",
        "post_logout_redirect_uri=https%3A%2F%2Fevil.example", "target_link_uri=%2F%2Fevil.example", "state=%zz",
        "redirect_uri=https://evil.example&state=", "state=" + "A" * 55,
    ],
)  # fmt: skip
def test_a_return_leads_to_no_foreign_place(site: Site, query: str) -> None:
    answer = site.browser().get(f"/oauth/signed-out?{query}")
    assert (answer.status, answer.has("location")) == (200, False)
    assert "evil" not in answer.body


def test_a_page_of_somebody_else_signs_nobody_out(site: Site) -> None:
    browser = site.signed_in()
    for path in ("/c/quiz/sign-out", "/c/quiz/sign-out/changed"):
        assert browser.post(path, origin="https://evil.example").path == "/c/quiz/details"
        assert browser.get(path).status in (303, 405, 404)
    assert site.is_signed_in(browser)
    assert site.browser().post("/c/quiz/sign-out").path == "/c/quiz"


def test_a_connection_without_it_has_no_way_out_and_nothing_to_tell(site: Site) -> None:
    """The pages are those of before, and the addresses are not there."""
    browser = site.signed_in("/c/plain")
    page = browser.get("/c/plain/details")
    assert "sign-out" not in page.body
    assert "frame-src" not in page["content-security-policy"]
    for path in ("/c/plain/sign-out", "/c/plain/sign-out/changed"):
        assert browser.post(path).path == "/c/plain/details"
    assert site.is_signed_in(browser, "/c/plain")
    own = site.address("jwks_uri", site.plain).removesuffix("/jwks")
    assert site.tell(site.token(), f"{own}/back-channel-logout").status == 404
    assert site.running.ask(f"{own}/front-channel-logout").status == 404
    assert addresses_of(site.plain, PUBLIC).backchannel_logout_uri is None


def test_an_entry_stays_and_the_last_page_has_the_way_out(site: Site) -> None:
    """The machine may be shared: who has entered can still sign out."""
    browser = site.signed_in()
    mark = re.search(r'name="account-mark" value="([^"]+)"', browser.get("/c/quiz/details").body)
    assert mark is not None
    assert browser.post("/c/quiz/details", [*ENTRY, ("account-mark", mark[1])]).path == "/c/quiz"
    [entry] = site.entries()
    thanks = check_page(browser.get("/c/quiz/thanks").body)
    [form] = thanks.every("form")
    assert form["action"] == "/c/quiz/sign-out"
    assert form.text == "You are still signed in with your Northwind account. Sign out"
    answer = browser.post("/c/quiz/sign-out")
    assert answer["location"].startswith(f"{site.provider.issuer}/end_session?")
    assert site.entries() == [entry]
    again = browser.get("/c/quiz/thanks")
    assert again.status == 200
    assert "Sign out" not in again.body


def test_in_a_frame_the_whole_window_goes(site: Site) -> None:
    """The login refuses frames, and the frame resumes in the brand's page."""
    browser = site.browser()
    page = f"{BRAND}/win"
    base = browser.get(f"/c/framed/in?{urlencode({'page': page})}", ("Sec-Fetch-Dest", "iframe")).path
    browser.answer_questions(base)
    login = browser.go_to_the_login(base)
    returned = browser.get(browser.get(target_of(redirected(login))).path)["location"]
    handle = returned.partition("#entracte-return=")[2]
    claimed = browser.get(f"{base}/return/{handle}", ("Sec-Fetch-Dest", "iframe")).path
    form = browser.get(f"{claimed}/details", ("Sec-Fetch-Dest", "iframe"))
    [button] = [one for one in check_page(form.body).every("button") if one.text == "Sign out"]
    assert (button["formaction"], button["formtarget"]) == (f"{claimed}/sign-out", "_top")
    answer = browser.post(f"{claimed}/sign-out")
    back = browser.get(target_of(redirected(answer["location"])))
    assert (back.status, back["location"]) == (303, page)
    resumed = browser.get(claimed, ("Sec-Fetch-Dest", "iframe")).path
    assert resumed.endswith("/sign-in")
    assert resumed.startswith(f"{claimed}/"), "the brand's page has no other key than the one from before"
    assert "ada@northwind.example" not in browser.get(resumed).body
    assert "state=" in browser.go_to_the_login(claimed), "who signed out may sign in again"
    assert browser.post(f"{claimed}/sign-out")["location"] == page, "a second press finds nobody"


# The login tells, through the browser


@pytest.mark.conformance("rp-frontchannel-opinitlogout", "MUST 55")
def test_the_logins_frame_signs_out_by_session(site: Site) -> None:
    browser = site.signed_in()
    answer = site.frame({"iss": site.provider.issuer, "sid": "session-1"})
    assert (answer.status, answer["cache-control"]) == (200, "no-store")
    assert answer["content-type"] == "text/html; charset=utf-8"
    assert answer["content-security-policy"].endswith(f"frame-ancestors {site.provider.issuer}")
    assert not answer.has("x-frame-options")
    assert not site.is_signed_in(browser)
    assert site.frame({"iss": site.provider.issuer, "sid": "session-1"}).status == 200, "there is nobody any more"


@pytest.mark.conformance("rp-frontchannel-rpinitlogout", "MUST 55")
def test_after_our_own_sign_out_the_frame_changes_nothing(site: Site) -> None:
    browser = site.signed_in()
    browser.post("/c/quiz/sign-out")
    assert site.frame({"iss": site.provider.issuer, "sid": "session-1"}).status == 200
    assert not site.is_signed_in(browser)


@pytest.mark.conformance("rp-frontchannel-opinitlogout")
def test_a_frame_without_a_session_signs_out_what_this_browser_proves(site: Site) -> None:
    browser, other = site.signed_in(), site.signed_in()
    assert site.frame({}).status == 200, "no cookie, nobody"
    assert site.is_signed_in(browser)
    assert site.frame({}, browser=browser).status == 200
    assert (site.is_signed_in(browser), site.is_signed_in(other)) == (False, True)
    in_a_window = other.get(site.address("frontchannel_logout_uri"), ("Sec-Fetch-Dest", "document"))
    assert in_a_window.status == 200
    assert site.is_signed_in(other), "a link that somebody wrote signs nobody out"
    plain = site.signed_in("/c/plain")
    assert site.frame({}, browser=plain).status == 200
    assert site.is_signed_in(plain, "/c/plain"), "a campaign of another connection"


@pytest.mark.conformance("rp-frontchannel-opinitlogout")
@pytest.mark.parametrize(
    "told",
    [
        {"iss": "https://other.example", "sid": "session-1"}, {"sid": "session-1"}, {"iss": "ISSUER"},
        {"iss": "ISSUER/", "sid": "session-1"}, {"iss": "ISSUER", "sid": ""}, {"iss": "", "sid": "session-1"},
    ],
)  # fmt: skip
def test_a_frame_that_does_not_say_whose_it_is_ends_nothing(site: Site, told: dict[str, str]) -> None:
    browser = site.signed_in()
    answer = site.frame({name: value.replace("ISSUER", site.provider.issuer) for name, value in told.items()})
    assert answer.status == 400
    assert answer["content-security-policy"].endswith("frame-ancestors 'none'")
    assert site.is_signed_in(browser)


def test_a_browser_that_looks_ahead_signs_nobody_out(site: Site) -> None:
    browser = site.signed_in()
    told = {"iss": site.provider.issuer, "sid": "session-1"}
    assert site.frame(told, ("Sec-Purpose", "prefetch")).status == 503
    target = f"{site.address('frontchannel_logout_uri')}?{urlencode(told)}"
    assert site.running.ask(target, "HEAD").status == 200
    assert site.is_signed_in(browser)


@pytest.mark.conformance("rp-frontchannel-rpinitlogout", "rp-frontchannel-opinitlogout", "MUST 55")
def test_nothing_else_may_be_framed(site: Site) -> None:
    browser = site.signed_in()
    for target in ("/c/quiz/details", "/oauth/signed-out", "/c/quiz/sign-in", "/oauth/callback"):
        answer = browser.get(target)
        if answer.status != 303:
            assert "frame-ancestors 'none'" in answer["content-security-policy"], target
            assert answer["x-frame-options"] == "DENY"


# The login tells, from server to server


@pytest.mark.conformance("rp-backchannel-rpinitlogout")
def test_the_login_tells_directly(site: Site) -> None:
    browser = site.signed_in()
    answer = site.tell(site.token())
    assert (answer.status, answer["cache-control"], answer.body) == (200, "no-store", "")
    assert not site.is_signed_in(browser)
    assert browser.get("/c/quiz").path == "/c/quiz/sign-in", "the answers are kept"


@pytest.mark.conformance("rp-backchannel-rpinitlogout")
def test_a_logout_of_a_person_is_of_all_their_browsers(site: Site) -> None:
    one, two = site.signed_in(), site.signed_in()
    assert site.tell(site.token(sub="person-1", sid="")).status == 200
    assert not site.is_signed_in(one)
    assert not site.is_signed_in(two)


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        pytest.param(name, reason, marks=pytest.mark.conformance(line), id=name)
        for name, line, reason in (
            ("logout_alg_none", "rp-backchannel-rpinitlogout-alg-none", "token_algorithm"),
            ("logout_hs256_public_key", "rp-backchannel-rpinitlogout-wrong-alg", "token_algorithm"),
            ("logout_other_alg", "rp-backchannel-rpinitlogout-wrong-alg", "token_algorithm"),
            ("logout_wrong_iss", "rp-backchannel-rpinitlogout-wrong-iss", "token_issuer"),
            ("logout_wrong_aud", "rp-backchannel-rpinitlogout-wrong-aud", "token_audience"),
            ("logout_missing_events", "rp-backchannel-rpinitlogout-no-event", "token_event"),
            ("logout_wrong_event", "rp-backchannel-rpinitlogout-wrong-event", "token_event"),
            ("logout_with_nonce", "rp-backchannel-rpinitlogout-with-nonce", "token_event"),
            ("logout_missing_iat", "BAD 24", "token_claim"),
            ("logout_missing_jti", "BAD 24", "token_claim"),
        )
    ],
)
def test_a_token_that_is_wrong_ends_nothing_and_is_told_no_reason(site: Site, misbehaviour: str, reason: str) -> None:
    browser = site.signed_in()
    site.provider.misbehaviour = misbehaviour
    token = site.token()
    with capture_logs() as logs:
        answer = site.tell(token)
    assert (answer.status, answer["cache-control"], answer.body) == (400, "no-store", '{"error":"invalid_request"}')
    [line] = [one for one in logs if one["event"] == "logout_refused"]
    assert (line["reason"], line["by"]) == (reason, "back-channel")
    assert token not in str(logs)
    assert "session-1" not in str(logs)
    site.provider.misbehaviour = ""
    assert site.is_signed_in(browser)


@pytest.mark.conformance("BAD 24", "MUST 36")
def test_the_same_token_twice_is_refused_the_second_time(site: Site) -> None:
    site.signed_in()
    token = site.token()
    assert site.tell(token).status == 200
    browser = site.signed_in()
    assert site.tell(token).status == 400
    assert site.is_signed_in(browser)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([FORM], b""), ([FORM], b"logout_token="), ([FORM], b"logout_token=a&logout_token=b"), ([FORM], b"\xff"),
        ([("Content-Type", "application/json")], b'{"logout_token": "x"}'), ([FORM], b"logout_token=" + b"a" * 200_000),
        ([FORM], b"logout_token=a.b.c"), ([FORM], b"logout_token=" + b"e30." * 4 + b"x"),
    ],
)  # fmt: skip
def test_what_is_no_logout_token_is_refused(site: Site, headers: list[tuple[str, str]], body: bytes) -> None:
    answer = site.running.ask(site.address("backchannel_logout_uri"), "POST", headers, body)
    assert (answer.status, answer.body) == (400, '{"error":"invalid_request"}')


def test_a_connection_that_is_not_there_has_no_addresses(site: Site) -> None:
    for client in ("1-99", "99-1", "1", "x-y", "1-1-1", "0-0"):
        assert site.tell("x", f"/oauth/clients/{client}/back-channel-logout").status == 404
        assert site.running.ask(f"/oauth/clients/{client}/front-channel-logout").status == 404


@pytest.mark.conformance("MUST 52")
def test_who_floods_a_logout_address_waits(tmp_path: Path) -> None:
    with served_misbehaving_provider() as provider, running(tmp_path, sign_ins_per_minute_per_organization=3) as site:
        connection = site.connect(provider, single_logout=True)
        address = addresses_of(connection, "").backchannel_logout_uri
        assert address is not None
        statuses = [site.ask(address, "POST", [FORM], b"logout_token=a.b.c").status for _ in range(5)]
    assert statuses == [400, 400, 400, 429, 429]
    assert Rates().per_organization > 3


# The session at the login, watched


@pytest.mark.conformance("session-management", "MUST 56")
def test_the_form_alone_may_frame_the_login_and_asks_it(site: Site) -> None:
    browser = site.signed_in()
    form = browser.get("/c/quiz/details")
    assert f"frame-src {site.provider.issuer};" in form["content-security-policy"]
    [script] = [one for one in check_page(form.body).every("script") if "watch_session" in one["src"]]
    assert script["data-frame"] == f"{site.provider.issuer}/check_session"
    assert script["data-origin"] == site.provider.issuer
    assert script["data-message"].startswith("entracte ")
    assert int(script["data-seconds"]) >= 5
    assert script["data-action"] == "/c/quiz/sign-out/changed"
    for step in ("song", "thanks"):
        assert "frame-src" not in str(browser.get(f"/c/quiz/{step}").headers)
    answer = browser.post(script["data-action"])
    assert answer.path == "/c/quiz/sign-in"
    assert not site.is_signed_in(browser)
    assert browser.post(script["data-action"]).path == "/c/quiz/sign-in", "a second one finds nobody"


def test_a_form_with_a_mistake_watches_too(site: Site) -> None:
    browser = site.signed_in()
    wrong = browser.post("/c/quiz/details", [("first_name", "Ada"), ("email", "ada@northwind.example")])
    assert wrong.status == 422
    assert f"frame-src {site.provider.issuer};" in wrong["content-security-policy"]
    assert "watch_session" in wrong.body


def test_the_same_person_elsewhere_stays_after_a_session_ended(site: Site) -> None:
    one = site.signed_in()
    site.provider.sid = "session-2"
    two = site.signed_in()
    status = asyncio.run(
        site.provider.send_logout_token(
            f"http://127.0.0.1:{site.running.port}" + site.address("backchannel_logout_uri"), sid="session-2"
        )
    )
    assert status == 200
    assert (site.is_signed_in(one), site.is_signed_in(two)) == (True, False)

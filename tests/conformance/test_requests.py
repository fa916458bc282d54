"""What a request says of itself: headers, cookies and the form of its address open nothing."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from entracte.organizations.manage import add_member
from entracte.organizations.model import Role
from entracte.values import Secret
from tests.conformance.stage import FORM, Stage, back, follow
from tests.misbehaving_provider import served_misbehaving_provider
from tests.web.running import BRAND, PUBLIC, Answer, Header, Running, ask_raw, running, sent_back
from tests.web.running import FORM as FORM_TYPE

EMAIL = "ada@northwind.example"
MEMBER, PASSWORD = "alice@northwind.example", "correct horse battery staple"


@pytest.fixture(scope="module")
def played(site: Running) -> Iterator[Stage]:
    """A campaign with an entry, and a member who may see it."""
    number = site.organization.number
    site.work(lambda store: add_member(store.members, number, MEMBER, Role.OWNER, Secret(PASSWORD)))
    with served_misbehaving_provider() as provider:
        stage = Stage(site, provider)
        stage.connect()
        browser, _callback, returned = stage.sign_in()
        assert browser.get(returned.path).status == 200
        assert browser.post(f"{stage.campaign}/details", FORM).status == 303
        yield stage


def rooms(stage: Stage) -> list[str]:
    """What nobody sees who is not signed in, or holds no key."""
    name = stage.campaign.removeprefix("/c/")
    manager = ["/manage", f"/manage/campaigns/{name}", f"/manage/campaigns/{name}/entries.csv"]
    api = ["/api/v1/token", "/api/v1/campaigns", f"/api/v1/campaigns/{name}/entries", "/api/v1/attempts"]
    return [*manager, *api, f"{stage.campaign}/details", f"{stage.campaign}/thanks"]


def shows_nothing(answer: Answer) -> None:
    assert answer.status in (303, 400, 401, 403, 404, 405), answer.status
    for value in (EMAIL, "The sea", "Zoe"):
        assert value not in answer.body
    if answer.status == 303:
        assert answer.path.startswith(("/manage/sign-in", "/c/"))


FORGED: dict[str, list[Header]] = {
    "a path that needs no sign-in": [("X-Forwarded-Uri", "/healthz"), ("X-Original-URL", "/healthz")],
    "a rewritten path": [("X-Rewrite-URL", "/assets/take_part.js"), ("X-Forwarded-Prefix", "/assets")],
    "a health check": [("User-Agent", "kube-probe/1.30"), ("X-Health-Check", "1")],
    "a load balancer's health check": [("User-Agent", "GoogleHC/1.0")],
    "a user": [("X-Forwarded-User", MEMBER), ("X-Forwarded-Email", MEMBER), ("Remote-User", MEMBER)],
    "a user with low lines": [("X_Forwarded_User", MEMBER), ("X_FORWARDED_EMAIL", MEMBER), ("Remote_User", MEMBER)],
    "from this machine": [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("Forwarded", "for=127.0.0.1")],
    "another method": [("X-HTTP-Method-Override", "OPTIONS"), ("X-HTTP-Method", "HEAD")],
    "a token of nobody": [("Authorization", "Bearer entracte_x"), ("Authorization", "Basic YWxpY2U6eA==")],
}
FORMS_OF_AN_ADDRESS = ("{}#/healthz", "{}?/healthz", "{}?x=/assets/a.js", "{}%23", "{};/healthz", "{}/../../healthz")


@pytest.mark.conformance("BAD 37")
@pytest.mark.parametrize("forged", FORGED)
def test_no_header_signs_anybody_in(played: Stage, forged: str) -> None:
    for room in rooms(played):
        shows_nothing(played.site.ask(room, headers=FORGED[forged]))


@pytest.mark.conformance("BAD 37")
@pytest.mark.parametrize("form", FORMS_OF_AN_ADDRESS)
def test_no_form_of_an_address_gets_around_the_sign_in(played: Stage, form: str) -> None:
    """A fragment, which no browser sends; a query that looks like an open path; steps up in the path."""
    for room in rooms(played):
        request = f"GET {form.format(room)} HTTP/1.1\r\nHost: play.example\r\nConnection: close\r\n\r\n"
        shows_nothing(ask_raw(played.site.port, request.encode()))


@pytest.mark.conformance("BAD 41")
def test_a_post_without_a_session_shows_nothing(played: Stage) -> None:
    """To each page that is protected, with a body, and without one."""
    for room in rooms(played):
        for body in (b"", b"answer=x&email=a%40b.example&rules=yes"):
            shows_nothing(played.site.ask(room, "POST", [FORM_TYPE, ("Origin", PUBLIC)], body))
            shows_nothing(played.site.ask(room, "POST", [("Content-Type", "application/json")], body))


COOKIES = [
    ";=", "=", ";", "=;=;=", "a", "=a", ";;;;", "a=b;=;c", '"', 'a="', "a=\\", "$Version=1; a=b", ",", "a=b,c=d",
    "\x80\xff=\xfe", "; ".join(f"entracte-manage_{number}=x" for number in range(900)), "entracte-manage_n=999999999",
    "__Host-entracte-manage=x; __Host-entracte-manage=y", "entracte-manage=" + "A" * 4_000, "a=" + "=" * 5_000,
]  # fmt: skip


@pytest.mark.conformance("BAD 38")
@pytest.mark.parametrize("number", range(len(COOKIES)))
def test_a_crafted_cookie_breaks_nothing_and_opens_nothing(played: Stage, number: int) -> None:
    for room in rooms(played):
        shows_nothing(played.site.ask(room, headers=[("Cookie", COOKIES[number])]))
    assert played.site.ask(played.campaign, headers=[("Cookie", COOKIES[number])]).status == 200
    assert played.site.ask("/oauth/callback?state=x", headers=[("Cookie", COOKIES[number])]).status == 400
    assert played.site.ask("/healthz").status == 200


@pytest.mark.conformance("MUST 59", "BAD 37")
def test_addresses_of_ours_are_of_the_settings_alone(stage: Stage) -> None:
    """Whoever forwards, and whatever host the request names: the redirect URI, the way back and the pages are ours."""
    stage.connect()
    forged = [
        ("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"),
        ("Forwarded", "host=evil.example;proto=http"), ("X-Forwarded-Port", "81"),
    ]  # fmt: skip
    browser = stage.site.browser()
    browser.answer_questions(stage.campaign)
    sent = browser.post(f"{stage.campaign}/sign-in", headers=forged[1:])
    assert parse_qs(urlsplit(sent["location"]).query)["redirect_uri"] == [f"{PUBLIC}/oauth/callback"]
    came = sent_back(sent["location"])
    callback = browser.get(f"/oauth/callback?{'&'.join(f'{name}={value}' for name, value in came.parameters)}", *forged)
    assert callback["location"].startswith(f"{PUBLIC}{stage.campaign}/sign-in/return?")
    returned = browser.get(callback.path, *forged)
    assert returned.path == f"{stage.campaign}/details"
    assert "evil.example" not in browser.get(returned.path, *forged).body


@pytest.mark.conformance("MUST 59")
@pytest.mark.parametrize("trusted", ["", "10.9.9.9", "127.0.0.1"])
def test_a_proxy_is_believed_when_the_settings_name_it(tmp_path_factory: pytest.TempPathFactory, trusted: str) -> None:
    """The id that a proxy gives to a request is kept where the proxy is one of ours; from strangers it is not."""
    with running(tmp_path_factory.mktemp("proxies"), trusted_proxies=trusted) as site:
        answer = site.ask("/c/none", headers=[("X-Request-Id", "told-by-a-proxy"), ("X-Forwarded-For", "8.8.8.8")])
    assert (answer["x-request-id"] == "told-by-a-proxy") is (trusted == "127.0.0.1")


@pytest.mark.conformance("MUST 54")
@pytest.mark.parametrize("mode", ["", "form_post", "fragment", "query.jwt"])
def test_the_address_with_the_answer_is_told_to_nobody(stage: Stage, mode: str) -> None:
    """From the login to the form: 303 each time, nothing is kept, no referrer goes on; the page at the callback loads
    from here alone, and the form's address has nothing of it."""
    stage.connect(response_mode=mode)
    browser, address = stage.at_the_login()
    callback = browser.carry_back(address)
    returned = browser.get(callback.path)
    for answer in (callback, returned):
        assert (answer.status, answer["referrer-policy"], answer["cache-control"]) == (303, "no-referrer", "no-store")
    assert "?" not in returned.path
    seen = [
        browser.get("/oauth/callback"),
        browser.get(callback.path.replace("state=", "state=A")),
        stage.site.ask("/oauth/callback?state=x"),
    ]
    for answer in seen:
        assert (answer.status, answer["referrer-policy"], answer["cache-control"]) == (400, "no-referrer", "no-store")
        policy = dict(part.strip().split(" ", 1) for part in answer["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["style-src"].startswith("'nonce-")
        assert policy["script-src"] == "'self'"
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.body)


@pytest.mark.conformance("MUST 55")
def test_only_the_pages_of_a_frame_may_be_framed_and_by_the_brand_alone(stage: Stage) -> None:
    stage.connect()
    browser, address = stage.at_the_login()
    framed, base = stage.in_a_frame()
    closed = [
        stage.campaign, f"{stage.campaign}/sign-in", "/oauth/callback", "/oauth/callback?state=x",
        f"{stage.campaign}/sign-in/return?state=x", "/c/none", "/c/none/in", "/manage/sign-in", "/oauth/signed-out",
        back(address),
    ]  # fmt: skip
    for target in closed:
        answer = follow(browser, target)  # what a redirect says of frames, no browser asks: it shows where it leads
        assert answer["x-frame-options"] == "DENY", target
        assert "frame-ancestors 'none'" in answer["content-security-policy"], target
    for shown in (
        follow(framed, base),
        framed.get(f"{stage.campaign}/in?page=https://stranger.example/"),
        framed.get(f"{base}/a/b/c"),
    ):
        assert f"frame-ancestors {BRAND};" in shown["content-security-policy"] + ";"
        assert not shown.has("x-frame-options")

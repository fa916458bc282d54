"""The manager over HTTP, on a real server and the real store.

Alice owns Northwind, Bob is her colleague, Charlie owns Contoso and sees nothing of Northwind.
"""

import asyncio
import csv
import io
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette

from entracte.campaigns.model import Definition, Published
from entracte.organizations.manage import SESSION_SECONDS, add_organization
from entracte.organizations.model import Brand, Member, Role
from entracte.participation.events import Event, EventKind, Outcome, ValueOutcome
from entracte.participation.model import Attempt, Entry, Participation, Profile
from entracte.protocol.seal import SealKeys
from entracte.statistics.tallies import Counts
from entracte.store.opened import Store
from entracte.values import (
    AttemptNumber,
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
    Secret,
    entropy,
)
from entracte.web.manage import ManageServices, room_address
from entracte.web.pages.manage_campaigns import page as manage_campaigns
from entracte.web.pages.manage_sign_in import page as manage_sign_in

NOW = 1_800_000_000
PASSWORD = "correct horse battery"
PASSWORD_HASH = Secret(PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(PASSWORD))
"""Made once, because it takes long: as the use case makes it, so that nothing is made again when signing in."""
ALICE, BOB, CHARLIE = "alice@northwind.com", "bob@northwind.com", "charlie@contoso.com"
KEYS = SealKeys(newest=1, by_number={1: bytes(32)})
QUIZ = {
    "campaign": "quiz",
    "title": {"en": "Summer <quiz>", "fr": "Jeu"},
    "languages": ["en", "fr"],
    "closes": "2027-01-20",
    "sign_in": {"connection": "northwind", "guests": True},
    "steps": [
        {
            "kind": "single_choice",
            "key": "song",
            "title": "Which song?",
            "choices": [{"key": "a", "label": "Anthem"}, {"key": "b", "label": "Ballad"}],
        },
        {
            "kind": "form",
            "key": "form",
            "title": "You",
            "fields": [
                {"key": "first_name", "kind": "text", "label": "First name"},
                {"key": "email", "kind": "email", "label": "E-mail"},
                {"key": "rules", "kind": "checkbox", "label": "I accept"},
            ],
        },
        {"kind": "thanks", "key": "thanks", "title": "Thanks"},
    ],
}
ROOMS = (
    "/manage",
    "/manage/campaigns/quiz",
    "/manage/campaigns/quiz/entries.csv",
    "/manage/campaigns/quiz/statistics.csv",
)
HOSTILE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/manage\\evil",
    "\\\\evil.example",
    "https://evil.example/manage",
    "https:evil.example",
    "//evil.example/manage",
    "/manage/..//evil.example",
    "/manage/../../c/quiz",
    "/manage//evil.example",
    "/manage/%0a/evil.example",
    "/manage/\n/evil.example",
    "/manage\n",
    "/manage/%09/evil",
    "/\t/evil.example",
    "/%0d/evil.example",
    "/manage@evil.example",
    "/manage.evil.example",
    "/manager",
    "/manage?next=//evil.example",
    "/manage#//evil.example",
    "/manage/campaigns/ｑuiz",
    "/manage/campaigns。evil",
    "javascript:alert(1)",
    "manage",
    "/c/quiz",
    "/manage/" + "a" * 300,
    "/manage/sign-in",
    "/manage/sign-out",
)


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]


@dataclass
class Site:
    """A manager that runs. `browser` is a fresh browser."""

    store: Store
    services: ManageServices
    quiz: Published
    now: list[int]
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.services.public_url

    def browser(self) -> "Browser":
        session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.sessions.append(session)
        return Browser(self.url, session)

    async def member(self, email: str) -> "Browser":
        browser = self.browser()
        assert (await browser.sign_in(email)).status == 303
        return browser


@dataclass
class Browser:
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> Answer:
        async with self.session.get(self.url + path, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.text())

    async def post(self, path: str, data: Any = None, **headers: str) -> Answer:
        sent = {"Origin": self.url, **{name.replace("_", "-"): value for name, value in headers.items()}}
        sent = {name: value for name, value in sent.items() if value}
        async with self.session.post(self.url + path, data=data, headers=sent, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.text())

    async def sign_in(self, email: str, password: str = PASSWORD, wanted: str = "") -> Answer:
        return await self.post("/manage/sign-in", {"email": email, "password": password, "next": wanted})

    @property
    def cookie(self) -> str:
        return next((cookie.value for cookie in self.session.cookie_jar), "")


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store.open("sqlite://")
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@pytest_asyncio.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    northwind = await add_organization(store.organizations, "northwind", "Northwind Radio", Brand(), KEYS, entropy)
    contoso = await add_organization(store.organizations, "contoso", "Contoso", Brand(), KEYS, entropy)
    for organization, email in ((northwind, ALICE), (northwind, BOB), (contoso, CHARLIE)):
        await store.members.add(Member(organization.number, email, Role.OWNER, PASSWORD_HASH))
    quiz = await store.campaigns.publish(northwind.number, Definition.model_validate(QUIZ), NOW)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    now = [NOW]
    services = ManageServices(
        organizations=store.organizations,
        members=store.members,
        campaigns=store.campaigns,
        participations=store.participations,
        tallies=store.tallies,
        clock=lambda: now[0],
        entropy=entropy,
        secure=False,
        public_url=f"http://127.0.0.1:{bound.getsockname()[1]}",
    )
    running = Site(store, services, quiz, now)
    async with _served(services, bound):
        yield running
        for session in running.sessions:
            await session.close()


class _served:  # noqa: N801 - used as a function
    def __init__(self, services: ManageServices, bound: socket.socket) -> None:
        app = Starlette(routes=[*manage_sign_in.routes(services), *manage_campaigns.routes(services)])
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", lifespan="off"))
        self.bound = bound

    async def __aenter__(self) -> None:
        self.task = asyncio.create_task(self.server.serve([self.bound]))
        async with asyncio.timeout(60):
            while not self.server.started:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)

    async def __aexit__(self, *_: object) -> None:
        self.server.should_exit = True
        await self.task
        self.bound.close()


class Cells(HTMLParser):
    """The text of every table row: a list of cells. Bars have no text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(html)
        self.rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
            self.inside = False  # a table may stand in a cell
        if tag in ("th", "td"):
            self.inside = ("class", "bar") not in attrs
            if self.inside:
                self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data

    def beginning(self, words: str) -> list[str]:
        found = [row for row in self.rows if row and row[0].startswith(words)]
        assert len(found) == 1, (words, self.rows)
        return found[0]


async def play(site: Site, outcome: Outcome | None, entered: bool, reason: str = "", **given: Any) -> None:
    """One participation: started and answered, and perhaps a sign-in and an entry."""
    number = site.quiz.organization
    person = Participation(number, site.quiz.number, ParticipationId(uuid4()), "en", NOW)

    def event(kind: EventKind, step: str = "") -> Event:
        return Event(number, site.quiz.number, person.id, kind, NOW, step)

    await site.store.participations.start(person, [event(EventKind.STARTED), event(EventKind.ANSWERED, "song")])
    if outcome is not None:
        attempt = Attempt(number, site.quiz.number, person.id, AttemptNumber(7), ConnectionNumber(1), "K7Q-2M4", NOW)
        await site.store.participations.attempt_was_sent(attempt, [event(EventKind.SIGN_IN_SENT)])
        await _finish(site.store, replace(attempt, finished_at=NOW + 21, outcome=outcome, reason=reason))
    if entered:
        await site.store.participations.enter(_entry(number, site, person, given), [event(EventKind.ENTERED)])


async def _finish(store: Store, attempt: Attempt) -> None:
    if attempt.outcome is Outcome.SIGNED_IN:
        profile = Profile({}, frozenset(), "ana@example.com", b"ana")
        assert await store.participations.consume_attempt(attempt, NOW, [])
        await store.participations.sign_in(attempt, profile)
    elif attempt.outcome is not Outcome.SENT:
        assert await store.participations.consume_attempt(attempt, NOW, [])
        await store.participations.finish_attempt(attempt)


def _entry(number: OrganizationNumber, site: Site, person: Participation, given: dict[str, Any]) -> Entry:
    values: dict[str, Any] = {
        "organization": number,
        "campaign": site.quiz.number,
        "participation": person.id,
        "entered_at": NOW,
        "language": "en",
        "signed_in": True,
        "person": person.id.bytes,
        "answers": {"song": "a"},
        "values": {"first_name": "<b>Ana</b>", "email": "ana@example.com", "rules": True},
        "outcomes": {"first_name": ValueOutcome.EDITED, "email": ValueOutcome.KEPT, "rules": ValueOutcome.TYPED},
    }
    return Entry(**(values | given))


@pytest_asyncio.fixture
async def played(site: Site) -> Site:
    for entered in (True, True, False):
        await play(site, Outcome.SIGNED_IN, entered)
    await play(site, Outcome.CANCELLED, entered=False)
    await play(site, Outcome.FAILED, entered=False, reason="provider_timeout")
    await play(site, Outcome.SENT, entered=False)
    await play(site, None, entered=True, signed_in=False, person=b"")
    await play(site, None, entered=False)
    return site


# who may see what


@pytest.mark.parametrize("path", ROOMS)
async def test_nobody_is_sent_to_the_sign_in_and_back(site: Site, path: str) -> None:
    answer = await site.browser().get(path)
    assert (answer.status, answer.location) == (303, f"/manage/sign-in?next={path}")
    browser = site.browser()
    shown = await browser.get(answer.location)
    assert f'name="next" value="{path}"' in shown.text
    signed_in = await browser.sign_in(ALICE, wanted=path)
    assert (signed_in.status, signed_in.location) == (303, path)
    assert (await browser.get(path)).status == 200


@pytest.mark.parametrize("email", [ALICE, BOB])
@pytest.mark.parametrize("path", ROOMS)
async def test_members_of_the_organization_see_its_campaign(site: Site, email: str, path: str) -> None:
    assert (await (await site.member(email)).get(path)).status == 200


@pytest.mark.conformance("MUST 48")
@pytest.mark.parametrize("rest", ["", "/entries.csv", "/statistics.csv"])
async def test_charlie_gets_404_exactly_as_for_what_is_not_there(played: Site, rest: str) -> None:
    charlie = await played.member(CHARLIE)
    answers = [await charlie.get(f"/manage/campaigns/{name}{rest}") for name in ("quiz", "none", "Qu%20iz")]
    assert {answer.status for answer in answers} == {404}
    assert len({_without_nonce(answer) for answer in answers}) == 1


async def test_charlies_list_is_his_own(played: Site) -> None:
    text = (await (await played.member(CHARLIE)).get("/manage")).text
    assert "quiz</a>" not in text
    assert "Northwind" not in text
    assert "entracte campaign publish quiz.yaml" in text


def _without_nonce(answer: Answer) -> str:
    nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
    assert nonce is not None
    headers = sorted((name, value) for name, value in answer.headers.items() if name.lower() != "date")
    return f"{headers}{answer.text}".replace(nonce[1], "")


# signing in and out


async def test_the_cookie_is_for_this_host_alone_and_not_for_scripts(site: Site) -> None:
    browser = site.browser()
    answer = await browser.sign_in(ALICE)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("entracte-manage=")
    assert f"Max-Age={SESSION_SECONDS}" in cookie
    for part in ("HttpOnly", "Path=/", "SameSite=lax"):
        assert part in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


@pytest.mark.conformance("MUST 12")
async def test_over_tls_the_cookie_is_bound_to_the_host(site: Site) -> None:
    services = replace(site.services, secure=True)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with _served(services, bound):
        browser = replace(site.browser(), url=address)
        data = {"email": ALICE, "password": PASSWORD}
        answer = await browser.post("/manage/sign-in", data, Origin=site.url)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-entracte-manage=")
        assert "Secure" in cookie


@pytest.mark.parametrize(("email", "password"), [(ALICE, "wrong horse battery"), ("nobody@northwind.com", PASSWORD)])
async def test_a_refusal_tells_nothing_of_who_is_a_member(site: Site, email: str, password: str) -> None:
    browser = site.browser()
    answer = await browser.sign_in(email, password)
    assert answer.status == 403
    assert "The e-mail address and the password do not go together." in answer.text
    assert f'value="{email}"' in answer.text
    assert password not in answer.text
    assert "Set-Cookie" not in answer.headers


async def test_an_address_that_was_typed_is_escaped(site: Site) -> None:
    answer = await site.browser().sign_in('"><script>alert(1)</script>')
    assert answer.status == 403
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 403),
        (b"\xff\xfe", 400),
        (b"email=%ff&password=x", 400),
        (b"email=%00&password=x", 400),
        (b"&".join([b"a=1"] * 10_000), 413),
        (b"&".join([b"a=1"] * 400), 400),
        (b"x" * 20_000, 413),
    ],
)
async def test_a_body_that_is_no_form_is_refused(site: Site, body: bytes, status: int) -> None:
    media_type = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await site.browser().post("/manage/sign-in", body, **media_type)
    assert answer.status == status
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_sixth_failure_waits(site: Site) -> None:
    browser = site.browser()
    for _ in range(5):
        assert (await browser.sign_in(ALICE, "wrong horse battery")).status == 403
    refused = await browser.sign_in(ALICE)
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "900"
    assert "Signing in failed too often." in refused.text
    assert (await browser.sign_in(BOB)).status == 303
    site.now[0] += 900
    assert (await site.browser().sign_in(ALICE)).status == 303


async def test_failures_at_the_same_time_do_not_slip_through(site: Site) -> None:
    browser = site.browser()
    answers = await asyncio.gather(*(browser.sign_in(ALICE, "wrong horse battery") for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [403] * 5 + [429] * 7


async def test_signing_out_ends_the_session_on_the_server(site: Site) -> None:
    browser = await site.member(ALICE)
    token = browser.cookie
    answer = await browser.post("/manage/sign-out")
    assert (answer.status, answer.location) == (303, "/manage/sign-in")
    assert not browser.cookie
    thief = site.browser()
    async with thief.session.get(
        site.url + "/manage", cookies={"entracte-manage": token}, allow_redirects=False
    ) as response:
        assert response.status == 303


@pytest.mark.conformance("BAD 7")
async def test_signing_in_again_ends_the_session_before(site: Site) -> None:
    browser = await site.member(ALICE)
    before = browser.cookie
    await browser.sign_in(ALICE)
    assert browser.cookie != before
    async with site.browser().session.get(
        site.url + "/manage", cookies={"entracte-manage": before}, allow_redirects=False
    ) as response:
        assert response.status == 303


async def test_a_session_ends_by_itself(site: Site) -> None:
    browser = await site.member(ALICE)
    site.now[0] += SESSION_SECONDS - 1
    assert (await browser.get("/manage")).status == 200
    site.now[0] += 1
    assert (await browser.get("/manage")).status == 303


async def test_who_is_signed_in_needs_no_sign_in_page(site: Site) -> None:
    answer = await (await site.member(ALICE)).get("/manage/sign-in?next=/manage/campaigns/quiz")
    assert (answer.status, answer.location) == (303, "/manage/campaigns/quiz")


async def test_signing_out_twice_is_no_problem(site: Site) -> None:
    assert (await site.browser().post("/manage/sign-out")).location == "/manage/sign-in"


# forms from elsewhere


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"},
    ],
)
@pytest.mark.parametrize("path", ["/manage/sign-in", "/manage/sign-out"])
async def test_a_form_from_elsewhere_is_refused(site: Site, path: str, headers: dict[str, str]) -> None:
    browser = await site.member(ALICE)
    answer = await browser.post(path, {"email": CHARLIE, "password": PASSWORD}, **headers)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    assert site.url in answer.text
    assert (await browser.get("/manage/campaigns/quiz")).status == 200


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "same-origin"}, {"Origin": "", "Sec_Fetch_Site": "same-origin"}]
)
async def test_a_form_from_here_is_taken(site: Site, headers: dict[str, str]) -> None:
    answer = await site.browser().post("/manage/sign-in", {"email": ALICE, "password": PASSWORD}, **headers)
    assert answer.status == 303


# where to go after signing in


@pytest.mark.conformance("MUST 50")
@pytest.mark.parametrize("wanted", HOSTILE)
def test_what_is_no_room_is_the_first_page(wanted: str) -> None:
    assert room_address(wanted) == "/manage"


@pytest.mark.conformance("MUST 50")
async def test_signing_in_leads_nowhere_else(site: Site) -> None:
    browser = await site.member(ALICE)
    for wanted in HOSTILE:
        async with browser.session.get(
            f"{site.url}/manage/sign-in", params={"next": wanted}, allow_redirects=False
        ) as response:
            assert (wanted, response.headers["Location"]) == (wanted, "/manage")
    for wanted in HOSTILE[:6]:
        assert (await browser.sign_in(ALICE, wanted=wanted)).location == "/manage"


@pytest.mark.parametrize("path", ROOMS)
def test_rooms_can_be_gone_to(path: str) -> None:
    assert room_address(path) == path


# what every answer says


@pytest.mark.conformance("MUST 55")
@pytest.mark.parametrize("path", [*ROOMS, "/manage/sign-in", "/manage/campaigns/none"])
@pytest.mark.parametrize("email", ["", ALICE])
async def test_every_answer_is_closed_to_others(site: Site, path: str, email: str) -> None:
    browser = await site.member(email) if email else site.browser()
    answer = await browser.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"style-src 'nonce-([\w-]{24})'", policy)
    assert nonce is not None
    for part in ("default-src 'none'", "img-src 'self' data:", "script-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    if "<style" in answer.text:
        assert re.findall(r"<style([^>]*)>", answer.text) == [f' nonce="{nonce[1]}"']


async def test_a_nonce_is_used_once(site: Site) -> None:
    browser = site.browser()
    policies = {(await browser.get("/manage/sign-in")).headers["Content-Security-Policy"] for _ in range(5)}
    assert len(policies) == 5


@pytest.mark.parametrize("path", ["/manage", "/manage/campaigns/quiz", "/manage/campaigns/none"])
async def test_pages_load_nothing_from_elsewhere_and_need_no_script(played: Site, path: str) -> None:
    text = (await (await played.member(ALICE)).get(path)).text
    assert not re.search(r"<script|<link rel=.stylesheet|@import|url\(| style=| on\w+=", text)
    addresses = re.findall(r'(?:href|src|action)="([^"]+)"', text)
    assert {"/manage"} <= set(addresses)
    assert [one for one in addresses if not one.startswith(("/manage", "#", "data:", f"{played.url}/c/quiz"))] == []


# the numbers


async def test_the_funnel_has_every_number(played: Site) -> None:
    cells = Cells((await (await played.member(ALICE)).get("/manage/campaigns/quiz")).text)
    assert cells.beginning("Started") == ["Started", "8", "100.0%"]
    assert cells.beginning("1 Which song?") == ["1 Which song?", "8", "100.0%"]
    assert cells.beginning("Came back signed in") == ["Came back signed in", "3", "50.0%"]
    assert cells.beginning("Cancelled") == ["Cancelled", "1", "16.7%"]
    assert cells.beginning("Still at the login") == ["Still at the login", "1", "16.7%"]
    assert cells.beginning("Failed:")[1:] == ["1", "16.7%"]
    assert cells.beginning("Failed:")[0] == "Failed: provider did not answer in time provider_timeout"
    assert cells.beginning("Entry") == ["Entry", "3", "37.5%"]


async def test_the_figures_stand_above_the_funnel(played: Site) -> None:
    text = (await (await played.member(ALICE)).get("/manage/campaigns/quiz")).text
    figures = re.findall(r"<dd><strong>([^<]+)</strong>", text)
    assert figures == ["8", "3", "2", "21\u202fs"]
    assert "+8 today" in text
    assert "37.5% of those who started" in text
    assert "live until 20 Jan" in text


async def test_a_bar_is_as_wide_as_its_share(played: Site) -> None:
    text = (await (await played.member(ALICE)).get("/manage/campaigns/quiz")).text
    assert re.findall(r'<svg [^>]* width="([^"]+)"', text) == [
        "100.00%",
        "100.00%",
        "0.00%",
        "75.00%",
        "0.00%",
        "0.00%",
        "37.50%",
    ]


async def test_a_bar_is_named_after_its_step_and_share(played: Site) -> None:
    alice = await played.member(ALICE)
    text = (await alice.get("/manage/campaigns/quiz")).text
    assert re.findall(r'<svg role="img" aria-label="([^"]+)"', text)[:4] == [
        "Started: 100.0%",
        "Which song?: 100.0%",
        "Sign-in: shown: 0.0%",
        "Sign-in: sent: 75.0%",
    ]


async def test_the_page_and_both_exports_say_the_same(played: Site) -> None:
    alice = await played.member(ALICE)
    cells = Cells((await alice.get("/manage/campaigns/quiz")).text)
    statistics = _lines(await alice.get("/manage/campaigns/quiz/statistics.csv"))
    entries = _lines(await alice.get("/manage/campaigns/quiz/entries.csv"))
    by_measure = {line["measure"]: line["count"] for line in statistics}
    assert by_measure["entered"] == str(len(entries)) == cells.beginning("Entry")[1]
    for line in statistics:
        if line["measure"] in (
            "started",
            "sign_in_sent",
            "signed_in",
            "cancelled",
            "at_the_login",
            "failed",
            "entered",
        ):
            assert cells.beginning(line["label"])[1] == line["count"]


async def test_the_export_is_a_file(played: Site) -> None:
    answer = await (await played.member(ALICE)).get("/manage/campaigns/quiz/entries.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="quiz-entries.csv"'
    line = _lines(answer)[0]
    assert (line["question.song"], line["form.email"], line["form.email.outcome"]) == (
        "Anthem",
        "ana@example.com",
        "kept",
    )


def _lines(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def test_the_latest_entries_say_what_became_of_each_value(played: Site) -> None:
    text = (await (await played.member(ALICE)).get("/manage/campaigns/quiz")).text
    rows = [row for row in Cells(text).rows if row[0] == "15 Jan, 08:00"]
    assert sorted(row[1] for row in rows) == ["none", "signed in", "signed in"]
    assert rows[0][2:] == ["<b>Ana</b> edited", "ana@example.com kept", "yes", "en"]
    assert "<b>Ana" not in text


async def test_texts_of_the_brand_are_escaped(site: Site) -> None:
    alice = await site.member(ALICE)
    for path in ("/manage", "/manage/campaigns/quiz"):
        text = (await alice.get(path)).text
        assert "Summer &lt;quiz&gt;" in text
        assert "<quiz>" not in text


async def test_the_list_has_the_numbers_of_each_campaign(played: Site) -> None:
    cells = Cells((await (await played.member(ALICE)).get("/manage")).text)
    assert cells.beginning("Summer <quiz>")[1:] == ["8", "8", "3", "37.5%"]


async def test_the_list_counts_all_campaigns_in_one_read(played: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b-quiz", "a-quiz"):
        definition = Definition.model_validate(QUIZ | {"campaign": name, "title": name})
        await played.store.campaigns.publish(played.quiz.organization, definition, NOW + 1)
    asked: list[int] = []
    count = played.store.tallies.counts_of_each

    async def counted(
        organization: OrganizationNumber, campaigns: Sequence[CampaignNumber], since: int
    ) -> list[Counts]:
        asked.append(len(campaigns))
        return await count(organization, campaigns, since)

    monkeypatch.setattr(played.store.tallies, "counts_of_each", counted)
    cells = Cells((await (await played.member(ALICE)).get("/manage")).text)
    assert asked == [3]
    assert [row[:2] for row in cells.rows[1:]] == [
        ["a-quiz live until 20 Jan", "0"],
        ["b-quiz live until 20 Jan", "0"],
        ["Summer <quiz> live until 20 Jan", "8"],
    ]


# empty pages say what to do


async def test_a_campaign_that_nobody_plays_says_where_it_is(site: Site) -> None:
    text = (await (await site.member(ALICE)).get("/manage/campaigns/quiz")).text
    assert "Nobody has started yet." in text
    assert f'<a href="{site.url}/c/quiz" target="_blank" rel="noopener">{site.url}/c/quiz</a>' in text
    assert "No entry yet." in text
    assert "nobody has signed in yet" in text


@pytest.mark.parametrize(
    ("dates", "pill", "words"),
    [
        ({"opens": "2027-02-01"}, "opens 1 Feb", "It opens on 1 Feb."),
        ({"closes": "2026-12-24"}, "ended 24 Dec 2026", "Nobody took part."),
        ({"closes": None}, "live", "Nobody has started yet."),
    ],
)
async def test_a_campaign_says_whether_it_can_be_played(
    site: Site, dates: dict[str, Any], pill: str, words: str
) -> None:
    definition = Definition.model_validate(QUIZ | {"closes": None} | dates)
    await site.store.campaigns.publish(site.quiz.organization, definition, NOW)
    text = (await (await site.member(ALICE)).get("/manage/campaigns/quiz")).text
    assert re.search(rf'<span class="pill \w+">{pill}</span>', text)
    assert words in text


async def test_a_campaign_without_sign_in_has_no_figures_of_it(site: Site) -> None:
    definition = Definition.model_validate(QUIZ | {"sign_in": None})
    await site.store.campaigns.publish(site.quiz.organization, definition, NOW)
    await play(site, None, entered=True, signed_in=False, person=b"")
    text = (await (await site.member(ALICE)).get("/manage/campaigns/quiz")).text
    assert "Median time" not in text
    assert "Sign-in:" not in text


async def test_no_link_of_the_frame_leads_nowhere(site: Site) -> None:
    alice = await site.member(ALICE)
    text = (await alice.get("/manage")).text
    for address in set(re.findall(r'href="(/[^"]*)"', text)):
        assert (await alice.get(address)).status == 200


# in French, for who reads French


async def test_every_page_speaks_the_language_that_the_browser_likes(played: Site) -> None:
    alice = await played.member(ALICE)
    alice.session.headers["Accept-Language"] = "fr-BE, fr;q=0.9, en;q=0.5"
    pages = {
        path: (await alice.get(path)).text for path in ("/manage", "/manage/campaigns/quiz", "/manage/campaigns/x")
    }
    assert all('<html lang="fr">' in text for text in pages.values())
    assert "Campagnes" in pages["/manage"]
    assert '<a href="/manage/campaigns/quiz" lang="fr">Jeu</a>' in pages["/manage"]
    assert '<h1 lang="fr">Jeu</h1>' in pages["/manage/campaigns/quiz"]
    assert "Il n’y a rien ici." in pages["/manage/campaigns/x"]
    cells = Cells(pages["/manage/campaigns/quiz"])
    assert cells.beginning("Participation envoyée") == ["Participation envoyée", "3", "37,5 %"]
    assert cells.beginning("Échec")[0] == "Échec : le service de connexion n’a pas répondu à temps provider_timeout"
    assert "en ligne jusqu’au 20 janv." in pages["/manage/campaigns/quiz"]


async def test_the_sign_in_speaks_it_too(site: Site) -> None:
    browser = site.browser()
    browser.session.headers["Accept-Language"] = "fr"
    assert "<h1>Se connecter</h1>" in (await browser.get("/manage/sign-in")).text
    for _ in range(5):
        refused = await browser.sign_in(ALICE, "wrong horse battery")
        assert "L’adresse e-mail et le mot de passe ne correspondent pas." in refused.text
    assert "Attendez 15 minutes et réessayez." in (await browser.sign_in(ALICE)).text
    assert "Rien n’a été envoyé." in (await browser.post("/manage/sign-out", Origin="null")).text


async def test_the_exports_are_the_same_in_every_language(played: Site) -> None:
    alice = await played.member(ALICE)
    for path in ROOMS[2:]:
        english = (await alice.get(path)).text
        async with alice.session.get(played.url + path, headers={"Accept-Language": "fr"}) as response:
            assert await response.text() == english

"""Every page in its states, for everybody: by axe and by checks of our own, in English and French; light in a wide
window, dark at 320 pixels. There is no violation at all."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from entracte.listening import listen
from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Role
from entracte.participation.events import Outcome
from entracte.practice.brand_site import CONTEST, QUIZ, brand_site
from entracte.practice.provider import PracticeClient, PracticeProvider
from entracte.practice.serving import Served
from entracte.store import tables
from entracte.store.opened import Store
from entracte.values import Secret, entropy
from tests.accessibility.inspection import Inspection
from tests.browser import come_to_pass
from tests.installation import CLIENT_ID, CLIENT_SECRET, MEMBER, PASSWORD, Installation
from tests.journeys.test_practice_provider import where_the_login_leads

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Page, Route

    Open = Callable[..., BrowserContext]

OUTSIDER = "charlie@contoso.example"
PRIMARY = "main .primary"
SUMMARY = "[data-summary]"
SLOW_SECONDS = 9.0
"""Long enough to look at on a machine that stands still for a while; a login is waited for ten."""
HEIGHT = "frame => frame.offsetHeight"
HEIGHT_INSIDE = "Math.ceil(document.body.getBoundingClientRect().height)"
OVER = '\ncloses: "2020-01-01"\n'


@dataclass(frozen=True)
class Scene:
    """The brand's site, the login, and the campaigns of the examples."""

    installation: Installation
    login: str
    brand: str

    def campaign(self, name: str = QUIZ) -> str:
        return f"{self.installation.url}/c/{name}"

    def manage(self, path: str = "") -> str:
        return f"{self.installation.url}/manage{path}"


@dataclass(frozen=True)
class Visitor:
    """Somebody with a browser in one language, who looks at each page on the way."""

    page: "Page"
    scene: Scene
    inspection: Inspection
    language: str

    def look(self, name: str, frame: "Frame | None" = None) -> None:
        self.inspection(self.page, name, self.language, frame=frame)

    def press(self, selector: str = PRIMARY) -> None:
        self.page.locator(selector).first.click()

    def go_on(self, selector: str = PRIMARY) -> None:
        """Press what leads to another page, and wait for that page."""
        with self.page.expect_navigation():
            self.press(selector)

    def look_at_problem(self, name: str, focus: str = SUMMARY) -> None:
        """Send nothing, and look at what the page says then."""
        self.go_on()
        self.inspection.focus(self.page, focus, name)
        self.look(name)

    def answer(self) -> None:
        """From the first page to the sign-in, without looking around."""
        self.page.goto(self.scene.campaign())
        for answer in (None, ".choice label", ".choice label", ".choice label", "textarea"):
            if answer == "textarea":
                self.page.locator(answer).fill("The sea")
            elif answer:
                self.press(answer)
            self.go_on()
        self.page.wait_for_url("**/sign-in")

    def go_to_the_login(self) -> None:
        self.answer()
        self.press()
        self.page.wait_for_url(f"{self.scene.login}/**")

    def sign_in(self) -> None:
        """To the form, filled in from Ana's account."""
        self.go_to_the_login()
        self.press("button[value=complete]")
        self.page.wait_for_url("**/details")

    def send(self) -> None:
        """Send the form; the box by the keyboard, as its label is over it."""
        self.page.locator("input[name=rules]").press("Space")
        self.press()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    installation = Installation(tmp_path_factory.mktemp("accessibility"))
    with ExitStack() as stack:
        login = listen(name="localhost")
        client = PracticeClient(CLIENT_ID, Secret(CLIENT_SECRET), (installation.redirect_uri,))
        provider = PracticeProvider(login.url, [client], slow_seconds=SLOW_SECONDS, skip_consent=True)
        stack.enter_context(Served(provider.app, login))
        stack.callback(provider.close)
        site = listen(name="brand.test")
        stack.enter_context(Served(brand_site(installation.url), site))
        installation.connect(login.url, profile_source="userinfo")
        publish(installation, site.url)
        installation.add_member()
        installation.work(lambda store: add_outsider(store, installation))
        stack.enter_context(installation)
        yield Scene(installation, login.url, site.url)


def example(name: str) -> str:
    return files("entracte.practice").joinpath("examples", f"{name}.yaml").read_text(encoding="utf-8")


def publish(installation: Installation, brand: str) -> None:
    """The quiz, the contest for the brand's page, and a quiz that is over."""
    quiz, contest = example(QUIZ), example(CONTEST)
    installation.publish(quiz)
    installation.publish(contest.replace("http://localhost:9001", brand))
    installation.publish(quiz.replace(f"campaign: {QUIZ}", "campaign: last-summer") + OVER)


async def add_outsider(store: Store, installation: Installation) -> None:
    """A member of an organization that has no campaign yet."""
    keys = installation.settings.seal_keys()
    contoso = await add_organization(store.organizations, "contoso", "Contoso", Brand(), keys, entropy)
    await add_member(store.members, contoso.number, OUTSIDER, Role.OWNER, Secret(PASSWORD))


@pytest.fixture
def inspection() -> Iterator[Inspection]:
    made = Inspection()
    yield made
    if made.faults:
        pytest.fail("\n".join(made.faults), pytrace=False)


@pytest.fixture(params=["en", "fr"])
def visitor(request: pytest.FixtureRequest, scene: Scene, open_context: "Open", inspection: Inspection) -> Visitor:
    language: str = request.param
    context = open_context(locale={"en": "en-GB", "fr": "fr-FR"}[language], reduced_motion="reduce")
    return Visitor(context.new_page(), scene, inspection, language)


# A participant's pages


def test_the_questions(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(visitor.scene.campaign())
    visitor.look("welcome")
    visitor.go_on()
    for kind in ("single choice", "multiple choice"):
        visitor.look(kind)
        visitor.look_at_problem(f"{kind} with its problem")
        visitor.press(".choice label")
        visitor.go_on()
    visitor.press(".choice label")
    visitor.go_on()
    visitor.look("open text")
    visitor.look_at_problem("open text with its problem")
    page.locator("textarea").fill("The sea")
    visitor.go_on()
    page.wait_for_url("**/sign-in")
    visitor.look("sign-in")


def test_a_guests_form(visitor: Visitor) -> None:
    page = visitor.page
    visitor.answer()
    visitor.press("main .link")
    page.wait_for_url("**/details")
    visitor.look("guest's form")
    visitor.look_at_problem("guest's form with its problems")
    page.locator("[data-summary] a").first.click()
    visitor.inspection.focus(page, "#field-first_name", "a link of the summary")


def test_a_form_that_is_filled_in(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.look("form")
    visitor.look_at_problem("form with its problem")
    visitor.send()
    visitor.page.wait_for_url("**/thanks")
    visitor.look("thanks")


def test_mishaps(visitor: Visitor) -> None:
    page, scene = visitor.page, visitor.scene
    visitor.go_to_the_login()
    page.locator(".ways a").last.click()
    page.wait_for_url("**/sign-in/mishap")
    visitor.look("mishap")
    page.goto(f"{scene.installation.url}/oauth/callback?state=x")
    visitor.look("mishap of nobody's sign-in")


def test_pages_that_lead_nowhere(visitor: Visitor) -> None:
    page, scene = visitor.page, visitor.scene
    page.goto(scene.campaign("last-summer"))
    visitor.look("closed")
    page.goto(scene.campaign("nothing"))
    visitor.look("not found")
    page.goto(scene.campaign())
    page.context.clear_cookies()
    visitor.go_on()
    page.get_by_role("link").last.wait_for()
    visitor.look("no cookie")
    visitor.go_on()
    visitor.go_on()
    page.locator(".choice input").first.evaluate("input => { input.value = 'x'.repeat(200000) }")
    visitor.press(".choice label")
    visitor.go_on()
    page.locator("code").wait_for()
    visitor.look("trouble")


def test_the_moment_of_a_return(visitor: Visitor) -> None:
    """The same return in two windows: one is worked on, the other one waits."""
    page, scene = visitor.page, visitor.scene
    visitor.go_to_the_login()
    callback = where_the_login_leads(page, "Slow")
    before = under_way(scene)
    first = page.context.new_page()
    with first.expect_request(re.compile("/sign-in/return")):
        first.evaluate("address => { location.href = address }", callback)
    come_to_pass(page, lambda: under_way(scene) > before)
    page.route("**/sign-in/return*", lambda route: route.abort("aborted"))  # it must not load itself again
    page.goto(callback)
    page.locator("[role=status]").wait_for()
    visitor.look("moment")
    assert any("turning" in moving or "div" in moving for moving in visitor.inspection.moves(page))


def under_way(scene: Scene) -> int:
    """How many returns have no outcome yet."""
    query = select(func.count()).where(tables.attempt.c.outcome == Outcome.RETURNED.value)

    async def count(store: Store) -> int:
        return await store.commits.read(lambda connection: connection.execute(query).scalar_one())

    return scene.installation.work(count)


def test_the_end_of_a_popup(visitor: Visitor) -> None:
    page, inspection = visitor.page, visitor.inspection
    page.goto(visitor.scene.campaign(CONTEST))
    visitor.press()
    page.locator("textarea").fill("Ana")
    visitor.press()
    page.wait_for_url("**/sign-in")  # with its script: a press before it came goes on in the same window
    with page.expect_popup() as opened:
        visitor.press()
    popup = opened.value
    page.goto("about:blank")  # nobody is there to close the window
    popup.locator("button[value=complete]").click()
    popup.wait_for_url("**/sign-in/done*")
    inspection(popup, "end of a pop-up", visitor.language)


def test_a_campaign_in_a_frame(visitor: Visitor) -> None:
    page, scene = visitor.page, visitor.scene
    page.goto(f"{scene.brand}/win")
    frame = page.frame_locator("iframe")
    frame.locator(PRIMARY).press("Enter")  # a pointer can miss what moves while the frame takes its height
    frame.locator("textarea").wait_for()
    visitor.look("question in a frame", focused(page))
    frame.locator(PRIMARY).press("Enter")
    frame.locator(SUMMARY).wait_for()
    visitor.look("question in a frame with its problem", focused(page))
    frame.locator("textarea").fill("Ana")
    frame.locator(PRIMARY).press("Enter")
    frame.locator("textarea").wait_for(state="detached")
    visitor.look("sign-in in a frame", focused(page))


def test_a_frame_where_the_campaign_is_not_played(visitor: Visitor) -> None:
    """In a page that the campaign names; nobody else's page shows it."""
    page, scene = visitor.page, visitor.scene
    page.goto(f"{scene.brand}/win")
    page.frame_locator("iframe").locator("textarea, main button").first.wait_for()
    address = f"{scene.campaign(CONTEST)}/in?page={quote('https://stranger.example/', safe='')}"
    page.locator("iframe").evaluate("(frame, address) => { frame.src = address }", address)
    page.frame_locator("iframe").locator("a.button").wait_for()
    visitor.look("frame on another page", focused(page))


def focused(page: "Page") -> "Frame":
    """The frame of a page, with the keyboard's focus in it; a pointer finds it once it has its height."""
    page.frame_locator("iframe").locator("h1").wait_for()
    frame = page.frames[1]
    frame.wait_for_load_state()
    outside = page.locator("iframe")
    if frame.locator("script[data-parent]").count():  # a page that tells nobody its height is given none
        come_to_pass(page, lambda: outside.evaluate(HEIGHT) == frame.evaluate(HEIGHT_INSIDE))
    frame.locator("h1").click()
    frame.wait_for_function("() => document.hasFocus()")
    return frame


# The manager's pages


def sign_in_to_manage(page: "Page", scene: Scene, email: str = MEMBER, password: str = PASSWORD) -> None:
    page.goto(scene.manage())
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    with page.expect_navigation():
        page.locator("main button").click()


def test_the_managers_door(visitor: Visitor) -> None:
    page, scene = visitor.page, visitor.scene
    page.goto(scene.manage())
    visitor.look("manager's sign-in")
    sign_in_to_manage(page, scene, password="not the password of Alice")
    visitor.inspection.focus(page, "#password", "manager's sign-in, refused")
    visitor.look("manager's sign-in, refused")
    sign_in_to_manage(page, scene, OUTSIDER)
    page.locator(".empty").wait_for()
    visitor.look("no campaign yet")
    page.goto(scene.manage("/campaigns/nothing"))
    visitor.look("nothing in the manager")


def test_the_managers_campaigns(visitor: Visitor) -> None:
    page, scene = visitor.page, visitor.scene
    visitor.sign_in()
    visitor.send()
    page.wait_for_url("**/thanks")
    sign_in_to_manage(page, scene)
    page.locator("main table").wait_for()
    visitor.look("campaigns")
    page.goto(scene.manage(f"/campaigns/{QUIZ}"))
    page.locator("table.entries").wait_for()
    visitor.look("campaign")
    page.goto(scene.manage("/campaigns/last-summer"))
    visitor.look("campaign without a participation")


# The pages about the REST API, which are in English


def test_the_pages_about_the_api(scene: Scene, inspection: Inspection, open_context: "Open") -> None:
    visitor = Visitor(open_context(reduced_motion="reduce").new_page(), scene, inspection, "en")
    visitor.page.goto(f"{scene.installation.url}/api/docs")
    visitor.look("REST API")
    for operation in ("create_connection", "list_entries", "revoke_token"):
        visitor.page.locator(f"[id^={operation}] summary").click()
    visitor.look("REST API, opened")
    visitor.page.goto(f"{scene.installation.url}/api/problems/token_refused")
    visitor.look("problem")


# The practice login's pages


def test_the_login(visitor: Visitor) -> None:
    page, scene, asked = visitor.page, visitor.scene, []
    page.on("request", lambda request: asked.append(request.url))
    visitor.go_to_the_login()
    visitor.look("login")
    page.locator("#email").fill("ana@example.com")
    page.locator("#password").fill("not hers")
    visitor.go_on()
    visitor.inspection.focus(page, "#password", "login, refused")
    visitor.look("login, refused")
    authorize = next(url for url in asked if url.startswith(f"{scene.login}/authorize"))
    page.goto(f"{authorize}&prompt=consent")
    visitor.press("button[value=complete]")
    page.wait_for_url("**/consent*")
    visitor.look("consent")
    page.goto(f"{authorize}&prompt=select_account")
    visitor.look("choice of an account")
    page.goto(f"{scene.login}/consent?interaction=gone")
    visitor.look("sign-in that is gone")
    page.goto(f"{scene.login}/end-session")
    visitor.look("sign-out")


def test_accounts_at_the_login(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go_to_the_login()
    visitor.go_on(".ways .secondary")
    visitor.look("registration")
    visitor.look_at_problem("registration with its problems", ".summary")
    page.go_back()
    page.go_back()
    visitor.go_on(".actions a")
    visitor.look("forgotten password")
    visitor.look_at_problem("forgotten password with its problem", "#email")
    page.locator("#email").fill("ana@example.com")
    visitor.go_on()
    visitor.look("mail")
    visitor.go_on(".mail a")
    visitor.look("new password")
    visitor.look_at_problem("new password with its problem", "#password")
    page.goto(f"{visitor.scene.login}/reset?token=gone")
    visitor.look("link that is gone")


# The brand's pages


def test_the_brands_pages(scene: Scene, page: "Page", inspection: Inspection) -> None:
    page.goto(scene.brand)
    inspection(page, "home", "en")
    page.route(f"{scene.installation.url}/embed.js", without_script)
    page.goto(f"{scene.brand}/win")
    inspection(page, "article", "en")
    page.unroute(f"{scene.installation.url}/embed.js")
    page.reload()
    page.frame_locator("iframe").locator(PRIMARY).wait_for()
    assert page.locator("iframe").get_attribute("title")


def without_script(route: "Route") -> None:
    route.fulfill(content_type="text/javascript", body="")


# Without JavaScript


def test_what_is_wrong_has_the_focus_without_javascript(
    scene: Scene, plain_page: "Page", inspection: Inspection
) -> None:
    page = plain_page
    page.goto(scene.campaign())
    for _ in ("the first page", "a question without an answer"):
        with page.expect_navigation():
            page.locator(PRIMARY).click()
    inspection.focus(page, SUMMARY, "single choice")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/radio-ship#*")
    assert page.locator(":target").get_attribute("name") == "answer"


# The checks themselves


BAD_PAGE = """<html lang=de><title>x</title>
<style>a:focus, b:focus { outline: 0 } b { animation: a 1s } @keyframes a {} i a { position: absolute }</style>
<main><h1>One</h1><h1>Two</h1><div style="width: 2000px">wide</div><p style="color: #ccc">pale</p><b>moves</b>
<i style="display: block; position: relative; height: 90px"><a href=x style="top: 60px">low</a>
<a href=x style="top: 0">high</a><a href=x style="font-size: 6px; left: 90px; top: 60px">s</a></i></main>"""
FAULTS = ("2 headings", "in de", "wider than", "smaller than", "can not be seen", "goes back", "moves", "contrast")


def test_the_checks_see_what_is_wrong(page: "Page") -> None:
    inspection = Inspection(patience=2)
    page.set_content(BAD_PAGE)
    inspection(page, "bad", "en")
    inspection.focus(page, "h1", "bad")
    said = "\n".join(inspection.faults)
    assert [fault for fault in (*FAULTS, "the focus is not on") if fault not in said] == []

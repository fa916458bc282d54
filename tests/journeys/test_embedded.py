"""A contest in a frame of the brand's page, in a real browser: there and back through the whole window, and nobody
else gets what came back.

The brand is `http://brand.test`, the campaigns are at `http://localhost`: two sites, so cookies of the frame are
those of a third party.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask, request

from entracte.listening import listen
from entracte.practice.brand_site import CONTEST, brand_site
from entracte.practice.serving import Served
from tests.browser import Witness, come_to_pass
from tests.installation import Installation
from tests.journeys.logins import Account, Login, Open, node_login, practice_login
from tests.journeys.quiz import choose
from tests.journeys.stored import entries_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Route

    OpenContext = Callable[..., BrowserContext]

SONG = "Ana, and the one about the ducks."
SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")
SIGN_IN = "Sign in with Northwind"
NOT_YOU = re.compile("^Not you")


@dataclass(frozen=True)
class Scene:
    """A brand's site that frames the contest, the campaigns, the login, and a site of somebody else."""

    installation: Installation
    login: Login
    brand: str
    near_brand: str
    """The same site under a name that is no other site than the campaigns."""
    stranger: str

    @property
    def article(self) -> str:
        return f"{self.brand}/win"

    @property
    def contest(self) -> str:
        return f"{self.installation.url}/c/{CONTEST}"


def strangers_site() -> Flask:
    """Pages of somebody who wishes to be in between: one frames any address, one posts to it."""
    app = Flask(__name__)

    @app.get("/frame")
    def frame() -> str:
        return f"<!doctype html><title>Frame</title><iframe src='{escape(request.args['of'], quote=True)}'></iframe>"

    @app.get("/script")
    def script() -> str:
        of = escape(request.args["of"], quote=True)
        return f"<!doctype html><title>Script</title><h1>Win</h1><script src='{of}' data-campaign='{CONTEST}'></script>"

    @app.get("/post")
    def post() -> str:
        to = escape(request.args["to"], quote=True)
        return f"<!doctype html><title>Post</title><form method=post action='{to}'><button>Win</button></form>"

    return app


@contextmanager
def built(folder: Path, login: Open) -> Iterator[Scene]:
    """A scene in a folder, until the block ends."""
    installation = Installation(folder)
    with ExitStack() as stack:
        running = stack.enter_context(login(installation.redirect_uri, 1.0))
        site = listen(name="brand.test")
        stack.enter_context(Served(brand_site(installation.url), site))
        elsewhere = listen(name="stranger.test")
        stack.enter_context(Served(strangers_site(), elsewhere))
        near = f"http://localhost:{site.port}"
        installation.connect(running.issuer, profile_source="userinfo")
        installation.publish(contest(site.url, near))
        stack.enter_context(installation)
        yield Scene(installation, running, site.url, near, elsewhere.url)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """With the practice provider as the login."""
    with built(tmp_path_factory.mktemp("embedded"), practice_login) as made:
        yield made


@pytest.fixture(scope="module")
def scene_of_others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """With a login by other hands."""
    with built(tmp_path_factory.mktemp("embedded-of-others"), node_login) as made:
        yield made


@pytest.fixture(params=["scene", "scene_of_others"], ids=["practice", "oidc-provider"])
def any_scene(request: pytest.FixtureRequest) -> Scene:
    """With each login."""
    made: Scene = request.getfixturevalue(request.param)
    return made


def contest(*origins: str, window: str = "same") -> str:
    """The contest of the examples, for pages of these origins, with its sign-in in the same window or in a pop-up."""
    text = files("entracte.practice").joinpath("examples", f"{CONTEST}.yaml").read_text(encoding="utf-8")
    named = ", ".join(f'"{origin}"' for origin in origins)
    assert '"http://localhost:9001"' in text
    assert "window: popup" in text
    return text.replace('"http://localhost:9001"', named).replace("window: popup", f"window: {window}")


@pytest.fixture
def in_a_popup(scene: Scene) -> Iterator[None]:
    """As long as one test: the contest opens a window for the sign-in."""
    origins = (scene.brand, scene.near_brand)
    scene.installation.publish(contest(*origins, window="popup"))
    yield
    scene.installation.publish(contest(*origins))


def framed(page: "Page") -> "FrameLocator":
    """The contest on the brand's page; there is one."""
    return page.frame_locator("iframe")


def settled(page: "Page") -> None:
    """Waits until the page in the frame is there with its scripts, and the brand's page keeps the key that it told: who
    presses, reloads or leaves before that is quicker than any person."""
    frame = page.frames[1]
    frame.wait_for_load_state()
    key = urlsplit(frame.url).path.split("/")[4]
    page.wait_for_function("([name, key]) => sessionStorage.getItem(name) === key", arg=[f"entracte:{CONTEST}", key])


def press(page: "Page", name: str | re.Pattern[str]) -> None:
    """A button in the frame, by the keyboard: while the frame takes its height, a pointer can miss what moves."""
    framed(page).get_by_role("button", name=name).press("Enter", no_wait_after=True)


def answer(page: "Page", address: str) -> None:
    """Open the article and go to the sign-in of the contest."""
    page.goto(address)
    frame = framed(page)
    press(page, "Take part")
    frame.get_by_role("textbox").fill(SONG)
    press(page, "Next")
    frame.get_by_role("button", name=SIGN_IN).wait_for()
    settled(page)


def go_to_the_login(page: "Page", scene: Scene) -> None:
    press(page, SIGN_IN)
    page.wait_for_url(re.compile(re.escape(scene.login.issuer)))


def sign_in(page: "Page", scene: Scene) -> None:
    """To the login, and back to the form in the frame."""
    go_to_the_login(page, scene)
    scene.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(f"{scene.brand}/**")
    framed(page).get_by_role("button", name="Put me on the list").wait_for()
    settled(page)


def value(page: "Page", label: str) -> str:
    return framed(page).get_by_label(label, exact=True).input_value()


def send(page: "Page") -> None:
    """Fill in what no account knows; the box by the keyboard, as the frame may still be growing under a pointer."""
    frame = framed(page)
    frame.get_by_label("If it is only one day").select_option("sunday")
    rules = frame.get_by_role("checkbox", name=re.compile("^I accept"))
    rules.press("Space")
    assert rules.is_checked()
    press(page, "Put me on the list")
    frame.get_by_role("heading", name="You are on the list.").wait_for()
    settled(page)


def key_of(page: "Page") -> str:
    """The key that the brand's page keeps."""
    settled(page)
    key: str = page.evaluate("name => sessionStorage.getItem(name)", f"entracte:{CONTEST}")
    return key


def handle_of(page: "Page", scene: Scene, persona: str = "Ana Lopez") -> str:
    """What comes back in the fragment of the brand's page, whose script is kept from using it."""
    script = f"{scene.installation.url}/embed.js"
    page.route(script, lambda route: route.fulfill(content_type="text/javascript", body=""))
    go_to_the_login(page, scene)
    choose(page, persona)
    page.wait_for_url(re.compile("#entracte-return="))
    page.unroute(script)
    return urlsplit(page.url).fragment


@pytest.fixture(params=["strict_page", "lenient_page"])
def third_party_page(request: pytest.FixtureRequest, browser: "Browser") -> "Page":
    """A window in a browser that blocks third-party cookies, and in one that does not."""
    page: Page = request.getfixturevalue(request.param)
    return page


def test_a_person_goes_through_in_the_frame(any_scene: Scene, third_party_page: "Page") -> None:
    page = third_party_page
    before = len(entries_of(any_scene.installation, CONTEST))
    address = f"{any_scene.article}?from=newsletter#win-title"
    answer(page, address)
    assert len(page.frames) == 2
    sign_in(page, any_scene)
    assert page.url.partition("#")[0] == address.partition("#")[0]
    assert "entracte-return" not in page.url
    page.wait_for_function("scrollY > 0")
    assert page.locator("iframe").evaluate("frame => frame.getBoundingClientRect().top < innerHeight")
    assert framed(page).get_by_role("heading", name="Almost on the list, Ana.").is_visible()
    filled_in = [value(page, label) for label in ("First name", "Last name", "E-mail", "Date of birth")]
    assert filled_in == ["Ana", "Lopez", "ana@example.com", any_scene.login.birthdate]
    send(page)
    entries = entries_of(any_scene.installation, CONTEST)
    assert len(entries) == before + 1
    assert entries[0].answers["who-with"] == SONG
    assert (entries[0].values["email"], entries[0].values["day"]) == ("ana@example.com", "sunday")
    assert entries[0].signed_in


@pytest.mark.usefixtures("in_a_popup")
def test_a_person_goes_through_with_a_popup(scene: Scene, third_party_page: "Page") -> None:
    """The brand's page stays as it is; the frame goes on when the login's window has closed."""
    page = third_party_page
    answer(page, scene.article)
    with page.expect_popup() as opened:
        press(page, SIGN_IN)
    choose(opened.value, "Ana Lopez")
    framed(page).get_by_role("heading", name="Almost on the list, Ana.").wait_for()
    assert page.url == scene.article
    assert value(page, "E-mail") == "ana@example.com"
    send(page)
    page.reload()
    framed(page).get_by_role("heading", name="You are on the list.").wait_for()
    entry = entries_of(scene.installation, CONTEST)[0]
    assert (entry.answers["who-with"], entry.values["email"]) == (SONG, "ana@example.com")


@pytest.mark.usefixtures("in_a_popup")
def test_where_no_window_opens_it_is_the_whole_window(scene: Scene, strict_page: "Page") -> None:
    """As in the browser of an app."""
    strict_page.add_init_script("window.open = () => null")
    answer(strict_page, scene.article)
    sign_in(strict_page, scene)
    send(strict_page)


def test_on_the_same_site_too(scene: Scene, page: "Page") -> None:
    """A brand whose campaigns are on a host of its own site."""
    answer(page, f"{scene.near_brand}/win")
    go_to_the_login(page, scene)
    choose(page, "Ana Lopez")
    page.wait_for_url(f"{scene.near_brand}/win")
    framed(page).get_by_role("button", name="Put me on the list").wait_for()
    send(page)


@pytest.mark.conformance("MUST 13")
def test_reload_of_the_brands_page_resumes(any_scene: Scene, strict_page: "Page") -> None:
    """With the answers before the sign-in, and with the form after it; the key from before it opens nothing then."""
    page = strict_page
    answer(page, any_scene.article)
    before = key_of(page)
    page.reload()
    framed(page).get_by_role("button", name=SIGN_IN).wait_for()
    sign_in(page, any_scene)
    page.reload()
    framed(page).get_by_role("button", name="Put me on the list").wait_for()
    assert value(page, "First name") == "Ana"
    assert "ana@example.com" in seen_with(page, any_scene, key_of(page))
    assert "ana@example.com" not in seen_with(page, any_scene, before)
    send(page)
    page.reload()
    framed(page).get_by_role("heading", name="You are on the list.").wait_for()
    assert entries_of(any_scene.installation, CONTEST)[0].answers["who-with"] == SONG


def test_cancel_leads_back_to_the_brands_page(any_scene: Scene, strict_page: "Page") -> None:
    page = strict_page
    answer(page, any_scene.article)
    go_to_the_login(page, any_scene)
    any_scene.login.cancel(page)
    page.wait_for_url(f"{any_scene.article}*")
    frame = framed(page)
    frame.get_by_role("heading", name="You came back without signing in.").wait_for()
    text = frame.locator("body").inner_text()
    assert "Your answer is safe" in text
    assert SHORT_CODE.search(text)
    assert "entracte-return" not in page.url
    press(page, "Try again")
    page.wait_for_url(re.compile(re.escape(any_scene.login.issuer)))
    any_scene.login.sign_in(page, Account.COMPLETE)
    framed(page).get_by_role("button", name="Put me on the list").wait_for()
    send(page)


def test_not_you_in_the_frame(scene: Scene, strict_page: "Page") -> None:
    """Another account, at the login's own page, although the first one is signed in there; what was typed stays."""
    page = strict_page
    answer(page, scene.article)
    sign_in(page, scene)
    framed(page).get_by_label("If it is only one day").select_option("friday")
    press(page, NOT_YOU)
    page.wait_for_url(re.compile(re.escape(scene.login.issuer)))
    choose(page, "Unverified e-mail")
    page.wait_for_url(f"{scene.article}*")
    framed(page).get_by_text("chloe@example.com").wait_for()
    assert value(page, "E-mail") == "chloe@example.com"
    assert value(page, "If it is only one day") == "friday"
    assert "ana@example.com" not in framed(page).locator("body").inner_html()


@pytest.mark.conformance("BAD 26")
def test_a_handle_is_of_use_once(scene: Scene, strict_page: "Page") -> None:
    """The same fragment a second time, with the right key: nothing happens, and nothing is lost."""
    page = strict_page
    answer(page, scene.article)
    fragment = handle_of(page, scene)
    page.reload()
    framed(page).get_by_role("button", name="Put me on the list").wait_for()
    press(page, NOT_YOU)
    choose(page, "Unverified e-mail")
    framed(page).get_by_text("chloe@example.com").wait_for()
    settled(page)
    page.goto("about:blank")
    page.goto(f"{scene.article}#{fragment}")
    framed(page).get_by_role("button", name="Put me on the list").wait_for()
    assert value(page, "E-mail") == "chloe@example.com"


@pytest.mark.conformance("BAD 43")
def test_a_planted_handle_claims_nothing(scene: Scene, strict_page: "Page", open_context: "OpenContext") -> None:
    """Somebody's fragment in another browser: without their key, and with a key of one's own, it tells nothing."""
    answer(strict_page, scene.article)
    fragment = handle_of(strict_page, scene)
    thief = open_context().new_page()
    thief.goto(f"{scene.article}#{fragment}")
    framed(thief).get_by_role("button", name="Take part").wait_for()
    assert "entracte-return" not in thief.url
    answer(thief, scene.article)
    own = key_of(thief)
    handle = fragment.partition("=")[2]
    thief.goto("about:blank")
    thief.goto(f"{scene.article}#{fragment}")
    framed(thief).get_by_role("button", name=SIGN_IN).wait_for()
    for address in (f"{scene.contest}/in/{own}/return/{handle}", f"{scene.contest}/in/{handle}/return/{handle}"):
        assert "ana@example.com" not in told(thief, address)
    # The one whose it is loses nothing by that.
    strict_page.reload()
    framed(strict_page).get_by_role("button", name="Put me on the list").wait_for()
    assert value(strict_page, "E-mail") == "ana@example.com"


def told(page: "Page", address: str) -> str:
    """What an address says to a program that has the cookies of this browser, and says nothing about itself."""
    return page.context.request.get(address).text()


def seen_with(page: "Page", scene: Scene, key: str) -> str:
    """All that the pages of a participation say to whoever has its key: in an address of a frame."""
    paths = ("", "/details", "/sign-in", "/sign-in/mishap", "/thanks")
    return "\n".join(told(page, f"{scene.contest}/in/{key}{path}") for path in paths)


@pytest.mark.conformance("BAD 4", "BAD 43")
def test_a_post_from_another_site_does_not_begin_a_sign_in(scene: Scene, open_context: "OpenContext") -> None:
    """The phishing of the device flow: the attacker's key, and the victim's browser is made to begin the sign-in."""
    attacker, victim = open_context().new_page(), open_context().new_page()
    answer(attacker, scene.article)
    key = key_of(attacker)
    visited: list[str] = []
    victim.on("framenavigated", lambda frame: visited.append(frame.url))
    victim.goto(f"{scene.stranger}/post?to={quote(f'{scene.contest}/in/{key}/sign-in', safe='')}")
    victim.get_by_role("button", name="Win").click()
    victim.wait_for_url(scene.article)
    assert not [address for address in visited if address.startswith(scene.login.issuer)]
    assert victim.context.cookies() == []
    framed(victim).get_by_role("button", name="Take part").wait_for()
    assert key_of(victim) != key


@pytest.mark.conformance("BAD 6")
@pytest.mark.parametrize("where", ["in a frame", "in a window of its own"])
def test_a_link_with_a_key_leads_to_a_participation_of_ones_own(
    scene: Scene, open_context: "OpenContext", where: str
) -> None:
    """The attacker's key in an address, opened by a victim: nobody signs in, or types, under somebody else's key."""
    attacker, victim = open_context().new_page(), open_context().new_page()
    key = key_in_a_frame(attacker, scene) if where == "in a frame" else key_of_its_own_window(attacker, scene)
    for path in ("", "/sign-in", "/details", "/who-with", f"/return/{key}"):
        victim.goto(f"{scene.contest}/in/{key}{path}")
        victim.get_by_role("button", name="Take part").wait_for()
        assert urlsplit(victim.url).path in (f"/c/{CONTEST}", f"/c/{CONTEST}/welcome")
    assert key not in cookies_of(victim)
    sign_in_alone(victim)
    assert victim.get_by_label("E-mail", exact=True).input_value() == "ana@example.com"
    assert "ana@example.com" not in seen_with(attacker, scene, key)


@pytest.mark.conformance("BAD 6", "BAD 43")
@pytest.mark.parametrize("window", ["same", "popup"])
@pytest.mark.parametrize("where", ["in a frame", "in a window of its own"])
def test_a_victim_who_signs_in_for_somebody_else_tells_them_nothing(
    scene: Scene, open_context: "OpenContext", request: pytest.FixtureRequest, where: str, window: str
) -> None:
    """In a browser that does not say where a page stands, a victim can see the attacker's participation, and press."""
    if window == "popup":
        request.getfixturevalue("in_a_popup")
    attacker, victim = open_context().new_page(), say_nothing_about_windows(open_context().new_page(), scene)
    key = key_in_a_frame(attacker, scene) if where == "in a frame" else key_of_its_own_window(attacker, scene)
    victim.goto(f"{scene.contest}/in/{key}/sign-in")
    victim.get_by_role("button", name=SIGN_IN).click()
    victim.wait_for_url(lambda address: not address.endswith("/sign-in"))
    assert len(victim.context.pages) == 1, "no window opens that would hand over to this one"
    if where == "in a frame":
        choose(victim, "Ana Lopez")
        victim.wait_for_url(f"{scene.brand}/**")
        framed(victim).get_by_role("button", name="Take part").wait_for()
    assert "ana@example.com" not in seen_with(attacker, scene, key)
    assert "ana@example.com" not in told(attacker, scene.contest)
    assert key not in cookies_of(victim)


def say_nothing_about_windows(page: "Page", scene: Scene) -> "Page":
    """A browser from before Fetch Metadata: our pages under a key are asked for without `Sec-Fetch-Dest`."""

    def ask(route: "Route") -> None:
        said = {name: value for name, value in route.request.headers.items() if not name.startswith("sec-fetch")}
        route.fulfill(response=route.fetch(headers=said, max_redirects=0))

    page.route(
        re.compile(f"^{re.escape(scene.contest)}/in/.*/sign-in$"),
        lambda route: ask(route) if is_get(route) else route.continue_(),
    )
    return page


def is_get(route: "Route") -> bool:
    return route.request.method == "GET"


def cookies_of(page: "Page") -> set[str]:
    """The values of all cookies of this browser."""
    return {str(cookie.get("value")) for cookie in page.context.cookies()}


def key_in_a_frame(page: "Page", scene: Scene) -> str:
    """The key of a participation that the brand's page frames, at its sign-in."""
    answer(page, scene.article)
    return key_of(page)


def sign_in_alone(page: "Page") -> None:
    """The contest in a window of its own, from its first page to its form."""
    page.get_by_role("button", name="Take part").click()
    page.get_by_role("textbox").fill(SONG)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name=SIGN_IN).click()
    choose(page, "Ana Lopez")
    page.wait_for_url(re.compile("/details$"))


def key_of_its_own_window(page: "Page", scene: Scene) -> str:
    """The key of a participation that no page frames: its cookie."""
    page.goto(scene.contest)
    page.get_by_role("button", name="Take part").click()
    page.get_by_role("textbox").fill(SONG)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name=SIGN_IN).wait_for()
    named = f"entracte-{CONTEST}"
    return next(str(cookie.get("value")) for cookie in page.context.cookies() if cookie.get("name") == named)


def test_a_page_that_the_campaign_does_not_name_gets_a_way_out(
    scene: Scene, strict_page: "Page", witness: Witness
) -> None:
    """A brand that forgot one of its origins: nothing of ours is shown in its frame, and its own page has a link."""
    strict_page.goto(f"{scene.stranger}/script?of={quote(f'{scene.installation.url}/embed.js', safe='')}")
    link = strict_page.get_by_role("link", name=f"Open: {CONTEST}")
    link.wait_for()
    assert framed(strict_page).get_by_role("link").count() == 0
    with strict_page.expect_popup() as opened:
        link.click()
    opened.value.get_by_role("button", name="Take part").wait_for()
    assert urlsplit(opened.value.url).path == f"/c/{CONTEST}"
    assert opened.value.evaluate("opener") is None
    come_to_pass(strict_page, lambda: witness.policy_violations)
    witness.policy_violations.clear()


@pytest.mark.conformance("MUST 55")
@pytest.mark.parametrize("told", ["the brand's page", "its own window"])
def test_a_page_that_the_campaign_does_not_name_cannot_frame_it(
    scene: Scene, page: "Page", witness: Witness, told: str
) -> None:
    """Even one that says it is the brand's: the browser looks at `frame-ancestors`."""
    claimed = f"{scene.contest}/in?page={quote(scene.article, safe='')}"
    address = claimed if told == "the brand's page" else scene.contest
    page.goto(f"{scene.stranger}/frame?of={quote(address, safe='')}")
    assert framed(page).get_by_role("button", name="Take part").count() == 0
    come_to_pass(page, lambda: witness.policy_violations or witness.console_errors)
    witness.policy_violations.clear()


@pytest.mark.conformance("MUST 50", "BAD 33")
def test_the_brand_can_not_be_sent_elsewhere(scene: Scene, page: "Page") -> None:
    """The page to come back to is one of the origins that the campaign names, byte for byte."""
    port = urlsplit(scene.brand).port
    for claimed in (
        scene.stranger,
        f"{scene.brand}.stranger.test/win",
        f"http://brand.test:{port}@stranger.test/win",
        "http://brand.test/win",
        f"https://brand.test:{port}/win",
        f"http://BRAND.test:{port}/win",
        f"http://brand.test:{port}\\@stranger.test/",
        "//brand.test/win",
    ):
        answered = page.context.request.get(f"{scene.contest}/in?page={quote(claimed, safe='')}")
        assert answered.status == 400, claimed


def test_the_address_of_the_login_names_no_page(scene: Scene, strict_page: "Page") -> None:
    """What the login gets to know: our redirect URI, a state of 64 characters, and no key."""
    answer(strict_page, scene.article)
    key = key_of(strict_page)
    asked: list[str] = []
    strict_page.on("request", lambda sent: asked.append(sent.url + str(sent.headers.get("referer", ""))))
    go_to_the_login(strict_page, scene)
    sent = [one for one in asked if one.startswith(scene.login.issuer)]
    assert sent
    assert not [one for one in sent if key in one]
    assert len(parse_qs(urlsplit(next(one for one in sent if "state=" in one)).query)["state"][0]) <= 64

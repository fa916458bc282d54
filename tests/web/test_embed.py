"""The campaign in a frame of the brand's page, with both scripts in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from entracte.web.assets import asset
from entracte.web.pages.embed.views import render_not_framed
from entracte.web.pages.take_part.views import render_question
from tests.browser import come_to_pass
from tests.web.little_site import Asked, LittleSite, serving
from tests.web.reading import check_page
from tests.web.samples import FRAMED, PROGRESS, SONGS

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Page

KEY_1 = "/c/summer-quiz/in/KEY-1"


@pytest.fixture
def site() -> Iterator[LittleSite]:
    with serving() as running:
        running.pages["/c/summer-quiz/in"] = lambda _: KEY_1
        running.pages[KEY_1] = lambda _: question(running)
        running.pages[f"{KEY_1}/number-one"] = lambda _: question(running)
        running.pages[f"{KEY_1}/return/HANDLE"] = lambda _: KEY_1
        running.pages["/"] = lambda asked: brand_page(running, asked)
        yield running


def question(site: LittleSite) -> str:
    context = replace(FRAMED, frame_parent=site.origin("brand"))
    return render_question(context, PROGRESS, SONGS, None, "", "")


def brand_page(site: LittleSite, asked: Asked) -> str:
    return (
        "<!doctype html><title>Brand</title><h1>Northwind</h1>"
        f"<script src='{site.origin('play')}/embed.js' data-campaign='summer-quiz'></script>"
    )


def open_brand(page: "Page", site: LittleSite, address: str = "/") -> "FrameLocator":
    page.goto(f"{site.origin('brand')}{address}")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Which of these songs").wait_for()
    return frame


def kept(page: "Page", name: str = "entracte:summer-quiz") -> object:
    return page.evaluate("name => sessionStorage.getItem(name)", name)


def kept_key(page: "Page") -> object:
    """Waits until the frame has told its key."""
    page.wait_for_function("sessionStorage.getItem('entracte:summer-quiz')")
    return kept(page)


def test_the_scripts_for_brands_are_small() -> None:
    assert len(asset("embed.js").body) < 4096
    assert len(asset("frame.js").body) < 4096


def test_the_campaign_starts_in_a_frame_that_says_what_it_is(page: "Page", site: LittleSite) -> None:
    open_brand(page, site, "/?utm=1#chapter")
    frame = page.locator("iframe")
    assert frame.get_attribute("title") == "summer-quiz"
    source = urlsplit(frame.get_attribute("src") or "")
    assert f"{source.scheme}://{source.netloc}{source.path}" == f"{site.origin('play')}/c/summer-quiz/in"
    assert parse_qs(source.query) == {"page": [f"{site.origin('brand')}/?utm=1#chapter"]}
    assert kept_key(page) == "KEY-1"


def test_the_frame_is_as_tall_as_its_page_and_shrinks_again(page: "Page", site: LittleSite) -> None:
    frame = open_brand(page, site)
    inside = frame.locator("body")

    outside = page.locator("iframe")

    def fits() -> None:
        height = "body => Math.ceil(body.getBoundingClientRect().height)"
        come_to_pass(page, lambda: outside.evaluate("frame => frame.offsetHeight") == inside.evaluate(height))

    fits()
    inside.evaluate("body => { body.style.paddingBottom = '900px' }")
    fits()
    inside.evaluate("body => { body.style.paddingBottom = '0' }")
    fits()
    assert page.locator("iframe").evaluate("frame => frame.offsetHeight") < 900


def test_a_reload_of_the_brands_page_resumes(page: "Page", site: LittleSite) -> None:
    open_brand(page, site)
    assert kept_key(page) == "KEY-1"
    site.asked.clear()
    page.reload()
    page.frame_locator("iframe").get_by_role("heading", name="Which of these songs").wait_for()
    assert site.paths() == [KEY_1]
    assert "page=" in site.asked[-1].target


def test_back_from_the_sign_in_the_frame_takes_the_handle_and_the_address_is_clean(
    page: "Page", site: LittleSite
) -> None:
    open_brand(page, site)
    assert kept_key(page) == "KEY-1"
    site.asked.clear()
    page.goto("about:blank")
    open_brand(page, site, "/?a=1#entracte-return=HANDLE")
    assert site.paths()[:1] == [f"{KEY_1}/return/HANDLE"]
    assert page.url == f"{site.origin('brand')}/?a=1"
    site.asked.clear()
    page.reload()
    page.frame_locator("iframe").get_by_role("heading", name="Which of these songs").wait_for()
    assert site.paths() == [KEY_1]


def test_a_handle_without_a_key_goes_nowhere(page: "Page", site: LittleSite) -> None:
    open_brand(page, site, "/#chapter&entracte-return=HANDLE")
    assert not [path for path in site.paths() if "HANDLE" in path]
    assert page.url == f"{site.origin('brand')}/#chapter"


def test_a_handle_that_is_no_word_is_left_alone(page: "Page", site: LittleSite) -> None:
    open_brand(page, site)
    assert kept_key(page) == "KEY-1"
    site.asked.clear()
    page.goto("about:blank")
    open_brand(page, site, "/#entracte-return=../../x")
    assert site.paths() == [KEY_1]


@pytest.mark.conformance("MUST 56")
def test_nobody_else_is_heard(page: "Page", site: LittleSite) -> None:
    open_brand(page, site)
    assert kept_key(page) == "KEY-1"
    page.evaluate("window.postMessage({entracte: 'key', campaign: 'summer-quiz', key: 'STOLEN'}, '*')")
    page.evaluate("window.postMessage({entracte: 'height', height: 5}, '*')")
    site.put(
        "/other", "<script>parent.postMessage({entracte: 'key', campaign: 'summer-quiz', key: 'STOLEN'}, '*')</script>"
    )
    page.evaluate(
        """address => new Promise(done => {
            const frame = document.createElement('iframe');
            frame.onload = () => setTimeout(done, 100);
            frame.src = address;
            document.body.append(frame);
        })""",
        f"{site.origin('other')}/other",
    )
    assert kept(page) == "KEY-1"
    assert page.locator("iframe").first.evaluate("frame => frame.offsetHeight") > 100


@pytest.mark.conformance("MUST 56")
def test_our_own_origin_in_another_frame_is_not_heard(page: "Page", site: LittleSite) -> None:
    """The messages must come from the window of this very frame, not only from our origin."""
    open_brand(page, site)
    assert kept_key(page) == "KEY-1"
    site.pages["/c/other/in/KEY-2"] = lambda _: question(site).replace('"KEY-1"', '"KEY-2"')
    page.evaluate(
        """address => new Promise(done => {
            const frame = document.createElement('iframe');
            frame.onload = () => setTimeout(done, 100);
            frame.src = address;
            document.body.append(frame);
        })""",
        f"{site.origin('play')}/c/other/in/KEY-2",
    )
    assert kept(page) == "KEY-1"


@pytest.mark.conformance("MUST 56")
def test_the_frame_tells_no_other_page(page: "Page", site: LittleSite) -> None:
    site.put(
        "/thief",
        "<!doctype html><title>0</title><script>addEventListener('message', event => { document.title = 'heard' })"
        f"</script><iframe src='{site.origin('play')}{KEY_1}'></iframe>",
    )
    page.goto(f"{site.origin('thief')}/thief")
    page.frame_locator("iframe").get_by_role("heading", name="Which of these songs").wait_for()
    page.frames[1].wait_for_load_state()
    page.wait_for_timeout(200)
    assert page.title() == "0"


def test_it_works_where_nothing_can_be_kept(page: "Page", site: LittleSite) -> None:
    page.add_init_script(
        "if (location.host.startsWith('brand.')) Object.defineProperty(window, 'sessionStorage',"
        " { get() { throw new DOMException('not allowed', 'SecurityError') } })"
    )
    frame = open_brand(page, site)
    frame.get_by_role("radio", name="Wonderwall").press("Space")
    assert frame.get_by_role("radio", name="Wonderwall").is_checked()


def test_a_place_for_the_campaign(page: "Page", site: LittleSite) -> None:
    site.put(
        "/place",
        f"<!doctype html><title>0</title><script src='{site.origin('play')}/embed.js'></script>"
        "<div id=place data-entracte-campaign=summer-quiz data-title='Summer quiz'></div>",
    )
    open_brand(page, site, "/place")
    assert page.locator("#place > iframe").get_attribute("title") == "Summer quiz"
    assert page.locator("iframe").count() == 1


def test_two_campaigns_on_one_page_keep_their_own_keys(page: "Page", site: LittleSite) -> None:
    site.pages["/c/spring/in"] = lambda _: "/c/spring/in/KEY-9"
    spring = replace(FRAMED, base="/c/spring/in/KEY-9", frame_parent=site.origin("brand"), participation_key="KEY-9")
    site.put("/c/spring/in/KEY-9", render_question(spring, PROGRESS, SONGS, None, "", ""))
    script = f"<script src='{site.origin('play')}/embed.js' data-campaign="
    site.put("/two", f"<!doctype html><title>0</title>{script}'summer-quiz'></script>{script}'spring'></script>")
    page.goto(f"{site.origin('brand')}/two")
    page.wait_for_function(
        "sessionStorage.getItem('entracte:spring') && sessionStorage.getItem('entracte:summer-quiz')"
    )
    assert (kept(page), kept(page, "entracte:spring")) == ("KEY-1", "KEY-9")


def test_a_later_page_of_the_frame_begins_where_people_see_it(page: "Page", site: LittleSite) -> None:
    frame = open_brand(page, site)
    assert kept_key(page) == "KEY-1"  # told by the first page, which is not to move anything
    assert page.evaluate("scrollY") == 0
    page.evaluate("document.body.style.paddingBottom = '3000px'")
    page.evaluate("document.body.style.paddingTop = '500px'")
    page.evaluate("scrollTo(0, 900)")
    frame.locator("form").first.evaluate("form => form.requestSubmit()")
    page.wait_for_function("Math.abs(document.querySelector('iframe').getBoundingClientRect().top) < 2")


def test_a_frame_that_says_nothing_has_a_link_beside_it(page: "Page", site: LittleSite) -> None:
    """It is empty: the campaign does not name this page, and of that the browser says nothing to the page."""
    site.put("/c/summer-quiz/in", "<!doctype html><title>0</title>")
    place = "<div data-entracte-campaign=summer-quiz data-title='Summer & quiz'></div>"
    script = f"<script src='{site.origin('play')}/embed.js'></script>"
    for language, name in (("en", "Open: Summer & quiz"), ("fr-CA", "Ouvrir : Summer & quiz"), ("ja", "Open: Summer")):
        site.put("/silent", f"<!doctype html><html lang={language}><title>0</title>{place}{script}")
        page.goto(f"{site.origin('brand')}/silent")
        link = page.get_by_role("link", name=name)
        link.wait_for()
        assert link.get_attribute("href") == f"{site.origin('play')}/c/summer-quiz"
        assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")
        assert page.locator("a + iframe").count() == 1


def test_a_frame_that_speaks_late_takes_the_link_away(page: "Page", site: LittleSite) -> None:
    site.put("/c/summer-quiz/in", "<!doctype html><title>0</title>")
    page.goto(f"{site.origin('brand')}/")
    link = page.get_by_role("link", name="Open: summer-quiz")
    link.wait_for()
    site.pages["/c/summer-quiz/in"] = lambda _: KEY_1
    page.locator("iframe").evaluate("frame => { frame.src = frame.src }")
    page.frame_locator("iframe").get_by_role("heading", name="Which of these songs").wait_for()
    link.wait_for(state="detached")


def test_a_frame_that_speaks_has_no_link(page: "Page", site: LittleSite) -> None:
    open_brand(page, site)
    assert kept_key(page) == "KEY-1"
    page.frames[1].wait_for_load_state()
    page.wait_for_timeout(2500)  # longer than the script waits
    assert page.get_by_role("link", name="Open").count() == 0


def test_a_page_where_the_campaign_is_not_played_gets_a_way_to_it() -> None:
    document = check_page(render_not_framed(FRAMED, address="/c/summer-quiz"))
    link = document.one("main").one("a")
    assert (link["href"], link["target"], link["rel"]) == ("/c/summer-quiz", "_blank", "noopener")
    assert document.one("h1").text == "Summer quiz"

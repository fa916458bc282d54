"""What the pages' own scripts add, in a real browser, under the policy that our pages are sent with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from entracte.web.pages.sign_in.views import render_popup_done, render_sign_in
from entracte.web.pages.take_part.views import AccountView, FieldView, render_form, render_question
from tests.web.little_site import Asked, LittleSite, serving
from tests.web.samples import ENGLISH, FIRST_NAME, FORM, MOBILE, PROGRESS, SONGS, WISH

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUESTION = "/c/summer-quiz/number-one"
DETAILS = "/c/summer-quiz/details"
SIGN_IN = "/c/summer-quiz/sign-in"


@pytest.fixture
def site() -> Iterator[LittleSite]:
    with serving() as running:
        running.put(QUESTION, render_question(ENGLISH, PROGRESS, SONGS, None, "", "/c/summer-quiz/hello"))
        running.put(DETAILS, form_page())
        running.put(SIGN_IN, sign_in_page())
        yield running


def form_page(problem: str = "") -> str:
    views = [FieldView(FIRST_NAME, "Ana", "account"), FieldView(MOBILE, "0470", problem=problem)]
    account = AccountView("ana@example.com", "A", "Northwind")
    return render_form(ENGLISH, PROGRESS, FORM, views, title="Is this right?", account=account, back="")


def sign_in_page() -> str:
    return render_sign_in(
        ENGLISH, PROGRESS, connection_title="Northwind", title="", message="", button="", tells="", answers_count=4,
        guests=True, popup=True,
    )  # fmt: skip


@contextmanager
def posting(page: "Page") -> Iterator[None]:
    """In the block a form is sent; at its end the site has it, and has answered with a page."""
    with (
        page.expect_response(lambda answer: answer.request.method == "POST"),
        page.expect_navigation(),
    ):
        yield


def test_letters_choose(page: "Page", site: LittleSite) -> None:
    page.goto(f"{site.origin('play')}{QUESTION}")
    page.keyboard.press("b")
    assert page.get_by_role("radio", name="Wonderwall").is_checked()
    page.keyboard.press("A")
    assert page.get_by_role("radio", name="Blue Monday").is_checked()
    page.keyboard.press("Control+b")
    page.keyboard.press("z")
    assert page.get_by_role("radio", name="Blue Monday").is_checked()
    with posting(page):
        page.keyboard.press("Enter")
    assert page.title() == "Which of these songs was never a number one? · Summer quiz · Northwind Radio"
    assert site.posts() == [(QUESTION, "answer=blue")]


def test_letters_in_a_text_are_text(page: "Page", site: LittleSite) -> None:
    site.put("/c/summer-quiz/wish", render_question(ENGLISH, PROGRESS, WISH, "", "", ""))
    page.goto(f"{site.origin('play')}/c/summer-quiz/wish")
    page.get_by_label(WISH.title if isinstance(WISH.title, str) else "").press_sequentially("ab")
    assert page.locator("textarea").input_value() == "ab"


def test_a_whole_row_can_be_tapped_without_a_script(plain_page: "Page", site: LittleSite) -> None:
    plain_page.goto(f"{site.origin('play')}{QUESTION}")
    box = plain_page.locator(".choice label").nth(1).bounding_box()
    assert box is not None
    plain_page.mouse.click(box["x"] + box["width"] - 4, box["y"] + 4)
    with posting(plain_page):
        plain_page.get_by_role("button", name="Next").click()
    assert site.posts() == [(QUESTION, "answer=wonder")]


def test_enter_in_a_field_sends_the_entry(plain_page: "Page", site: LittleSite) -> None:
    plain_page.goto(f"{site.origin('play')}{DETAILS}")
    with posting(plain_page):
        plain_page.get_by_label("First Name").press("Enter")
    assert site.posts() == [(DETAILS, "account-mark=&first_name=Ana&mobile=0470")]


def test_not_you_takes_along_what_was_typed(plain_page: "Page", site: LittleSite) -> None:
    plain_page.goto(f"{site.origin('play')}{DETAILS}")
    plain_page.get_by_label("Mobile").fill("0471")
    with posting(plain_page):
        plain_page.get_by_role("button", name="Not you? Use another account").click()
    assert site.posts() == [(f"{SIGN_IN}?another=1", "account-mark=&first_name=Ana&mobile=0471")]


@pytest.mark.parametrize("script", [True, False])
def test_the_summary_has_the_focus_and_leads_to_the_field(
    page: "Page", plain_page: "Page", site: LittleSite, script: bool
) -> None:
    window = page if script else plain_page
    site.put(DETAILS, form_page("That number is too short."))
    window.goto(f"{site.origin('play')}{DETAILS}")
    alert = window.get_by_role("alert")
    if script:
        page.wait_for_function("document.activeElement.matches('[role=alert]')")
    alert.get_by_role("link").click()
    if script:
        page.wait_for_function("document.activeElement.id === 'field-mobile'")
    else:
        window.wait_for_url("**#field-mobile")


def test_a_second_press_sends_nothing_and_back_allows_it_again(page: "Page", site: LittleSite) -> None:
    page.clock.install(time=0)
    page.goto(f"{site.origin('play')}{QUESTION}")
    page.clock.pause_at(3600)  # a press is let go after a while, which does not pass here
    page.evaluate(
        """document.addEventListener('submit', event => {
            window.kept = event.defaultPrevented;
            event.preventDefault();
        })"""
    )
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("window.kept") is False
    assert page.get_by_role("button", name="Next").get_attribute("aria-busy") == "true"
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("window.kept") is True
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert page.get_by_role("button", name="Next").get_attribute("aria-busy") is None
    page.get_by_role("button", name="Next").click()
    assert page.evaluate("window.kept") is False


def popup_done(site: LittleSite, asked: Asked) -> str:
    if "window=popup" not in asked.body:
        return "<!doctype html><title>same window</title>"
    return render_popup_done(
        ENGLISH, handle="HANDLE", opener_origin=site.origin("play"), continue_href="/c/summer-quiz"
    )


def pop_up(site: LittleSite) -> None:
    site.pages[SIGN_IN] = lambda asked: popup_done(site, asked) if asked.method == "POST" else sign_in_page()


def test_a_pop_up_tells_its_handle_and_closes(page: "Page", site: LittleSite) -> None:
    pop_up(site)
    page.goto(f"{site.origin('play')}{SIGN_IN}")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Continue with Northwind").click()
    page.wait_for_url("**/c/summer-quiz/return/HANDLE")
    if not opened.value.is_closed():
        opened.value.wait_for_event("close")


def test_where_no_window_opens_the_sign_in_is_in_this_one(page: "Page", site: LittleSite) -> None:
    pop_up(site)
    page.add_init_script("window.open = () => null")
    page.goto(f"{site.origin('play')}{SIGN_IN}")
    page.get_by_role("button", name="Continue with Northwind").click()
    page.wait_for_function("document.title === 'same window'")


def test_a_pop_up_that_lost_its_opener_shows_the_way_on(page: "Page", site: LittleSite) -> None:
    done = render_popup_done(ENGLISH, handle="H", opener_origin=site.origin("play"), continue_href="/c/summer-quiz")
    site.put("/c/summer-quiz/done", done)
    page.goto(f"{site.origin('play')}/c/summer-quiz/done")
    page.get_by_role("link", name="Go on to the campaign").click()
    page.wait_for_url(f"{site.origin('play')}/c/summer-quiz")


def test_another_origin_is_told_nothing(page: "Page", site: LittleSite) -> None:
    done = render_popup_done(ENGLISH, handle="H", opener_origin=site.origin("play"), continue_href="/c/summer-quiz")
    site.put("/c/summer-quiz/done", done)
    site.put("/thief", "<!doctype html><title>0</title><script>onmessage = () => { document.title = 'heard' }</script>")
    page.goto(f"{site.origin('thief')}/thief")
    with page.expect_popup() as opened:
        page.evaluate("address => { open(address) }", f"{site.origin('play')}/c/summer-quiz/done")
    opened.value.get_by_role("heading", name="Back to the campaign.").wait_for()
    opened.value.wait_for_load_state()
    page.wait_for_timeout(200)
    assert page.title() == "0"
    assert not opened.value.is_closed()


@pytest.mark.parametrize("width", [320, 400, 760])
@pytest.mark.parametrize("path", [QUESTION, DETAILS, SIGN_IN])
def test_nothing_is_wider_than_the_window(page: "Page", site: LittleSite, width: int, path: str) -> None:
    """At 320 px, which is also 1280 px at 400 % (WCAG 2.2, 1.4.10), with words that do not end."""
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    context = replace(ENGLISH, language="de", organization_title=word)
    long = SONGS.model_copy(update={"title": word, "text": word})
    site.put(QUESTION, render_question(context, PROGRESS, long, None, word, "/"))
    views = [FieldView(FIRST_NAME.model_copy(update={"label": word}), word, "account", problem=word)]
    account = AccountView(f"{word}@example.com", "DD", word)
    site.put(DETAILS, render_form(context, PROGRESS, FORM, views, title=word, account=account, back="/"))
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{site.origin('play')}{path}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Sign-in in a pop-up: the window that opened it goes on; where no window opens, it all happens in this one."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.journeys.conftest import Stage
from tests.journeys.quiz import ANSWERS, QUIZ, answer_questions, choose, go_to_the_login, send_entry

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORM = re.compile("/c/quiz/details$")


@pytest.fixture(autouse=True)
def _in_a_popup(stage: Stage) -> None:
    stage.installation.publish(QUIZ.replace("  guests: true", "  guests: true\n  window: popup"))


def test_the_opener_goes_on(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    with page.expect_popup() as opened:
        go_to_the_login(page)
    choose(opened.value, "Ana Lopez")
    page.wait_for_url(FORM)
    assert page.get_by_label("First name").input_value() == "Ana"
    if not opened.value.is_closed():
        opened.value.wait_for_event("close")
    send_entry(page)
    page.get_by_role("heading", name="You are in").wait_for()
    assert stage.entries()[0].answers["why"] == ANSWERS["why"]


def test_cancel_in_the_popup_is_calm_in_the_opener(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    with page.expect_popup() as opened:
        go_to_the_login(page)
    opened.value.get_by_role("link", name=re.compile("^Cancel")).click(no_wait_after=True)
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    assert "You came back without signing in" in page.locator("main").inner_text()


def test_the_opener_is_gone(stage: Stage, page: "Page") -> None:
    """A login page can cut the tie between the windows (Cross-Origin-Opener-Policy): the pop-up itself goes on."""
    answer_questions(page, stage.url)
    with page.expect_popup() as opened:
        go_to_the_login(page)
    popup = opened.value
    popup.get_by_role("button", name="Ana Lopez", exact=True).wait_for()
    popup.evaluate("window.opener = null")
    page.goto("about:blank")
    choose(popup, "Ana Lopez")
    popup.get_by_role("link", name="Go on to the campaign").click()
    popup.wait_for_url(FORM)


def test_without_javascript_it_is_the_same_window(stage: Stage, plain_page: "Page") -> None:
    answer_questions(plain_page, stage.url)
    go_to_the_login(plain_page)
    choose(plain_page, "Ana Lopez")
    plain_page.wait_for_url(FORM)


def test_a_handle_that_is_not_ours_leads_back(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    for made_up in ("x", "..%2f..%2fmanage", "A" * 52):
        page.goto(f"{stage.url}/sign-in/done?handle={made_up}")
        page.wait_for_url(re.compile("/c/quiz/sign-in$"))

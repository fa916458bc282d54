"""Journeys in a real browser that need what only the practice provider has, or that are not about the login."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from tests.journeys.conftest import Stage
from tests.journeys.quiz import answer_questions, choose, go_to_the_login, send_entry

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

FORM = re.compile("/c/quiz/details$")
THANKS = re.compile("/c/quiz/thanks$")
SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")


def where_the_login_leads(page: "Page", persona: str) -> str:
    """Pick a persona without following the redirect back: the address with code and state."""
    action, fields = page.get_by_role("button", name=persona, exact=True).evaluate(
        "button => [button.form.action, Object.fromEntries(new FormData(button.form, button))]"
    )
    answer = page.context.request.post(action, form=fields, max_redirects=0)
    location = answer.headers["location"]
    while not parse_qs(urlsplit(location).query).get("code"):
        answer = page.context.request.get(urljoin(answer.url, location), max_redirects=0)
        location = answer.headers["location"]
    return location


def test_no_at_the_consent_then_as_a_guest(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Says no")
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    page.get_by_role("button", name="Take part without an account").click()
    page.wait_for_url(FORM)
    page.get_by_label("First name").fill("Guest")
    page.get_by_label("E-mail", exact=True).fill("guest@example.com")
    send_entry(page)
    page.wait_for_url(THANKS)
    entry = stage.entries()[0]
    assert not entry.signed_in
    assert entry.outcomes["email"].value == "typed"


def test_the_providers_error_is_one_calm_page(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Error")
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    text = page.locator("main").inner_text()
    assert SHORT_CODE.search(text)
    assert "server_error" not in text
    assert page.get_by_role("button", name="Try again").is_visible()


def test_a_slow_provider(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Slow")
    page.wait_for_url(FORM)


def test_back_to_the_login_and_the_same_account_again(stage: Stage, page: "Page") -> None:
    """A second code for an attempt that is over: the form as it was, and one entry."""
    before = len(stage.entries())
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    page.get_by_label("First name").fill("Anna")
    page.go_back()
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    send_entry(page)
    page.wait_for_url(THANKS)
    assert len(stage.entries()) == before + 1


def test_back_to_a_question_changes_the_answer(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    page.goto(f"{stage.url}/song")
    assert page.get_by_label("Dancing Queen").is_checked()
    page.get_by_text("Wonderwall").click()
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("/places$"))
    page.goto(stage.url)
    page.wait_for_url(re.compile("/sign-in$"))
    page.get_by_role("button", name="Take part without an account").click()
    page.get_by_label("First name").fill("Guest")
    page.get_by_label("E-mail", exact=True).fill("guest@example.com")
    send_entry(page)
    page.wait_for_url(THANKS)
    assert stage.entries()[0].answers["song"] == "a"


def test_on_a_phone_in_french_by_keyboard(stage: Stage, open_context: Callable[..., "BrowserContext"]) -> None:
    """French is negotiated; every step is reached and sent with keys alone."""
    page = open_context(locale="fr-FR", viewport={"width": 320, "height": 640}).new_page()
    page.goto(stage.url)
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("button", name="Commencer").press("Enter")
    page.wait_for_url(re.compile("/song$"))
    page.keyboard.press("b")
    assert page.get_by_label("Dancing Queen").is_checked(), "the letter chooses"
    page.get_by_label("Dancing Queen").press("Enter")
    page.wait_for_url(re.compile("/places$"))
    page.get_by_label("À la plage").press("Space")
    page.get_by_label("À la plage").press("Enter")
    page.wait_for_url(re.compile("/why$"))
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, "nothing overflows sideways at 320 pixels"
    page.get_by_role("link", name="EN").click()
    page.locator("html[lang=en]").wait_for(state="attached")


@pytest.mark.conformance("MUST 1", "BAD 1")
def test_the_state_of_another_browser_opens_nothing(
    stage: Stage, page: "Page", open_context: Callable[..., "BrowserContext"]
) -> None:
    """MUST 1, BAD 1: a valid signed state and code, loaded where it was not begun."""
    answer_questions(page, stage.url)
    go_to_the_login(page)
    callback = where_the_login_leads(page, "Ana Lopez")
    assert callback.startswith(f"{stage.installation.url}/oauth/callback?")
    victim = open_context().new_page()
    answer = victim.goto(callback)
    assert answer is not None
    assert answer.status == 400
    assert "another browser" in victim.locator("main").inner_text()
    assert "ana@example.com" not in victim.content()
    # the browser that began it can still finish it: nothing was consumed
    page.goto(callback)
    page.wait_for_url(FORM)


@pytest.mark.conformance("MUST 4", "BAD 3")
def test_a_state_that_does_not_open_is_one_calm_page(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    answer = page.goto(f"{stage.installation.url}/oauth/callback?state={'A' * 64}&code=x")
    assert answer is not None
    assert answer.status == 400
    assert SHORT_CODE.search(page.locator("main").inner_text())
    page.get_by_role("link", name="quiz").click()
    page.wait_for_url(re.compile("/sign-in$"))


def test_another_account_in_another_tab_is_never_mixed_in(stage: Stage, context: "BrowserContext") -> None:
    """Ana's form stands in one tab, somebody else signs in in the other: her values do not go out under that name."""
    before = len(stage.entries())
    first = context.new_page()
    answer_questions(first, stage.url)
    go_to_the_login(first)
    choose(first, "Ana Lopez")
    first.wait_for_url(FORM)
    second = context.new_page()
    second.goto(stage.url)
    second.wait_for_url(FORM)
    second.get_by_role("button", name="Use another account").click()
    choose(second, "Unverified e-mail")
    second.wait_for_url(FORM)
    with first.expect_navigation(url=FORM):
        send_entry(first)
    assert len(stage.entries()) == before
    assert first.get_by_label("E-mail", exact=True).input_value() == "chloe@example.com"
    send_entry(first)
    first.wait_for_url(THANKS)
    assert stage.entries()[0].values["first_name"] == "Chloé"

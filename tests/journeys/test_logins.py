"""Journeys of product.md's flow in a real browser, at each login: the practice provider, and one by other hands."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.journeys.conftest import Stage, staged
from tests.journeys.logins import LOGINS, Account
from tests.journeys.quiz import ANSWERS, answer_questions, go_to_the_login, send_entry

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

SIGN_IN = re.compile("/c/quiz/sign-in$")
FORM = re.compile("/c/quiz/details$")
THANKS = re.compile("/c/quiz/thanks$")
MISHAP = re.compile("/sign-in/mishap$")
SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")


@pytest.fixture(scope="module", params=LOGINS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for each login, one after the other."""
    yield from staged(tmp_path_factory.mktemp("login"), LOGINS[request.param])


def value(page: "Page", label: str) -> str:
    return page.get_by_label(label, exact=True).input_value()


def go_and_sign_in(page: "Page", stage: Stage, account: Account = Account.COMPLETE) -> None:
    """From the sign-in to the form."""
    go_to_the_login(page)
    stage.login.sign_in(page, account)
    page.wait_for_url(FORM)


def returns_of(page: "Page") -> list[str]:
    """The addresses with which a login sends this window back, as they come."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "/sign-in/return" in request.url else None)
    return seen


def test_a_person_goes_through(stage: Stage, page: "Page") -> None:
    """Lines 1 to 9: play, sign in, come back, the form is filled in, submit, thanks, the entry is there."""
    before = len(stage.entries())
    answer_questions(page, stage.url)
    go_to_the_login(page)
    page.wait_for_url(f"{stage.login.issuer}/**")
    stage.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(FORM)
    assert value(page, "First name") == "Ana"
    assert value(page, "E-mail") == "ana@example.com"
    assert page.get_by_label("E-mail", exact=True).get_attribute("readonly") is not None
    assert not page.get_by_label("Send me news.").is_checked()
    page.get_by_label("First name").fill("Anna")
    send_entry(page)
    page.wait_for_url(THANKS)
    assert page.get_by_role("heading", name="You are in").is_visible()
    entries = stage.entries()
    assert len(entries) == before + 1
    entry = entries[0]
    assert {key: entry.answers[key] for key in ANSWERS} == ANSWERS
    assert entry.values["email"] == "ana@example.com"
    assert entry.values["first_name"] == "Anna"
    assert {key: outcome.value for key, outcome in entry.outcomes.items()} == {
        "first_name": "edited",
        "email": "kept",
        "phone": "kept",
        "news": "blank",
        "rules": "typed",
    }
    assert entry.signed_in
    assert len(entry.person) == 32


def test_the_second_sign_in_is_silent_and_not_you_is_not(stage: Stage, page: "Page") -> None:
    """Who is known to the brand comes straight back; “Not you?” shows the login, and keeps what was typed."""
    answer_questions(page, stage.url)
    go_and_sign_in(page, stage)
    page.get_by_label("Mobile number").fill("0470 98 76 54")
    page.get_by_role("button", name="Use another account").click()
    stage.login.sign_in(page, Account.UNCONFIRMED)
    page.wait_for_url(FORM)
    page.get_by_text("Signed in with your Northwind account").wait_for()
    assert value(page, "E-mail") != "ana@example.com"
    assert page.get_by_label("Mobile number").input_value().replace(" ", "") == "0470987654"
    assert "confirmed by" not in page.locator("main").inner_text().split("Mobile number")[0]


def test_cancel_is_calm_and_loses_nothing(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    stage.login.cancel(page)
    page.wait_for_url(MISHAP)
    text = page.locator("main").inner_text()
    assert "You came back without signing in" in text
    assert "three answers" in text
    assert SHORT_CODE.search(text)
    assert "access_denied" not in page.content()
    page.get_by_role("button", name="Try again").click()
    stage.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(FORM)
    send_entry(page)
    page.wait_for_url(THANKS)
    assert stage.entries()[0].answers["why"] == ANSWERS["why"]


def test_a_missing_e_mail_can_be_typed(stage: Stage, page: "Page") -> None:
    """A locked field that the account has no value for is one to type in."""
    answer_questions(page, stage.url)
    go_and_sign_in(page, stage, Account.WITHOUT_EMAIL)
    assert value(page, "First name") == "Ben"
    assert value(page, "E-mail") == ""
    send_entry(page)
    page.locator("[data-summary]").wait_for()
    assert "Error" in page.title()
    assert page.get_by_label("I accept the rules.").is_checked(), "what was ticked is kept"
    page.get_by_label("E-mail", exact=True).fill("typed@example.com")
    page.get_by_role("button", name="Send my entry").click()
    page.wait_for_url(THANKS)
    entry = stage.entries()[0]
    assert (entry.values["email"], entry.outcomes["email"].value) == ("typed@example.com", "typed")


def test_two_tabs(stage: Stage, context: "BrowserContext") -> None:
    """Both tabs go to the login; both come back to a right page; one entry."""
    before = len(stage.entries())
    first, second = context.new_page(), context.new_page()
    answer_questions(first, stage.url)
    second.goto(stage.url)
    second.wait_for_url(SIGN_IN)
    go_to_the_login(first)
    go_to_the_login(second)
    for tab in (first, second):
        stage.login.sign_in(tab, Account.COMPLETE)
        tab.wait_for_url(FORM)
        assert value(tab, "E-mail") == "ana@example.com"
    for tab in (first, second):
        send_entry(tab)
        tab.wait_for_url(THANKS)
    assert len(stage.entries()) == before + 1


def test_back_after_the_login(stage: Stage, page: "Page") -> None:
    """The browser's Back, through the pages of the login to ours: the form again. Back after the entry: its thanks."""
    before = len(stage.entries())
    answer_questions(page, stage.url)
    go_and_sign_in(page, stage)
    page.go_back()
    assert page.url.startswith(stage.login.issuer)
    assert back_from_the_login(page, stage) <= 2
    page.wait_for_url(FORM)
    assert (value(page, "First name"), value(page, "E-mail")) == ("Ana", "ana@example.com")
    send_entry(page)
    page.wait_for_url(THANKS)
    page.go_back()
    back_from_the_login(page, stage)
    page.wait_for_url(THANKS)
    assert len(stage.entries()) == before + 1


def back_from_the_login(page: "Page", stage: Stage) -> int:
    """Press Back until the page is none of the login's; how often that was."""
    for presses in range(5):
        if not page.url.startswith(stage.login.issuer):
            return presses
        page.go_back()
    raise AssertionError(page.url)


@pytest.mark.conformance("MUST 2")
def test_the_return_address_again(stage: Stage, page: "Page") -> None:
    """Before and after the entry: the right page each time, redeemed once."""
    returns = returns_of(page)
    answer_questions(page, stage.url)
    go_and_sign_in(page, stage)
    assert len(returns) == 1
    page.go_back()
    page.goto(returns[0])
    page.wait_for_url(FORM)
    assert value(page, "E-mail") == "ana@example.com"
    page.goto(f"{stage.url}/sign-in")
    page.wait_for_url(FORM)
    send_entry(page)
    page.wait_for_url(THANKS)
    for address in (returns[0], f"{stage.url}/song", f"{stage.url}/details", stage.url):
        page.goto(address)
        page.wait_for_url(THANKS)


def test_reload(stage: Stage, page: "Page") -> None:
    """Of the sign-in, of the login, of the form, and of the last page: each is the same page again, and one entry."""
    before = len(stage.entries())
    answer_questions(page, stage.url)
    page.reload()
    page.wait_for_url(SIGN_IN)
    go_to_the_login(page)
    page.wait_for_url(f"{stage.login.issuer}/**")
    page.reload()
    stage.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(FORM)
    page.reload()
    assert (value(page, "First name"), value(page, "E-mail")) == ("Ana", "ana@example.com")
    send_entry(page)
    page.wait_for_url(THANKS)
    page.reload()
    page.wait_for_url(THANKS)
    assert page.get_by_role("heading", name="You are in").is_visible()
    entries = stage.entries()
    assert len(entries) == before + 1
    assert entries[0].answers["why"] == ANSWERS["why"]


def test_without_javascript(stage: Stage, plain_page: "Page") -> None:
    """Also a cancelled login, and Entracte's page after it."""
    answer_questions(plain_page, stage.url)
    go_to_the_login(plain_page)
    stage.login.cancel(plain_page)
    plain_page.wait_for_url(MISHAP)
    plain_page.get_by_role("button", name="Try again").click()
    stage.login.sign_in(plain_page, Account.COMPLETE)
    plain_page.wait_for_url(FORM)
    assert value(plain_page, "E-mail") == "ana@example.com"
    send_entry(plain_page)
    plain_page.wait_for_url(THANKS)
    assert stage.entries()[0].values["email"] == "ana@example.com"


@pytest.mark.conformance("MUST 53")
def test_secrets_are_in_no_log(stage: Stage, page: "Page") -> None:
    """MUST 53: the codes, states, keys and personal values of a whole journey are not in the log."""
    marks: set[str] = set()

    def remember(request: object) -> None:
        address = urlsplit(request.url)  # type: ignore[attr-defined]
        for values in parse_qs(address.query).values():
            marks.update(one for one in values if len(one) >= 16)

    page.on("request", remember)
    answer_questions(page, stage.url)
    go_and_sign_in(page, stage)
    phone = re.sub(r"\D", "", page.get_by_label("Mobile number").input_value()).lstrip("0")
    assert len(phone) >= 9
    send_entry(page)
    page.wait_for_url(THANKS)
    assert len(marks) >= 3, "a state, a code, and a challenge at least"
    marks.update(str(cookie["value"]) for cookie in page.context.cookies())
    marks.update({"ana@example.com", "Because of the sea", "Lopez", phone, "person_key"})
    log = stage.installation.log()
    assert '"route": "/c/{campaign}/sign-in/return"' in log
    assert [mark for mark in marks if mark in log] == []

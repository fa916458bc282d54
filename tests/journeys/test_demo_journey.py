"""The demo, from the brand's home page to the manager, as somebody goes who tries Entracte for the first time."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.test_demo import Demo

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

SONG = "Wouldn’t It Be Nice, because it always rains here."


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """It runs, and has said where to go."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def printed(demo: Demo, pattern: str) -> str:
    """What the demo printed where the group of the pattern stands."""
    found = re.search(pattern, demo.said)
    assert found, demo.said
    return found[1]


def play(page: "Page") -> None:
    """From the quiz's first page to its sign-in."""
    page.get_by_role("button", name="Start the quiz").click()
    for choice in ("From a ship at sea", "At the beach", "Wonderwall"):
        page.get_by_text(choice).click()
        page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox").fill(SONG)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name="Sign in, and your entry is in.").wait_for()


def sign_in_as_ana(page: "Page") -> None:
    """At the practice provider, which asks for consent here and says what it will tell."""
    page.get_by_role("button", name="Continue with Northwind").click()
    page.get_by_role("button", name="Ana Lopez", exact=True).click()
    allow = page.get_by_role("button", name="Allow")
    allow.wait_for()
    assert "ana@example.com" in page.locator("main").inner_text()
    allow.click()
    page.wait_for_url(re.compile("/c/summer-quiz/details$"))


def look_in_the_manager(page: "Page", demo: Demo) -> None:
    """As the member whose address and password the demo printed, to the quiz's page."""
    page.goto(printed(demo, r"(http://localhost:\d+/manage)\b"))
    page.get_by_label("E-mail").fill(printed(demo, r"sign in as (\S+@\S+)"))
    page.get_by_label("Password").fill(printed(demo, r"password is (\S+)\."))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="The Northwind summer quiz").click()
    page.wait_for_url(re.compile("/manage/campaigns/summer-quiz$"))


def test_from_the_brands_page_to_the_manager(
    demo: Demo, page: "Page", open_context: Callable[..., "BrowserContext"]
) -> None:
    page.goto(printed(demo, r"(http://localhost:\d+)\s+the brand's site"))
    page.get_by_role("link", name="Play the summer quiz").click()
    play(page)
    sign_in_as_ana(page)
    assert page.get_by_role("heading", name="Nice one, Ana. Is this right?").is_visible()
    assert page.get_by_label("E-mail").input_value() == "ana@example.com"
    page.get_by_label(re.compile("^I accept the")).press("Space")
    page.get_by_role("button", name="Send my entry").click()
    page.get_by_role("heading", name="You are in.").wait_for()

    member = open_context().new_page()
    look_in_the_manager(member, demo)
    figures = dict(
        zip(
            member.locator("dl.figures dt").all_inner_texts(),
            member.locator("dl.figures dd strong").all_inner_texts(),
            strict=True,
        )
    )
    assert figures["Entries"] == "1", figures
    latest = member.get_by_role("region", name="Latest entries").get_by_role("row")
    assert latest.count() == 2, "the heads of the columns, and one entry"
    row = latest.last.inner_text()
    assert "signed in" in row
    assert "ana@example.com" in row
    assert "Lopez" in row

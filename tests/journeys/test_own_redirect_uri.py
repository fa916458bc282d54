"""A whole sign-in in a real browser where the login has a redirect URI of its own, and takes no other."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.installation import Installation
from tests.journeys.conftest import Stage
from tests.journeys.logins import practice_login
from tests.journeys.quiz import QUIZ, answer_questions, choose, go_to_the_login, send_entry

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORM = re.compile("/c/quiz/details$")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    installation = Installation(tmp_path_factory.mktemp("own"))
    own = f"{installation.redirect_uri}/{installation.organization.number}-1"
    with practice_login(own, 1.0) as login:
        kept = installation.connect(login.issuer, profile_source="userinfo", own_redirect_uri=True)
        assert own.endswith(f"/{kept.organization}-{kept.number}")
        installation.publish(QUIZ)
        with installation:
            yield Stage(installation, login)


@pytest.mark.conformance("MUST 8")
def test_to_the_login_and_back_by_an_address_of_its_own(stage: Stage, page: "Page") -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    own = f"{stage.installation.redirect_uri}/{stage.installation.organization.number}-1"
    told = [parse_qs(urlsplit(url).query)["redirect_uri"] for url in asked if "redirect_uri=" in url]
    assert told[0] == [own]
    came = [url.partition("?")[0] for url in asked if "/oauth/callback" in urlsplit(url).path]
    assert came == [own]
    send_entry(page)
    page.wait_for_url(re.compile("/c/quiz/thanks$"))
    [entry] = stage.entries()
    assert entry.signed_in


def test_whoever_cancels_comes_back_there_too(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Says no")
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    assert "You came back without signing in." in page.locator("main").inner_text()

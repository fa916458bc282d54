"""A server that is asked before the browser goes, and refuses: the browser never leaves, and finds the calm page."""

from collections.abc import Iterator

import pytest

from entracte.participation.events import Outcome
from tests.misbehaving_provider import served_misbehaving_provider
from tests.web.at_a_login import Stage
from tests.web.running import Browser, Running, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("pushed")) as started:
        yield started


@pytest.fixture
def stage(site: Running) -> Iterator[Stage]:
    with served_misbehaving_provider() as provider:
        made = Stage(site, provider)
        made.connect(push_requests=True, pushed_authorization_request_endpoint=f"{provider.issuer}/par")
        yield made


def before_the_login(stage: Stage) -> Browser:
    browser = stage.site.browser()
    browser.answer_questions(stage.campaign)
    return browser


def test_the_attempt_has_failed_and_the_next_one_works(stage: Stage) -> None:
    stage.provider.misbehaviour = "par_missing_request_uri"
    browser = before_the_login(stage)
    answer = browser.post(f"{stage.campaign}/sign-in")
    assert answer.path == f"{stage.campaign}/sign-in/mishap"
    page = browser.get(answer.path)
    assert page.status == 200
    assert "answers are safe" in page.body
    assert not stage.provider.calls("/authorize")
    code = page.body.partition("<code>")[2].partition("</code>")[0]
    organization = stage.site.organization.number
    [attempt] = stage.site.work(lambda store: store.records.attempts_by_short_code(organization, code))
    assert (attempt.outcome, attempt.reason) == (Outcome.FAILED, "response_malformed")
    stage.provider.misbehaviour = ""
    assert "ada@northwind.example" in browser.get(browser.sign_in(stage.campaign).path).body


def test_a_pop_up_hands_over_and_closes(stage: Stage) -> None:
    """It has a window that waits for it, and finds the calm page there."""
    stage.provider.misbehaviour = "par_missing_request_uri"
    browser = before_the_login(stage)
    answer = browser.post(f"{stage.campaign}/sign-in", [("window", "popup")])
    assert answer.path.startswith(f"{stage.campaign}/sign-in/done?handle=")
    done = browser.get(answer.path)
    assert done.status == 200
    assert "popup.js" in done.body
    assert browser.get(f"{stage.campaign}/sign-in/mishap").status == 200

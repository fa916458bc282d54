"""Who may frame our pages (MUST 55): every status that an address of a frame answers with, at pages that the campaign
names, at strangers', and while hardly anything is known."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from entracte.web.directory import FRESH
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import served_misbehaving_provider
from tests.web.running import BRAND, FRAMED_QUIZ, Answer, Browser, Running, running

LIMIT = 2
SOMEBODY = ("X-Forwarded-For", "8.8.8.8")
NAMED = f"frame-ancestors {BRAND}"
NOBODY = "frame-ancestors 'none'"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("framing")
    with (
        served_misbehaving_provider() as provider,
        running(folder, trusted_proxies="127.0.0.1", sign_ins_per_minute_per_address=LIMIT) as started,
    ):
        started.connect(provider)
        started.publish(FRAMED_QUIZ)
        started.publish(FRAMED_QUIZ.replace("campaign: quiz", "campaign: over\ncloses: 2020-01-01"))
        started.publish(QUIZ.replace("campaign: quiz", "campaign: not-framed"))
        yield started


def in_a_frame(site: Running) -> tuple[Browser, str]:
    """A browser with a participation in a frame of the brand's page, and its address."""
    browser = site.browser()
    return browser, browser.get(f"/c/quiz/in?{urlencode({'page': f'{BRAND}/win'})}").path


def framed_by(answer: Answer) -> str:
    """Who may frame it, as browsers read it: where the policy names somebody, the older header says nothing."""
    [ancestors] = [part.strip() for part in answer["content-security-policy"].split(";") if "ancestors" in part]
    assert answer.has("x-frame-options") is (ancestors == NOBODY)
    return ancestors


def too_often(site: Running) -> Answer:
    browser, base = in_a_frame(site)
    browser.answer_questions(base)
    answers = [browser.post(f"{base}/sign-in", headers=[SOMEBODY]) for _ in range(LIMIT + 1)]
    return answers[-1]


def over_in_the_meantime(site: Running) -> Answer:
    ending = FRAMED_QUIZ.replace("campaign: quiz", "campaign: ending")
    site.publish(ending)
    browser = site.browser()
    base = browser.get(f"/c/ending/in?{urlencode({'page': BRAND})}").path
    site.publish(ending.replace("campaign: ending", "campaign: ending\ncloses: 2020-01-01"))
    time.sleep(FRESH + 0.1)
    return browser.get(f"{base}/hello")


def after(site: Running, way: Callable[[Browser, str], Answer]) -> Answer:
    return way(*in_a_frame(site))


SHOWN: dict[str, tuple[int, Callable[[Running], Answer]]] = {
    "a page": (200, lambda site: after(site, lambda browser, base: browser.get(f"{base}/hello"))),
    "a form that can not be read": (
        400,
        lambda site: after(site, lambda browser, base: browser.post(f"{base}/hello", [("a", "\0")])),
    ),
    "an answer that is none": (
        422,
        lambda site: after(site, lambda browser, base: _at_a_question(browser, base).post(f"{base}/song")),
    ),
    "a page that the campaign does not name": (400, lambda site: site.ask("/c/quiz/in?page=https://stranger.example/")),
    "no page": (400, lambda site: site.ask("/c/quiz/in")),
    "not open": (400, lambda site: site.ask(f"/c/over/in?{urlencode({'page': BRAND})}")),
    "over in the meantime": (410, over_in_the_meantime),
    "an address that is none": (404, lambda site: site.ask("/c/quiz/in/AAAA/a/b/c/d")),
    "too much": (
        413,
        lambda site: after(site, lambda browser, base: browser.post(f"{base}/hello", [("a", "x" * 3_000_000)])),
    ),
    "too often": (429, too_often),
}
UNSHOWN: dict[str, tuple[int, Callable[[Running], Answer]]] = {
    "no such campaign": (404, lambda site: site.ask("/c/nothing-of-ours/in")),
    "a name that no campaign has": (404, lambda site: site.ask("/c/%00/in/AAAA")),
    "a campaign without a frame": (404, lambda site: site.ask("/c/not-framed/in")),
    "a step of one without a frame": (404, lambda site: site.ask("/c/not-framed/in/AAAA/hello")),
    "another method": (405, lambda site: site.ask("/c/quiz/in", "DELETE")),
    "a browser that looks ahead": (503, lambda site: site.ask("/c/quiz/in", headers=[("Sec-Purpose", "prefetch")])),
    "a robot that only looks": (200, lambda site: site.ask("/c/quiz/in", "HEAD")),
}


def _at_a_question(browser: Browser, base: str) -> Browser:
    browser.post(f"{base}/hello", [("answer", "")])
    return browser


@pytest.mark.conformance("MUST 55")
@pytest.mark.parametrize("what", SHOWN)
def test_what_is_told_in_a_frame_is_for_the_pages_that_the_campaign_names(site: Running, what: str) -> None:
    """Errors too: in a frame they have to be seen, and a stranger's page frames none of them."""
    site.ask("/c/quiz")
    status, ask = SHOWN[what]
    answer = ask(site)
    assert (answer.status, framed_by(answer)) == (status, NAMED)


@pytest.mark.conformance("MUST 55")
@pytest.mark.parametrize("what", UNSHOWN)
def test_where_no_page_is_named_nobody_frames_it(site: Running, what: str) -> None:
    status, ask = UNSHOWN[what]
    answer = ask(site)
    assert (answer.status, framed_by(answer)) == (status, NOBODY)


@pytest.mark.conformance("MUST 55")
def test_without_the_database_it_is_for_the_pages_that_are_remembered(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """However old that is; and of a campaign that this process never met, for nobody's."""
    with running(tmp_path_factory.mktemp("lost")) as alone:
        alone.publish(FRAMED_QUIZ)
        alone.publish(FRAMED_QUIZ.replace("campaign: quiz", "campaign: unmet"))
        browser, base = in_a_frame(alone)
        assert browser.get(f"{base}/hello").status == 200
        with sqlite3.connect(alone.database) as connection:
            connection.execute("ALTER TABLE campaign_address RENAME TO lost")
        connection.close()
        time.sleep(FRESH + 0.1)
        known, unknown = browser.get(f"{base}/hello"), browser.get("/c/unmet/in")
        assert known.status == unknown.status >= 500
        assert (framed_by(known), framed_by(unknown)) == (NAMED, NOBODY)
        assert framed_by(browser.get("/c/quiz")) == NOBODY

"""A campaign that a member closed by hand: for participants as after its last day, until it is reopened."""

import time
from collections.abc import Iterator

import pytest

from entracte.campaigns.manage import Status, day_of
from entracte.participation.model import Entry
from entracte.values import now
from entracte.web.directory import FRESH
from entracte.web.pages.manage_campaigns.views import state_of
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.web.running import BRAND, FRAMED_QUIZ, Browser, Running, redirected, running, target_of
from tests.web.test_app import AT_ONCE

ENTRY = (("first_name", "Ada"), ("email", "ada@example.com"), ("phone", ""), ("rules", "yes"))


@pytest.fixture(scope="module")
def provider() -> Iterator[MisbehavingProvider]:
    with served_misbehaving_provider() as serving:
        yield serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, provider: MisbehavingProvider) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("closing")) as started:
        started.connect(provider)
        yield started


def close(site: Running, name: str) -> None:
    site.work(lambda store: store.campaigns.close(site.organization.number, name, now()))
    time.sleep(FRESH + 0.1)


def reopen(site: Running, name: str) -> None:
    site.work(lambda store: store.campaigns.reopen(site.organization.number, name))
    time.sleep(FRESH + 0.1)


def entries(site: Running, name: str) -> list[Entry]:
    published = site.work(lambda store: store.campaigns.by_name(name))
    assert published is not None
    return site.work(lambda store: store.participations.latest_entries(published.organization, published.number, 9))


def as_guest(site: Running) -> Browser:
    browser = site.browser()
    browser.answer_questions()
    assert browser.post("/c/quiz/guest").status == 303
    assert browser.get("/c/quiz/details").status == 200
    return browser


def test_closed_by_hand_it_takes_nothing_and_reopened_everything(site: Running) -> None:
    site.publish(FRAMED_QUIZ)
    done, typing = as_guest(site), as_guest(site)
    assert done.post("/c/quiz/details", ENTRY).status == 303
    framed = site.browser().get(f"/c/quiz/in?page={BRAND}/win").path
    close(site, "quiz")
    for answer in (
        site.browser().get("/c/quiz"),
        typing.get("/c/quiz/details"),
        typing.post("/c/quiz/details", ENTRY),
        typing.post("/c/quiz/song", [("answer", "a")]),
        typing.post("/c/quiz/sign-in"),
        site.browser().get(f"{framed}/hello"),
    ):
        assert answer.status == 410
        assert "This campaign is over." in answer.body
        assert "closed on" in answer.body
    assert done.get("/c/quiz/thanks").status == 200, "who has entered still sees the last page"
    assert len(entries(site, "quiz")) == 1
    reopen(site, "quiz")
    assert typing.get("/c/quiz/details").status == 200, "the answers are still there"
    assert typing.post("/c/quiz/details", ENTRY).status == 303
    assert len(entries(site, "quiz")) == 2


def test_closed_before_its_first_day_it_does_not_say_that_it_opens(site: Running) -> None:
    site.publish(FRAMED_QUIZ.replace("campaign: quiz", "campaign: later\nopens: 2999-01-01"))
    assert "Not open yet." in site.browser().get("/c/later").body
    close(site, "later")
    answer = site.browser().get("/c/later")
    assert (answer.status, "opens on" in answer.body) == (410, False)
    assert "This campaign is over." in answer.body


def test_a_login_that_ends_after_the_closing_makes_no_entry(site: Running) -> None:
    """`when_complete`: the account alone would make one."""
    site.publish(AT_ONCE)
    late = site.browser()
    late.answer_questions("/c/at-once")
    way_back = redirected(late.go_to_the_login("/c/at-once"))
    close(site, "at-once")
    assert late.get(late.get(target_of(way_back)).path).path == "/c/at-once/details"
    assert late.get("/c/at-once/details").status == 410
    assert entries(site, "at-once") == []


def test_the_manager_shows_a_closed_campaign_as_ended(site: Running) -> None:
    published = site.publish(FRAMED_QUIZ.replace("campaign: quiz", "campaign: shown\ncloses: 2999-01-01"))
    close(site, "shown")
    closed = site.work(lambda store: store.campaigns.by_number(published.number))
    assert closed is not None
    today = day_of(closed.closed_at or 0)
    state = state_of(closed, today)
    assert (state.status, state.day) == (Status.OVER, today)

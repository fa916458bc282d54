"""A campaign that is not there, that is over, or that is somebody else's: 404 or 410, and no difference between what is
not there and what is not yours."""

import re
from dataclasses import dataclass

import pytest

from entracte.campaigns.draft import read_draft
from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Organization, Role
from entracte.store.opened import Store
from entracte.values import Secret, entropy, now
from tests.bad_input.stage import Stage
from tests.installation import MEMBER, PASSWORD
from tests.journeys.quiz import QUIZ
from tests.web.running import Answer, Browser

CHARLIE = "charlie@southwind.example"
OWN_OF_EACH = re.compile(r'nonce="[^"]*"|nonce-[\w+/=-]+')
"""What differs from one answer to the next of the same page."""


@dataclass
class Members:
    """Alice of the organization whose quiz it is, and Charlie of another, with a campaign of its own."""

    alice: Browser
    charlie: Browser


@pytest.fixture(scope="module")
def members(stage: Stage) -> Members:
    installation = stage.installation
    installation.add_member()

    async def add(store: Store) -> Organization:
        keys = installation.settings.seal_keys()
        other = await add_organization(store.organizations, "southwind", "Southwind", Brand(), keys, entropy)
        await add_member(store.members, other.number, CHARLIE, Role.OWNER, Secret(PASSWORD))
        await store.campaigns.publish(other.number, read_draft(QUIZ.replace("quiz", "southern")), now())
        return other

    installation.work(add)
    return Members(signed_in(stage, MEMBER), signed_in(stage, CHARLIE))


def signed_in(stage: Stage, email: str) -> Browser:
    browser = stage.installation.browser()
    assert browser.post("/manage/sign-in", [("email", email), ("password", PASSWORD)]).status == 303
    return browser


def without_own(answer: Answer) -> tuple[object, ...]:
    """An answer without what is made anew for each request: nonces, the request's id and the date."""
    made_anew = {"date", "x-request-id"}
    headers = [(name, OWN_OF_EACH.sub("", value)) for name, value in answer.headers if name not in made_anew]
    return answer.status, sorted(headers), OWN_OF_EACH.sub("", answer.body)


PLACES = ("/manage/campaigns/{}", "/manage/campaigns/{}/entries.csv", "/manage/campaigns/{}/statistics.csv")


@pytest.mark.conformance("MUST 48")
@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_yours_is_answered_as_what_is_not_there(stage: Stage, members: Members, place: str) -> None:
    own = members.alice.get(place.format("quiz"))
    assert own.status == 200, "it is there"
    not_yours = members.charlie.get(place.format("quiz"))
    not_there = members.charlie.get(place.format("nope"))
    assert not_yours.status == 404
    assert "Northwind" not in not_yours.body
    assert without_own(not_yours) == without_own(not_there)
    assert without_own(members.alice.get(place.format("southern"))) == without_own(
        members.alice.get(place.format("nope"))
    )
    stage.calm(not_yours, 404)


@pytest.mark.parametrize("place", PLACES)
def test_who_is_not_signed_in_learns_nothing(stage: Stage, place: str) -> None:
    nobody = stage.installation.browser()
    answers = [nobody.get(place.format(name)) for name in ("quiz", "nope")]
    assert [answer.status for answer in answers] == [303, 303]
    assert answers[0]["location"].replace("quiz", "nope") == answers[1]["location"]


UNKNOWN = (
    "/c/nope", "/c/nope/", "/c/nope/song", "/c/nope/sign-in", "/c/nope/sign-in/return?state=a&code=b",
    "/c/nope/sign-in/mishap", "/c/nope/in", "/c/NOPE", "/c/..%2fquiz", "/c/%00", "/c/nope%20", f"/c/{'a' * 5000}",
    "/nowhere", "/assets/nope.js",
)  # fmt: skip


@pytest.mark.parametrize("target", UNKNOWN)
def test_an_unknown_campaign(stage: Stage, target: str) -> None:
    answer = stage.installation.browser().get(target)
    assert answer.status == 404
    assert "There is nothing at this address." in answer.body
    assert answer.set_cookies == []
    stage.no_traceback()


@pytest.mark.parametrize("step", ["song", "details", "sign-in", "guest"])
def test_a_post_to_an_unknown_campaign(stage: Stage, step: str) -> None:
    answer = stage.installation.browser().post(f"/c/nope/{step}", [("answer", "a")])
    assert (answer.status, answer.set_cookies) == (404, [])


def test_the_pages_of_what_is_not_there_differ_in_nothing(stage: Stage) -> None:
    pages = {str(without_own(stage.installation.browser().get(target))) for target in ("/c/nope", "/c/nope/song", "/x")}
    assert len(pages) == 1


@pytest.fixture(scope="module")
def closed(stage: Stage) -> Browser:
    """Somebody in the middle of a campaign whose last day was yesterday."""
    text = QUIZ.replace("campaign: quiz", "campaign: over")
    stage.installation.publish(text)
    browser = stage.installation.browser()
    browser.answer_questions("/c/over")
    stage.installation.publish(text.replace("languages:", "closes: 2020-01-31\nlanguages:"))
    return browser


@pytest.mark.parametrize("target", ["/c/over", "/c/over/song", "/c/over/sign-in"])
def test_a_closed_campaign(stage: Stage, closed: Browser, target: str) -> None:
    """410 for who comes now, and for who is in the middle of it."""
    stranger = stage.installation.browser()
    answer = stranger.get(target)
    assert (answer if target == "/c/over" else stranger.get(answer.path)).status == 410
    answer = closed.get(target)
    if target == "/c/over":
        answer = closed.get(answer.path)
    assert answer.status == 410
    assert "Traceback" not in answer.body


@pytest.mark.parametrize("step", ["song", "why", "sign-in", "guest"])
def test_a_closed_campaign_takes_nothing_more(stage: Stage, closed: Browser, step: str) -> None:
    assert closed.post(f"/c/over/{step}", [("answer", "a")]).status == 410
    stage.no_traceback()


@pytest.mark.conformance("MUST 48")
def test_a_key_of_one_campaign_opens_no_other(stage: Stage, browser: Browser, members: Members) -> None:
    """The key of the quiz, planted for another organization's campaign, is nobody there."""
    name = "__Host-entracte-quiz"
    thief = stage.installation.browser()
    thief.cookies = {name.replace("quiz", "southern"): browser.cookies[name]}
    assert thief.get("/c/southern/why").path == "/c/southern"
    assert "The sea" not in thief.get("/c/southern").body

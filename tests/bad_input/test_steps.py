"""The answer or the form of a step that is not this participant's next: they are sent to the right step, and nothing
is overwritten."""

from collections.abc import Sequence

import pytest

from entracte.participation.model import Entry, Participation
from entracte.store.opened import Store
from tests.bad_input.stage import Stage
from tests.web.running import Browser

ANSWERS = (("hello", ""), ("song", "b"), ("places", "beach"), ("why", "The sea"))
FORM = [("first_name", "Zoe"), ("email", "zoe@example.com"), ("rules", "yes")]
Fields = Sequence[tuple[str, str]]

POSTS: dict[str, Fields] = {
    "hello": [("answer", "")],
    "song": [("answer", "a")],
    "places": [("answer", "car")],
    "why": [("answer", "Changed")],
    "details": FORM,
    "thanks": [("answer", "a")],
    "sign-in": [],
    "guest": [],
    "nowhere": [("answer", "a")],
}


def at(stage: Stage, answered: int) -> Browser:
    """Somebody who has been through so many steps."""
    browser = stage.installation.browser()
    browser.get("/c/quiz")
    for step, answer in ANSWERS[:answered]:
        assert browser.post(f"/c/quiz/{step}", [("answer", answer)]).status == 303
    return browser


def entries(stage: Stage, of: Participation) -> list[Entry]:
    async def read(store: Store) -> list[Entry]:
        everyone = await store.participations.latest_entries(of.organization, of.campaign, 1000)
        return [entry for entry in everyone if entry.participation == of.id]

    return stage.installation.work(read)


WAY = ("hello", "song", "places", "why", "sign-in")
BEHIND = ("details", "thanks", "nowhere")
AHEAD = [(answered, step) for answered in range(len(ANSWERS)) for step in (*WAY[answered + 1 :], *BEHIND)]


@pytest.mark.parametrize(("answered", "step"), AHEAD)
def test_a_step_that_is_still_ahead(stage: Stage, answered: int, step: str) -> None:
    browser = at(stage, answered)
    before = stage.installation.participation(browser)
    answer = browser.post(f"/c/quiz/{step}", POSTS[step])
    assert (answer.status, answer.path) == (303, f"/c/quiz/{WAY[answered]}")
    assert stage.installation.participation(browser) == before
    assert entries(stage, before) == []
    shown = browser.get(f"/c/quiz/{step}")
    assert (shown.status, shown.path) == (303, f"/c/quiz/{WAY[answered]}")


@pytest.mark.parametrize("step", BEHIND)
def test_the_form_before_the_sign_in(stage: Stage, step: str) -> None:
    browser = at(stage, len(ANSWERS))
    before = stage.installation.participation(browser)
    answer = browser.post(f"/c/quiz/{step}", POSTS[step])
    assert (answer.status, answer.path) == (303, "/c/quiz/sign-in")
    assert stage.installation.participation(browser) == before
    assert entries(stage, before) == []


@pytest.mark.parametrize("step", POSTS)
def test_after_the_entry_nothing_changes_any_more(stage: Stage, step: str) -> None:
    browser = at(stage, len(ANSWERS))
    assert browser.post("/c/quiz/guest").status == 303
    assert browser.post("/c/quiz/details", FORM).status == 303
    before = stage.installation.participation(browser)
    [entry] = entries(stage, before)
    stage.provider.requests.clear()
    changed = [(name, f"other-{value}" if name == "first_name" else value) for name, value in POSTS[step]]
    answer = browser.post(f"/c/quiz/{step}", changed)
    leads = answer.path if answer.path != "/c/quiz" else browser.get(answer.path).path
    assert (answer.status, leads) == (303, "/c/quiz/thanks")
    assert stage.installation.participation(browser) == before
    assert entries(stage, before) == [entry]
    assert stage.provider.requests == []


def test_a_form_that_is_sent_twice_is_one_entry(stage: Stage) -> None:
    browser = at(stage, len(ANSWERS))
    browser.post("/c/quiz/guest")
    for name in ("Zoe", "Yan"):
        assert browser.post("/c/quiz/details", [("first_name", name), *FORM[1:]]).status == 303
    [entry] = entries(stage, stage.installation.participation(browser))
    assert entry.values["first_name"] == "Zoe"


def test_guest_before_the_questions(stage: Stage) -> None:
    """The way without an account is taken at the sign-in; before it, it leads to the step that is next."""
    browser = at(stage, 1)
    answer = browser.post("/c/quiz/guest")
    leads = answer.path if answer.path != "/c/quiz" else browser.get(answer.path).path
    assert (answer.status, leads) == (303, "/c/quiz/song")
    assert stage.installation.participation(browser).guest is False


def test_an_answer_of_before_may_be_changed_while_it_can(stage: Stage) -> None:
    """So that the tests above say something: going back is allowed, and keeps what was answered after it."""
    browser = at(stage, len(ANSWERS))
    assert browser.post("/c/quiz/song", [("answer", "a")]).status == 303
    assert dict(stage.installation.participation(browser).answers)["song"] == "a"
    assert dict(stage.installation.participation(browser).answers)["why"] == "The sea"


def test_a_post_of_nobody(stage: Stage) -> None:
    """Without a key there is no participant: the page says that the cookie did not come back, and nobody begins."""
    browser = stage.installation.browser()
    for step in ("song", "details"):
        answer = browser.post(f"/c/quiz/{step}", POSTS[step])
        assert answer.status == 400
        assert answer.set_cookies == []
    for step in ("sign-in", "guest"):
        answer = browser.post(f"/c/quiz/{step}")
        assert (answer.status, answer.path, answer.set_cookies) == (303, "/c/quiz", [])


def test_a_form_of_another_site(stage: Stage) -> None:
    """A page of somebody else that posts for the participant's browser changes nothing."""
    browser = at(stage, 1)
    before = stage.installation.participation(browser)
    for step, fields in POSTS.items():
        answer = browser.post(f"/c/quiz/{step}", fields, origin="https://evil.example")
        assert (answer.status, answer.path) == (303, "/c/quiz/song")
    assert stage.installation.participation(browser) == before

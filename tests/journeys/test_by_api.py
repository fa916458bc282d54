"""A campaign from the first request of a program to its last number, by the REST API alone.

An operator makes the organization and the first token. Everything else that a brand does is a request: its brand, its
login, the draft with its mistakes, the publication, what came in, why somebody failed, the next secret, the closing.
Only the participants come in a real browser.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from entracte.web.directory import FRESH
from tests.api.programs import Program, make_token
from tests.installation import CLIENT_ID, CLIENT_SECRET, Installation
from tests.journeys.logins import Account, Login, practice_login
from tests.journeys.quiz import QUIZ, answer_questions, choose, go_to_the_login, send_entry

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

YAML = {"Content-Type": "application/yaml"}
DRAFT, ENTRIES = "/campaigns/quiz/draft", "/campaigns/quiz/entries"
SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")


@dataclass
class Stage:
    """A running Entracte in which there is an organization and a token, and the brand's login."""

    installation: Installation
    program: Program
    login: Login

    @property
    def url(self) -> str:
        return f"{self.installation.url}/c/quiz"

    def counts(self) -> dict[str, int]:
        rows = self.program.get("/campaigns/quiz/statistics")["rows"]
        return {row["key"] or row["measure"]: row["count"] for row in rows}


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    installation = Installation(tmp_path_factory.mktemp("by-api"))
    token = make_token(installation, installation.organization).text.reveal()
    with practice_login(installation.redirect_uri, 1.0) as login, installation:
        yield Stage(installation, Program(installation.port, token), login)


def test_everything_by_the_api(stage: Stage, open_context: Callable[..., "BrowserContext"]) -> None:
    set_up(stage)
    people = [open_context(locale="en-GB").new_page() for _ in range(3)]
    enter_signed_in(stage, people[0])
    code = fail_to_sign_in(stage, people[1])
    look_for_the_failure(stage, code)
    enter_as_guest(people[1])
    look_at_the_entries(stage)
    change_the_secret(stage)
    enter_signed_in(stage, people[2])
    assert stage.counts()["signed_in"] == 2
    close_and_open(stage)


def set_up(stage: Stage) -> None:
    program = stage.program
    brand = {**program.get("/organization")["brand"], "mark": "N", "color": "#a30f2d"}
    assert program("PATCH", "/organization", json={"title": "Northwind FM", "brand": brand}).status_code == 200
    given = {"name": "northwind", "title": "Northwind", "issuer": stage.login.issuer, "client_id": CLIENT_ID}
    more = {"profile_source": "userinfo", "scopes": ["openid", "profile", "email", "phone"]}
    made = program.post("/connections", json={**given, **more, "client_secret": CLIENT_SECRET})
    assert made["redirect_uri"] == stage.installation.redirect_uri
    assert made["mix_up_defence"] is True
    assert CLIENT_SECRET not in str(made)
    wrong = save(stage, QUIZ.replace("connection: northwind", "connection: nothing"))
    assert [mistake["code"] for mistake in wrong["mistakes"]] == ["campaign_unknown_connection"]
    program.refused("POST", "/campaigns/quiz/publications", 400)
    program.refused("GET", "/campaigns/quiz", 404)
    assert save(stage, QUIZ)["mistakes"] == []
    published = program.post("/campaigns/quiz/publications")
    assert (published["status"], published["version"]) == ("open", 1)
    assert published["address"] == stage.url


def save(stage: Stage, text: str) -> Any:
    answer = stage.program("PUT", DRAFT, content=text.encode(), headers=YAML)
    assert answer.status_code == 200, answer.text
    return answer.json()


def enter_signed_in(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    assert "Northwind FM" in page.content()
    go_to_the_login(page)
    stage.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(re.compile("/details$"))
    assert page.get_by_label("First name").input_value() == "Ana"
    send_entry(page)
    page.wait_for_url(re.compile("/thanks$"))


def fail_to_sign_in(stage: Stage, page: "Page") -> str:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Error")
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    found = SHORT_CODE.search(page.locator("main").inner_text())
    assert found
    return found[0]


def enter_as_guest(page: "Page") -> None:
    page.get_by_role("button", name="Take part without an account").click()
    page.wait_for_url(re.compile("/details$"))
    page.get_by_label("First name").fill("Guest")
    page.get_by_label("E-mail", exact=True).fill("guest@example.com")
    send_entry(page)
    page.wait_for_url(re.compile("/thanks$"))


def look_for_the_failure(stage: Stage, code: str) -> None:
    [attempt] = stage.program.get("/attempts", params={"short_code": code})["items"]
    assert (attempt["outcome"], attempt["reason"]) == ("failed", "provider_error")
    participation = stage.program.get(f"/participations/{attempt['participation']}")
    assert participation["entered_at"] is None
    assert participation["answered"] == ["hello", "places", "song", "why"]


def look_at_the_entries(stage: Stage) -> None:
    signed_in, guest = stage.program.get(ENTRIES)["items"]
    assert signed_in["answers"] == {"hello": None, "song": "b", "places": ["beach"], "why": "Because of the sea."}
    assert signed_in["values"]["email"] == "ana@example.com"
    assert signed_in["outcomes"]["email"] == "kept"
    assert (guest["signed_in"], guest["person"]) == (False, "")
    assert stage.program.get(ENTRIES, params={"signed_in": False})["items"] == [guest]
    counts = stage.counts()
    assert (counts["started"], counts["entered"], counts["signed_in"], counts["guest"]) == (2, 2, 1, 1)
    assert counts["provider_error"] == 1


def change_the_secret(stage: Stage) -> None:
    """The login does not take the new one yet: the one before is still used."""
    program = stage.program
    program.post("/connections/northwind/secrets", json={"client_secret": "the login learns of it tomorrow"})
    places = [one["place"] for one in program.get("/connections/northwind/secrets")["items"]]
    assert places == ["current", "previous"]
    program.refused("DELETE", "/connections/northwind", 409)


def close_and_open(stage: Stage) -> None:
    program = stage.program
    closed = program("PUT", "/campaigns/quiz/closing")
    assert closed.status_code == 200
    assert program.get("/campaigns/quiz")["status"] == "closed"
    assert within_a_moment(stage, 410)
    assert program("DELETE", "/campaigns/quiz/closing").status_code == 204
    assert within_a_moment(stage, 200)


def within_a_moment(stage: Stage, status: int) -> bool:
    """Whether the campaign's page comes to answer so. After the time that a process remembers a campaign, every answer
    is the new one; the last question is asked after it, however slow the machine is."""
    until = time.monotonic() + FRESH + 3
    while answered(stage) != status:
        if time.monotonic() > until:
            return answered(stage) == status
        time.sleep(0.1)
    return True


def answered(stage: Stage) -> int:
    answer = httpx.get(stage.url, follow_redirects=True, headers={"Connection": "close"}, timeout=60)
    return answer.status_code

"""What goes differently, in a real browser: each time one calm page, nothing lost, and a way on."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete

from entracte.listening import listen
from entracte.participation.keys import open_key
from entracte.participation.model import Attempt, Entry
from entracte.practice import provider as practice
from entracte.practice.provider import PracticeClient, PracticeProvider
from entracte.practice.serving import Served
from entracte.protocol.errors import Reason
from entracte.protocol.state import StateContent, seal_state
from entracte.store import tables
from entracte.store.opened import Store
from entracte.values import AttemptNumber, ConnectionNumber, Secret, now
from entracte.web.directory import FRESH
from tests.installation import CLIENT_ID, CLIENT_SECRET, Installation
from tests.journeys.quiz import ANSWERS, QUIZ, answer_questions, choose, go_to_the_login, send_answers, send_entry
from tests.journeys.stored import entries_of
from tests.journeys.test_practice_provider import where_the_login_leads

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

FORM = re.compile("/c/[a-z-]+/details$")
THANKS = re.compile("/c/[a-z-]+/thanks$")
MISHAP = re.compile("/sign-in/mishap$")
SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")
SURVEY = Path(practice.__file__).parent / "examples" / "listener-survey.yaml"


@dataclass
class Login:
    """The practice provider, which can be gone for a while and come back at the same address."""

    provider: PracticeProvider
    served: Served

    def stop(self) -> None:
        self.served.stop()

    def start(self) -> None:
        self.served = Served(self.provider.app, listen(port=self.served.port, name="localhost")).start()


@dataclass
class Stage:
    """A running Entracte with a login."""

    installation: Installation
    login: Login

    @property
    def url(self) -> str:
        return f"{self.installation.url}/c/quiz"

    def entries(self, campaign: str = "quiz") -> list[Entry]:
        return entries_of(self.installation, campaign)

    def publish(self, name: str, *changes: tuple[str, str]) -> str:
        """A quiz of its own for one test; its address."""
        text = QUIZ.replace("campaign: quiz", f"campaign: {name}")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.installation.publish(text)
        return f"{self.installation.url}/c/{name}"

    def content(self, page: "Page", issued_at: int) -> StateContent:
        """What a state of this browser's participation in the quiz holds."""
        [cookie] = [cookie for cookie in page.context.cookies() if cookie.get("name") == "entracte-quiz"]
        key = open_key(str(cookie.get("value")), self.installation.settings.seal_keys())
        assert key is not None

        async def of_connection(store: Store) -> ConnectionNumber:
            connection = await store.connections.by_name(self.installation.organization.number, "northwind")
            assert connection is not None
            return connection.number

        connection = self.installation.work(of_connection)
        return StateContent(key.campaign, connection, key.participation, AttemptNumber(77), issued_at)

    def latest_attempt(self, content: StateContent) -> Attempt:
        async def read(store: Store) -> Attempt | None:
            organization = self.installation.organization.number
            return await store.participations.attempt(organization, content.participation, content.attempt)

        attempt = self.installation.work(read)
        assert attempt is not None
        return attempt

    def withdraw(self, connection: str) -> None:
        """The connection is gone, as if a member had removed it."""
        table = tables.connection
        statement = delete(table).where(table.c.name == connection)

        async def remove(store: Store) -> None:
            assert await store.commits.write(lambda opened: opened.execute(statement).rowcount) == 1

        self.installation.work(remove)
        time.sleep(FRESH + 0.1)  # the running process remembers it for so long


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    installation = Installation(tmp_path_factory.mktemp("mishaps"))
    listening = listen(name="localhost")
    client = PracticeClient(CLIENT_ID, Secret(CLIENT_SECRET), (installation.redirect_uri,))
    provider = PracticeProvider(listening.url, [client], slow_seconds=1, skip_consent=True)
    login = Login(provider, Served(provider.app, listening).start())
    try:
        installation.connect(provider.issuer, profile_source="userinfo")
        installation.publish(QUIZ)
        installation.publish(SURVEY.read_text(encoding="utf-8"))
        with installation:
            yield Stage(installation, login)
    finally:
        provider.close()
        login.stop()


def main_text(page: "Page") -> str:
    return page.locator("main").inner_text()


def try_again(page: "Page") -> None:
    page.get_by_role("button", name="Try again").click()


def finish(page: "Page") -> None:
    """From the filled form to the last page."""
    page.wait_for_url(FORM)
    send_entry(page)
    page.wait_for_url(THANKS)


def test_a_sign_in_that_took_too_long(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    content = stage.content(page, now() - 700)
    state = seal_state(content, stage.installation.settings.seal_keys())
    page.goto(f"{stage.installation.url}/oauth/callback?{urlencode({'state': state, 'code': 'late'})}")
    page.wait_for_url(MISHAP)
    text = main_text(page)
    assert "The sign-in took longer than it can stay open." in text
    assert "three answers are safe" in text
    code = SHORT_CODE.search(text)
    assert code is not None
    attempt = stage.latest_attempt(content)
    assert (attempt.reason, attempt.short_code) == (Reason.STATE_EXPIRED.code, code[0])
    try_again(page)
    choose(page, "Ana Lopez")
    finish(page)
    assert {key: stage.entries()[0].answers[key] for key in ANSWERS} == ANSWERS


def test_the_provider_is_dead_when_the_code_is_redeemed(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    callback = where_the_login_leads(page, "Ana Lopez")
    stage.login.stop()
    try:
        page.goto(callback)
        page.wait_for_url(MISHAP)
        text = main_text(page)
        assert "The login does not answer." in text
        assert "three answers are safe" in text
        assert SHORT_CODE.search(text)
        page.reload()
        assert main_text(page) == text
    finally:
        stage.login.start()
    try_again(page)
    page.wait_for_url(lambda address: bool(FORM.search(address)) or address.startswith(stage.login.provider.issuer))
    if not FORM.search(page.url):
        choose(page, "Ana Lopez")
    finish(page)
    assert stage.entries()[0].answers["why"] == ANSWERS["why"]


def test_the_connection_was_withdrawn_before_the_login(stage: Stage, page: "Page") -> None:
    stage.installation.connect(stage.login.provider.issuer, name="passing", profile_source="userinfo")
    url = stage.publish("withdrawn", ("connection: northwind", "connection: passing"))
    stage.withdraw("passing")
    before = len(stage.entries("withdrawn"))
    send_answers(page, url)
    page.wait_for_url(re.compile("/sign-in$"))
    text = main_text(page)
    assert "The login does not answer." in text
    assert "three answers are safe" in text
    assert SHORT_CODE.search(text)
    page.get_by_role("button", name="Take part without an account").click()
    page.wait_for_url(FORM)
    page.get_by_label("First name").fill("Guest")
    page.get_by_label("E-mail", exact=True).fill("guest@example.com")
    send_entry(page)
    page.wait_for_url(THANKS)
    assert len(stage.entries("withdrawn")) == before + 1


def test_the_connection_was_withdrawn_during_the_login(stage: Stage, page: "Page") -> None:
    stage.installation.connect(stage.login.provider.issuer, name="leaving", profile_source="userinfo")
    url = stage.publish("leaving", ("connection: northwind", "connection: leaving"))
    answer_questions(page, url)
    go_to_the_login(page)
    stage.withdraw("leaving")
    choose(page, "Ana Lopez")
    page.wait_for_url(MISHAP)
    text = main_text(page)
    assert "The login does not answer." in text
    assert "three answers are safe" in text
    assert "ana@example.com" not in page.content()


def test_a_sign_in_that_starts_by_itself(stage: Stage, page: "Page") -> None:
    """Straight from the last question to the login; after a cancel it waits for a press instead of going in circles."""
    url = stage.publish("by-itself", ("  guests: true", "  guests: true\n  start: automatic"))
    _play_to_the_login(page, url, stage)
    page.get_by_role("link", name=re.compile("^Cancel")).click()
    page.wait_for_url(MISHAP)
    assert "You came back without signing in." in main_text(page)
    page.goto(url)
    page.wait_for_url(re.compile("/by-itself/sign-in$"))
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    finish(page)
    assert stage.entries("by-itself")[0].signed_in


def _play_to_the_login(page: "Page", url: str, stage: Stage) -> None:
    send_answers(page, url)
    page.wait_for_url(f"{stage.login.provider.issuer}/**")


def take_the_survey(page: "Page", stage: Stage) -> None:
    """To the login, which starts by itself."""
    page.goto(f"{stage.installation.url}/c/listener-survey")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("Most days").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_text("The voices").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_text("At six").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox").fill("More jazz")
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(f"{stage.login.provider.issuer}/**")


def test_submitted_at_once_when_the_account_tells_everything(stage: Stage, page: "Page") -> None:
    take_the_survey(page, stage)
    choose(page, "Ana Lopez")
    page.wait_for_url(THANKS)
    [entry, *_] = stage.entries("listener-survey")
    assert entry.values == {"name": "Ana Lopez", "email": "ana@example.com"}
    assert {outcome.value for outcome in entry.outcomes.values()} == {"kept"}
    assert entry.answers["one-thing"] == "More jazz"


def test_the_form_is_shown_when_the_account_does_not(stage: Stage, page: "Page") -> None:
    before = len(stage.entries("listener-survey"))
    take_the_survey(page, stage)
    choose(page, "No e-mail")
    page.wait_for_url(FORM)
    assert page.get_by_label("Name", exact=True).input_value() == "Ben Okafor"
    assert len(stage.entries("listener-survey")) == before
    page.get_by_label("E-mail", exact=True).fill("ben@example.com")
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url(THANKS)
    entry = stage.entries("listener-survey")[0]
    assert (entry.values["email"], entry.outcomes["email"].value) == ("ben@example.com", "typed")


def test_a_locked_field_that_was_unlocked_in_the_browser(stage: Stage, page: "Page") -> None:
    """The server compares: the field says so, shows the account's value again, and nothing was entered."""
    before = len(stage.entries())
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    field = page.get_by_label("E-mail", exact=True)
    field.evaluate("field => { field.removeAttribute('readonly'); field.value = 'eve@example.com' }")
    send_entry(page)
    page.get_by_role("alert").or_(page.locator("[data-summary]")).first.wait_for()
    assert "This comes from your account and can not be changed here." in main_text(page)
    assert field.input_value() == "ana@example.com"
    assert field.get_attribute("readonly") is not None
    assert len(stage.entries()) == before
    page.get_by_role("button", name="Send my entry").click()
    page.wait_for_url(THANKS)
    assert stage.entries()[0].values["email"] == "ana@example.com"


def test_who_is_too_young_reads_so_at_the_field(stage: Stage, page: "Page") -> None:
    born = (
        "      - {key: born, kind: date, label: Date of birth, prefill: birthdate, mode: locked, required: true,"
        " minimum_age: 16}\n"
    )
    rules = "      - {key: rules,"
    url = stage.publish("grown-up", (rules, born + rules))
    answer_questions(page, url)
    go_to_the_login(page)
    choose(page, "A minor")
    page.wait_for_url(FORM)
    send_entry(page)
    page.locator("[data-summary]").wait_for()
    field = page.get_by_label("Date of birth")
    described = (field.get_attribute("aria-describedby") or "").split()
    notes = [page.locator(f"#{identifier}").inner_text() for identifier in described]
    assert any("You can take part from the age of 16." in note for note in notes), notes
    assert field.get_attribute("readonly") is not None
    assert stage.entries("grown-up") == []


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize("window", ["page", "plain_page"])
def test_a_double_click_makes_one_entry(stage: Stage, window: str, request: pytest.FixtureRequest) -> None:
    """With and without JavaScript."""
    page: Page = request.getfixturevalue(window)
    before = len(stage.entries())
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    page.get_by_text("I accept the rules.").click()
    page.get_by_role("button", name="Send my entry").dblclick(no_wait_after=True)
    page.wait_for_url(THANKS)
    assert len(stage.entries()) == before + 1


def test_a_browser_that_keeps_no_cookie(stage: Stage, page: "Page") -> None:
    page.goto(stage.url)
    page.context.clear_cookies()
    page.get_by_role("button", name="Start").click()
    page.get_by_role("heading", name="Your browser did not keep your place.").wait_for()
    assert "saved as you go" not in page.locator("body").inner_text()
    page.get_by_role("link", name="Begin again").click()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile("/song$"))


def test_mishaps_in_french(stage: Stage, open_context: Callable[..., "BrowserContext"]) -> None:
    page = open_context(locale="fr-FR").new_page()
    page.goto(stage.url)
    page.get_by_role("button", name="Commencer").click()
    page.get_by_text("Dancing Queen").click()
    page.get_by_role("button", name="Suivant").click()
    page.get_by_text("À la plage").click()
    page.get_by_role("button", name="Suivant").click()
    page.get_by_role("textbox").fill("La mer")
    page.get_by_role("button", name="Suivant").click()
    page.wait_for_url(re.compile("/sign-in$"))
    state = seal_state(stage.content(page, now() - 700), stage.installation.settings.seal_keys())
    for address, title in (
        (f"/oauth/callback?state={state}", "La connexion est restée ouverte trop longtemps"),
        ("/oauth/callback?state=x", "Ce chemin de retour ne s’ouvre pas"),
        ("/c/nothing", "Il n’y a rien à cette adresse."),
    ):
        page.goto(stage.installation.url + address)
        assert title in page.get_by_role("heading", level=1).inner_text()
        assert page.locator("html").get_attribute("lang") == "fr"
    page.goto(f"{stage.url}/sign-in/mishap")
    assert "Vos trois réponses sont conservées" in main_text(page)
    page.get_by_role("button", name="Réessayer").click()
    page.wait_for_url(f"{stage.login.provider.issuer}/**")


def test_a_state_of_another_attempt_changes_nothing_of_this_one(stage: Stage, page: "Page") -> None:
    """A late first attempt beside a second one that went well."""
    answer_questions(page, stage.url)
    content = stage.content(page, now() - 700)
    go_to_the_login(page)
    choose(page, "Ana Lopez")
    page.wait_for_url(FORM)
    late = seal_state(replace(content, attempt=AttemptNumber(78)), stage.installation.settings.seal_keys())
    page.goto(f"{stage.installation.url}/oauth/callback?{urlencode({'state': late, 'code': 'late'})}")
    page.wait_for_url(FORM)
    assert page.get_by_label("First name").input_value() == "Ana"

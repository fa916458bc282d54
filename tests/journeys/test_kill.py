"""The server is killed with -9 in the middle of a journey and started again: nothing that was answered is lost."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from entracte.participation.events import Outcome
from entracte.store import tables
from entracte.store.opened import Store
from tests import parts
from tests.browser import come_to_pass
from tests.journeys.conftest import Stage, staged
from tests.journeys.logins import LOGINS, Account
from tests.journeys.quiz import ANSWERS, answer_questions, go_to_the_login, send_entry
from tests.postgresql import PostgreSQL

if TYPE_CHECKING:
    from playwright.sync_api import Page

FORM = re.compile("/c/quiz/details$")
THANKS = re.compile("/c/quiz/thanks$")
SLOW_SECONDS = 9.0
"""Long enough to be killed in the meantime on a machine that stands still for a while; a login is waited for ten."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "oidc-provider"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """On both stores, and at both logins; their slow account is slow enough to be killed during the redemption."""
    folder = tmp_path_factory.mktemp("kill")
    if request.param != "postgresql":
        login = LOGINS.get(request.param, LOGINS["practice"])
        yield from staged(folder, login, slow_seconds=SLOW_SECONDS)
        return
    parts.require(parts.POSTGRESQL)
    server = PostgreSQL()
    try:
        server.start()
        yield from staged(folder, slow_seconds=SLOW_SECONDS, database_url=server.new_database())
    finally:
        server.close()


def restart(stage: Stage) -> None:
    stage.installation.kill()
    stage.installation.start()


def test_killed_before_during_and_after_the_login(stage: Stage, page: "Page") -> None:
    answer_questions(page, stage.url)
    restart(stage)
    page.reload()
    page.wait_for_url(re.compile("/sign-in$"))
    go_to_the_login(page)
    restart(stage)
    stage.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(FORM)
    restart(stage)
    page.reload()
    assert page.get_by_label("First name").input_value() == "Ana"
    send_entry(page)
    page.wait_for_url(THANKS)
    restart(stage)
    page.reload()
    page.wait_for_url(THANKS)
    entry = stage.entries()[0]
    assert {key: entry.answers[key] for key in ANSWERS} == ANSWERS


def test_killed_while_the_code_is_redeemed(stage: Stage, page: "Page") -> None:
    """The attempt is consumed and the code perhaps used: the reload says so calmly, and one more press signs in."""
    answer_questions(page, stage.url)
    go_to_the_login(page)
    before = under_way(stage)
    with page.expect_request(re.compile("/sign-in/return")) as returned:
        stage.login.sign_in(page, Account.SLOW)
    come_to_pass(page, lambda: under_way(stage) > before)
    restart(stage)
    age_the_attempts(stage)
    page.goto(returned.value.url)
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    assert "three answers" in page.locator("main").inner_text()
    page.get_by_role("button", name="Use another account").click()
    stage.login.sign_in(page, Account.COMPLETE)
    page.wait_for_url(FORM)
    send_entry(page)
    page.wait_for_url(THANKS)
    assert stage.entries()[0].answers["why"] == ANSWERS["why"]


def under_way(stage: Stage) -> int:
    """How many attempts are consumed and have no outcome."""
    query = select(func.count()).where(tables.attempt.c.outcome == Outcome.RETURNED.value)

    async def count(store: Store) -> int:
        return await store.commits.read(lambda connection: connection.execute(query).scalar_one())

    return stage.installation.work(count)


def age_the_attempts(stage: Stage) -> None:
    """Let the half minute pass for which a consumed attempt is taken to be under way."""

    async def age(store: Store) -> None:
        attempt = tables.attempt
        statement = (
            update(attempt)
            .where(attempt.c.outcome == Outcome.RETURNED.value)
            .values(consumed_at=attempt.c.consumed_at - 60)
        )
        await store.commits.write(lambda connection: connection.execute(statement).rowcount)

    stage.installation.work(age)

"""The database is gone, locked, full or slow: 503, a page that says that the answers are safe, and it recovers by
itself. What was acknowledged before is there after."""

import contextlib
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests import parts
from tests.bad_input.stage import Stage, signed_in, staged
from tests.installation import MEMBER, PASSWORD
from tests.postgresql import PostgreSQL
from tests.web.running import Answer, Browser, redirected, target_of

GIVEN = {"hello": None, "song": "b", "places": ["beach"], "why": "The sea"}
RECOVERS = 60
"""Seconds in which everything works again."""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    parts.require(parts.POSTGRESQL)
    server = PostgreSQL()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def on_postgresql(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("on-postgresql")
    with staged(folder, database_url=postgresql.new_database()) as running:
        yield running


def answer_why(browser: Browser, text: str) -> Answer:
    return browser.post("/c/quiz/why", [("answer", text)])


def says_that_answers_are_safe(stage: Stage, answer: Answer) -> None:
    stage.calm(answer, 503)
    assert int(answer["retry-after"]) > 0
    assert "Your answers so far are safe." in answer.body


def becomes_ready(stage: Stage) -> None:
    until = time.monotonic() + RECOVERS
    while stage.installation.browser().get("/readyz").status != 200:
        assert time.monotonic() < until, "the server does not recover"
        time.sleep(0.1)


def recovered(stage: Stage, browser: Browser) -> None:
    """Ready again without anybody's doing, and the participant goes on with everything that was acknowledged."""
    becomes_ready(stage)
    assert stage.installation.participation(browser).answers in (GIVEN, {**GIVEN, "why": "lost"})
    assert answer_why(browser, "The sea, again").status == 303
    assert stage.installation.participation(browser).answers == {**GIVEN, "why": "The sea, again"}
    assert signed_in(browser.sign_in())
    assert stage.installation.participation(browser).profile is not None
    stage.no_traceback()


def test_gone(on_postgresql: Stage, postgresql: PostgreSQL) -> None:
    stage, browser = on_postgresql, on_postgresql.installation.browser()
    browser.answer_questions()
    stage.installation.add_member()
    postgresql.stop()
    try:
        says_that_answers_are_safe(stage, answer_why(browser, "lost"))
        says_that_answers_are_safe(stage, browser.get("/c/quiz/why"))
        french = stage.installation.browser("fr")
        assert "Vos réponses précédentes sont conservées." in french.get("/c/quiz").body
        fields = [("email", MEMBER), ("password", PASSWORD)]
        stage.calm(stage.installation.browser().post("/manage/sign-in", fields), 503)
        not_ready = browser.get("/readyz")
        assert (not_ready.status, int(not_ready["retry-after"])) == (503, 2)
        assert browser.get("/healthz").status == 200
    finally:
        postgresql.start()
    recovered(stage, browser)


def test_gone_in_the_middle_of_a_sign_in(on_postgresql: Stage, postgresql: PostgreSQL) -> None:
    """The return is refused before the attempt is consumed, so that loading it again signs in."""
    stage, browser = on_postgresql, on_postgresql.installation.browser()
    browser.answer_questions()
    back = browser.get(target_of(redirected(browser.go_to_the_login()))).path
    postgresql.stop()
    try:
        says_that_answers_are_safe(stage, browser.get(back))
    finally:
        postgresql.start()
    becomes_ready(stage)
    assert signed_in(browser.get(back))
    assert stage.installation.participation(browser).profile is not None


def test_slow(on_postgresql: Stage, postgresql: PostgreSQL) -> None:
    """Somebody holds every row of the participants: nobody waits for ever, and reading goes on."""
    stage, browser = on_postgresql, on_postgresql.installation.browser()
    browser.answer_questions()
    url = stage.installation.settings.database_url.get_secret_value()
    with psycopg.connect(url) as holder:
        holder.execute("SELECT 1 FROM participation FOR UPDATE")
        began = time.monotonic()
        says_that_answers_are_safe(stage, answer_why(browser, "lost"))
        assert time.monotonic() - began < 45
        assert browser.get("/healthz").status == 200
        holder.rollback()
    recovered(stage, browser)


def test_locked(stage: Stage, browser: Browser) -> None:
    """Another program holds the write lock of the file for longer than a writer waits."""
    file = stage.installation.settings.database_url.get_secret_value().removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor() as others:
            writing = others.submit(answer_why, browser, "lost")
            assert stage.installation.browser().get("/healthz").status == 200
            says_that_answers_are_safe(stage, writing.result(60))
        holder.execute("ROLLBACK")
    recovered(stage, browser)


def test_full(stage: Stage, browser: Browser) -> None:
    """No file of the server may grow any more: what a full disk is to it (setrlimit(2), RLIMIT_FSIZE)."""
    _, hard = resource.prlimit(stage.installation.pid, resource.RLIMIT_FSIZE)
    # beyond what the log has, and far below where the next write to the store goes
    limit = len(stage.installation.log()) + 64 * 1024
    assert (stage.installation.folder / "entracte.sqlite3-wal").stat().st_size > limit
    resource.prlimit(stage.installation.pid, resource.RLIMIT_FSIZE, (limit, hard))
    try:
        for _ in range(5):
            says_that_answers_are_safe(stage, answer_why(browser, "lost"))
    finally:
        resource.prlimit(stage.installation.pid, resource.RLIMIT_FSIZE, (hard, hard))
    recovered(stage, browser)


def test_silent(on_postgresql: Stage, postgresql: PostgreSQL) -> None:
    """The database's processes are there and do nothing at all, as on a disk that hangs."""
    stage, browser = on_postgresql, on_postgresql.installation.browser()
    browser.answer_questions()
    with stopped(postgresql):
        began = time.monotonic()
        says_that_answers_are_safe(stage, answer_why(browser, "lost"))
        assert time.monotonic() - began < 45
        assert browser.get("/healthz").status == 200
        assert browser.get("/readyz").status == 503
    recovered(stage, browser)


@contextlib.contextmanager
def stopped(postgresql: PostgreSQL) -> Iterator[None]:
    """Every process of the server stands still until the end of the block (SIGSTOP)."""
    main = postgresql.pid
    mine = [main, *(int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent(stat) == main)]
    for process in mine:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in mine:
            os.kill(process, signal.SIGCONT)


def _parent(stat: Path) -> int:
    """The parent of a process (proc_pid_stat(5), field 4); 0 for one that has just ended."""
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0

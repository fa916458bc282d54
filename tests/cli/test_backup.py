"""Backups of a server that is under load, by the commands that the documentation shows, as it shows them."""

import re
import shlex
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from entracte.protocol.seal import encode
from entracte.values import entropy
from tests import parts
from tests.cli.command import Operator, send
from tests.journeys.quiz import QUIZ
from tests.journeys.stored import entries_of
from tests.misbehaving_provider import served_misbehaving_provider
from tests.postgresql import PostgreSQL, find_binaries
from tests.web.running import redirected, target_of

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "back-up-and-restore.md"
DOCUMENTED_DATABASE = "/var/lib/entracte/entracte.sqlite3"
DOCUMENTED_FOLDER = "/backup"
POSTGRESQL_PROGRAMS = {"pg_dump", "pg_restore", "createdb"}
DOCUMENTED_ADDRESS = "postgresql://entracte@127.0.0.1:5432"


def documented(heading: str) -> list[list[str]]:
    """The commands under a heading of the page, in order."""
    section = re.split(r"^#+ ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith(f"{heading}\n")]
    return [shlex.split(line[2:]) for line in text.splitlines() if line.startswith("$ ")]


def run_documented(operator: Operator, heading: str, places: dict[str, str]) -> None:
    """Every command under the heading. Only places differ: `places` says the ones of this test."""
    commands = documented(heading)
    assert commands
    for shown in commands:
        words, environment = adapted(shown, places), operator.environment()
        while re.fullmatch(r"ENTRACTE_[A-Z_]+=.*", words[0]):
            name, _, environment[name] = words.pop(0).partition("=")
        done = subprocess.run(
            [*program(words[0]), *words[1:]],
            env=environment,
            cwd=operator.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)


def adapted(words: list[str], places: dict[str, str]) -> list[str]:
    """The words with the places of this test."""
    line = "\0".join(words)
    for shown, here in places.items():
        line = line.replace(shown, here)
    return line.split("\0")


def program(name: str) -> list[str]:
    """Where the program is that a command begins with."""
    if name == "entracte":
        return [sys.executable, "-m", name]
    return [str(find_binaries() / name)] if name in POSTGRESQL_PROGRAMS else [name]


@contextmanager
def load(operator: Operator) -> Iterator[Callable[[], int]]:
    """Two people at a time who enter, over and over; gives how many entries were acknowledged."""
    acknowledged: list[int] = []
    failures: list[BaseException] = []
    ending = threading.Event()

    def play() -> None:
        try:
            while not ending.is_set():
                operator.enter()
                acknowledged.append(1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=play) for _ in range(2)]
    for thread in threads:
        thread.start()

    def count() -> int:
        assert not failures, failures
        return len(acknowledged)

    try:
        yield count
    finally:
        ending.set()
        for thread in threads:
            thread.join(60)
    assert not failures, failures


def wait_for(count: Callable[[], int], least: int) -> None:
    until = time.monotonic() + 60
    while count() < least:
        assert time.monotonic() < until, f"only {count()} of {least} entries"
        time.sleep(0.05)


@contextmanager
def playing(operator: Operator) -> Iterator[None]:
    with served_misbehaving_provider() as provider:
        operator.installation.connect(provider.issuer, client_id=provider.client_id, secret=provider.client_secret)
        operator.installation.publish(QUIZ)
        with operator.installation:
            yield


def test_sqlite_by_the_documented_commands(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    backups = tmp_path / "backup"
    backups.mkdir()
    places = {DOCUMENTED_DATABASE: str(tmp_path / "entracte.sqlite3"), DOCUMENTED_FOLDER: str(backups)}
    with playing(operator):
        operator.enter()  # so early that it still stands beside the database's file, in `-wal`
        operator.says("backup", "make", "early")
        with closing(sqlite3.connect(tmp_path / "early")) as early:
            assert early.execute("SELECT count(*) FROM entry").fetchone() == (1,)
        away = operator.browser()
        away.answer_questions()
        login = away.go_to_the_login()
        with load(operator) as count:
            wait_for(count, 3)
            before = count()
            run_documented(operator, "SQLite: back up", places)
            wait_for(count, count() + 2)
        after = len(entries_of(operator.installation, "quiz"))
        backup = backups / "entracte.sqlite3"
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        assert [path.name for path in backups.iterdir()] == ["entracte.sqlite3"]
        operator.installation.stop()
        run_documented(operator, "SQLite: restore", places)
        assert before <= len(entries_of(operator.installation, "quiz")) < after
        operator.installation.start()
        assert away.get(away.get(target_of(redirected(login))).path).path == "/c/quiz/details"
        send(away)
        operator.enter()


def test_postgresql_by_the_documented_commands(tmp_path: Path) -> None:
    parts.require(parts.POSTGRESQL)
    server = PostgreSQL()
    try:
        server.start()
        address = server.new_database()
        operator = Operator(tmp_path, address)
        base, _, name = address.rpartition("/")
        places = {
            f"{DOCUMENTED_ADDRESS}/entracte_restored": f"{base}/restored",
            "entracte_restored": "restored",
            f"{DOCUMENTED_ADDRESS}/postgres": f"{base}/postgres",
            f"{DOCUMENTED_ADDRESS}/entracte": f"{base}/{name}",
            DOCUMENTED_FOLDER: str(tmp_path),
        }
        with playing(operator):
            away = operator.browser()
            away.answer_questions()
            login = away.go_to_the_login()
            with load(operator) as count:
                wait_for(count, 3)
                before = count()
                run_documented(operator, "PostgreSQL: back up", places)
                wait_for(count, count() + 2)
            after = len(entries_of(operator.installation, "quiz"))
            operator.installation.stop()
            run_documented(operator, "PostgreSQL: restore", places)
            operator.installation.environment["ENTRACTE_DATABASE_URL"] = f"{base}/restored"
            with psycopg.connect(f"{base}/restored") as connection:
                row = connection.execute("SELECT count(*) FROM entry").fetchone()
            assert row is not None
            assert before <= row[0] < after
            assert "whole" in operator.says("backup", "check")
            operator.installation.start()
            assert away.get(away.get(target_of(redirected(login))).path).path == "/c/quiz/details"
            send(away)
            operator.enter()
            operator.installation.stop()
        assert "[backup_not_here]" in operator.refuses("backup", "make", "x")
    finally:
        server.close()


def test_nothing_is_overwritten_and_nothing_is_left_behind(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("backup", "make", "one")
    content = (tmp_path / "one").read_bytes()
    assert "[backup_file_exists]" in operator.refuses("backup", "make", "one")
    assert "[backup_file_exists]" in operator.refuses("backup", "restore", "one")
    assert (tmp_path / "one").read_bytes() == content
    assert "[backup_failed]" in operator.refuses("backup", "make", "absent/one")
    (tmp_path / "entracte.sqlite3").rename(tmp_path / "away")
    (tmp_path / "entracte.sqlite3-wal").write_bytes(b"of another database")
    assert "[backup_file_exists]" in operator.refuses("backup", "restore", "one")
    assert "[database_missing]" in operator.refuses("backup", "make", "two")
    assert not (tmp_path / "two").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("backup", "make", "one")
    raw = bytearray((tmp_path / "one").read_bytes())
    raw[4096 * 3 : 4096 * 6] = b"\xff" * (4096 * 3)
    (tmp_path / "damaged").write_bytes(raw)
    (tmp_path / "text").write_text("no database")
    for name in ("damaged", "text"):
        for command in ("check", "restore"):
            assert "[backup_" in operator.refuses("backup", command, name)


def test_without_the_keys_nothing_opens(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.says("backup", "make", "one")
    content = (tmp_path / "one").read_bytes()
    assert "whole" in operator.says("backup", "check", "one")
    for number in (1, 2):  # the same number with another key, and another number
        other = f"{number}:{encode(entropy(32))}"
        assert "[backup_sealed]" in operator.refuses("backup", "check", "one", ENTRACTE_SECRET_KEYS=other)
    assert (tmp_path / "one").read_bytes() == content
    with sqlite3.connect(tmp_path / "one") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    assert "[schema_older]" in operator.refuses("backup", "check", "one")

"""The command, as an operator types it: a process of its own for each line."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.installation import free_port
from tests.misbehaving_provider import served_misbehaving_provider

EXAMPLES = Path(__file__).parent.parent / "src" / "entracte" / "practice" / "examples"
SECRET = "never-to-be-shown-again"


class Shell:
    """A folder and an environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ENTRACTE_")},
            "ENTRACTE_DATABASE_URL": f"sqlite:///{folder / 'entracte.sqlite3'}",
            "ENTRACTE_OUTBOUND_ALLOW": "127.0.0.1",
        }
        key = self.run("keys", "new")
        self.environment["ENTRACTE_SECRET_KEYS"] = key.stdout.strip()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "entracte", *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
            check=False,
        )

    def says(self, *arguments: str, **environment: str) -> str:
        """The output of a command that succeeds."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done.stdout

    def refuses(self, *arguments: str, **environment: str) -> str:
        """The words of a command that fails with a problem of ours: no traceback, exit status 1."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("cli"))
    assert "nothing" in shell.says("migrate")
    shell.says("organization", "add", "northwind", "--title", "Northwind Radio")
    return shell


def test_from_nothing_to_a_published_campaign(shell: Shell) -> None:
    with served_misbehaving_provider() as provider:
        done = shell.says(
            *("connection", "add", "northwind", "--title", "Northwind", "--client-id", "x"),
            *("--issuer", provider.issuer),
            ENTRACTE_CLIENT_SECRET=SECRET,
        )
        assert "http://localhost:8000/oauth/callback" in done
        assert provider.issuer in shell.says("connection", "list")
        again = shell.refuses(
            *("connection", "add", "northwind", "--title", "Northwind", "--client-id", "x"),
            *("--issuer", provider.issuer),
            ENTRACTE_CLIENT_SECRET=SECRET,
        )
        assert "[connection_exists]" in again
    published = shell.says("campaign", "publish", str(EXAMPLES / "summer-quiz.yaml"))
    assert "/c/summer-quiz" in published
    assert "version 2" in shell.says("campaign", "publish", str(EXAMPLES / "summer-quiz.yaml"))
    assert "summer-quiz" in shell.says("campaign", "list")
    exported = shell.says("export", "summer-quiz", "--format", "csv")
    assert exported.count("\n") == 1
    assert "form.email" in exported
    assert SECRET not in (shell.folder / "entracte.sqlite3").read_bytes().decode("latin-1")


def test_plain_oauth_from_explicit_endpoints(shell: Shell) -> None:
    shell.says(
        *("connection", "add", "legacy", "--title", "Legacy", "--client-id", "x", "--scope", "profile"),
        *(
            "--authorization-endpoint",
            "https://login.example/authorize",
            "--token-endpoint",
            "https://login.example/token",
        ),
        *("--authentication", "client_secret_post", "--parameter", "prompt=login"),
        *("--rest-url", "https://api.example/me", "--rest-method", "POST", "--rest-bearer", "form"),
        *("--rest-person", "data.person", "--rest-subject", "id", "--claim", "email=contact.email,mail"),
        ENTRACTE_CLIENT_SECRET=SECRET,
    )
    assert "rest\tno mix-up defence" in shell.says("connection", "list")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--issuer", "http://login.example"), "connection_address"),
        (("--issuer", "https://user@login.example"), "connection_address"),
        (("--issuer", "https://169.254.169.254"), "provider_blocked"),
        (("--issuer", "https://[::1]"), "provider_blocked"),
        (("--authorization-endpoint", "https://a.example/a"), "connection_setting_malformed"),
    ],
)
def test_an_address_that_can_not_be_used_is_said(shell: Shell, options: tuple[str, ...], code: str) -> None:
    told = shell.refuses(
        *("connection", "add", "other", "--title", "Other", "--client-id", "x", *options), ENTRACTE_CLIENT_SECRET=SECRET
    )
    assert f"[{code}]" in told


def test_every_problem_of_a_campaign_file_at_once(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("campaign: Broken Name\ntitle: {en: A}\nlanguages: [en, fr]\nsteps: []\ncolour: red\n")
    told = shell.refuses("campaign", "publish", str(file))
    assert "broken.yaml:1" in told
    assert "broken.yaml:5" in told
    assert told.count("entracte:") >= 3


def test_a_member_signs_in_with_what_was_typed(shell: Shell) -> None:
    assert "/manage" in shell.says(
        "member", "add", "alice@example.com", ENTRACTE_MEMBER_PASSWORD="correct horse battery"
    )
    assert "[password_too_short]" in shell.refuses("member", "add", "bob@example.com", ENTRACTE_MEMBER_PASSWORD="short")


def test_settings_that_are_wrong_are_named(shell: Shell) -> None:
    assert "ENTRACTE_SECRET_KEYS" in shell.refuses("serve", ENTRACTE_SECRET_KEYS="")
    told = shell.refuses("serve", ENTRACTE_SECRET_KEYS=f"1:{SECRET}")
    assert "shorter than 32 bytes" in told or "not base64url" in told
    assert "ENTRACTE_PUBLIC_URL" in shell.refuses("serve", ENTRACTE_PUBLIC_URL="ftp://x")
    assert "ENTRACTE_OUTBOUND_ALLOW" in shell.refuses("serve", ENTRACTE_OUTBOUND_ALLOW="10.0.0.0/99")


def test_a_secret_can_come_from_a_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(shell.environment["ENTRACTE_SECRET_KEYS"] + "\n")
    assert "northwind" in shell.says(
        "organization", "list", ENTRACTE_SECRET_KEYS="", ENTRACTE_SECRET_KEYS_FILE=str(file)
    )
    told = shell.refuses("organization", "list", ENTRACTE_SECRET_KEYS_FILE=str(tmp_path / "absent"))
    assert "ENTRACTE_SECRET_KEYS_FILE" in told


def test_a_taken_port_is_a_clear_message(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in (("serve",), ("demo", "--folder", str(shell.folder / "demo"))):
            told = shell.refuses(*command, ENTRACTE_PORT=port)
            assert port in told
            assert "ENTRACTE_PORT" in told


def test_another_schema_is_a_clear_message(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert "entracte migrate" in shell.refuses("serve", ENTRACTE_PORT=str(free_port()))
    shell.says("migrate")
    engine = create_engine(shell.environment["ENTRACTE_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    assert "[schema_newer]" in shell.refuses("serve", ENTRACTE_PORT=str(free_port()))


def test_the_practice_provider_runs_alone(shell: Shell) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "entracte", "practice", "--port", str(port)],
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert f"http://localhost:{port}" in process.stdout.readline()
        with urllib.request.urlopen(f"http://localhost:{port}/.well-known/openid-configuration", timeout=60) as answer:
            assert json.load(answer)["issuer"] == f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=90)
    assert process.returncode == 0


def test_the_brand_and_a_campaign_file_are_checked(shell: Shell, tmp_path: Path) -> None:
    brand = tmp_path / "brand.yaml"
    brand.write_text('mark: "♪"\ncolor: "#123456"\n')
    assert "northwind" in shell.says("organization", "brand", str(brand))
    brand.write_text("color: red\n")
    assert "[brand_malformed]" in shell.refuses("organization", "brand", str(brand))
    assert "steps" in shell.says("campaign", "check", str(EXAMPLES / "festival-contest.yaml"))
    assert json.loads(shell.says("campaign", "schema"))["type"] == "object"

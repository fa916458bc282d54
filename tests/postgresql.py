"""A real PostgreSQL server for tests: private, in a temporary directory, on a free port of the loopback address."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

OLDEST = 15
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/bin",
    "/usr/local/pgsql/bin",
    "/usr/local/bin",
    "/usr/bin",
)
SUPERUSER = "entracte"
STARTUP_SECONDS = 60
START_TRIES = 5


class MissingPart(Exception):
    """A part that the tests need is not on this computer."""


class PostgreSQL:
    """One server. `start` it, ask for a `new_database`, and `stop` it; `kill` and `start` again is a crash.

    Everybody on this computer may log in (trust), so it listens on 127.0.0.1 alone and has no socket file.
    """

    def __init__(self) -> None:
        self._binaries = find_binaries()
        self._user = _unprivileged_user()
        self._directory = Path(tempfile.mkdtemp(prefix="entracte-postgresql-"))
        self._data = self._directory / "data"
        self._log = self._directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self.port = 0

    def start(self) -> None:
        """Start, or start again after `kill` or `stop`, on the same port; ready when it returns."""
        if not self._data.exists():
            self._initialize()
        for _ in range(START_TRIES):
            if not self._databases:  # later its port is part of addresses that were given out
                self.port = _free_port()
            self._spawn()
            if self._becomes_ready():
                return
            # The port was taken meanwhile; or what a killed server had started is still ending.
            self.kill()
            time.sleep(0.5)
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it (fast shutdown: open transactions are undone)."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would, with everything that it started."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it at once and remove its directory."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._directory)

    @property
    def pid(self) -> int:
        """The server's main process, the parent of all others."""
        assert self._process is not None
        return self._process.pid

    def new_database(self, like: str = "") -> str:
        """An empty database, or a copy of the one at the address `like`, to which nobody is connected; its address."""
        self._databases += 1
        name = f"test_{self._databases}"
        template = like.rpartition("/")[2] or "template1"
        with self.administer() as connection:
            statement = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
            connection.execute(statement)
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{name}"

    def administer(self) -> psycopg.Connection:
        """A connection beside the tested ones, to the database `postgres`; each statement is a transaction."""
        return psycopg.connect(
            f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres", autocommit=True, connect_timeout=30
        )

    def _initialize(self) -> None:
        if self._user is not None:
            os.chown(self._directory, self._user.pw_uid, self._user.pw_gid)
        # A locale that does not sort by bytes, where PostgreSQL was built with one: the tables must say what they need.
        said = [self._initdb("--locale-provider=icu", "--icu-locale=en-US"), ""]
        if said[0]:
            said[1] = self._initdb()
        if all(said):
            raise RuntimeError(f"initdb failed:\n{said[1]}")

    def _initdb(self, *options: str) -> str:
        """What went wrong; empty when nothing did."""
        fixed = (f"--pgdata={self._data}", f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--locale=C")
        done = subprocess.run(
            [self._binaries / "initdb", *fixed, "--no-sync", *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            check=False,
            cwd=self._directory,
            **self._identity(),
        )
        return done.stderr.decode(errors="replace")[-2000:] or "no reason given" if done.returncode else ""

    def _spawn(self) -> None:
        settings = (
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=100",
            # A killed server loses nothing by this, only a power cut would; and the tests make many databases.
            "fsync=off",
            "shared_buffers=32MB",
        )
        options = [part for setting in settings for part in ("-c", setting)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that an interrupt from the keyboard ends the tests, and they end this
                cwd=self._directory,
                **self._identity(),
            )

    def _identity(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _becomes_ready(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError), self.administer() as connection:
                # Another server may have had the port first: only our own has our data.
                found = connection.execute("SHOW data_directory").fetchone()
                return found is not None and found[0] == str(self._data)
            time.sleep(0.05)
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        process.wait(timeout=90)


def find_binaries() -> Path:
    """The directory of `postgres` and `initdb`, the newest that is there. MissingPart when there is none."""
    found = {place: version for place in _candidates() if (version := _version(place)) >= OLDEST}
    if not found:
        raise MissingPart(f"PostgreSQL {OLDEST} or newer: its programs `postgres` and `initdb` are not installed here.")
    return max(found, key=lambda place: found[place])


def _candidates() -> list[Path]:
    configured: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        said = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        configured.append(Path(said.stdout.strip()))
    return configured + [path for place in PLACES for path in Path("/").glob(place.lstrip("/"))]


def _version(directory: Path) -> int:
    if not all(os.access(directory / program, os.X_OK) for program in ("postgres", "initdb")):
        return 0
    said = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"PostgreSQL\) (\d+)", said)
    return int(number[1]) if number else 0


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; then somebody else runs it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise MissingPart("PostgreSQL 15 or newer: as root it needs the user `postgres` or `nobody` to run as.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""A real installation of Entracte for tests: the command in a process of its own, on a free port of loopback.

What it needs (organization, connections, campaigns, members) is made with the same use cases as the commands, on the
same database. `kill` is SIGKILL: nothing is finished, nothing is said.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from entracte.campaigns.draft import read_draft
from entracte.campaigns.manage import publish
from entracte.campaigns.model import Published
from entracte.connections import manage as manage_connections
from entracte.connections.model import Connection
from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Organization, Role
from entracte.protocol.seal import encode
from entracte.settings import Settings, read_settings
from entracte.store.opened import Store
from entracte.store.schema import migrate
from entracte.values import Secret, entropy, now
from entracte.web.directory import FRESH
from entracte.wiring import open_fetcher

Result = TypeVar("Result")

CLIENT_ID = "entracte-tests"
CLIENT_SECRET = "a secret of the tests, not of anybody"
MEMBER = "alice@northwind.example"
PASSWORD = "correct horse battery staple"


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Installation:
    """One Entracte. Use as a context manager; `settings` are those of its process. A port of 0 is a free one."""

    def __init__(
        self, folder: Path, *, database_url: str = "", workers: int = 1, port: int = 0, **settings: Any
    ) -> None:
        self.folder = folder
        self._command = [sys.executable, "-m", "entracte", "serve", "--workers", str(workers)]
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        given = {
            "database_url": database_url or f"sqlite:///{folder / 'entracte.sqlite3'}",
            "public_url": self.url,
            "secret_keys": f"1:{encode(entropy(32))}",
            "outbound_allow": "localhost,127.0.0.1",
            "port": self.port,
            "log_format": "json",
            **settings,
        }
        self.environment = {f"ENTRACTE_{name.upper()}": str(value) for name, value in given.items()}
        self.settings: Settings = read_settings(**given)
        self._log = folder / "entracte.log"
        self._process: subprocess.Popen[bytes] | None = None
        migrate(self.settings.database_url.get_secret_value())
        self.organization = self.work(self._add_organization)

    @property
    def redirect_uri(self) -> str:
        return self.settings.redirect_uri

    @property
    def process_id(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Everything the process wrote."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def start(self) -> Self:
        """Start the process and wait until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTRACTE_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**environment, **self.environment},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 100
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()  # nobody else ends it: a server that tries for ever makes the machine slow for all others
                raise AssertionError(f"the server did not start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """SIGTERM, as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: at once, in the middle of anything."""
        self._end(signal.SIGKILL)

    def work(self, what: Callable[[Store], Awaitable[Result]]) -> Result:
        """Run something on the store of this installation."""

        async def run() -> Result:
            store = Store.open(self.settings.database_url.get_secret_value())
            await store.start()
            try:
                return await what(store)
            finally:
                await store.stop()

        # a thread of its own: Playwright's synchronous interface has a loop running in this one
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, run()).result()

    def connect(
        self, issuer: str, /, *, name: str = "northwind", secret: str = CLIENT_SECRET, **config: Any
    ) -> Connection:
        """Add (or replace) a connection from discovery."""

        async def add(store: Store) -> Connection:
            fetcher = open_fetcher(self.settings)
            await fetcher.start()
            try:
                metadata = await manage_connections.discover(issuer, fetcher, fetcher.insecure_allowed)
            finally:
                await fetcher.stop()
            given = {
                **manage_connections.from_metadata(metadata),
                "name": name,
                "title": "Northwind",
                "client_id": CLIENT_ID,
                "scopes": ("openid", "profile", "email", "phone"),
                **config,
            }
            checked = manage_connections.read_config(given, fetcher.insecure_allowed)
            return await manage_connections.replace_or_add(
                store.connections, self.organization.number, checked, Secret(secret), self.settings.seal_keys(), now()
            )

        return self.work(add)

    def publish(self, text: str) -> Published:
        """Publish a campaign from the text of its file."""

        async def go(store: Store) -> Published:
            of = await store.connections.of(self.organization.number)
            known = {one.config.name: set(one.config.claims) for one in of}
            return await publish(store.campaigns, self.organization.number, read_draft(text), known, now())

        published = self.work(go)
        if self._process is not None:
            time.sleep(FRESH + 0.1)  # the running process remembers the version before for so long
        return published

    def add_member(self, email: str = MEMBER, password: str = PASSWORD) -> None:
        async def add(store: Store) -> None:
            await add_member(store.members, self.organization.number, email, Role.OWNER, Secret(password))

        self.work(add)

    async def _add_organization(self, store: Store) -> Organization:
        return await add_organization(
            store.organizations,
            "northwind",
            "Northwind Radio",
            Brand(mark="♪"),
            self.settings.seal_keys(),
            entropy,
        )

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            process.wait(timeout=90)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

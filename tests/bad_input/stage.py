"""A running Entracte with a quiz and a provider that records what it was asked, and what the tests of bad input ask of
it: browsers, the command, the log, the memory of the process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from entracte.participation.keys import open_key
from entracte.participation.model import Participation
from entracte.store.opened import Store
from tests.installation import Installation
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.web.running import PUBLIC, Answer, Browser


@dataclass
class Said:
    """What a command did: exit status and what it wrote."""

    status: int
    out: str
    error: str


class Served(Installation):
    """An installation whose browsers come by TLS, and whose commands a test can run."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def memory(self) -> int:
        """Bytes that the process holds (proc_pid_status(5), VmRSS)."""
        [line] = [line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmRSS" in line]
        return int(line.split()[1]) * 1024

    def worked(self) -> float:
        """Seconds that the process has worked, in its own code and in the kernel's (proc_pid_stat(5), 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def browser(self, language: str = "en") -> Browser:
        return Browser(self.port, language=language)

    def command(self, *arguments: str, **environment: str) -> Said:
        """Run `entracte` beside the server."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ENTRACTE_")}
        done = subprocess.run(
            [sys.executable, "-m", "entracte", *arguments],
            env={**clean, **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def logged(self, event: str) -> list[Mapping[str, Any]]:
        """The lines of the log of that event."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def participation(self, browser: Browser, campaign: str = "quiz") -> Participation:
        """What is kept of this browser."""
        key = open_key(browser.cookies[f"__Host-entracte-{campaign}"], self.settings.seal_keys())
        assert key is not None

        async def read(store: Store) -> Participation | None:
            return await store.participations.get(self.organization.number, key.participation)

        found = self.work(read)
        assert found is not None
        return found


@dataclass
class Stage:
    """A running Entracte with the quiz, and its login."""

    installation: Served
    provider: MisbehavingProvider

    def calm(self, answer: Answer, status: int) -> None:
        """A page that blames nobody, has a code, and shows nothing of the program's inside."""
        assert answer.status == status
        assert answer["content-type"].startswith("text/html")
        assert "<code>" in answer.body
        assert "Traceback" not in answer.body
        self.no_traceback()

    def no_traceback(self) -> None:
        assert "Traceback" not in self.installation.log()
        assert self.installation.logged("unexpected") == []


@contextmanager
def staged(folder: Path, *, database_url: str = "", **settings: Any) -> Iterator[Stage]:
    """A stage, until the end of the block."""
    given = {"public_url": PUBLIC, "outbound_allow": "127.0.0.1", **settings}
    installation = Served(folder, database_url=database_url, **given)
    with served_misbehaving_provider() as provider:
        installation.connect(provider.issuer, client_id=provider.client_id, secret=provider.client_secret)
        installation.publish(QUIZ)
        with installation:
            yield Stage(installation, provider)


def state_of(address: str) -> str:
    """The state in the address of a login."""
    [state] = parse_qs(urlsplit(address).query)["state"]
    return state


def signed_in(answer: Answer) -> bool:
    """Whether the return from a login leads on in the campaign, and not to what went differently."""
    return answer.status == 303 and answer.path.startswith("/c/quiz") and "sign-in" not in answer.path


def follow(browser: Browser, target: str) -> Answer:
    """Where a return leads in the end."""
    answer = browser.get(target)
    for _ in range(5):
        if answer.status != 303:
            return answer
        answer = browser.get(answer.path)
    raise AssertionError("it leads around in circles")

"""The command as an operator runs it, for one installation."""

import os
import subprocess
import sys
from pathlib import Path

from tests.installation import Installation
from tests.web.running import PUBLIC, Browser

FORM = (("first_name", "Ana"), ("email", "ada@northwind.example"), ("phone", ""), ("rules", "yes"))


class Operator:
    """Runs commands with the settings of an installation, whose keys are in a file."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        self.folder = folder
        self.installation = Installation(folder, database_url=database_url, public_url=PUBLIC)
        self.keys = folder / "keys"
        self.keys.write_text(self.installation.environment.pop("ENTRACTE_SECRET_KEYS") + "\n")
        self.keys.chmod(0o600)
        self.installation.environment["ENTRACTE_SECRET_KEYS_FILE"] = str(self.keys)

    def environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("ENTRACTE_")}
        return {**outside, **self.installation.environment}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "entracte", *arguments],
            env={**self.environment(), **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def says(self, *arguments: str, **environment: str) -> str:
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, *arguments: str, **environment: str) -> str:
        done = self.run(*arguments, **environment)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def restart(self) -> None:
        self.installation.stop()
        self.installation.start()

    def browser(self) -> Browser:
        return Browser(self.installation.port)

    def enter(self, browser: Browser | None = None) -> None:
        """Play the quiz to the end, signed in."""
        someone = browser or self.browser()
        someone.answer_questions()
        assert someone.sign_in().path == "/c/quiz/details"
        send(someone)


def send(browser: Browser) -> None:
    """Send the form; the entry is stored when this returns."""
    assert browser.get("/c/quiz/details").status == 200
    assert browser.post("/c/quiz/details", FORM).path == "/c/quiz"
    assert browser.get("/c/quiz").path == "/c/quiz/thanks"

"""One installation and one login for a file of journeys."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from entracte.participation.model import Entry
from tests.installation import Installation
from tests.journeys.logins import Login, Open, practice_login
from tests.journeys.quiz import QUIZ
from tests.journeys.stored import entries_of


@dataclass
class Stage:
    """A running Entracte with a quiz and a login."""

    installation: Installation
    login: Login

    @property
    def url(self) -> str:
        return f"{self.installation.url}/c/quiz"

    def entries(self) -> list[Entry]:
        """The entries of the quiz, latest first, as the store has them."""
        return entries_of(self.installation, "quiz")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """At the practice provider. A file of journeys for any login has a fixture of its own."""
    yield from staged(tmp_path_factory.mktemp("stage"))


def staged(
    folder: Path, login: Open = practice_login, *, slow_seconds: float = 1.0, database_url: str = ""
) -> Iterator[Stage]:
    """A stage in a folder, until the generator ends."""
    installation = Installation(folder, database_url=database_url)
    with login(installation.redirect_uri, slow_seconds) as running:
        installation.connect(running.issuer, profile_source="userinfo")
        installation.publish(QUIZ)
        with installation:
            yield Stage(installation, running)

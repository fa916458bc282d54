"""One running Entracte for a file of tests."""

from collections.abc import Iterator

import pytest

from tests.bad_input.stage import Stage, staged
from tests.web.running import Browser


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("bad-input")) as running:
        yield running


@pytest.fixture
def browser(stage: Stage) -> Browser:
    """Somebody who answered every question and stands before the sign-in."""
    stage.provider.misbehaviour = ""
    stage.provider.requests.clear()
    browser = stage.installation.browser()
    browser.answer_questions()
    return browser

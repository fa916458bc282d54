"""One running Entracte for a file of tests, and a login of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.conformance.stage import Stage
from tests.misbehaving_provider import served_misbehaving_provider
from tests.web.running import Running, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("conformance")) as started:
        yield started


@pytest.fixture
def stage(site: Running) -> Iterator[Stage]:
    with served_misbehaving_provider() as provider:
        yield Stage(site, provider)

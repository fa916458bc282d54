"""One running Entracte for a file of tests, with an entry in its quiz."""

from collections.abc import Iterator

import pytest

from tests.api.programs import Neighbours, neighbours


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    with neighbours(tmp_path_factory.mktemp("api"), api_requests_per_minute=100_000) as running:
        running.enter()
        yield running

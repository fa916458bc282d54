"""A sign-in's two sides for the tests of connections."""

from collections.abc import AsyncIterator

import pytest

from tests.connections.relying import Relying, relying_on
from tests.misbehaving_provider import MisbehavingProvider


@pytest.fixture
async def relying() -> AsyncIterator[Relying]:
    async with relying_on(MisbehavingProvider()) as sides:
        yield sides

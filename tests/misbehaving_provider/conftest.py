"""The provider and a simple client for its own tests."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.misbehaving_provider import MisbehavingProvider
from tests.misbehaving_provider.simple_client import CLIENT_JWKS, SimpleClient, session_without_limits


@pytest.fixture
async def provider() -> AsyncIterator[MisbehavingProvider]:
    async with MisbehavingProvider(client_jwks=CLIENT_JWKS) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with session_without_limits() as running:
        yield running


@pytest.fixture
def client(provider: MisbehavingProvider, session: aiohttp.ClientSession) -> SimpleClient:
    return SimpleClient(provider, session)

"""The databases that every test of the store runs on. PostgreSQL is a real server of our own."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from entracte.organizations.model import Brand, Organization
from entracte.store.opened import Store
from entracte.store.schema import migrate
from tests.postgresql import MissingPart, PostgreSQL
from tests.store.samples import SEALED_PERSON_KEY


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    try:
        server = PostgreSQL()
    except MissingPart as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"A part is missing: {missing}")
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgresql_with_tables(postgresql: PostgreSQL) -> str:
    """A database that others are copied from."""
    url = postgresql.new_database()
    migrate(url)
    return url


def _empty(kind: str, request: pytest.FixtureRequest, directory: Path) -> str:
    if kind == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.new_database()
    return "sqlite://" if kind == "sqlite memory" else f"sqlite:///{directory}/store.sqlite3"


@pytest.fixture(params=["sqlite file", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, that several processes can use."""
    return _empty(request.param, request, tmp_path)


def _with_tables(kind: str, request: pytest.FixtureRequest, directory: Path) -> str:
    if kind == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.new_database(like=request.getfixturevalue("postgresql_with_tables"))
    address = _empty(kind, request, directory)
    if kind == "sqlite file":
        migrate(address)
    return address  # in memory the tables come with `Store.open`


@pytest.fixture(params=["sqlite file", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with its tables, that several processes can use."""
    return _with_tables(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite file", "sqlite memory", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with its tables, of each kind."""
    return _with_tables(request.param, request, tmp_path)


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = Store.open(url)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@pytest_asyncio.fixture
async def northwind(store: Store) -> Organization:
    """Alice's and Bob's organization."""
    return await store.organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)


@pytest_asyncio.fixture
async def outsider(store: Store) -> Organization:
    """Charlie's organization, which sees nothing of the other."""
    return await store.organizations.add("contoso", "Contoso", Brand(), SEALED_PERSON_KEY)

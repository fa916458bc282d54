"""Fifty kills of the server on each database, ten of PostgreSQL: nothing acknowledged is lost, nothing is doubled."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.kills import Account, kill_postgresql, kill_the_server
from tests.postgresql import PostgreSQL

KILLS = 50
KILLS_OF_POSTGRESQL = 10
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(2**32)))
"""Of this run; `CHAOS_SEED` sets it, to see the same moments again (what falls into them is the machine's)."""

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    try:
        server.start()
        yield server
    finally:
        server.close()


def check(account: Account, least: int) -> None:
    assert not account.faults, f"seed {SEED}: {account.faults[:10]}"
    assert account.participants >= least, "too few were under way for the kills to mean anything"
    assert account.acknowledged >= 6 * account.participants - account.kills * 12


async def test_sqlite(tmp_path: Path) -> None:
    check(await kill_the_server(tmp_path, KILLS, SEED), least=KILLS)


async def test_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    account = await kill_the_server(tmp_path, KILLS, SEED + 1, database_url=postgresql.new_database())
    check(account, least=KILLS)


async def test_postgresql_itself(tmp_path: Path, postgresql: PostgreSQL) -> None:
    check(await kill_postgresql(tmp_path, KILLS_OF_POSTGRESQL, SEED + 2, postgresql), least=KILLS_OF_POSTGRESQL)

"""Two processes on one database: together under load, when one is killed, and at a stop."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.stub import CLIENT_ID, CLIENT_SECRET
from tests.chaos.crowd import CAMPAIGN, Crowd, provider
from tests.chaos.kills import kill_workers, workers_of
from tests.installation import Installation
from tests.postgresql import PostgreSQL

KILLS = 5
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    server = PostgreSQL()
    try:
        server.start()
        yield server.new_database()
    finally:
        server.close()


async def test_one_is_killed_and_the_other_goes_on(tmp_path: Path, database_url: str) -> None:
    account = await kill_workers(tmp_path, KILLS, random.randrange(2**32), database_url=database_url)
    assert not account.faults
    assert account.participants >= KILLS


async def test_a_stop_finishes_what_was_accepted(tmp_path: Path) -> None:
    """SIGTERM under load: nothing that was acknowledged is lost, and the exit status is 0."""
    async with provider() as stub:
        installation = await running(tmp_path, stub.issuer)
        process = installation._process
        assert process is not None
        crowd = Crowd(installation, random.Random(1))
        async with crowd.at_work():
            await asyncio.sleep(1.5)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 90) == 0
            await asyncio.to_thread(installation.start)
        installation.stop()
    assert all(one.is_through for one in crowd.participants)
    assert "Traceback" not in installation.log()


async def test_nobody_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    async with provider() as stub:
        installation = await running(tmp_path, stub.issuer)
        workers = workers_of(installation)
        assert len(workers) == 2
        installation.kill()
        deadline = time.monotonic() + 60
        while any(map(lives, workers)):
            assert time.monotonic() < deadline, "a process goes on without its supervisor"
            await asyncio.sleep(0.1)


async def test_a_process_that_stands_still_for_a_while_is_not_replaced(tmp_path: Path) -> None:
    """As on a machine with too much to do: it would be replaced by one that has to start first."""
    async with provider() as stub:
        installation = await running(tmp_path, stub.issuer)
        workers = workers_of(installation)
        os.kill(workers[0], signal.SIGSTOP)
        try:
            await asyncio.sleep(8)  # more than uvicorn's own five seconds
        finally:
            os.kill(workers[0], signal.SIGCONT)
        await asyncio.sleep(1)
        assert workers_of(installation) == workers
        await asyncio.to_thread(installation.stop)


async def running(folder: Path, issuer: str) -> Installation:
    installation = Installation(folder, workers=2)
    await asyncio.to_thread(installation.connect, issuer, client_id=CLIENT_ID, secret=CLIENT_SECRET)
    await asyncio.to_thread(installation.publish, CAMPAIGN)
    return await asyncio.to_thread(installation.start)


def lives(process: int) -> bool:
    """Whether it is there and not only waiting to be buried."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False

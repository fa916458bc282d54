"""Kills under load, and the account afterwards."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.stub import CLIENT_ID, CLIENT_SECRET
from entracte.participation.model import Entry, Participation
from entracte.store.opened import Store
from tests.chaos.crowd import CAMPAIGN, NAME, CountingStub, Crowd, provider
from tests.installation import Installation
from tests.postgresql import PostgreSQL

Go = Callable[[Installation, random.Random, Crowd], Awaitable[None]]
LONGEST = 0.4
"""Seconds that a process lives at most, once it is ready, before it is killed."""


@dataclass(frozen=True)
class Account:
    """What came out. `faults` are sentences; there are none when all is well."""

    kills: int
    participants: int
    acknowledged: int
    seconds: float
    faults: tuple[str, ...]


async def kill_the_server(folder: Path, kills: int, seed: int, *, database_url: str = "") -> Account:
    """SIGKILL to the server's process, so many times, at random moments; more often where the machine is so slow that
    fewer people than that came meanwhile, and then it lives longer, too."""
    killed = 0

    async def go_on(installation: Installation, chance: random.Random, crowd: Crowd) -> None:
        nonlocal killed
        while killed < kills or len(crowd.participants) < kills:
            await asyncio.sleep(chance.uniform(0, LONGEST if killed < kills else 4 * LONGEST))
            installation.kill()
            killed += 1
            await asyncio.to_thread(installation.start)

    account = await _with_a_crowd(folder, kills, seed, database_url, go_on)
    return replace(account, kills=killed)


async def kill_postgresql(folder: Path, kills: int, seed: int, server: PostgreSQL) -> Account:
    """SIGKILL to PostgreSQL, all of it, so many times, at random moments."""

    async def go_on(installation: Installation, chance: random.Random, crowd: Crowd) -> None:
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.2, 4 * LONGEST))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)

    return await _with_a_crowd(folder, kills, seed, server.new_database(), go_on)


async def kill_workers(folder: Path, kills: int, seed: int, *, database_url: str = "") -> Account:
    """SIGKILL to one of two processes at a time; the other one goes on, and the supervisor starts another."""

    async def go_on(installation: Installation, chance: random.Random, crowd: Crowd) -> None:
        for _ in range(kills):
            await asyncio.to_thread(_wait_for_both, installation)
            await asyncio.sleep(chance.uniform(0.2, 1))
            os.kill(chance.choice(workers_of(installation)), signal.SIGKILL)

    return await _with_a_crowd(folder, kills, seed, database_url, go_on, workers=2)


def _wait_for_both(installation: Installation) -> None:
    """Until the one that was killed before is replaced."""
    deadline = time.monotonic() + 90
    while len(workers_of(installation)) < 2:
        assert time.monotonic() < deadline, "a process that was killed is not replaced"
        time.sleep(0.05)


def workers_of(installation: Installation) -> list[int]:
    """The processes that serve, below their supervisor. Linux alone."""
    children = Path(f"/proc/{installation.process_id}/task/{installation.process_id}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


async def _with_a_crowd(
    folder: Path, kills: int, seed: int, database_url: str, go_on: Go, *, workers: int = 1
) -> Account:
    chance, began = random.Random(seed), time.monotonic()
    async with provider() as stub:
        installation = Installation(folder, database_url=database_url, workers=workers)
        await asyncio.to_thread(_set_up, installation, stub.issuer)
        crowd = Crowd(installation, chance)
        try:
            async with crowd.at_work():
                await go_on(installation, chance, crowd)
        finally:
            installation.stop()
        kept = await asyncio.to_thread(_kept, installation, crowd)
        entries = await asyncio.to_thread(installation.work, _entries)
    faults = tuple(_faults(crowd, kept, entries, stub))
    acknowledged = sum(len(one.kept) + one.has_entered for one in crowd.participants)
    return Account(kills, len(crowd.participants), acknowledged, time.monotonic() - began, faults)


def _set_up(installation: Installation, issuer: str) -> None:
    installation.connect(issuer, client_id=CLIENT_ID, secret=CLIENT_SECRET)
    installation.publish(CAMPAIGN)
    installation.start()


def _kept(installation: Installation, crowd: Crowd) -> list[Participation | None]:
    """What the store has of each participant."""

    async def read(store: Store) -> list[Participation | None]:
        organization = installation.organization.number
        return [await store.participations.get(organization, crowd.id_of(one)) for one in crowd.participants]

    return installation.work(read)


async def _entries(store: Store) -> list[Entry]:
    published = await store.campaigns.by_name(NAME)
    assert published is not None
    return [entry async for entry in store.participations.entries(published.organization, published.number)]


def _faults(crowd: Crowd, kept: list[Participation | None], entries: list[Entry], stub: CountingStub) -> list[str]:
    """Everything that is not as it was acknowledged."""
    found = [f"a code was brought {times} times" for times in stub.brought.values() if times > 1]
    by_participation = {entry.participation: entry for entry in entries}
    if len(by_participation) != len(entries):
        found.append("a participation has two entries")
    for one, participation in zip(crowd.participants, kept, strict=True):
        if participation is None:
            found.append("a participation is lost")
            continue
        lost = [step for step, given in one.kept.items() if participation.answers.get(step) != given]
        found += [f"the answer to {step} is lost" for step in lost]
        entry = by_participation.get(participation.id)
        if one.has_entered and entry is None:
            found.append("an entry is lost")
        if entry is not None and dict(entry.answers) != dict(participation.answers):
            found.append("an entry has other answers than its participation")
    if len(entries) != len(crowd.participants):
        found.append(f"{len(crowd.participants)} participants are through, and there are {len(entries)} entries")
    return found

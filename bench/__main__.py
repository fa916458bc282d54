"""`python -m bench`: measure, print the table."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import aiohttp
import click

from bench import stub as stub_server
from bench.accounts import cpu_milliseconds, memory_mebibytes
from bench.driver import User, session, together
from bench.report import Figures, as_json, percentile, scale_table, table
from bench.systems import (
    SYSTEMS,
    Scale,
    System,
    Unavailable,
    entracte_on_postgresql,
    entracte_on_sqlite,
    stub,
)
from tests.postgresql import MissingPart

USERS = 32
MANY_USERS = 100
"""For the latencies."""


Systems = Mapping[str, Callable[[str], AbstractContextManager[System]]]


@click.command()
@click.option("--quick", is_flag=True, help="One round of the peers and of both stores: within a minute.")
@click.option("--full", is_flag=True, help="With ten million participations instead of one: some 30 GB of disk.")
@click.option("--only", multiple=True, type=click.Choice(list(SYSTEMS)), help="These systems alone, and no scales.")
@click.option("--sign-ins", default=600, show_default=True, help="Sign-ins in one round of one system.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there, too."
)
def main(quick: bool, full: bool, only: tuple[str, ...], sign_ins: int, json_file: Path | None) -> None:
    """Measure what a sign-in costs."""
    os.sched_setaffinity(0, {stub_server.CORE})
    rounds, count = (1, min(sign_ins, 300)) if quick else (3, sign_ins)
    chosen = {name: SYSTEMS[name] for name in SYSTEMS if not only or name in only}
    with stub() as issuer:
        figures = measured(chosen, issuer, rounds, count, with_latencies=not quick)
        click.echo(f"\n{count} sign-ins a round, {rounds} round(s), {USERS} users at a time.\n")
        click.echo(table(figures))
        if not quick and not only:
            for about, systems in scales(10 if full else 1):
                more = measured(systems, issuer, rounds, count, with_latencies=False)
                click.echo(f"\n{about}\n\n{scale_table(more)}")
                figures += more
    if json_file:
        json_file.write_text(json.dumps(as_json(figures), indent=2))
    if any(one.missing for one in figures):
        sys.exit(1)


def scales(millions: int) -> Iterator[tuple[str, Systems]]:
    """What should make no difference, or all the difference: the first system of each is the measure of the others."""
    filled = f"{millions} million participations"
    for name, on in (("SQLite", entracte_on_sqlite), ("PostgreSQL", entracte_on_postgresql)):
        yield (
            f"{name}, one process on one core.",
            {
                f"{name}, 10 connections": partial(on, scale=Scale(connections=10)),
                f"{name}, 10,000 connections, 10 of them busy": partial(on, scale=Scale(connections=10_000, busy=10)),
                f"{name}, 10,000 connections, all busy": partial(on, scale=Scale(connections=10_000)),
                f"{name}, {filled}": partial(on, scale=Scale(connections=10, participations=millions * 1_000_000)),
            },
        )
        yield (
            f"{name}, both cores, with the driver and the authorization server on one of them.",
            {
                f"{name}, 1 process": partial(on, scale=Scale(pinned=False)),
                f"{name}, 2 processes": partial(on, scale=Scale(workers=2, pinned=False)),
            },
        )


def measured(systems: Systems, issuer: str, rounds: int, count: int, *, with_latencies: bool) -> list[Figures]:
    """All systems, side by side; a round of each in turn, so that what the machine does besides falls on all alike."""
    figures = {name: Figures(name) for name in systems}
    with ExitStack() as stack:
        running: dict[str, System] = {}
        for name, start in systems.items():
            try:
                running[name] = stack.enter_context(start(issuer))
            except (Unavailable, MissingPart) as missing:
                figures[name].missing = str(missing)
        for number in range(rounds + 1):
            for name, system in running.items():
                what = "warm-up" if number == 0 else f"round {number} of {rounds}"
                click.echo(f"{name}: {what} …", err=True)
                asyncio.run(
                    one_round(system, figures[name] if number else Figures(name), count if number else count // 4)
                )
        for name, system in running.items():
            figures[name].memory = memory_mebibytes(system.process)
            if with_latencies:
                click.echo(f"{name}: {MANY_USERS} users at a time …", err=True)
                asyncio.run(latencies(system, figures[name], max(count, 5 * MANY_USERS)))
    return list(figures.values())


async def one_round(system: System, figures: Figures, count: int) -> None:
    """What comes before the sign-in, the sign-ins, and what comes after: each by its own account."""
    async with session(USERS) as connections:
        users = _users(connections, system, count)
        start = cpu_milliseconds(system.process)
        if system.prepare is not None:
            await together(USERS, system.prepare, users)
        before, database_before = cpu_milliseconds(system.process), _database(system)
        began = time.perf_counter()
        await together(USERS, system.sign_in, users)
        figures.rate.append(count / (time.perf_counter() - began))
        after, database_after = cpu_milliseconds(system.process), _database(system)
        figures.sign_in.append((after - before) / count)
        if system.database is not None:
            figures.database.append((database_after - database_before) / count)
        if system.finish is not None:
            await together(USERS, system.finish, users)
            figures.participation.append((cpu_milliseconds(system.process) - start) / count)


async def latencies(system: System, figures: Figures, count: int) -> None:
    """How long our requests take, without the time at the authorization server."""
    async with session(MANY_USERS) as connections:
        users = _users(connections, system, count)
        if system.prepare is not None:
            await together(MANY_USERS, system.prepare, users)
        for user in users:
            user.seconds.clear()
        await together(MANY_USERS, system.sign_in, users)
    each = [seconds * 1000 for user in users for seconds in user.seconds]
    whole = [sum(user.seconds) * 1000 for user in users]
    figures.p50, figures.p99 = percentile(each, 0.5), percentile(each, 0.99)
    figures.whole_p50, figures.whole_p99 = percentile(whole, 0.5), percentile(whole, 0.99)


def _users(connections: aiohttp.ClientSession, system: System, count: int) -> list[User]:
    """So many, spread over the campaigns."""
    names = system.campaigns
    return [User(connections, system.base, names[number % len(names)]) for number in range(count)]


def _database(system: System) -> float:
    return cpu_milliseconds(system.database) if system.database is not None else 0.0


if __name__ == "__main__":
    main()

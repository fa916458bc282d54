"""`python -m bench`: measure, print the table."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from bench import stub as stub_server
from bench.accounts import cpu_milliseconds, memory_mebibytes
from bench.driver import User, session, together
from bench.report import Figures, as_json, percentile, table
from bench.systems import SYSTEMS, System, Unavailable, stub
from tests.postgresql import MissingPart

USERS = 32
MANY_USERS = 100
"""For the latencies."""


@click.command()
@click.option("--quick", is_flag=True, help="One round, without the latencies at 100 users: within a minute.")
@click.option("--only", multiple=True, type=click.Choice(list(SYSTEMS)), help="These systems alone.")
@click.option("--sign-ins", default=600, show_default=True, help="Sign-ins in one round of one system.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there, too."
)
def main(quick: bool, only: tuple[str, ...], sign_ins: int, json_file: Path | None) -> None:
    """Measure what a sign-in costs."""
    os.sched_setaffinity(0, {stub_server.CORE})
    rounds, count = (1, min(sign_ins, 300)) if quick else (3, sign_ins)
    names = [name for name in SYSTEMS if not only or name in only]
    with stub() as issuer:
        figures = measured(names, issuer, rounds, count, with_latencies=not quick)
    click.echo(f"\n{count} sign-ins a round, {rounds} round(s), {USERS} users at a time.\n")
    click.echo(table(figures))
    if json_file:
        json_file.write_text(json.dumps(as_json(figures), indent=2))
    if any(one.missing for one in figures):
        sys.exit(1)


def measured(names: Sequence[str], issuer: str, rounds: int, count: int, *, with_latencies: bool) -> list[Figures]:
    """All systems, side by side; a round of each in turn, so that what the machine does besides falls on all alike."""
    figures = {name: Figures(name) for name in names}
    with ExitStack() as stack:
        running: dict[str, System] = {}
        for name in names:
            try:
                running[name] = stack.enter_context(SYSTEMS[name](issuer))
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
        users = [User(connections, system.base) for _ in range(count)]
        start = cpu_milliseconds(system.process)
        if system.prepare is not None:
            await together(USERS, system.prepare, users)
        before, database_before = cpu_milliseconds(system.process), _database(system)
        await together(USERS, system.sign_in, users)
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
        users = [User(connections, system.base) for _ in range(count)]
        if system.prepare is not None:
            await together(MANY_USERS, system.prepare, users)
        for user in users:
            user.seconds.clear()
        await together(MANY_USERS, system.sign_in, users)
    each = [seconds * 1000 for user in users for seconds in user.seconds]
    whole = [sum(user.seconds) * 1000 for user in users]
    figures.p50, figures.p99 = percentile(each, 0.5), percentile(each, 0.99)
    figures.whole_p50, figures.whole_p99 = percentile(whole, 0.5), percentile(whole, 0.99)


def _database(system: System) -> float:
    return cpu_milliseconds(system.database) if system.database is not None else 0.0


if __name__ == "__main__":
    main()

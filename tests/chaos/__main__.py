"""The long run: `make chaos N=1000`."""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

import click

from tests.chaos.kills import Account, kill_postgresql, kill_the_server
from tests.postgresql import PostgreSQL


def main(kills: int) -> int:
    """How it went, as an exit status."""
    seed = random.randrange(2**32)
    click.echo(f"seed {seed}")
    server = PostgreSQL()
    try:
        server.start()
        with (
            tempfile.TemporaryDirectory() as one,
            tempfile.TemporaryDirectory() as two,
            tempfile.TemporaryDirectory() as three,
        ):
            accounts = {
                "SQLite": asyncio.run(kill_the_server(Path(one), kills, seed)),
                "PostgreSQL": asyncio.run(
                    kill_the_server(Path(two), kills, seed + 1, database_url=server.new_database())
                ),
                "PostgreSQL itself": asyncio.run(kill_postgresql(Path(three), max(1, kills // 10), seed + 2, server)),
            }
    finally:
        server.close()
    for name, account in accounts.items():
        click.echo(said(name, account))
    return 1 if any(account.faults for account in accounts.values()) else 0


def said(name: str, account: Account) -> str:
    """One line, and one for each fault."""
    head = (
        f"{name}: {account.kills} kills in {account.seconds:.0f} s, {account.participants} participants, "
        f"{account.acknowledged} acknowledged, {len(account.faults)} faults"
    )
    return "\n  ".join([head, *account.faults])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))

"""`entracte keys`: the server's keys."""

import click

from entracte.cli.commands import main
from entracte.protocol.seal import encode
from entracte.values import entropy


@main.group()
def keys() -> None:
    """The server's keys."""


@keys.command("new")
@click.option("--number", default=1, type=click.IntRange(0, 255), show_default=True, help="The key's number.")
def keys_new(number: int) -> None:
    """Make a key for ENTRACTE_SECRET_KEYS. Put a new one first; keep the old ones behind it."""
    click.echo(f"{number}:{encode(entropy(32))}")

"""`entracte migrate`."""

import click

from entracte.cli.commands import main
from entracte.settings import read_settings
from entracte.store.schema import migrate as migrate_store


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    before, after = migrate_store(read_settings().database_url.get_secret_value())
    if before == after:
        click.echo(f"The schema is {after} already.")
    else:
        click.echo(f"The schema went from {before or 'nothing'} to {after}.")

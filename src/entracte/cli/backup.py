"""`entracte backup`: a copy of a SQLite database while it is in use, and the way back. And a check that a database, of
either kind, is whole and opens under the keys that are set."""

import asyncio
from pathlib import Path

import click

from entracte.cli.commands import main
from entracte.cli.sealed import open_everything
from entracte.errors import Kind, LocalError, Problem
from entracte.settings import Settings, read_settings
from entracte.store.backup import check_file, copy_database, database_file, read_only
from entracte.store.opened import Store


@main.group()
def backup() -> None:
    """Backups. The keys are not in them: keep those elsewhere."""


@backup.command("make")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_make(file: Path) -> None:
    """Copy the SQLite database to a new file, while servers use it."""
    copy_database(_existing(database_file(_url(read_settings()))), file)
    click.echo(f"Everything that was stored before this command is in {file}.")


@backup.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def backup_restore(file: Path) -> None:
    """Put a backup in the place of the SQLite database, which must not be there: stop the servers and move it away."""
    target = database_file(_url(read_settings()))
    check_file(file)
    copy_database(file, target)
    click.echo(f"Restored {target}. Run `entracte migrate` if this program is newer than the backup.")


@backup.command("check")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def backup_check(file: Path | None) -> None:
    """Check a backup, or without a file the database that is set: whole, of this version, and open to the keys."""
    settings = read_settings()
    if file is not None:
        check_file(file)
    store = read_only(file) if file is not None else Store.open(_url(settings))
    asyncio.run(_check(store, settings))


async def _check(store: Store, settings: Settings) -> None:
    store.check_schema()
    await store.start()
    try:
        found = await open_everything(store, settings.seal_keys())
    finally:
        await store.stop()
    if found.closed:
        message = f"The keys do not open {', '.join(found.closed)}."
        hint = "Set the keys of the time of the backup."
        raise LocalError(Problem(Kind.NOT_ALLOWED, "backup_sealed", message, hint, "ENTRACTE_SECRET_KEYS"))
    click.echo(f"The database is whole, and the keys open all of it ({found.opening}).")


def _url(settings: Settings) -> str:
    return settings.database_url.get_secret_value()


def _existing(file: Path) -> Path:
    if file.exists():
        return file
    raise LocalError(
        Problem(Kind.NOT_FOUND, "database_missing", "There is no such database.", where="ENTRACTE_DATABASE_URL")
    )

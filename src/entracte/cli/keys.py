"""`entracte keys`: the server's keys, and what the database keeps sealed under them.

To rotate: `rotate` puts a new key first, a restart takes it up, `reseal` seals anew what is in the database, and at
last `drop` takes the old key away. The old key opens everything until then.
"""

import os
import tempfile
from pathlib import Path

import click

from entracte.cli.commands import main, with_store
from entracte.cli.sealed import numbers_in_use, reseal_everything
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.seal import encode
from entracte.settings import Settings, read_settings
from entracte.store.opened import Store
from entracte.values import entropy

file_option = click.option(
    "--file",
    envvar="ENTRACTE_SECRET_KEYS_FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that holds the keys. Without one the new value is printed.",
)


@main.group()
def keys() -> None:
    """The server's keys."""


@keys.command("new")
@click.option("--number", default=1, type=click.IntRange(0, 255), show_default=True, help="The key's number.")
def keys_new(number: int) -> None:
    """Make a key for ENTRACTE_SECRET_KEYS. Put a new one first; keep the old ones behind it."""
    click.echo(_new_key(number))


@keys.command("rotate")
@file_option
@click.option("--behind", is_flag=True, help="Put the new key behind the first: it opens, and does not seal yet.")
@click.option("--first", type=click.IntRange(0, 255), help="Make no key; put the one of this number first.")
def keys_rotate(file: Path | None, behind: bool, first: int | None) -> None:
    """Put a new key first, and keep the old ones behind it. Then restart the servers.

    Where servers restart one after the other, use --behind, restart them all, then --first, and restart them again: no
    server meets what it can not open.
    """
    items = _items(file)
    if first is None:
        number = _unused(items)
        items.insert(1 if behind else 0, _new_key(number))
        done = f"Made the key {number}" + ("; it does not seal yet." if behind else "; it seals from now on.")
    else:
        items.insert(0, items.pop(_place(items, first)))
        done = f"The key {first} seals from now on."
    _keep(file, items)
    click.echo(f"{done} Restart the servers.", err=True)


@keys.command("list")
def keys_list() -> None:
    """Say which keys are set, and how much in the database is sealed with each."""

    async def work(store: Store, settings: Settings) -> None:
        used, set_keys = await numbers_in_use(store), settings.seal_keys()
        for number in [*set_keys.by_number, *sorted(set(used) - set(set_keys.by_number))]:
            role = "seals" if number == set_keys.newest else "opens" if number in set_keys.by_number else "MISSING"
            click.echo(f"{number}\t{role}\t{used.get(number, 0)} in the database")

    with_store(work)


@keys.command("reseal")
def keys_reseal() -> None:
    """Seal anew, with the newest key, what the database keeps sealed with older ones. Can run while servers do, once
    all of them know the newest key."""

    async def work(store: Store, settings: Settings) -> None:
        done = await reseal_everything(store, settings.seal_keys())
        counts = f"{done.organizations} organizations, {done.connections} connections, {done.sessions} sessions"
        click.echo(f"Sealed anew: {counts}.")

    with_store(work)


@keys.command("drop")
@click.argument("number", type=click.IntRange(0, 255))
@file_option
def keys_drop(number: int, file: Path | None) -> None:
    """Take an old key away, if nothing in the database is sealed with it. Then restart the servers.

    Browsers that still hold a participation sealed with it begin anew: wait for 30 days after the last server began to
    seal with another key, or for the end of the campaigns.
    """

    async def work(store: Store, settings: Settings) -> None:
        items = _items(file)
        place = _place(items, number)
        if place == 0:
            message = f"The key {number} is the one that seals."
            raise LocalError(Problem(Kind.CONFLICT, "key_newest", message, "Make a newer one with `keys rotate`."))
        count = (await numbers_in_use(store)).get(number, 0)
        if count:
            message = f"{count} in the database are still sealed with the key {number}."
            raise LocalError(Problem(Kind.CONFLICT, "key_in_use", message, "Run `entracte keys reseal`."))
        del items[place]
        _keep(file, items)
        click.echo(f"Dropped the key {number}. Restart the servers.", err=True)

    with_store(work)


def _new_key(number: int) -> str:
    return f"{number}:{encode(entropy(32))}"


def _items(file: Path | None) -> list[str]:
    """The keys as they are written, after the check that the server makes at its start."""
    try:
        given = {"secret_keys": file.read_text(encoding="utf-8").strip()} if file else {}
    except OSError as error:
        raise _unusable(file, error) from None
    text = read_settings(**given).secret_keys.get_secret_value()
    return [item.strip() for item in text.split(",") if item.strip()]


def _number(item: str) -> int:
    return int(item.partition(":")[0])


def _unused(items: list[str]) -> int:
    """The next number after the newest that none of the keys has."""
    taken = {_number(item) for item in items}
    following = ((_number(items[0]) + step) % 256 for step in range(1, 257))
    number = next((number for number in following if number not in taken), None)
    if number is None:
        message = "All 256 numbers of keys are taken."
        raise LocalError(Problem(Kind.CONFLICT, "keys_full", message, "Drop old ones with `entracte keys drop`."))
    return number


def _place(items: list[str], number: int) -> int:
    places = [place for place, item in enumerate(items) if _number(item) == number]
    if not places:
        raise LocalError(Problem(Kind.NOT_FOUND, "key_unknown", f"There is no key {number}.", "See `keys list`."))
    return places[0]


def _keep(file: Path | None, items: list[str]) -> None:
    text = ",".join(items)
    if file is None:
        click.echo(text)
        return
    try:
        _replace(file.resolve(), f"{text}\n")
    except OSError as error:
        raise _unusable(file, error) from None


def _replace(file: Path, text: str) -> None:
    """All or nothing, also in a power cut: who reads the file sees the keys before or the keys after. Mode 0600; the
    owner stays who it was."""
    owner = file.stat()
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            stream.flush()
            os.fsync(descriptor)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unusable(file: Path | None, error: OSError) -> LocalError:
    message = f"The file of keys can not be read or written: {error.strerror}."
    return LocalError(Problem(Kind.BAD_INPUT, "keys_file_unusable", message, where=str(file)))

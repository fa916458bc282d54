"""A copy of a SQLite database, made while servers write to it, and the way back. PostgreSQL has its own programs."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import ArgumentError

from entracte.errors import Kind, LocalError, Problem
from entracte.store.commits import Commits
from entracte.store.opened import Store


def database_file(url: str) -> Path:
    """The file of the SQLite database at `url`. LocalError `backup_not_here` for any other."""
    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
            return Path(str(address.database))
    except ArgumentError:
        pass
    message, hint = "This command is for SQLite.", "PostgreSQL: use pg_dump and pg_restore, as the documentation says."
    raise LocalError(Problem(Kind.BAD_INPUT, "backup_not_here", message, hint, "ENTRACTE_DATABASE_URL"))


def copy_database(source: Path, target: Path) -> None:
    """Copy everything that was committed when the copy began, from one snapshot: writers go on meanwhile.

    The copy is one file of mode 0600, on the disk when this returns; it gets its name only when it is complete. An
    existing file is never touched. LocalError `backup_file_exists`, `backup_source_unusable` or `backup_failed`.
    """
    partial = target.with_name(f"{target.name}.partial")
    left_behind = [target, target.with_name(f"{target.name}-wal"), target.with_name(f"{target.name}-shm"), partial]
    for path in left_behind:
        if path.exists():
            raise _exists(path)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _copy(source, partial)
            _sync(partial)
            os.link(partial, target)  # unlike a renaming, it never puts itself in the place of another
        finally:
            partial.unlink()
        _sync(target.parent)
    except FileExistsError:
        raise _exists(target) from None
    except (OSError, sqlite3.Error) as error:
        raise _failed("backup_failed", "The copy could not be made", error, target) from None


def check_file(file: Path) -> None:
    """Read all of a SQLite file: its pages, indexes and references. LocalError `backup_damaged` or
    `backup_source_unusable`. The file is not written to."""
    try:
        with closing(_open(file)) as connection:
            said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise _failed("backup_source_unusable", "This is no database that can be read", error, file) from None
    if said != ["ok"] or orphans is not None:
        message, hint = "The database is damaged.", "Take another backup."
        raise LocalError(Problem(Kind.BAD_INPUT, "backup_damaged", message, hint, str(file)))


def read_only(file: Path) -> Store:
    """The store in a SQLite file that nobody writes to: to look, not to change."""
    return Store(engine := create_engine("sqlite+pysqlite://", creator=lambda: _open(file)), Commits(engine))


def _open(file: Path, mode: str = "ro") -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, check_same_thread=False)


def _copy(source: Path, target: Path) -> None:
    with closing(_open(source)) as reading, closing(_open(target, "rw")) as writing:
        reading.backup(writing)  # all pages in one step: one snapshot, and in WAL mode no writer waits for it
        writing.execute("PRAGMA journal_mode=DELETE").close()  # one file, without companions


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(path: Path) -> LocalError:
    message, hint = "There is such a file already.", "Nothing is overwritten: choose another name or move it away."
    return LocalError(Problem(Kind.CONFLICT, "backup_file_exists", message, hint, str(path)))


def _failed(code: str, message: str, error: OSError | sqlite3.Error, path: Path) -> LocalError:
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    with suppress(AttributeError):
        reason = error.sqlite_errorname  # type: ignore[union-attr]
    return LocalError(Problem(Kind.UNAVAILABLE, code, f"{message}: {reason}.", where=str(path)))

"""Opening a database so that a commit is on the disk when it returns."""

import json
import sqlite3
from functools import partial
from threading import Lock

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, StaticPool

from entracte.errors import Kind, LocalError, Problem

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
BUSY_SECONDS = 10
"""How long a SQLite writer waits for another process's transaction."""
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # NORMAL would not sync at commit in WAL mode: a power cut could take back what was answered.
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",  # on macOS a plain fsync stops at the drive's cache; elsewhere this does nothing
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
)
LIMITS = ("SET lock_timeout = '10s'", "SET statement_timeout = '30s'")
"""So that one stuck row can not hold every writer of a PostgreSQL process for ever."""

_dumps = partial(json.dumps, separators=(",", ":"), allow_nan=False)


def open_engine(url: str, *, connections: int = 5, patient: bool = False) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (memory) or `postgresql://…`; `postgres://` is the same.

    Nothing is connected yet. `connections` is the most that it holds; `patient` lifts the time limits (migrations).
    LocalError `database_url_unknown` for any other address; the address itself is never shown.
    """
    address = _address(url)
    if address.get_backend_name() == "postgresql":
        return _postgresql(address, connections, patient)
    return _sqlite(address, connections)


def is_memory(engine: Engine) -> bool:
    """Whether this is the one connection of a SQLite database in memory."""
    return isinstance(engine.pool, StaticPool)


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read, each from one snapshot."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(sqlite_begin="BEGIN")


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        return address.set(drivername=DRIVERS[address.drivername])
    except (ArgumentError, KeyError, ValueError):
        problem = Problem(
            Kind.BAD_INPUT,
            "database_url_unknown",
            "The address of the database is not one that is known here.",
            "Write sqlite:///path or postgresql://user:password@host/name.",
            "ENTRACTE_DATABASE_URL",
        )
    raise LocalError(problem)


def _postgresql(address: URL, connections: int, patient: bool) -> Engine:
    engine = create_engine(
        address,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,
        json_serializer=_dumps,
        connect_args={"connect_timeout": 10, "application_name": "entracte"} | dict(address.query),
    )
    if not patient:
        event.listen(engine, "connect", _limit)
    return engine


def _limit(connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
    for statement in LIMITS:
        connection.execute(statement)
    connection.commit()


def _sqlite(address: URL, connections: int) -> Engine:
    if address.database in (None, "", ":memory:"):
        engine = create_engine(
            address,
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            hide_parameters=True,
            json_serializer=_dumps,
        )
        _one_at_a_time(engine)
    else:
        engine = create_engine(
            address,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
            hide_parameters=True,
            json_serializer=_dumps,
        )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and only before some statements: it is told to leave them to `_begin`.
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    # A writer takes the write lock at once: a reader that becomes a writer half-way fails without any waiting.
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE"))


def _one_at_a_time(engine: Engine) -> None:
    """In memory there is one connection, and so one transaction, for all threads."""
    lock = Lock()

    def take(connection: sqlite3.Connection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        lock.acquire()

    def give(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        lock.release()

    event.listen(engine, "checkout", take)
    event.listen(engine, "checkin", give)

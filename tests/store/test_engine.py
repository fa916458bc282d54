"""Opening a database: what makes a commit durable, and what stays unsaid."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from entracte.errors import LocalError
from entracte.store.engine import is_memory, open_engine, reading
from tests.postgresql import PostgreSQL


def pragmas(url: str) -> dict[str, object]:
    engine = open_engine(url)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    engine.dispose()
    return found


def test_sqlite_syncs_at_every_commit(tmp_path: Path) -> None:
    durable = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert pragmas(f"sqlite:///{tmp_path}/x") == durable


def test_sqlite_takes_the_write_lock_at_once_and_readers_do_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x"
    engine, other = open_engine(url), sqlite3.connect(tmp_path / "x", timeout=0, isolation_level=None)
    try:
        with reading(engine).connect() as connection:
            connection.execute(text("SELECT count(*) FROM sqlite_master"))
            other.execute("BEGIN IMMEDIATE").close()
            other.execute("ROLLBACK").close()
        with engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM sqlite_master"))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
    finally:
        other.close()
        engine.dispose()


def test_sqlite_undoes_tables_too(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_opened_under_each_of_its_names(postgresql: PostgreSQL, scheme: str) -> None:
    address = postgresql.new_database().partition("://")[2]
    engine = open_engine(f"{scheme}://{address}")
    with engine.connect() as connection:
        for name, value in (
            ("synchronous_commit", "on"),
            ("lock_timeout", "10s"),
            ("statement_timeout", "30s"),
            ("application_name", "entracte"),
            ("transaction_isolation", "read committed"),
        ):
            assert connection.execute(text(f"SHOW {name}")).scalar() == value
    with reading(engine).connect() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "on"
    with engine.connect() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "off"
    engine.dispose()
    patient = open_engine(f"{scheme}://{address}", patient=True)
    with patient.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
    patient.dispose()


@pytest.mark.parametrize("url", ["", "mysql://alice:geheim@host/x", "geheim", "postgresql://a:geheim@host:port/x"])
def test_another_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(LocalError) as raised:
        open_engine(url)
    assert raised.value.problem.code == "database_url_unknown"
    assert "geheim" not in str(raised.value)
    assert raised.value.__context__ is None


def test_memory_is_one_database_for_all_threads() -> None:
    engine = open_engine("sqlite://")
    assert is_memory(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
    engine.dispose()


def test_errors_hold_no_parameters(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x")
    with engine.connect() as connection, pytest.raises(OperationalError) as raised:
        connection.execute(text("SELECT :value FROM nothing"), {"value": "geheim"})
    assert "geheim" not in str(raised.value)
    engine.dispose()

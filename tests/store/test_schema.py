"""Migrations and the check of them, on both databases."""

import logging
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, Text, inspect, text

from entracte.errors import Kind, LocalError
from entracte.store import schema
from entracte.store.engine import open_engine
from entracte.store.tables import METADATA, KeyText


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    opened = open_engine(empty_url)
    yield opened
    opened.dispose()


def problem_of(engine: Engine) -> tuple[Kind, str, str]:
    with pytest.raises(LocalError) as raised:
        schema.check(engine)
    return raised.value.problem.kind, raised.value.problem.code, raised.value.problem.hint


def be_at(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def collations(connection: Connection) -> set[tuple[str, str]]:
    statement = text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND collation_name = 'C' AND table_name <> 'alembic_version'"
    )
    return {(row[0], row[1]) for row in connection.execute(statement)}


def test_the_migrations_make_the_tables(empty_url: str, engine: Engine) -> None:
    assert schema.migrate(empty_url) == (None, "0006")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": METADATA}
        )
        assert compare_metadata(context, METADATA) == []


def test_the_migrations_make_what_a_comparison_does_not_see(empty_url: str, engine: Engine) -> None:
    """Names, keys and deletion of references, partial indexes, collations: as if `tables` had made them."""
    schema.migrate(empty_url)
    with engine.connect() as connection:
        migrated = _seen(connection)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        made = _seen(connection)
    assert migrated == made


def test_every_key_begins_with_the_organization_but_those_of_directories() -> None:
    directories = {"allocation", "organization", "member_address", "campaign_address", "token_address"}
    for name in set(METADATA.tables) - directories:
        assert next(iter(METADATA.tables[name].primary_key.columns)).name == "organization"


def test_text_in_keys_is_compared_by_its_bytes_on_postgresql() -> None:
    for table in METADATA.tables.values():
        for column in table.primary_key.columns:
            assert column.type is KeyText or not isinstance(column.type, Text)


def _seen(connection: Connection) -> dict[str, tuple[object, ...]]:
    inspector = inspect(connection)
    is_postgresql = connection.dialect.name == "postgresql"
    sensitive = collations(connection) if is_postgresql else set()
    assert bool(sensitive) == is_postgresql
    sql = "SELECT indexdef FROM pg_indexes WHERE tablename = :name ORDER BY 1"
    if not is_postgresql:
        sql = "SELECT sql FROM sqlite_master WHERE tbl_name = :name AND type = 'index' ORDER BY name"
    return {
        name: (
            inspector.get_pk_constraint(name),
            sorted(map(repr, inspector.get_foreign_keys(name))),
            sorted(map(repr, inspector.get_unique_constraints(name))),
            connection.execute(text(sql), {"name": name}).scalars().all(),
            sorted(column for table, column in sensitive if table == name),
            inspector.get_table_options(name) if not is_postgresql else None,
        )
        for name in METADATA.tables
    }


def test_migrating_again_does_nothing(empty_url: str, engine: Engine) -> None:
    schema.migrate(empty_url)
    assert schema.migrate(empty_url) == ("0006", "0006")
    schema.check(engine)


def test_a_database_without_tables_is_said_to_be_one(engine: Engine) -> None:
    assert problem_of(engine) == (Kind.UNAVAILABLE, "schema_missing", "Run `entracte migrate`.")


def test_newer_tables_are_left_alone(empty_url: str, engine: Engine) -> None:
    schema.migrate(empty_url)
    be_at(engine, "9999")
    assert problem_of(engine)[1] == "schema_newer"
    with pytest.raises(LocalError) as raised:
        schema.migrate(empty_url)
    assert raised.value.problem.code == "schema_newer"
    be_at(engine, "0006")
    schema.check(engine)


def test_older_tables_are_said_to_be_older(empty_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    schema.migrate(empty_url)
    monkeypatch.setattr(schema, "_head", lambda: "0007")
    assert problem_of(engine) == (Kind.UNAVAILABLE, "schema_older", "Run `entracte migrate`.")


def test_a_migration_that_fails_leaves_nothing(empty_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE event (other INTEGER)"))  # in the way of the last one
    with pytest.raises(LocalError) as raised:
        schema.migrate(empty_url)
    assert raised.value.problem.code == "store_unavailable"
    assert raised.value.__context__ is None
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["event"]


def test_an_old_database_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST", {"sqlite": (99,), "postgresql": (99,)})
    assert problem_of(engine)[1] == "database_too_old"


def test_a_database_that_is_not_there_is_unavailable() -> None:
    for url in ("sqlite:////nowhere/at/all.sqlite3", "postgresql://alice:geheim@127.0.0.1:1/x"):
        with pytest.raises(LocalError) as raised:
            schema.migrate(url)
        assert raised.value.problem.code == "store_unavailable"
        assert not any(word in str(raised.value) for word in ("nowhere", "geheim", "alice", "127.0.0.1"))


def test_migrations_configure_no_log_and_print_nothing(empty_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = (logging.root.level, list(logging.root.handlers), logging.getLogger("alembic").handlers[:])
    schema.migrate(empty_url)
    assert capfd.readouterr() == ("", "")
    assert before == (logging.root.level, list(logging.root.handlers), logging.getLogger("alembic").handlers[:])

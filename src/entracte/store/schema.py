"""Whether a database has the tables of this version, and how it gets them."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from entracte.errors import Kind, LocalError, Problem
from entracte.store.engine import open_engine
from entracte.store.failures import unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
OLDEST = {"sqlite": (3, 35), "postgresql": (15,)}
"""Of the databases: SQLite has RETURNING since 3.35; PostgreSQL is tested from 15 on."""
MIGRATION_LOCK = 0x656E7472616374
"""One number for all our processes: "entract" in ASCII."""

_HINTS = {
    "schema_missing": ("The database has no tables of this program yet.", "Run `entracte migrate`."),
    "schema_older": ("The tables of the database are older than this program.", "Run `entracte migrate`."),
    "schema_newer": (
        "The tables of the database are newer than this program.",
        "Start the newer version of the program; tables do not go back.",
    ),
}


def migrate(url: str) -> tuple[str | None, str]:
    """Bring the database at `url` to this version's tables: the revision before (None: there was none) and after.

    All of it in one transaction, and one process at a time; the others wait. LocalError `schema_newer`,
    `database_too_old` or `store_unavailable`; then nothing has changed.
    """
    engine = open_engine(url, connections=1, patient=True)
    try:
        return migrate_engine(engine)
    finally:
        engine.dispose()


def migrate_engine(engine: Engine) -> tuple[str | None, str]:
    """`migrate`, for a database that is open."""
    problem: LocalError | None = None
    try:
        with engine.begin() as connection:
            return _migrate(connection)
    except SQLAlchemyError as error:
        problem = unavailable(error)
    raise problem


def check(engine: Engine) -> None:
    """LocalError `schema_missing`, `schema_older`, `schema_newer`, `database_too_old` or `store_unavailable`."""
    code = ""
    problem: LocalError | None = None
    try:
        with engine.connect() as connection:
            _refuse_old_database(connection)
            code = _difference(_revision(connection))
    except SQLAlchemyError as error:
        problem = unavailable(error)
    if problem is not None:
        raise problem
    if code:
        raise _mismatch(code)


def _migrate(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":  # SQLite has locked by BEGIN IMMEDIATE
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    _refuse_old_database(connection)
    before = _revision(connection)
    if _difference(before) == "schema_newer":
        raise _mismatch("schema_newer")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, _head()


def _refuse_old_database(connection: Connection) -> None:
    oldest = OLDEST[connection.dialect.name]
    if (connection.dialect.server_version_info or ()) < oldest:
        needed = ".".join(str(part) for part in oldest)
        raise LocalError(
            Problem(
                Kind.UNAVAILABLE,
                "database_too_old",
                f"This program needs {connection.dialect.name} {needed} or newer.",
                where="ENTRACTE_DATABASE_URL",
            )
        )


def _difference(revision: str | None) -> str:
    if revision is None:
        return "schema_missing"
    if revision == _head():
        return ""
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return "schema_older" if revision in known else "schema_newer"


def _mismatch(code: str) -> LocalError:
    message, hint = _HINTS[code]
    return LocalError(Problem(Kind.UNAVAILABLE, code, message, hint, "ENTRACTE_DATABASE_URL"))


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the migrations are a part of the package"  # noqa: S101
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

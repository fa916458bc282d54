"""The one place that knows which database it speaks to: what `INSERT … ON CONFLICT` is called."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from entracte.store.prepared import Prepared

Insert = sqlite.Insert | postgresql.Insert
INSERTS: dict[str, Callable[[Table], Insert]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Upsert:
    """One statement around an INSERT, built once for each database and then only executed.

    SQLAlchemy remembers a compiled statement by its parts; a statement that is built anew for each call costs more than
    the database does.
    """

    def __init__(self, table: Table, build: Callable[[Any], Any] = lambda insert: insert) -> None:
        self._statements = {name: build(insert(table)) for name, insert in INSERTS.items()}

    def of(self, connection: Connection) -> Any:
        """The statement for this connection's database."""
        return self._statements[connection.dialect.name]

    def prepared(self) -> Prepared:
        """For the hot path."""
        return Prepared(self.of)


def or_nothing(insert: Any) -> Any:
    """A row that is there already stays as it is."""
    return insert.on_conflict_do_nothing()

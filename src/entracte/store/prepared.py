"""The statements of the hot path: written as SQLAlchemy's, compiled once for each database, run on the driver's cursor.

SQLAlchemy's own execution costs more here than the database does, and most of it is the same for each call: finding
the compiled statement, making a context, a result, its rows. What must not differ is taken from SQLAlchemy: the text,
how each value is bound and read, and the class of an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError

Values = Mapping[str, Any]
Row = dict[str, Any]
Convert = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement for one database. `binds` are its parameters: name, what turns a value into the driver's, and the
    value that stands in the statement itself; in the order of the text where it has no names."""

    text: str
    by_position: bool
    binds: tuple[tuple[str, Convert, Any], ...]
    columns: tuple[tuple[str, Convert], ...]

    def parameters(self, values: Values) -> Sequence[Any] | dict[str, Any]:
        bound = [
            value if convert is None else convert(value)
            for convert, value in ((convert, values.get(name, given)) for name, convert, given in self.binds)
        ]
        if self.by_position:
            return bound
        return {name: value for (name, _, _), value in zip(self.binds, bound, strict=True)}

    def row(self, raw: Sequence[Any]) -> Row:
        return {
            name: value if convert is None else convert(value)
            for (name, convert), value in zip(self.columns, raw, strict=True)
        }


class Prepared:
    """A statement that is run often. `build` makes it for a database's dialect."""

    def __init__(self, build: Callable[[Connection], Any]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def change(self, connection: Connection, values: Values) -> int:
        """Run it; how many rows it changed."""
        return int(self._run(connection, values, lambda compiled, cursor: cursor.rowcount))

    def first(self, connection: Connection, values: Values) -> Row | None:
        """Run it; the first row."""

        def read(compiled: _Compiled, cursor: Any) -> Row | None:
            raw = cursor.fetchone()
            return compiled.row(raw) if raw is not None else None

        found: Row | None = self._run(connection, values, read)
        return found

    def rows(self, connection: Connection, values: Values) -> list[Row]:
        """Run it; all rows."""
        found: list[Row] = self._run(
            connection, values, lambda compiled, cursor: [compiled.row(raw) for raw in cursor.fetchall()]
        )
        return found

    def _run(self, connection: Connection, values: Values, read: Callable[[_Compiled, Any], Any]) -> Any:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._build(connection), dialect)
        if not connection.in_transaction():
            connection.begin()
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.text, compiled.parameters(values))
            return read(compiled, cursor)
        except dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy_says(error, connection, cursor, compiled) from None
        finally:
            cursor.close()


def _compile(statement: Executable, dialect: Dialect) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    constants = compiled.params
    names = compiled.positiontup if compiled.positional else list(constants)
    by_name = {compiled.bind_names[parameter]: parameter for parameter in compiled.bind_names}
    binds = tuple((name, _binding(by_name[name], dialect), constants[name]) for name in names)
    columns = tuple((column.name, _reading(column, dialect)) for column in _columns(statement))
    return _Compiled(str(compiled), bool(compiled.positional), binds, columns)


def _columns(statement: Any) -> Sequence[Any]:
    """What the rows have, in their order; nothing where there are no rows."""
    return list(statement.exported_columns)


def _binding(parameter: Any, dialect: Dialect) -> Convert:
    convert: Convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _reading(column: Any, dialect: Dialect) -> Convert:
    convert: Convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return convert


def _as_sqlalchemy_says(error: Any, connection: Connection, cursor: Any, compiled: _Compiled) -> BaseException:
    """The same exception that SQLAlchemy would have raised, without the values of the statement."""
    dialect = connection.dialect
    is_gone = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
    said: BaseException = DBAPIError.instance(
        compiled.text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_gone,
        dialect=dialect,
    )
    if is_gone:
        connection.invalidate(error)
    return said

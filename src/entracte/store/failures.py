"""What a database can say, in our words. Its own words hold statements and values, so they go no further."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from entracte.errors import EntracteError, Kind, LocalError, Problem

ROLLED_BACK = frozenset({"40001", "40P01"})
"""SQLSTATE of a transaction that PostgreSQL itself undid: serialization failure, deadlock (its manual, appendix A)."""


def busy() -> LocalError:
    """More waits already than the store takes."""
    return LocalError(
        Problem(Kind.UNAVAILABLE, "store_busy", "The store takes no more just now.", "Try again in a moment.")
    )


def slow() -> LocalError:
    """The caller has waited long enough. What it asked for may still be done."""
    return LocalError(
        Problem(
            Kind.UNAVAILABLE,
            "store_slow",
            "The database does not answer in time.",
            "Whether this change is kept is not known; try again.",
        )
    )


def unavailable(error: BaseException) -> LocalError:
    """A database's error without its text: the class and the SQLSTATE alone."""
    named = " ".join(part for part in (_class(error), _state(error)) if part)
    return LocalError(
        Problem(
            Kind.UNAVAILABLE,
            "store_unavailable",
            "The database did not do what it was asked to.",
            f"It said {named}. Nothing of this change is known to be kept; try again.",
        )
    )


def explained(error: BaseException) -> BaseException:
    """What the caller gets for `error`. No database's exception hangs on it."""
    if isinstance(error, SQLAlchemyError):
        return unavailable(error)
    if isinstance(error, EntracteError):
        error.__context__ = None
    return error


def was_rolled_back(error: BaseException) -> bool:
    """Whether the database undid the whole transaction, so that running it again is right."""
    return isinstance(error, DBAPIError) and _state(error) in ROLLED_BACK


def was_cut_off(error: BaseException) -> bool:
    """Whether the connection to the database is gone. Before a commit was asked for, nothing was kept."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _class(error: BaseException) -> str:
    return type(error.orig if isinstance(error, DBAPIError) and error.orig else error).__name__


def _state(error: BaseException) -> str:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state if isinstance(state, str) else ""

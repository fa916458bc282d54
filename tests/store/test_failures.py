"""What a database's error becomes."""

import psycopg.errors
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from entracte.errors import Kind, LocalError, Problem
from entracte.store.failures import busy, explained, unavailable, was_cut_off, was_rolled_back


def wrapped(error: Exception, cut_off: bool = False) -> DBAPIError:
    return OperationalError("SELECT geheim", {"x": "geheim"}, error, connection_invalidated=cut_off)


def test_the_class_and_the_sqlstate_are_all_that_is_told() -> None:
    error = unavailable(wrapped(psycopg.errors.DeadlockDetected("geheim")))
    assert error.problem.kind is Kind.UNAVAILABLE
    assert "DeadlockDetected 40P01" in str(error)
    assert "geheim" not in str(error)
    assert "TimeoutError" in str(unavailable(PoolTimeout("geheim")))


def test_only_what_the_database_undid_is_run_again() -> None:
    assert was_rolled_back(wrapped(psycopg.errors.DeadlockDetected()))
    assert was_rolled_back(wrapped(psycopg.errors.SerializationFailure()))
    assert not was_rolled_back(wrapped(psycopg.errors.UniqueViolation()))
    assert not was_rolled_back(psycopg.errors.DeadlockDetected())
    assert was_cut_off(wrapped(psycopg.OperationalError(), cut_off=True))
    assert not was_cut_off(wrapped(psycopg.OperationalError()))
    assert not was_cut_off(LocalError(Problem(Kind.GONE, "gone", "Gone.")))


def test_our_own_errors_stay_and_lose_what_hangs_on_them() -> None:
    own = LocalError(Problem(Kind.CONFLICT, "taken", "Taken."))
    own.__context__ = wrapped(ValueError("geheim"))
    assert explained(own) is own
    assert own.__context__ is None
    mistake = KeyError("ours")
    assert explained(mistake) is mistake
    assert busy().problem.code == "store_busy"

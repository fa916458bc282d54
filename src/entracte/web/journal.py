"""The structured log. Values here are codes, counts and names of ours: never a token, code, state, key, address with a
query, or anything that a person typed."""

import logging
import traceback

import structlog

LONGEST = 200
"""Characters of what a library says."""


def journal() -> structlog.stdlib.BoundLogger:
    """The logger of the web room."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("entracte")
    return logger


def place_of(error: BaseException) -> str:
    """File and line where an exception began: the class and the place are for us, its text may hold what was typed."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""


class OfLibraries(logging.Handler):
    """Puts what libraries say into our log. Of an exception it takes class and place, and of a message the first line:
    what stands behind it shows the values that were at hand."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            error = record.exc_info[1] if record.exc_info else None
            about = {"error": type(error).__name__, "where": place_of(error)} if error is not None else {}
            said = record.getMessage().partition("\n")[0][:LONGEST]
            write = journal().error if record.levelno >= logging.ERROR else journal().warning
            write("library", logger=record.name, message=said, **about)
        except Exception:
            self.handleError(record)

"""The structured log. Values here are codes, counts and names of ours: never a token, code, state, key, address with a
query, or anything that a person typed."""

import logging
import sys
import threading
import traceback
import warnings
from typing import TextIO

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


def journal_libraries() -> None:
    """Have everything that libraries, threads and the interpreter say from now on in our log. Libraries speak only from
    warnings up."""
    logging.basicConfig(level=logging.WARNING, handlers=[OfLibraries()])
    warnings.showwarning = _warned
    threading.excepthook = _thread_failed
    sys.unraisablehook = _nobody_to_tell


class OfLibraries(logging.Handler):
    """Puts what libraries log into ours. Of an exception it takes class and place. Of a message it takes the first line
    without what is put into it, up to a parenthesis: from there on it shows the values that were at hand."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            error = record.exc_info[1] if record.exc_info else None
            if isinstance(record.msg, BaseException):
                error = record.msg
            said = record.msg.partition("\n")[0].partition("(")[0].strip() if isinstance(record.msg, str) else ""
            write = journal().error if record.levelno >= logging.ERROR else journal().warning
            write("library", logger=record.name, message=said[:LONGEST], **_about(error))
        except Exception:
            self.handleError(record)


def _about(error: BaseException | None) -> dict[str, str]:
    return {"error": type(error).__name__, "where": place_of(error)} if error is not None else {}


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    place = f"{filename.rpartition('/')[2]}:{lineno}"
    journal().warning("library", logger="warnings", message="", error=category.__name__, where=place)


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    if not issubclass(args.exc_type, SystemExit):  # that is how a thread may end
        journal().error("library", logger="threading", message="A thread ended", **_about(args.exc_value))


def _nobody_to_tell(args: "sys.UnraisableHookArgs") -> None:
    journal().error("library", logger="interpreter", message="An exception was ignored", **_about(args.exc_value))

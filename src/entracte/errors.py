"""What can go wrong, and whose fault it was.

`LocalError`: the caller asked for something that can not be done (bad input, not there, not allowed).
`RemoteError`: another server (the brand's) answered wrongly or not at all. Both carry a `Problem`
with a stable `code`; `kind` is what `web/problems.py` maps to an HTTP status. Anything else that is
raised is a mistake of ours and is shown to nobody.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """The handful of kinds of problem; each has one HTTP status, in `web/problems.py`."""

    BAD_INPUT = "bad_input"
    UNKNOWN_CALLER = "unknown_caller"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    METHOD = "method"
    CONFLICT = "conflict"
    CHANGED = "changed"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    REUSED = "reused"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, said so that the person who has it can mend it.

    `code` is stable and documented; `message` says what happened; `hint` says what to do; `where`
    names the place (a line and path of a file, a form field, a setting), empty when there is none.
    None of them ever holds a token, a code, a state or a personal value.
    """

    kind: Kind
    code: str
    message: str
    hint: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint} [{self.code}]"


class EntracteError(Exception):
    """Everything this program raises on purpose. It holds at least one problem."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @property
    def problem(self) -> Problem:
        return self.problems[0]


class LocalError(EntracteError):
    """The fault is on our side of the wire: input, permission, configuration."""


class RemoteError(EntracteError):
    """The fault is the other server's: it refused, broke the protocol, or did not answer."""

"""The way of one sign-in through a browser: what it was given when it was sent, what it shows when it comes back, and
where that leads."""

from dataclasses import dataclass, field
from enum import Enum

from entracte.participation.keys import Ticket
from entracte.participation.model import Attempt, Participation
from entracte.participation.take_part import Playing
from entracte.protocol.state import StateContent
from entracte.values import AttemptNumber

ATTEMPT_COOKIE = "attempt"
POPUP_COOKIE = "popup"
RETURN_HANDLE = "return"


@dataclass(frozen=True, slots=True)
class Sent:
    """The browser may go. `ticket` proves the top window of a framed sign-in when it comes back."""

    url: str = field(repr=False)
    attempt: AttemptNumber
    ticket: str = field(repr=False)


class Back(Enum):
    """Where a return leads."""

    SIGNED_IN = "signed_in"
    MISHAP = "mishap"
    IN_PROGRESS = "in_progress"
    OTHER_BROWSER = "other_browser"


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of a return. `playing` is None when the browser could not be proven; `handle` is set when a frame
    has to claim the outcome."""

    back: Back
    playing: Playing | None = None
    handle: str = field(default="", repr=False)
    embed_page: str = ""
    popup: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What this browser showed: the participation of its key, or the ticket of its attempt cookie."""

    playing: Playing | None = None
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Trip:
    """A return whose browser was proven. With a `ticket` the profile waits for whoever holds the participation key."""

    playing: Playing
    attempt: Attempt
    ticket: Ticket | None

    @property
    def participation(self) -> Participation:
        return self.playing.participation


def attempt_of(participation: Participation, content: StateContent, code: str) -> Attempt:
    """The attempt that a state names."""
    return Attempt(
        participation.organization,
        participation.campaign,
        participation.id,
        content.attempt,
        content.connection,
        code,
        sent_at=content.issued_at,
    )


def is_of(ticket: Ticket, content: StateContent) -> bool:
    """Whether a ticket is that of the attempt that a state names."""
    return (ticket.participation, ticket.attempt, ticket.issued_at) == (
        content.participation,
        content.attempt,
        content.issued_at,
    )

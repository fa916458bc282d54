"""What happened, for the statistics: never who. Nothing in this file can hold a person.

An event is counted once per participation, kind and step, however often a page is reloaded.
"""

from dataclasses import dataclass
from enum import StrEnum

from entracte.values import CampaignNumber, OrganizationNumber, ParticipationId


class EventKind(StrEnum):
    STARTED = "started"
    ANSWERED = "answered"
    SIGN_IN_SHOWN = "sign_in_shown"
    SIGN_IN_SENT = "sign_in_sent"
    SIGN_IN_RETURNED = "sign_in_returned"
    SIGNED_OUT = "signed_out"
    GUEST = "guest"
    FORM_SHOWN = "form_shown"
    ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a participation reached. `step` is the key of a step, empty where the kind says it all;
    `at` is in epoch seconds."""

    organization: OrganizationNumber
    campaign: CampaignNumber
    participation: ParticipationId
    kind: EventKind
    at: int
    step: str = ""


class Outcome(StrEnum):
    """Of a sign-in attempt. For a participation: of its latest attempt, but `SIGNED_IN` stays once reached."""

    SENT = "sent"
    RETURNED = "returned"
    """Consumed: came back, and is being redeemed."""
    SIGNED_IN = "signed_in"
    CANCELLED = "cancelled"
    FAILED = "failed"


class ValueOutcome(StrEnum):
    """What became of a form value."""

    KEPT = "kept"
    EDITED = "edited"
    TYPED = "typed"
    BLANK = "blank"

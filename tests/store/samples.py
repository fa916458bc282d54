"""People and things that the tests of the store keep."""

from uuid import UUID, uuid4

from entracte.participation.events import Event, EventKind, ValueOutcome
from entracte.participation.model import Attempt, Entry, Participation, Profile
from entracte.values import (
    AttemptNumber,
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
)

CAMPAIGN = CampaignNumber(2**32 - 1)
CONNECTION = ConnectionNumber(2**24 - 1)
START = 1_800_000_000
AWKWARD = "Zoë \u0000 \u202e👩🏽‍🎤 'quoted\" \\u0000 %s :name ?"
"""Text that drivers, JSON and SQL stumble over."""
SEALED_PERSON_KEY = "AQ-sealed-elsewhere_"
"""The store keeps what it is given; it opens nothing."""


def a_participation(organization: OrganizationNumber, **given: object) -> Participation:
    values: dict[str, object] = {
        "organization": organization,
        "campaign": CAMPAIGN,
        "id": ParticipationId(uuid4()),
        "language": "en",
        "started_at": START,
    }
    return Participation(**(values | given))  # type: ignore[arg-type]


def an_event(participation: Participation, kind: EventKind, step: str = "", at: int = START) -> Event:
    return Event(participation.organization, participation.campaign, participation.id, kind, at, step)


def an_attempt(participation: Participation, number: int = 1, **given: object) -> Attempt:
    values: dict[str, object] = {
        "organization": participation.organization,
        "campaign": participation.campaign,
        "participation": participation.id,
        "number": AttemptNumber(number),
        "connection": CONNECTION,
        "short_code": "K7M-2QX",
        "sent_at": START + 10,
    }
    return Attempt(**(values | given))  # type: ignore[arg-type]


def a_profile(person: bytes = b"\x00\xff person", **attributes: object) -> Profile:
    known = {"email": "alice@example.com", "first_name": AWKWARD, "news": True, "phone": None, **attributes}
    return Profile(known, frozenset({"email", "phone"}), "alice@example.com", person)  # type: ignore[arg-type]


def an_entry(participation: Participation, **given: object) -> Entry:
    values: dict[str, object] = {
        "organization": participation.organization,
        "campaign": participation.campaign,
        "participation": participation.id,
        "entered_at": START + 60,
        "language": "en",
        "signed_in": True,
        "person": b"\x00\xff person",
        "answers": {"color": "red", "why": AWKWARD, "passed": None, "several": ["b", "a"]},
        "values": {"z_last": "1", "email": "alice@example.com", "news": False, "note": AWKWARD},
        "outcomes": {"email": ValueOutcome.KEPT, "note": ValueOutcome.TYPED, "news": ValueOutcome.BLANK},
    }
    return Entry(**(values | given))  # type: ignore[arg-type]


def numbered(number: int) -> ParticipationId:
    """An id whose place among others is known."""
    return ParticipationId(UUID(int=number))

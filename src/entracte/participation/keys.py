"""What the browser holds: sealed texts that name a participation or an attempt, and open without a database.

The participation key proves the browser: it travels in a cookie, or, in a campaign framed by the brand's page, in
the addresses of the frame, because browsers refuse cookies there. Each sign-in begins a new generation of it.
"""

import struct
from dataclasses import dataclass
from uuid import UUID

from entracte.protocol.errors import Refused
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import AttemptNumber, CampaignNumber, ParticipationId

HANDLE_AGE = 300
"""Seconds in which the frame must claim what the top window brought."""

_KEY = struct.Struct(">I16sH")
_TICKET = struct.Struct(">16sII")


@dataclass(frozen=True, slots=True)
class ParticipationKey:
    """What a participation key says. Its generation is compared with the participation's before it opens anything."""

    campaign: CampaignNumber
    participation: ParticipationId
    generation: int


def seal_key(key: ParticipationKey, keys: SealKeys) -> str:
    return seal(_KEY.pack(key.campaign, key.participation.bytes, key.generation), "participation v1", keys)


def open_key(text: str, keys: SealKeys) -> ParticipationKey | None:
    """The key, or None when it is not one of ours."""
    content = _content(text, "participation v1", keys, _KEY.size)
    if content is None:
        return None
    campaign, participation, generation = _KEY.unpack(content)
    return ParticipationKey(CampaignNumber(campaign), ParticipationId(UUID(bytes=participation)), generation)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Names one attempt. As the attempt cookie it proves the top window that began a framed sign-in; as the return
    handle it lets the frame claim what came of it, together with the frame's own key: neither half is enough."""

    participation: ParticipationId
    attempt: AttemptNumber
    issued_at: int
    popup: bool = False
    """Whether the window is a pop-up, which hands over and closes. Not sealed with it: the purpose says it."""


def seal_ticket(ticket: Ticket, purpose: str, keys: SealKeys) -> str:
    packed = _TICKET.pack(ticket.participation.bytes, ticket.attempt, ticket.issued_at)
    return seal(packed, f"{purpose} v1", keys)


def open_ticket(text: str, purpose: str, keys: SealKeys) -> Ticket | None:
    """The ticket, or None when it is not one of ours for this purpose. The caller checks its age."""
    content = _content(text, f"{purpose} v1", keys, _TICKET.size)
    if content is None:
        return None
    participation, attempt, issued_at = _TICKET.unpack(content)
    return Ticket(ParticipationId(UUID(bytes=participation)), AttemptNumber(attempt), issued_at)


def _content(text: str, purpose: str, keys: SealKeys, size: int) -> bytes | None:
    if len(text) > 200:
        return None
    try:
        content = open_sealed(text, purpose, keys)
    except Refused:
        return None
    return content if len(content) == size else None

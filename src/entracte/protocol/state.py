"""The `state` of an authorization request (RFC 6749 section 4.1.1): 64 characters that recover the session.

Authorization servers in the wild cut the state at 128, 250, 256 or 500 characters, so ours is 64:
one byte key number and AES-SIV (16 bytes tag) over 31 bytes. It needs no write before the redirect
and no read before it opened. Nonce and PKCE verifier are derived from it under the server's key with
labels of their own, so nothing is stored and nothing that the browser holds tells them.

A state that opens is not yet a sign-in: the campaign still proves the browser and consumes the
attempt once (RFC 9700 section 2.1).
"""

import struct
from dataclasses import dataclass, field
from uuid import UUID

from entracte.protocol.errors import Reason, refuse
from entracte.protocol.seal import SealKeys, derive, encode, open_sealed, seal
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, ParticipationId

PURPOSE = "state v1"
LENGTH = 64
MAXIMUM_AGE = 600
"""Seconds that a sign-in may take: RFC 9700 section 4.7 wants short-lived; ten minutes lets a person register."""
CLOCK_SKEW = 60
"""Seconds that two of our own servers may disagree."""

_LAYOUT = struct.Struct(">I3s16sII")


@dataclass(frozen=True, slots=True)
class StateContent:
    """What a state holds. `issued_at` is in seconds since the epoch."""

    campaign: CampaignNumber
    connection: ConnectionNumber
    participation: ParticipationId
    attempt: AttemptNumber
    issued_at: int


@dataclass(frozen=True, slots=True)
class OpenedState:
    """A state that opened and is in time. Made only by `open_state`."""

    content: StateContent
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


def seal_state(content: StateContent, keys: SealKeys) -> str:
    """The `state` parameter: always `LENGTH` characters."""
    packed = _LAYOUT.pack(
        content.campaign,
        content.connection.to_bytes(3, "big"),
        content.participation.bytes,
        content.attempt,
        content.issued_at,
    )
    return seal(packed, PURPOSE, keys)


def open_state(text: str, keys: SealKeys, now: int, maximum_age: int = MAXIMUM_AGE) -> OpenedState:
    """Open what came back. `now` and `maximum_age` in seconds.

    Refuses `STATE_MISSING`, `STATE_INVALID`, `STATE_UNKNOWN_KEY`, `STATE_EXPIRED`, `STATE_FROM_FUTURE`.
    """
    content = read_state_in_time(text, keys, now, maximum_age)
    return OpenedState(content, nonce=nonce(text, keys), code_verifier=code_verifier(text, keys))


def read_state_in_time(text: str, keys: SealKeys, now: int, maximum_age: int = MAXIMUM_AGE) -> StateContent:
    """What a state holds that is in time: enough to pass it on. Refuses as `open_state` does."""
    content = read_state(text, keys)
    if content.issued_at > now + CLOCK_SKEW:
        raise refuse(Reason.STATE_FROM_FUTURE)
    if now - content.issued_at > maximum_age:
        raise refuse(Reason.STATE_EXPIRED)
    return content


def read_state(text: str, keys: SealKeys) -> StateContent:
    """What a state holds, however old it is: enough to show the way back, never to sign in."""
    if not text:
        raise refuse(Reason.STATE_MISSING)
    if len(text) != LENGTH:
        raise refuse(Reason.STATE_INVALID)
    campaign, connection, participation, attempt, issued_at = _LAYOUT.unpack(open_sealed(text, PURPOSE, keys))
    return StateContent(
        CampaignNumber(campaign),
        ConnectionNumber(int.from_bytes(connection, "big")),
        ParticipationId(UUID(bytes=participation)),
        AttemptNumber(attempt),
        issued_at,
    )


def nonce(state: str, keys: SealKeys) -> str:
    """The `nonce` of this state's attempt: 128 bits (OpenID Connect Core section 15.5.2)."""
    return encode(derive(state, "nonce", keys)[:16])


def code_verifier(state: str, keys: SealKeys) -> str:
    """The PKCE `code_verifier` of this state's attempt: 43 characters (RFC 7636 section 4.1)."""
    return encode(derive(state, "code_verifier", keys))

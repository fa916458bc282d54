"""The sessions at authorization servers that participations were signed in by, and the Protocol of what keeps them.

They are there for one thing: to sign out. A connection that never does keeps none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from entracte.connections.provider_sessions import (
    ID_TOKEN,
    SESSION_STATE,
    ProviderSession,
    opened_for,
    sealed_for,
)
from entracte.protocol.logout import ReplayKey
from entracte.protocol.seal import SealKeys, decode
from entracte.values import (
    AttemptNumber,
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
)

KEPT_SECONDS = 30 * 86_400
"""As long as a browser can resume the participation."""

Place = tuple[ParticipationId, AttemptNumber]
"""Where a session stands in its organization."""


@dataclass(frozen=True, slots=True)
class KeptSession:
    """The session of one sign-in. `person` and `session` are keyed hashes, of issuer and subject, and of issuer and
    `sid`; the sealed texts open only with the server's keys and the organization's number."""

    organization: OrganizationNumber
    campaign: CampaignNumber
    participation: ParticipationId
    attempt: AttemptNumber
    connection: ConnectionNumber
    signed_in_at: int
    person: bytes = field(repr=False)
    session: bytes | None = field(default=None, repr=False)
    sealed_id_token: str | None = field(default=None, repr=False)
    sealed_session_state: str | None = field(default=None, repr=False)

    @property
    def place(self) -> Place:
        return self.participation, self.attempt


@dataclass(frozen=True, slots=True)
class Logout:
    """A logout that the server told: of one session, of all sessions of a person, or of a session of that person.
    Raises ValueError when it names neither: it would be of everybody."""

    organization: OrganizationNumber
    connection: ConnectionNumber
    session: bytes | None = field(default=None, repr=False)
    person: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.session is None and self.person is None:
            raise ValueError("a logout names a session or a person")


@dataclass(frozen=True, slots=True)
class Left:
    """An identity that has left a participation: the generation of its next key, and the session it came with."""

    generation: int
    session: KeptSession | None


class ProviderSessions(Protocol):
    """What keeps sessions. Each change is one transaction, and durable when it returns.

    An identity leaves a participation with all that is personal there: profile, person, the profile that a frame has
    not claimed, and what was typed into the form. Answers, outcome and entry stay; the next generation of the key
    begins, with the previous one still open."""

    async def current(
        self, organization: OrganizationNumber, participation: ParticipationId, person: bytes
    ) -> KeptSession | None:
        """The latest session of this person in this participation."""
        ...

    async def leave(
        self, organization: OrganizationNumber, participation: ParticipationId, person: bytes, at: int
    ) -> Left | None:
        """Take this person's identity out of one participation; None when it is not there (any more)."""
        ...

    async def end(self, logout: Logout, at: int, replay: ReplayKey | None = None) -> int | None:
        """Take the identity out of every participation that the logout is of, and forget their sessions; how many
        sessions there were. With `replay`, once for each logout token: None for one that was seen before."""
        ...

    async def after(self, organization: OrganizationNumber, place: Place | None, limit: int) -> Sequence[KeptSession]:
        """The next sessions of an organization, by their place."""
        ...

    async def reseal(self, before: KeptSession, after: KeptSession) -> bool:
        """Put other sealed texts in the place of those. False when they have changed, or gone."""
        ...


def with_told(of: KeptSession, told: ProviderSession, keys: SealKeys) -> KeptSession:
    """The session of a sign-in with what the sign-in told of it."""
    return replace(
        of,
        session=told.session,
        sealed_id_token=sealed_for(ID_TOKEN, told.id_token, of.organization, keys),
        sealed_session_state=sealed_for(SESSION_STATE, told.session_state, of.organization, keys),
    )


def is_sealed_otherwise(kept: KeptSession, keys: SealKeys) -> bool:
    """Whether an older key of ours sealed it."""
    texts = (kept.sealed_id_token, kept.sealed_session_state)
    return any(decode(text)[0] != keys.newest for text in texts if text is not None)


def resealed(kept: KeptSession, keys: SealKeys) -> KeptSession:
    """The same, sealed under the newest of our keys. Refuses as `open_sealed` does when one does not open."""

    def again(what: str, sealed: str | None) -> str | None:
        return sealed_for(what, opened_for(what, sealed, kept.organization, keys), kept.organization, keys)

    return replace(
        kept,
        sealed_id_token=again(ID_TOKEN, kept.sealed_id_token),
        sealed_session_state=again(SESSION_STATE, kept.sealed_session_state),
    )

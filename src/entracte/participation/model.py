"""A participation, its sign-in attempts, its entry, and the Protocol of what keeps them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from entracte.participation.events import Event, Outcome, ValueOutcome
from entracte.participation.provider_sessions import KeptSession
from entracte.values import (
    AttemptNumber,
    CampaignNumber,
    ConnectionNumber,
    Json,
    OrganizationNumber,
    ParticipationId,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the authorization server told, after the claim map. Tokens are gone by now.

    `account` is what the participant knows the account by (an e-mail address or a name); `person` is a keyed hash
    of issuer and subject, the only trace of the subject that is kept; `verified` names the attributes that the
    provider vouched for in the same document.
    """

    attributes: Mapping[str, Json] = field(repr=False)
    verified: frozenset[str]
    account: str = field(repr=False)
    person: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Participation:
    """One participant's way through one campaign.

    `generation` counts the keys that the browser has held: it grows at each sign-in, so that a key from before
    the login opens nothing that came with it. `previous_key_open` is true until the new key has been seen once, because
    the answer that carried it may have been lost. `embed_page` is the brand's page that frames the campaign, or empty.
    """

    organization: OrganizationNumber
    campaign: CampaignNumber
    id: ParticipationId
    language: str
    started_at: int
    embed_page: str = ""
    generation: int = 0
    previous_key_open: bool = False
    guest: bool = False
    sign_in_outcome: Outcome | None = None
    profile: Profile | None = field(default=None, repr=False)
    draft: Mapping[str, Json] = field(default_factory=dict, repr=False)
    """Form values that were typed and not yet accepted."""
    entered_at: int | None = None
    answers: Mapping[str, Json] = field(default_factory=dict, repr=False)
    """By step key: a choice key, a list of them, a text, or null for a step that was only passed."""


OPEN_ATTEMPTS = 7
"""How many sign-ins of one participation may be under way: with one more, the oldest can not come back any more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One trip to the authorization server. Times in epoch seconds; `reason` is a code of `protocol.errors`."""

    organization: OrganizationNumber
    campaign: CampaignNumber
    participation: ParticipationId
    number: AttemptNumber
    connection: ConnectionNumber
    short_code: str
    sent_at: int
    consumed_at: int | None = None
    finished_at: int | None = None
    outcome: Outcome = Outcome.SENT
    reason: str = ""
    evidence: str = ""
    held_profile: Profile | None = field(default=None, repr=False)
    """In an embedded campaign: the profile until the frame that began the sign-in claims it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The submitted form with the answers. `person` is empty for a guest."""

    organization: OrganizationNumber
    campaign: CampaignNumber
    participation: ParticipationId
    entered_at: int
    language: str
    signed_in: bool
    person: bytes = field(repr=False)
    answers: Mapping[str, Json] = field(repr=False)
    values: Mapping[str, Json] = field(repr=False)
    outcomes: Mapping[str, ValueOutcome]


class Participations(Protocol):
    """What keeps participations, attempts and entries.

    Every method that changes something returns when the change is durable, in one transaction with its events; the
    store may share that commit with others. No method is called while a request to another server is under way inside
    it. `events` may repeat: an event is kept once per participation, kind and step.
    """

    async def start(self, participation: Participation, events: Sequence[Event]) -> None: ...

    async def get(self, organization: OrganizationNumber, participation: ParticipationId) -> Participation | None:
        """With its answers."""
        ...

    async def keep_answer(
        self,
        organization: OrganizationNumber,
        participation: ParticipationId,
        step: str,
        answer: Json,
        at: int,
        events: Sequence[Event],
    ) -> bool:
        """Insert or replace one answer. False, and nothing kept, when the participation has entered already."""
        ...

    async def keep_draft(
        self, organization: OrganizationNumber, participation: ParticipationId, draft: Mapping[str, Json]
    ) -> None: ...

    async def set_language(
        self, organization: OrganizationNumber, participation: ParticipationId, language: str
    ) -> None: ...

    async def take_part_as_guest(
        self, organization: OrganizationNumber, participation: ParticipationId, events: Sequence[Event]
    ) -> bool:
        """Sets `guest` and forgets a profile that was there. False, and nothing kept, after the entry."""
        ...

    async def note(self, events: Sequence[Event]) -> None:
        """Keep events that go with no other change (a page that was shown)."""
        ...

    async def form_was_shown(
        self,
        organization: OrganizationNumber,
        participation: ParticipationId,
        generation: int,
        events: Sequence[Event],
    ) -> None:
        """The new key was seen: closes the previous key when `generation` is the current one."""
        ...

    async def attempt_was_sent(self, attempt: Attempt, events: Sequence[Event]) -> None:
        """Keeps the attempt, and `SENT` as the participation's outcome unless it is `SIGNED_IN`."""
        ...

    async def consume_attempt(self, attempt: Attempt, at: int, events: Sequence[Event]) -> bool:
        """Compare-and-set: True for exactly one caller per attempt, ever. Works also when `attempt_was_sent` was
        never kept (the state needs no write before the redirect). Sets `consumed_at` and the outcome `RETURNED`. False,
        and nothing set, too when `OPEN_ATTEMPTS` of the participation were begun after it."""
        ...

    async def finish_attempt(self, attempt: Attempt) -> None:
        """Keeps outcome, reason, evidence, finished_at of a cancelled or failed attempt; the participation's outcome
        follows unless it is `SIGNED_IN`."""
        ...

    async def sign_in(self, attempt: Attempt, profile: Profile, session: KeptSession | None = None) -> int:
        """One transaction: finish the attempt as `SIGNED_IN`, put the profile on the participation, take back `guest`,
        and begin the next generation, with the previous key still open. Returns the new generation. The session takes
        the place of those before; without one nothing more is asked of the database."""
        ...

    async def hold_profile(self, attempt: Attempt, profile: Profile, session: KeptSession | None = None) -> None:
        """In an embedded campaign: finish the attempt as `SIGNED_IN` and keep the profile on it, for the frame. The
        session stands beside the one before, which is in force until the frame claims."""
        ...

    async def claim_profile(
        self, organization: OrganizationNumber, participation: ParticipationId, number: AttemptNumber
    ) -> int | None:
        """Move a held profile to its participation, once: what `sign_in` does to a participation. The new generation,
        or None when there was nothing to claim."""
        ...

    async def attempt(
        self, organization: OrganizationNumber, participation: ParticipationId, number: AttemptNumber
    ) -> Attempt | None: ...

    async def latest_attempt(
        self, organization: OrganizationNumber, participation: ParticipationId
    ) -> Attempt | None: ...

    async def enter(self, entry: Entry, events: Sequence[Event]) -> bool:
        """Keep the entry, once per participation; empties the draft. False when there is one already. Its answers are
        those that are kept at that moment: one from another tab, acknowledged meanwhile, is among them."""
        ...

    async def latest_entries(
        self, organization: OrganizationNumber, campaign: CampaignNumber, limit: int
    ) -> list[Entry]: ...

    def entries(self, organization: OrganizationNumber, campaign: CampaignNumber) -> AsyncIterator[Entry]:
        """All of them, oldest first, in pages of bounded size."""
        ...

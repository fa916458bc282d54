"""What the store counts, and the Protocol of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from entracte.participation.events import EventKind, Outcome
from entracte.values import CampaignNumber, OrganizationNumber


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one campaign, read in one transaction.

    `reached`: participations by event kind and step key. `outcomes`: participations that were sent to the login, by
    the outcome of their sign-in (`participation.sign_in_outcome`) and, where it is `FAILED`, the reason code of the
    latest attempt (empty otherwise); their sum is `reached[(SIGN_IN_SENT, "")]`. `started_since`: started at or after
    the `since` asked for. `people`: distinct persons with an entry. `median_sign_in_seconds`: sent to finished, of
    attempts that signed in.
    """

    reached: Mapping[tuple[EventKind, str], int]
    outcomes: Mapping[tuple[Outcome, str], int]
    started_since: int
    entries: int
    people: int
    median_sign_in_seconds: int | None


class Tallies(Protocol):
    """What counts."""

    async def counts(self, organization: OrganizationNumber, campaign: CampaignNumber, since: int) -> Counts: ...
    async def counts_of_each(
        self, organization: OrganizationNumber, campaigns: Sequence[CampaignNumber], since: int
    ) -> list[Counts]:
        """In the order of the campaigns, all read in one transaction. It is one piece of work, so that a long list
        leaves room for what participants wait for."""

"""`/participations`: how far people came, without what they wrote: that is in the entries."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from entracte.campaigns.manage import named
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.tokens import Scope
from entracte.participation.events import Outcome
from entracte.participation.model import Participation
from entracte.participation.records import ParticipationFilter
from entracte.values import ParticipationId
from entracte.web.api.access import Access, needs
from entracte.web.api.attempts import ShownAttempt, shown_attempts
from entracte.web.api.operation import resource
from entracte.web.api.shown import (
    Before,
    Cursor,
    Limit,
    ListOf,
    PageOf,
    Since,
    asked,
    epoch,
    instant,
    instant_or_none,
    page_of,
)

router = resource("participations")

Reading = Annotated[Access, needs(Scope.PARTICIPATIONS_READ)]
Entered = Annotated[bool | None, Query(description="Only those with an entry, or only those without.")]
SignInOutcome = Annotated[Outcome | None, Query(description="Only those whose sign-in stands so.")]


class ShownParticipation(BaseModel):
    """One participant's way through one campaign."""

    id: UUID
    language: str
    started_at: datetime
    answered: tuple[str, ...] = Field(
        description="The keys of the steps that were answered or passed, in alphabetical order."
    )
    guest: bool = Field(description="Goes on without an account.")
    outcome: Outcome | None = Field(description="Of the sign-in; null when there was none.")
    entered_at: datetime | None


@router.get("/campaigns/{name}/participations")
async def list_participations(
    name: str,
    access: Reading,
    response: Response,
    since: Since = None,
    before: Before = None,
    entered: Entered = None,
    outcome: SignInOutcome = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> PageOf[ShownParticipation]:
    """The participations of a campaign, by their start, oldest first. `since` and `before` are about the start."""
    services = access.services
    campaign = await named(services.campaigns, access.organization, name)
    given = {"since": since, "before": before, "entered": entered, "outcome": outcome}
    wanted = asked(campaign, "participations", given, cursor, limit, access)
    chosen = ParticipationFilter(epoch(since), epoch(before), entered, outcome)
    page = await services.records.participations(access.organization, campaign.number, chosen, wanted.after, limit)
    return page_of(page, _shown, wanted, access, response)


@router.get("/participations/{participation}")
async def get_participation(participation: UUID, access: Reading) -> ShownParticipation:
    """One participation."""
    return _shown(await _known(participation, access))


@router.get("/participations/{participation}/attempts")
async def list_attempts(
    participation: UUID, access: Annotated[Access, needs(Scope.PARTICIPATIONS_READ, Scope.ATTEMPTS_READ)]
) -> ListOf[ShownAttempt]:
    """The sign-in attempts of a participation, the newest first."""
    kept = await _known(participation, access)
    return ListOf(
        items=await shown_attempts(await access.services.records.attempts_of(access.organization, kept.id), access)
    )


async def _known(participation: UUID, access: Access) -> Participation:
    kept = await access.services.records.participation(access.organization, ParticipationId(participation))
    if kept is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "participation_unknown", "There is no such participation."))
    return kept


def _shown(kept: Participation) -> ShownParticipation:
    return ShownParticipation(
        id=kept.id,
        language=kept.language,
        started_at=instant(kept.started_at),
        answered=tuple(sorted(kept.answers)),
        guest=kept.guest,
        outcome=kept.sign_in_outcome,
        entered_at=instant_or_none(kept.entered_at),
    )

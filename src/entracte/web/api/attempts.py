"""`/attempts`: trips to an authorization server, found by the short code that a participant reads out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from entracte.connections.sign_in import short_code_from
from entracte.organizations.tokens import Scope
from entracte.participation.events import Outcome
from entracte.participation.model import Attempt
from entracte.statistics.reasons import reason_in_words
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource
from entracte.web.api.shown import ListOf, instant, instant_or_none

router = resource("attempts")

Code = Annotated[
    str,
    Query(min_length=1, max_length=40, description="As it was read out: `K7Q-2M4`, `k7q 2m4`.", examples=["K7Q-2M4"]),
]


class ShownAttempt(BaseModel):
    """One trip to the authorization server."""

    participation: UUID
    campaign: str | None = Field(description="Its name; null when it is gone.")
    connection: str | None = Field(description="Its name; null when it is gone.")
    short_code: str
    sent_at: datetime
    returned_at: datetime | None = Field(description="When the browser came back.")
    finished_at: datetime | None
    outcome: Outcome
    reason: str = Field(description="Why it failed: a reason code, documented; empty when it did not.")
    reason_in_words: str
    evidence: str = Field(description="What was expected and what came; never a token or a personal value.")


@router.get("/attempts")
async def find_attempts(
    short_code: Code, access: Annotated[Access, needs(Scope.ATTEMPTS_READ)]
) -> ListOf[ShownAttempt]:
    """The attempts with a short code, the newest first. Nearly always there is one."""
    code = short_code_from(short_code)
    found = await access.services.records.attempts_by_short_code(access.organization, code)
    return ListOf(items=await shown_attempts(found, access))


async def shown_attempts(attempts: Sequence[Attempt], access: Access) -> tuple[ShownAttempt, ...]:
    """Attempts with the names of their campaigns and connections."""
    if not attempts:
        return ()
    services = access.services
    campaigns = {one.number: one.name for one in await services.campaigns.of(access.organization)}
    connections = {one.number: one.config.name for one in await services.connections.of(access.organization)}
    return tuple(
        ShownAttempt(
            participation=one.participation,
            campaign=campaigns.get(one.campaign),
            connection=connections.get(one.connection),
            short_code=one.short_code,
            sent_at=instant(one.sent_at),
            returned_at=instant_or_none(one.consumed_at),
            finished_at=instant_or_none(one.finished_at),
            outcome=one.outcome,
            reason=one.reason,
            reason_in_words=reason_in_words(one.reason),
            evidence=one.evidence,
        )
        for one in attempts
    )

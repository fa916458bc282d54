"""`/entries`: what people submitted. The only resource with personal values, under the scope `entries:read`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from entracte.campaigns.manage import named
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.tokens import Scope
from entracte.participation.events import ValueOutcome
from entracte.participation.model import Entry
from entracte.participation.records import EntryFilter
from entracte.values import ParticipationId
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource
from entracte.web.api.shown import (
    Before,
    Cursor,
    Limit,
    PageOf,
    Since,
    asked,
    epoch,
    instant,
    page_of,
)

router = resource("entries")

Reading = Annotated[Access, needs(Scope.ENTRIES_READ)]
Language = Annotated[str | None, Query(max_length=35, pattern=r"^[A-Za-z0-9-]+$", description="A language tag.")]
SignedIn = Annotated[bool | None, Query(description="Only those who signed in, or only guests.")]


class ShownEntry(BaseModel):
    """A submitted form with the answers."""

    participation: UUID
    entered_at: datetime
    language: str
    signed_in: bool
    person: str = Field(description="The same for each entry of one person; empty for a guest. Names nobody.")
    answers: dict[str, Any] = Field(description="By step: the key of a choice, a list of them, a text, or null.")
    values: dict[str, Any] = Field(description="The form, by field.")
    outcomes: dict[str, ValueOutcome] = Field(description="What became of each value of the form.")


@router.get("/campaigns/{name}/entries")
async def list_entries(
    name: str,
    access: Reading,
    response: Response,
    since: Since = None,
    before: Before = None,
    language: Language = None,
    signed_in: SignedIn = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> PageOf[ShownEntry]:
    """The entries of a campaign, oldest first. What comes meanwhile comes at the end, so no page is shifted."""
    services = access.services
    campaign = await named(services.campaigns, access.organization, name)
    given = {"since": since, "before": before, "language": language, "signed_in": signed_in}
    wanted = asked(campaign, "entries", given, cursor, limit, access)
    chosen = EntryFilter(epoch(since), epoch(before), language, signed_in)
    page = await services.records.entries(access.organization, campaign.number, chosen, wanted.after, limit)
    return page_of(page, shown, wanted, access, response)


@router.get("/entries/{participation}")
async def get_entry(participation: UUID, access: Reading) -> ShownEntry:
    """The entry of one participation."""
    kept = await access.services.records.entry(access.organization, ParticipationId(participation))
    if kept is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "entry_unknown", "There is no such entry."))
    return shown(kept)


def shown(kept: Entry) -> ShownEntry:
    return ShownEntry(
        participation=kept.participation,
        entered_at=instant(kept.entered_at),
        language=kept.language,
        signed_in=kept.signed_in,
        person=kept.person.hex(),
        answers=dict(kept.answers),
        values=dict(kept.values),
        outcomes=dict(kept.outcomes),
    )

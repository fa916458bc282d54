"""`/campaigns` and `/drafts`: what is published, and what is in work.

What is done to a campaign is a resource of it: its draft, its publications, its closing.
"""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, Field

from entracte.campaigns import drafts, manage
from entracte.campaigns.drafts import Draft, Examined
from entracte.campaigns.manage import Status
from entracte.campaigns.model import Published
from entracte.connections.manage import attributes
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.tokens import Scope
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import JSON, resource, takes
from entracte.web.api.shown import ListOf, instant, instant_or_none

router = resource("campaigns")

Reading = Annotated[Access, needs(Scope.CAMPAIGNS_READ)]
Writing = Annotated[Access, needs(Scope.CAMPAIGNS_WRITE)]
YAML = "application/yaml"
_FILE = {
    "requestBody": {
        "required": True,
        "description": "The campaign's file, as `entracte campaign check` reads it.",
        "content": {
            YAML: {"schema": {}},  # also what is no campaign yet
            JSON: {"schema": {}},
        },
    }
}


class ShownCampaign(BaseModel):
    """A published campaign."""

    name: str
    title: str = Field(description="In the campaign's first language.")
    languages: tuple[str, ...]
    address: str = Field(description="Where participants play it.")
    status: Status
    opens: date | None = Field(description="The first day, in UTC.")
    closes: date | None = Field(description="The last day, in UTC.")
    closed_at: datetime | None = Field(description="When it was closed by hand.")
    connection: str | None = Field(description="Where participants sign in.")
    version: int
    published_at: datetime


class ShownMistake(BaseModel):
    """Something wrong in a draft."""

    line: int = Field(description="Of the file.")
    path: str = Field(description="Of the value, such as `steps[2].title`.")
    code: str
    message: str
    hint: str


class DraftLine(BaseModel):
    """That there is a draft."""

    name: str
    revision: int = Field(description="How often it was saved.")
    saved_at: datetime


class ShownDraft(DraftLine):
    """A draft: the file as it was written, and what is wrong with it now."""

    text: str
    mistakes: tuple[ShownMistake, ...] = Field(description="Empty when it can be published.")


class Publication(BaseModel):
    """A version of a campaign."""

    version: int
    published_at: datetime


class Closing(BaseModel):
    """That a campaign was closed by hand."""

    closed_at: datetime


@router.get("/campaigns")
async def list_campaigns(access: Reading) -> ListOf[ShownCampaign]:
    """All published campaigns of the organization."""
    kept = await access.services.campaigns.of(access.organization)
    return ListOf(items=tuple(_shown(one, access) for one in kept))


@router.get("/campaigns/{name}")
async def get_campaign(name: str, access: Reading) -> ShownCampaign:
    """One published campaign."""
    return _shown(await _named(name, access), access)


@router.get("/drafts")
async def list_drafts(access: Reading) -> ListOf[DraftLine]:
    """All drafts of the organization."""
    kept = await access.services.drafts.of(access.organization)
    lines = (DraftLine(name=one.name, revision=one.revision, saved_at=instant(one.saved_at)) for one in kept)
    return ListOf(items=tuple(lines))


@router.get("/campaigns/{name}/draft")
async def get_draft(name: str, access: Reading, response: Response) -> ShownDraft:
    """The draft of a campaign, which need not be published yet. `ETag` changes whenever the draft does."""
    kept = await drafts.get(access.services.drafts, access.organization, name)
    return await _shown_draft(kept, access, response)


@router.put("/campaigns/{name}/draft", openapi_extra=_FILE)
@takes(YAML, JSON)
async def save_draft(name: str, request: Request, access: Writing, response: Response) -> ShownDraft:
    """Keep a file as the draft, right or wrong; the answer says what is wrong with it. With `If-Match` only when the
    draft is still the one that you read, with `If-None-Match: *` only when there is none."""
    services = access.services
    text = drafts.file_text(await request.body())
    kept = await _if_unchanged(
        drafts.save(services.drafts, access.organization, name, text, services.clock(), _expected(request))
    )
    return await _shown_draft(kept, access, response)


@router.delete("/campaigns/{name}/draft", status_code=204, response_class=Response)
async def remove_draft(name: str, request: Request, access: Writing) -> None:
    """Remove a draft; what is published stays. `If-Match` as for saving."""
    await _if_unchanged(drafts.remove(access.services.drafts, access.organization, name, _expected(request)))


@router.get("/campaigns/{name}/publications")
async def list_publications(name: str, access: Reading) -> ListOf[Publication]:
    """Every version of a campaign, the newest first."""
    versions = await manage.versions(access.services.campaigns, access.organization, name)
    lines = (Publication(version=one.number, published_at=instant(one.published_at)) for one in versions)
    return ListOf(items=tuple(lines))


@router.post("/campaigns/{name}/publications", status_code=201)
async def publish(name: str, access: Writing, response: Response) -> ShownCampaign:
    """Publish the draft. Every mistake is said at once, with nothing published; the draft stays. Participants who are
    on their way keep their answers."""
    services = access.services
    kept = await drafts.get(services.drafts, access.organization, name)
    known = await attributes(services.connections, access.organization)
    published = await drafts.publish_draft(services.campaigns, kept, known, services.clock())
    response.headers["Location"] = f"/api/v1/campaigns/{published.name}"
    return _shown(published, access)


@router.get("/campaigns/{name}/closing")
async def get_closing(name: str, access: Reading) -> Closing:
    """When the campaign was closed by hand. 404 when it was not."""
    return _closing(await _named(name, access))


@router.put("/campaigns/{name}/closing")
async def close(name: str, access: Writing) -> Closing:
    """Close a campaign now, whatever its schedule says: it takes no entries any more."""
    services = access.services
    return _closing(await manage.close(services.campaigns, access.organization, name, services.clock()))


@router.delete("/campaigns/{name}/closing", status_code=204, response_class=Response)
async def reopen(name: str, access: Writing) -> None:
    """Undo the closing by hand; the schedule holds again."""
    await manage.reopen(access.services.campaigns, access.organization, name)


async def _named(name: str, access: Access) -> Published:
    return await manage.named(access.services.campaigns, access.organization, name)


def _shown(kept: Published, access: Access) -> ShownCampaign:
    definition = kept.definition
    services = access.services
    return ShownCampaign(
        name=kept.name,
        title=definition.say(definition.title, definition.languages[0]),
        languages=tuple(definition.languages),
        address=f"{services.public_url}/c/{kept.name}",
        status=manage.status(kept, manage.day_of(services.clock())),
        opens=definition.opens,
        closes=definition.closes,
        closed_at=instant_or_none(kept.closed_at),
        connection=definition.sign_in.connection if definition.sign_in is not None else None,
        version=kept.version,
        published_at=instant(kept.published_at),
    )


async def _shown_draft(kept: Draft, access: Access, response: Response) -> ShownDraft:
    known = await attributes(access.services.connections, access.organization)
    examined = await drafts.examine(kept, known)
    response.headers["ETag"] = f'"{kept.mark}"'
    return ShownDraft(
        name=kept.name,
        revision=kept.revision,
        saved_at=instant(kept.saved_at),
        text=kept.text,
        mistakes=_mistakes(examined),
    )


def _mistakes(examined: Examined) -> tuple[ShownMistake, ...]:
    return tuple(
        ShownMistake(line=one.line, path=one.path, code=one.code, message=one.message, hint=one.hint)
        for one in examined.mistakes
    )


def _closing(kept: Published) -> Closing:
    if kept.closed_at is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "campaign_not_closed", "The campaign is not closed by hand."))
    return Closing(closed_at=instant(kept.closed_at))


def _expected(request: Request) -> drafts.Expected:
    """What the headers say of what is kept now (RFC 9110 sections 13.1.1 and 13.1.2)."""
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")

    def holds(kept: Draft | None) -> bool:
        matches = match is None or _names(match, kept)
        return matches and (none_match is None or not _names(none_match, kept))

    return holds


def _names(header: str, kept: Draft | None) -> bool:
    if kept is None:
        return False
    marks = {mark.strip().removeprefix("W/") for mark in header.split(",")}
    return "*" in marks or f'"{kept.mark}"' in marks


async def _if_unchanged(doing: Any) -> Any:
    """412 where a header asked for another draft than the one that is kept (RFC 9110 section 15.5.13)."""
    try:
        return await doing
    except drafts.DraftChanged as error:
        problem = error.problem
        raise LocalError(
            Problem(Kind.CHANGED, "campaign_draft_changed", problem.message, problem.hint, "If-Match")
        ) from None

"""`/tokens`: bearer tokens of the organization, and `/token`: the one that calls."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from entracte.organizations import tokens
from entracte.organizations.tokens import Scope, Token
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource
from entracte.web.api.shown import ListOf, instant, instant_or_none

router = resource("tokens")


class WantedToken(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1, max_length=tokens.LONGEST_NAME, description="Who uses it.", examples=["nightly export"]
    )
    scopes: tuple[Scope, ...] = Field(
        min_length=1, max_length=len(Scope), description="What it allows. None that your own token does not have."
    )
    days: int = Field(
        tokens.USUAL_DAYS, strict=True, ge=1, le=tokens.MOST_DAYS, description="After how many days it ends."
    )


class ShownToken(BaseModel):
    """A token, without its text."""

    id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    valid: bool


class MadeToken(ShownToken):
    """A token that was just made."""

    token: str = Field(description="The text that a program shows. This is the only time that you see it.")


@router.get("/token", name="get_calling_token")
async def get_calling_token(access: Annotated[Access, needs()]) -> ShownToken:
    """The token that calls: its scopes, and when it ends."""
    return _shown(access.token, access)


@router.get("/tokens")
async def list_tokens(access: Annotated[Access, needs(Scope.TOKENS_READ)]) -> ListOf[ShownToken]:
    """All tokens of the organization, the newest first. Those that ended are here for a year."""
    kept = await access.services.tokens.of(access.organization)
    return ListOf(items=tuple(_shown(token, access) for token in kept))


@router.post("/tokens", status_code=201)
async def create_token(
    wanted: WantedToken, access: Annotated[Access, needs(Scope.TOKENS_WRITE)], response: Response
) -> MadeToken:
    """Make a token. Its text is in this answer and nowhere else."""
    refused = tokens.beyond(wanted.scopes, access.token.scopes)
    if refused is not None:
        raise refused
    services = access.services
    made = await tokens.create(
        services.tokens,
        access.organization,
        wanted.name,
        wanted.scopes,
        wanted.days,
        services.clock(),
        services.entropy,
        services.new_id(),
    )
    response.headers["Location"] = f"/api/v1/tokens/{made.token.id}"
    return MadeToken(**_shown(made.token, access).model_dump(), token=made.text.reveal())


@router.get("/tokens/{token_id}")
async def get_token(token_id: UUID, access: Annotated[Access, needs(Scope.TOKENS_READ)]) -> ShownToken:
    """One token."""
    return _shown(await tokens.named(access.services.tokens, access.organization, token_id), access)


@router.delete("/tokens/{token_id}", status_code=204, response_class=Response)
async def revoke_token(token_id: UUID, access: Annotated[Access, needs(Scope.TOKENS_WRITE)]) -> None:
    """Revoke a token: from now on it opens nothing. It stays in the list. A token can revoke itself."""
    services = access.services
    await tokens.revoke(services.tokens, access.organization, token_id, services.clock())


def _shown(token: Token, access: Access) -> ShownToken:
    return ShownToken(
        id=token.id,
        name=token.name,
        scopes=tuple(sorted(token.scopes)),
        created_at=instant(token.created_at),
        expires_at=instant(token.expires_at),
        revoked_at=instant_or_none(token.revoked_at),
        valid=token.is_valid(access.services.clock()),
    )

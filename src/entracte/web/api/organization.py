"""`/organization`: the organization of the token, and its brand."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from entracte.organizations import manage
from entracte.organizations.model import Brand, Organization
from entracte.organizations.tokens import Scope
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource

router = resource("organization")


class ShownOrganization(BaseModel):
    """The organization that the token belongs to."""

    name: str
    title: str
    brand: Brand
    redirect_uri: str = Field(
        description="What to register at an authorization server, for every connection without one of its own."
    )


class ChangedOrganization(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = Field(
        None, min_length=1, max_length=manage.MAXIMUM_TITLE_LENGTH, description="What participants know it as."
    )
    brand: Brand | None = Field(None, description="The whole brand anew.")


@router.get("/organization")
async def get_organization(access: Annotated[Access, needs(Scope.ORGANIZATION_READ)]) -> ShownOrganization:
    """The organization of this token."""
    return _shown(await _own(access), access)


@router.patch("/organization")
async def change_organization(
    changed: ChangedOrganization, access: Annotated[Access, needs(Scope.ORGANIZATION_WRITE)]
) -> ShownOrganization:
    """Change the title or the brand: how the participants' pages look."""
    services = access.services
    await manage.change_look(services.organizations, await _own(access), changed.title, changed.brand)
    return _shown(await _own(access), access)


async def _own(access: Access) -> Organization:
    return await manage.numbered(access.services.organizations, access.organization)


def _shown(kept: Organization, access: Access) -> ShownOrganization:
    return ShownOrganization(
        name=kept.name, title=kept.title, brand=kept.brand, redirect_uri=access.services.redirect_uri
    )

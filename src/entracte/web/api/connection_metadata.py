"""`/connections/{name}/metadata`: what a server says of itself now; `/presets` and `/issuer-lookups`: before there is a
connection."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from entracte.connections.finding import issuer_of
from entracte.connections.metadata_memory import compare, refresh
from entracte.connections.presets import Preset, presets
from entracte.organizations.tokens import Scope
from entracte.web.api.access import Access, needs
from entracte.web.api.connections import ShownConnection, shown
from entracte.web.api.operation import resource
from entracte.web.api.shown import ListOf, instant

router = resource("connections")

Reading = Annotated[Access, needs(Scope.CONNECTIONS_READ)]
Writing = Annotated[Access, needs(Scope.CONNECTIONS_WRITE)]


class ShownDifference(BaseModel):
    """A setting that discovery says otherwise than the connection."""

    setting: str
    kept: Any
    found: Any
    needs_approval: str = Field(description="Why somebody has to approve it; empty: nobody has to.")


class ShownMetadata(BaseModel):
    """What the server says of itself."""

    fetched_at: datetime = Field(description="When the server said so: it is asked every 10 seconds at most.")
    refused: str | None = Field(description="The reason code, where the server does not answer now; else null.")
    differences: tuple[ShownDifference, ...]


class WantedRefresh(BaseModel):
    """Taking over what discovery says otherwise."""

    model_config = ConfigDict(extra="forbid")

    approve: bool = Field(False, strict=True, description="Take over what somebody has to approve, too.")
    keep: tuple[str, ...] = Field((), max_length=50, description="Settings that stay as they are.")


class WantedIssuer(BaseModel):
    """What somebody typed."""

    model_config = ConfigDict(extra="forbid")

    identifier: str = Field(max_length=1000, description="An e-mail address, an account or a host.")


class FoundIssuer(BaseModel):
    """A hint: its own metadata has to name it, too."""

    issuer: str


@router.get("/connections/{name}/metadata")
async def get_metadata(name: str, access: Reading) -> ShownMetadata:
    """Ask discovery again, and show what it says otherwise. Nothing is changed."""
    services = access.services
    compared = await compare(services.connections, access.organization, name, services.metadata)
    known = compared.known
    return ShownMetadata(
        fetched_at=instant(known.fetched_at),
        refused=known.refusal.reason.code if known.refusal else None,
        differences=tuple(
            ShownDifference(setting=one.setting, kept=one.kept, found=one.found, needs_approval=one.why)
            for one in compared.differences
        ),
    )


@router.post("/connections/{name}/metadata-refreshes", status_code=201)
async def refresh_metadata(name: str, wanted: WantedRefresh, access: Writing) -> ShownConnection:
    """Take over what discovery says otherwise: all of it or nothing. 409 where something has to be approved."""
    services = access.services
    compared = await compare(services.connections, access.organization, name, services.metadata)
    kept = await refresh(
        services.connections,
        compared,
        services.keys,
        services.insecure_allowed,
        services.clock(),
        approve=wanted.approve,
        keep=wanted.keep,
    )
    return shown(kept, access)


@router.get("/presets")
async def list_presets(access: Reading) -> ListOf[Preset]:
    """What is known of providers: the parameters to ask for, the settings that are special, and quirks."""
    return ListOf(items=tuple(presets().values()))


@router.post("/issuer-lookups")
async def look_up_issuer(wanted: WantedIssuer, access: Reading) -> FoundIssuer:
    """The issuer of an e-mail address, an account or a host (WebFinger, RFC 7033)."""
    services = access.services
    return FoundIssuer(issuer=await issuer_of(wanted.identifier, access.fetch, services.insecure_allowed))

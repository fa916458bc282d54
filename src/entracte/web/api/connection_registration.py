"""`/connections/{name}/registration`: registering ourselves at a server (RFC 7591) and minding that (RFC 7592)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from entracte.connections.client_metadata import Ourselves
from entracte.connections.model import Connection
from entracte.connections.registration import (
    Way,
    Where,
    read,
    register,
    register_kept,
    unregister,
    update,
)
from entracte.organizations.tokens import Scope
from entracte.values import Secret
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource
from entracte.web.api.shown import instant, instant_or_none

router = resource("connections")

Writing = Annotated[Access, needs(Scope.CONNECTIONS_WRITE)]
Contacts = Annotated[
    tuple[str, ...],
    Field(max_length=10, description="Whom the server's people write to.", examples=[["it@brand.example"]]),
]


class WantedRegistration(BaseModel):
    """What a registration needs beside the settings of the connection."""

    model_config = ConfigDict(extra="forbid")

    contacts: Contacts
    initial_access_token: SecretStr | None = Field(
        None,
        max_length=8000,
        description="What the server's people gave, where nobody is registered without. It is not kept.",
        json_schema_extra={"writeOnly": True},
    )
    software_statement: SecretStr | None = Field(
        None,
        max_length=32_000,
        description="A signed statement about us (RFC 7591 section 2.3), where the server's people ask for one. It is "
        "not kept.",
        json_schema_extra={"writeOnly": True},
    )
    registration_endpoint: str = Field(
        "", max_length=2048, description="For a server whose metadata names none, or one on another host."
    )

    @property
    def where(self) -> Where:
        return Where(self.registration_endpoint, _secret(self.initial_access_token), _secret(self.software_statement))


def _secret(given: SecretStr | None) -> Secret | None:
    return Secret(given.get_secret_value()) if given else None


class ChangedRegistration(BaseModel):
    """What is told anew beside the settings of the connection."""

    model_config = ConfigDict(extra="forbid")

    contacts: Contacts = Field((), description="Whom the server's people write to. Left out: those before.")


class ShownRegistration(BaseModel):
    """How we are registered; never what opens it."""

    contacts: tuple[str, ...]
    registered_at: datetime
    expires_at: datetime | None = Field(description="When the client secret that came with it ends; null: never.")
    managed: bool = Field(description="Whether the server lets us read, change and end it.")


class ReadRegistration(ShownRegistration):
    """How we are registered, with what the server said just now."""

    registered: dict[str, Any] = Field(description="The server's record of us, without secrets.")


@router.post("/connections/{name}/registration", status_code=201)
async def register_connection(name: str, wanted: WantedRegistration, access: Writing) -> ShownRegistration | None:
    """Register a connection as it is set up. The server's client ID and secret take the place of those before."""
    services = access.services
    ourselves = await _ourselves(access, wanted.contacts)
    kept = await register_kept(
        services.connections, access.organization, name, ourselves, _way(access), services.keys, wanted.where
    )
    return shown_registration(kept)


@router.get("/connections/{name}/registration")
async def read_registration(name: str, access: Writing) -> ReadRegistration:
    """Ask the server what it has of us. A new secret that comes with the answer is kept, so this needs the scope to
    write."""
    services, ourselves = access.services, await _ourselves(access)
    kept, registered = await read(
        services.connections, access.organization, name, ourselves, _way(access), services.keys
    )
    return ReadRegistration.model_validate({**_facts(kept), "registered": dict(registered)})


@router.put("/connections/{name}/registration")
async def update_registration(name: str, changed: ChangedRegistration, access: Writing) -> ShownRegistration | None:
    """Tell the server how the connection is set up now. A new secret that it answers with becomes the current one."""
    services, ourselves = access.services, await _ourselves(access, changed.contacts)
    kept = await update(services.connections, access.organization, name, ourselves, _way(access), services.keys)
    return shown_registration(kept)


@router.delete("/connections/{name}/registration", status_code=204, response_class=Response)
async def end_registration(name: str, access: Writing) -> None:
    """End the registration at the server. The connection stays, and nobody can sign in with it any more."""
    services = access.services
    await unregister(services.connections, access.organization, name, access.fetch, services.keys)


async def register_new(settings: Mapping[str, Any], wanted: WantedRegistration, access: Access) -> Connection:
    """A connection that is made and registered at once."""
    services, ourselves = access.services, await _ourselves(access, wanted.contacts)
    return await register(
        services.connections, access.organization, settings, ourselves, _way(access), services.keys, wanted.where
    )


def shown_registration(kept: Connection) -> ShownRegistration | None:
    """How a connection is registered; None where somebody else did it."""
    return ShownRegistration.model_validate(_facts(kept)) if kept.registration else None


def _facts(kept: Connection) -> dict[str, Any]:
    registered = kept.registration
    if registered is None:
        return {}
    return {
        "contacts": registered.contacts,
        "registered_at": instant(registered.registered_at),
        "expires_at": instant_or_none(registered.secret_expires_at),
        "managed": bool(registered.client_uri),
    }


async def _ourselves(access: Access, contacts: tuple[str, ...] = ()) -> Ourselves:
    owner = await access.services.organizations.by_number(access.organization)
    return Ourselves(owner.title if owner else "", access.services.oauth_url, contacts)


def _way(access: Access) -> Way:
    services = access.services
    return Way(access.fetch, services.insecure_allowed, services.clock())

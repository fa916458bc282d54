"""`/connections`: the authorization servers of the organization. Client secrets go in and never come out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from entracte.campaigns.manage import using
from entracte.connections import manage
from entracte.connections.addresses import Addresses, addresses_of
from entracte.connections.client_secrets import LONGEST, Place, secrets_of
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.presets import settings_of_preset
from entracte.connections.settings import ConnectionSettings
from entracte.organizations.tokens import Scope
from entracte.values import Secret
from entracte.web.api.access import Access, needs
from entracte.web.api.connection_registration import (
    ShownRegistration,
    WantedRegistration,
    register_new,
    shown_registration,
)
from entracte.web.api.operation import resource
from entracte.web.api.shown import ListOf, instant_or_none

router = resource("connections")

Reading = Annotated[Access, needs(Scope.CONNECTIONS_READ)]
Writing = Annotated[Access, needs(Scope.CONNECTIONS_WRITE)]
ClientSecret = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=LONGEST,
        description="What the authorization server gave out with the client ID; for `made_secret` a line with our "
        "key's identifier, and the private key in PEM. Sealed, and never shown again.",
        json_schema_extra={"writeOnly": True},
    ),
]


class WantedPreset(BaseModel):
    """What is known of a provider, to begin with: `GET /presets` lists them."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=60, description="The preset.", examples=["okta"])
    parameters: dict[str, str] = Field(
        default_factory=dict, description="What the preset asks for.", examples=[{"domain": "northwind.okta.com"}]
    )


class WantedConnection(ConnectionSettings):
    """A connection to make. With an `issuer`, what is left out comes from its metadata (OpenID Connect Discovery); with
    a `preset`, from what is known of the provider. What is given stands."""

    client_id: str = Field(
        "", max_length=500, description="Our name at the authorization server. Left out with a `registration`."
    )
    preset: WantedPreset | None = Field(None, description="What is known of a provider.")
    registration: WantedRegistration | None = Field(
        None, description="Register us at the server, which then gives the client ID and the secret (RFC 7591)."
    )
    discovery: bool = Field(True, strict=True, description="Whether to ask the issuer for its metadata.")
    client_secret: ClientSecret | None = Field(
        None,
        description="Left out where the connection proves itself without one.",
        json_schema_extra={"writeOnly": True},
    )


class ChangedConnection(ConnectionSettings):
    """All settings of a connection anew; its secrets stay. The name is the one in the address."""

    discovery: bool = Field(True, strict=True, description="Whether to ask the issuer for its metadata.")


class ShownSecret(BaseModel):
    """That there is a secret, and since when; never what it is."""

    place: Place
    added_at: datetime | None


class WantedSecret(BaseModel):
    """A secret that becomes the current one; the one that was becomes the previous one, and still opens."""

    model_config = ConfigDict(extra="forbid")

    client_secret: ClientSecret
    replace_previous: bool = Field(
        False, strict=True, description="When there are two already, forget the previous one."
    )


class ShownConnection(ConnectionConfig):
    """How a connection is set up."""

    secrets: tuple[ShownSecret, ...]
    mix_up_defence: bool = Field(
        description="Whether it is known which server an answer is from, by what it says or by the address at which it "
        "comes: the defence against mix-up (RFC 9700)."
    )
    redirect_uri: str = Field(description="What to register at the authorization server.")
    addresses: Addresses = Field(description="All that can be registered there.")
    registration: ShownRegistration | None = Field(description="How we are registered, where we did it ourselves.")


@router.get("/connections")
async def list_connections(access: Reading) -> ListOf[ShownConnection]:
    """All connections of the organization."""
    kept = await access.services.connections.of(access.organization)
    return ListOf(items=tuple(shown(one, access) for one in kept))


@router.post("/connections", status_code=201)
async def create_connection(wanted: WantedConnection, access: Writing, response: Response) -> ShownConnection:
    """Make a connection. Every address is checked, and with `discovery` the issuer is asked, before it is kept."""
    settings = _settings(wanted, {"client_secret", "discovery", "preset", "registration"})
    if wanted.preset is not None:
        settings = settings_of_preset(wanted.preset.name, wanted.preset.parameters) | settings
    if wanted.registration is None:
        kept = await _add(settings, wanted, access)
    else:
        kept = await register_new(settings, wanted.registration, access)
    response.headers["Location"] = f"/api/v1/connections/{kept.config.name}"
    return shown(kept, access)


@router.get("/connections/{name}")
async def get_connection(name: str, access: Reading) -> ShownConnection:
    """One connection."""
    return shown(await manage.named(access.services.connections, access.organization, name), access)


@router.put("/connections/{name}")
async def change_connection(name: str, changed: ChangedConnection, access: Writing) -> ShownConnection:
    """Set a connection up anew. Sign-ins that are under way end as they began; but where it becomes another server or
    client, they are refused, and people sign in once more."""
    services = access.services
    await manage.named(services.connections, access.organization, name)
    manage.check_same_name(name, changed.name)
    config = await _configured(_settings(changed, {"discovery"}), changed.discovery, access)
    kept = await manage.reconfigure(services.connections, access.organization, config, services.keys, services.clock())
    return shown(kept, access)


@router.delete("/connections/{name}", status_code=204, response_class=Response)
async def remove_connection(name: str, access: Writing) -> None:
    """Remove a connection that no published campaign uses."""
    services = access.services
    users = using(name, await services.campaigns.of(access.organization))
    await manage.remove(services.connections, access.organization, name, users)


@router.get("/connections/{name}/secrets")
async def list_secrets(name: str, access: Reading) -> ListOf[ShownSecret]:
    """Which secrets are kept, the current one first."""
    return ListOf(items=_secrets(await manage.named(access.services.connections, access.organization, name)))


@router.post("/connections/{name}/secrets", status_code=201)
async def add_secret(name: str, wanted: WantedSecret, access: Writing) -> ListOf[ShownSecret]:
    """Make a secret the current one. Both are valid until one is removed."""
    services = access.services
    changed = await manage.add_secret(
        services.connections,
        access.organization,
        name,
        Secret(wanted.client_secret.get_secret_value()),
        services.keys,
        services.clock(),
        replace_previous=wanted.replace_previous,
    )
    return ListOf(items=_secrets(changed))


@router.delete("/connections/{name}/secrets/{place}", status_code=204, response_class=Response)
async def remove_secret(name: str, place: Place, access: Writing) -> None:
    """Forget one of two secrets. Without the current one, the previous one is current again."""
    await manage.remove_secret(access.services.connections, access.organization, name, place)


async def _add(settings: Mapping[str, Any], wanted: WantedConnection, access: Access) -> Connection:
    services = access.services
    config = await _configured(settings, wanted.discovery, access)
    secret = Secret(wanted.client_secret.get_secret_value() if wanted.client_secret else "")
    return await manage.add(services.connections, access.organization, config, secret, services.keys, services.clock())


def _settings(given: ConnectionSettings, not_settings: set[str]) -> dict[str, Any]:
    return given.model_dump(exclude_unset=True, exclude=not_settings)


async def _configured(settings: Mapping[str, Any], discovery: bool, access: Access) -> ConnectionConfig:
    services = access.services
    return await manage.configure(settings, access.fetch, services.insecure_allowed, discovery=discovery)


def shown(kept: Connection, access: Access) -> ShownConnection:
    """A connection as it is answered."""
    addresses = addresses_of(kept, access.services.oauth_url)
    return ShownConnection.model_construct(
        **dict(kept.config),
        secrets=_secrets(kept),
        mix_up_defence=kept.config.tells_servers_apart,
        redirect_uri=addresses.redirect_uri,
        addresses=addresses,
        registration=shown_registration(kept),
    )


def _secrets(kept: Connection) -> tuple[ShownSecret, ...]:
    return tuple(ShownSecret(place=one.place, added_at=instant_or_none(one.added_at)) for one in secrets_of(kept))

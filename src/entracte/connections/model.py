"""A connection: one authorization server of an organization, and the Protocol of what keeps it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from entracte.connections.contradictions import CONTRADICTIONS
from entracte.connections.profiles import broken_by, fixed_by, settings_of
from entracte.connections.settings import ConnectionSettings
from entracte.values import ConnectionNumber, OrganizationNumber

AS_KEPT = "as kept"
"""The context in which a configuration is read that is kept already (`kept_config`)."""


class ConnectionConfig(ConnectionSettings):
    """Everything that a member sets, but the secret. An empty `issuer` is plain OAuth 2.0.

    What the settings mean together is checked when they are set, and not when they are read again: a rule that is
    younger than a kept connection must not make it unreadable. Whoever changes it next is told."""

    authorization_endpoint: str = Field(description="Where the browser is sent. A query that it has is kept.")
    token_endpoint: str = Field(description="Where the code is redeemed, server to server.")

    @model_validator(mode="before")
    @classmethod
    def _of_profile(cls, given: object) -> object:
        """What a profile fixes need not be said."""
        if isinstance(given, dict) and given.get("profile"):
            return {**settings_of(given["profile"]), **given}
        return given

    @model_validator(mode="after")
    def _as_the_profile_says(self, info: ValidationInfo) -> "ConnectionConfig":
        if info.context == AS_KEPT:
            return self
        for name, allowed in fixed_by(self.profile).items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"the profile {self.profile.value} fixes {name}")
        broken = broken_by(self.profile, {name: getattr(self, name) for name in type(self).model_fields})
        if broken:
            raise ValueError(f"the profile {self.profile.value}: {broken}")
        return self

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "ConnectionConfig":
        if info.context == AS_KEPT:
            return self
        for sentence, contradict in CONTRADICTIONS:
            if contradict(self):
                raise ValueError(sentence)
        return self


class KeyUse(StrEnum):
    """What a key of ours is for. One is never used for another."""

    SIGNATURE = "sig"
    ENCRYPTION = "enc"
    PROOF = "dpop"
    TLS = "tls"


class OwnKey(BaseModel):
    """A key of ours at one server. The private part opens only with the server's keys and the organization's number."""

    model_config = ConfigDict(frozen=True)

    kid: str
    use: KeyUse
    algorithm: str
    created_at: int
    public: dict[str, Any]
    """The public JWK (RFC 7517), with `x5c` for a certificate."""
    sealed: str = Field(repr=False)


class KeptRegistration(BaseModel):
    """Our registration at the server, where we registered ourselves (RFC 7591). Times are epoch seconds."""

    model_config = ConfigDict(frozen=True)

    contacts: tuple[str, ...]
    registered_at: int
    secret_expires_at: int | None = None
    """When the secret that came with it ends; None for one that does not, and where there is none."""
    client_uri: str = ""
    """Where the registration is read, changed and ended (RFC 7592); empty where the server has no such address."""
    sealed_token: str = Field("", repr=False)
    """What opens that address, sealed."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A kept connection. The secrets open only with the server's keys and the organization's number.

    While the authorization server changes from one client secret to the next, both are kept: the current one is used,
    and the previous one where the server does not take the current one. The times are epoch seconds, None for a secret
    from before they were kept."""

    organization: OrganizationNumber
    number: ConnectionNumber
    config: ConnectionConfig
    sealed_secret: str = field(repr=False)
    secret_added_at: int | None = None
    previous_sealed_secret: str | None = field(default=None, repr=False)
    previous_secret_added_at: int | None = None
    own_keys: tuple[OwnKey, ...] = ()
    """Our own keys at this server, the newest first."""
    registration: KeptRegistration | None = None
    """How we are registered there, where we did it ourselves."""
    identity_changed_at: int | None = None
    """When it last became another server or client (`identity`), in epoch seconds; None: it always was this one."""

    def with_config(self, config: ConnectionConfig) -> "Connection":
        """The same connection, set up otherwise."""
        return replace(self, config=config)


class Connections(Protocol):
    """What keeps connections. `add` raises LocalError `connection_exists`; names are unique in an organization.

    `change` gives what is kept to a function and keeps what it returns, with nobody in between: None when there is no
    such connection. What the function raises is raised, and nothing is changed. It may be called again, so it does
    nothing but compute."""

    async def add(
        self, organization: OrganizationNumber, config: ConnectionConfig, sealed_secret: str, at: int | None = None
    ) -> Connection: ...
    async def replace(self, connection: Connection) -> bool: ...
    async def change(
        self, organization: OrganizationNumber, name: str, change: Callable[[Connection], Connection]
    ) -> Connection | None: ...
    async def remove(self, organization: OrganizationNumber, name: str) -> bool: ...
    async def by_name(self, organization: OrganizationNumber, name: str) -> Connection | None: ...
    async def by_number(self, organization: OrganizationNumber, number: ConnectionNumber) -> Connection | None: ...
    async def of(self, organization: OrganizationNumber) -> list[Connection]: ...

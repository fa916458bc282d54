"""A connection: one authorization server of an organization, and the Protocol of what keeps it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from entracte.organizations.model import Name
from entracte.protocol.authorization import OWN_PARAMETERS
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.userinfo import BearerPlace
from entracte.values import ConnectionNumber, OrganizationNumber

DottedPath = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class ProfileSource(StrEnum):
    """Where the profile comes from."""

    ID_TOKEN = "id_token"  # noqa: S105
    ACCESS_TOKEN = "access_token"  # noqa: S105
    USERINFO = "userinfo"
    REST = "rest"


class RestSource(BaseModel):
    """A brand's own REST API: where the person is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="The address of the profile API.")
    method: Literal["GET", "POST"] = Field(
        "GET", description="The method of the request. With the token in a form it is always POST."
    )
    bearer: BearerPlace = Field(
        BearerPlace.HEADER,
        description="Where the access token goes: `Authorization: Bearer`, or `access_token` in a posted form.",
    )
    person: str = Field("", description="Dotted path to the person in the answer; empty for the whole answer.")
    subject: str = Field("sub", description="Dotted path, from the person, to the subject, where there is no ID token.")


class ClaimRule(BaseModel):
    """How one attribute of the profile is found: the first path that has a value, then the constant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: tuple[DottedPath, ...] = Field(
        (),
        description="Dotted paths, the best one first. A number is a place in a list. A name with dots in it can "
        "stand in double quotes.",
    )
    constant: str | bool | None = Field(None, description="The value when no path has one.")
    transform: Literal["", "trim", "lower", "upper", "title", "first_word", "last_words", "boolean"] = Field(
        "", description="What is done with the text before it is used."
    )
    verified: DottedPath | None = Field(
        None, description="Path, in the same document, of the flag that vouches for the value (email_verified)."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: object) -> object:
        """`email` and `[email, mail]` are short for `{paths: [...]}`."""
        if isinstance(given, str):
            return {"paths": [given]}
        if isinstance(given, (list, tuple)):
            return {"paths": given}
        return given


DEFAULT_CLAIMS: dict[str, ClaimRule] = {
    "email": ClaimRule(paths=("email",), verified="email_verified"),
    "first_name": ClaimRule(paths=("given_name",)),
    "last_name": ClaimRule(paths=("family_name",)),
    "name": ClaimRule(paths=("name", "preferred_username", "nickname")),
    "phone": ClaimRule(paths=("phone_number",), verified="phone_number_verified"),
    "birthdate": ClaimRule(paths=("birthdate",)),
}
"""The standard claims (OpenID Connect Core section 5.1) under the names that campaigns use."""


class ConnectionSettings(BaseModel):
    """What a member may set, but the secret, before anything is checked: what discovery knows can be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="What commands and campaign files call it.")
    title: str = Field(min_length=1, max_length=80, description="What participants know it as: “Northwind”.")
    issuer: str = Field(
        "",
        description="The server's issuer, byte for byte as its metadata says it. Empty: plain OAuth 2.0, with no ID "
        "token.",
    )
    authorization_endpoint: str = Field("", description="Where the browser is sent. A query that it has is kept.")
    token_endpoint: str = Field("", description="Where the code is redeemed, server to server.")
    jwks_uri: str = Field(
        "", description="Where the server's public keys are. Needed for an ID token and a JWT access token."
    )
    userinfo_endpoint: str = Field("", description="Where UserInfo is.")
    end_session_endpoint: str = Field("", description="Kept from discovery. Not used yet.")
    issuer_in_response: StrictBool = Field(
        False, description="Whether every authorization response must have `iss` (RFC 9207). Discovery says it."
    )
    client_id: str = Field(min_length=1, max_length=500, description="Our name at the authorization server.")
    authentication: ClientAuthentication = Field(
        ClientAuthentication.BASIC, description="How we prove ourselves at the token endpoint."
    )
    scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email"), description="What is asked for. `openid` asks for an ID token."
    )
    extra_parameters: dict[str, str] = Field(
        default_factory=dict,
        description="More parameters of the authorization request, such as `prompt`, `acr_values` or `resource`. They "
        "can not be those that we set.",
    )
    id_token_algorithms: tuple[str, ...] = Field(
        ("RS256",),
        description="The algorithms that a token may be signed with. Discovery chooses RS256 where the server has it.",
    )
    profile_source: ProfileSource = Field(
        ProfileSource.ID_TOKEN,
        description="Where the profile comes from. Left out: the ID token; where there is none, `rest` with a `rest` "
        "API, else `userinfo`.",
    )
    rest: RestSource | None = Field(None, description="For the source `rest`: the profile API.")
    access_token_audience: str = Field("", description="The `aud` that a JWT access token must have.")
    access_token_types: tuple[str, ...] = Field(
        ("at+jwt", "application/at+jwt"), description="The `typ` that a JWT access token may have, in lower case."
    )
    claims: dict[AttributeName, ClaimRule] = Field(
        default_factory=lambda: dict(DEFAULT_CLAIMS),
        description="The claim map: for each attribute of the profile, where it is found.",
    )
    prefill_opt_ins: StrictBool = Field(False, description="Whether opt-ins may come ticked from the profile.")


class ConnectionConfig(ConnectionSettings):
    """Everything that a member sets, but the secret. An empty `issuer` is plain OAuth 2.0."""

    authorization_endpoint: str = Field(description="Where the browser is sent. A query that it has is kept.")
    token_endpoint: str = Field(description="Where the code is redeemed, server to server.")

    @property
    def is_openid(self) -> bool:
        """Whether an ID token is asked for and proven."""
        return bool(self.issuer) and "openid" in self.scopes

    @property
    def tells_servers_apart(self) -> bool:
        """Whether an answer says which server it is from, by `iss` or an ID token: the defence against mix-up where all
        servers share one redirect URI (RFC 9700 section 4.4.2)."""
        return self.is_openid or (bool(self.issuer) and self.issuer_in_response)

    @model_validator(mode="after")
    def _consistent(self) -> "ConnectionConfig":
        for broken, sentence in (
            (OWN_PARAMETERS & set(self.extra_parameters), "an extra parameter overrides one that we set"),
            (self.is_openid and not self.jwks_uri, "an OpenID connection needs jwks_uri"),
            (self.profile_source is ProfileSource.ID_TOKEN and not self.is_openid,
             "the ID token can be the profile source only with an issuer and the scope openid"),
            (self.profile_source is ProfileSource.USERINFO and not self.userinfo_endpoint,
             "the profile source userinfo needs userinfo_endpoint"),
            (self.profile_source is ProfileSource.REST and self.rest is None,
             "the profile source rest needs rest.url"),
            (self.profile_source is ProfileSource.ACCESS_TOKEN
             and not (self.issuer and self.jwks_uri and self.access_token_audience),
             "the profile source access_token needs issuer, jwks_uri and access_token_audience"),
        ):  # fmt: skip
            if broken:
                raise ValueError(sentence)
        return self


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

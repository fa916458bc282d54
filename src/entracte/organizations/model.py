"""Organizations, their brand, their members, and the Protocol of what keeps them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from entracte.values import OrganizationNumber, Secret

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
"""What stands in addresses and commands: lower-case letters, digits and hyphens."""


class Brand(BaseModel):
    """How the participant's pages look. `mark` is one or two characters shown on a tile of the brand colour."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    mark: str = Field("", max_length=2, description="One or two characters on a tile of the brand's colour.")
    color: Color = Field("#0b5d57", description="The brand's colour, `#rrggbb`.")
    accent: Color = Field("#f2b035", description="The colour of small things that should be seen, `#rrggbb`.")
    paper: Color = Field("#faf9f5", description="The background of the page, `#rrggbb`.")
    ink: Color = Field("#1b1f1e", description="The text, `#rrggbb`.")
    radius: int = Field(12, ge=0, le=32, description="Corner radius in CSS pixels.")
    font: str = Field("", max_length=200, pattern=r"^[\w ,'\"-]*$", description="A CSS font-family list.")
    dark: bool = Field(True, description="Whether pages may follow the dark scheme.")


@dataclass(frozen=True, slots=True)
class Organization:
    """A customer. Everything else belongs to exactly one."""

    number: OrganizationNumber
    name: str
    title: str
    brand: Brand
    sealed_person_key: str = field(repr=False)
    """Under which its people are hashed; see `person_key`."""


class Role(StrEnum):
    OWNER = "owner"
    EDITOR = "editor"
    ANALYST = "analyst"


@dataclass(frozen=True, slots=True)
class Member:
    """A person who works in the manager. `password_hash` is an argon2id hash in PHC form."""

    organization: OrganizationNumber
    email: str
    role: Role
    password_hash: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class MemberSession:
    """A member at work in one browser. `token_hash` is SHA-256 of what the cookie holds; times are epoch seconds."""

    organization: OrganizationNumber
    token_hash: bytes = field(repr=False)
    email: str
    created_at: int
    expires_at: int


class Organizations(Protocol):
    """What keeps organizations. `add` raises LocalError `organization_exists`. `replace_person_key` puts a sealed key
    in the place of the one that was read; False when another one stands there by now."""

    async def add(self, name: str, title: str, brand: Brand, sealed_person_key: str) -> Organization: ...
    async def by_name(self, name: str) -> Organization | None: ...
    async def by_number(self, organization: OrganizationNumber) -> Organization | None: ...
    async def everyone(self) -> list[Organization]: ...
    async def set_brand(self, organization: OrganizationNumber, title: str, brand: Brand) -> None: ...
    async def replace_person_key(self, organization: OrganizationNumber, before: str, after: str) -> bool: ...


class Members(Protocol):
    """What keeps members and their sessions. An e-mail address is unique in the installation, compared without
    case. `add` raises LocalError `member_exists`."""

    async def add(self, member: Member) -> None: ...
    async def set_password(self, organization: OrganizationNumber, email: str, password_hash: Secret) -> bool: ...
    async def by_email(self, email: str) -> Member | None: ...
    async def begin_session(self, session: MemberSession) -> None: ...
    async def session(self, token_hash: bytes, now: int) -> MemberSession | None: ...
    async def end_session(self, organization: OrganizationNumber, token_hash: bytes) -> None: ...

"""The use cases: make organizations and members, sign a member in and out of the manager."""

import asyncio
import re
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from pydantic import TypeAdapter, ValidationError

from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.model import Brand, Member, Members, MemberSession, Name, Organization, Organizations, Role
from entracte.organizations.person_key import new_person_key
from entracte.protocol.seal import SealKeys
from entracte.values import Entropy, OrganizationNumber, Secret

SESSION_SECONDS = 12 * 60 * 60
MINIMUM_PASSWORD_LENGTH = 12
MAXIMUM_PASSWORD_LENGTH = 1024
"""In characters. The upper bound keeps the work of one hash bounded."""
MAXIMUM_TITLE_LENGTH = 120

_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_HASHER = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, type=Type.ID)
"""OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane."""
_HASH_OF_NOBODY = f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"
"""Fits no password, and costs as much to find that out as a member's hash does."""

_NAME: TypeAdapter[str] = TypeAdapter(Name)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

_REFUSED = Problem(
    Kind.NOT_ALLOWED,
    "sign_in_refused",
    "The e-mail address and the password do not go together.",
    "Check both and try again.",
)


@dataclass(frozen=True, slots=True)
class SignedInMember:
    """A member who has just signed in. `token` goes into the cookie and is kept nowhere else."""

    session: MemberSession
    token: Secret


async def add_organization(
    organizations: Organizations, name: str, title: str, brand: Brand, keys: SealKeys, entropy: Entropy
) -> Organization:
    """Make an organization. LocalError: `organization_name_malformed`, `organization_title_malformed`,
    `organization_exists`."""
    checked = _organization_name(name)
    sealed_person_key = new_person_key(checked, keys, entropy)
    return await organizations.add(checked, _organization_title(title), brand, sealed_person_key)


async def numbered(organizations: Organizations, number: OrganizationNumber) -> Organization:
    """The organization of a token or a session. LocalError `organization_unknown`."""
    found = await organizations.by_number(number)
    if found is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "organization_unknown", "There is no such organization."))
    return found


async def change_look(
    organizations: Organizations, kept: Organization, title: str | None = None, brand: Brand | None = None
) -> None:
    """Change what participants know the organization as, or how its pages look; what is None stays. LocalError
    `organization_title_malformed`."""
    await organizations.set_brand(
        kept.number, kept.title if title is None else _organization_title(title), brand or kept.brand
    )


async def add_member(
    members: Members, organization: OrganizationNumber, email: str, role: Role, password: Secret
) -> Member:
    """Make a member. LocalError: `email_malformed`, `password_too_short`, `password_too_long`, `member_exists`."""
    address = _email_address(email)
    _check_length(password)
    member = Member(organization, address, role, await asyncio.to_thread(_hash, password))
    await members.add(member)
    return member


async def sign_in(members: Members, email: str, password: Secret, now: int, entropy: Entropy) -> SignedInMember:
    """Begin a session of `SESSION_SECONDS`. LocalError `sign_in_refused`, which says and costs the same whether the
    member is unknown or the password is another one. A hash with older parameters is made again."""
    member = await _member(members, email)
    known_hash = member.password_hash if member else Secret(_HASH_OF_NOBODY)
    fits = await asyncio.to_thread(_fits, known_hash, password)
    if member is None or not fits:
        raise LocalError(_REFUSED)
    await _renew_hash(members, member, password)
    token = urlsafe_b64encode(entropy(32)).rstrip(b"=").decode("ascii")
    session = MemberSession(member.organization, _token_hash(token), member.email, now, now + SESSION_SECONDS)
    await members.begin_session(session)
    return SignedInMember(session, Secret(token))


async def session_of(members: Members, token: Secret, now: int) -> MemberSession | None:
    """The session that a cookie's token opens, while it lasts and its member belongs to the organization."""
    text = token.reveal()
    if not _TOKEN.fullmatch(text):
        return None
    session = await members.session(_token_hash(text), now)
    if session is None or session.expires_at <= now:
        return None
    member = await members.by_email(session.email)
    return session if member is not None and member.organization == session.organization else None


async def sign_out(members: Members, session: MemberSession) -> None:
    """End the session on the server: its token opens nothing any more."""
    await members.end_session(session.organization, session.token_hash)


def _organization_name(name: str) -> str:
    try:
        return _NAME.validate_python(name)
    except ValidationError:
        hint = "Use lower-case letters, digits and single hyphens, at most 60, such as northwind-radio."
        message = "An organization's name stands in addresses and commands."
        raise LocalError(Problem(Kind.BAD_INPUT, "organization_name_malformed", message, hint, where="name")) from None


def _organization_title(title: str) -> str:
    text = title.strip()
    if not text or len(text) > MAXIMUM_TITLE_LENGTH or not text.isprintable():
        message = f"An organization's title is one line of 1 to {MAXIMUM_TITLE_LENGTH} characters."
        raise LocalError(Problem(Kind.BAD_INPUT, "organization_title_malformed", message, where="title"))
    return text


def _email_address(email: str) -> str:
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        # the library's own text repeats the address, which is a personal value
        message = "That is not one e-mail address."
        raise LocalError(
            Problem(Kind.BAD_INPUT, "email_malformed", message, "Write it like ana@example.com.", where="email")
        ) from None


def _check_length(password: Secret) -> None:
    length = len(password.reveal())
    if length < MINIMUM_PASSWORD_LENGTH:
        hint = f"Use at least {MINIMUM_PASSWORD_LENGTH} characters. A few words in a row are fine."
        message = "The password is too short."
        raise LocalError(Problem(Kind.BAD_INPUT, "password_too_short", message, hint, where="password"))
    if length > MAXIMUM_PASSWORD_LENGTH:
        message = f"The password is longer than {MAXIMUM_PASSWORD_LENGTH} characters."
        raise LocalError(Problem(Kind.BAD_INPUT, "password_too_long", message, where="password"))


async def _member(members: Members, email: str) -> Member | None:
    try:
        address = _email_address(email)
    except LocalError:
        return None
    return await members.by_email(address)


async def _renew_hash(members: Members, member: Member, password: Secret) -> None:
    if _HASHER.check_needs_rehash(member.password_hash.reveal()):
        renewed = await asyncio.to_thread(_hash, password)
        await members.set_password(member.organization, member.email, renewed)


def _hash(password: Secret) -> Secret:
    return Secret(_HASHER.hash(_typed(password)))


def _fits(password_hash: Secret, password: Secret) -> bool:
    try:
        return _HASHER.verify(password_hash.reveal(), _typed(password))
    except (VerificationError, InvalidHashError):
        return False


def _typed(password: Secret) -> bytes:
    """The same bytes whichever keyboard composed the characters (NIST SP 800-63B section 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password.reveal()).encode("utf-8", errors="surrogatepass")


def _token_hash(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()

"""Bearer tokens of the REST API: what a program of an organization shows, and what it may do with it (RFC 6750).

A token is random and shown once; kept is its SHA-256, so that who reads the database can call nothing. It belongs to
one organization, has scopes, and ends.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from entracte.errors import Kind, LocalError, Problem
from entracte.values import Entropy, OrganizationNumber, Secret

PREFIX = "entracte_"
"""Lets people and scanners of source code recognise a token where it should not be."""
DAY = 24 * 60 * 60
USUAL_DAYS = 90
MOST_DAYS = 366
"""A token that never ends is one that nobody remembers."""
MOST_TOKENS = 200
"""Valid ones, of one organization."""
LONGEST_NAME = 80

_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)


class Scope(StrEnum):
    """What a token allows: a room of the REST API, to read or to change."""

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_WRITE = "organization:write"
    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    PARTICIPATIONS_READ = "participations:read"
    ATTEMPTS_READ = "attempts:read"
    ENTRIES_READ = "entries:read"
    """The only one that shows personal values."""
    STATISTICS_READ = "statistics:read"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"


@dataclass(frozen=True, slots=True)
class Token:
    """A kept token, without its text. Times are epoch seconds."""

    organization: OrganizationNumber
    id: UUID
    name: str
    scopes: frozenset[Scope]
    created_at: int
    expires_at: int
    revoked_at: int | None = None

    def is_valid(self, now: int) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made. `text` is shown once and kept nowhere."""

    token: Token
    text: Secret


class Tokens(Protocol):
    """What keeps tokens. `add` raises LocalError `tokens_full` when the organization has `MOST_TOKENS` valid ones.
    `by_hash` is the directory: the only way from what a program shows to its organization. `revoke` keeps the time of
    the first revocation; None when there is no such token."""

    async def add(self, token: Token, token_hash: bytes) -> None: ...
    async def by_hash(self, token_hash: bytes) -> Token | None: ...
    async def get(self, organization: OrganizationNumber, token_id: UUID) -> Token | None: ...
    async def of(self, organization: OrganizationNumber) -> list[Token]: ...
    async def revoke(self, organization: OrganizationNumber, token_id: UUID, at: int) -> Token | None: ...


def tokens_full() -> LocalError:
    """The organization has as many valid tokens as it may."""
    message = f"The organization has {MOST_TOKENS} valid tokens already."
    return LocalError(Problem(Kind.CONFLICT, "tokens_full", message, "Revoke those that nobody uses."))


async def create(
    tokens: Tokens,
    organization: OrganizationNumber,
    name: str,
    scopes: Collection[str],
    days: int,
    now: int,
    entropy: Entropy,
    token_id: UUID,
) -> NewToken:
    """Make a token. LocalError: `token_name_malformed`, `token_scope_unknown`, `token_days_malformed` and
    `tokens_full`."""
    text = PREFIX + urlsafe_b64encode(entropy(32)).rstrip(b"=").decode("ascii")
    token = Token(organization, token_id, _name(name), _scopes(scopes), now, now + _days(days) * DAY)
    await tokens.add(token, _hash(text))
    return NewToken(token, Secret(text))


async def token_of(tokens: Tokens, shown: Secret, now: int) -> Token | None:
    """The token that a program shows, while it is valid."""
    text = shown.reveal()
    if not _TOKEN.fullmatch(text):
        return None
    token = await tokens.by_hash(_hash(text))
    return token if token is not None and token.is_valid(now) else None


async def named(tokens: Tokens, organization: OrganizationNumber, token_id: UUID) -> Token:
    """The token of this id. LocalError `token_unknown`: not there, or another organization's."""
    return _known(await tokens.get(organization, token_id))


async def revoke(tokens: Tokens, organization: OrganizationNumber, token_id: UUID, now: int) -> Token:
    """From now on it opens nothing. A token that is revoked stays so. LocalError `token_unknown`."""
    return _known(await tokens.revoke(organization, token_id, now))


def beyond(wanted: Collection[str], held: Collection[Scope]) -> LocalError | None:
    """What is wrong when a program asks for a token that may do more than its own."""
    more = sorted(set(wanted) - {scope.value for scope in held})
    if not more:
        return None
    message = f"Your own token does not have: {', '.join(more)}."
    hint = "A token can only give what it has."
    return LocalError(Problem(Kind.NOT_ALLOWED, "token_scope_beyond", message, hint, where="scopes"))


def _known(token: Token | None) -> Token:
    if token is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "token_unknown", "There is no such token."))
    return token


def _name(name: str) -> str:
    text = name.strip()
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        message = f"A token's name is one line of 1 to {LONGEST_NAME} characters."
        raise LocalError(Problem(Kind.BAD_INPUT, "token_name_malformed", message, where="name"))
    return text


def _scopes(scopes: Collection[str]) -> frozenset[Scope]:
    known = {scope.value for scope in Scope}
    if not scopes or not set(scopes) <= known:
        message = "A token has at least one of the known scopes, and no others."
        hint = f"They are {', '.join(Scope)}."
        raise LocalError(Problem(Kind.BAD_INPUT, "token_scope_unknown", message, hint, where="scopes"))
    return frozenset(Scope(scope) for scope in scopes)


def _days(days: int) -> int:
    if not 1 <= days <= MOST_DAYS:
        message = f"A token ends after 1 to {MOST_DAYS} days."
        raise LocalError(Problem(Kind.BAD_INPUT, "token_days_malformed", message, where="days"))
    return days


def _hash(text: str) -> bytes:
    """Not salted and not slow: the text has 256 random bits."""
    return sha256(text.encode("ascii")).digest()

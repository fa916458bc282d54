"""Tokens of the REST API, on every database."""

from uuid import UUID, uuid4

import pytest

from entracte.errors import LocalError
from entracte.organizations.model import Organization
from entracte.organizations.tokens import DAY, MOST_TOKENS, Scope, Token, Tokens
from entracte.store.opened import Store
from entracte.store.tokens import FORGOTTEN_AFTER, StoredTokens
from tests.store.samples import START


def a_token(organization: Organization, token_id: UUID | None = None, **given: object) -> Token:
    values = {"name": "export", "scopes": frozenset({Scope.ENTRIES_READ, Scope.STATISTICS_READ})}
    ends = {"created_at": START, "expires_at": START + DAY}
    return Token(organization.number, token_id or uuid4(), **(values | ends | given))  # type: ignore[arg-type]


def test_the_protocol_is_kept(store: Store) -> None:
    tokens: Tokens = store.tokens
    assert isinstance(tokens, StoredTokens)


async def test_a_token_is_found_by_its_hash(store: Store, northwind: Organization) -> None:
    token = a_token(northwind)
    await store.tokens.add(token, b"hash of it")
    assert await store.tokens.by_hash(b"hash of it") == token
    assert await store.tokens.by_hash(b"another") is None
    assert await store.tokens.get(northwind.number, token.id) == token


async def test_each_organization_has_its_own(store: Store, northwind: Organization, outsider: Organization) -> None:
    token = a_token(northwind)
    await store.tokens.add(token, b"hash")
    assert await store.tokens.get(outsider.number, token.id) is None
    assert await store.tokens.of(outsider.number) == []
    assert await store.tokens.revoke(outsider.number, token.id, START) is None
    assert await store.tokens.by_hash(b"hash") == token


async def test_a_revoked_token_opens_nothing_and_stays_listed(store: Store, northwind: Organization) -> None:
    token = a_token(northwind)
    await store.tokens.add(token, b"hash")
    revoked = await store.tokens.revoke(northwind.number, token.id, START + 5)
    assert revoked is not None
    assert revoked.revoked_at == START + 5
    assert await store.tokens.by_hash(b"hash") is None
    assert await store.tokens.of(northwind.number) == [revoked]
    assert await store.tokens.revoke(northwind.number, token.id, START + 9) == revoked


async def test_the_newest_first(store: Store, northwind: Organization) -> None:
    tokens = [a_token(northwind, UUID(int=n), created_at=START + n) for n in (1, 3, 2)]
    for number, token in enumerate(tokens):
        await store.tokens.add(token, bytes([number]))
    assert [one.created_at - START for one in await store.tokens.of(northwind.number)] == [3, 2, 1]


async def test_there_is_a_most(store: Store, northwind: Organization, outsider: Organization) -> None:
    for number in range(MOST_TOKENS):
        await store.tokens.add(a_token(northwind), number.to_bytes(2, "big"))
    with pytest.raises(LocalError) as refused:
        await store.tokens.add(a_token(northwind), b"one more")
    assert refused.value.problem.code == "tokens_full"
    await store.tokens.add(a_token(outsider), b"of another")
    await store.tokens.add(a_token(northwind, created_at=START + DAY), b"when those are over")


async def test_old_tokens_are_forgotten(store: Store, northwind: Organization) -> None:
    old, kept = a_token(northwind), a_token(northwind, expires_at=START + 2 * DAY)
    await store.tokens.add(old, b"old")
    await store.tokens.add(kept, b"kept")
    new = a_token(northwind, created_at=old.expires_at + FORGOTTEN_AFTER + 1)
    await store.tokens.add(new, b"new")
    assert await store.tokens.of(northwind.number) == [new, kept]
    assert await store.tokens.by_hash(b"old") is None

"""Bearer tokens: how they are made, and what opens."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest

from entracte.errors import LocalError
from entracte.organizations import tokens
from entracte.organizations.tokens import DAY, PREFIX, NewToken, Scope, Token, Tokens
from entracte.values import OrganizationNumber, Secret

NORTHWIND, NOW = OrganizationNumber(1), 1_800_000_000
ID = UUID(int=7)


class Drawer:
    """Keeps tokens in memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Token] = {}

    async def add(self, token: Token, token_hash: bytes) -> None:
        self.kept[token_hash] = token

    async def by_hash(self, token_hash: bytes) -> Token | None:
        return self.kept.get(token_hash)

    async def get(self, organization: OrganizationNumber, token_id: UUID) -> Token | None:
        return next((one for one in self.kept.values() if (one.organization, one.id) == (organization, token_id)), None)

    async def of(self, organization: OrganizationNumber) -> list[Token]:
        return list(self.kept.values())

    async def revoke(self, organization: OrganizationNumber, token_id: UUID, at: int) -> Token | None:
        return await self.get(organization, token_id)


async def make(
    drawer: Tokens, name: str = "export", scopes: tuple[str, ...] = ("entries:read",), days: int = 1
) -> NewToken:
    return await tokens.create(drawer, NORTHWIND, name, scopes, days, NOW, lambda size: bytes(range(size)), ID)


async def test_a_token_is_kept_by_its_hash_alone() -> None:
    drawer = Drawer()
    made = await make(drawer, "  export ", days=2)
    text = made.text.reveal()
    assert made.token == Token(NORTHWIND, ID, "export", frozenset({Scope.ENTRIES_READ}), NOW, NOW + 2 * DAY)
    assert drawer.kept == {sha256(text.encode()).digest(): made.token}
    assert text.startswith(PREFIX)
    assert len(text) == len(PREFIX) + 43
    assert text not in repr(made)


async def test_what_opens() -> None:
    drawer = Drawer()
    made = await make(drawer)
    assert await tokens.token_of(drawer, made.text, NOW) == made.token
    assert await tokens.token_of(drawer, made.text, NOW + DAY - 1) == made.token
    assert await tokens.token_of(drawer, made.text, NOW + DAY) is None
    [key] = drawer.kept
    drawer.kept[key] = replace(made.token, revoked_at=NOW)
    assert await tokens.token_of(drawer, made.text, NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "A",
        lambda text: text[:-1],
        lambda text: text.removeprefix(PREFIX),
        lambda text: text.upper(),
        lambda text: text + "\n",
        lambda text: "ä" * len(text),
        lambda text: "",
    ],
)
async def test_what_does_not(change: Callable[[str], str]) -> None:
    drawer = Drawer()
    made = await make(drawer)
    assert await tokens.token_of(drawer, Secret(change(made.text.reveal())), NOW) is None


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": ""}, "token_name_malformed"),
        ({"name": "x" * 81}, "token_name_malformed"),
        ({"name": "a\nb"}, "token_name_malformed"),
        ({"scopes": ()}, "token_scope_unknown"),
        ({"scopes": ("entries:read", "all")}, "token_scope_unknown"),
        ({"days": 0}, "token_days_malformed"),
        ({"days": 367}, "token_days_malformed"),
    ],
)
async def test_what_can_not_be_made(wanted: dict[str, object], code: str) -> None:
    drawer = Drawer()
    with pytest.raises(LocalError) as refused:
        await make(drawer, **wanted)  # type: ignore[arg-type]
    assert refused.value.problem.code == code
    assert drawer.kept == {}


def test_nobody_gives_what_he_does_not_have() -> None:
    held = frozenset({Scope.TOKENS_WRITE, Scope.ENTRIES_READ})
    assert tokens.beyond(["entries:read"], held) is None
    refused = tokens.beyond(["entries:read", "tokens:read"], held)
    assert refused is not None
    assert refused.problem.code == "token_scope_beyond"
    assert "tokens:read" in refused.problem.message


async def test_there_is_no_such_token() -> None:
    for asked in (tokens.named(Drawer(), NORTHWIND, ID), tokens.revoke(Drawer(), NORTHWIND, ID, NOW)):
        with pytest.raises(LocalError) as refused:
            await asked
        assert refused.value.problem.code == "token_unknown"

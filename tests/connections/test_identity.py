"""Whether a connection is still the server and client that a sign-in began at; over every way to change one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from entracte.connections.client_metadata import Ourselves
from entracte.connections.identity import IDENTITY, SETTLING, check_same, seconds_to_settle, set_up
from entracte.connections.manage import add, add_secret, named, reconfigure, replace_or_add, rotate_keys
from entracte.connections.metadata_memory import MetadataMemory, compare, refresh
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.registration import Way, Where, register, register_kept
from entracte.organizations.model import Brand
from entracte.protocol.errors import Reason, Refused
from entracte.store.opened import Store
from entracte.values import ConnectionNumber, OrganizationNumber, Secret
from entracte.web.directory import FRESH
from tests.connections.relying import KEYS, Relying

AT = 1_800_000_000
OURSELVES = Ourselves("Northwind Radio", "https://play.example", ("it@northwind.example",))


def config(issuer: str = "https://login.example", **changes: Any) -> ConnectionConfig:
    given = {
        "name": "northwind",
        "title": "Northwind",
        "client_id": "us",
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
    }
    return ConnectionConfig.model_validate({**given, **changes})


def connection(changed_at: int | None = None) -> Connection:
    return Connection(OrganizationNumber(4), ConnectionNumber(7), config(), "", identity_changed_at=changed_at)


OTHER: dict[str, Any] = {
    "issuer": "https://other.example",
    "client_id": "another",
    "authorization_endpoint": "https://other.example/authorize",
    "token_endpoint": "https://other.example/token",
    "own_redirect_uri": True,
}


def test_every_part_of_the_identity_is_tried_here() -> None:
    assert OTHER.keys() == IDENTITY.keys()
    assert IDENTITY.keys() <= ConnectionConfig.model_fields.keys()


@pytest.mark.conformance("MUST 3")
@pytest.mark.parametrize("name", OTHER)
def test_each_part_of_the_identity_makes_it_another_one(name: str) -> None:
    changed = set_up(connection(), config(**{name: OTHER[name]}), AT)
    assert changed == replace(connection(AT), config=config(**{name: OTHER[name]}))


@pytest.mark.parametrize(
    "more", [{}, {"title": "New"}, {"scopes": ["openid"]}, {"jwks_uri": "https://login.example/keys"}, {"max_age": 60}]
)
def test_anything_else_leaves_it_the_one_that_it_was(more: dict[str, Any]) -> None:
    for before in (None, 5):
        assert set_up(connection(before), config(**more), AT) == replace(connection(before), config=config(**more))


def test_the_time_never_goes_back() -> None:
    """Two machines whose clocks differ change it one after the other."""
    assert set_up(connection(AT), config(client_id="another"), AT - 30).identity_changed_at == AT


@pytest.mark.conformance("MUST 3", "MUST 9")
@pytest.mark.parametrize("issued_at", [AT - 600, AT, AT + SETTLING])
def test_a_state_from_before_is_refused(issued_at: int) -> None:
    """Also one that a process issued which had not heard of the change yet."""
    with pytest.raises(Refused) as refused:
        check_same(connection(AT), issued_at)
    assert refused.value.reason is Reason.CONNECTION_CHANGED


def test_a_state_of_the_connection_as_it_is_is_taken() -> None:
    check_same(connection(AT), AT + SETTLING + 1)
    check_same(connection(), 0)


def test_no_sign_in_begins_that_would_be_refused() -> None:
    """It waits until every process knows the connection; that the directory remembers no longer is why this is long
    enough."""
    assert FRESH <= SETTLING
    for now in range(AT - 1, AT + 10):
        waited = now + seconds_to_settle(connection(AT), now)
        if now >= AT:
            check_same(connection(AT), waited)
        assert waited - now <= SETTLING + 1
    assert seconds_to_settle(connection(AT), AT) == SETTLING + 1
    assert seconds_to_settle(connection(AT), AT + SETTLING + 1) == 0
    assert seconds_to_settle(connection(), AT) == 0


def test_a_clock_that_is_ahead_holds_nobody_for_long() -> None:
    assert seconds_to_settle(connection(AT + 3600), AT) == SETTLING + 1


# Every way to change a connection


class Town:
    """A kept connection of a server that can be asked for its metadata, and registers."""

    def __init__(self, store: Store, relying: Relying, owner: OrganizationNumber) -> None:
        self.connections = store.connections
        self.relying = relying
        self.owner = owner
        self.fetcher = relying.fetcher

    @property
    def way(self) -> Way:
        return Way(self.fetcher, self.fetcher.insecure_allowed, AT)

    async def begin(self) -> Connection:
        endpoints = {"userinfo_endpoint": "", "issuer_in_response": True}
        kept = config(self.relying.provider.issuer, **endpoints)
        return await add(self.connections, self.owner, kept, Secret("one"), KEYS, 5)

    async def kept(self) -> Connection:
        return await named(self.connections, self.owner, "northwind")


@pytest.fixture
async def town(relying: Relying) -> AsyncIterator[Town]:
    store = Store.open("sqlite://")
    await store.start()
    owner = await store.organizations.add("northwind", "Northwind", Brand(), "sealed")
    relying.provider.announces = True
    yield Town(store, relying, owner.number)
    await store.stop()


async def _reconfigured(town: Town) -> None:
    await reconfigure(town.connections, town.owner, config(client_id="another"), KEYS, AT)


async def _replaced(town: Town) -> None:
    await replace_or_add(town.connections, town.owner, config(own_redirect_uri=True), Secret("two"), KEYS, AT)


async def _approved(town: Town) -> None:
    town.relying.provider.metadata = {"token_endpoint": f"{town.relying.provider.issuer}/moved"}
    memory = MetadataMemory(town.fetcher, town.fetcher.insecure_allowed, lambda: AT)
    compared = await compare(town.connections, town.owner, "northwind", memory)
    allowed = town.fetcher.insecure_allowed
    await refresh(town.connections, compared, KEYS, allowed, AT, approve=True)


async def _registered(town: Town) -> None:
    await register_kept(town.connections, town.owner, "northwind", OURSELVES, town.way, KEYS, Where())


@pytest.mark.conformance("MUST 3", "MUST 9")
@pytest.mark.parametrize("change", [_reconfigured, _replaced, _approved, _registered])
async def test_every_way_to_change_a_connection_marks_the_time(
    town: Town, change: Callable[[Town], Awaitable[None]]
) -> None:
    assert (await town.begin()).identity_changed_at is None
    await change(town)
    assert (await town.kept()).identity_changed_at == AT


async def test_secrets_keys_and_words_are_no_other_identity(town: Town) -> None:
    issuer = town.relying.provider.issuer
    await town.begin()
    await reconfigure(town.connections, town.owner, config(issuer, title="New", dpop=True), KEYS, AT)
    await add_secret(town.connections, town.owner, "northwind", Secret("two"), KEYS, AT)
    await rotate_keys(town.connections, town.owner, "northwind", KEYS, AT)
    await replace_or_add(town.connections, town.owner, config(issuer, title="Newer"), Secret("three"), KEYS, AT)
    assert (await town.kept()).identity_changed_at is None


async def test_what_was_nobody_s_is_no_identity(town: Town) -> None:
    """A connection that registers as it is added: nothing was under way under the client ID that it had until then."""
    settings = {"name": "northwind", "title": "Northwind", "issuer": town.relying.provider.issuer}
    await register(town.connections, town.owner, settings, OURSELVES, town.way, KEYS, Where())
    assert (await town.kept()).identity_changed_at is None

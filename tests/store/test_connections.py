"""Connections, on every database."""

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from entracte.connections.claim_map import ClaimRule
from entracte.connections.model import Connection, ConnectionConfig, Connections
from entracte.connections.sources import ProfileSource, RestSource
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.model import Brand, Organization
from entracte.protocol.client_auth import ClientAuthentication
from entracte.store.connections import StoredConnections
from entracte.store.numbers import GREATEST
from entracte.store.opened import Store
from entracte.store.tables import allocation
from entracte.store.tables import connection as table
from entracte.values import ConnectionNumber
from tests.store.samples import SEALED_PERSON_KEY


def config(name: str = "northwind", **given: object) -> ConnectionConfig:
    values: dict[str, object] = {
        "name": name,
        "title": "Northwind “Ö”",
        "issuer": "https://login.example.com",
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://login.example.com/token",
        "jwks_uri": "https://login.example.com/keys",
        "client_id": "entracte",
    }
    return ConnectionConfig.model_validate(values | given)


FULL = config(
    "full",
    authentication=list(ClientAuthentication)[-1],
    scopes=("openid", "z", "a"),
    extra_parameters={"prompt": "login", "acr_values": "1 2"},
    id_token_algorithms=("ES256", "RS256"),
    profile_source=ProfileSource.REST,
    rest=RestSource(url="https://api.example.com/me", method="POST", person="data.0"),
    claims={
        "zip": ClaimRule(paths=("address.postal_code", "plz"), transform="trim"),
        "adult": ClaimRule(constant=True),
        "brand": ClaimRule(constant="true"),
        "email": ClaimRule(paths=("email",), verified="email_verified"),
    },
    prefill_opt_ins=True,
)


def test_the_protocol_is_kept(store: Store) -> None:
    connections: Connections = store.connections
    assert isinstance(connections, StoredConnections)


@pytest.mark.parametrize("given", [config(), FULL], ids=["least", "full"])
async def test_a_connection_comes_back_exactly(store: Store, northwind: Organization, given: ConnectionConfig) -> None:
    added = await store.connections.add(northwind.number, given, "sealed:ÄÖ")
    assert added == Connection(northwind.number, added.number, given, "sealed:ÄÖ")
    found = await store.connections.by_number(northwind.number, added.number)
    assert found == added
    assert found.config.model_dump_json() == given.model_dump_json()  # with the order of scopes and claims
    assert await store.connections.by_name(northwind.number, given.name) == added


async def test_a_name_is_unique_in_its_organization(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine = await store.connections.add(northwind.number, config(), "1")
    theirs = await store.connections.add(outsider.number, config(), "2")
    assert mine.number != theirs.number
    with pytest.raises(LocalError) as raised:
        await store.connections.add(northwind.number, config(title="Other"), "3")
    assert raised.value.problem.code == "connection_exists"
    assert await store.connections.of(northwind.number) == [mine]
    assert await store.connections.of(outsider.number) == [theirs]


@pytest.mark.conformance("MUST 48")
async def test_another_organization_sees_and_changes_nothing(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine = await store.connections.add(northwind.number, config(), "1")
    assert await store.connections.by_number(outsider.number, mine.number) is None
    assert await store.connections.by_name(outsider.number, "northwind") is None
    assert await store.connections.replace(Connection(outsider.number, mine.number, FULL, "stolen")) is False
    assert await store.connections.by_number(northwind.number, mine.number) == mine


async def test_a_connection_is_replaced(store: Store, northwind: Organization) -> None:
    mine = await store.connections.add(northwind.number, config(), "1")
    changed = Connection(northwind.number, mine.number, FULL, "2")
    assert await store.connections.replace(changed) is True
    assert await store.connections.by_number(northwind.number, mine.number) == changed
    assert await store.connections.by_name(northwind.number, "northwind") is None
    unknown = Connection(northwind.number, ConnectionNumber(mine.number + 1), config(), "3")
    assert await store.connections.replace(unknown) is False


async def test_a_connection_does_not_take_the_name_of_another(store: Store, northwind: Organization) -> None:
    one = await store.connections.add(northwind.number, config("one"), "1")
    two = await store.connections.add(northwind.number, config("two"), "2")
    with pytest.raises(LocalError) as raised:
        await store.connections.replace(Connection(northwind.number, two.number, config("one"), "3"))
    assert raised.value.problem.code == "connection_exists"
    assert raised.value.__context__ is None
    assert await store.connections.of(northwind.number) == [one, two]


async def test_both_secrets_and_their_times_come_back(store: Store, northwind: Organization) -> None:
    mine = await store.connections.add(northwind.number, config(), "1", 100)
    assert mine.secret_added_at == 100
    two = replace(
        mine, sealed_secret="2", secret_added_at=200, previous_sealed_secret="1", previous_secret_added_at=100
    )
    assert await store.connections.replace(two) is True
    assert await store.connections.by_number(northwind.number, mine.number) == two
    assert "'1'" not in repr(two)
    assert "'2'" not in repr(two)


async def test_the_time_at_which_a_connection_became_another_one_comes_back(
    store: Store, northwind: Organization
) -> None:
    mine = await store.connections.add(northwind.number, config(), "1", 100)
    assert mine.identity_changed_at is None
    assert await store.connections.by_number(northwind.number, mine.number) == mine
    moved = await store.connections.change(
        northwind.number, "northwind", lambda kept: replace(kept, identity_changed_at=2**33)
    )
    assert moved == replace(mine, identity_changed_at=2**33)
    assert await store.connections.of(northwind.number) == [moved]
    assert await store.connections.replace(mine) is True
    assert await store.connections.by_name(northwind.number, "northwind") == mine


async def test_a_connection_from_before_a_rule_is_still_read(store: Store, northwind: Organization) -> None:
    """What today's rules refuse was kept by an older program: it, and all beside it, can be read and used."""
    mine = await store.connections.add(northwind.number, config(), "1")
    other = await store.connections.add(northwind.number, config("other"), "2")
    kept = json.loads(mine.config.model_dump_json()) | {
        "extra_parameters": {"max_age": "60"},
        "dpop": True,
        "rest": {"url": "https://api.example.com/me", "bearer": "form"},
    }
    older = update(table).where(table.c.number == mine.number).values(config=json.dumps(kept))
    await store.commits.write(lambda database: database.execute(older).rowcount)
    for read in (
        await store.connections.by_name(northwind.number, "northwind"),
        await store.connections.by_number(northwind.number, mine.number),
        next(one for one in await store.connections.of(northwind.number) if one != other),
        await store.connections.change(northwind.number, "northwind", lambda one: replace(one, sealed_secret="3")),
        await store.connections.by_name(northwind.number, "northwind"),
    ):
        assert read is not None
        assert (read.config.max_age, read.config.extra_parameters, read.config.dpop) == (60, {}, True)


async def test_a_change_is_made_with_nobody_in_between(shared_url: str) -> None:
    """Two processes, each of which reads and changes: no change is lost."""
    stores = [Store.open(shared_url) for _ in range(2)]
    try:
        for store in stores:
            await store.start()
        mine = await stores[0].organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
        await stores[0].connections.add(mine.number, config(), "", 0)

        def longer(kept: Connection) -> Connection:
            return replace(kept, secret_added_at=(kept.secret_added_at or 0) + 1)

        await asyncio.gather(
            *(store.connections.change(mine.number, "northwind", longer) for store in stores for _ in range(20))
        )
        kept = await stores[0].connections.by_name(mine.number, "northwind")
    finally:
        for store in stores:
            await store.stop()
    assert kept is not None
    assert kept.secret_added_at == 40


async def test_a_change_that_is_refused_changes_nothing(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine = await store.connections.add(northwind.number, config(), "1")

    def refuse(kept: Connection) -> Connection:
        raise LocalError(Problem(Kind.CONFLICT, "no", "No."))

    with pytest.raises(LocalError, match=r"No\."):
        await store.connections.change(northwind.number, "northwind", refuse)
    for organization, name in ((outsider, "northwind"), (northwind, "other"), (northwind, "north\0wind")):
        assert (
            await store.connections.change(organization.number, name, lambda kept: replace(kept, config=FULL)) is None
        )
    assert await store.connections.of(northwind.number) == [mine]


async def test_a_connection_is_removed_by_its_organization_alone(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    mine = await store.connections.add(northwind.number, config(), "1")
    for organization, name in ((outsider, "northwind"), (northwind, "other"), (northwind, "north\0wind")):
        assert await store.connections.remove(organization.number, name) is False
        assert await store.connections.by_name(organization.number, name + "-") is None
    assert await store.connections.by_name(northwind.number, "north\0wind") is None
    assert await store.connections.remove(northwind.number, "northwind") is True
    assert await store.connections.remove(northwind.number, "northwind") is False
    again = await store.connections.add(northwind.number, config(), "1")
    assert again.number > mine.number  # a state that names the old one never means the new one


async def test_the_numbers_end_where_the_state_has_no_more_room(store: Store, northwind: Organization) -> None:
    await store.connections.add(northwind.number, config("one"), "1")
    statement = allocation.update().where(allocation.c.kind == "connection").values(latest=GREATEST["connection"] - 1)
    await store.commits.write(lambda connection: connection.execute(statement).rowcount)
    last = await store.connections.add(northwind.number, config("two"), "2")
    assert last.number == 2**24 - 1
    with pytest.raises(LocalError) as raised:
        await store.connections.add(northwind.number, config("three"), "3")
    assert raised.value.problem.code == "numbers_exhausted"

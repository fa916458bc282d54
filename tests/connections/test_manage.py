"""Setting up a connection: every address is checked, the secret is sealed for its organization alone."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from entracte.connections.client_secrets import KeptSecret, Place, client_of, seal_secret, secrets_of
from entracte.connections.manage import (
    add,
    add_secret,
    attributes,
    configure,
    discover,
    from_metadata,
    named,
    read_config,
    reconfigure,
    remove,
    remove_secret,
    replace_or_add,
)
from entracte.connections.model import Connection, ConnectionConfig
from entracte.errors import LocalError
from entracte.fetch import Fetcher, OutboundAllow
from entracte.organizations.model import Brand
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.protocol.metadata import Metadata, read_metadata
from entracte.protocol.seal import SealKeys
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret
from tests.misbehaving_provider import MisbehavingProvider

KEYS = SealKeys(2, {2: b"2" * 32, 1: b"1" * 32})
ENDPOINTS = {
    "name": "northwind",
    "title": "Northwind",
    "client_id": "us",
    "issuer": "https://login.example",
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": "https://login.example/token",
    "jwks_uri": "https://login.example/jwks",
}


def never(host: str) -> bool:
    return False


def config(**changes: Any) -> ConnectionConfig:
    return read_config({**ENDPOINTS, **changes}, never)


@pytest.mark.parametrize(
    "address",
    [
        "http://login.example/x",
        "https://user:password@login.example/x",
        "https://login.example/x#fragment",
        "https:///x",
        "ftp://login.example/x",
        "https://login.example/\nx",
        "https://[not-an-ip]/",
        "login.example",
    ],
)
@pytest.mark.parametrize(
    "place", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "issuer"]
)
def test_an_address_that_can_not_be_used(place: str, address: str) -> None:
    """MUST 37, BAD 29: told at the command, naming the place."""
    with pytest.raises(LocalError) as refused:
        config(**{place: address})
    assert refused.value.problem.code == "connection_address"
    assert refused.value.problem.where == place
    assert "password" not in str(refused.value)


def test_the_rest_address_is_checked_too() -> None:
    with pytest.raises(LocalError) as refused:
        config(profile_source="rest", rest={"url": "http://api.example/me"})
    assert refused.value.problem.where == "rest.url"


def test_http_for_hosts_that_the_operator_named() -> None:
    given = {name: value.replace("https://login.example", "http://localhost:9000") for name, value in ENDPOINTS.items()}
    assert read_config(given, lambda host: host == "localhost").issuer == "http://localhost:9000"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"colour": "red"}, "colour"),
        ({"authentication": "password"}, "authentication"),
        ({"claims": {"email": {"paths": 7}}}, "claims.email.paths"),
        ({"extra_parameters": {"state": "mine"}}, ""),
        ({"jwks_uri": ""}, ""),
        ({"profile_source": "userinfo"}, ""),
        ({"profile_source": "rest"}, ""),
        ({"profile_source": "access_token"}, ""),
        ({"scopes": ["profile"]}, ""),
    ],
)
def test_a_setting_that_is_wrong_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(LocalError) as refused:
        config(**changes)
    assert refused.value.problem.code == "connection_setting_malformed"
    assert refused.value.problem.where.startswith(where)


@pytest.mark.parametrize(
    ("query", "extra"), [("client_id=x", {}), ("state=x", {}), ("acr_values=a", {"acr_values": "b"})]
)
def test_no_parameter_twice(query: str, extra: dict[str, str]) -> None:
    with pytest.raises(LocalError) as refused:
        config(authorization_endpoint=f"https://login.example/authorize?{query}", extra_parameters=extra)
    assert refused.value.problem.code in ("connection_parameter_twice", "connection_address")


def metadata(*algorithms: str) -> Metadata:
    document = {
        "issuer": "https://a.example",
        "authorization_endpoint": "https://a.example/a",
        "token_endpoint": "https://a.example/t",
        "jwks_uri": "https://a.example/j",
        "id_token_signing_alg_values_supported": algorithms,
    }
    answer = HttpResponse(200, {"content-type": "application/json"}, json.dumps(document).encode())
    return read_metadata(answer, "https://a.example")


def test_one_algorithm_is_chosen_and_never_none() -> None:
    """MUST 19: the connection has an allow-list of its own."""
    assert from_metadata(metadata("none", "HS256", "ES256", "RS256"))["id_token_algorithms"] == ("RS256",)
    assert from_metadata(metadata("PS256", "ES256"))["id_token_algorithms"] == ("ES256",)
    with pytest.raises(LocalError) as refused:
        from_metadata(metadata("none", "HS256"))
    assert refused.value.problem.code == "connection_algorithm"


async def test_discovery_over_real_sockets() -> None:
    fetcher = Fetcher(OutboundAllow.parse("127.0.0.1"))
    await fetcher.start()
    try:
        async with MisbehavingProvider() as provider:
            found = await discover(provider.issuer, fetcher, fetcher.insecure_allowed)
            assert found.issuer == provider.issuer
            assert found.issuer_in_response
            provider.misbehaviour = "discovery_wrong_issuer"
            with pytest.raises(Refused) as refused:
                await discover(provider.issuer, fetcher, fetcher.insecure_allowed)
            assert refused.value.reason is Reason.METADATA_ISSUER
    finally:
        await fetcher.stop()


@pytest.mark.conformance("MUST 49", "MUST 51")
def test_a_secret_opens_for_its_organization_alone() -> None:
    """MUST 51; an older key still opens."""
    sealed = seal_secret(Secret("told once"), OrganizationNumber(1), SealKeys(1, {1: b"1" * 32}))
    connection = Connection(OrganizationNumber(1), 5, config(), sealed)  # type: ignore[arg-type]
    assert client_of(connection, KEYS).client_secret == Secret("told once")
    assert "told once" not in repr(connection) + repr(client_of(connection, KEYS))
    with pytest.raises(Refused):
        client_of(replace(connection, organization=OrganizationNumber(2)), KEYS)


async def test_replacing_keeps_the_number() -> None:
    store = Store.open("sqlite://")
    await store.start()
    try:
        owner = await store.organizations.add("northwind", "Northwind", Brand(), "sealed")
        first = await add(store.connections, owner.number, config(), Secret("one"), KEYS)
        second = await replace_or_add(store.connections, owner.number, config(title="New"), Secret("two"), KEYS, 200)
        assert second.number == first.number
        kept = await store.connections.by_name(owner.number, "northwind")
        assert kept is not None
        assert kept.config.title == "New"
        assert client_of(kept, KEYS).client_secret == Secret("two")
        third = await replace_or_add(store.connections, owner.number, config(name="other"), Secret("three"), KEYS, 300)
        assert third.number != first.number
    finally:
        await store.stop()


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store.open("sqlite://")
    await opened.start()
    yield opened
    await opened.stop()


async def organization(store: Store, name: str = "northwind") -> OrganizationNumber:
    return (await store.organizations.add(name, name.title(), Brand(), "sealed")).number


async def test_replacing_leaves_one_secret(store: Store) -> None:
    owner = await organization(store)
    await add(store.connections, owner, config(), Secret("one"), KEYS, 100)
    await add_secret(store.connections, owner, "northwind", Secret("two"), KEYS, 200)
    replaced = await replace_or_add(store.connections, owner, config(), Secret("three"), KEYS, 300)
    assert secrets_of(replaced) == (KeptSecret(Place.CURRENT, 300),)
    assert await named(store.connections, owner, "northwind") == replaced


async def test_another_configuration_keeps_number_and_secrets(store: Store) -> None:
    owner = await organization(store)
    added = await add(store.connections, owner, config(), Secret("one"), KEYS, 100)
    changed = await reconfigure(store.connections, owner, config(title="New"), KEYS, 5)
    assert changed == replace(added, config=config(title="New"))
    assert await named(store.connections, owner, "northwind") == changed


async def test_secrets_are_added_and_removed(store: Store) -> None:
    owner = await organization(store)
    await add(store.connections, owner, config(), Secret("one"), KEYS, 100)
    two = await add_secret(store.connections, owner, "northwind", Secret("two"), KEYS, 200)
    assert client_of(two, KEYS).client_secret == Secret("two")
    with pytest.raises(LocalError, match="connection_secrets_full"):
        await add_secret(store.connections, owner, "northwind", Secret("three"), KEYS, 300)
    assert await named(store.connections, owner, "northwind") == two
    with pytest.raises(LocalError, match="connection_secret_malformed"):
        await add_secret(store.connections, owner, "northwind", Secret(""), KEYS, 300, replace_previous=True)
    await add_secret(store.connections, owner, "northwind", Secret("three"), KEYS, 300, replace_previous=True)
    one = await remove_secret(store.connections, owner, "northwind", Place.CURRENT)
    assert secrets_of(one) == (KeptSecret(Place.CURRENT, 200),)
    assert await attributes(store.connections, owner) == {"northwind": set(config().claims)}


async def test_a_connection_in_use_is_not_removed(store: Store) -> None:
    owner = await organization(store)
    added = await add(store.connections, owner, config(), Secret("one"), KEYS)
    with pytest.raises(LocalError, match=r"a, b.*connection_in_use"):
        await remove(store.connections, owner, "northwind", ["b", "a"])
    assert await named(store.connections, owner, "northwind") == added
    await remove(store.connections, owner, "northwind", [])
    assert await store.connections.of(owner) == []


@pytest.mark.conformance("MUST 48")
async def test_another_organization_finds_no_connection(store: Store) -> None:
    owner, charlie = await organization(store), await organization(store, "contoso")
    added = await add(store.connections, owner, config(), Secret("one"), KEYS)
    for refused in (
        named(store.connections, charlie, "northwind"),
        reconfigure(store.connections, charlie, config(title="Stolen"), KEYS, 5),
        remove(store.connections, charlie, "northwind", []),
        add_secret(store.connections, charlie, "northwind", Secret("x"), KEYS, 1),
        remove_secret(store.connections, charlie, "northwind", Place.CURRENT),
    ):
        with pytest.raises(LocalError, match=r"There is no connection northwind\. \[connection_unknown\]"):
            await refused
    assert await named(store.connections, owner, "northwind") == added


async def no_network(request: HttpRequest) -> HttpResponse:
    raise AssertionError("nothing is asked for")


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({}, "id_token"),
        ({"scopes": ["profile"], "userinfo_endpoint": "https://login.example/u"}, "userinfo"),
        ({"issuer": "", "userinfo_endpoint": "https://login.example/u"}, "userinfo"),
        ({"issuer": "", "rest": {"url": "https://api.example/me"}}, "rest"),
        ({"profile_source": "userinfo", "userinfo_endpoint": "https://login.example/u"}, "userinfo"),
    ],
)
async def test_the_profile_comes_from_what_there_is(changes: dict[str, Any], source: str) -> None:
    found = await configure({**ENDPOINTS, **changes}, no_network, never, discovery=False)
    assert found.profile_source.value == source


async def test_discovery_fills_in_what_was_not_given() -> None:
    fetcher = Fetcher(OutboundAllow.parse("127.0.0.1"))
    await fetcher.start()
    try:
        async with MisbehavingProvider() as provider:
            given = {"name": "northwind", "title": "Northwind", "client_id": "us", "issuer": provider.issuer}
            given["userinfo_endpoint"] = "https://login.example/u"
            found = await configure(given, fetcher, fetcher.insecure_allowed)
    finally:
        await fetcher.stop()
    assert found.token_endpoint == f"{provider.issuer}/token"
    assert found.userinfo_endpoint == "https://login.example/u"


@pytest.mark.parametrize(
    ("supported", "chosen"),
    [
        (None, "client_secret_basic"),
        (["client_secret_post", "client_secret_basic"], "client_secret_basic"),
        (["private_key_jwt", "client_secret_post"], "client_secret_post"),
        (["private_key_jwt"], "private_key_jwt"),
        (["tls_client_auth"], "client_secret_basic"),
    ],
)
def test_the_client_proves_itself_as_the_server_can(supported: list[str] | None, chosen: str) -> None:
    """OpenID Connect Discovery section 3, `token_endpoint_auth_methods_supported`."""
    document = {name: value for name, value in ENDPOINTS.items() if name not in ("name", "title", "client_id")}
    told = document if supported is None else {**document, "token_endpoint_auth_methods_supported": supported}
    answer = HttpResponse(200, {"content-type": "application/json"}, json.dumps(told).encode())
    given = from_metadata(read_metadata(answer, ENDPOINTS["issuer"]))
    assert config(**given).authentication.value == chosen

"""A client secret that we make ourselves, as Apple wants it: the key that is kept in its place, and whole sign-ins at a
server that checks every member of it with another library than ours."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from entracte.connections.client_secrets import (
    Place,
    check_secret,
    client_of,
    previous_client_of,
    reseal,
    seal_secret,
    secret_of,
    secrets_of,
)
from entracte.connections.made_secret import key_of
from entracte.connections.manage import add, add_secret, named, reconfigure, remove_secret
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.presets import settings_of_preset
from entracte.connections.server import Server
from entracte.errors import LocalError
from entracte.organizations.model import Brand
from entracte.protocol.client_auth import SECRET_AGE, ClientAuthentication
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret
from tests.connections.relying import KEYS, Relying
from tests.misbehaving_provider import MisbehavingProvider, SigningKey

TEAM = "DEF123GHIJ"
APPLE = "https://appleid.apple.com"
OLD, NEW = SigningKey(70, "ES256"), SigningKey(71, "ES256")
CONFIG = ConnectionConfig(
    name="apple",
    title="Apple",
    client_id="com.northwind.play",
    authorization_endpoint="https://login.example/a",
    token_endpoint="https://login.example/t",
    userinfo_endpoint="https://login.example/u",
    profile_source="userinfo",
    authentication="client_secret_post",
    made_secret={"issuer": TEAM, "audience": APPLE},
)
PLAIN = CONFIG.model_copy(update={"made_secret": None})


def file_of(key: SigningKey, identifier: str = "") -> Secret:
    """The secret that a member gives: the key's identifier, and its file."""
    return Secret(f"{identifier or key.kid}\n{key.private_pem()}")


# The key


@pytest.mark.parametrize("text", [
    f"ABC123DEFG\n{OLD.private_pem()}", f"  ABC123DEFG \r\n\r\n{OLD.private_pem()}\n\n",
    f"ABC123DEFG {OLD.private_pem()}", f"ABC123DEFG\n{OLD.private_pem()}".replace("\n", "\r\n"),
])  # fmt: skip
def test_the_identifier_goes_before_the_key(text: str) -> None:
    key = key_of(check_secret(Secret(text), CONFIG))
    assert (key.kid, key.algorithm) == ("ABC123DEFG", "ES256")
    assert key.key.as_dict(private=False)["x"] == OLD.jwk()["x"]
    assert key_of(Secret(text)) is key, "it is read once"


NO_KEYS: dict[str, str] = {
    "no identifier": OLD.private_pem(),
    "two words": f"my key\n{OLD.private_pem()}",
    "an odd identifier": f"k\u00e9y\n{OLD.private_pem()}",
    "a long identifier": "k" * 101 + OLD.private_pem(),
    "a secret": "s3cret/+:%&-of-a-server",
    "the identifier alone": "ABC123DEFG",
    "the public key": f"ABC123DEFG\n{OLD.pem().decode()}",
    "another curve": f"ABC123DEFG\n{SigningKey(70, 'ES384').private_pem()}",
    "RSA": f"ABC123DEFG\n{SigningKey(70, 'RS256').private_pem()}",
    "cut off": f"ABC123DEFG\n{OLD.private_pem()[:120]}",
    "half a character": f"ABC123DEFG\n-----BEGIN \ud800{OLD.private_pem()[10:]}",
}


@pytest.mark.conformance("MUST 53")
@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_key_is_refused_without_telling_it(kind: str) -> None:
    with pytest.raises(LocalError) as raised:
        check_secret(Secret(NO_KEYS[kind]), CONFIG)
    problem = raised.value.problem
    assert (problem.code, problem.where) == ("connection_secret_no_key", "client_secret")
    assert not any(line in str(raised.value) for line in NO_KEYS[kind].split("\n") if line)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("text", ["", " \n ", f"ABC\n{OLD.private_pem()}" + "x" * 2000])
def test_what_is_no_secret_at_all_is_refused_as_ever(text: str) -> None:
    with pytest.raises(LocalError, match="connection_secret_malformed"):
        check_secret(Secret(text), CONFIG)


def test_where_no_secret_is_made_a_key_is_none() -> None:
    with pytest.raises(LocalError, match="connection_secret_malformed"):
        check_secret(file_of(OLD), PLAIN)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"authentication": "client_secret_jwt", "assertion_audience": APPLE}, "made_secret goes with"),
        ({"authentication": "none"}, "made_secret goes with"),
        ({"id_token_algorithms": ["HS256"]}, "HS algorithms exclude"),
        ({"made_secret": {"issuer": "", "audience": APPLE}}, "issuer"),
        ({"made_secret": {"issuer": TEAM}}, "audience"),
        ({"made_secret": {"issuer": TEAM, "audience": APPLE, "key_id": "ABC"}}, "key_id"),
    ],
)
def test_what_contradicts_it(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ConnectionConfig.model_validate({**CONFIG.model_dump(), **changes})


# Kept


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store.open("sqlite://")
    await opened.start()
    yield opened
    await opened.stop()


async def organization(store: Store) -> OrganizationNumber:
    return (await store.organizations.add("northwind", "Northwind", Brand(), "sealed")).number


def key_ids(connection: Connection, keys: SealKeys = KEYS) -> list[str]:
    """Under which identifiers it proves itself: now, and where that is not taken."""
    clients = [client_of(connection, keys), previous_client_of(connection, keys)]
    return [client.signed_secret.key.kid for client in clients if client is not None and client.signed_secret]


@pytest.mark.conformance("MUST 51")
async def test_two_keys_are_kept_each_with_its_identifier(store: Store) -> None:
    owner, connections = await organization(store), store.connections
    await add(connections, owner, CONFIG, file_of(OLD), KEYS, 100)
    two = await add_secret(connections, owner, "apple", file_of(NEW), KEYS, 200)
    assert key_ids(two) == [NEW.kid, OLD.kid]
    assert [one.place for one in secrets_of(two)] == [Place.CURRENT, Place.PREVIOUS]
    both, alone = SealKeys(2, {**KEYS.by_number, 2: b"2" * 32}), SealKeys(2, {2: b"2" * 32})
    assert key_ids(reseal(two, both), alone) == [NEW.kid, OLD.kid]
    assert key_ids(await remove_secret(connections, owner, "apple", Place.CURRENT)) == [OLD.kid]
    with pytest.raises(LocalError, match="connection_secret_no_key"):
        await add_secret(connections, owner, "apple", Secret("a secret of a server"), KEYS, 300)
    with pytest.raises(LocalError, match="connection_secret_missing"):
        await add(connections, owner, CONFIG.model_copy(update={"name": "other"}), Secret(""), KEYS, 100)
    assert key_ids(await named(connections, owner, "apple")) == [OLD.kid]


@pytest.mark.conformance("MUST 51")
async def test_the_key_is_told_to_nobody(store: Store) -> None:
    """Nor is it the secret that a MAC is checked with, or that a registration is minded with."""
    owner = await organization(store)
    kept = await add(store.connections, owner, CONFIG, file_of(OLD), KEYS, 100)
    client = client_of(kept, KEYS)
    assert client.client_secret == secret_of(kept, KEYS) == Secret("")
    assert OLD.private_pem().split("\n")[1] not in repr(client) + repr(kept)


async def test_a_key_never_becomes_a_secret_nor_a_secret_a_key(store: Store) -> None:
    owner, connections = await organization(store), store.connections
    await add(connections, owner, CONFIG, file_of(OLD), KEYS, 100)
    await add_secret(connections, owner, "apple", file_of(NEW), KEYS, 200)
    for config, good, bad in ((PLAIN, Secret("told by a server"), file_of(NEW)),
                              (CONFIG, file_of(OLD), Secret("told by a server"))):  # fmt: skip
        with pytest.raises(LocalError, match="connection_secret_missing"):
            await reconfigure(connections, owner, config, KEYS, 300)
        with pytest.raises(LocalError, match=r"connection_secret_(malformed|no_key)"):
            await reconfigure(connections, owner, config, KEYS, 300, secret=bad)
        changed = await reconfigure(connections, owner, config, KEYS, 300, secret=good)
        assert [one.place for one in secrets_of(changed)] == [Place.CURRENT]
        assert previous_client_of(changed, KEYS) is None
    assert key_ids(changed) == [OLD.kid]
    other = CONFIG.model_copy(update={"title": "Apple ID"})
    assert key_ids(await reconfigure(connections, owner, other, KEYS, 400)) == [OLD.kid]
    assert key_ids(await reconfigure(connections, owner, other, KEYS, 400, secret=file_of(NEW))) == [NEW.kid, OLD.kid]


def test_without_a_key_there_is_no_secret() -> None:
    """As after a registration: a server is told an empty one, and refuses it."""
    client = client_of(Connection(OrganizationNumber(1), 5, CONFIG, ""), KEYS)  # type: ignore[arg-type]
    assert (client.client_secret, client.signed_secret) == (Secret(""), None)


# Whole sign-ins


def at_apple(relying: Relying, *keys: SigningKey, **made: str) -> Connection:
    """A connection by the preset, at a server that knows `keys` and is as strict as Apple says it is."""
    provider = relying.provider
    provider.authentication = "client_secret_post"
    provider.secret_keys = [key.jwk() for key in keys]
    provider.secret_issuer, provider.secret_audience = TEAM, APPLE
    settings = settings_of_preset("apple", {"team_id": TEAM})
    provider.client_secret = file_of(OLD).reveal()
    given = {**settings, "issuer": provider.issuer, "made_secret": {**settings["made_secret"], **made}}
    return relying.connection(**given)


async def test_a_sign_in_with_a_secret_of_our_own_making(relying: Relying) -> None:
    connection = at_apple(relying, OLD)
    signed_in = await relying.sign_in(connection)
    assert signed_in.mapped.attributes["email"] == "ada@northwind.example"
    [call] = relying.provider.calls("/token")
    assert "authorization" not in call.headers
    assert call.form["client_id"] == relying.provider.client_id
    assert call.form["client_secret"].count(".") == 2
    await relying.sign_in(connection)
    first, second = (call.form["client_secret"] for call in relying.provider.calls("/token"))
    assert first != second, "it is made afresh"


async def test_it_may_go_by_http_basic_too(relying: Relying) -> None:
    connection = at_apple(relying, OLD)
    relying.provider.authentication = "client_secret_basic"
    config = connection.config.model_copy(update={"authentication": ClientAuthentication.BASIC})
    await relying.sign_in(replace(connection, config=config))
    [call] = relying.provider.calls("/token")
    assert call.headers["authorization"].startswith("Basic ")


class Late(Relying):
    """With a clock that is behind by more than a secret lives."""

    def server(self, connection: Connection, providers: Any = None) -> Server:
        server = super().server(connection, providers)
        return replace(server, now=server.now - SECRET_AGE - 1)


WRONG = ["identifier", "key", "team", "audience", "client", "clock"]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_server_refuses_a_secret_that_is_not_right(relying: Relying, wrong: str) -> None:
    """What the checks of the server are worth: each of them refuses what is wrong in this one way."""
    made = {"team": {"issuer": "XYZ123GHIJ"}, "audience": {"audience": "https://appleid.apple.com/"}}
    connection = at_apple(relying, OLD, **made.get(wrong, {}))
    kept = {"identifier": file_of(OLD, "ABC123DEFG"), "key": file_of(NEW, OLD.kid)}.get(wrong)
    if kept is not None:
        connection = replace(connection, sealed_secret=seal_secret(kept, connection.organization, KEYS))
    if wrong == "client":
        relying.provider.registered["another"] = replace(relying.provider.own_client(), id="com.northwind.other")
        config = connection.config.model_copy(update={"client_id": "another"})
        connection = replace(connection, config=config)
    sides = Late(relying.provider, relying.fetcher) if wrong == "clock" else relying
    with pytest.raises(Refused) as refused:
        await sides.sign_in(connection)
    assert refused.value.reason is Reason.CLIENT_REFUSED
    assert set(relying.paths()) == {"/authorize", "/token"}


@pytest.mark.conformance("MUST 51")
@pytest.mark.parametrize("known", [[NEW], [OLD], [OLD, NEW], []])
async def test_a_key_gives_way_to_the_next_without_a_moment_with_none(
    relying: Relying, known: list[SigningKey]
) -> None:
    connection = at_apple(relying, *(known or [SigningKey(72, "ES256")]))
    two = replace(
        connection,
        sealed_secret=seal_secret(file_of(NEW), connection.organization, KEYS),
        previous_sealed_secret=connection.sealed_secret,
    )
    if not known:
        with pytest.raises(Refused):
            await relying.sign_in(two)
    else:
        await relying.sign_in(two)
    assert len(relying.provider.calls("/token")) == (1 if NEW in known else 2)


async def test_a_provider_that_makes_its_own_way_is_a_real_one(relying: Relying) -> None:
    """The secret that was given out is none at such a server."""
    provider: MisbehavingProvider = relying.provider
    connection = at_apple(relying, OLD)
    config = connection.config.model_copy(update={"made_secret": None})
    plain = replace(
        connection, config=config, sealed_secret=seal_secret(Secret("s3cret"), connection.organization, KEYS)
    )
    provider.client_secret = "s3cret"
    with pytest.raises(Refused) as refused:
        await relying.sign_in(plain)
    assert refused.value.reason is Reason.CLIENT_REFUSED

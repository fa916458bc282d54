"""Registering ourselves at a server, and minding that registration: over real sockets, kept in a real store."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from entracte.connections.client_metadata import Ourselves
from entracte.connections.client_secrets import (
    Place,
    client_of,
    registration_token_of,
    reseal,
    secret_of,
    secrets_of,
)
from entracte.connections.manage import add_secret, named, reconfigure
from entracte.connections.model import Connection
from entracte.connections.registration import (
    UNREGISTERED,
    Way,
    Where,
    read,
    register,
    register_kept,
    unregister,
    update,
)
from entracte.errors import EntracteError, LocalError
from entracte.organizations.model import Brand
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret
from tests.connections.relying import KEYS, Relying, relying_on
from tests.misbehaving_provider import MisbehavingProvider, SigningKey

NOW = 1_800_000_000
YEAR = 365 * 86_400
OURSELVES = Ourselves("Northwind Radio", "https://play.example", ("it@northwind.example",))
NAMED = {"name": "northwind", "title": "Northwind"}


@dataclass
class Town:
    """A store with an organization, and a server that registers."""

    store: Store
    owner: OrganizationNumber
    relying: Relying

    @property
    def provider(self) -> MisbehavingProvider:
        return self.relying.provider

    @property
    def way(self) -> Way:
        return Way(self.relying.fetcher, self.relying.fetcher.insecure_allowed, NOW)

    async def register(self, ourselves: Ourselves = OURSELVES, where: Where | None = None, **given: Any) -> Connection:
        settings = {**NAMED, "issuer": self.provider.issuer, **given}
        connections = self.store.connections
        return await register(connections, self.owner, settings, ourselves, self.way, KEYS, where or Where())

    async def kept(self, name: str = "northwind") -> Connection:
        return await named(self.store.connections, self.owner, name)

    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.provider.requests]


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Store, OrganizationNumber]]:
    store = Store.open("sqlite://")
    await store.start()
    try:
        yield store, (await store.organizations.add("northwind", "Northwind Radio", Brand(), "sealed")).number
    finally:
        await store.stop()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with opened() as (store, owner), relying_on(MisbehavingProvider(announces=True)) as relying:
        yield Town(store, owner, relying)


@pytest.mark.conformance("dynamic-registration")
async def test_who_registers_can_sign_in(town: Town) -> None:
    """The client ID and the secret of the answer are used, and nothing of another client."""
    kept = await town.register(profile_source="userinfo")
    assert kept == await town.kept()
    assert kept.config.client_id in town.provider.registered
    client = town.provider.registered[kept.config.client_id]
    assert secret_of(kept, KEYS) == Secret(client.secret)
    signed_in = await town.relying.sign_in(kept)
    assert signed_in.mapped.attributes["email"] == "ada@northwind.example"


@pytest.mark.conformance("dynamic-registration")
async def test_what_a_server_is_told(town: Town) -> None:
    """At least one contact and valid addresses (RFC 7591 section 2); nothing that the settings do not say."""
    town.provider.metadata = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    kept = await town.register(single_logout=True)
    told = town.provider.registered[kept.config.client_id].metadata
    own = f"https://play.example/oauth/clients/{kept.organization}-{kept.number}"
    expected = {
        "redirect_uris": ["https://play.example/oauth/callback"],
        "contacts": ["it@northwind.example"],
        "client_name": "Northwind Radio",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks_uri": f"{own}/jwks",
        "initiate_login_uri": f"{own}/initiate-login",
        "backchannel_logout_uri": f"{own}/back-channel-logout",
        "frontchannel_logout_uri": f"{own}/front-channel-logout",
        "backchannel_logout_session_required": True,
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "id_token_signed_response_alg": "RS256",
        "scope": "openid profile email",
    }
    assert {name: told.get(name) for name in expected} == expected
    assert "dpop_bound_access_tokens" not in told
    assert not secrets_of(kept)
    assert kept.own_keys


async def test_a_profile_tells_how_strict_the_server_shall_be(town: Town) -> None:
    town.provider.metadata = {
        "id_token_signing_alg_values_supported": ["PS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "pushed_authorization_request_endpoint": f"{town.provider.issuer}/par",
        "dpop_signing_alg_values_supported": ["ES256"],
    }
    kept = await town.register(profile="fapi2-message-signing")
    told = town.provider.registered[kept.config.client_id].metadata
    assert {name: told.get(name) for name in (
        "dpop_bound_access_tokens", "require_pushed_authorization_requests", "require_signed_request_object",
        "request_object_signing_alg", "authorization_signed_response_alg", "token_endpoint_auth_signing_alg",
    )} == {
        "dpop_bound_access_tokens": True, "require_pushed_authorization_requests": True,
        "require_signed_request_object": True, "request_object_signing_alg": "ES256",
        "authorization_signed_response_alg": "ES256", "token_endpoint_auth_signing_alg": "ES256",
    }  # fmt: skip


async def test_an_initial_access_token_is_shown_and_not_kept(town: Town) -> None:
    town.provider.initial_access_token = "given by the server's people"
    with pytest.raises(Refused) as refused:
        await town.register()
    assert refused.value.reason is Reason.REGISTRATION_REFUSED
    kept = await town.register(where=Where(initial_access_token=Secret(town.provider.initial_access_token)))
    assert "given by" not in repr(kept)


@pytest.mark.conformance("dynamic-registration")
async def test_a_software_statement_goes_along_and_is_not_kept(town: Town) -> None:
    """RFC 7591 section 2.3."""
    town.provider.software_statement = "header.statement.signature"
    with pytest.raises(Refused) as refused:
        await town.register()
    assert (refused.value.reason, "unapproved" in refused.value.evidence) == (Reason.REGISTRATION_REFUSED, True)
    kept = await town.register(where=Where(software_statement=Secret(town.provider.software_statement)))
    assert "statement" not in repr(kept)


@pytest.mark.conformance("dynamic-registration")
async def test_without_a_contact_nobody_is_asked(town: Town) -> None:
    with pytest.raises(LocalError, match="registration_contact_missing"):
        await town.register(Ourselves("Northwind", "https://play.example"))
    with pytest.raises(LocalError, match="registration_issuer_missing"):
        await town.register(issuer="")
    assert town.paths() == []


@pytest.mark.parametrize(
    "misbehaviour",
    [
        "registration_other_redirect_uris", "registration_missing_secret", "registration_no_expiry_of_secret",
        "registration_expired_secret", "registration_weaker", "registration_other_authentication",
        "registration_foreign_management", "registration_internal_management",
    ],
)  # fmt: skip
async def test_a_registration_that_is_refused_leaves_no_connection(town: Town, misbehaviour: str) -> None:
    town.provider.misbehaviour = misbehaviour
    with pytest.raises(EntracteError):
        await town.register()
    assert await town.store.connections.of(town.owner) == []
    assert [path for path in town.paths() if not path.startswith(("GET /.well-known", "POST /register"))] == []


async def test_an_endpoint_elsewhere_has_to_be_named(town: Town) -> None:
    """MUST 47: an initial access token goes to the issuer's own origin, or where a member says."""
    elsewhere = town.provider.issuer.replace("127.0.0.1", "localhost") + "/register"
    town.provider.metadata = {"registration_endpoint": elsewhere}
    with pytest.raises(LocalError, match="registration_endpoint_elsewhere"):
        await town.register(where=Where(initial_access_token=Secret("theirs")))
    assert town.paths() == ["GET /.well-known/openid-configuration"]
    with pytest.raises(Refused):  # it manages at another host than it registers
        await town.register(where=Where(endpoint=elsewhere))
    town.provider.metadata = {"registration_endpoint": None}
    with pytest.raises(Refused) as refused:
        await town.register()
    assert refused.value.reason is Reason.METADATA_LACKS
    with pytest.raises(LocalError, match="connection_address"):
        await town.register(where=Where(endpoint="http://register.example/"))


async def test_a_name_that_is_taken_is_not_registered(town: Town) -> None:
    await town.register()
    count = len(town.provider.registered)
    with pytest.raises(LocalError, match="connection_exists"):
        await town.register()
    assert len(town.provider.registered) == count
    assert (await town.kept()).config.client_id != UNREGISTERED


async def test_a_kept_connection_is_registered_once(town: Town) -> None:
    connections = town.store.connections
    config = town.relying.connection().config
    await connections.add(town.owner, config, "", NOW)
    kept = await register_kept(connections, town.owner, "northwind", OURSELVES, town.way, KEYS, Where())
    assert kept.config.client_id in town.provider.registered
    assert secrets_of(kept)
    with pytest.raises(LocalError, match="registration_exists"):
        await register_kept(connections, town.owner, "northwind", OURSELVES, town.way, KEYS, Where())


async def test_a_registration_is_read_changed_and_ended(town: Town) -> None:
    """RFC 7592, with the access token that the server gave last."""
    connections = town.store.connections
    first = await town.register()
    assert first.registration is not None
    assert first.registration.client_uri.startswith(town.provider.issuer)
    _, registered = await read(
        connections, town.owner, "northwind", Ourselves("", "https://play.example"), town.way, KEYS
    )
    assert registered["contacts"] == ["it@northwind.example"]
    assert not {"client_secret", "registration_access_token"} & registered.keys()

    changed = first.config.model_copy(update={"scopes": ("openid", "email")})
    await reconfigure(connections, town.owner, changed, KEYS, NOW)
    second = await update(connections, town.owner, "northwind", OURSELVES, town.way, KEYS)
    assert town.provider.registered[second.config.client_id].metadata["scope"] == "openid email"
    assert registration_token_of(second, KEYS) != registration_token_of(first, KEYS)
    assert [one.place for one in secrets_of(second)] == [Place.CURRENT]

    third = await unregister(connections, town.owner, "northwind", town.relying.fetcher, KEYS)
    assert third.registration is None
    assert town.provider.registered == {}
    with pytest.raises(LocalError, match="registration_unmanaged"):
        await update(connections, town.owner, "northwind", OURSELVES, town.way, KEYS)


async def test_charlie_minds_no_registration_of_others(town: Town) -> None:
    await town.register()
    charlie = (await town.store.organizations.add("contoso", "Contoso", Brand(), "sealed")).number
    asked = len(town.provider.requests)
    connections = town.store.connections
    for trying in (
        read(connections, charlie, "northwind", OURSELVES, town.way, KEYS),
        update(connections, charlie, "northwind", OURSELVES, town.way, KEYS),
        unregister(connections, charlie, "northwind", town.relying.fetcher, KEYS),
        register_kept(connections, charlie, "northwind", OURSELVES, town.way, KEYS, Where()),
    ):
        with pytest.raises(LocalError, match="connection_unknown"):
            await trying
    assert len(town.provider.requests) == asked


async def test_what_opens_a_registration_is_sealed_for_its_organization(town: Town) -> None:
    """MUST 51; and it is sealed anew with the secrets."""
    kept = await town.register()
    token = registration_token_of(kept, KEYS)
    assert token.reveal() in town.provider.management_tokens.values()
    assert token.reveal() not in repr(kept)
    newer = SealKeys(2, {1: b"k" * 32, 2: b"n" * 32})
    again = reseal(kept, newer)
    assert again.registration != kept.registration
    assert registration_token_of(again, newer) == token
    with pytest.raises(Refused):
        registration_token_of(
            Connection(OrganizationNumber(99), kept.number, kept.config, "", registration=kept.registration), KEYS
        )


class SecretsThatEnd:
    """A server whose secrets end: each update gives the next one (RFC 7591 section 3.2.1)."""

    def __init__(self) -> None:
        self.number = 0
        self.issuer = ""

    def answer(self, told: dict[str, Any]) -> web.Response:
        self.number += 1
        ours = {name: value for name, value in told.items() if name != "client_secret"}
        return web.json_response({
            **ours, "client_id": "us", "client_secret": f"secret {self.number}",
            "client_secret_expires_at": NOW + self.number * YEAR,
            "registration_client_uri": f"{self.issuer}/me", "registration_access_token": f"token-{self.number}",
        })  # fmt: skip

    async def register(self, request: web.Request) -> web.Response:
        return self.answer(json.loads(await request.text()))

    async def manage(self, request: web.Request) -> web.Response:
        told = json.loads(await request.text())
        assert request.headers["Authorization"] == f"Bearer token-{self.number}"
        assert told["client_secret"] == f"secret {self.number}"
        return self.answer(told)

    async def metadata(self, request: web.Request) -> web.Response:
        return web.json_response({
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/a", "token_endpoint": f"{self.issuer}/t",
            "jwks_uri": f"{self.issuer}/j", "registration_endpoint": f"{self.issuer}/register",
        })  # fmt: skip


async def test_a_key_of_ours_is_not_told_in_a_registration(town: Town) -> None:
    """Where we make the secret ourselves, one that the server gives is for nothing, and ours is no secret of the server
    (RFC 7592 section 2.2: a client tells its secret when it changes its registration)."""
    key = SigningKey(64, "ES256")
    made = {"issuer": "a team", "audience": town.provider.issuer}
    town.provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    kept = await town.register(made_secret=made, authentication="client_secret_post")
    assert not secrets_of(kept)
    secret = Secret(f"{key.kid}\n{key.private_pem()}")
    await add_secret(town.store.connections, town.owner, "northwind", secret, KEYS, NOW)
    updated = await update(town.store.connections, town.owner, "northwind", OURSELVES, town.way, KEYS)
    assert [one.place for one in secrets_of(updated)] == [Place.CURRENT]
    assert client_of(updated, KEYS).signed_secret is not None
    sent = "".join(f"{call.form}{call.body!r}{call.headers}" for call in town.provider.requests)
    assert not any(line in sent for line in key.private_pem().splitlines())


async def test_a_secret_that_ends_is_renewed_in_time(town: Town) -> None:
    server, app = SecretsThatEnd(), web.Application()
    app.router.add_get("/.well-known/openid-configuration", server.metadata)
    app.router.add_post("/register", server.register)
    app.router.add_put("/me", server.manage)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        first = await town.register(issuer=server.issuer)
        second = await update(town.store.connections, town.owner, "northwind", OURSELVES, town.way, KEYS)
    finally:
        await runner.cleanup()
    assert first.registration is not None
    assert second.registration is not None
    assert first.registration.secret_expires_at == NOW + YEAR
    assert second.registration.secret_expires_at == NOW + 2 * YEAR
    assert second.registration.registered_at == NOW
    assert secret_of(second, KEYS) == Secret("secret 2")
    # the one before opens still, until the server takes the new one
    assert [one.place for one in secrets_of(second)] == [Place.CURRENT, Place.PREVIOUS]
    assert second == await town.kept()

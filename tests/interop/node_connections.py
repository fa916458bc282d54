"""Connections to npm's `oidc-provider`, made as the command and the REST API make them: from its metadata, with keys of
ours. The provider is told of each client what the connection says, and that nothing less will do."""

import functools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import Any

from entracte.campaigns.draft import read_draft
from entracte.campaigns.model import Definition
from entracte.connections import manage
from entracte.connections.addresses import addresses_of
from entracte.connections.client_metadata import Ourselves
from entracte.connections.configuration import configure
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.opened_keys import certificate_request
from entracte.connections.registration import Way, Where, read, register, unregister, update
from entracte.store.opened import Store
from entracte.values import Secret, now
from entracte.wiring import open_fetcher
from tests.installation import Installation
from tests.interop.certificates import Certificates, certified
from tests.interop.node_provider import NodeProvider, node_provider
from tests.interop.node_row import RESOURCE, Row
from tests.interop.participant import CAMPAIGN

CLIENT_SECRET = "a secret of the tests: 100 % nobody's + long enough for every MAC there is"
ENCRYPTED_AS = {"id_token": "id_token", "userinfo": "userinfo", "response": "authorization"}
"""What the provider calls that which it encrypts."""


@contextmanager
def connected(
    installation: Installation, rows: Mapping[str, Row], certificates: Certificates
) -> Iterator[Mapping[bool, NodeProvider]]:
    """Each row's connection and campaign, and the providers that they are at, by whether they speak TLS, as long as the
    block lasts. Rows that register themselves are not connected yet."""
    with ExitStack() as stack:
        providers = {
            https: stack.enter_context(
                node_provider(
                    resources={RESOURCE: {"scope": "profile:read"}},
                    claims_in_id_token=True,
                    host="localhost",
                    dpop_nonces=https,
                    fapi={name: row.fapi for name, row in rows.items() if row.fapi},
                    forgets=[name for name, row in rows.items() if row.forgets],
                    https=certificates if https else None,
                )
            )
            for https in {row.https for row in rows.values()}
        }
        installation.work(lambda store: connect_all(store, installation, rows, providers, certificates))
        yield providers


async def connect_all(
    store: Store,
    installation: Installation,
    rows: Mapping[str, Row],
    providers: Mapping[bool, NodeProvider],
    certificates: Certificates,
) -> None:
    """A connection and a campaign for each row, and its client at the provider."""
    async with by(installation) as way:
        for name, row in rows.items():
            provider = providers[row.https]
            given = {**settings_of(name, row, provider), "client_id": name}
            if not row.registers:
                connection = await connect(store, installation, given, row, way, certificates)
                provider.add_client(metadata_of(connection, row, installation))
            await store.campaigns.publish(installation.organization.number, campaign(name), now())


def settings_of(name: str, row: Row, provider: NodeProvider) -> Mapping[str, Any]:
    """What a member says, but the client ID."""
    usual = {"name": name, "title": "Northwind", "scopes": ("openid", "profile", "email")}
    return {**usual, "issuer": provider.issuer, **row.connection}


@asynccontextmanager
async def by(installation: Installation) -> AsyncIterator[Way]:
    """Our way to a provider."""
    fetcher = open_fetcher(installation.settings)
    await fetcher.start()
    try:
        yield Way(fetcher, fetcher.insecure_allowed, now())
    finally:
        await fetcher.stop()


async def register_row(
    store: Store, installation: Installation, name: str, row: Row, provider: NodeProvider
) -> Connection:
    """The connection of a row that registers itself, and tells the provider of itself once more."""
    organization, keys = installation.organization.number, installation.settings.seal_keys()
    ourselves = Ourselves("Entracte", installation.settings.oauth_address, ("ada@northwind.example",))
    async with by(installation) as way:
        given = settings_of(name, row, provider)
        await register(store.connections, organization, given, ourselves, way, keys, Where())
        renamed = Ourselves("Entracte, renamed", installation.settings.oauth_address)
        await update(store.connections, organization, name, renamed, way, keys)
        kept, said = await read(store.connections, organization, name, renamed, way, keys)
    assert said["client_name"] == "Entracte, renamed"
    return kept


async def unregister_row(store: Store, installation: Installation, name: str) -> None:
    organization, keys = installation.organization.number, installation.settings.seal_keys()
    async with by(installation) as way:
        await unregister(store.connections, organization, name, way.fetch, keys)


def campaign(name: str) -> Definition:
    """A short one, at the connection of its own name."""
    read = _campaign()
    sign_in = read.sign_in and read.sign_in.model_copy(update={"connection": name})
    return read.model_copy(update={"campaign": name, "sign_in": sign_in})


@functools.cache
def _campaign() -> Definition:
    return read_draft(CAMPAIGN)


async def connect(
    store: Store,
    installation: Installation,
    given: Mapping[str, Any],
    row: Row,
    way: Way,
    certificates: Certificates,
    *,
    first: Mapping[str, Any] = MappingProxyType({"authentication": "self_signed_tls_client_auth"}),
) -> Connection:
    """As a member does. For a certificate from an authority, our key comes first: the certificate is for it. `first` is
    what the connection says until then, which makes the key."""
    keys, organization = installation.settings.seal_keys(), installation.organization.number
    by_authority = given.get("authentication") == "tls_client_auth"
    config = await configure({**given, **first} if by_authority else given, way.fetch, way.insecure_allowed)
    secret = Secret((row.secret or CLIENT_SECRET) if config.uses_secret else "")
    connection = await manage.add(store.connections, organization, config, secret, keys, now())
    if not by_authority:
        return connection
    certificate = certified(certificates, certificate_request(connection, keys))
    config = await configure({**given, "client_certificate": certificate}, way.fetch, way.insecure_allowed)
    return await manage.reconfigure(store.connections, organization, config, keys, now())


async def certify(store: Store, installation: Installation, name: str, certificates: Certificates) -> None:
    """A certificate for our newest key."""
    keys, organization = installation.settings.seal_keys(), installation.organization.number
    connection = await manage.named(store.connections, organization, name)
    certificate = certified(certificates, certificate_request(connection, keys))
    config = connection.config.model_copy(update={"client_certificate": certificate})
    await manage.reconfigure(store.connections, organization, config, keys, now())


def metadata_of(connection: Connection, row: Row, installation: Installation) -> Mapping[str, Any]:
    """What a member tells the provider of us: what the connection says, and that nothing less will do."""
    config = connection.config
    asked = config.response_type.split()
    [algorithm, *_] = config.id_token_algorithms
    client = f"{connection.organization}-{connection.number}"
    ours = addresses_of(connection, installation.settings.oauth_address)
    said: dict[str, Any] = {
        "client_id": config.client_id,
        "application_type": "native",  # for a redirect URI on loopback
        "redirect_uris": [installation.redirect_uri],
        "response_types": [config.response_type],
        "grant_types": [
            *(["authorization_code"] if "code" in asked else []),
            *(["implicit"] if asked != ["code"] else []),
            *(["refresh_token"] if config.refresh_tokens else []),
        ],
        "token_endpoint_auth_method": config.authentication.value,
        "id_token_signed_response_alg": algorithm,
        "authorization_signed_response_alg": algorithm,
        "dpop_bound_access_tokens": config.dpop,
        "post_logout_redirect_uris": ours.post_logout_redirect_uri and [ours.post_logout_redirect_uri],
        "backchannel_logout_uri": ours.backchannel_logout_uri,
        "backchannel_logout_session_required": config.single_logout,
    }
    if config.uses_secret:
        said["client_secret"] = CLIENT_SECRET
    if connection.own_keys and "jwks" not in row.client:
        said["jwks_uri"] = ours.jwks_uri
    if config.certificate_bound_tokens:
        said["tls_client_certificate_bound_access_tokens"] = True
    if config.authentication == "tls_client_auth":
        said["tls_client_auth_subject_dn"] = f"CN=Entracte {client}"
    return _without_nothing({**said, **_of_requests(config), **_of_tokens(config, algorithm), **row.client})


def _of_requests(config: ConnectionConfig) -> Mapping[str, Any]:
    return {
        "request_object_signing_alg": config.signing_algorithm if config.request_object else None,
        "request_object_encryption_alg": config.request_object_encryption or None,
        "require_signed_request_object": True if config.request_object else None,
        "token_endpoint_auth_signing_alg": (
            config.signing_algorithm if config.authentication == "private_key_jwt" else None
        ),
    }


def _of_tokens(config: ConnectionConfig, algorithm: str) -> Mapping[str, Any]:
    return {
        "userinfo_signed_response_alg": algorithm if config.signed_userinfo else None,
        **{
            f"{ENCRYPTED_AS[one.value]}_encrypted_response_alg": config.encryption_algorithm for one in config.encrypted
        },
    }


def _without_nothing(said: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in said.items() if value is not None}

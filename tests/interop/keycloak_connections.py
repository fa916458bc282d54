"""Connections to Keycloak, made as the command and the REST API make them: from its metadata, with keys of ours. It is
told of each client what the connection says, and that nothing less will do."""

from collections.abc import Mapping
from typing import Any

from entracte.connections.addresses import addresses_of, client_address
from entracte.connections.model import Connection, ConnectionConfig
from entracte.store.opened import Store
from entracte.values import now
from tests.installation import Installation
from tests.interop.certificates import Certificates
from tests.interop.keycloak import Keycloak
from tests.interop.node_connections import CLIENT_SECRET, ENCRYPTED_AS, by, campaign, connect
from tests.interop.node_row import Row

ENCRYPTED = {"id_token": "id.token", "userinfo": "user.info", "authorization": "authorization"}
"""What Keycloak calls that which it encrypts, by the names of the registry."""
AUTHENTICATORS = {
    "client_secret_jwt": "client-secret-jwt",
    "private_key_jwt": "client-jwt",
    "tls_client_auth": "client-x509",
}
MAKES_A_KEY = {"authentication": "private_key_jwt", "certificate_bound_tokens": True}
"""Keycloak has no `self_signed_tls_client_auth`, by which a key for a certificate would be there, too."""
FRAMED = "frontchannel.logout.session.required"
"""Of a client that is told of a logout by a frame, not by a request of Keycloak's."""
REQUEST_OBJECTS = {"value": "request", "reference": "request_uri"}


async def connect_all(
    store: Store, installation: Installation, rows: Mapping[str, Row], login: Keycloak, certificates: Certificates
) -> None:
    """A connection and a campaign for each row, and its client at Keycloak."""
    usual = {"title": "Northwind", "scopes": ("openid", "profile", "email"), "issuer": login.issuer}
    clients = []
    async with by(installation) as way:
        for name, row in rows.items():
            given = {**usual, "name": name, "client_id": name, **row.connection}
            connection = await connect(store, installation, given, row, way, certificates, first=MAKES_A_KEY)
            clients.append(client_of(connection, row, installation))
            await store.campaigns.publish(installation.organization.number, campaign(name), now())
    login.add_clients(clients)


def client_of(connection: Connection, row: Row, installation: Installation) -> Mapping[str, Any]:
    """What a member tells Keycloak of us, in the words of its `ClientRepresentation`."""
    config = connection.config
    asked = config.response_type.split()
    return {
        "clientId": config.client_id,
        "redirectUris": [installation.redirect_uri],
        "standardFlowEnabled": "code" in asked,
        "implicitFlowEnabled": asked != ["code"],
        "publicClient": config.authentication == "none",
        "clientAuthenticatorType": AUTHENTICATORS.get(config.authentication.value, "client-secret"),
        "secret": CLIENT_SECRET,
        "frontchannelLogout": FRAMED in row.client,
        "protocolMappers": [_audience(config.client_id)] if config.introspect_tokens else [],
        "attributes": {
            **_of_tokens(config),
            **_of_requests(connection, installation.settings.oauth_address),
            **_of_addresses(connection, installation.settings.oauth_address),
            **row.client,
        },
    }


def _audience(client_id: str) -> Mapping[str, Any]:
    """Makes the client one that the access token is for: to others Keycloak calls it inactive (RFC 7662 section 4)."""
    config = {"included.client.audience": client_id, "access.token.claim": "true", "introspection.token.claim": "true"}
    mapper = {"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper"}
    return {**mapper, "config": config}


def _of_requests(connection: Connection, oauth_url: str) -> Mapping[str, str]:
    config = connection.config
    said = {
        "require.pushed.authorization.requests": _yes(config.push_requests),
        "tls.client.certificate.bound.access.tokens": _yes(config.certificate_bound_tokens),
        "dpop.bound.access.tokens": _yes(config.dpop),
        "x509.subjectdn": f"CN=Entracte {connection.organization}-{connection.number}",
    }
    if config.authentication == "private_key_jwt":
        said["token.endpoint.auth.signing.alg"] = config.signing_algorithm
    if "code" in config.response_type.split():
        said["pkce.code.challenge.method"] = "S256"
    if config.request_object:
        said["request.object.required"] = REQUEST_OBJECTS[config.request_object]
        said["request.object.signature.alg"] = config.signing_algorithm
        said["request.uris"] = f"{client_address(connection, oauth_url)}/requests/*"
    if config.request_object_encryption:
        said["request.object.encryption.alg"] = config.request_object_encryption
    return said


def _of_tokens(config: ConnectionConfig) -> Mapping[str, str]:
    """Without the `iss` of RFC 9207 in a signed answer: Keycloak would name the issuer twice."""
    [algorithm, *_] = config.id_token_algorithms
    said = {"id.token.signed.response.alg": algorithm, "authorization.signed.response.alg": algorithm}
    if config.mode.value.endswith("jwt"):
        said["exclude.issuer.from.auth.response"] = "true"
    if config.signed_userinfo:
        said["user.info.response.signature.alg"] = algorithm
    for one in config.encrypted:
        said[f"{ENCRYPTED[ENCRYPTED_AS[one.value]]}.encrypted.response.alg"] = config.encryption_algorithm
        said[f"{ENCRYPTED[ENCRYPTED_AS[one.value]]}.encrypted.response.enc"] = "A256GCM"
    return said


def _of_addresses(connection: Connection, oauth_url: str) -> Mapping[str, str]:
    ours = addresses_of(connection, oauth_url)
    said = {
        "post.logout.redirect.uris": ours.post_logout_redirect_uri,
        "frontchannel.logout.url": ours.frontchannel_logout_uri,
        "backchannel.logout.url": ours.backchannel_logout_uri,
        "backchannel.logout.session.required": _yes(connection.config.single_logout),
        "use.jwks.url": _yes(bool(connection.own_keys)),
        "jwks.url": ours.jwks_uri,
    }
    return {name: value for name, value in said.items() if value}


def _yes(given: bool) -> str:
    return "true" if given else "false"

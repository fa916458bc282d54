"""Client secrets at rest: sealed under a key derived per organization, opened only to make a request."""

from entracte.connections.model import Connection
from entracte.protocol.client_auth import Client
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import OrganizationNumber, Secret


def seal_secret(secret: Secret, organization: OrganizationNumber, keys: SealKeys) -> str:
    """What the store keeps. It does not open for another organization."""
    return seal(secret.reveal().encode(), _purpose(organization), keys)


def client_of(connection: Connection, keys: SealKeys) -> Client:
    """Who we are at this connection's server."""
    secret = open_sealed(connection.sealed_secret, _purpose(connection.organization), keys)
    return Client(connection.config.client_id, Secret(secret.decode()), connection.config.authentication)


def _purpose(organization: OrganizationNumber) -> str:
    return f"client secret of {organization}"

"""Connections that have keys of ours, without any server."""

from typing import Any

from entracte.connections.key_rotation import rotated
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.own_keys import new_keys, with_needed_keys
from entracte.protocol.seal import SealKeys
from entracte.values import ConnectionNumber, OrganizationNumber, entropy

KEYS = SealKeys(1, {1: b"k" * 32})
NOW = 1_800_000_000
EVERYTHING: dict[str, Any] = {
    "authentication": "private_key_jwt",
    "encryption_algorithm": "ECDH-ES",
    "encrypted": ["id_token"],
    "dpop": True,
    "certificate_bound_tokens": True,
}


def config(**changes: Any) -> ConnectionConfig:
    given = {
        "name": "northwind", "title": "Northwind", "client_id": "us", "issuer": "https://login.example",
        "authorization_endpoint": "https://login.example/a", "token_endpoint": "https://login.example/t",
        "jwks_uri": "https://login.example/j",
        **changes,
    }  # fmt: skip
    return ConnectionConfig.model_validate(given)


def connection(**changes: Any) -> Connection:
    return Connection(OrganizationNumber(4), ConnectionNumber(7), config(**changes), "")


def made(now: int = NOW, **changes: Any) -> Connection:
    return with_needed_keys(connection(**changes), KEYS, entropy, now)


def rotated_at(kept: Connection, now: int) -> Connection:
    return rotated(kept, new_keys(kept, KEYS, entropy, now), now)

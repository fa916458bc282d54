"""The private parts of our own keys, opened to be used: which one is used when stands in `key_rotation`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from entracte.connections.key_rotation import shown_in_tls, signs
from entracte.connections.model import Connection, KeyUse, OwnKey
from entracte.connections.own_certificates import name_of, pem_of, private_key_of, signing_request
from entracte.connections.own_keys import needed, purpose_of
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.jwe import DecryptionKey, decryption_key
from entracte.protocol.messages import ClientCertificate
from entracte.protocol.seal import SealKeys, decode, open_sealed
from entracte.protocol.signing import SigningKey, signing_key
from entracte.values import Secret

MOST_REMEMBERED = 4096
"""Opened keys that a process remembers."""


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """The private keys of a connection, opened. None where the connection needs none."""

    signing: SigningKey | None = None
    proof: SigningKey | None = None
    decryption: tuple[DecryptionKey, ...] = ()
    certificate: ClientCertificate | None = field(default=None, repr=False)


NO_KEYS = OpenedKeys()


def opened(connection: Connection, keys: SealKeys, now: int) -> OpenedKeys:
    """The private keys that the configuration needs, of those that may be used now."""
    wanted = needed(connection.config)
    if not wanted:
        return NO_KEYS
    return OpenedKeys(
        _signer(connection, KeyUse.SIGNATURE, keys, now),
        proof_key(connection, keys, now),
        tuple(
            _decryption(_sealed(connection, key, keys), key.kid, key.algorithm)
            for key in connection.own_keys
            if key.use is KeyUse.ENCRYPTION and key.algorithm == connection.config.encryption_algorithm
        ),
        _certificate(connection, keys) if KeyUse.TLS in wanted else None,
    )


def proof_key(connection: Connection, keys: SealKeys, at: int) -> SigningKey | None:
    """The key that proves possession (DPoP) in a sign-in that began at this time, from its begin to its end."""
    return _signer(connection, KeyUse.PROOF, keys, at)


def certificate_request(connection: Connection, keys: SealKeys) -> str:
    """What an authority needs to give out a certificate for our newest key (PKCS #10, RFC 2986), in PEM. Raises
    LookupError when the connection has no key for TLS."""
    newest = next((key for key in connection.own_keys if key.use is KeyUse.TLS), None)
    if newest is None:
        raise LookupError("the connection has no such key")
    return signing_request(name_of(connection), private_key_of(_private(_sealed(connection, newest, keys))))


def _signer(connection: Connection, use: KeyUse, keys: SealKeys, at: int) -> SigningKey | None:
    chosen = signs(connection, use, at)
    if chosen is None:
        return None
    return _signing(_sealed(connection, chosen, keys), chosen.kid, chosen.algorithm)


def _certificate(connection: Connection, keys: SealKeys) -> ClientCertificate | None:
    ours = shown_in_tls(connection)
    if ours is None:
        return None
    pem = _private_pem(_sealed(connection, ours, keys))
    chain = connection.config.client_certificate or pem_of(ours.public["x5c"][0])
    return ClientCertificate(chain, pem)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed private key, with what opens it: enough to remember what is inside by."""

    text: str
    purpose: str
    number: int
    server_key: bytes = field(repr=False)


def _sealed(connection: Connection, key: OwnKey, keys: SealKeys) -> _Sealed:
    """Refuses `STATE_UNKNOWN_KEY` when the server's key is gone."""
    number = decode(key.sealed)[0]
    server_key = keys.by_number.get(number)
    if server_key is None:
        raise refuse(Reason.STATE_UNKNOWN_KEY)
    return _Sealed(key.sealed, purpose_of(connection.organization), number, server_key)


# remembered: reading an RSA key costs more than twenty sign-ins


@lru_cache(maxsize=MOST_REMEMBERED)
def _private(sealed: _Sealed) -> Mapping[str, Any]:
    keys = SealKeys(sealed.number, {sealed.number: sealed.server_key})
    return MappingProxyType(json.loads(open_sealed(sealed.text, sealed.purpose, keys)))


@lru_cache(maxsize=MOST_REMEMBERED)
def _signing(sealed: _Sealed, kid: str, algorithm: str) -> SigningKey:
    return signing_key(_private(sealed), kid, algorithm)


@lru_cache(maxsize=MOST_REMEMBERED)
def _decryption(sealed: _Sealed, kid: str, algorithm: str) -> DecryptionKey:
    return decryption_key(_private(sealed), kid, algorithm)


@lru_cache(maxsize=MOST_REMEMBERED)
def _private_pem(sealed: _Sealed) -> Secret:
    private = private_key_of(_private(sealed))
    return Secret(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

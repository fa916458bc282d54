"""Our own keys at a server as members see them: what each is for, since when, and what to hand over."""

from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from entracte.connections.key_rotation import key_in_use
from entracte.connections.model import Connection, KeyUse, OwnKey
from entracte.connections.opened_keys import certificate_request
from entracte.connections.own_certificates import pem_of
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.base64url import encode
from entracte.protocol.seal import SealKeys


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key, without its private part. `in_use` is whether it is used today; a new one is published first, and those
    before are published still. The certificate is in PEM, its thumbprint is `x5t#S256` (RFC 7515 section 4.1.8)."""

    kid: str
    use: KeyUse
    algorithm: str
    created_at: int
    in_use: bool
    public: dict[str, Any]
    certificate: str = ""
    thumbprint: str = ""


def keys_of(connection: Connection, now: int) -> tuple[ShownKey, ...]:
    """The keys of a connection, the newest first."""
    return tuple(_shown(connection, key, now) for key in connection.own_keys)


def request_for_certificate(connection: Connection, keys: SealKeys) -> str:
    """What an authority needs to give out a certificate, in PEM (PKCS #10). LocalError `connection_key_missing`."""
    try:
        return certificate_request(connection, keys)
    except LookupError:
        message = f"The connection {connection.config.name} has no key for TLS."
        hint = "It has one with tls_client_auth, self_signed_tls_client_auth or certificate_bound_tokens."
        raise LocalError(Problem(Kind.NOT_FOUND, "connection_key_missing", message, hint)) from None


def _shown(connection: Connection, key: OwnKey, now: int) -> ShownKey:
    chain = key.public.get("x5c")
    return ShownKey(
        key.kid,
        key.use,
        key.algorithm,
        key.created_at,
        key_in_use(connection, key, now),
        key.public,
        pem_of(chain[0]) if chain else "",
        encode(sha256(b64decode(chain[0])).digest()) if chain else "",
    )

"""Our own keys at an authorization server: made when a connection needs them, sealed, and published. When which of them
is used stands in `key_rotation`; `opened_keys` opens them.
"""

import json
from dataclasses import replace
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from entracte.connections.model import Connection, ConnectionConfig, KeyUse, OwnKey
from entracte.connections.own_certificates import name_of, private_key_of, self_signed
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.protocol.signing import public_jwk
from entracte.values import ConnectionNumber, Entropy, OrganizationNumber

RSA_BITS = 2048
PROOF_ALGORITHM = "ES256"
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def needed(config: ConnectionConfig) -> dict[KeyUse, str]:
    """Which keys a connection needs, and for which algorithm."""
    wanted: dict[KeyUse, str] = {}
    if config.authentication is ClientAuthentication.PRIVATE_KEY_JWT or config.request_object:
        wanted[KeyUse.SIGNATURE] = config.signing_algorithm
    if config.encryption_algorithm:
        wanted[KeyUse.ENCRYPTION] = config.encryption_algorithm
    if config.dpop:
        wanted[KeyUse.PROOF] = PROOF_ALGORITHM
    if config.shows_certificate:
        wanted[KeyUse.TLS] = "ES256"
    return wanted


def with_needed_keys(connection: Connection, keys: SealKeys, entropy: Entropy, now: int) -> Connection:
    """The connection with every key that it needs; those that it has stay."""
    have = {(key.use, key.algorithm) for key in connection.own_keys}
    made = [
        _made(connection, use, algorithm, keys, entropy, now)
        for use, algorithm in needed(connection.config).items()
        if (use, algorithm) not in have
    ]
    return replace(connection, own_keys=(*made, *connection.own_keys)) if made else connection


def new_keys(connection: Connection, keys: SealKeys, entropy: Entropy, now: int) -> tuple[OwnKey, ...]:
    """A new key for each use."""
    wanted = needed(connection.config).items()
    return tuple(_made(connection, use, algorithm, keys, entropy, now) for use, algorithm in wanted)


def published(connection: Connection) -> dict[str, Any]:
    """The JWK Set of a connection (RFC 7517 section 5): public members alone. Keys of proofs are in the proofs. Of the
    keys that are encrypted to, it is the newest of each algorithm: what comes under one before still opens, and nobody
    begins with a key that will go."""
    return {
        "keys": [
            {**key.public, "kid": key.kid, "use": "sig" if key.use is KeyUse.TLS else key.use.value, **_alg(key)}
            for key in connection.own_keys
            if _is_published(connection, key)
        ]
    }


def key_owner(kid: str) -> tuple[OrganizationNumber, ConnectionNumber] | None:
    """Whose key this is, by its name; None for a name that is none of ours."""
    parts = kid.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts[:2]):
        return None
    return OrganizationNumber(int(parts[0])), ConnectionNumber(int(parts[1]))


def resealed(connection: Connection, keys: SealKeys) -> tuple[OwnKey, ...]:
    """The same keys, sealed under the newest of the server's keys. Refuses as `open_sealed` does."""
    purpose = purpose_of(connection.organization)
    return tuple(
        key.model_copy(update={"sealed": seal(open_sealed(key.sealed, purpose, keys), purpose, keys)})
        for key in connection.own_keys
    )


def purpose_of(organization: OrganizationNumber) -> str:
    """What the keys of an organization are sealed for: they open for no other one."""
    return f"own key of {organization}"


def _is_published(connection: Connection, key: OwnKey) -> bool:
    if key.use is not KeyUse.ENCRYPTION:
        return key.use is not KeyUse.PROOF
    same = (one for one in connection.own_keys if (one.use, one.algorithm) == (key.use, key.algorithm))
    return next(same) == key


def _made(connection: Connection, use: KeyUse, algorithm: str, keys: SealKeys, entropy: Entropy, now: int) -> OwnKey:
    kid = f"{connection.organization}-{connection.number}-{entropy(6).hex()}"
    jwk = dict(_generated(algorithm).as_dict(private=True))
    jwk.pop("kid", None)
    public = public_jwk(jwk)
    if use is KeyUse.TLS:
        public["x5c"] = [self_signed(name_of(connection), private_key_of(jwk), now)]
    sealed = seal(json.dumps(jwk).encode(), purpose_of(connection.organization), keys)
    return OwnKey(kid=kid, use=use, algorithm=algorithm, created_at=now, public=public, sealed=sealed)


def _generated(algorithm: str) -> Key:
    if algorithm.startswith(("RS", "PS")):
        return RSAKey.generate_key(RSA_BITS)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key(_CURVES.get(algorithm, "P-256"))


def _alg(key: OwnKey) -> dict[str, str]:
    return {} if key.use is KeyUse.TLS else {"alg": key.algorithm}

"""Signatures of our own (RFC 7515): client assertions, client secrets, request objects and DPoP proofs.

The key is joserfc's and private. What is signed is written by us, so nothing here reads a stranger's input.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from entracte.protocol.base64url import encode
from entracte.protocol.jws import JOSERFC_ALGORITHMS, MAC_ALGORITHMS
from entracte.protocol.keys import ALGORITHMS
from entracte.values import Secret

SIGNING_ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA", "ES384", "ES512", "PS384", "PS512", "RS384", "RS512")
"""What we can sign with, the one that we choose by ourselves first."""

_TYPES: Mapping[str, type[Key]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e")
_REGISTRY = JWSRegistry(algorithms=frozenset(JOSERFC_ALGORITHMS.values()) | MAC_ALGORITHMS)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of ours for one algorithm."""

    kid: str
    algorithm: str
    key: Any = field(repr=False)


def signing_key(jwk: Mapping[str, Any], kid: str, algorithm: str) -> SigningKey:
    """The key of a private JWK of ours. Raises ValueError for an algorithm that is none of `SIGNING_ALGORITHMS`, or not
    one of this type and curve."""
    if algorithm not in ALGORITHMS.get((str(jwk.get("kty")), jwk.get("crv")), ()):
        raise ValueError("not an algorithm to sign with")
    return SigningKey(kid, algorithm, _TYPES[jwk["kty"]].import_key(dict(jwk)))


def signing_key_of_pem(pem: Secret, kid: str, algorithm: str) -> SigningKey:
    """The elliptic key of a private key in PEM (PKCS #8, RFC 5958), without a passphrase; what stands around it is
    passed over (RFC 7468 section 2). Raises ValueError for what is none, and as `signing_key` does."""
    try:
        jwk = ECKey.import_key(pem.reveal()).as_dict(private=True)
    except (JoseError, TypeError, UnsupportedAlgorithm, ValueError):
        raise ValueError("not a private key in PEM") from None
    return signing_key(jwk, kid, algorithm)


def public_jwk(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The public members of a JWK (RFC 7518 section 6), and nothing else."""
    return {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}


def public_part(key: SigningKey) -> dict[str, Any]:
    """The public members of the key, for a header that carries them (RFC 9449 section 4.2)."""
    return public_jwk(key.key.as_dict(private=False))


def sign(claims: Mapping[str, Any], key: SigningKey, **header: Any) -> Secret:
    """A signed token in compact form. `header` adds to `alg` and `kid`; None takes a member away."""
    members = {"alg": key.algorithm, "kid": key.kid, **header}
    return _compact(members, claims, JOSERFC_ALGORITHMS[key.algorithm], key.key)


def mac(claims: Mapping[str, Any], secret: Secret, algorithm: str, **header: Any) -> Secret:
    """A token with a MAC under the client secret (OpenID Connect Core section 9, client_secret_jwt). Raises ValueError
    for an algorithm that is none of `MAC_ALGORITHMS`."""
    if algorithm not in MAC_ALGORITHMS:
        raise ValueError("not an algorithm for a MAC")
    return _compact({"alg": algorithm, **header}, claims, algorithm, OctKey.import_key(secret.reveal()))


def _compact(header: Mapping[str, Any], claims: Mapping[str, Any], algorithm: str, key: Any) -> Secret:
    present = {name: value for name, value in header.items() if value is not None}
    signed = f"{_part(present)}.{_part(claims)}"
    return Secret(f"{signed}.{encode(_REGISTRY.get_alg(algorithm).sign(signed.encode('ascii'), key))}")


def _part(value: Mapping[str, Any]) -> str:
    return encode(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())

"""Private keys of ours for the tests, and what an authorization server sees of them."""

from base64 import urlsafe_b64decode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from entracte.protocol.jws import VerifiedToken, verify_signature
from entracte.protocol.keys import KeySet
from entracte.protocol.signing import SigningKey, public_jwk, signing_key
from entracte.values import Secret
from tests.protocol.encryption import elliptic_jwk, rsa_jwk
from tests.protocol.signing import base64url, key_set, rsa_key

_CURVES: dict[str, Any] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@cache
def private_jwk(algorithm: str) -> dict[str, Any]:
    if algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        public = base64url(key.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": public, "d": base64url(key.private_bytes_raw())}
    if algorithm in _CURVES:
        return elliptic_jwk(ec.generate_private_key(_CURVES[algorithm]), private=True)
    return rsa_jwk(rsa_key(), private=True)


@cache
def private_pem(algorithm: str = "ES256", form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """The same key as `private_jwk` in a file (PKCS #8, or the older form of OpenSSL); for elliptic curves."""
    secret = int.from_bytes(urlsafe_b64decode(private_jwk(algorithm)["d"] + "=="), "big")
    return ec.derive_private_key(secret, _CURVES[algorithm]).private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def our_key(algorithm: str = "ES256", kid: str = "ours") -> SigningKey:
    return signing_key(private_jwk(algorithm), kid, algorithm)


def published(algorithm: str = "ES256", kid: str = "ours") -> KeySet:
    """What we publish of a key, read as anybody reads it."""
    return key_set({**public_jwk(private_jwk(algorithm)), "kid": kid})


def verified(token: Secret, algorithm: str = "ES256") -> VerifiedToken:
    """A token of ours, read as an authorization server would."""
    return verify_signature(token, published(algorithm), frozenset({algorithm}))

"""An authorization server's side of the signatures, made with `cryptography` alone: an independent witness."""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from entracte.protocol.keys import KeySet, read_jwks
from entracte.protocol.messages import HttpResponse

VECTORS = Path(__file__).parent.parent / "vectors"
NOW = 1_800_000_000
HASHES: dict[str, Any] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES: dict[str, tuple[Any, str, int]] = {
    "ES256": (ec.SECP256R1(), "P-256", 32),
    "ES384": (ec.SECP384R1(), "P-384", 48),
    "ES512": (ec.SECP521R1(), "P-521", 66),
}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def vectors(name: str) -> list[Any]:
    """The entries of one file of vectors, each with an `id` that becomes the name of its test."""
    entries: list[Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return entries


def named(value: object) -> str:
    """The name of a test for a value: one that can be given on a command line, where a backslash can not."""
    return re.sub(r"[^ -\[\]-~]", "_", str(value))[:60]


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def json_part(value: Any) -> str:
    return base64url(json.dumps(value).encode())


def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """Always the same key for a number."""
    return _rsa_key(bits, number)


@cache
def _rsa_key(bits: int, _number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class Signer:
    """One signing key: the public key as a JWK, and compact tokens."""

    algorithm: str
    jwk: Mapping[str, Any]
    signature: Callable[[bytes], bytes]

    def sign(self, claims: Any, **header: Any) -> str:
        """A token. `header` adds to `alg` or replaces it; None takes a member away."""
        members = {"alg": self.algorithm, **header}
        return self.sign_parts(
            json_part({name: value for name, value in members.items() if value is not None}), json_part(claims)
        )

    def sign_parts(self, header: str, payload: str) -> str:
        return f"{header}.{payload}.{base64url(self.signature(f'{header}.{payload}'.encode()))}"


def rsa_signer(algorithm: str, bits: int = 2048, number: int = 0, **members: Any) -> Signer:
    key, digest = rsa_key(bits, number), HASHES[algorithm[2:]]
    scheme: Any = padding.PKCS1v15()
    if algorithm.startswith("PS"):
        scheme = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "RSA", "n": integer(numbers.n), "e": integer(numbers.e), **members}
    return Signer(algorithm, jwk, lambda message: key.sign(message, scheme, digest))


def elliptic_signer(algorithm: str, **members: Any) -> Signer:
    curve, name, size = CURVES[algorithm]
    key = ec.generate_private_key(curve)
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": name,
        "x": base64url(numbers.x.to_bytes(size, "big")),
        "y": base64url(numbers.y.to_bytes(size, "big")),
        **members,
    }

    def signature(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(HASHES[algorithm[2:]])))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return Signer(algorithm, jwk, signature)


def edwards_signer(**members: Any) -> Signer:
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return Signer("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": base64url(public), **members}, key.sign)


def signer(algorithm: str, **members: Any) -> Signer:
    """A signer for any of `ALGORITHMS`; `members` are added to its JWK."""
    if algorithm == "EdDSA":
        return edwards_signer(**members)
    if algorithm in CURVES:
        return elliptic_signer(algorithm, **members)
    return rsa_signer(algorithm, **members)


def json_response(value: Any, status: int = 200, media_type: str = "application/json") -> HttpResponse:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HttpResponse(status, {"content-type": media_type}, body)


def key_set(*jwks: Mapping[str, Any]) -> KeySet:
    return read_jwks(json_response({"keys": list(jwks)}))

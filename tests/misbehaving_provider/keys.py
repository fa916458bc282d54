"""Keys by number, and JWS signatures with them (RFC 7518 section 3, RFC 8037): made and checked."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

Claims = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
CURVES: dict[str, tuple[str, ec.EllipticCurve, int]] = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
}
"""The curve of an algorithm, and how many bytes a coordinate has."""
NAMED_CURVES = {name: (curve, size) for name, curve, size in CURVES.values()}


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def unsigned_integer(text: str) -> int:
    return int.from_bytes(decoded(text), "big")


def digest(algorithm: str, message: bytes) -> bytes:
    """By the hash of an algorithm; that of EdDSA with Ed25519 is SHA-512."""
    return hashlib.new(f"sha{algorithm[-3:] if algorithm[-3:] in HASHES else '512'}", message).digest()


def half_hash(algorithm: str, value: str) -> str:
    """`at_hash`, `c_hash` and `s_hash` (OpenID Connect Core section 3.3.2.11)."""
    whole = digest(algorithm, value.encode())
    return base64url(whole[: len(whole) // 2])


@lru_cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same number, in one run: keys are slow to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@lru_cache
def _private_key(number: int, family: str) -> PrivateKey:
    if family in CURVES:
        return ec.generate_private_key(CURVES[family][1])
    return ed25519.Ed25519PrivateKey.generate()


def _sign(private: PrivateKey, algorithm: str, message: bytes) -> bytes:
    if isinstance(private, rsa.RSAPrivateKey):
        kind = HASHES[algorithm[-3:]]
        return private.sign(message, _padding(algorithm), kind)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        size = CURVES[algorithm][2]
        pair = decode_dss_signature(private.sign(message, ec.ECDSA(HASHES[algorithm[-3:]])))
        return b"".join(number.to_bytes(size, "big") for number in pair)
    return private.sign(message)


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if algorithm.startswith("PS"):
        return padding.PSS(padding.MGF1(HASHES[algorithm[-3:]]), padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()


@dataclass(frozen=True)
class SigningKey:
    """A key by number, for one algorithm. Numbers from 0 are the provider's, negative ones an attacker's."""

    number: int
    algorithm: str = "RS256"
    bits: int = 2048

    @property
    def kid(self) -> str:
        return f"key-{self.number}" if self.algorithm == "RS256" else f"key-{self.number}-{self.algorithm}"

    @property
    def private(self) -> PrivateKey:
        if self.algorithm[:2] in ("RS", "PS"):
            return rsa_key(self.number, self.bits)
        return _private_key(self.number, self.algorithm)

    def sign(self, message: bytes) -> bytes:
        return _sign(self.private, self.algorithm, message)

    def jwk(self) -> Claims:
        return {**public_jwk(self.private.public_key()), "use": "sig", "alg": self.algorithm, "kid": self.kid}

    def private_pem(self) -> str:
        """As a file has it that was given out: PKCS #8."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class MacKey:
    """The client secret as a key (OpenID Connect Core section 10.1). It is in no key set and has no id."""

    secret: str
    algorithm: str = "HS256"
    kid = ""

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.secret.encode(), message, f"sha{self.algorithm[-3:]}")


Key = SigningKey | MacKey
ATTACKER = SigningKey(-1)


def public_jwk(public: PublicKey) -> Claims:
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        size = (public.key_size + 7) // 8
        return {"kty": "RSA", "n": base64url(numbers.n.to_bytes(size, "big")), "e": "AQAB"}
    if isinstance(public, ec.EllipticCurvePublicKey):
        name, size = next((name, size) for name, curve, size in CURVES.values() if curve.name == public.curve.name)
        point = public.public_numbers()
        x, y = (base64url(value.to_bytes(size, "big")) for value in (point.x, point.y))
        return {"kty": "EC", "crv": name, "x": x, "y": y}
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def public_key(jwk: Claims) -> PublicKey:
    """Raises KeyError, ValueError."""
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(unsigned_integer(jwk["e"]), unsigned_integer(jwk["n"])).public_key()
    if jwk["kty"] == "EC":
        curve = NAMED_CURVES[jwk["crv"]][0]
        return ec.EllipticCurvePublicNumbers(
            unsigned_integer(jwk["x"]), unsigned_integer(jwk["y"]), curve
        ).public_key()  # fmt: skip
    return ed25519.Ed25519PublicKey.from_public_bytes(decoded(jwk["x"]))


def compact(header: Claims, claims: Claims | str, sign: Callable[[bytes], bytes]) -> str:
    """A JWS in compact form (RFC 7515 section 7.1). The claims may be a text that is ready."""
    payload = claims if isinstance(claims, str) else json.dumps(claims)
    message = f"{base64url(json.dumps(header).encode())}.{base64url(payload.encode())}"
    return f"{message}.{base64url(sign(message.encode()))}"


def parts(token: str) -> tuple[Claims, Claims]:
    """The header and the claims of a JWS, not verified. Raises ValueError."""
    header, payload, _ = token.split(".")
    read = json.loads(decoded(header)), json.loads(decoded(payload))
    if not all(isinstance(part, dict) for part in read):
        raise ValueError("not a JWT")
    return read


def verify(token: str, jwk: Claims, algorithm: str = "") -> None:
    """Checks with the algorithm of the header, or with this one. Raises InvalidSignature, KeyError, ValueError."""
    message, _, signature = token.rpartition(".")
    algorithm = algorithm or str(parts(token)[0]["alg"])
    public, raw = public_key(jwk), decoded(signature)
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(raw, message.encode(), _padding(algorithm), HASHES[algorithm[-3:]])
    elif isinstance(public, ec.EllipticCurvePublicKey):
        size = CURVES[algorithm][2]
        pair = int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big")
        public.verify(encode_dss_signature(*pair), message.encode(), ec.ECDSA(HASHES[algorithm[-3:]]))
    else:
        public.verify(raw, message.encode())


def verify_mac(token: str, secret: str) -> None:
    """Raises InvalidSignature, KeyError, ValueError."""
    message, _, signature = token.rpartition(".")
    algorithm = parts(token)[0]["alg"]
    if algorithm not in ("HS256", "HS384", "HS512"):
        raise ValueError("not a MAC")
    if not hmac.compare_digest(MacKey(secret, algorithm).sign(message.encode()), decoded(signature)):
        raise InvalidSignature


def verify_with_set(token: str, keys: list[Claims]) -> None:
    """With the key of the set that has the id in the header, or any if there is none. Raises InvalidSignature."""
    header = parts(token)[0]
    for jwk in keys:
        if header.get("kid") in (None, jwk.get("kid")):
            try:
                return verify(token, jwk)
            except (InvalidSignature, KeyError, ValueError):
                continue
    raise InvalidSignature

"""An authorization server's side of encryption (RFC 7516), made with `cryptography` alone: an independent witness."""

import hmac
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from tests.protocol.signing import base64url, integer, json_part, rsa_key

KEY_MANAGEMENT = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW")
CONTENT_ENCRYPTION = {
    "A128GCM": 16,
    "A192GCM": 24,
    "A256GCM": 32,
    "A128CBC-HS256": 32,
    "A192CBC-HS384": 48,
    "A256CBC-HS512": 64,
}
"""Each with the bytes of its key (RFC 7518 section 5)."""
CURVES: dict[str, tuple[Any, int]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
    "P-521": (ec.SECP521R1(), 66),
}
_MACS: dict[str, Any] = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_OAEP: dict[str, Any] = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}


def elliptic_key(curve: str = "P-256", number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Always the same key for a number."""
    return _elliptic_key(curve, number)


@cache
def _elliptic_key(curve: str, _number: int) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[curve][0])


def elliptic_jwk(key: ec.EllipticCurvePrivateKey, *, private: bool = False) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}[key.curve.name]
    size = CURVES[curve][1]
    jwk = {"kty": "EC", "crv": curve, "x": fixed(numbers.x, size), "y": fixed(numbers.y, size)}
    return {**jwk, "d": fixed(key.private_numbers().private_value, size)} if private else jwk


def fixed(number: int, size: int) -> str:
    return base64url(number.to_bytes(size, "big"))


def rsa_jwk(key: rsa.RSAPrivateKey, *, private: bool = False) -> dict[str, Any]:
    numbers = key.private_numbers()
    jwk = {"kty": "RSA", "n": integer(numbers.public_numbers.n), "e": integer(numbers.public_numbers.e)}
    names = ("d", "p", "q", "dmp1", "dmq1", "iqmp")
    secret = {name: integer(getattr(numbers, name)) for name in names}
    secret.update(dp=secret.pop("dmp1"), dq=secret.pop("dmq1"), qi=secret.pop("iqmp"))
    return {**jwk, **secret} if private else jwk


@cache
def private_jwk(algorithm: str, number: int = 0, curve: str = "P-256") -> dict[str, Any]:
    """Our private key for an algorithm, as `own_keys` keeps it."""
    if algorithm.startswith("RSA"):
        return rsa_jwk(rsa_key(number=number), private=True)
    return elliptic_jwk(elliptic_key(curve, number), private=True)


@dataclass(frozen=True)
class Sealed:
    """An encrypted token in its five parts, so that a test can exchange one."""

    header: str
    encrypted_key: str
    iv: str
    ciphertext: str
    tag: str
    content_key: bytes = field(repr=False, default=b"")

    def __str__(self) -> str:
        return ".".join((self.header, self.encrypted_key, self.iv, self.ciphertext, self.tag))


def sealed(
    plaintext: str | bytes, algorithm: str, content_encryption: str = "A256GCM", *, number: int = 0,
    curve: str = "P-256", **header: Any,
) -> Sealed:  # fmt: skip
    """A token encrypted to `private_jwk(algorithm, number, curve)`. `header` adds members, or takes away by None."""
    raw = plaintext.encode() if isinstance(plaintext, str) else plaintext
    size = CONTENT_ENCRYPTION[content_encryption]
    members: dict[str, Any] = {"alg": algorithm, "enc": content_encryption, "cty": "JWT"}
    if algorithm in _OAEP:
        key = os.urandom(size)
        encrypted_key = _oaep(rsa_key(number=number), key, algorithm)
    else:
        members["epk"], key, encrypted_key = _agreed(elliptic_key(curve, number), algorithm, content_encryption, size)
    part = json_part({name: value for name, value in {**members, **header}.items() if value is not None})
    return with_content(raw, key, content_encryption, part, encrypted_key)


def with_content(raw: bytes, key: bytes, content_encryption: str, header: str, encrypted_key: bytes) -> Sealed:
    encrypt = _gcm if content_encryption.endswith("GCM") else _cbc
    iv, ciphertext, tag = encrypt(raw, key, header.encode(), content_encryption)
    return Sealed(header, base64url(encrypted_key), base64url(iv), base64url(ciphertext), base64url(tag), key)


def _oaep(key: rsa.RSAPrivateKey, content_key: bytes, algorithm: str) -> bytes:
    digest = _OAEP[algorithm]
    scheme = rsa_padding.OAEP(rsa_padding.MGF1(digest), digest, None)
    return key.public_key().encrypt(content_key, scheme)


def _agreed(
    key: ec.EllipticCurvePrivateKey, algorithm: str, content_encryption: str, size: int
) -> tuple[dict[str, Any], bytes, bytes]:
    """RFC 7518 section 4.6: the ephemeral key, the content key, and the encrypted key (empty where it is agreed)."""
    ephemeral = ec.generate_private_key(key.curve)
    shared = ephemeral.exchange(ec.ECDH(), key.public_key())
    if algorithm == "ECDH-ES":
        return elliptic_jwk(ephemeral), derived(shared, content_encryption, size), b""
    wrapping = int(algorithm[-5:-2]) // 8
    content_key = os.urandom(size)
    return elliptic_jwk(ephemeral), content_key, aes_key_wrap(derived(shared, algorithm, wrapping), content_key)


def derived(shared: bytes, name: str, size: int, party_u: bytes = b"", party_v: bytes = b"") -> bytes:
    """Concat KDF (RFC 7518 section 4.6.2)."""
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in (name.encode(), party_u, party_v))
    return ConcatKDFHash(hashes.SHA256(), size, parts + (size * 8).to_bytes(4, "big")).derive(shared)


def _gcm(raw: bytes, key: bytes, associated: bytes, _name: str) -> tuple[bytes, bytes, bytes]:
    iv = os.urandom(12)
    sealed_text = AESGCM(key).encrypt(iv, raw, associated)
    return iv, sealed_text[:-16], sealed_text[-16:]


def _cbc(raw: bytes, key: bytes, associated: bytes, name: str) -> tuple[bytes, bytes, bytes]:
    """RFC 7518 section 5.2.2.1."""
    half, iv = len(key) // 2, os.urandom(16)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(AES(key[half:]), CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(raw) + padder.finalize()) + encryptor.finalize()
    signed = associated + iv + ciphertext + (len(associated) * 8).to_bytes(8, "big")
    return iv, ciphertext, hmac.digest(key[:half], signed, _MACS[name[-5:]])[:half]


def flipped(part: str) -> str:
    """The part with another first character; of an empty one, one that is not empty."""
    return ("A" if part[:1] != "A" else "B") + part[1:] if part else "AAAA"

"""JWE in compact form (RFC 7516, RFC 7518 sections 4 and 5), by hand: the good ones, and those nobody should accept."""

import hashlib
import hmac
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7

from tests.misbehaving_provider.keys import Claims, base64url, decoded, public_jwk, public_key, rsa_key

CONTENT_KEY_SIZES = {
    "A128GCM": 16, "A192GCM": 24, "A256GCM": 32, "A128CBC-HS256": 32, "A192CBC-HS384": 48, "A256CBC-HS512": 64
}  # fmt: skip
WRAPPING_KEY_SIZES = {"A128KW": 16, "A192KW": 24, "A256KW": 32}
OAEP_HASHES: dict[str, HashAlgorithm] = {"RSA-OAEP": SHA1(), "RSA-OAEP-256": SHA256()}
BOMB = 40
"""Megabytes that the compressed token inflates to: as many as there are in a token of less than 64 KB."""
ROUNDS = 2**31 - 1
OWN_NUMBER = 70
"""The key to which clients encrypt for the provider."""


@dataclass(frozen=True)
class Encryption:
    """How something is encrypted for the client: `Encryption("RSA-OAEP", "A256GCM")`."""

    alg: str
    enc: str = "A256GCM"


@dataclass
class _Envelope:
    header: Claims
    content_key: bytes
    encrypted_key: bytes
    tamper: Callable[[list[str]], list[str]] = field(default=lambda parts: parts)


def encrypt(plaintext: bytes, how: Encryption, recipient: Claims, secret: str, misbehaviour: str = "") -> str:
    """For a client's key, or with its secret (`dir`), going wrong in one of the ways of ENCRYPTIONS."""
    header: Claims = {"alg": how.alg, "enc": how.enc, "cty": "JWT"}
    if "kid" in recipient:
        header["kid"] = recipient["kid"]
    if misbehaviour == "encrypted_for_another":
        recipient = public_jwk(rsa_key(-7).public_key()) if recipient.get("kty") == "RSA" else _other_point(recipient)
    if misbehaviour in ("encrypted_zip", "encrypted_zip_bomb"):
        header["zip"] = "DEF"
        plaintext = _deflated(plaintext, BOMB if misbehaviour == "encrypted_zip_bomb" else 0)
    envelope = ENCRYPTIONS.get(misbehaviour, _good)(header, how, recipient, secret)
    return ".".join(envelope.tamper(_sealed(plaintext, envelope, how.enc)))


def _deflated(raw: bytes, megabytes: int) -> bytes:
    """Compressed (RFC 1951), and so many megabytes of white space behind it: one of them, again and again."""
    pieces = [raw, b" " * 1_000_000]
    head, space = (_independent(piece) for piece in pieces)
    return head + space * megabytes + zlib.compressobj(wbits=-15).flush()


def _independent(raw: bytes) -> bytes:
    """A piece that needs nothing of what stands before it."""
    press = zlib.compressobj(9, wbits=-15)
    return press.compress(raw) + press.flush(zlib.Z_FULL_FLUSH)


def _other_point(recipient: Claims) -> Claims:
    return public_jwk(ec.generate_private_key(_curve(recipient)).public_key())


def _curve(jwk: Claims) -> ec.EllipticCurve:
    public = public_key(jwk)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public.curve


def _sealed(plaintext: bytes, envelope: _Envelope, enc: str) -> list[str]:
    protected = base64url(json.dumps(envelope.header).encode())
    iv, ciphertext, tag = _content(plaintext, envelope.content_key, enc, protected.encode())
    return [protected, *map(base64url, (envelope.encrypted_key, iv, ciphertext, tag))]


def _content(plaintext: bytes, key: bytes, enc: str, associated: bytes) -> tuple[bytes, bytes, bytes]:
    if enc.endswith("GCM"):
        iv = os.urandom(12)
        sealed = AESGCM(key).encrypt(iv, plaintext, associated)
        return iv, sealed[:-16], sealed[-16:]
    iv, half = os.urandom(16), len(key) // 2
    pad = PKCS7(128).padder()
    encryptor = Cipher(AES(key[half:]), CBC(iv)).encryptor()
    ciphertext = encryptor.update(pad.update(plaintext) + pad.finalize()) + encryptor.finalize()
    return iv, ciphertext, _mac(key[:half], associated, iv, ciphertext)


def _mac(key: bytes, associated: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """RFC 7518 section 5.2.2.1."""
    length = (len(associated) * 8).to_bytes(8, "big")
    return hmac.digest(key, associated + iv + ciphertext + length, f"sha{len(key) * 16}")[: len(key)]


# Keys of the content


def _good(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    if how.alg == "dir":
        # OpenID Connect Core section 10.2: the key is the beginning of the secret's hash
        size = CONTENT_KEY_SIZES[how.enc]
        whole = (hashlib.sha256 if size <= 32 else hashlib.sha512)(secret.encode()).digest()
        return _Envelope(header, whole[:size], b"")
    if how.alg in OAEP_HASHES:
        return _for_rsa(header, how, recipient, oaep(OAEP_HASHES[how.alg]))
    if how.alg.startswith("ECDH-ES"):
        return _agreed(header, how, recipient)
    raise ValueError(f"no encryption by {how.alg}")


def oaep(kind: HashAlgorithm) -> padding.AsymmetricPadding:
    return padding.OAEP(padding.MGF1(kind), kind, None)


def _for_rsa(header: Claims, how: Encryption, recipient: Claims, pad: padding.AsymmetricPadding) -> _Envelope:
    public = public_key(recipient)
    assert isinstance(public, rsa.RSAPublicKey)
    key = os.urandom(CONTENT_KEY_SIZES[how.enc])
    return _Envelope(header, key, public.encrypt(key, pad))


def _agreed(header: Claims, how: Encryption, recipient: Claims) -> _Envelope:
    """Key agreement with a fresh key (RFC 7518 section 4.6)."""
    public = public_key(recipient)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    fresh = ec.generate_private_key(public.curve)
    header["epk"] = public_jwk(fresh.public_key())
    wrap = how.alg.partition("+")[2]
    name, size = (how.alg, WRAPPING_KEY_SIZES[wrap]) if wrap else (how.enc, CONTENT_KEY_SIZES[how.enc])
    agreed = _concat(fresh.exchange(ec.ECDH(), public), name, size)
    if not wrap:
        return _Envelope(header, agreed, b"")
    key = os.urandom(CONTENT_KEY_SIZES[how.enc])
    return _Envelope(header, key, aes_key_wrap(agreed, key))


def _concat(secret: bytes, name: str, size: int) -> bytes:
    told = len(name).to_bytes(4, "big") + name.encode() + bytes(8) + (size * 8).to_bytes(4, "big")
    return ConcatKDFHash(SHA256(), size, told).derive(secret)


# What goes wrong


def _rsa15(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    header["alg"] = "RSA1_5"
    return _for_rsa(header, how, recipient, padding.PKCS1v15())


def _rsa15_bad_padding(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    header["alg"] = "RSA1_5"
    return _Envelope(header, os.urandom(CONTENT_KEY_SIZES[how.enc]), b"\1" * (len(decoded(recipient["n"]))))


def _by_password(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    """The rounds that the header tells are not those that were done: to find out takes minutes."""
    salt = os.urandom(16)
    header.update(alg="PBES2-HS256+A128KW", p2s=base64url(salt), p2c=ROUNDS)
    wrapping = hashlib.pbkdf2_hmac("sha256", secret.encode(), b"PBES2-HS256+A128KW\0" + salt, 1000, 16)
    key = os.urandom(CONTENT_KEY_SIZES[how.enc])
    return _Envelope(header, key, aes_key_wrap(wrapping, key))


def _bad_key(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    good = _good(header, how, recipient, secret)
    good.encrypted_key = os.urandom(len(good.encrypted_key) or 32)
    return good


def _short_key(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    """A block that opens with the recipient's RSA key, and holds a key of another length than the content's."""
    public = public_key(recipient)
    if not isinstance(public, rsa.RSAPublicKey):
        return _bad_key(header, how, recipient, secret)
    good = _good(header, how, recipient, secret)
    good.encrypted_key = public.encrypt(good.content_key[1:], oaep(OAEP_HASHES[how.alg]))
    return good


def _tampered(place: int) -> Callable[[Claims, Encryption, Claims, str], _Envelope]:
    def envelope(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
        good = _good(header, how, recipient, secret)
        good.tamper = lambda parts: [
            base64url(bytes(byte ^ 1 for byte in decoded(part))) if number == place else part
            for number, part in enumerate(parts)
        ]
        return good

    return envelope


def _null_key(header: Claims, how: Encryption, recipient: Claims, secret: str) -> _Envelope:
    good = _good(header, how, recipient, secret)
    good.encrypted_key = b""
    return good


def _with_header(**more: object) -> Callable[[Claims, Encryption, Claims, str], _Envelope]:
    return lambda header, how, recipient, secret: _good({**header, **more}, how, recipient, secret)


ENCRYPTIONS: dict[str, Callable[[Claims, Encryption, Claims, str], _Envelope]] = {
    "encrypted_for_another": _good,
    "encrypted_zip": _good,
    "encrypted_zip_bomb": _good,
    "encrypted_rsa15": _rsa15,
    "encrypted_rsa15_bad_padding": _rsa15_bad_padding,
    "encrypted_pbes2": _by_password,
    "encrypted_bad_key": _bad_key,
    "encrypted_short_key": _short_key,
    "encrypted_no_key": _null_key,
    "encrypted_bad_tag": _tampered(4),
    "encrypted_bad_content": _tampered(3),
    "encrypted_crit": _with_header(crit=["x-unknown"], **{"x-unknown": True}),
    "encrypted_raw": _good,
    "encrypted_not": _good,
}
"""`encrypted_raw`: the claims as JSON with no signature inside. `encrypted_not`: signed and not encrypted at all."""


# For the provider


def own_jwk() -> Claims:
    """The key to which clients encrypt their request objects."""
    return {**public_jwk(rsa_key(OWN_NUMBER).public_key()), "use": "enc", "alg": "RSA-OAEP-256", "kid": "encrypt-to-me"}


def decrypt(token: str) -> str:
    """What a client encrypted to the provider's key with RSA-OAEP or RSA-OAEP-256. Raises KeyError, ValueError,
    cryptography's InvalidTag."""
    names = token.split(".")
    header = json.loads(decoded(names[0]))
    encrypted_key, iv, ciphertext, tag = map(decoded, names[1:])
    key = rsa_key(OWN_NUMBER).decrypt(encrypted_key, oaep(OAEP_HASHES[header["alg"]]))
    return open_content(header["enc"], key, names[0].encode(), (iv, ciphertext, tag)).decode()


def open_content(enc: str, key: bytes, associated: bytes, sealed: tuple[bytes, bytes, bytes]) -> bytes:
    """Raises ValueError, cryptography's InvalidTag."""
    iv, ciphertext, tag = sealed
    if enc.endswith("GCM"):
        return AESGCM(key).decrypt(iv, ciphertext + tag, associated)
    half = len(key) // 2
    if not hmac.compare_digest(_mac(key[:half], associated, iv, ciphertext), tag):
        raise ValueError("the tag is wrong")
    decryptor = Cipher(AES(key[half:]), CBC(iv)).decryptor()
    unpad = PKCS7(128).unpadder()
    return unpad.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpad.finalize()


def open_agreed(header: Claims, private: ec.EllipticCurvePrivateKey, encrypted_key: bytes) -> bytes:
    """The content key of a token by ECDH-ES: what a client does, for the tests of this provider."""
    public = public_key(header["epk"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    wrap = header["alg"].partition("+")[2]
    name = header["alg"] if wrap else header["enc"]
    size = WRAPPING_KEY_SIZES[wrap] if wrap else CONTENT_KEY_SIZES[name]
    agreed = _concat(private.exchange(ec.ECDH(), public), name, size)
    return aes_key_unwrap(agreed, encrypted_key) if wrap else agreed

"""Authenticated encryption under the server's own keys, one derived key per purpose.

AES-SIV (RFC 5297) is deterministic and needs no nonce: two equal contents under one purpose give the
same text, so contents that must differ carry something unique (a participation and an attempt do).
The purpose is authenticated with the content, so that a cookie never opens as a state.
Keys are derived with HKDF-SHA256 (RFC 5869), and every sealed text begins with the key's number, so
that a new key can be put first while the old one still opens.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from entracte.protocol import base64url
from entracte.protocol.errors import Reason, refuse


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The server's keys by number (0 to 255), at least 32 bytes each; `newest` seals, all open."""

    newest: int
    by_number: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if self.newest not in self.by_number:
            raise ValueError("the newest key is not among the keys")
        for number, key in self.by_number.items():
            if not 0 <= number <= 255 or len(key) < 32:
                raise ValueError("a key has a number from 0 to 255 and at least 32 bytes")


@lru_cache(maxsize=4096)
def derived_key(key: bytes, purpose: str, size: int) -> bytes:
    """A key for one purpose alone (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=size, salt=None, info=purpose.encode()).derive(key)


@lru_cache(maxsize=4096)
def _cipher(key: bytes, purpose: str) -> AESSIV:
    return AESSIV(derived_key(key, f"seal {purpose}", 32))


def seal(content: bytes, purpose: str, keys: SealKeys) -> str:
    """Seal under the newest key: base64url without padding of key number, then AES-SIV."""
    number = keys.newest
    sealed = _cipher(keys.by_number[number], purpose).encrypt(content, _associated(purpose, number))
    return encode(bytes([number]) + sealed)


def open_sealed(text: str, purpose: str, keys: SealKeys) -> bytes:
    """The content of a sealed text. Refuses `STATE_UNKNOWN_KEY` and `STATE_INVALID`, the second for
    every other cause alike."""
    raw = decode(text)
    if len(raw) < 1 + 16:
        raise refuse(Reason.STATE_INVALID)
    key = keys.by_number.get(raw[0])
    if key is None:
        raise refuse(Reason.STATE_UNKNOWN_KEY)
    try:
        return _cipher(key, purpose).decrypt(raw[1:], _associated(purpose, raw[0]))
    except InvalidTag:
        raise refuse(Reason.STATE_INVALID) from None


def derive(text: str, purpose: str, keys: SealKeys) -> bytes:
    """32 bytes that only we can compute from a sealed text (HMAC-SHA256), for what need not be stored."""
    key = keys.by_number.get(decode(text)[0])
    if key is None:
        raise refuse(Reason.STATE_UNKNOWN_KEY)
    return hmac.digest(derived_key(key, f"derive {purpose}", 32), text.encode(), sha256)


def encode(raw: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64url.encode(raw)


def decode(text: str) -> bytes:
    """The bytes of a canonical base64url text; anything else is refused as `STATE_INVALID`."""
    try:
        raw = base64url.decode(text)
    except ValueError:
        raise refuse(Reason.STATE_INVALID) from None
    if not raw:
        raise refuse(Reason.STATE_INVALID)
    return raw


def _associated(purpose: str, number: int) -> list[bytes]:
    return [purpose.encode(), bytes([number])]

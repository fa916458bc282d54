"""What the targets have in common: keys that are always the same, and the promise of every parser."""

from collections.abc import Callable
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.jwk import ECKey, OctKey, OKPKey

from entracte.protocol.errors import Refused
from entracte.protocol.jwe import DecryptionKey, decryption_key
from entracte.protocol.jws import UnknownKey
from entracte.protocol.keys import EncryptionKey, KeySet, VerificationKey
from entracte.protocol.seal import SealKeys
from entracte.values import Secret

NOW = 1_800_000_000
ISSUER, CLIENT, NONCE, STATE = "https://as.example", "client", "the-nonce", "the-state"
SEAL_KEYS = SealKeys(7, {3: b"o" * 32, 7: b"k" * 32})

PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
"""Signs as the authorization server; the same text gives the same signature."""
PUBLIC = PRIVATE.public_key()
_PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

_ELLIPTIC = ec.derive_private_key(2**200 + 7, ec.SECP256R1())
_ELLIPTIC_KEY = ECKey.import_key(_ELLIPTIC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
OPENERS: tuple[DecryptionKey, ...] = tuple(
    decryption_key(_ELLIPTIC_KEY.as_dict(private=True), f"ours-{algorithm}", algorithm)
    for algorithm in ("ECDH-ES", "ECDH-ES+A128KW")
)
"""Ours to open with, and what anybody encrypts to."""
RECIPIENT = EncryptionKey("ours-ECDH-ES", "EC", None, ECKey.import_key(_ELLIPTIC_KEY.as_dict(private=False)))

SECRET = Secret("a-client-secret-of-32-characters")
MAC_KEYS = KeySet((VerificationKey(None, frozenset({"HS256"}), OctKey.import_key(SECRET.reveal())),), is_secret=True)
KEYS = KeySet((VerificationKey("one", frozenset({"EdDSA"}), OKPKey.import_key(_PEM)),))
ALGORITHMS = frozenset({"EdDSA"})

Value = TypeVar("Value")


def text(data: bytes) -> str:
    """Bytes as a text that can be anything, halves of characters too."""
    return data.decode("utf-8", errors="surrogateescape")


def accepted(call: Callable[[], Value], *given: str) -> Value | None:
    """The value, or None for a refusal, which says nothing of what was given (MUST 53, BAD 19). Anything else that is
    raised is a finding."""
    try:
        return call()
    except Refused as refusal:
        assert refusal.__cause__ is None, "a refusal that is chained to what the library said"
        shown = f"{refusal!r} {refusal}"
    except UnknownKey as unknown:
        shown = repr(unknown)
    assert not any(len(part) >= 16 and part in shown for part in given), "a refusal shows what was given"
    return None

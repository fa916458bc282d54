"""The keys of an authorization server (RFC 7517), parsed once and chosen by our own rules (RFC 8725)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from entracte.protocol.base64url import decode
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.json_documents import is_any_json, read_json_object
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

MAXIMUM_BYTES = 256 * 1024
MAXIMUM_KEYS = 100
MINIMUM_RSA_BITS = 2048
MAXIMUM_RSA_BITS = 16384
"""Verifying with a larger one would cost more than an attacker's request may."""
MAXIMUM_RSA_EXPONENT = 2**64

ALGORITHMS: Mapping[tuple[str, str | None], frozenset[str]] = MappingProxyType(
    {
        ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ("EC", "P-256"): frozenset({"ES256"}),
        ("EC", "P-384"): frozenset({"ES384"}),
        ("EC", "P-521"): frozenset({"ES512"}),
        ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    }
)
"""The algorithms that a key of this `kty` and `crv` can verify (RFC 7518 section 3.1, RFC 8037 section 3.1)."""

_COORDINATE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One usable public key. `key` is joserfc's."""

    kid: str | None
    algorithms: frozenset[str]
    """The JWS algorithms that this key may verify, after kty, crv, use, key_ops and alg."""
    key: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A public key of the authorization server that something of ours can be encrypted to. `key` is joserfc's."""

    kid: str | None
    key_type: str
    algorithm: str | None
    """The key management algorithm that the key is for, when it says."""
    key: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that may verify a signature. Made only by `read_jwks` and `mac_key_set`."""

    keys: tuple[VerificationKey, ...]
    encryption: tuple[EncryptionKey, ...] = ()
    is_secret: bool = False
    """Whether these are client secrets, for MACs: then they are meant whatever `kid` a token has."""

    def candidates(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """The keys for a header: the one named by `kid`, or, without a kid, all that fit the algorithm."""
        return [
            key
            for key in self.keys
            if algorithm in key.algorithms and (kid is None or self.is_secret or key.kid == kid)
        ]


_MAC_BYTES: Mapping[str, int] = MappingProxyType({"HS256": 32, "HS384": 48, "HS512": 64})


def mac_key_set(*secrets: Secret) -> KeySet:
    """The client secrets as the only keys: one, or two while a server changes from one to the next. Each is for the
    algorithms that it is long enough for itself (RFC 7518 section 3.2)."""
    return KeySet(tuple(_mac_key(secret) for secret in secrets), is_secret=True)


def _mac_key(secret: Secret) -> VerificationKey:
    raw = secret.reveal().encode()
    algorithms = frozenset(name for name, size in _MAC_BYTES.items() if len(raw) >= size)
    try:
        key = OctKey.import_key(raw) if algorithms else None
    except ValueError:  # a public key in one of its forms: everybody has that
        algorithms, key = frozenset(), None
    return VerificationKey(None, algorithms, key)


def jwks_request(url: str) -> HttpRequest:
    """The request for a key set (RFC 7517 section 8.5)."""
    return HttpRequest("GET", url, accept="application/jwk-set+json, application/json", purpose=Purpose.JWKS)


def read_jwks(response: HttpResponse) -> KeySet:
    """The usable keys: unknown, broken, weak (RSA under 2048 bits), private and symmetric keys are ignored one by one.

    Refuses `JWKS_MALFORMED` when the document is no JWKS, too large, or has too many keys, and as every
    reader `PROVIDER_ERROR` (5xx) and `RESPONSE_REDIRECTED`.
    """
    document = read_json_object(
        response, accepts=is_any_json, malformed=Reason.JWKS_MALFORMED, maximum_bytes=MAXIMUM_BYTES
    )
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise refuse(Reason.JWKS_MALFORMED, "`keys` is not a list.")
    if len(entries) > MAXIMUM_KEYS:
        raise refuse(Reason.JWKS_MALFORMED, f"There are more than {MAXIMUM_KEYS} keys.")
    usable = (_verification_key(entry) for entry in entries)
    encryption = (_encryption_key(entry) for entry in entries)
    return KeySet(tuple(key for key in usable if key is not None), tuple(key for key in encryption if key is not None))


def _verification_key(entry: Any) -> VerificationKey | None:
    """None for a key that is not for us: one broken key must not cost the others (RFC 7517 section 5)."""
    if not isinstance(entry, dict) or not _is_public_signature_key(entry):
        return None
    algorithms = _algorithms(entry)
    if not algorithms:
        return None
    try:
        key = _READERS[entry["kty"]](entry)
    except (JoseError, UnsupportedAlgorithm, ValueError):
        return None
    return VerificationKey(entry.get("kid"), algorithms, key)


def _encryption_key(entry: Any) -> EncryptionKey | None:
    """A key that is published for encryption (RFC 7517 section 4.2), and for nothing else."""
    if not isinstance(entry, dict) or entry.get("use") != "enc" or "d" in entry:
        return None
    kid, key_type, algorithm = entry.get("kid"), entry.get("kty"), entry.get("alg")
    if not isinstance(kid, str | None) or not isinstance(algorithm, str | None) or key_type not in ("RSA", "EC"):
        return None
    try:
        return EncryptionKey(kid, key_type, algorithm, _READERS[key_type](entry))
    except (JoseError, UnsupportedAlgorithm, ValueError, KeyError, TypeError):
        return None


def _is_public_signature_key(entry: Mapping[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        "d" not in entry  # a private key that was published proves nothing any more
        and isinstance(entry.get("kid", ""), str)
        and entry.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _algorithms(entry: Mapping[str, Any]) -> frozenset[str]:
    """What kty and crv allow, narrowed to `alg` where the key has one."""
    key_type, curve = entry.get("kty"), entry.get("crv")
    if not isinstance(key_type, str) or not isinstance(curve, str | None):
        return frozenset()
    possible = ALGORITHMS.get((key_type, curve if key_type != "RSA" else None), frozenset())
    if "alg" not in entry:
        return possible
    return frozenset({entry["alg"]} & possible) if isinstance(entry["alg"], str) else frozenset()


def _member(entry: Mapping[str, Any], name: str) -> bytes:
    value = entry.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    return decode(value)


def _rsa(entry: Mapping[str, Any]) -> RSAKey:
    modulus = int.from_bytes(_member(entry, "n"), "big")
    exponent = int.from_bytes(_member(entry, "e"), "big")
    if not MINIMUM_RSA_BITS <= modulus.bit_length() <= MAXIMUM_RSA_BITS:
        raise ValueError("the modulus is too short or too long")
    if not 3 <= exponent < MAXIMUM_RSA_EXPONENT:
        raise ValueError("the exponent is too small or too large")
    return RSAKey.import_key({"kty": "RSA", "n": entry["n"], "e": entry["e"]})


def _elliptic_curve(entry: Mapping[str, Any]) -> ECKey:
    """RFC 7518 section 6.2.1.2: a coordinate has all its octets. The library checks that the point is on the curve."""
    size = _COORDINATE_BYTES[entry["crv"]]
    if len(_member(entry, "x")) != size or len(_member(entry, "y")) != size:
        raise ValueError("a coordinate is too short or too long")
    return ECKey.import_key({"kty": "EC", "crv": entry["crv"], "x": entry["x"], "y": entry["y"]})


def _edwards_curve(entry: Mapping[str, Any]) -> OKPKey:
    if len(_member(entry, "x")) != _COORDINATE_BYTES[entry["crv"]]:
        raise ValueError("the public key is too short or too long")
    return OKPKey.import_key({"kty": "OKP", "crv": entry["crv"], "x": entry["x"]})


_READERS: Mapping[str, Callable[[Mapping[str, Any]], RSAKey | ECKey | OKPKey]] = MappingProxyType(
    {"RSA": _rsa, "EC": _elliptic_curve, "OKP": _edwards_curve}
)

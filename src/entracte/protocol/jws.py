"""A signed token in compact form (RFC 7515 section 7.1), read by our own rules before joserfc sees it.

What is refused here broke others: `none` and MACs under a public key (RFC 8725 section 3.1), `crit` and
`b64` that nobody understood, keys that the token brought along, JSON forms in which the checked and the
used payload differ, and sizes without a limit. The library is asked one question alone: is this the
signature of these bytes under this key.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from entracte.protocol.base64url import decode
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.json_documents import MalformedJson, parse_json_object
from entracte.protocol.keys import KeySet, VerificationKey
from entracte.values import Secret

MAXIMUM_BYTES = 64 * 1024
MAXIMUM_HEADER_BYTES = 8 * 1024

MAC_ALGORITHMS = frozenset({"HS256", "HS384", "HS512"})
"""Only for a connection that registered one, and only under its client secret (`keys.mac_key_set`)."""

JOSERFC_ALGORITHMS: Mapping[str, str] = {
    "RS256": "RS256",
    "RS384": "RS384",
    "RS512": "RS512",
    "PS256": "PS256",
    "PS384": "PS384",
    "PS512": "PS512",
    "ES256": "ES256",
    "ES384": "ES384",
    "ES512": "ES512",
    "EdDSA": "Ed25519",  # joserfc's own EdDSA takes Ed448 too; the keys here are Ed25519 only (RFC 9864 section 2.2)
}
"""Every algorithm that can verify anything here, and joserfc's name for it. A connection allows some of them."""

_NAMED_IN_EVIDENCE = frozenset({*JOSERFC_ALGORITHMS, *MAC_ALGORITHMS, "none", "ES256K", "Ed25519", "Ed448"})
_REGISTRY = JWSRegistry(algorithms=frozenset(JOSERFC_ALGORITHMS.values()) | MAC_ALGORITHMS)


class UnknownKey(Exception):
    """The token names a key that the key set does not have: fetch the key set again, once."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Header and claims of a token whose signature is right. Made only by `verify_signature`."""

    algorithm: str
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Parts:
    header: str
    payload: str
    signature: str

    @property
    def signing_input(self) -> bytes:
        return f"{self.header}.{self.payload}".encode("ascii")


def verify_signature(token: Secret, keys: KeySet, algorithms: frozenset[str]) -> VerifiedToken:
    """The token, when one of the keys that fit its header signed it with one of `algorithms`.

    Refuses `TOKEN_MALFORMED`, `TOKEN_ALGORITHM`, `TOKEN_KEY` and `TOKEN_SIGNATURE`. Raises `UnknownKey` when
    another key set might help: none has the token's `kid`, or none fits a token without one.
    """
    parts = _split(token.reveal())
    header = _header(parts.header)
    algorithm = _algorithm(header, algorithms, MAC_ALGORITHMS if keys.is_secret else JOSERFC_ALGORITHMS.keys())
    candidates = _candidates(keys, _kid(header), algorithm)
    signature = _decode(parts.signature)
    if not any(_is_signature(candidate, algorithm, parts.signing_input, signature) for candidate in candidates):
        raise refuse(Reason.TOKEN_SIGNATURE)
    return VerifiedToken(algorithm, header, _object(parts.payload, "payload"))


def _split(text: str) -> _Parts:
    if len(text) > MAXIMUM_BYTES:
        raise refuse(Reason.TOKEN_MALFORMED, "The token is larger than the limit.")
    parts = text.split(".", 3)
    if not text.isascii() or len(parts) != 3:
        raise refuse(Reason.TOKEN_MALFORMED, "The token is not three parts of base64url.")
    return _Parts(*parts)


def _decode(part: str) -> bytes:
    try:
        return decode(part)
    except ValueError:
        raise refuse(Reason.TOKEN_MALFORMED, "A part of the token is not base64url.") from None


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        return parse_json_object(_decode(part))
    except MalformedJson as problem:
        raise refuse(Reason.TOKEN_MALFORMED, f"The {name} of the token can not be read: {problem}.") from None


def _header(part: str) -> dict[str, Any]:
    """`jwk`, `jku`, `x5u` and `x5c` may stand there and are never looked at (RFC 8725 section 3.10)."""
    if len(part) > MAXIMUM_HEADER_BYTES:
        raise refuse(Reason.TOKEN_MALFORMED, "The header of the token is larger than the limit.")
    header = _object(part, "header")
    for name in ("crit", "b64"):
        if name in header:
            # RFC 7515 section 4.1.11: what is critical and not understood has to be refused; we understand no extension
            raise refuse(Reason.TOKEN_MALFORMED, f"The header of the token has `{name}`.")
    return header


def _algorithm(header: Mapping[str, Any], allowed: frozenset[str], fitting: Collection[str]) -> str:
    """`fitting` are those of the kind of key: no public key is ever taken for a secret, whatever is allowed."""
    algorithm = header.get("alg")
    if isinstance(algorithm, str) and algorithm in allowed and algorithm in fitting:
        return algorithm
    got = algorithm if isinstance(algorithm, str) and algorithm in _NAMED_IN_EVIDENCE else "something else"
    raise refuse(Reason.TOKEN_ALGORITHM, f"Expected {' or '.join(sorted(allowed))}; got {got}.")


def _kid(header: Mapping[str, Any]) -> str | None:
    kid = header.get("kid")
    if "kid" in header and not isinstance(kid, str):
        raise refuse(Reason.TOKEN_MALFORMED, "The `kid` of the token is not a string.")
    return kid


def _candidates(keys: KeySet, kid: str | None, algorithm: str) -> tuple[VerificationKey, ...]:
    candidates = tuple(keys.candidates(kid, algorithm))
    if candidates:
        return candidates
    if kid is not None and any(key.kid == kid for key in keys.keys):
        # the key is known and may not verify this algorithm: no other key set will change that
        raise refuse(Reason.TOKEN_KEY, "The key that the token names does not fit its algorithm.")
    raise UnknownKey


def _is_signature(candidate: VerificationKey, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
    model = _REGISTRY.get_alg(JOSERFC_ALGORITHMS.get(algorithm, algorithm))
    try:
        model.check_key(candidate.key)
        return model.verify(signing_input, signature, candidate.key)
    except (JoseError, ValueError):
        # what the library has to say may quote the token (CVE-2025-65015)
        return False

"""The ID token and its proof (OpenID Connect Core sections 2, 3.1.3.7, 3.2.2.11 and 3.3.2.12).

A claim is required because the table here says so, never because a library happened to look.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256, sha384, sha512
from typing import Any

from entracte.protocol import claim_rules, jws
from entracte.protocol.base64url import encode
from entracte.protocol.claim_rules import CLOCK_SKEW, ClaimRule, audiences
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.jws import UnknownKey
from entracte.protocol.keys import KeySet
from entracte.values import Secret

__all__ = [
    "CLOCK_SKEW",
    "MAXIMUM_AGE",
    "MAXIMUM_BYTES",
    "Companions",
    "IdTokenExpectation",
    "UnknownKey",
    "VerifiedClaims",
    "verify_id_token",
]

MAXIMUM_BYTES = jws.MAXIMUM_BYTES
MAXIMUM_AGE = 86_400
"""Seconds since `iat` after which an ID token is refused."""


@dataclass(frozen=True, slots=True)
class VerifiedClaims:
    """Claims of a subject at an issuer, proven. Made only by the verifiers of this package."""

    issuer: str
    subject: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdTokenExpectation:
    """What an ID token must say to be ours."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    algorithms: frozenset[str]
    """Allowed JWS algorithms; never empty, never `none`. HS* only where it is the registered one."""
    max_age: int | None = None
    """The `max_age` that was sent, in seconds: then `auth_time` has to be there and young enough."""
    acr_values: tuple[str, ...] = ()
    """The authentication contexts of which one was asked for as essential (section 5.5.1.1)."""
    subjects: tuple[str, ...] = field(default=(), repr=False)
    """The subjects of which one was asked for (sections 3.1.2.2 and 5.5.1); empty: it may be anybody."""


@dataclass(frozen=True, slots=True)
class Companions:
    """What came or goes with an ID token: each hash of it that is there has to be of that, and those `required` have to
    be there (section 3.3.2.11, Financial-grade API Part 2 section 5.2.2.1 for `s_hash`)."""

    access_token: Secret | None = None
    code: Secret | None = None
    state: Secret | None = None
    required: frozenset[str] = frozenset()


TYPES = frozenset({"jwt", "application/jwt"})
"""The `typ` that an ID token may have, lower case, when it has one: an access token is none (RFC 9068 section 5)."""


def _same_issuer(value: str, expectation: IdTokenExpectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: IdTokenExpectation) -> str:
    return difference(expectation.issuer, value)


def _asked_for(value: str, expectation: IdTokenExpectation, _now: int) -> bool:
    return not expectation.subjects or value in expectation.subjects


def _us_alone(value: Any, expectation: IdTokenExpectation, _now: int) -> bool:
    return audiences(value) == [expectation.client_id]


def _young_enough(value: float, _expectation: IdTokenExpectation, now: int) -> bool:
    return now - value <= MAXIMUM_AGE


def _our_nonce(value: str, expectation: IdTokenExpectation, _now: int) -> bool:
    return hmac.compare_digest(value.encode(), expectation.nonce.encode())


RULES: tuple[ClaimRule[IdTokenExpectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule(
        "sub",
        claim_rules.is_subject,
        _asked_for,
        Reason.TOKEN_SUBJECT,
        unusable=Reason.TOKEN_SUBJECT,
    ),
    ClaimRule("aud", claim_rules.is_audience, _us_alone, Reason.TOKEN_AUDIENCE),
    ClaimRule("azp", claim_rules.is_text, _us_alone, Reason.TOKEN_AUDIENCE, required=False),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED),
    ClaimRule("iat", claim_rules.is_number, _young_enough, Reason.TOKEN_TOO_OLD),
    ClaimRule("nonce", claim_rules.is_text, _our_nonce, Reason.TOKEN_NONCE),
)
"""Section 3.1.3.7 as a table, in the order of the checks."""

HASHES: Mapping[str, Callable[[bytes], Any]] = {
    "RS256": sha256,
    "RS384": sha384,
    "RS512": sha512,
    "PS256": sha256,
    "PS384": sha384,
    "PS512": sha512,
    "ES256": sha256,
    "ES384": sha384,
    "ES512": sha512,
    "HS256": sha256,
    "HS384": sha384,
    "HS512": sha512,
    "EdDSA": sha512,  # the hash inside Ed25519 (RFC 8032 section 5.1)
}
"""The hash of `at_hash` by the algorithm of the ID token (section 3.1.3.6). One that is not here fails closed."""


def verify_id_token(
    token: Secret,
    keys: KeySet,
    expectation: IdTokenExpectation,
    *,
    now: int,
    access_token: Secret | None = None,
    companions: Companions | None = None,
) -> VerifiedClaims:
    """The claims of an ID token, or a refusal (`TOKEN_*`, `AUTHENTICATION_*`). Raises `UnknownKey` when no candidate
    key has the token's `kid`; the caller may refetch and must then treat it as `TOKEN_KEY`.

    `access_token` is the one that came in the same answer, short for `companions` with that alone.
    """
    verified = jws.verify_signature(token, keys, expectation.algorithms)
    claims = verified.claims
    _check_type(verified.header)
    claim_rules.check_claims(claims, RULES, expectation, now)
    _check_authentication(claims, expectation, now)
    _check_hashes(claims, companions or Companions(access_token), verified.algorithm)
    return VerifiedClaims(claims["iss"], claims["sub"], claims)


def _check_type(header: Mapping[str, Any]) -> None:
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise refuse(Reason.TOKEN_CLAIM, "The header's `typ` is not that of an ID token.")


def _check_authentication(claims: Mapping[str, Any], expectation: IdTokenExpectation, now: int) -> None:
    """Sections 3.1.3.7 (12, 13) and 5.5.1.1: what was asked for has to be said, and to hold."""
    if expectation.max_age is not None:
        at: Any = claims.get("auth_time")
        if not claim_rules.is_number(at) or not claim_rules.not_in_the_future(at, None, now):
            raise refuse(Reason.AUTHENTICATION_AGE, "`auth_time` is missing, no time, or in the future.")
        if now - at > expectation.max_age + CLOCK_SKEW:
            raise refuse(Reason.AUTHENTICATION_AGE, f"Expected at most {expectation.max_age} seconds.")
    if expectation.acr_values and claims.get("acr") not in expectation.acr_values:
        raise refuse(Reason.AUTHENTICATION_CONTEXT, f"Expected {' or '.join(expectation.acr_values)}.")


def _check_hashes(claims: Mapping[str, Any], companions: Companions, algorithm: str) -> None:
    for name, of in (
        ("at_hash", companions.access_token),
        ("c_hash", companions.code),
        ("s_hash", companions.state),
    ):
        if name in claims and of is not None:
            check_hash(name, claims[name], of, algorithm)
        elif name in companions.required:
            raise refuse(Reason.TOKEN_HASH, f"`{name}` is missing.")


def check_hash(name: str, value: Any, of: Secret, algorithm: str) -> None:
    """Refuses `TOKEN_HASH` unless the value is the left half of the hash of that text (section 3.1.3.8, 3.3.2.10)."""
    hasher = HASHES.get(algorithm)
    if hasher is None or not isinstance(value, str):
        raise refuse(Reason.TOKEN_HASH, f"`{name}` can not be checked.")
    digest = hasher(of.reveal().encode()).digest()
    if not hmac.compare_digest(value.encode(), encode(digest[: len(digest) // 2]).encode()):
        raise refuse(Reason.TOKEN_HASH, f"`{name}` is of something else.")

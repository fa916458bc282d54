"""A JWT access token as the source of the profile (RFC 9068), where a connection opts in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entracte.protocol import claim_rules, jws
from entracte.protocol.claim_rules import ClaimRule, audiences
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.id_token import VerifiedClaims
from entracte.protocol.issuers import difference
from entracte.protocol.keys import KeySet
from entracte.values import Secret


@dataclass(frozen=True, slots=True)
class AccessTokenExpectation:
    """What a JWT access token must say before its claims are read."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    types: frozenset[str] = frozenset({"at+jwt", "application/at+jwt"})
    """Accepted `typ` header values, lower case; a connection may add `jwt`."""


def _same_issuer(value: str, expectation: AccessTokenExpectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: AccessTokenExpectation) -> str:
    return difference(expectation.issuer, value)


def _for_the_audience(value: Any, expectation: AccessTokenExpectation, _now: int) -> bool:
    return expectation.audience in audiences(value)


RULES: tuple[ClaimRule[AccessTokenExpectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule(
        "sub",
        claim_rules.is_subject,
        claim_rules.holds_already,
        Reason.TOKEN_SUBJECT,
        unusable=Reason.TOKEN_SUBJECT,
    ),
    ClaimRule("aud", claim_rules.is_audience, _for_the_audience, Reason.TOKEN_AUDIENCE),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
)
"""RFC 9068 sections 2.2 and 4 as a table, in the order of the checks."""


def verify_access_token(
    token: Secret, keys: KeySet, expectation: AccessTokenExpectation, *, now: int
) -> VerifiedClaims:
    """The claims of a JWT access token, or a refusal (`TOKEN_*`); `UnknownKey` as for an ID token.
    RFC 9068 section 4: typ, iss, aud, exp, signature; section 2.2: `sub` is required."""
    verified = jws.verify_signature(token, keys, expectation.algorithms)
    _check_type(verified.header, expectation.types)
    _check_no_id_token(verified.claims)
    claim_rules.check_claims(verified.claims, RULES, expectation, now)
    return VerifiedClaims(verified.claims["iss"], verified.claims["sub"], verified.claims)


def _check_type(header: Mapping[str, Any], types: frozenset[str]) -> None:
    kind = header.get("typ")
    if not isinstance(kind, str) or kind.lower() not in types:
        raise refuse(Reason.TOKEN_CLAIM, f"The header's `typ` is not {' or '.join(sorted(types))}.")


def _check_no_id_token(claims: Mapping[str, Any]) -> None:
    """Where a connection takes the type `jwt`, the type alone no longer tells an ID token from an access token."""
    if "at_hash" in claims or "c_hash" in claims:
        raise refuse(Reason.TOKEN_CLAIM, "The token is an ID token, not an access token.")

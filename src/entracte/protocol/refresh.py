"""A refresh token and what it brings (RFC 6749 section 6, OpenID Connect Core section 12)."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from entracte.protocol import claim_rules, id_token, jws
from entracte.protocol.claim_rules import CLOCK_SKEW, ClaimRule, audiences
from entracte.protocol.client_auth import Client, Moment, client_request
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.id_token import IdTokenExpectation, VerifiedClaims
from entracte.protocol.issuers import difference
from entracte.protocol.keys import KeySet
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.protocol.token import Tokens, read_token_response
from entracte.values import Secret


@dataclass(frozen=True, slots=True)
class FirstSignIn:
    """What a refreshed ID token is held against: what the first one said. It may be stored. Made by `first_sign_in`."""

    issuer: str
    subject: str = field(repr=False)
    audience: tuple[str, ...]
    authorized_party: str | None
    """`azp`."""
    authenticated_at: float | None
    """`auth_time`, in seconds."""
    issued_at: float
    nonce: str | None = field(repr=False)


def first_sign_in(verified: VerifiedClaims) -> FirstSignIn:
    """What has to be remembered of the ID token of the original authentication."""
    claims = verified.claims
    at = claims.get("auth_time")
    return FirstSignIn(
        verified.issuer,
        verified.subject,
        tuple(audiences(claims["aud"])),
        claims.get("azp"),
        at if claim_rules.is_number(at) else None,
        claims["iat"],
        claims.get("nonce"),
    )


def refresh_request(
    endpoint: str,
    client: Client,
    refresh_token: Secret,
    *,
    scope: Sequence[str] = (),
    resource: tuple[str, ...] = (),
    moment: Moment | None = None,
    headers: Mapping[str, Secret] | None = None,
) -> HttpRequest:
    """The request of RFC 6749 section 6. `scope` may only narrow, and is left out when all of it is meant; `resource`
    is what the access token is for (RFC 8707 section 2.2); `headers` are those of a proof (RFC 9449 section 5)."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token.reveal(),
        **({"scope": " ".join(scope)} if scope else {}),
    }
    more = tuple(("resource", one) for one in resource)
    return client_request(endpoint, client, form, purpose=Purpose.TOKEN, moment=moment, headers=headers, more=more)


def read_refresh_response(
    response: HttpResponse,
    refresh_token: Secret,
    *,
    token_type: str = "bearer",  # noqa: S107
) -> Tokens:
    """The new tokens. Where a new refresh token came the old one is spent; where none came, it stays (section 6).
    Refuses as `read_token_response` does; `TOKEN_REFUSED` means that the refresh token is of no use any more."""
    tokens = read_token_response(response, token_type=token_type)
    return replace(tokens, refresh_token=tokens.refresh_token or refresh_token)


def _same_issuer(value: str, first: FirstSignIn, _now: int) -> bool:
    return value == first.issuer


def _issuer_difference(value: str, first: FirstSignIn) -> str:
    return difference(first.issuer, value)


def _same_subject(value: str, first: FirstSignIn, _now: int) -> bool:
    return value == first.subject


def _same_audience(value: Any, first: FirstSignIn, _now: int) -> bool:
    return sorted(audiences(value)) == sorted(first.audience)


def _same_party(value: str, first: FirstSignIn, _now: int) -> bool:
    return value == first.authorized_party


def _same_authentication(value: float, first: FirstSignIn, _now: int) -> bool:
    return first.authenticated_at is None or value == first.authenticated_at


def _not_before(value: float, first: FirstSignIn, _now: int) -> bool:
    return value + CLOCK_SKEW >= first.issued_at


def _same_nonce(value: str, first: FirstSignIn, _now: int) -> bool:
    return first.nonce is not None and hmac.compare_digest(value.encode(), first.nonce.encode())


RULES: tuple[ClaimRule[FirstSignIn], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule("sub", claim_rules.is_subject, _same_subject, Reason.TOKEN_SUBJECT, unusable=Reason.TOKEN_SUBJECT),
    ClaimRule("aud", claim_rules.is_audience, _same_audience, Reason.TOKEN_AUDIENCE),
    ClaimRule("azp", claim_rules.is_text, _same_party, Reason.TOKEN_AUDIENCE, required=False),
    ClaimRule("auth_time", claim_rules.is_number, _same_authentication, Reason.AUTHENTICATION_AGE, required=False),
    ClaimRule("iat", claim_rules.is_number, _not_before, Reason.TOKEN_TOO_OLD),
    ClaimRule("nonce", claim_rules.is_text, _same_nonce, Reason.TOKEN_NONCE, required=False),
)
"""OpenID Connect Core section 12.2 as a table, in the order of the checks."""

_ID_TOKEN_RULES = tuple(rule for rule in id_token.RULES if rule.name != "nonce")
"""Section 12.2: otherwise as for any ID token, but for the nonce, which it should not have."""


def verify_refreshed_id_token(
    token: Secret,
    keys: KeySet,
    expectation: IdTokenExpectation,
    first: FirstSignIn,
    *,
    now: int,
    access_token: Secret | None = None,
) -> VerifiedClaims:
    """The claims of an ID token that came with a refresh, or a refusal (`TOKEN_*`, `AUTHENTICATION_AGE`): then none of
    the new tokens may be used. `UnknownKey` as for an ID token. Of the expectation, `nonce`, `max_age` and `acr_values`
    mean nothing here: nobody was asked anything. `access_token` is the one that came in the same answer."""
    verified = jws.verify_signature(token, keys, expectation.algorithms)
    claims = verified.claims
    kind = verified.header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in id_token.TYPES:
        raise refuse(Reason.TOKEN_CLAIM, "The header's `typ` is not that of an ID token.")
    claim_rules.check_claims(claims, _ID_TOKEN_RULES, expectation, now)
    claim_rules.check_claims(claims, RULES, first, now)
    if first.authorized_party is not None and "azp" not in claims:
        raise refuse(Reason.TOKEN_AUDIENCE, "`azp` is missing, and the first ID token had one.")
    if access_token is not None and "at_hash" in claims:
        id_token.check_hash("at_hash", claims["at_hash"], access_token, verified.algorithm)
    return VerifiedClaims(claims["iss"], claims["sub"], claims)

"""Asking the authorization server what an access token is worth (RFC 7662), and its signed answer (RFC 9701)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from entracte.protocol import claim_rules, jws
from entracte.protocol.claim_rules import ClaimRule, audiences
from entracte.protocol.client_auth import Client, Moment, client_request
from entracte.protocol.error_answers import registered_error
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.json_documents import SUCCESS, read_json_object, refused_status
from entracte.protocol.keys import KeySet
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

SIGNED = "application/token-introspection+jwt"
"""The media type of a signed answer (RFC 9701 section 4)."""
TYPES = frozenset({"token-introspection+jwt", SIGNED})
"""The `typ` that a signed answer must have, lower case (RFC 9701 section 5)."""
MAXIMUM_AGE = 300
"""Seconds since `iat` after which a signed answer is refused: it is made for the one who asks now."""

_CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})
_STATUSES: Mapping[int, Reason] = MappingProxyType({401: Reason.CLIENT_REFUSED, 403: Reason.CLIENT_REFUSED})


@dataclass(frozen=True, slots=True)
class ActiveToken:
    """What the authorization server says of a token that is active. Made only by the readers of this file."""

    subject: str | None = field(repr=False)
    """None where the server does not say (RFC 7662 section 2.2: `sub` is optional)."""
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class IntrospectionExpectation:
    """What an answer must not contradict, and a signed one must say."""

    issuer: str
    """Empty for a plain OAuth 2.0 connection: then a plain answer may name any."""
    client_id: str
    audience: str = ""
    """What the access token is for; empty: whatever the server chose."""
    subject: str | None = None
    """The proven `sub`, None where there is none yet."""
    algorithms: frozenset[str] = frozenset()
    """Of a signed answer (`introspection_signed_response_alg`, RFC 9701 section 6)."""


def introspection_request(
    endpoint: str,
    client: Client,
    token: Secret,
    *,
    moment: Moment | None = None,
    headers: Mapping[str, Secret] | None = None,
    signed: bool = False,
) -> HttpRequest:
    """The request of RFC 7662 section 2.1 for an access token. `signed` asks for the answer of RFC 9701."""
    form = {"token": token.reveal(), "token_type_hint": "access_token"}
    request = client_request(endpoint, client, form, purpose=Purpose.INTROSPECTION, moment=moment, headers=headers)
    return replace(request, accept=SIGNED) if signed else request


def _same_issuer(value: str, expectation: IntrospectionExpectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: IntrospectionExpectation) -> str:
    return difference(expectation.issuer, value)


def _same_issuer_or_any(value: str, expectation: IntrospectionExpectation, now: int) -> bool:
    return not expectation.issuer or _same_issuer(value, expectation, now)


def _for_the_audience(value: Any, expectation: IntrospectionExpectation, _now: int) -> bool:
    return not expectation.audience or expectation.audience in audiences(value)


def _ours(value: str, expectation: IntrospectionExpectation, _now: int) -> bool:
    return value == expectation.client_id


def _same_subject(value: str, expectation: IntrospectionExpectation, _now: int) -> bool:
    return expectation.subject is None or value == expectation.subject


RULES: tuple[ClaimRule[IntrospectionExpectation], ...] = (
    ClaimRule(
        "iss", claim_rules.is_text, _same_issuer_or_any, Reason.TOKEN_ISSUER, required=False, explain=_issuer_difference
    ),
    ClaimRule("client_id", claim_rules.is_text, _ours, Reason.TOKEN_AUDIENCE, required=False),
    ClaimRule("aud", claim_rules.is_audience, _for_the_audience, Reason.TOKEN_AUDIENCE, required=False),
    ClaimRule(
        "sub",
        claim_rules.is_subject,
        _same_subject,
        Reason.TOKEN_SUBJECT,
        required=False,
        unusable=Reason.TOKEN_SUBJECT,
    ),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
)
"""RFC 7662 section 2.2 as a table, in the order of the checks: each may be absent, none may contradict."""


def _us_alone(value: Any, expectation: IntrospectionExpectation, _now: int) -> bool:
    return audiences(value) == [expectation.client_id]


def _fresh(value: float, _expectation: IntrospectionExpectation, now: int) -> bool:
    return now - value <= MAXIMUM_AGE


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


ANSWER_RULES: tuple[ClaimRule[IntrospectionExpectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule("aud", claim_rules.is_audience, _us_alone, Reason.TOKEN_AUDIENCE),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED),
    ClaimRule("iat", claim_rules.is_number, _fresh, Reason.TOKEN_TOO_OLD),
    ClaimRule("token_introspection", _is_object, claim_rules.holds_already, Reason.TOKEN_CLAIM),
)
"""RFC 9701 section 5 as a table, in the order of the checks."""


def read_introspection(response: HttpResponse, expectation: IntrospectionExpectation, *, now: int) -> ActiveToken:
    """The plain answer (RFC 7662 section 2.2). Refuses `TOKEN_INACTIVE`, `TOKEN_*` for what contradicts,
    `CLIENT_REFUSED` (401, 403, or a registered error that says so), `RESPONSE_MALFORMED`, `PROVIDER_ERROR` (5xx, 429)
    and `RESPONSE_REDIRECTED`."""
    _check_status(response)
    return _active(read_json_object(response), expectation, now)


def read_introspection_token(response: HttpResponse) -> Secret:
    """The signed answer, not proven yet. A plain answer where a signed one was asked for is refused, not taken.
    Refuses as `read_introspection` does."""
    _check_status(response)
    if response.media_type != SIGNED:
        raise refuse(Reason.RESPONSE_MALFORMED, f"The media type of the answer is not {SIGNED}.")
    if len(response.body) > jws.MAXIMUM_BYTES or not response.body.isascii():
        raise refuse(Reason.TOKEN_MALFORMED, "The answer is not a token within the limits.")
    return Secret(response.body.decode("ascii").strip())


def verify_introspection(
    token: Secret, keys: KeySet, expectation: IntrospectionExpectation, *, now: int
) -> ActiveToken:
    """What a signed answer says. Refuses `TOKEN_*`, `TOKEN_INACTIVE` and `RESPONSE_MALFORMED`; `UnknownKey` as for an
    ID token. The type is required: an access token can not stand for an answer (RFC 9701 section 8.1)."""
    verified = jws.verify_signature(token, keys, expectation.algorithms)
    kind = verified.header.get("typ")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise refuse(Reason.TOKEN_CLAIM, "The header's `typ` is not that of an introspection answer.")
    claim_rules.check_claims(verified.claims, ANSWER_RULES, expectation, now)
    return _active(verified.claims["token_introspection"], expectation, now)


def _active(document: Mapping[str, Any], expectation: IntrospectionExpectation, now: int) -> ActiveToken:
    active = document.get("active")
    if not isinstance(active, bool):
        raise refuse(Reason.RESPONSE_MALFORMED, "`active` has to be true or false.")
    if not active:
        raise refuse(Reason.TOKEN_INACTIVE)
    claim_rules.check_claims(document, RULES, expectation, now)
    return ActiveToken(document.get("sub"), document)


def _check_status(response: HttpResponse) -> None:
    if response.status not in SUCCESS:
        raise _refusal(response)


def _refusal(response: HttpResponse) -> Refused:
    error = registered_error(response, _CLIENT_ERRORS)
    if 400 <= response.status <= 499 and error:
        return refuse(Reason.CLIENT_REFUSED, f"The error is {error}.")
    return refused_status(response.status, outcomes=_STATUSES)

"""The authorization response as a signed token (JWT Secured Authorization Response Mode for OAuth 2.0, JARM)."""

from dataclasses import dataclass
from typing import Any

from entracte.protocol import claim_rules, jws
from entracte.protocol.authorization import ANSWERS
from entracte.protocol.base64url import decode
from entracte.protocol.claim_rules import ClaimRule, audiences
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.json_documents import MalformedJson, parse_json_object
from entracte.protocol.keys import KeySet
from entracte.values import Secret

_OWN = frozenset({"aud", "exp", "iat", "nbf", "jti"})
"""Claims of the token itself. `iss` stands for the parameter of RFC 9207 as well."""
_USED = ANSWERS | {"error", "error_description", "token_type"}
"""Parameters that must be what they have to be; one that nobody knows may be anything (RFC 6749 section 4.1.2)."""


@dataclass(frozen=True, slots=True)
class ResponseExpectation:
    """What the token must say before a parameter inside is used."""

    issuer: str
    client_id: str
    algorithms: frozenset[str]


def _same_issuer(value: str, expectation: ResponseExpectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: ResponseExpectation) -> str:
    return difference(expectation.issuer, value)


def _us_alone(value: Any, expectation: ResponseExpectation, _now: int) -> bool:
    return audiences(value) == [expectation.client_id]


RULES: tuple[ClaimRule[ResponseExpectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule("aud", claim_rules.is_audience, _us_alone, Reason.TOKEN_AUDIENCE),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
)
"""Section 2.4 as a table, in the order of the checks."""


def read_response_token(
    token: Secret, keys: KeySet, expectation: ResponseExpectation, *, state: str, now: int
) -> dict[str, str]:
    """The parameters of an authorization response, after signature, issuer, audience and time were checked, and that
    the state inside is the one that was opened. Refuses `TOKEN_*` and `RESPONSE_MIXED`; `UnknownKey` as for an ID
    token."""
    claims = jws.verify_signature(token, keys, expectation.algorithms).claims
    claim_rules.check_claims(claims, RULES, expectation, now)
    if claims.get("state") != state:
        raise refuse(Reason.RESPONSE_MIXED, "The response is that of another sign-in.")
    parameters = {name: _text(name, value) for name, value in claims.items() if name not in _OWN}
    return {name: value for name, value in parameters.items() if value is not None}


def state_inside(token: Secret) -> str:
    """The `state` in a signed response before anything is proven, as one in a query would be: enough to find out whose
    it is. Empty when there is none to be read."""
    parts = token.reveal().split(".", 3)
    if len(token.reveal()) > jws.MAXIMUM_BYTES or len(parts) != 3:
        return ""
    try:
        state = parse_json_object(decode(parts[1])).get("state", "")
    except (MalformedJson, ValueError):
        return ""
    return state if isinstance(state, str) else ""


def _text(name: str, value: Any) -> str | None:
    """`expires_in` is a number in a token; every other parameter is a text. None for what is not used."""
    if isinstance(value, str):
        return value
    if name in _USED:
        raise refuse(Reason.RESPONSE_MALFORMED, f"`{name}` in the response is of the wrong type.")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None

"""Logout, begun by us, by the provider through the browser, and by the provider directly.

OpenID Connect RP-Initiated Logout 1.0, Front-Channel Logout 1.0 and Back-Channel Logout 1.0.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from entracte.protocol import claim_rules, jws
from entracte.protocol.authorization import address
from entracte.protocol.claim_rules import CLOCK_SKEW, ClaimRule, audiences
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.keys import KeySet
from entracte.values import Secret

EVENT = "http://schemas.openid.net/event/backchannel-logout"
"""The member of `events` that makes a token a logout token (Back-Channel Logout section 2.4)."""
TYPES = frozenset({"logout+jwt", "application/logout+jwt"})
"""The `typ` of a logout token, lower case."""
MAXIMUM_AGE = 300
"""Seconds that a logout token may be old, and may still be good for: the specification asks for two minutes."""


def logout_url(
    endpoint: str,
    *,
    client_id: str,
    id_token_hint: Secret | None = None,
    post_logout_redirect_uri: str = "",
    state: str = "",
    ui_locales: Sequence[str] = (),
    logout_hint: str = "",
) -> Secret:
    """Where to send the browser to be logged out at the provider (RP-Initiated Logout section 2). A secret, because the
    ID token stands in it. The endpoint's own query is kept; refuses `METADATA_MALFORMED` when that names a parameter
    of ours. Raises ValueError for a state without an address to return to: nothing would bring it back."""
    if state and not post_logout_redirect_uri:
        raise ValueError("a state needs an address to return to")
    parameters = {
        "id_token_hint": id_token_hint.reveal() if id_token_hint else "",
        "logout_hint": logout_hint,
        "client_id": client_id,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
        "ui_locales": " ".join(ui_locales),
    }
    try:
        return Secret(address(endpoint, [(name, value) for name, value in parameters.items() if value]))
    except ValueError:
        raise refuse(
            Reason.METADATA_MALFORMED, "`end_session_endpoint` has parameters of the request in its query."
        ) from None


class LogoutReturn(StrEnum):
    """How the browser came back. We are logged out whichever it is: a state that is not ours only means that the return
    may be of another logout, or of nobody's."""

    OURS = "ours"
    OTHER_STATE = "other_state"
    NO_STATE = "no_state"


@dataclass(frozen=True, slots=True)
class FrontChannelLogout:
    """A logout by a frame in the browser. Made only by `read_front_channel_logout`."""

    session: str | None = field(repr=False)
    """`sid`; None means whichever session this browser has."""


def read_front_channel_logout(
    parameters: Mapping[str, str], *, issuer: str, session_required: bool
) -> FrontChannelLogout:
    """Front-Channel Logout section 2: `iss` and `sid` come together or not at all. `session_required` is what was
    registered (`frontchannel_logout_session_required`). Refuses `RESPONSE_MALFORMED` and `ISSUER_MISMATCH`."""
    got, session = parameters.get("iss"), parameters.get("sid")
    if got is None and session is None and not session_required:
        return FrontChannelLogout(None)
    if got is None or not claim_rules.is_subject(session):
        raise refuse(Reason.RESPONSE_MALFORMED, "Expected `iss` and `sid`, both.")
    if got != issuer:
        raise refuse(Reason.ISSUER_MISMATCH, difference(issuer, got))
    return FrontChannelLogout(session)


@dataclass(frozen=True, slots=True)
class LogoutExpectation:
    """What a logout token must say to be for us."""

    issuer: str
    client_id: str
    algorithms: frozenset[str]
    """Those of the connection's ID tokens (Back-Channel Logout section 2.4); never empty, never `none`."""


@dataclass(frozen=True, slots=True)
class ReplayKey:
    """What has to be stored so that a logout token counts once."""

    digest: str
    """Of `iss` and `jti`: 64 characters, whatever they are."""
    until: int
    """Seconds since the epoch; from then on the token is refused by its age, and this can be forgotten."""


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """A logout that the provider proved. It counts once: who stores `replay` and finds it there refuses with
    `TOKEN_REPLAYED`. Made only by `verify_logout_token`."""

    issuer: str
    subject: str | None = field(repr=False)
    """None: the session alone is meant."""
    session: str | None = field(repr=False)
    """`sid`; None: all sessions of the subject are meant."""
    replay: ReplayKey


def read_logout_request(parameters: Mapping[str, str]) -> Secret:
    """The logout token of a back-channel request's form (section 2.5), not proven yet. Refuses `TOKEN_MALFORMED`."""
    token = parameters.get("logout_token")
    if not token:
        raise refuse(Reason.TOKEN_MALFORMED, "There is no `logout_token`.")
    return Secret(token)


def _same_issuer(value: str, expectation: LogoutExpectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: LogoutExpectation) -> str:
    return difference(expectation.issuer, value)


def _us_alone(value: Any, expectation: LogoutExpectation, _now: int) -> bool:
    return audiences(value) == [expectation.client_id]


def _young(value: float, _expectation: LogoutExpectation, now: int) -> bool:
    return now - value <= MAXIMUM_AGE


def _short_lived(value: float, _expectation: LogoutExpectation, now: int) -> bool:
    return value - now <= MAXIMUM_AGE + CLOCK_SKEW


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_logout(value: Mapping[str, Any], _expectation: LogoutExpectation, _now: int) -> bool:
    return _is_object(value.get(EVENT))


RULES: tuple[ClaimRule[LogoutExpectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule("aud", claim_rules.is_audience, _us_alone, Reason.TOKEN_AUDIENCE),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED),
    ClaimRule("iat", claim_rules.is_number, _young, Reason.TOKEN_TOO_OLD),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED),
    ClaimRule("exp", claim_rules.is_number, _short_lived, Reason.TOKEN_EXPIRED),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("jti", claim_rules.is_subject, claim_rules.holds_already, Reason.TOKEN_CLAIM),
    ClaimRule("events", _is_object, _is_logout, Reason.TOKEN_EVENT, unusable=Reason.TOKEN_EVENT),
    ClaimRule(
        "sub",
        claim_rules.is_subject,
        claim_rules.holds_already,
        Reason.TOKEN_SUBJECT,
        required=False,
        unusable=Reason.TOKEN_SUBJECT,
    ),
    ClaimRule("sid", claim_rules.is_subject, claim_rules.holds_already, Reason.TOKEN_CLAIM, required=False),
)
"""Section 2.6 as a table, in the order of the checks. `jti` and `sid` are stored, so they are as short as a `sub`."""


def verify_logout_token(token: Secret, keys: KeySet, expectation: LogoutExpectation, *, now: int) -> LogoutToken:
    """What a logout token says, or a refusal (`TOKEN_*`); `UnknownKey` as for an ID token. Another event may stand
    beside the logout (RFC 8417 section 2.2), a `nonce` may not: that would be an ID token."""
    verified = jws.verify_signature(token, keys, expectation.algorithms)
    claims = verified.claims
    _check_type(verified.header)
    claim_rules.check_claims(claims, RULES, expectation, now)
    if "nonce" in claims:
        raise refuse(Reason.TOKEN_EVENT, "`nonce` stands there: the token is none of a logout.")
    if "sub" not in claims and "sid" not in claims:
        raise refuse(Reason.TOKEN_SUBJECT, "Neither `sub` nor `sid` stands there.")
    return LogoutToken(claims["iss"], claims.get("sub"), claims.get("sid"), _replay_key(claims))


def _check_type(header: Mapping[str, Any]) -> None:
    """Required, where the specification recommends it: an ID token must never be taken for a logout (RFC 8725 section
    3.11)."""
    kind = header.get("typ")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise refuse(Reason.TOKEN_CLAIM, "The header's `typ` is not logout+jwt.")


def _replay_key(claims: Mapping[str, Any]) -> ReplayKey:
    # as a JSON list, so that no other pair is written alike
    named = json.dumps([claims["iss"], claims["jti"]])
    return ReplayKey(sha256(named.encode()).hexdigest(), math.ceil(claims["exp"]) + CLOCK_SKEW)

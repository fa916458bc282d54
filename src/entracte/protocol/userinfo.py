"""UserInfo (OpenID Connect Core section 5.3) and a brand's own REST API as sources of the profile."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from entracte.protocol import claim_rules, jws
from entracte.protocol.claim_rules import ClaimRule, audiences, is_subject
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.json_documents import SUCCESS, is_any_json, read_json, read_json_object, refused_status
from entracte.protocol.keys import KeySet
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

_REFUSALS: Mapping[int, Reason] = MappingProxyType({401: Reason.USERINFO_REFUSED, 403: Reason.USERINFO_REFUSED})
_METHODS = frozenset({"GET", "POST"})
_POSITION = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)


class BearerPlace(StrEnum):
    """Where the access token goes (RFC 6750 section 2)."""

    HEADER = "header"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """How to ask for the person."""

    url: str
    method: str = "GET"
    bearer: BearerPlace = BearerPlace.HEADER
    accept: str = "application/json"


def profile_request(
    how: ProfileRequest, access_token: Secret, *, proven: Mapping[str, Secret] | None = None
) -> HttpRequest:
    """The request for UserInfo or for a REST API. `form` means a POST body parameter `access_token`,
    whatever the method. `proven` are the header fields that present a token with its proof (RFC 9449 section 7.1), and
    stand for both places. Raises ValueError for a method that is neither GET nor POST."""
    if how.method not in _METHODS:
        raise ValueError("the method of a profile request is GET or POST")
    if proven is not None:
        return HttpRequest(how.method, how.url, accept=how.accept, secret_headers=proven, purpose=Purpose.PROFILE)
    if how.bearer is BearerPlace.FORM:
        return HttpRequest(
            "POST",
            how.url,
            accept=how.accept,
            content_type="application/x-www-form-urlencoded",
            body=Secret(urlencode({"access_token": access_token.reveal()})),
            purpose=Purpose.PROFILE,
        )
    bearer = Secret(f"Bearer {access_token.reveal()}")
    headers = {"Authorization": bearer}
    return HttpRequest(how.method, how.url, accept=how.accept, secret_headers=headers, purpose=Purpose.PROFILE)


def read_userinfo(response: HttpResponse, *, subject: str | None) -> Mapping[str, Any]:
    """The claims of UserInfo. `subject` is the proven `sub`, None for a plain OAuth 2.0 connection (then `sub`
    need only be there). Refuses `USERINFO_SUBJECT` (another one), `USERINFO_REFUSED` (401, 403),
    `RESPONSE_MALFORMED` (no usable `sub`, too), `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    claims = read_json_object(response, outcomes=_REFUSALS)
    _check_subject(claims, subject)
    return claims


TOKEN_TYPE = "application/jwt"  # noqa: S105
"""The media type of UserInfo that is signed, encrypted or both (section 5.3.2)."""


def read_userinfo_token(response: HttpResponse) -> Secret:
    """UserInfo as a token, not proven yet. A plain answer where a signed one was registered is refused, not taken.
    Refuses as `read_userinfo` does."""
    if response.status not in SUCCESS:
        raise refused_status(response.status, outcomes=_REFUSALS)
    if response.media_type != TOKEN_TYPE:
        raise refuse(Reason.RESPONSE_MALFORMED, "The media type of UserInfo is not application/jwt.")
    if len(response.body) > jws.MAXIMUM_BYTES or not response.body.isascii():
        raise refuse(Reason.TOKEN_MALFORMED, "UserInfo is not a token within the limits.")
    return Secret(response.body.decode("ascii").strip())


@dataclass(frozen=True, slots=True)
class UserInfoExpectation:
    """What signed UserInfo must say to be for us."""

    issuer: str
    client_id: str
    algorithms: frozenset[str]


def _same_issuer(value: str, expectation: UserInfoExpectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: UserInfoExpectation) -> str:
    return difference(expectation.issuer, value)


def _for_us(value: Any, expectation: UserInfoExpectation, _now: int) -> bool:
    return expectation.client_id in audiences(value)


RULES: tuple[ClaimRule[UserInfoExpectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule("aud", claim_rules.is_audience, _for_us, Reason.TOKEN_AUDIENCE),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
)
"""Section 5.3.2 and RFC 7519 as a table, in the order of the checks."""


def verify_userinfo(
    token: Secret, keys: KeySet, expectation: UserInfoExpectation, *, subject: str | None, now: int
) -> Mapping[str, Any]:
    """The claims of signed UserInfo. Refuses `TOKEN_*`, and `USERINFO_SUBJECT` as `read_userinfo` does; `UnknownKey` as
    for an ID token."""
    claims = jws.verify_signature(token, keys, expectation.algorithms).claims
    claim_rules.check_claims(claims, RULES, expectation, now)
    _check_subject(claims, subject)
    return claims


def _check_subject(claims: Mapping[str, Any], subject: str | None) -> None:
    if not is_subject(claims.get("sub")):
        raise refuse(Reason.RESPONSE_MALFORMED, "UserInfo has no usable `sub`.")
    if subject is not None and claims["sub"] != subject:
        # OpenID Connect Core section 5.3.2: the claims must not be used
        raise refuse(Reason.USERINFO_SUBJECT)


def read_person(response: HttpResponse, path: str) -> Mapping[str, Any]:
    """The person in the answer of a REST API: the JSON object at a dotted `path` (list items by number), the
    whole answer for an empty path. Refuses `PROFILE_INCOMPLETE`, `USERINFO_REFUSED`, `RESPONSE_MALFORMED`,
    `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    found = read_json(response, accepts=is_any_json, outcomes=_REFUSALS)
    for step in path.split(".") if path else ():
        found = _step(found, step)
    if not isinstance(found, dict):
        raise refuse(Reason.PROFILE_INCOMPLETE, "There is no object at the path of the person.")
    return found


def _step(value: Any, step: str) -> Any:
    """What stands at one step of a path; None when nothing does."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and _POSITION.fullmatch(step) and int(step) < len(value):
        return value[int(step)]
    return None

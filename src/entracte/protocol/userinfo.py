"""UserInfo (OpenID Connect Core section 5.3) and a brand's own REST API as sources of the profile."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from entracte.protocol.claim_rules import is_subject
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.json_documents import is_any_json, read_json, read_json_object
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


def profile_request(how: ProfileRequest, access_token: Secret) -> HttpRequest:
    """The request for UserInfo or for a REST API. `form` means a POST body parameter `access_token`,
    whatever the method. Raises ValueError for a method that is neither GET nor POST."""
    if how.method not in _METHODS:
        raise ValueError("the method of a profile request is GET or POST")
    if how.bearer is BearerPlace.FORM:
        return HttpRequest(
            "POST",
            how.url,
            content_type="application/x-www-form-urlencoded",
            body=Secret(urlencode({"access_token": access_token.reveal()})),
            purpose=Purpose.PROFILE,
        )
    bearer = Secret(f"Bearer {access_token.reveal()}")
    return HttpRequest(how.method, how.url, secret_headers={"Authorization": bearer}, purpose=Purpose.PROFILE)


def read_userinfo(response: HttpResponse, *, subject: str | None) -> Mapping[str, Any]:
    """The claims of UserInfo. `subject` is the proven `sub`, None for a plain OAuth 2.0 connection (then `sub`
    need only be there). Refuses `USERINFO_SUBJECT` (another one), `USERINFO_REFUSED` (401, 403),
    `RESPONSE_MALFORMED` (no usable `sub`, too), `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    claims = read_json_object(response, outcomes=_REFUSALS)
    if not is_subject(claims.get("sub")):
        raise refuse(Reason.RESPONSE_MALFORMED, "UserInfo has no usable `sub`.")
    if subject is not None and claims["sub"] != subject:
        # OpenID Connect Core section 5.3.2: the claims must not be used
        raise refuse(Reason.USERINFO_SUBJECT)
    return claims


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

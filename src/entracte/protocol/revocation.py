"""Giving a token back (RFC 7009): what we no longer need, nobody shall be able to use."""

import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from entracte.protocol.client_auth import Client, Moment, client_request
from entracte.protocol.error_answers import registered_error
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.json_documents import refused_status
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

MAXIMUM_WAIT = 86_400
"""Seconds that a server may make us wait; a longer time is cut to it."""

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"[A-Z][a-z]{{2}}, ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([12][0-9]{{3}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT",
    re.ASCII,
)
"""IMF-fixdate of RFC 9110 section 5.6.7, the one form that is still made."""


class TokenType(StrEnum):
    """What the token is, so that the server finds it at once (RFC 7009 section 2.1)."""

    ACCESS = "access_token"
    REFRESH = "refresh_token"


class RevocationOutcome(StrEnum):
    """What became of it."""

    DONE = "done"
    """The token is of no use any more, or was of none before (section 2.2)."""
    UNSUPPORTED = "unsupported"
    """The server can not revoke this type of token: it ends by itself."""
    LATER = "later"
    """The server can not now; the token is to be taken for alive (section 2.2.1)."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What the revocation endpoint answered. Made only by `read_revocation`."""

    outcome: RevocationOutcome
    retry_after: int | None = None
    """Seconds to wait before the next try, when the server says so."""


_OUTCOMES: Mapping[str, RevocationOutcome] = MappingProxyType(
    {
        "unsupported_token_type": RevocationOutcome.UNSUPPORTED,
        # section 2.2: an invalid token is no error, since the purpose is reached; some servers make it one
        "invalid_token": RevocationOutcome.DONE,
        "invalid_grant": RevocationOutcome.DONE,
    }
)
_CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})
_STATUSES: Mapping[int, Reason] = MappingProxyType({401: Reason.CLIENT_REFUSED, 403: Reason.CLIENT_REFUSED})
_DONE = frozenset({200, 204})
_BUSY = frozenset({429, 503})


def revocation_request(
    endpoint: str,
    client: Client,
    token: Secret,
    token_type: TokenType,
    *,
    moment: Moment | None = None,
    headers: Mapping[str, Secret] | None = None,
) -> HttpRequest:
    """The request of section 2.1."""
    form = {"token": token.reveal(), "token_type_hint": token_type.value}
    return client_request(endpoint, client, form, purpose=Purpose.REVOCATION, moment=moment, headers=headers)


def read_revocation(response: HttpResponse, *, now: int) -> Revocation:
    """What became of it; the body of a good answer says nothing (section 2.2). `now` in seconds. Refuses
    `CLIENT_REFUSED` (401, 403, or a registered error that says so), `RESPONSE_MALFORMED`, `PROVIDER_ERROR` (5xx) and
    `RESPONSE_REDIRECTED`."""
    if response.status in _DONE:
        return Revocation(RevocationOutcome.DONE)
    if response.status in _BUSY:
        return Revocation(RevocationOutcome.LATER, _wait(response.headers.get("retry-after", "").strip(), now))
    if 400 <= response.status <= 499:
        error = registered_error(response, _OUTCOMES.keys() | _CLIENT_ERRORS)
        if error in _OUTCOMES:
            return Revocation(_OUTCOMES[error])
        if error:
            raise refuse(Reason.CLIENT_REFUSED, f"The error is {error}.")
    raise refused_status(response.status, outcomes=_STATUSES)


def _wait(text: str, now: int) -> int | None:
    """Seconds of a `Retry-After` (RFC 9110 section 10.2.3), None when it says nothing that can be read."""
    if _SECONDS.fullmatch(text):
        return min(int(text), MAXIMUM_WAIT)
    date = _DATE.fullmatch(text)
    if date is None:
        return None
    day, month, year, *clock = date.groups()
    then = timegm((int(year), _MONTHS.index(month) + 1, int(day), *(int(part) for part in clock)))
    return max(0, min(then - now, MAXIMUM_WAIT))

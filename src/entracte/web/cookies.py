"""The cookies of a participant: the participation key, the ticket of a framed sign-in, and the hint of a server that
sent somebody here.

On TLS all are `__Host-` cookies: Secure, Path=/, no Domain, so that no other host can plant one. Without TLS (a
developer's machine) browsers refuse that prefix.
"""

from collections.abc import Mapping

from starlette.responses import Response

from entracte.participation.model import OPEN_ATTEMPTS
from entracte.values import AttemptNumber

KEY_AGE = 30 * 86_400
"""Seconds that a participation can be resumed."""
TICKET_AGE = 3600
"""Seconds that the top window of a framed sign-in is recognised."""
MOST_TICKETS = OPEN_ATTEMPTS
"""Framed sign-ins of one browser that can be under way at once; the oldest give way."""


def key_name(campaign: str, *, secure: bool) -> str:
    """The name of the cookie that holds the key of a participation in this campaign."""
    return f"{_prefix(secure)}entracte-{campaign}"


def hint_name(campaign: str, *, secure: bool) -> str:
    """The name of the cookie that holds what an authorization server said of who it sent to this campaign."""
    return f"{_prefix(secure)}entracte_hint-{campaign}"


def set_hint(response: Response, campaign: str, hint: str, age: int, *, secure: bool) -> None:
    _set(response, hint_name(campaign, secure=secure), hint, age, secure=secure)


def ticket_name(attempt: AttemptNumber, *, secure: bool) -> str:
    return f"{_prefix(secure)}entracte_attempt-{attempt:08x}"


def set_key(response: Response, campaign: str, key: str, *, secure: bool) -> None:
    _set(response, key_name(campaign, secure=secure), key, KEY_AGE, secure=secure)


def set_ticket(
    response: Response, attempt: AttemptNumber, ticket: str, present: Mapping[str, str], *, secure: bool
) -> None:
    """Set the ticket of an attempt, and let the surplus go. Browsers name the oldest first (RFC 6265 section 5.4)."""
    others = [name for name in present if name.startswith(f"{_prefix(secure)}entracte_attempt-")]
    for name in others[: max(0, len(others) - MOST_TICKETS + 1)]:
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
    _set(response, ticket_name(attempt, secure=secure), ticket, TICKET_AGE, secure=secure)


def _set(response: Response, name: str, value: str, age: int, *, secure: bool) -> None:
    response.set_cookie(name, value, max_age=age, path="/", secure=secure, httponly=True, samesite="lax")


def _prefix(secure: bool) -> str:
    return "__Host-" if secure else ""

"""Registering ourselves with an authorization server, and minding that registration.

RFC 7591, RFC 7592 and OpenID Connect Dynamic Client Registration 1.0.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from entracte.protocol import claim_rules
from entracte.protocol.addresses import never, usable_address
from entracte.protocol.client_auth import SECRET_METHODS
from entracte.protocol.client_metadata import ClientMetadata, first_difference
from entracte.protocol.error_answers import registered_error
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.json_documents import SUCCESS, read_json_object, refused_status, required_text
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Json, Secret

ERRORS = frozenset(
    {
        # RFC 7591 section 3.2.2
        "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement",
        "unapproved_software_statement",
        # RFC 6750 section 3.1, for the initial and the registration access token
        "invalid_request", "invalid_token", "insufficient_scope",
    }
)  # fmt: skip
"""The registered errors. Only these are told on."""

MAXIMUM_CLIENT_ID = 512
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
"""VSCHAR of RFC 6749 appendix A, for `client_id` and `client_secret`."""
_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]+")
_STATUSES: Mapping[int, Reason] = MappingProxyType(
    dict.fromkeys((400, 401, 403, 404, 405), Reason.REGISTRATION_REFUSED)
)


@dataclass(frozen=True, slots=True)
class Management:
    """Where the registration can be minded, and with what (RFC 7592 section 3)."""

    registration_client_uri: str
    registration_access_token: Secret


@dataclass(frozen=True, slots=True)
class Registration:
    """Who we are at the server now. Made only by `read_registration` and `read_configuration`."""

    client_id: str
    client_secret: Secret | None
    secret_expires_at: int | None
    """Seconds since the epoch, None when there is no secret, or one that does not expire."""
    management: Management | None
    registered: Mapping[str, Any] = field(repr=False)
    """What the server registered, without the secrets: it may have added something."""


def registration_request(
    endpoint: str,
    metadata: ClientMetadata,
    *,
    initial_access_token: Secret | None = None,
    software_statement: Secret | None = None,
) -> HttpRequest:
    """The request of RFC 7591 section 3.1. The initial access token and the software statement are what the server's
    people gave, where it registers nobody without."""
    document = metadata.document()
    if software_statement is not None:
        document["software_statement"] = software_statement.reveal()
    return _request("POST", endpoint, initial_access_token, document)


def configuration_request(management: Management) -> HttpRequest:
    """Asks what is registered (RFC 7592 section 2.1)."""
    return _request("GET", management.registration_client_uri, management.registration_access_token)


def update_request(registration: Registration, management: Management, metadata: ClientMetadata) -> HttpRequest:
    """Replaces what is registered by all of this (RFC 7592 section 2.2)."""
    document = {**metadata.document(), "client_id": registration.client_id}
    if registration.client_secret is not None:
        document["client_secret"] = registration.client_secret.reveal()
    return _request("PUT", management.registration_client_uri, management.registration_access_token, document)


def deletion_request(management: Management) -> HttpRequest:
    """Ends the registration (RFC 7592 section 2.3)."""
    return _request("DELETE", management.registration_client_uri, management.registration_access_token)


def _request(method: str, url: str, bearer: Secret | None, document: Mapping[str, Json] | None = None) -> HttpRequest:
    return HttpRequest(
        method,
        url,
        content_type="application/json" if document is not None else "",
        body=Secret(json.dumps(document) if document is not None else ""),
        secret_headers={"Authorization": Secret(f"Bearer {bearer.reveal()}")} if bearer is not None else {},
        purpose=Purpose.REGISTRATION,
    )


def read_registration(
    response: HttpResponse,
    asked: ClientMetadata,
    *,
    now: int,
    insecure_allowed: Callable[[str], bool] = never,
) -> Registration:
    """The answer to `registration_request` (RFC 7591 section 3.2). `now` in seconds.

    Refuses `REGISTRATION_REFUSED` when the server did not register us, or otherwise than `asked`, or with a secret that
    is missing, expired, or does not say until when it is good; `RESPONSE_MALFORMED`, `PROVIDER_ERROR` (5xx, 429) and
    `RESPONSE_REDIRECTED`. What else the server added or changed stands in `registered`.
    """
    document = _document(response)
    _check_as_asked(document, asked)
    return _with_its_secret(_registration(document, now, _management(document, insecure_allowed)), asked)


def read_configuration(
    response: HttpResponse,
    asked: ClientMetadata,
    before: Registration,
    *,
    now: int,
    insecure_allowed: Callable[[str], bool] = never,
) -> Registration:
    """The answer to `configuration_request` and `update_request` (RFC 7592 section 3): what came anew replaces what we
    had, and what did not come stays. Refuses as `read_registration` does, and `REGISTRATION_REFUSED` when it is that
    of another client."""
    document = _document(response)
    if document.get("client_id") != before.client_id:
        raise _not_as_asked("client_id")
    _check_as_asked(document, asked)
    management = _management(document, insecure_allowed) or before.management
    registration = _registration(document, now, management)
    if registration.client_secret is None:
        kept = replace(registration, client_secret=before.client_secret, secret_expires_at=before.secret_expires_at)
        return _with_its_secret(kept, asked)
    return registration


def read_deletion(response: HttpResponse) -> None:
    """The answer to `deletion_request`: nothing, when we are gone. 401 says so too: a server that knows the client no
    more takes its token no more (RFC 7592 section 2.3). Refuses `REGISTRATION_REFUSED`, `RESPONSE_MALFORMED`,
    `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    if response.status not in (200, 204, 401):
        raise _refusal(response)


def _document(response: HttpResponse) -> dict[str, Any]:
    if response.status not in SUCCESS:
        raise _refusal(response)
    return read_json_object(response)


def _refusal(response: HttpResponse) -> Refused:
    error = registered_error(response, ERRORS)
    if 400 <= response.status <= 499 and error:
        return refuse(Reason.REGISTRATION_REFUSED, f"The error is {error}.")
    return refused_status(response.status, outcomes=_STATUSES)


def _not_as_asked(name: str) -> Refused:
    return refuse(Reason.REGISTRATION_REFUSED, f"`{name}` is missing, or not as asked.")


def _check_as_asked(document: Mapping[str, Any], asked: ClientMetadata) -> None:
    if name := first_difference(document, asked):
        raise _not_as_asked(name)


def _with_its_secret(registration: Registration, asked: ClientMetadata) -> Registration:
    if asked.token_endpoint_auth_method in SECRET_METHODS and registration.client_secret is None:
        raise _not_as_asked("client_secret")
    return registration


def _registration(document: Mapping[str, Any], now: int, management: Management | None) -> Registration:
    client_id = required_text(document, "client_id")
    if len(client_id) > MAXIMUM_CLIENT_ID or not _PRINTABLE.fullmatch(client_id):
        raise refuse(Reason.RESPONSE_MALFORMED, "`client_id` is too long, or not printable ASCII.")
    if "client_secret" not in document:
        return Registration(client_id, None, None, management, _without_secrets(document))
    secret = required_text(document, "client_secret")
    if not _PRINTABLE.fullmatch(secret):
        raise refuse(Reason.RESPONSE_MALFORMED, "`client_secret` is not printable ASCII.")
    return Registration(client_id, Secret(secret), _expiry(document, now), management, _without_secrets(document))


def _expiry(document: Mapping[str, Any], now: int) -> int | None:
    """RFC 7591 section 3.2.1: required where there is a secret; 0 for one that does not expire."""
    at: Any = document.get("client_secret_expires_at")
    if not claim_rules.is_number(at) or (at != 0 and at <= now):
        raise _not_as_asked("client_secret_expires_at")
    return int(at) or None


def _management(document: Mapping[str, Any], insecure_allowed: Callable[[str], bool]) -> Management | None:
    """Both or neither (OpenID Connect Dynamic Client Registration section 3.2)."""
    if "registration_client_uri" not in document and "registration_access_token" not in document:
        return None
    url = required_text(document, "registration_client_uri")
    token = required_text(document, "registration_access_token")
    if not _ACCESS_TOKEN.fullmatch(token):
        raise refuse(Reason.RESPONSE_MALFORMED, "`registration_access_token` can not stand in a header.")
    try:
        return Management(usable_address(url, insecure_allowed), Secret(token))
    except ValueError as problem:
        raise refuse(Reason.RESPONSE_MALFORMED, f"`registration_client_uri` can not be used: {problem}.") from None


def _without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    secrets = {"client_secret", "registration_access_token", "software_statement"}
    return {name: value for name, value in document.items() if name not in secrets}

"""The token request and its answer (RFC 6749 sections 4.1.3, 5.1 and 5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from entracte.protocol.authorization import Code, check_access_token
from entracte.protocol.client_auth import Client, Moment, client_request
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.json_documents import (
    SUCCESS,
    MalformedJson,
    parse_json_object,
    read_json_object,
    refused_status,
    required_text,
)
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

REFUSALS: Mapping[str, Reason] = MappingProxyType(
    {
        # RFC 6749 section 5.2
        "invalid_request": Reason.TOKEN_REFUSED,
        "invalid_client": Reason.CLIENT_REFUSED,
        "invalid_grant": Reason.TOKEN_REFUSED,
        "unauthorized_client": Reason.TOKEN_REFUSED,
        "unsupported_grant_type": Reason.TOKEN_REFUSED,
        "invalid_scope": Reason.TOKEN_REFUSED,
        # RFC 8707 section 2
        "invalid_target": Reason.TOKEN_REFUSED,
        # RFC 9449 sections 5 and 8
        "invalid_dpop_proof": Reason.TOKEN_REFUSED,
        "use_dpop_nonce": Reason.TOKEN_REFUSED,
    }
)
"""The registered errors. Only these are told on; another one is a refusal without a name."""

_STATUSES: Mapping[int, Reason] = MappingProxyType(
    {400: Reason.TOKEN_REFUSED, 401: Reason.CLIENT_REFUSED, 403: Reason.TOKEN_REFUSED}
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. Made only by `read_token_response`."""

    access_token: Secret
    id_token: Secret | None
    refresh_token: Secret | None = None


def token_request(
    endpoint: str,
    client: Client,
    code: Code,
    *,
    redirect_uri: str,
    code_verifier: str,
    moment: Moment | None = None,
    headers: Mapping[str, Secret] | None = None,
    resource: tuple[str, ...] = (),
) -> HttpRequest:
    """The request that redeems a code. `headers` are those of a proof (RFC 9449 section 5), `resource` what the access
    token is for (RFC 8707 section 2)."""
    form = {
        "grant_type": "authorization_code",
        "code": code.value.reveal(),
        "redirect_uri": redirect_uri,
        "code_verifier": code_verifier,
    }
    more = tuple(("resource", one) for one in resource)
    return client_request(endpoint, client, form, purpose=Purpose.TOKEN, moment=moment, headers=headers, more=more)


def read_token_response(response: HttpResponse, *, token_type: str = "bearer") -> Tokens:  # noqa: S107
    """`token_type` is the one that was asked for, lower case: `bearer`, or `dpop` (RFC 9449 section 5).

    Refuses `TOKEN_REFUSED` (invalid_grant and others), `CLIENT_REFUSED` (invalid_client, or 401 without a
    registered error), `TOKEN_TYPE` (compared without case), `RESPONSE_MALFORMED` (status, media type, JSON,
    types), `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    if response.status not in SUCCESS:
        raise _refusal(response)
    document = read_json_object(response)
    if document.get("error") is not None:
        # some servers say so with status 200
        raise _named_refusal(document["error"])
    return _tokens(document, token_type)


def _tokens(document: Mapping[str, Any], token_type: str) -> Tokens:
    access_token = required_text(document, "access_token")
    check_access_token(access_token)
    if required_text(document, "token_type").lower() != token_type:
        raise refuse(Reason.TOKEN_TYPE, f"Expected {token_type}.")
    id_token = Secret(required_text(document, "id_token")) if "id_token" in document else None
    refresh_token = document.get("refresh_token")
    kept = Secret(refresh_token) if isinstance(refresh_token, str) and refresh_token else None
    return Tokens(Secret(access_token), id_token, kept)


def _refusal(response: HttpResponse) -> Refused:
    error = _error(response)
    if 400 <= response.status <= 499 and error in REFUSALS:
        return _named_refusal(error)
    return refused_status(response.status, outcomes=_STATUSES)


def _named_refusal(error: Any) -> Refused:
    if isinstance(error, str) and error in REFUSALS:
        return refuse(REFUSALS[error], f"The error is {error}.")
    return refuse(Reason.TOKEN_REFUSED)


def _error(response: HttpResponse) -> str:
    """The error code of an answer that may be anything: a page of a proxy, too."""
    try:
        error = parse_json_object(response.body).get("error")
    except MalformedJson:
        return ""
    return error if isinstance(error, str) else ""

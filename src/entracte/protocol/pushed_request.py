"""Pushed authorization requests (RFC 9126): the request goes to the server by us, the browser carries a reference."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from entracte.protocol.authorization import REGISTERED_ERRORS
from entracte.protocol.client_auth import Client, Moment, client_request
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.json_documents import MalformedJson, parse_json_object, read_json_object, refused_status
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

MAXIMUM_REFERENCE = 1024
_REFERENCE = re.compile(r"[\x21-\x7e]+")
_CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client"})
_STATUSES: Mapping[int, Reason] = MappingProxyType(
    {
        400: Reason.REQUEST_REFUSED,
        401: Reason.CLIENT_REFUSED,
        403: Reason.REQUEST_REFUSED,
        405: Reason.REQUEST_REFUSED,
        413: Reason.REQUEST_REFUSED,
    }
)


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """What the browser is sent with. Made only by `read_pushed_response`."""

    request_uri: str = field(repr=False)


def pushed_request(
    endpoint: str,
    client: Client,
    parameters: Sequence[tuple[str, str]],
    *,
    moment: Moment,
    headers: Mapping[str, Secret] | None = None,
) -> HttpRequest:
    """The request of section 2.1. `client_id` is among the parameters once, whatever the authentication adds."""
    own = tuple((name, value) for name, value in parameters if name != "client_id")
    form = {"client_id": client.client_id}
    return client_request(
        endpoint, client, form, purpose=Purpose.PUSHED_REQUEST, moment=moment, headers=headers, more=own
    )


def read_pushed_response(response: HttpResponse) -> PushedRequest:
    """Section 2.2. Refuses `REQUEST_REFUSED`, `CLIENT_REFUSED` (invalid_client, or 401 without a registered error),
    `RESPONSE_MALFORMED`, `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    if response.status not in (200, 201):
        raise _refusal(response)
    document = read_json_object(response)
    reference = document.get("request_uri")
    if not isinstance(reference, str) or len(reference) > MAXIMUM_REFERENCE or not _REFERENCE.fullmatch(reference):
        raise refuse(Reason.RESPONSE_MALFORMED, "`request_uri` has to be an address of at most 1024 characters.")
    return PushedRequest(reference)


def _refusal(response: HttpResponse) -> Refused:
    error = _error(response)
    if 400 <= response.status <= 499 and error:
        reason = Reason.CLIENT_REFUSED if error in _CLIENT_ERRORS else Reason.REQUEST_REFUSED
        return refuse(reason, f"The error is {error}.")
    return refused_status(response.status, outcomes=_STATUSES)


def _error(response: HttpResponse) -> str:
    """A registered error code; empty for any other text, which is the sender's."""
    try:
        error = parse_json_object(response.body).get("error")
    except MalformedJson:
        return ""
    known = REGISTERED_ERRORS | _CLIENT_ERRORS | {"invalid_dpop_proof", "use_dpop_nonce"}
    return error if isinstance(error, str) and error in known else ""

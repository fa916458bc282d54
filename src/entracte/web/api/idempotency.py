"""A write that is sent twice is done once, when it says so (draft-ietf-httpapi-idempotency-key-header).

The first request with a key does the work; its answer is kept for a day, sealed, and given again to whoever repeats the
same request with the same token. An answer that says that nothing was changed is not kept: the request can be mended
and sent again.
"""

import json
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from fastapi import Request, Response

from entracte.errors import EntracteError, Kind, LocalError, Problem
from entracte.protocol.errors import Refused
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import OrganizationNumber
from entracte.web.api.access import Access, Refusal
from entracte.web.api.parts import KnownKey

HEADER = "Idempotency-Key"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT_SECONDS = 24 * 60 * 60
PATIENCE = 90
"""Seconds after which a request without an answer is taken to have died with its process. Longer than any takes."""
_KEY = re.compile(r'"([\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255})')
"""A string (RFC 9651 section 3.3.3) without blanks and escapes; the quotation marks are often forgotten."""
_KEPT_HEADERS = ("content-type", "location", "etag")


async def once(access: Access, request: Request, body: bytes, perform: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `perform`, or the kept one. LocalError `idempotency_key_malformed`, `idempotency_key_reused` (with
    another request), `idempotency_key_in_use` (that request is under way) or `idempotency_answer_lost`."""
    given = request.headers.get(HEADER)
    if given is None or request.method not in WRITES:
        return await perform()
    key, mark = _read_key(given), _fingerprint(access, request, body)
    store, organization = access.services.kept_answers, access.organization
    known = await store.claim(organization, key, mark, access.services.clock(), KEPT_SECONDS, PATIENCE)
    if not known.is_ours:
        return _again(known, mark, key, access)
    try:
        response = await perform()
    except EntracteError as error:
        if error.problem.kind is not Kind.UNAVAILABLE:  # of a database that was away, nobody knows what it did
            await store.release(organization, key, mark)
        raise
    sealed = _seal_answer(response, key, organization, access.services.keys)
    await store.keep(organization, key, mark, response.status_code, sealed)
    return response


def _again(known: KnownKey, mark: bytes, key: str, access: Access) -> Response:
    if known.fingerprint != mark:
        message, hint = "The idempotency key was used for another request.", "Take a new key for each request."
        raise LocalError(Problem(Kind.REUSED, "idempotency_key_reused", message, hint, HEADER))
    if known.status is None or known.sealed_answer is None:
        message, hint = "The first request with this idempotency key is under way.", "Send it again in a moment."
        problem = Problem(Kind.CONFLICT, "idempotency_key_in_use", message, hint, HEADER)
        raise Refusal(problem, {"Retry-After": "2"})
    try:
        content = open_sealed(known.sealed_answer, _purpose(access.organization), access.services.keys)
    except Refused:
        raise _lost() from None
    kept: dict[str, Any] = json.loads(content)
    if kept["key"] != key:
        raise _lost()
    return Response(kept["body"].encode(), known.status, kept["headers"] | {"Idempotency-Replayed": "true"})


def _lost() -> LocalError:
    """The server's keys were changed since, and the old one was dropped."""
    message = "The request was done. Its answer was sealed with a key of the server that is gone."
    hint = "Look at what it made; take a new idempotency key for another one."
    return LocalError(Problem(Kind.CONFLICT, "idempotency_answer_lost", message, hint, HEADER))


def _seal_answer(response: Response, key: str, organization: OrganizationNumber, keys: SealKeys) -> str:
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    content = {"key": key, "headers": headers, "body": bytes(response.body).decode()}
    return seal(json.dumps(content).encode(), _purpose(organization), keys)


def _read_key(given: str) -> str:
    found = _KEY.fullmatch(given)
    if found is None:
        message = "An idempotency key has 1 to 255 printable ASCII characters without blanks."
        raise LocalError(Problem(Kind.BAD_INPUT, "idempotency_key_malformed", message, where=HEADER))
    return found[1] or found[2]


def _fingerprint(access: Access, request: Request, body: bytes) -> bytes:
    """Of all that makes it this request: another token gets no answer that was for this one."""
    head = [request.method, request.url.path, request.url.query, access.token.id.hex]
    media_type = request.headers.get("content-type", "")
    return sha256(json.dumps([*head, media_type]).encode() + b"\0" + body).digest()


def _purpose(organization: OrganizationNumber) -> str:
    return f"kept answer {organization}"

"""One operation of the REST API: what happens around every handler, in this order.

Who calls, and has it requests left; the body, within its limits; done once, where the request asks for that; the
handler; and whatever went wrong as a problem document.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message

from entracte.errors import EntracteError, Kind, LocalError, Problem
from entracte.web.api import problems
from entracte.web.api.access import Access, admit
from entracte.web.api.idempotency import once
from entracte.web.api.parts import ApiServices
from entracte.web.forms import bounded_body

MAXIMUM_BYTES = 1024 * 1024
JSON = "application/json"
RAW = "raw_media_types"
"""Key of an endpoint's attribute: media types that its handler reads itself."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[Request], Awaitable[Response]]


class Operation(APIRoute):
    """A route of the API."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        perform: Handler = super().get_route_handler()
        media_types = getattr(self.endpoint, RAW, (JSON,))

        async def handle(request: Request) -> Response:
            return await _answer(request, perform, media_types)

        return handle


def resource(name: str) -> APIRouter:
    """The operations of one resource, below the version of the API."""
    return APIRouter(
        prefix="/api/v1", route_class=Operation, tags=[name], generate_unique_id_function=lambda route: route.name
    )


def takes(*media_types: str) -> Callable[[Any], Any]:
    """For a handler that reads its body itself."""

    def mark(handler: Any) -> Any:
        setattr(handler, RAW, media_types)
        return handler

    return mark


async def _answer(request: Request, perform: Handler, media_types: tuple[str, ...]) -> Response:
    services: ApiServices = request.app.state.services
    headers = HEADERS
    try:
        access = await admit(services, request.headers.get("authorization", ""))
        headers = HEADERS | access.allowance.headers()
        response = await _done(request, perform, access, media_types)
    except EntracteError as error:
        response = problems.answer(error, services.public_url)
    for name, value in headers.items():
        response.headers[name] = value
    return response


async def _done(request: Request, perform: Handler, access: Access, media_types: tuple[str, ...]) -> Response:
    body = await bounded_body(request, MAXIMUM_BYTES)
    _check_media_type(request, body, media_types)
    again = Request(request.scope, _giving(body))
    again.state.access = access
    return await once(access, request, body, lambda: _handled(again, perform))


async def _handled(request: Request, perform: Handler) -> Response:
    try:
        return await perform(request)
    except RequestValidationError as error:
        raise problems.of_request(error) from None
    except HTTPException as error:
        raise problems.of_http(error) from None


def _check_media_type(request: Request, body: bytes, media_types: tuple[str, ...]) -> None:
    if not body:
        return
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in media_types:
        message = f"The body came in another media type than {' or '.join(media_types)}."
        raise LocalError(Problem(Kind.UNSUPPORTED, "body_media_type", message, where="Content-Type"))


def _giving(body: bytes) -> Callable[[], Awaitable[Message]]:
    """A body that was read, to be read again."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive

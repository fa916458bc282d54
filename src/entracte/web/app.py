"""The table of routes, and what wraps every request: a request id, the log line, and the page for what went wrong."""

import asyncio
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from ssl import RAND_bytes

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entracte import measures
from entracte.errors import EntracteError, Kind
from entracte.values import Secret
from entracte.web.answers import new_nonce, page, plain, see_other
from entracte.web.assets import asset_or_none
from entracte.web.directory import Directory
from entracte.web.journal import journal, place_of
from entracte.web.pages.embed import page as embed
from entracte.web.pages.initiate_login import page as initiate_login
from entracte.web.pages.oauth_client import page as oauth_client
from entracte.web.pages.sign_in import page as sign_in
from entracte.web.pages.sign_in.callback import oauth_routes
from entracte.web.pages.sign_in.views import render_trouble
from entracte.web.pages.sign_out import page as sign_out
from entracte.web.pages.take_part import page as take_part
from entracte.web.pages.take_part.views import render_closed, render_not_found
from entracte.web.problems import STATUS
from entracte.web.proxies import REQUEST_ID, OfProxies
from entracte.web.visits import LooksAhead, NotOpen, NotThere, Services, neutral_language

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Operations:
    """What those who run the program ask and say. `metrics_token`: who wants the numbers has to show it; empty: nobody
    has to. `trusted_proxies`: who may say for whom a request is, and which id it has; empty: nobody."""

    ready: Callable[[], Awaitable[bool]]
    metrics_token: Secret
    trusted_proxies: str


def application(
    services: Services, manage_routes: Sequence[BaseRoute], operations: Operations, lifespan: Lifespan
) -> Starlette:
    """The whole of the web as one ASGI application."""

    async def alive(request: Request) -> Response:
        """The process answers."""
        return plain("alive\n", 200)

    async def can_serve(request: Request) -> Response:
        """Whether requests can be served: the store answers and has this version's tables. 503 otherwise."""
        if await operations.ready():
            return plain("ready\n", 200)
        return plain("not ready\n", 503, retry_after="2")

    async def metrics(request: Request) -> Response:
        """The numbers of this installation, for Prometheus. 401 where `ENTRACTE_METRICS_TOKEN` is set and not shown."""
        if not _shows(request, operations.metrics_token):
            return plain("", 401, www_authenticate='Bearer realm="metrics"')
        body, media_type = await asyncio.to_thread(measures.exposition, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    routes: list[BaseRoute] = [
        *oauth_routes(services),
        *oauth_client.routes(services),
        *initiate_login.routes(services),
        *embed.routes(services),
        *sign_in.routes(services),
        *sign_out.routes(services),
        *take_part.routes(services),
        *manage_routes,
        Route("/assets/{name}", _asset, methods=["GET"]),
        Route("/", _front_door, methods=["GET"]),
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", can_serve, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
    app = Starlette(
        routes=routes,
        middleware=_around(operations.trusted_proxies),
        exception_handlers={
            NotThere: _not_there,
            NotOpen: _not_open,
            LooksAhead: _looked_ahead,
            HTTPException: _http_exception,
            EntracteError: _problem,
        },
        lifespan=lifespan,
    )
    # its redirects are 307, and to the host that the request names
    app.router.redirect_slashes = False
    app.state.directory = services.directory
    return app


def _around(trusted_proxies: str) -> list[Middleware]:
    if not trusted_proxies:
        return [Middleware(Journal)]
    return [Middleware(OfProxies, trusted=trusted_proxies), Middleware(Journal, keep_id=True)]


def _shows(request: Request, token: Secret) -> bool:
    """Whether the request shows the token, where there is one."""
    if not token.reveal():
        return True
    shown = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(shown, f"Bearer {token.reveal()}".encode())


class Journal:
    """One log line per request: method, the route's pattern (never the address itself), status, milliseconds; and the
    same for the numbers. Every line that is written meanwhile has the request's id, and so has its answer.

    It is also the outermost catch: nothing gets past it to a server that would print it. With `keep_id`, a request
    that comes with an id keeps it.
    """

    def __init__(self, app: ASGIApp, keep_id: bool = False) -> None:
        self._app = app
        self._keep_id = keep_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        request_id = (self._keep_id and _given_id(scope)) or RAND_bytes(8).hex()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        marked = (REQUEST_ID, request_id.encode())

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), marked]}
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            # contained here: whoever would print it prints what a person typed with it
            journal().error("unexpected", error=type(error).__name__, where=place_of(error))
            if not status:
                await _trouble(Request(scope), 500, "internal")(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - began
            measures.request_answered(scope["method"], route, status, seconds)
            journal().info(
                "request", method=scope["method"], route=route, status=status, milliseconds=round(seconds * 1000, 1)
            )


def _given_id(scope: Scope) -> str:
    """The id that a request came with, when it is one."""
    given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
    return given.decode() if _AN_ID.fullmatch(given) else ""


_AN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


async def _front_door(request: Request) -> Response:
    """Nobody is invited to this address: who types it works here."""
    return see_other("/manage")


async def _asset(request: Request) -> Response:
    """A style sheet, script or picture of ours. With its version in the query it is cached for a year."""
    found = asset_or_none(request.path_params["name"])
    if found is None:
        raise NotThere
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if request.query_params else "no-cache",
        "ETag": found.etag,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.body, media_type=found.media_type, headers=headers)


async def _not_there(request: Request, error: Exception) -> Response:
    nonce = new_nonce()
    html = render_not_found(nonce=nonce, language=neutral_language(request))
    return page(html, nonce, status=404, framed_by=_framed_by(request))


async def _not_open(request: Request, error: Exception) -> Response:
    if not isinstance(error, NotOpen):
        raise error
    seen = error.seen
    html = render_closed(seen.context(), *seen.days, seen.services.take_part.today())
    return seen.page(html, status=410)


async def _looked_ahead(request: Request, error: Exception) -> Response:
    """A `HEAD` learns that the campaign is there; a prefetch is told to come back when somebody does."""
    return plain("", 200 if request.method == "HEAD" else 503)


async def _http_exception(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code != 404:
        text = "This address takes another method.\n" if error.status_code == 405 else ""
        return plain(text, error.status_code, **(error.headers or {}))
    return await _not_there(request, error)


async def _problem(request: Request, error: Exception) -> Response:
    problem = error.problem if isinstance(error, EntracteError) else None
    kind = problem.kind if problem else Kind.UNAVAILABLE
    code = problem.code if problem else "internal"
    journal().warning("problem", code=code, kind=kind.value)
    return _trouble(request, STATUS[kind], code)


def _framed_by(request: Request) -> Sequence[str]:
    """Who may frame a page that only says what went wrong: in a frame it has to be seen, so the pages that the campaign
    names. Nobody where no such campaign is known; then `embed.js` has a link on the brand's page."""
    address = _FRAMED.match(str(request.scope["path"]))
    directory: Directory = request.app.state.directory
    listed = directory.remembered(address[1]) if address else None
    named = listed.published.definition.embed if listed else None
    return named.origins if named else ()


_FRAMED = re.compile(r"/c/([^/]+)/in(?:/|$)")


_LATER = {429: "60", 503: "5"}
"""Seconds after which to ask again, by status."""


def _trouble(request: Request, status: int, code: str) -> Response:
    nonce = new_nonce()
    html = render_trouble(nonce=nonce, language=neutral_language(request), code=code)
    # its address may hold a code, which is good still: who came too often comes back with it
    response = page(html, nonce, status=status, framed_by=_framed_by(request), referrer="no-referrer")
    if status in _LATER:
        response.headers["Retry-After"] = _LATER[status]
    return response

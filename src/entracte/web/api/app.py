"""The REST API as one ASGI application, and the route of the web that leads to it."""

import json
from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from entracte.web.api import (
    attempts,
    campaigns,
    connection_keys,
    connection_metadata,
    connection_registration,
    connections,
    entries,
    organization,
    participations,
    problems,
    statistics,
    tokens,
)
from entracte.web.api.description import describe
from entracte.web.api.operation import HEADERS
from entracte.web.api.parts import ApiServices
from entracte.web.pages.api_docs.page import routes
from entracte.web.visits import NotThere

ROUTERS = (
    organization.router,
    connections.router,
    connection_keys.router,
    connection_metadata.router,
    connection_registration.router,
    campaigns.router,
    entries.router,
    participations.router,
    attempts.router,
    statistics.router,
    tokens.router,
)


def api(services: ApiServices) -> FastAPI:
    """The API, with its description at `/api/openapi.json` and a page about it at `/api/docs`."""
    app = _operations()
    app.state.services = services

    @cache
    def described() -> dict[str, Any]:
        """Made for the first who asks: it takes longer than a request should, and most processes are never asked."""
        return document(services.public_url)

    async def description(request: Request) -> Response:
        """What the API can do, for programs (OpenAPI 3.1)."""
        body = json.dumps(described(), ensure_ascii=False).encode()
        return Response(body, media_type="application/json", headers={**HEADERS, "Cache-Control": "no-cache"})

    async def not_here(request: Request, error: Exception) -> Response:
        found = error if isinstance(error, HTTPException) else HTTPException(404)
        response = problems.answer(problems.of_http(found), services.public_url)
        response.headers.update(HEADERS)
        if found.status_code == 405:
            response.headers["Allow"] = ", ".join(_methods(app, request))
        return response

    async def broken(request: Request, error: Exception) -> Response:
        """A mistake of ours: its place is in the log, by `web.app.Journal`, and nothing of it here."""
        response = problems.broken(services.public_url)
        response.headers.update(HEADERS)
        return response

    app.add_api_route("/api/openapi.json", description, include_in_schema=False)
    for route in routes(described):
        app.router.routes.append(route)
    app.add_exception_handler(HTTPException, not_here)
    app.add_exception_handler(NotThere, not_here)
    app.add_exception_handler(Exception, broken)
    return app


def document(public_url: str) -> dict[str, Any]:
    """What the API says of itself."""
    return describe(_operations(), public_url)


def _operations() -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # not included: an included one hides its routes
    return app


def _methods(app: FastAPI, request: Request) -> list[str]:
    """What the address takes, in all of its routes (RFC 9110 section 10.2.1); the framework names the first's."""
    routes = (route for route in app.routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in routes for method in getattr(route, "methods", ())})


class Below(BaseRoute):
    """Gives everything at and below a path to another application, which sees the path as it is."""

    def __init__(self, path: str, app: FastAPI) -> None:
        self.path = path
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        below = scope["type"] == "http" and (path == self.path or path.startswith(f"{self.path}/"))
        return (Match.FULL, {}) if below else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

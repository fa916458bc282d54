"""What authorization servers ask us for, on the OAuth service: our public keys, and requests that are kept here. How
they tell of a logout is in `logout`.

One address for each connection: what one server can ask is about its own connection alone.
"""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte.connections.authorization_request import kept_request, opened_reference
from entracte.connections.model import Connection
from entracte.connections.own_keys import published
from entracte.connections.server import server_of
from entracte.connections.settings import RequestObject
from entracte.protocol.errors import Refused
from entracte.values import Secret, entropy
from entracte.web.clients import CLIENT, connection_of, refusals_counted
from entracte.web.pages.oauth_client.logout import logout_routes
from entracte.web.rates import Step
from entracte.web.visits import NotThere, Services

KEYS_AGE = 300
"""Seconds for which a key set may be kept: less than a new key is published before it signs."""
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def routes(services: Services) -> list[Route]:
    """The addresses that a server is told when we are registered there."""

    async def keys(request: Request) -> Response:
        """Our public keys at this server (RFC 7517)."""
        # not counted: it is less work than a page, and a server may keep them
        connection = await connection_of(request, services)
        headers = {**_HEADERS, "Cache-Control": f"public, max-age={KEYS_AGE}"}
        return Response(json.dumps(published(connection)), media_type="application/jwk-set+json", headers=headers)

    async def request_object(request: Request) -> Response:
        """The request object of a sign-in that has begun (RFC 9101 section 5.2). 404 for one that is too old."""
        try:
            with refusals_counted(Step.REQUEST_OBJECT, request, services):
                signed = await _signed(
                    services, await connection_of(request, services), request.path_params["reference"]
                )
        except Refused:
            raise NotThere from None
        headers = {**_HEADERS, "Cache-Control": "no-store"}
        return Response(signed.reveal(), media_type="application/oauth-authz-req+jwt", headers=headers)

    return [
        Route(f"{CLIENT}/jwks", keys, methods=["GET"]),
        Route(f"{CLIENT}/requests/{{reference}}", request_object, methods=["GET"]),
        *logout_routes(services, CLIENT, lambda request: connection_of(request, services)),
    ]


async def _signed(services: Services, connection: Connection, reference: str) -> Secret:
    """The request object that a reference of ours stands for. Raises `NotThere`, and refuses as `kept_request` does."""
    now, rates = services.clock(), services.rates
    asked, _ = opened_reference(reference, services.signing_in.oauth_url, services.keys, now)
    if asked.content.connection != connection.number or connection.config.request_object is RequestObject.NONE:
        raise NotThere
    rates.admit_owner(Step.REQUEST_OBJECT, connection.organization, connection, now)
    rates.admit_request_object(asked.content.participation, asked.content.attempt, now)
    server = server_of(connection, services.signing_in.providers, services.keys, entropy, now)
    return await kept_request(server, reference, services.signing_in.oauth_url)

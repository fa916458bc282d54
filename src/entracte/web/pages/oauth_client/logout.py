"""How an authorization server tells that somebody has logged out there: by a frame in the browser, or directly.

OpenID Connect Front-Channel Logout 1.0 and Back-Channel Logout 1.0. Both are there for connections with `single_logout`
alone. The reason of a refusal is in our log; who asks learns that it was refused.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from entracte.connections.addresses import BACK_CHANNEL_LOGOUT, FRONT_CHANNEL_LOGOUT
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.server import server_of
from entracte.errors import LocalError
from entracte.organizations.person_key import person_key_of
from entracte.protocol.addresses import origin
from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.logout import read_front_channel_logout, read_logout_request
from entracte.values import entropy
from entracte.web import cookies
from entracte.web.answers import plain
from entracte.web.clients import refusals_counted
from entracte.web.forms import bounded_body
from entracte.web.journal import journal
from entracte.web.rates import Step
from entracte.web.visits import LooksAhead, NotThere, Services, is_in_top_window, is_prefetch, query_of

MAXIMUM_FORM = 128 * 1024
"""Bytes of a posted logout token with its name: the token has a limit of its own."""
MOST_KEYS = 20
"""Campaigns of one browser that a logout without a session looks at."""
LONGEST_EVIDENCE = 200
_FORM = "application/x-www-form-urlencoded"
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
_PAGE = '<!doctype html><html lang="en"><title>Signed out</title>'

Find = Callable[[Request], Awaitable[Connection]]


def logout_routes(services: Services, client: str, find: Find) -> list[Route]:
    """The two addresses below that of a connection, which `find` finds."""

    async def admitted(step: Step, request: Request) -> Connection:
        connection = await find(request)
        if not connection.config.single_logout:
            raise NotThere
        services.rates.admit_owner(step, connection.organization, connection, services.clock())
        return connection

    async def front_channel(request: Request) -> Response:
        """The login's logout page frames this: whoever logged out there is signed out here."""
        if is_prefetch(request):
            raise LooksAhead
        services.rates.admit_address(Step.FRONT_CHANNEL_LOGOUT, request, services.clock())
        connection = await admitted(Step.FRONT_CHANNEL_LOGOUT, request)
        try:
            ended = await _told_in_browser(request, services, connection)
        except Refused as refusal:
            _say_refused(connection, "front-channel", refusal)
            return plain("", 400, content_security_policy="default-src 'none'; frame-ancestors 'none'")
        _say(connection, "front-channel", ended)
        return _framable(connection.config)

    async def back_channel(request: Request) -> Response:
        """The login's server tells that somebody logged out there, by a signed logout token in a form: 200 when it is
        done, 400 when the token is refused."""
        step = Step.BACK_CHANNEL_LOGOUT
        try:
            with refusals_counted(step, request, services):
                await _told_by_server(request, services, await admitted(step, request))
        except Refused:
            return JSONResponse({"error": "invalid_request"}, status_code=400, headers=_HEADERS)
        return Response(status_code=200, headers=_HEADERS)

    return [
        Route(f"{client}{FRONT_CHANNEL_LOGOUT}", front_channel, methods=["GET"]),
        Route(f"{client}{BACK_CHANNEL_LOGOUT}", back_channel, methods=["POST"]),
    ]


async def _told_in_browser(request: Request, services: Services, connection: Connection) -> int:
    told = read_front_channel_logout(
        parse_query(query_of(request)), issuer=connection.config.issuer, session_required=False
    )
    if told.session is None:
        return await _leave_by_keys(request, services, connection)
    person_key = await _person_key(services, connection)
    return await services.signing_out.told_in_browser(connection, told.session, person_key)


async def _leave_by_keys(request: Request, services: Services, connection: Connection) -> int:
    """Sign out what this browser's own keys prove, at campaigns of this connection. The specification has this in a
    frame; a link that somebody else wrote would open it in a window of its own."""
    if is_in_top_window(request):
        return 0
    prefix = cookies.key_name("", secure=services.secure)
    names = [name.removeprefix(prefix) for name in request.cookies if name.startswith(prefix)]
    return sum([await _leaves(request, services, connection, name) for name in names[:MOST_KEYS]])


async def _leaves(request: Request, services: Services, connection: Connection, campaign: str) -> bool:
    listed = await services.directory.by_name(campaign)
    if listed is None or listed.connection is None:
        return False
    theirs = listed.connection
    if (theirs.organization, theirs.number) != (connection.organization, connection.number):
        return False
    key = request.cookies[cookies.key_name(campaign, secure=services.secure)]
    playing = await services.take_part.playing(listed.published, key)
    return playing is not None and await services.signing_out.leave(playing) is not None


async def _told_by_server(request: Request, services: Services, connection: Connection) -> None:
    try:
        ended = await _ended_by_server(request, services, connection)
    except Refused as refusal:
        _say_refused(connection, "back-channel", refusal)
        raise
    _say(connection, "back-channel", ended)


async def _ended_by_server(request: Request, services: Services, connection: Connection) -> int:
    token = read_logout_request(parse_query(await _posted(request), most=MAXIMUM_FORM))
    providers = services.signing_in.providers
    server = server_of(connection, providers, services.keys, entropy, services.clock())
    person_key = await _person_key(services, connection)
    return await services.signing_out.told_by_server(token, server, person_key)


async def _posted(request: Request) -> str:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        raise refuse(Reason.RESPONSE_MALFORMED, "The body is no form.")
    try:
        return (await bounded_body(request, MAXIMUM_FORM)).decode("ascii")
    except (LocalError, UnicodeDecodeError):
        raise refuse(Reason.RESPONSE_MALFORMED, "The form is too long, or not ASCII.") from None


async def _person_key(services: Services, connection: Connection) -> bytes:
    organization = await services.directory.organizations.by_number(connection.organization)
    if organization is None:
        raise NotThere
    return person_key_of(organization, services.keys)


def _framable(config: ConnectionConfig) -> Response:
    """An empty page, for the login's logout page to frame, and for nobody else."""
    addresses = (config.issuer, config.end_session_endpoint, config.authorization_endpoint)
    allowed = " ".join(sorted({origin(address) for address in addresses if address}))
    policy = f"default-src 'none'; base-uri 'none'; frame-ancestors {allowed}"
    headers = {**_HEADERS, "Content-Security-Policy": policy}
    return Response(_PAGE, media_type="text/html; charset=utf-8", headers=headers)


def _say(connection: Connection, by: str, ended: int) -> None:
    journal().info("logout_told", connection=connection.number, by=by, ended=ended)


def _say_refused(connection: Connection, by: str, refusal: Refused) -> None:
    evidence = refusal.evidence[:LONGEST_EVIDENCE]
    journal().info("logout_refused", connection=connection.number, by=by, reason=refusal.reason.code, evidence=evidence)

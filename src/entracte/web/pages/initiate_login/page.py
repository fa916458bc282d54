"""A login that a third party initiates (OpenID Connect Core section 4): a server sends somebody here to sign in.

On the OAuth service: is it the connection's own server, and which campaign is meant. Then, on the campaign's host, a
participation begins, and with it a normal sign-in. The request chooses nothing but the hint: no server, no scope, no
address, no prompt. Whoever takes part in this browser already is shown where they are, and presses for themselves:
otherwise a link of somebody else would sign them in elsewhere (RFC 9700 section 2.1).
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte.campaigns.manage import Status, status
from entracte.campaigns.model import Published
from entracte.connections.addresses import INITIATE_LOGIN
from entracte.connections.model import Connection
from entracte.errors import Kind, LocalError, Problem
from entracte.participation.journey import SIGN_IN, current
from entracte.participation.login_hints import LoginHint, open_handle, seal_handle, usable_hint
from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Refused
from entracte.web import login_hints
from entracte.web.answers import see_other
from entracte.web.clients import CLIENT, connection_of
from entracte.web.forms import bounded_body
from entracte.web.journal import journal
from entracte.web.rates import Step
from entracte.web.visits import NotOpen, NotThere, Services, Visit, at_campaign, query_of, start

MAXIMUM_FORM = 16 * 1024
_FORM = "application/x-www-form-urlencoded"


def routes(services: Services) -> list[Route]:
    """The address that a server is told when we are registered there, and the one of the campaign."""

    async def initiate_login(request: Request) -> Response:
        """A server sends somebody to sign in: on to a campaign that signs in there (OpenID Connect Core section 4)."""
        services.rates.admit_address(Step.INITIATE, request, services.clock())
        connection = await connection_of(request, services)
        parameters = await _parameters(request)
        if not connection.config.issuer or parameters.get("iss") != connection.config.issuer:
            raise _refused("The address was opened without the issuer of this connection.")
        services.rates.admit_owner(Step.INITIATE, connection.organization, connection, services.clock())
        campaign = await _campaign(connection, parameters.get("target_link_uri", ""), services)
        hint = usable_hint(parameters.get("login_hint", ""))
        handle = seal_handle(campaign.number, hint, services.keys, services.clock())
        journal().info("login_initiated", campaign=campaign.name)
        return see_other(f"{services.public_url}/c/{campaign.name}/sign-in/initiated?{urlencode({'handle': handle})}")

    return [
        Route(f"{CLIENT}{INITIATE_LOGIN}", initiate_login, methods=["GET", "POST"]),
        Route("/c/{campaign}/sign-in/initiated", at_campaign(services, _initiated), methods=["GET"]),
    ]


async def _initiated(request: Request, seen: Visit) -> Response:
    """Begin to take part because a server said so; or go on where this browser was, and press for oneself."""
    if request.headers.get("sec-fetch-dest", "document") != "document":
        raise NotThere  # no picture and no frame of another site begins anything
    services = seen.services
    handle = request.query_params.get("handle", "")
    hint = open_handle(handle, seen.listed.published.number, services.keys, services.clock())
    if seen.playing is not None or hint is None:
        return seen.to_current()
    if not seen.is_open:
        raise NotOpen(seen)
    seen = await start(seen)
    if seen.playing is None:
        return seen.to_current()
    here = current(seen.definition, seen.playing.participation).key
    return login_hints.keep(seen.to(here), seen, seen.playing, LoginHint(hint, begins=here == SIGN_IN))


async def _parameters(request: Request) -> Mapping[str, str]:
    """Those of the query, or of the posted form; never of both. LocalError `initiate_login_refused` for what is none,
    and for one that stands there twice."""
    query = query_of(request)
    try:
        if request.method == "GET":
            return parse_query(query)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if query or media_type != _FORM:
            raise _refused("What was posted is no form.")
        return parse_query((await bounded_body(request, MAXIMUM_FORM)).decode("ascii"))
    except (Refused, UnicodeDecodeError):
        raise _refused("The parameters can not be read.") from None


async def _campaign(connection: Connection, target: str, services: Services) -> Published:
    """The campaign whose own address is the target, byte for byte; otherwise the newest that is open. Only those of the
    organization that sign in with this connection."""
    today = services.take_part.today()
    usable = [
        one
        for one in await services.directory.campaigns.of(connection.organization)
        if one.definition.sign_in is not None
        and one.definition.sign_in.connection == connection.config.name
        and status(one, today) is Status.OPEN
    ]
    if not usable:
        message = "No campaign that is open signs in with this connection."
        raise LocalError(Problem(Kind.NOT_FOUND, "initiate_login_no_campaign", message))
    named = (one for one in usable if target == f"{services.public_url}/c/{one.name}")
    return next(named, max(usable, key=lambda one: (one.published_at, one.number)))


def _refused(message: str) -> LocalError:
    return LocalError(Problem(Kind.BAD_INPUT, "initiate_login_refused", message))

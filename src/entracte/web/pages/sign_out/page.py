"""The sign-out: begun on a page of ours, or by a page that saw the session at the login change; and the way back from
the login. The addresses by which a login tells of a logout are in `oauth_client`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte.connections.addresses import SIGNED_OUT
from entracte.participation.signing_out import CameBack
from entracte.participation.take_part import Playing
from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Refused
from entracte.protocol.logout import LogoutReturn
from entracte.web.answers import new_nonce, page, see_other
from entracte.web.journal import journal
from entracte.web.pages.sign_out.views import render_signed_out
from entracte.web.rates import Step
from entracte.web.visits import Services, Visit, at_campaign, neutral_language, query_of, same_origin


def routes(services: Services) -> list[Route]:
    """The routes of the sign-out, under the campaign's address and under that of a frame, and the return from the
    login: one fixed address, as for the sign-in."""

    async def came_back(request: Request) -> Response:
        """Back from the sign-out at the login, and on to the campaign. A return of no sign-out of ours is told that all
        is done, which is true."""
        services.rates.admit_address(Step.SIGNED_OUT, request, services.clock())
        back = _read_return(services, query_of(request))
        journal().info("sign_out_returned", how=back.how.value)
        address = await _campaign_of(services, back)
        if address:
            return see_other(address)
        nonce = new_nonce()
        return page(render_signed_out(nonce=nonce, language=neutral_language(request)), nonce, referrer="no-referrer")

    return [
        Route(f"{prefix}/sign-out{path}", at_campaign(services, handler), methods=["POST"])
        for prefix in ("/c/{campaign}", "/c/{campaign}/in/{key}")
        for path, handler in (("", _sign_out), ("/changed", _session_changed))
    ] + [Route(SIGNED_OUT, came_back, methods=["GET"])]


async def _sign_out(request: Request, seen: Visit) -> Response:
    """Sign out: here at once, then at the login. The answers stay, and so does an entry."""
    services, now = seen.services, seen.services.clock()
    services.rates.admit_address(Step.SIGN_OUT, request, now)
    playing, connection = _who_may(request, seen), seen.listed.connection
    if playing is None or connection is None or not connection.config.sign_out:
        return _out_of_the_frame(seen, seen)
    services.rates.admit_owner(Step.SIGN_OUT, connection.organization, connection, now)
    signed_out = await services.signing_out.sign_out(playing, connection)
    if signed_out is None:
        return _out_of_the_frame(seen, seen)
    journal().info("signed_out", campaign=seen.definition.campaign, at_login=signed_out.url is not None)
    after = seen.with_playing(signed_out.playing)
    if signed_out.url is None:
        return _out_of_the_frame(seen, after)
    return after.remember(see_other(signed_out.url.reveal()))


async def _session_changed(request: Request, seen: Visit) -> Response:
    """The form's script saw that the session at the login is over, or another one: the sign-in is shown again."""
    services, now = seen.services, seen.services.clock()
    services.rates.admit_address(Step.SIGN_OUT, request, now)
    playing, connection = _who_may(request, seen), seen.listed.connection
    if playing is None or connection is None or not connection.config.watch_session:
        return seen.to_current()
    services.rates.admit_owner(Step.SIGN_OUT, connection.organization, None, now)
    after = await services.signing_out.leave(playing)
    if after is None:
        return seen.to_current()
    journal().info("session_changed", campaign=seen.definition.campaign)
    return seen.with_playing(after).to_current()


def _who_may(request: Request, seen: Visit) -> Playing | None:
    """Who posted from a page of ours. A key of a cookie, in an address, is a link from somebody else."""
    playing = seen.playing
    if playing is None or not same_origin(request, seen.services.public_url):
        return None
    return None if seen.embedded and not playing.participation.embed_page else playing


def _out_of_the_frame(seen: Visit, after: Visit) -> Response:
    """On to where the participant is. A framed campaign's answer is for the whole window: back to the brand's page,
    where the frame resumes."""
    if not seen.embedded:
        return after.to_current()
    embed_page = seen.playing.participation.embed_page if seen.playing else ""
    return see_other(embed_page or f"/c/{seen.definition.campaign}")


def _read_return(services: Services, query: str) -> CameBack:
    try:
        parameters = parse_query(query)
    except Refused:
        return CameBack(LogoutReturn.OTHER_STATE)
    return services.signing_out.came_back(parameters.get("state", ""))


async def _campaign_of(services: Services, back: CameBack) -> str:
    """The address of the campaign that a return is of: the brand's page where that frames it."""
    if back.campaign is None or back.participation is None:
        return ""
    listed = await services.directory.by_number(back.campaign)
    if listed is None:
        return ""
    kept = await services.signing_out.participations.get(listed.published.organization, back.participation)
    return (kept.embed_page if kept else "") or f"{services.public_url}/c/{listed.published.name}"

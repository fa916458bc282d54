"""The sign-in: its page, the way to the brand's server, the return to the campaign, and the calm page when something
went differently. The callback on the OAuth service is in `callback`."""

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte.connections.authorization_response import taken_over
from entracte.connections.identity import seconds_to_settle
from entracte.connections.model import Connection
from entracte.connections.sign_in import short_code
from entracte.organizations.person_key import person_key_of
from entracte.participation.events import Outcome
from entracte.participation.journey import may_show
from entracte.participation.model import Attempt
from entracte.participation.take_part import Playing
from entracte.participation.trips import Back, Proof, Returned
from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.state import open_state, read_state
from entracte.web import cookies
from entracte.web.answers import page, see_other
from entracte.web.forms import first_values, read_form
from entracte.web.journal import journal
from entracte.web.login_hints import begins, hint_of
from entracte.web.pages.sign_in.callback import new_short_code, nobody
from entracte.web.pages.sign_in.views import Mishap, render_mishap, render_moment, render_popup_done, render_sign_in
from entracte.web.rates import Step
from entracte.web.visits import (
    NotOpen,
    Services,
    Visit,
    at_campaign,
    query_of,
    same_origin,
    submit_when_complete,
)

KEY = "sign-in"
MAXIMUM_ADDRESS = 48 * 1024
"""Characters of a query that may hold a sealed answer: what fits into the head of a request (`web.heads`)."""
PAUSE = 1
"""Seconds that a return waits while an earlier one of the same sign-in is being worked on."""
BAD_RETURNS = frozenset(
    {
        Reason.STATE_EXPIRED, Reason.STATE_FROM_FUTURE, Reason.RESPONSE_MIXED, Reason.ISSUER_MISMATCH,
        Reason.ISSUER_MISSING, Reason.RESPONSE_MODE, Reason.RESPONSE_ADDRESS,
    }
)  # fmt: skip
"""What was wrong with the return itself, before anybody was asked: the page that says so has the status 400. Where no
participant can be told apart, the page at the return address has it, for every reason."""


def routes(services: Services) -> list[Route]:
    """The routes of the sign-in, under the campaign's address and under that of a frame."""

    return [
        Route(f"{prefix}/sign-in{path}", at_campaign(services, handler), methods=[method])
        for prefix in ("/c/{campaign}", "/c/{campaign}/in/{key}")
        for path, handler, method in (("", _show, "GET"), ("", _begin, "POST"), ("/mishap", _mishap, "GET"))
    ] + [
        Route("/c/{campaign}/sign-in/return", at_campaign(services, _return), methods=["GET"]),
        Route("/c/{campaign}/sign-in/done", at_campaign(services, _done), methods=["GET"]),
    ]


async def _show(request: Request, seen: Visit) -> Response:
    """The page before the sign-in; or straight on to the login where the campaign says `start: automatic`."""
    if seen.playing is None or not may_show(seen.definition, seen.playing.participation, KEY):
        return seen.to_current()
    if not seen.is_open:
        raise NotOpen(seen)
    connection = seen.listed.connection
    if connection is None:
        return await _no_connection(seen, seen.playing)
    await seen.services.take_part.sign_in_was_shown(seen.playing)
    if _starts_by_itself(seen, seen.playing) or begins(request, seen):
        return await _send(request, seen, seen.playing, connection, another_account=False)
    return seen.page(_sign_in_page(seen, connection))


async def _begin(request: Request, seen: Visit) -> Response:
    """Send the browser to the brand's login."""
    another = request.query_params.get("another") == "1"
    playing = _who_may_begin(request, seen, another_account=another)
    if playing is None:
        return _out_of_the_frame(seen)
    if not seen.is_open:
        raise NotOpen(seen)
    posted = first_values(await read_form(request))
    await _keep_what_was_typed(posted, seen, playing)
    if seen.listed.connection is None:
        return await _no_connection(seen, playing)
    popup = posted.get("window") == "popup"
    return await _send(request, seen, playing, seen.listed.connection, another_account=another, popup=popup)


async def _mishap(request: Request, seen: Visit) -> Response:
    """What went differently in the last sign-in, and the ways on."""
    if seen.playing is None:
        return seen.to_current()
    participation = seen.playing.participation
    attempt = await seen.services.take_part.participations.latest_attempt(participation.organization, participation.id)
    if attempt is None or not may_show(seen.definition, participation, KEY):
        return seen.to_current()
    if attempt.outcome not in (Outcome.CANCELLED, Outcome.FAILED):
        return seen.to(KEY)
    return seen.page(_mishap_page(seen, attempt), status=400 if _reason(attempt) in BAD_RETURNS else 200)


async def _return(request: Request, seen: Visit) -> Response:
    """Prove the browser, finish the attempt, and go on to the form."""
    seen.services.rates.admit_address(Step.RETURN, request, seen.services.clock())
    try:
        parameters = parse_query(query_of(request), most=MAXIMUM_ADDRESS)
        returned = await _take_back(request, seen, parameters)
    except Refused as refusal:
        return nobody(request, seen.services, refusal.reason)
    return await _after_return(seen, returned, parameters.get("state", ""))


async def _done(request: Request, seen: Visit) -> Response:
    """The end of a sign-in in a pop-up: the window that opened it takes over."""
    handle = request.query_params.get("handle", "")
    framed_at = await seen.services.signing_in.handed_over(seen.listed.published, handle)
    if framed_at is None:
        return seen.to_current()
    go_on = f"{framed_at}#entracte-return={handle}" if framed_at else f"{seen.base}/return/{handle}"
    html = render_popup_done(seen.context(), handle=handle, opener_origin=seen.services.public_url, continue_href=go_on)
    return seen.page(html)


def _starts_by_itself(seen: Visit, playing: Playing) -> bool:
    """Whether nobody has to press: once, where the campaign says so, and never in a frame."""
    sign_in = seen.definition.sign_in
    if sign_in is None or seen.embedded:
        return False
    return sign_in.start == "automatic" and playing.participation.sign_in_outcome is None


def _who_may_begin(request: Request, seen: Visit, *, another_account: bool) -> Playing | None:
    """Who posted the sign-in form of ours and may sign in now."""
    playing = seen.playing
    if playing is None or playing.participation.entered_at is not None:
        return None
    if not same_origin(request, seen.services.public_url):
        return None
    if seen.embedded and not playing.participation.embed_page:
        # the key of a cookie, in an address: a link from somebody else, who would share this sign-in
        return None
    changes_account = another_account and playing.participation.profile is not None
    return playing if changes_account or may_show(seen.definition, playing.participation, KEY) else None


def _out_of_the_frame(seen: Visit) -> Response:
    """Nobody who may sign in now. This answer is for the whole window, so a frame's key is left out of its address:
    it goes back to the brand's page, where the frame resumes."""
    if not seen.embedded:
        return seen.to_current()
    embed_page = seen.playing.participation.embed_page if seen.playing else ""
    return see_other(embed_page or f"/c/{seen.definition.campaign}")


async def _send(
    request: Request,
    seen: Visit,
    playing: Playing,
    connection: Connection,
    *,
    another_account: bool,
    popup: bool = False,
) -> Response:
    services, now = seen.services, seen.services.clock()
    services.rates.admit_address(Step.START, request, now)
    services.rates.admit_owner(Step.START, connection.organization, connection, now)
    if seconds := seconds_to_settle(connection, now):
        await asyncio.sleep(seconds)
    sent = await services.signing_in.send(
        playing,
        connection,
        another_account=another_account,
        popup=popup,
        framed=seen.embedded,
        login_hint=hint_of(request, seen).text,
    )
    if isinstance(sent, Returned):
        return await _after_return(seen, sent, "")
    response = see_other(sent.url)
    if seen.embedded or popup:  # this window has no key of its own, or hands over: its ticket proves it
        cookies.set_ticket(response, sent.attempt, sent.ticket, request.cookies, secure=services.secure)
    return seen.remember(response)


async def _take_back(request: Request, seen: Visit, parameters: Mapping[str, str]) -> Returned:
    """Prove the browser and finish the attempt, at the connection that the state names."""
    services, published = seen.services, seen.listed.published
    state = parameters.get("state", "")
    content, came = read_state(state, services.keys), taken_over(parameters, services.keys)
    ticket_text = request.cookies.get(cookies.ticket_name(content.attempt, secure=services.secure), "")
    proof = Proof(seen.playing, services.signing_in.ticket(ticket_text) if ticket_text else None)
    try:
        opened = open_state(state, services.keys, services.clock(), services.state_maximum_age)
    except Refused as refusal:
        return await services.signing_in.expired(published, state, content, proof, refusal.reason)
    connection = await services.directory.connection(published.organization, content.connection)
    if connection is None:
        return await services.signing_in.expired(published, state, content, proof, Reason.PROVIDER_UNREACHABLE)
    # before the attempt is consumed: who is asked to wait can come back with the same address
    services.rates.admit_owner(Step.RETURN, published.organization, connection, services.clock())
    person_key = person_key_of(seen.listed.organization, services.keys)
    return await services.signing_in.take_back(published, state, opened, came, proof, connection, person_key)


async def _after_return(seen: Visit, returned: Returned, state: str) -> Response:
    """Where the return leads: never a page at the address that holds the code, except for who is not proven."""
    journal().info("sign_in_returned", campaign=seen.definition.campaign, back=returned.back.value)
    if returned.playing is None:
        return _other_browser(seen, state)
    if returned.back is Back.IN_PROGRESS:
        await asyncio.sleep(PAUSE)
        html = render_moment(seen.context(), seen.progress(KEY))
        return seen.remember(page(html, seen.nonce, referrer="no-referrer"))
    if returned.popup:
        return see_other(f"/c/{seen.definition.campaign}/sign-in/done?handle={returned.handle}")
    if returned.embed_page:
        return see_other(f"{returned.embed_page}#entracte-return={returned.handle}")
    return await _go_on(seen, returned.back, returned.playing)


async def _go_on(seen: Visit, back: Back, playing: Playing) -> Response:
    """Straight to the page where this participant is: by way of the campaign's own address it is a request more."""
    proven = seen.with_playing(playing)
    if back is Back.MISHAP:
        return proven.to(f"{KEY}/mishap")
    if await submit_when_complete(seen, playing):
        return proven.remember(see_other(proven.base))
    return proven.to_current()


def _sign_in_page(seen: Visit, connection: Connection) -> str:
    definition, language = seen.definition, seen.language
    sign_in = definition.sign_in

    def said(name: str) -> str:
        text = getattr(sign_in, name, None)
        return definition.say(text, language) if text else ""

    return render_sign_in(
        seen.context(),
        seen.progress(KEY),
        connection_title=connection.config.title,
        title=said("title"),
        message=said("message"),
        button=said("button"),
        tells=said("tells"),
        answers_count=_answers_count(seen),
        guests=bool(sign_in and sign_in.guests),
        popup=bool(sign_in and sign_in.window == "popup"),
    )


def _mishap_page(seen: Visit, attempt: Attempt) -> str:
    sign_in = seen.definition.sign_in
    mishap = Mishap(
        reason=_reason(attempt),
        short_code=attempt.short_code,
        answers_count=_answers_count(seen),
        retry=True,
        guests=bool(sign_in and sign_in.guests),
        start="",
    )
    return render_mishap(seen.context(), seen.progress(KEY), mishap=mishap)


def _reason(attempt: Attempt) -> Reason:
    return Reason.__members__.get(attempt.reason.upper(), Reason.PROVIDER_ERROR)  # a newer version may know more


def _other_browser(seen: Visit, state: str) -> Response:
    """The state is ours and this browser did not begin it: nothing is consumed, nothing is told."""
    mishap = Mishap(
        reason=Reason.BROWSER_MISMATCH,
        short_code=short_code(state, seen.services.keys),
        answers_count=0,
        retry=False,
        guests=False,
        start=f"/c/{seen.definition.campaign}",
    )
    html = render_mishap(seen.context(), None, mishap=mishap)
    return page(html, seen.nonce, status=400, referrer="no-referrer")


async def _keep_what_was_typed(typed: Mapping[str, str], seen: Visit, playing: Playing) -> None:
    """“Not you?” is a button of the form: what stands in the form comes with it, and is kept."""
    if any(field.key in typed for field in seen.definition.form.fields):
        await seen.services.take_part.keep_draft(playing, typed, seen.listed.connection)


async def _no_connection(seen: Visit, playing: Playing) -> Response:
    """The connection of the campaign was taken away: a mishap like any other."""
    journal().error("campaign_without_connection", campaign=seen.definition.campaign)
    mishap = Mishap(
        reason=Reason.PROVIDER_UNREACHABLE,
        short_code=new_short_code(),
        answers_count=_answers_count(seen),
        retry=True,
        guests=bool(seen.definition.sign_in and seen.definition.sign_in.guests),
        start="",
    )
    return seen.page(render_mishap(seen.context(), seen.progress(KEY), mishap=mishap), status=503)


def _answers_count(seen: Visit) -> int:
    """How many questions this participant has answered."""
    if seen.playing is None:
        return 0
    answers = seen.playing.participation.answers
    return sum(1 for question in seen.definition.questions if answers.get(question.key) is not None)

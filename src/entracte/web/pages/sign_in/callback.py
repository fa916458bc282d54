"""The redirect URIs, on the OAuth service: whose answer is it, and on to that campaign. One is fixed, for everybody;
a connection may have one of its own, and then the campaign is told at which one the answer came.

An answer comes in the query, in a posted form, or in the fragment, which no server sees: then the page at this address
posts it, by its own small script. Nothing is stored here, and no database is asked before a state opened; but for an
answer that is encrypted, because only the connection's key opens it, and the state is inside.
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte import measures
from entracte.connections.addresses import CALLBACK, client_name
from entracte.connections.authorization_response import Came, handed_on
from entracte.connections.opened_keys import opened
from entracte.connections.own_keys import key_owner
from entracte.connections.sign_in import code_of
from entracte.errors import LocalError
from entracte.participation.keys import open_key
from entracte.protocol.authorization import ResponseMode, parse_query
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.jarm import state_inside
from entracte.protocol.jwe import decrypt, is_encrypted, named_key
from entracte.protocol.state import StateContent, read_state, read_state_in_time
from entracte.values import Secret, entropy
from entracte.web import cookies
from entracte.web.answers import new_nonce, page, see_other
from entracte.web.clients import numbers_of
from entracte.web.forms import bounded_body
from entracte.web.journal import journal
from entracte.web.pages.sign_in.views import Mishap, render_mishap
from entracte.web.rates import Step
from entracte.web.visits import Services, neutral_language, path_of, query_of

MAXIMUM_FORM = 256 * 1024
"""Bytes of a posted answer: an ID token, an access token and a code, each within its own limit."""
_FORM = "application/x-www-form-urlencoded"


def oauth_routes(services: Services) -> list[Route]:
    """The redirect URIs, and the addresses that the script of their page posts a fragment to."""

    async def callback(request: Request) -> Response:
        """Open the state before any database or network, then send the browser on to its campaign. A posted answer is
        that of the form post response mode; an address without a query may have it behind the `#`."""
        query = query_of(request)
        if request.method == "POST":
            if query:
                return nobody(request, services, Reason.RESPONSE_MALFORMED)
            return await _go_on(request, services, await _posted(request), ResponseMode.FORM_POST)
        if not query:
            if not _is_name(_place(request)):
                return nobody(request, services, Reason.RESPONSE_ADDRESS)
            return nobody(request, services, Reason.STATE_MISSING, fragment=f"{path_of(request)}/fragment")
        return await _go_on(request, services, query, ResponseMode.QUERY)

    async def fragment(request: Request) -> Response:
        """The same for what stood behind the `#`, as our own page posts it."""
        return await _go_on(request, services, await _posted(request), ResponseMode.FRAGMENT)

    return [
        Route(CALLBACK, callback, methods=["GET", "POST"]),
        Route(f"{CALLBACK}/fragment", fragment, methods=["POST"]),
        Route(f"{CALLBACK}/{{client}}", callback, methods=["GET", "POST"]),
        Route(f"{CALLBACK}/{{client}}/fragment", fragment, methods=["POST"]),
    ]


def _place(request: Request) -> str:
    """Whose own redirect URI it is, as the address says; empty for the fixed one."""
    return str(request.path_params.get("client", ""))


def _is_name(place: str) -> bool:
    return not place or numbers_of(place) is not None


async def _check_place(place: str, services: Services) -> None:
    """Refuses `RESPONSE_ADDRESS` for an address of no connection. Whether it is the one of the connection that the
    state names is for the campaign to say, which keeps the attempt."""
    if not place:
        return
    numbers = numbers_of(place)
    connection = await services.directory.connection(*numbers) if numbers else None
    if connection is None or client_name(connection) != place:
        raise refuse(Reason.RESPONSE_ADDRESS)


async def _posted(request: Request) -> str:
    """The body of a form as text; empty, which is refused as no state, for a body that is no form's."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        return ""
    try:
        return (await bounded_body(request, MAXIMUM_FORM)).decode("ascii")
    except (LocalError, UnicodeDecodeError):
        return ""


async def _go_on(request: Request, services: Services, text: str, by: ResponseMode) -> Response:
    services.rates.admit_address(Step.CALLBACK, request, services.clock())
    place = _place(request)
    try:
        parameters = parse_query(text, most=MAXIMUM_FORM) if by is not ResponseMode.QUERY else parse_query(text)
        content, passed = await _addressee(Came(parameters, by, place), services)
        await _check_place(place, services)
    except Refused as refusal:
        return nobody(request, services, refusal.reason)
    listed = await services.directory.by_number(content.campaign)
    if listed is None:
        return nobody(request, services, Reason.STATE_INVALID)
    organization = listed.published.organization
    connection = await services.directory.connection(organization, content.connection)
    services.rates.admit_owner(Step.CALLBACK, organization, connection, services.clock())
    return see_other(f"{services.public_url}/c/{listed.published.name}/sign-in/return?{urlencode(passed)}")


async def _addressee(came: Came, services: Services) -> tuple[StateContent, dict[str, str]]:
    """Whose campaign an answer is for, and what is handed on. A state that is ours but too old is handed on alone."""
    state = await _state_of(came, services)
    try:
        content = read_state_in_time(state, services.keys, services.clock(), services.state_maximum_age)
    except Refused as refusal:
        if refusal.reason not in (Reason.STATE_EXPIRED, Reason.STATE_FROM_FUTURE):
            raise
        return read_state(state, services.keys), {"state": state}
    return content, handed_on(came, state, services.keys)


async def _state_of(came: Came, services: Services) -> str:
    """The state of an answer; that inside of a signed one, when none stands beside it (JARM section 2.3)."""
    if "state" in came.parameters or "response" not in came.parameters:
        return came.parameters.get("state", "")
    token = Secret(came.parameters["response"])
    return state_inside(await _opened(token, services) if is_encrypted(token) else token)


async def _opened(token: Secret, services: Services) -> Secret:
    """The signed answer in an encrypted one. Its header names our key, and the key's name whose it is."""
    owner = key_owner(named_key(token))
    connection = await services.directory.connection(*owner) if owner else None
    if connection is None:
        raise refuse(Reason.TOKEN_ENCRYPTION, "It is encrypted to no key of ours.")
    return decrypt(token, opened(connection, services.keys, services.clock()).decryption)


def nobody(request: Request, services: Services, reason: Reason, *, fragment: str = "") -> Response:
    """A return that names no attempt of ours: a static page, and the ways back that this browser's own keys name. Its
    script looks whether an answer stands behind the `#`, and posts it to `fragment`; empty: there is no script."""
    nonce, code = new_nonce(), new_short_code()
    if not fragment:  # there it is not known yet
        journal().info("return_refused", reason=reason.code, short_code=code)
        measures.sign_in("refused", reason.code)
    mishap = Mishap(reason=reason, short_code=code, answers_count=0, retry=False, guests=False, start="")
    ways, language = _campaigns_of(request, services), neutral_language(request)
    html = render_mishap(None, None, mishap=mishap, nonce=nonce, ways=ways, language=language, fragment=fragment)
    return page(html, nonce, status=400, referrer="no-referrer")


def new_short_code() -> str:
    """A short code for what has no attempt."""
    return code_of(int.from_bytes(entropy(4), "big"))


def _campaigns_of(request: Request, services: Services) -> list[str]:
    """The campaigns that this browser holds a key of ours for; no database is asked."""
    prefix = cookies.key_name("", secure=services.secure)
    names = (name.removeprefix(prefix) for name in request.cookies if name.startswith(prefix))
    return [name for name in names if open_key(request.cookies[f"{prefix}{name}"], services.keys)][:3]

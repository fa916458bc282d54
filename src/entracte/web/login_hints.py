"""The cookie in which a browser keeps the hint of a participation that an authorization server sent here."""

from starlette.requests import Request
from starlette.responses import Response

from entracte.participation.login_hints import HINT_AGE, NO_HINT, LoginHint, open_hint, seal_hint
from entracte.participation.take_part import Playing
from entracte.web.cookies import hint_name, set_hint
from entracte.web.visits import Services, Visit


def keep(response: Response, seen: Visit, playing: Playing, hint: LoginHint) -> Response:
    """Let the browser keep a hint for this participation."""
    services = seen.services
    text = seal_hint(playing.participation, hint, services.keys, services.clock())
    set_hint(response, seen.definition.campaign, text, HINT_AGE, secure=services.secure)
    return response


def hint_of(request: Request, seen: Visit) -> LoginHint:
    """The hint of the participation that this browser holds; never in a frame."""
    if seen.playing is None or seen.embedded:
        return NO_HINT
    services: Services = seen.services
    text = request.cookies.get(hint_name(seen.definition.campaign, secure=services.secure), "")
    return open_hint(text, seen.playing.participation, services.keys, services.clock())


def begins(request: Request, seen: Visit) -> bool:
    """Whether the sign-in begins by itself: once, for a participation that began with it."""
    is_first = seen.playing is not None and seen.playing.participation.sign_in_outcome is None
    return is_first and hint_of(request, seen).begins

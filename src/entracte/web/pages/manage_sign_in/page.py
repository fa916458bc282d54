"""`/manage/sign-in` and `/manage/sign-out`."""

from functools import partial

from starlette.responses import Response
from starlette.routing import Route

from entracte.errors import Kind, LocalError
from entracte.organizations.manage import SignedInMember, sign_in, sign_out
from entracte.organizations.throttle import TooManyAttempts
from entracte.values import Secret
from entracte.web.manage import (
    SIGN_IN,
    SIGN_OUT,
    ManageServices,
    Visit,
    forget_session,
    form_values,
    keep_session,
    open_to_all,
    room_address,
    see_other,
)
from entracte.web.pages.manage_sign_in.views import SignInPage, refused, render_sign_in


def routes(services: ManageServices) -> list[Route]:
    """The addresses of this page."""
    endpoint = partial(open_to_all, services)
    return [
        Route(SIGN_IN, endpoint(_show), methods=["GET"]),
        Route(SIGN_IN, endpoint(_sign_in), methods=["POST"]),
        Route(SIGN_OUT, endpoint(_sign_out), methods=["POST"]),
    ]


async def _show(visit: Visit) -> Response:
    """The manager's own sign-in page."""
    wanted = room_address(visit.request.query_params.get("next", ""))
    if await visit.session() is not None:
        return see_other(wanted)
    return visit.page(render_sign_in(SignInPage(wanted), visit.frame))


async def _sign_in(visit: Visit) -> Response:
    """Sign a member in by e-mail address and password."""
    values = await form_values(visit.request)
    email, password = values.get("email", ""), Secret(values.get("password", ""))
    wanted = room_address(values.get("next", ""))
    try:
        signed_in = await _try(visit, email, password)
    except LocalError as error:
        if error.problem.kind is not Kind.NOT_ALLOWED:  # the store's: it says nothing of the password
            raise
        return _refused(visit, error, wanted, email)
    await _end_session(visit)
    response = see_other(wanted)
    keep_session(visit.services, response, signed_in)
    return response


async def _try(visit: Visit, email: str, password: Secret) -> SignedInMember:
    services = visit.services
    address = visit.request.client.host if visit.request.client else ""
    services.throttle.admit(email, address, services.clock())
    signed_in = await sign_in(services.members, email, password, services.clock(), services.entropy)
    services.throttle.succeeded(email, address)
    return signed_in


def _refused(visit: Visit, error: LocalError, wanted: str, email: str) -> Response:
    view = refused(visit.language, error, wanted, email[:254])
    busy = isinstance(error, TooManyAttempts)
    response = visit.page(render_sign_in(view, visit.frame), 429 if busy else 403)
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _sign_out(visit: Visit) -> Response:
    """End the member's session."""
    await _end_session(visit)
    response = see_other(SIGN_IN)
    forget_session(visit.services, response)
    return response


async def _end_session(visit: Visit) -> None:
    session = await visit.session()
    if session is not None:
        await sign_out(visit.services.members, session)

"""What the manager's pages share: what they call, who is at work, and how every answer leaves.

A page is a handler of a `Visit` or, where somebody has to be signed in, of a `Desk`. `open_to_all` and
`open_to_members` make endpoints of them: they look up the session, check where a POST comes from, and put the headers
on. What belongs to another organization is answered exactly as what is not there.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from entracte.campaigns.model import Campaigns
from entracte.errors import Kind, LocalError
from entracte.organizations.manage import SESSION_SECONDS, SignedInMember, session_of
from entracte.organizations.model import Members, MemberSession, Organization, Organizations
from entracte.organizations.throttle import Throttle
from entracte.participation.model import Participations
from entracte.statistics.tallies import Tallies
from entracte.values import Clock, Entropy, Secret
from entracte.web.forms import read_form
from entracte.web.manage_layout.rendering import Frame, render
from entracte.web.problems import STATUS
from entracte.web.translations import mark, negotiated

HOME = "/manage"
SIGN_IN = "/manage/sign-in"
SIGN_OUT = "/manage/sign-out"

_FORM_BYTES = 16 * 1024
_OF_THE_FORM = (Kind.BAD_INPUT, Kind.TOO_LARGE, Kind.UNSUPPORTED)
_ROOM = re.compile(r"/manage(/[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)?)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ManageServices:
    """What the manager's pages call. `secure` says that browsers reach us by TLS; `public_url` is scheme, host
    and port."""

    organizations: Organizations
    members: Members
    campaigns: Campaigns
    participations: Participations
    tallies: Tallies
    clock: Clock
    entropy: Entropy
    secure: bool
    public_url: str
    throttle: Throttle = field(default_factory=Throttle)

    @property
    def cookie_name(self) -> str:
        """`__Host-` binds the cookie to this host, this scheme and every path (RFC 6265bis section 4.1.3)."""
        return "__Host-entracte-manage" if self.secure else "entracte-manage"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the manager. `nonce` is the one of its Content-Security-Policy."""

    services: ManageServices
    request: Request
    nonce: str

    @property
    def language(self) -> str:
        """What the browser likes best of what we speak."""
        return negotiated(self.request.headers.get("accept-language", ""))

    @property
    def frame(self) -> Frame:
        """What stands around a page for nobody in particular."""
        return Frame(self.nonce, self.language)

    def page(self, html: str, status: int = 200) -> Response:
        return HTMLResponse(html, status)

    async def session(self) -> MemberSession | None:
        """The session that this browser's cookie opens."""
        token = self.request.cookies.get(self.services.cookie_name, "")
        return await session_of(self.services.members, Secret(token), self.services.clock())


@dataclass(frozen=True, slots=True)
class Desk:
    """A visit of a member at work for an organization."""

    visit: Visit
    session: MemberSession
    organization: Organization

    @property
    def services(self) -> ManageServices:
        return self.visit.services

    def frame(self, room: str) -> Frame:
        """What stands around a page in that room."""
        return Frame(self.visit.nonce, self.visit.language, self.organization.title, self.session.email, room)


Endpoint = Callable[[Request], Awaitable[Response]]


def open_to_all(services: ManageServices, handler: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
    """An endpoint that needs nobody to be signed in."""

    async def endpoint(request: Request) -> Response:
        visit = Visit(services, request, urlsafe_b64encode(services.entropy(18)).decode("ascii"))
        if request.method == "POST" and not _comes_from_here(request, services.public_url):
            return _with_headers(visit, _elsewhere(visit))
        try:
            response = await handler(visit)
        except LocalError as error:
            if error.problem.kind not in _OF_THE_FORM:
                raise
            response = _unreadable(visit, error)
        return _with_headers(visit, response)

    return endpoint


def open_to_members(services: ManageServices, handler: Callable[[Desk], Awaitable[Response]]) -> Endpoint:
    """An endpoint for a signed-in member; everybody else is sent to the sign-in page, and back here from there."""

    async def at_work(visit: Visit) -> Response:
        session = await visit.session()
        organization = await services.organizations.by_number(session.organization) if session else None
        if session is None or organization is None:
            return see_other(f"{SIGN_IN}?next={quote(room_address(visit.request.scope['path']), safe='/')}")
        return await handler(Desk(visit, session, organization))

    return open_to_all(services, at_work)


def room_address(text: str) -> str:
    """Where to go after signing in: the address when it is a plain path of the manager, else the first page.

    Only what is written in small letters, digits, hyphens, dots and single slashes below `/manage` can pass. So no
    other host, no backslash, no control character and no percent sign does (CVE-2020-5233, CVE-2020-11053,
    CVE-2020-4037, CVE-2021-21291, CVE-2022-23527).
    """
    fits = len(text) <= 200 and _ROOM.fullmatch(text) is not None
    return text if fits and text not in (SIGN_IN, SIGN_OUT) else HOME


def see_other(address: str) -> Response:
    """303: the next page is got with GET."""
    return RedirectResponse(address, status_code=303)


def not_there(visit: Visit) -> Response:
    """The one answer to whatever is not there or belongs to somebody else."""
    title, text = mark("There is nothing here."), mark("The address is wrong, or it has moved.")
    return _problem(visit, 404, "not_there", title, text)


async def form_values(request: Request) -> dict[str, str]:
    """The fields of a posted form; of a repeated field the last counts. LocalError `body_*`, which `open_to_all` makes
    a page of."""
    return {name: values[-1] for name, values in (await read_form(request, most=_FORM_BYTES)).items()}


def keep_session(services: ManageServices, response: Response, signed_in: SignedInMember) -> None:
    """Give the browser the session's token, for as long as the session lasts."""
    _set_cookie(services, response, signed_in.token.reveal(), SESSION_SECONDS)


def forget_session(services: ManageServices, response: Response) -> None:
    """Take the token from the browser."""
    _set_cookie(services, response, "", 0)


def _set_cookie(services: ManageServices, response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        services.cookie_name, value, max_age=seconds, path="/", secure=services.secure, httponly=True, samesite="lax"
    )


def _comes_from_here(request: Request, public_url: str) -> bool:
    """Whether a page of the manager sent this form. Browsers say it with every POST, by `Origin` and, since 2023 all
    of them, by `Sec-Fetch-Site`; whoever says neither is refused."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    return origin == _origin(public_url) if origin is not None else site is not None


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _elsewhere(visit: Visit) -> Response:
    title = mark("That was not sent.")
    text = mark("This form was not sent from the manager’s own address. Open the manager there and try again:")
    return _problem(visit, 403, "other_origin", title, text, _origin(visit.services.public_url))


def _unreadable(visit: Visit, error: LocalError) -> Response:
    text = mark("What was sent can not be read. Go back and send it once more.")
    return _problem(visit, STATUS[error.problem.kind], error.problem.code, mark("That was not sent."), text)


def _problem(visit: Visit, status: int, code: str, title: str, text: str, detail: str = "") -> Response:
    html = render("manage_layout/problem.html", visit.frame, code=code, title=title, text=text, detail=detail)
    return visit.page(html, status)


def _with_headers(visit: Visit, response: Response) -> Response:
    response.headers.update(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'nonce-{visit.nonce}'; img-src 'self' data:; script-src 'self'; "
                "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
    )
    return response

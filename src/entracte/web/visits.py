"""Whose request it is: the campaign of the address, and the participation whose key this browser holds."""

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from entracte.campaigns.manage import Status, days, status
from entracte.campaigns.model import Definition
from entracte.participation.journey import PlaceKind, current, number_of, places, progress
from entracte.participation.signing_in import SigningIn
from entracte.participation.signing_out import SigningOut
from entracte.participation.take_part import Playing, TakePart
from entracte.protocol.seal import SealKeys
from entracte.values import Clock
from entracte.web import cookies
from entracte.web.answers import new_nonce, page, see_other
from entracte.web.directory import Directory, Listed
from entracte.web.html import PageContext, Progress
from entracte.web.rates import Rates
from entracte.web.sentences import N_
from entracte.web.translations import negotiated, translations


@dataclass(frozen=True, slots=True)
class Services:
    """What the participant's pages call."""

    directory: Directory
    take_part: TakePart
    signing_in: SigningIn
    signing_out: SigningOut
    keys: SealKeys
    clock: Clock
    public_url: str
    secure: bool
    state_maximum_age: int
    rates: Rates = field(default_factory=Rates)


class NotThere(Exception):
    """There is no such campaign, or it is not this visitor's business: both look the same."""


class LooksAhead(Exception):
    """A browser or a robot only looks: nobody takes part, and nothing may begin or be used up by it."""


class NotOpen(Exception):
    """The campaign is not open yet, or over: nothing begins, and nothing is taken. `seen` is whose visit it is."""

    def __init__(self, seen: "Visit") -> None:
        super().__init__()
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a campaign. `base` is the address under which this participation's pages stand."""

    services: Services
    listed: Listed
    playing: Playing | None
    base: str
    embedded: bool
    language: str
    here: str
    nonce: str = field(default_factory=new_nonce)

    @property
    def definition(self) -> Definition:
        return self.listed.published.definition

    @property
    def is_open(self) -> bool:
        return status(self.listed.published, self.services.take_part.today()) is Status.OPEN

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The first day that the campaign can be played, and the day of its end, in UTC."""
        return days(self.listed.published)

    def with_playing(self, playing: Playing) -> "Visit":
        """The same visit with a participation, and under its address when it is framed."""
        base = self.base
        if self.embedded:
            base = f"/c/{self.definition.campaign}/in/{self.services.take_part.key_text(playing)}"
        return replace(self, playing=playing, base=base, language=playing.participation.language)

    def context(self) -> PageContext:
        """What every page shows around its content."""
        definition, organization = self.definition, self.listed.organization
        return PageContext(
            brand=organization.brand,
            organization_title=organization.title,
            campaign_title=definition.say(definition.title, self.language),
            languages=definition.languages,
            language=self.language,
            base=self.base,
            here=self.here,
            nonce=self.nonce,
            embedded=self.embedded,
            frame_parent=self._frame_parent(),
            participation_key=self.base.rpartition("/")[2] if self.embedded and self.playing else "",
        )

    def progress(self, key: str) -> Progress:
        """Where the participant is, as segments and in words."""
        if self.playing is None:
            return Progress((), "")
        segments = progress(self.definition, self.playing.participation, key)
        return Progress(segments, _label(self, key))

    def page(self, html: str, *, status: int = 200, frames: Sequence[str] = ()) -> Response:
        """An answer with this page; the browser is given the current key with it. `frames` are the origins that it
        frames itself."""
        framed_by = self.definition.embed.origins if self.embedded and self.definition.embed else ()
        return self.remember(page(html, self.nonce, status=status, framed_by=framed_by, frames=frames))

    def to_current(self) -> Response:
        """On to the page where this participant is."""
        if self.playing is None:
            return see_other(f"/c/{self.definition.campaign}")
        place = current(self.definition, self.playing.participation)
        return self.to(place.key)

    def to(self, key: str) -> Response:
        return self.remember(see_other(f"{self.base}/{key}"))

    def remember(self, response: Response) -> Response:
        """Give the browser the current key; in a frame the address holds it."""
        if self.playing is not None and not self.embedded:
            cookies.set_key(
                response,
                self.definition.campaign,
                self.services.take_part.key_text(self.playing),
                secure=self.services.secure,
            )
        return response

    def translate(self, text: str) -> str:
        return translations(self.language).gettext(text)

    def _frame_parent(self) -> str:
        if not self.embedded or self.playing is None or not self.playing.participation.embed_page:
            return ""
        parts = urlsplit(self.playing.participation.embed_page)
        return f"{parts.scheme}://{parts.netloc}"


Handler = Callable[[Request, Visit], Awaitable[Response]]


async def visit(request: Request, services: Services) -> Visit:
    """The visit of a request. Raises `NotThere` and `LooksAhead`."""
    name = request.path_params["campaign"]
    listed = await services.directory.by_name(name)
    if listed is None:
        raise NotThere
    if is_prefetch(request):
        raise LooksAhead
    key = request.path_params.get("key", "")
    embedded = bool(key) or path_of(request) == f"/c/{name}/in"
    if embedded and listed.published.definition.embed is None:
        raise NotThere
    key = key or request.cookies.get(cookies.key_name(name, secure=services.secure), "")
    if embedded and is_in_top_window(request):
        key = ""
    playing = await services.take_part.playing(listed.published, key) if key else None
    base = f"/c/{name}/in/{key}" if embedded and key else f"/c/{name}"
    wanted = request.query_params.get("lang", "")
    if playing is not None and wanted:
        playing = await services.take_part.speak(playing, wanted)
    language = playing.participation.language if playing else _negotiated(request, listed, wanted)
    return Visit(services, listed, playing, base, embedded, language, path_of(request))


class at_campaign:  # noqa: N801 - used as a function is
    """An endpoint whose handler is given the visit. An ASGI application of its own, which spares each request what
    Starlette puts around a function: the handlers of exceptions stand around the whole application already."""

    def __init__(self, services: Services, handler: Handler) -> None:
        functools.update_wrapper(self, handler)
        self._services = services
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._handler(request, await visit(request, self._services))
        await response(scope, receive, send)


async def start(visit: Visit, *, embed_page: str = "") -> Visit:
    """The visit with a participation begun."""
    playing = await visit.services.take_part.start(
        visit.listed.published, language=visit.language, embed_page=embed_page
    )
    return visit.with_playing(playing)


async def submit_when_complete(seen: Visit, playing: Playing) -> bool:
    """After a sign-in: the entry that the account alone makes, where the form says so and the campaign is open.
    Whether there is one."""
    return seen.is_open and await seen.services.take_part.submit_when_complete(playing, seen.listed.connection)


def same_origin(request: Request, public_url: str) -> bool:
    """Whether a post comes from a page of ours: browsers say so (Fetch standard, `Origin`), and one that says
    nothing is held by the SameSite cookie alone."""
    origin = request.headers.get("origin")
    return origin is None or origin == public_url


def is_in_top_window(request: Request) -> bool:
    """Whether a page would stand in a window of its own (Fetch Metadata Request Headers, `Sec-Fetch-Dest`).

    Under a key in the address that is nobody's way: the frame's pages stand in the brand's page. It is how somebody
    would have others sign in, or type, under a key that they keep. Browsers from before 2023 may not say."""
    return request.method == "GET" and request.headers.get("sec-fetch-dest") == "document"


def path_of(request: Request) -> str:
    """The path, as it was routed: `request.url` is made of the `Host` header, which may say anything."""
    return str(request.scope["path"])


def query_of(request: Request) -> str:
    """The query, as it was sent."""
    return bytes(request.scope["query_string"]).decode("latin-1")


def neutral_language(request: Request) -> str:
    """The language of a page that belongs to no campaign: the first one of the browser's that our texts are in."""
    return negotiated(request.headers.get("accept-language", ""))


def kept_no_cookie(request: Request, services: Services) -> bool:
    """Whether this browser sent no key at all: it did not keep the one that the page before gave it."""
    name = request.path_params["campaign"]
    key = request.path_params.get("key") or request.cookies.get(cookies.key_name(name, secure=services.secure))
    return not key


def is_prefetch(request: Request) -> bool:
    """Whether a browser or a preview only looks ahead: that is nobody taking part."""
    purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    return request.method == "HEAD" or (request.method == "GET" and "prefetch" in purpose.lower())


def _negotiated(request: Request, listed: Listed, wanted: str) -> str:
    """The language asked for, then the browser's, then the campaign's first."""
    languages = listed.published.definition.languages
    if wanted in languages:
        return wanted
    return negotiated(request.headers.get("accept-language", ""), languages)


def _label(visit: Visit, key: str) -> str:
    """“Question 3 of 4 · then your details”."""
    number, total = number_of(visit.definition, key)
    if number:
        words = visit.translate(N_("Question {number} of {total}")).format(number=number, total=total)
        afterwards = visit.translate(N_("then your details"))  # not inside the f-string: extractors look into none
        return f"{words} · {afterwards}"
    kind = next((place.kind for place in places(visit.definition) if place.key == key), None)
    label = _LABELS.get(kind) if kind else None
    return visit.translate(label) if label else ""


_LABELS = {PlaceKind.SIGN_IN: N_("Almost there"), PlaceKind.FORM: N_("Your details")}

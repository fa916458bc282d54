"""How the provider's pages are rendered: one frame, one language, one set of headers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, make_response, render_template, request

from entracte.practice.browsers import Browser, Browsers, Interaction, give_cookie
from entracte.practice.people import Person
from entracte.practice.texts import Texts, language_of
from entracte.values import Clock

# No `form-action`: browsers also hold the redirects after a form to it, and consent redirects to the client.
# No `Cross-Origin-Opener-Policy`: a pop-up that comes back must still know who opened it.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Visit:
    """One request to a page: whose browser it is, and which sign-in it is about."""

    browser: Browser
    interaction: Interaction | None

    @property
    def ui_locales(self) -> str | None:
        return self.interaction.parameters.get("ui_locales") if self.interaction else request.args.get("ui_locales")


class Pages:
    """Renders templates with what each of them needs."""

    def __init__(
        self,
        browsers: Browsers,
        clock: Clock,
        person_of: Callable[[Browser], Person | None],
        client_name: Callable[[str], str],
        *,
        secure: bool,
    ) -> None:
        self._browsers = browsers
        self._clock = clock
        self._person_of = person_of
        self._client_name = client_name
        self.secure = secure

    def visit(self) -> Visit:
        browser = self._browsers.of(request)
        handle = request.values.get("interaction", "")
        return Visit(browser, browser.interaction(handle, self._clock()))

    def show(self, template: str, visit: Visit, *, status: int = 200, **values: object) -> Response:
        language = language_of(request, visit.ui_locales)
        interaction = visit.interaction
        client_id = interaction.parameters["client_id"] if interaction else ""
        body = render_template(
            f"account/{template}.html",
            say=Texts(language),
            language=language,
            interaction=interaction.handle if interaction else None,
            client=self._client_name(client_id),
            person=self._person_of(visit.browser),
            form_token=visit.browser.form_token,
            **values,
        )
        return self.with_cookie(make_response(body, status), visit.browser)

    def with_cookie(self, response: Response, browser: Browser) -> Response:
        give_cookie(response, browser, secure=self.secure)
        return response

    def notice(self, name: str, visit: Visit, *, status: int, detail: str = "") -> Response:
        """A page that only says something; `name` picks its two texts."""
        return self.show("notice", visit, status=status, name=name, detail=detail)


def add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response

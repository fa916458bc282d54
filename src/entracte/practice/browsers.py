"""What the provider remembers of one browser: who is signed in, and the sign-ins it is in the middle of."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from flask import Request, Response

from entracte.practice.people import Person

# Cookies ignore ports: on localhost this one sits beside those of every other program, so its name is its own.
COOKIE = "practice_session"
INTERACTION_SECONDS = 1800
MAX_INTERACTIONS = 20
MAX_BROWSERS = 10_000


@dataclass
class Interaction:
    """One authorization request that a person is answering. `fresh` is true once they signed in for it."""

    handle: str
    parameters: Mapping[str, str]
    started_at: int
    fresh: bool = False


@dataclass
class Browser:
    """One browser, known by its cookie."""

    handle: str
    form_token: str
    subject: str | None = None
    authenticated_at: int = 0
    interactions: OrderedDict[str, Interaction] = field(default_factory=OrderedDict)

    def begin(self, parameters: Mapping[str, str], now: int) -> Interaction:
        interaction = Interaction(secrets.token_urlsafe(16), dict(parameters), now)
        self.interactions[interaction.handle] = interaction
        while len(self.interactions) > MAX_INTERACTIONS:
            self.interactions.popitem(last=False)
        return interaction

    def interaction(self, handle: str, now: int) -> Interaction | None:
        found = self.interactions.get(handle)
        return found if found and now - found.started_at <= INTERACTION_SECONDS else None

    def owns_form(self, token: str) -> bool:
        """Whether a form came from a page that this browser was shown (OWASP: synchronizer token)."""
        return compare_digest(self.form_token.encode(), token.encode())


class Browsers:
    """All browsers, the least recently made first; the oldest is forgotten when there are too many."""

    def __init__(self) -> None:
        self._browsers: OrderedDict[str, Browser] = OrderedDict()

    def of(self, request: Request) -> Browser:
        """The browser of this request; a new one when its cookie is missing or not ours."""
        known = self._browsers.get(request.cookies.get(COOKIE, ""))
        return known or self._add(Browser(secrets.token_urlsafe(24), secrets.token_urlsafe(24)))

    def sign_in(self, browser: Browser, person: Person, now: int) -> None:
        """Remember who it is, under a new cookie: a cookie from before the sign-in is worth nothing after it."""
        self._browsers.pop(browser.handle, None)
        browser.handle = secrets.token_urlsafe(24)
        browser.subject = person.subject
        browser.authenticated_at = now
        self._add(browser)

    def sign_out(self, browser: Browser) -> None:
        self._browsers.pop(browser.handle, None)

    def _add(self, browser: Browser) -> Browser:
        self._browsers[browser.handle] = browser
        while len(self._browsers) > MAX_BROWSERS:
            self._browsers.popitem(last=False)
        return browser


def give_cookie(response: Response, browser: Browser, *, secure: bool) -> None:
    """A cookie for this browser session. Lax, so that it comes along when a client sends the person here."""
    response.set_cookie(COOKIE, browser.handle, httponly=True, samesite="Lax", secure=secure, path="/")


def take_cookie(response: Response, *, secure: bool) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=secure, path="/")

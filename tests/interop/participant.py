"""A participant with a browser of the plainest sort, who goes the whole way by HTTP: campaign, login, consent, the way
back whichever it is, the form, the entry. What pages do by their own scripts is done here as those scripts do it.
"""

import html
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from tests.interop.node_provider import PASSWORD
from tests.interop.plain_client import form_of

CAMPAIGN = """
campaign: quiz
title: {en: Summer quiz}
languages: [en]
sign_in: {connection: quiz, guests: true, message: {en: You come straight back here.}}
steps:
  - {kind: welcome, key: hello, title: {en: One summer}}
  - kind: single_choice
    key: song
    title: {en: Which song}
    choices: [{key: a, label: Wonderwall}, {key: b, label: Dancing Queen}]
  - kind: form
    key: details
    title: {en: "Nice one, {first_name}."}
    title_guest: {en: Nice one.}
    button: {en: Send my entry}
    fields:
      - {key: first_name, kind: text, label: {en: First name}, prefill: first_name}
      - {key: email, kind: email, label: {en: E-mail}, prefill: email, mode: locked, required: true}
      - {key: rules, kind: checkbox, label: {en: I accept the rules.}, required: true}
  - {kind: thanks, key: thanks, title: {en: You are in}}
"""
"""A short campaign."""

SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")
SIGN_IN, CONSENT, CANCEL = (f"<button>{name}</button>" for name in ("Sign in", "Continue", "Cancel"))
"""On the pages of the login."""
KEYCLOAK_SIGN_IN, KEYCLOAK_CONSENT = 'id="kc-form-login"', 'name="accept"'
"""On those of Keycloak."""
_POSTS_ITSELF = "document.forms[0].submit()"
_FRAGMENT_PAGE = re.compile(r'<script[^>]* data-action="([^"]+)"')
_EMAIL = re.compile(r'<input[^>]*name="email"[^>]*>')
_VALUE = re.compile(r'value="([^"]*)"')
_MOST_PAGES = 8


@dataclass(frozen=True)
class Step:
    """One request of the browser."""

    method: str
    address: str
    """Without its query."""
    parameters: Mapping[str, str]
    """Of its query, and of its form."""


@dataclass(frozen=True)
class Page:
    """Where the browser is, and what it shows."""

    url: str
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def email(self) -> str:
        """What stands in the e-mail field; empty without one."""
        field = _EMAIL.search(self.text)
        value = _VALUE.search(field[0]) if field else None
        return html.unescape(value[1]) if value else ""

    @property
    def short_code(self) -> str:
        found = SHORT_CODE.search(self.text)
        assert found, self.text
        return found[0]


class Participant:
    """One person with an empty browser. Use as a context manager. `trusted` is for logins by TLS."""

    def __init__(self, campaign_url: str, trusted: ssl.SSLContext) -> None:
        self.campaign_url = campaign_url
        self.steps: list[Step] = []
        self._http = httpx.Client(verify=trusted, trust_env=False, timeout=60, headers={"Accept-Language": "en"})

    def play(self) -> None:
        """From the first page to the sign-in."""
        self.visit("GET", self.campaign_url)
        self.send("hello")
        assert self.send("song", ("answer", "b")).path.endswith("/sign-in")

    def sign_in(self, login: str = "ana") -> Page:
        """To the login and back, to wherever that leads."""
        page = self.send("sign-in")
        for _ in range(_MOST_PAGES):
            step = next((step for mark, step in _STEPS.items() if mark in page.text), None)
            if step is None:
                return page
            page = step(self, page, login)
        raise AssertionError(f"it does not end: {page.url}")

    def send_entry(self, page: Page) -> Page:
        """The form as it stands, with the rules accepted."""
        return self.send("details", ("first_name", "Ana"), ("email", page.email), ("rules", "yes"))

    def press(self, page: Page, mark: str, **fields: str) -> Page:
        """The form of a page of the login that has the mark in it."""
        action, hidden = form_of((page.url, page.text), mark)
        return self.visit("POST", action, [*{**hidden, **fields}.items()], origin=_origin(page.url))

    def send(self, step: str, *fields: tuple[str, str]) -> Page:
        """A form of the campaign."""
        return self.visit("POST", f"{self.campaign_url}/{step}", fields, origin=_origin(self.campaign_url))

    def visit(self, method: str, url: str, fields: Sequence[tuple[str, str]] = (), *, origin: str = "") -> Page:
        """Follows redirects up to a page. An answer behind a `#` is posted, as `fragment.js` does."""
        while True:
            address, _, query = url.partition("#")[0].partition("?")
            self.steps.append(Step(method, address, dict([*parse_qsl(query), *fields])))
            answer = self._ask(method, url, fields, origin)
            if answer.status_code not in (302, 303):
                break
            url, method, fields, origin = urljoin(url, answer.headers["Location"]), "GET", (), ""
        if answered := urlsplit(url).fragment:
            script = _FRAGMENT_PAGE.search(answer.text)
            assert script, f"the page at {address} does not look behind the #"
            pairs = parse_qsl(answered, keep_blank_values=True)
            return self.visit("POST", urljoin(url, html.unescape(script[1])), pairs, origin=_origin(url))
        return Page(url, answer.text)

    def _ask(self, method: str, url: str, fields: Sequence[tuple[str, str]], origin: str) -> httpx.Response:
        if method == "GET":
            return self._http.get(url)
        content = httpx.QueryParams(list(fields))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        return self._http.post(url, content=str(content).encode(), headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


_STEPS: Mapping[str, Callable[[Participant, Page, str], Page]] = {
    _POSTS_ITSELF: lambda participant, page, _: participant.press(page, ""),
    SIGN_IN: lambda participant, page, login: participant.press(page, SIGN_IN, login=login, password=PASSWORD),
    CONSENT: lambda participant, page, _: participant.press(page, CONSENT),
    KEYCLOAK_SIGN_IN: lambda participant, page, login: participant.press(
        page, KEYCLOAK_SIGN_IN, username=login, password=PASSWORD
    ),
    KEYCLOAK_CONSENT: lambda participant, page, _: participant.press(page, KEYCLOAK_CONSENT, accept="Yes"),
}
"""What a person, or the page's own script, does on a page of the login, by what stands on it."""

"""A person with a browser, and the client that sent them: plain HTTP, nothing shared with the provider."""

import base64
import hashlib
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any

CLIENT_ID = "campaigns"
CLIENT_SECRET = "a secret+with/odd:signs"
REDIRECT_URI = "http://127.0.0.1:9/oauth/callback"
SIGNED_OUT_URI = "http://127.0.0.1:9/signed-out"
ALL_SCOPES = "openid profile email phone address"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    url: str
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return str(self.headers["Location"])

    @property
    def parameters(self) -> dict[str, str]:
        """The query of the redirect back to the client; each parameter once."""
        pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(self.location).query, strict_parsing=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def form(self, action: str) -> dict[str, str]:
        """The hidden fields of the form with this action."""
        reader = _Forms(action)
        reader.feed(self.text)
        assert reader.found, f"no form to {action} at {self.status}"
        return reader.fields

    def links(self) -> list[str]:
        reader = _Forms("")
        reader.feed(self.text)
        return reader.links


class _Forms(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action
        self._inside = False
        self.found = False
        self.fields: dict[str, str] = {}
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._inside = found.get("action") == self._action
            self.found |= self._inside
        if tag == "input" and self._inside and found.get("type") == "hidden":
            self.fields[str(found["name"])] = str(found["value"])
        if tag == "a" and "href" in found:
            self.links.append(str(found["href"]))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


@dataclass
class Visitor:
    """One browser. It follows redirects inside the provider and stops at the one that leaves it."""

    base: str
    language: str = "en"
    jar: CookieJar = field(default_factory=CookieJar)

    def __post_init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), _Stay())

    def send(
        self,
        path: str,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        method: str | None = None,
    ) -> Answer:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(
            urllib.parse.urljoin(self.base, path),
            data=data,
            headers={"Accept-Language": self.language, **(headers or {})},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=60) as response:
                return Answer(response.status, response.headers, response.url, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.url, error.read().decode())

    def go(self, path: str, form: dict[str, str] | None = None) -> Answer:
        answer = self.send(path, form)
        for _ in range(5):
            if answer.status != 303 or not urllib.parse.urljoin(answer.url, answer.location).startswith(self.base):
                return answer
            answer = self.send(urllib.parse.urljoin(answer.url, answer.location))
        raise AssertionError("more than five redirects")

    def post(self, page: Answer, action: str, **fields: str) -> Answer:
        return self.go(action, {**page.form(action), **fields})

    def choose(self, page: Answer, persona: str) -> Answer:
        return self.post(page, "/persona", persona=persona)

    def allow(self, page: Answer) -> Answer:
        return self.post(page, "/consent", decision="allow")


@dataclass
class Trip:
    """One authorization request of the client, and what it keeps for the answer."""

    visitor: Visitor
    parameters: dict[str, str] = field(default_factory=dict)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def url(self, **changes: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        self.parameters = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": ALL_SCOPES,
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        present = {name: value for name, value in self.parameters.items() if value}
        return "/authorize?" + urllib.parse.urlencode(present)

    def start(self, **changes: str) -> Answer:
        return self.visitor.go(self.url(**changes))

    def sign_in(self, persona: str = "complete", **changes: str) -> Answer:
        """All the way, through consent where it is asked, to the redirect back."""
        answer = self.visitor.choose(self.start(**changes), persona)
        return self.visitor.allow(answer) if answer.status == 200 else answer

    def redeem(self, code: str, **changes: str) -> Answer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.verifier,
            **changes,
        }
        return Visitor(self.visitor.base).send("/token", form, {"Authorization": basic()})

    def tokens(self, persona: str = "complete", **changes: str) -> dict[str, str]:
        answer = self.redeem(self.sign_in(persona, **changes).parameters["code"])
        assert answer.status == 200, answer.text
        found: dict[str, str] = answer.json
        return found


def basic(client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET) -> str:
    """RFC 6749 section 2.3.1: both parts form-urlencoded first."""
    pair = f"{urllib.parse.quote_plus(client_id)}:{urllib.parse.quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}

"""A relying party of the plainest sort, with a browser of the plainest sort: neither is ours. It shows that a server by
other hands answers as the specifications say, before anything of ours signs in there."""

import base64
import hashlib
import html
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import aiohttp
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CALLBACK = "http://127.0.0.1:1/oauth/callback"
"""Nobody serves it: the browser stops there."""

Page = tuple[str, str]
"""An address, and the text that came from it."""


@dataclass
class PlainClient:
    """Signs in once. `metadata` is the server's; the session keeps the browser's cookies."""

    http: aiohttp.ClientSession
    metadata: Mapping[str, Any]
    client_id: str
    secret: str = ""
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def parameters(self, **more: str) -> dict[str, str]:
        """Of an authorization request; one that is given empty is left out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        given = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email phone",
            "state": "state of the test",
            "nonce": "nonce of the test",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **more,
        }
        return {name: value for name, value in given.items() if value}

    def authorization_url(self, **more: str) -> str:
        return f"{self.metadata['authorization_endpoint']}?{urlencode(self.parameters(**more))}"

    def pushed_url(self, pushed: Mapping[str, str]) -> str:
        """The authorization request that only names the pushed one."""
        named = {"client_id": self.client_id, "request_uri": pushed["request_uri"]}
        return f"{self.metadata['authorization_endpoint']}?{urlencode(named)}"

    async def visit(self, method: str, url: str, data: Mapping[str, str] | None = None) -> Page:
        """Follows redirects up to a page, or to the client's callback."""
        while True:
            async with self.http.request(method, url, data=data, allow_redirects=False) as response:
                if response.status not in (302, 303):
                    return url, await response.text()
                url = urljoin(url, response.headers["Location"])
            if url.startswith(CALLBACK):
                return url, ""
            method, data = "GET", None

    async def push(self, **more: str) -> tuple[int, Any]:
        """A pushed authorization request, RFC 9126."""
        return await self.post("pushed_authorization_request_endpoint", self.parameters(**more))

    async def redeem(
        self, code: str, more: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return await self.post("token_endpoint", {**form, "code_verifier": self.verifier, **(more or {})}, headers)

    async def post(
        self, endpoint: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """The status and the JSON of an endpoint; the secret goes into a header, when there is one."""
        sent = {**(headers or {})}
        if self.secret:
            sent["Authorization"] = aiohttp.encode_basic_auth(self.client_id, self.secret.replace(" ", "+"))
        async with self.http.post(self.metadata[endpoint], data=form, headers=sent) as response:
            return response.status, await response.json()

    async def userinfo(self, access_token: str) -> tuple[str, str]:
        """The content type and the text."""
        headers = {"Authorization": f"Bearer {access_token}"}
        async with self.http.get(self.metadata["userinfo_endpoint"], headers=headers) as response:
            return response.content_type, await response.text()


def returned(page: Page) -> dict[str, str]:
    """The parameters that came back to the client."""
    url, text = page
    assert url.startswith(CALLBACK), (url, text[:2000])
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def form_of(page: Page, mark: str = "") -> tuple[str, dict[str, str]]:
    """Where the form goes that has the mark in it, and its hidden fields."""
    url, text = page
    forms = re.findall(r"<form[^>]*>.*?</form>", text, re.DOTALL | re.IGNORECASE)
    form = next((one for one in forms if mark in one), None)
    assert form, text[:4000]
    action = re.search(r'action="([^"]*)"', form, re.IGNORECASE)
    assert action, form
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form, re.IGNORECASE)
    return urljoin(url, html.unescape(action[1])), {name: html.unescape(value) for name, value in hidden}


def payload(token: str, part: int = 1) -> dict[str, Any]:
    """What a JWT says; with 0, its header."""
    text = token.split(".")[part]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return claims


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: ECKey) -> str:
    """A JWT of the client's, ES256."""
    return jwt.encode({"alg": "ES256", **header}, dict(claims), key, algorithms=["ES256"])


@dataclass
class Visited:
    """A server of the client's own: its keys at `url`, and what was posted there."""

    url: str
    posted: list[dict[str, str]] = field(default_factory=list)


@asynccontextmanager
async def client_server(keys: KeySet) -> AsyncIterator[Visited]:
    """Publishes the keys at a free port, and takes what is posted, until the block ends."""
    seen = Visited("")

    async def publish(_: web.Request) -> web.Response:
        return web.json_response(keys.as_dict(private=False))

    async def take(request: web.Request) -> web.Response:
        seen.posted.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response()

    application = web.Application()
    application.router.add_get("/", publish)
    application.router.add_post("/", take)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        seen.url = f"http://localhost:{runner.addresses[0][1]}/"
        yield seen
    finally:
        await runner.cleanup()

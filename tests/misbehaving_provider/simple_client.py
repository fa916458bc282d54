"""A client for the tests of the provider: plain HTTP and little else. It imports nothing of Entracte either."""

import hashlib
import html
import json
import re
import secrets
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import aiohttp

from tests.misbehaving_provider.client_authentication import JWT_BEARER
from tests.misbehaving_provider.encryption import OAEP_HASHES, oaep, open_agreed, open_content
from tests.misbehaving_provider.keys import Claims, Key, SigningKey, base64url, compact, decoded, public_jwk, rsa_key
from tests.misbehaving_provider.provider import MisbehavingProvider

REDIRECT_URI = "http://127.0.0.1:1/oauth/callback"
VERIFIER = "a" * 43
CHALLENGE = base64url(hashlib.sha256(VERIFIER.encode()).digest())
NONCE = "nonce-1"
SIGNING = SigningKey(90, "ES256")
OLD_SIGNING = SigningKey(91, "RS256")
RSA_NUMBER = 92
AGREEMENT = SigningKey(93, "ES256")
CLIENT_JWKS: Claims = {
    "keys": [
        SIGNING.jwk(),
        OLD_SIGNING.jwk(),
        {**public_jwk(rsa_key(RSA_NUMBER).public_key()), "use": "enc", "kid": "rsa"},
        {**AGREEMENT.jwk(), "use": "enc", "alg": "ECDH-ES", "kid": "ec"},
    ]
}


@dataclass(frozen=True)
class Seen:
    """An answer as a careful client sees it. `status` 0: none came in time, or the connection broke."""

    status: int
    media_type: str
    headers: dict[str, str]
    body: bytes

    def document(self) -> Claims:
        read = json.loads(self.body)
        assert isinstance(read, dict)
        return read


@dataclass(frozen=True)
class Returned:
    """An authorization response, and the way that it came."""

    mode: str
    parameters: list[tuple[str, str]]

    def __getitem__(self, name: str) -> str:
        return dict(self.parameters)[name]


def session_without_limits() -> aiohttp.ClientSession:
    """One that takes long headers: tokens stand in addresses here."""
    return aiohttp.ClientSession(max_line_size=1_000_000, max_field_size=1_000_000)


class SimpleClient:
    def __init__(self, provider: MisbehavingProvider, session: aiohttp.ClientSession) -> None:
        self.provider = provider
        self.session = session

    async def ask(self, method: str, url: str, **arguments: Any) -> Seen:
        """One request, without redirects; what comes within half a second, and a megabyte of it."""
        arguments.setdefault("allow_redirects", False)
        timeout = aiohttp.ClientTimeout(total=0.5 if self.provider.misbehaviour.endswith(("hangs", "drips")) else 60)
        address = url if "://" in url else self.provider.issuer + url
        try:
            async with self.session.request(method, address, timeout=timeout, **arguments) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = b""
                async for piece in response.content.iter_chunked(65_536):
                    body += piece
                    if len(body) > 1_000_000:
                        break
                return Seen(response.status, response.content_type, headers, body)
        except (TimeoutError, aiohttp.ClientError) as error:
            return Seen(0, type(error).__name__, {}, b"")

    # authorization

    def asked(self, **changes: str) -> dict[str, str]:
        good = {
            "response_type": "code", "client_id": self.provider.client_id, "redirect_uri": REDIRECT_URI,
            "scope": "openid email", "state": "state-1", "nonce": NONCE, "code_challenge_method": "S256",
            "code_challenge": CHALLENGE, **changes,
        }  # fmt: skip
        return {name: value for name, value in good.items() if value}

    async def authorize(self, **changes: str) -> Returned:
        return await self.follow(self.asked(**changes))

    async def follow(self, asked: dict[str, str]) -> Returned:
        seen = await self.ask("GET", f"/authorize?{urlencode(asked)}")
        if seen.status == 200:
            text = seen.body.decode()
            found = re.findall(r'name="([^"]*)" value="([^"]*)"', text)
            return Returned("form_post", [(html.unescape(name), html.unescape(value)) for name, value in found])
        assert seen.status == 303, seen
        address = urlsplit(seen.headers["location"])
        mode, text = ("fragment", address.fragment) if address.fragment else ("query", address.query)
        return Returned(mode, parse_qsl(text, keep_blank_values=True))

    # tokens

    def basic(self, secret: str = "") -> dict[str, str]:
        pair = f"{quote_plus(self.provider.client_id)}:{quote_plus(secret or self.provider.client_secret)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    async def redeem(self, code: str, **arguments: Any) -> Seen:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER,
            **arguments.pop("form", {}),
        }  # fmt: skip
        headers = arguments.pop("headers", self.basic())
        return await self.ask("POST", arguments.pop("url", "/token"), data=form, headers=headers, **arguments)

    async def refresh(self, refresh_token: str) -> Seen:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self.ask("POST", "/token", data=form, headers=self.basic())

    async def tokens(self, **changes: str) -> Claims:
        return (await self.redeem((await self.authorize(**changes))["code"])).document()

    async def userinfo(self, access_token: str, scheme: str = "Bearer", **headers: str) -> Seen:
        return await self.ask("GET", "/userinfo", headers={"Authorization": f"{scheme} {access_token}", **headers})

    def assertion(self, key: Key, **changes: Any) -> dict[str, str]:
        """The form with a client assertion (RFC 7523)."""
        now, name = int(time.time()), self.provider.client_id
        claims = {
            "iss": name, "sub": name, "aud": self.provider.issuer, "iat": now, "exp": now + 60,
            "jti": secrets.token_urlsafe(8), **changes,
        }  # fmt: skip
        token = compact({"alg": key.algorithm, **({"kid": key.kid} if key.kid else {})}, claims, key.sign)
        return {"client_id": name, "client_assertion_type": JWT_BEARER, "client_assertion": token}

    def proof(self, method: str, url: str, *, nonce: str = "", access_token: str = "", **changes: Any) -> str:
        """A DPoP proof (RFC 9449 section 4.2)."""
        claims: Claims = {
            "htm": method, "htu": url, "iat": int(time.time()), "jti": secrets.token_urlsafe(8),
            **({"nonce": nonce} if nonce else {}), **changes,
        }  # fmt: skip
        if access_token:
            claims["ath"] = base64url(hashlib.sha256(access_token.encode()).digest())
        key = {name: value for name, value in SIGNING.jwk().items() if name in ("kty", "crv", "x", "y")}
        return compact({"typ": "dpop+jwt", "alg": "ES256", "jwk": key}, claims, SIGNING.sign)


def opened(token: str, secret: str = "") -> str:
    """What is inside a JWE for this client. Raises ValueError, cryptography's InvalidTag, and whatever a bad one is."""
    return opened_bytes(token, secret).decode()


def opened_bytes(token: str, secret: str = "") -> bytes:
    names = token.split(".")
    header = json.loads(decoded(names[0]))
    encrypted_key, *sealed = map(decoded, names[1:])
    key = _content_key(header, encrypted_key, secret)
    return open_content(header["enc"], key, names[0].encode(), (sealed[0], sealed[1], sealed[2]))


def _content_key(header: Claims, encrypted_key: bytes, secret: str) -> bytes:
    if header["alg"] == "dir":
        size = {"A128GCM": 16, "A192GCM": 24, "A256GCM": 32, "A128CBC-HS256": 32}[header["enc"]]
        return hashlib.sha256(secret.encode()).digest()[:size]
    if header["alg"].startswith("ECDH-ES"):
        private = AGREEMENT.private
        return open_agreed(header, private, encrypted_key)  # type: ignore[arg-type]
    return rsa_key(RSA_NUMBER).decrypt(encrypted_key, oaep(OAEP_HASHES[header["alg"]]))

"""An OpenID provider for tests that does one thing wrong at a time.

It is a real server on a free port of loopback. While `misbehaviour` is empty it keeps to OpenID Connect Core, RFC 7636
(PKCE with S256), RFC 9207 (`iss` in the authorization response) and RFC 6749: it authenticates the client, checks the
verifier, and takes a code once. There is no login page: the authorization endpoint sends the browser straight back.

    async with MisbehavingProvider() as provider:
        provider.misbehaviour = "wrong_nonce"

    with served_misbehaving_provider() as provider:  # the same in a thread of its own, for tests without a loop
        ...

`requests` records each call of an endpoint, so that a test can say that nothing further was asked. It imports nothing
of Entracte: it is a witness.
"""

import asyncio
import gzip
import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Thread
from typing import Any, Self
from urllib.parse import unquote_plus, urlencode

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Claims = dict[str, Any]
Parameters = list[tuple[str, str]]

OTHER_ISSUER = "https://other.example"
DAY = 86_400


# Keys and signatures


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache
def _private_key(number: int) -> rsa.RSAPrivateKey:
    """The same key for the same number, in one run: keys are slow to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class SigningKey:
    """An RS256 key, by number. Numbers from 0 are the provider's, negative ones an attacker's."""

    number: int

    @property
    def kid(self) -> str:
        return f"key-{self.number}"

    def sign(self, message: bytes) -> bytes:
        return _private_key(self.number).sign(message, padding.PKCS1v15(), SHA256())

    def jwk(self) -> Claims:
        public = _private_key(self.number).public_key().public_numbers()
        return {
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": base64url(public.n.to_bytes(256, "big")), "e": base64url(public.e.to_bytes(3, "big")),
        }  # fmt: skip

    def pem(self) -> bytes:
        public = _private_key(self.number).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def compact(header: Claims, claims: Claims, sign: Callable[[bytes], bytes]) -> str:
    """A JWS in compact form (RFC 7515 section 7.1)."""
    message = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{message}.{base64url(sign(message.encode()))}"


ATTACKER = SigningKey(-1)


# What can go wrong: one table per place


def _set(**values: Any) -> Callable[[Claims], None]:
    return lambda claims: claims.update(values)


def _remove(name: str) -> Callable[[Claims], None]:
    return lambda claims: claims.pop(name, None)


def _shift(name: str, seconds: int) -> Callable[[Claims], None]:
    """A time claim, so many seconds from now."""
    return lambda claims: claims.update({name: int(time.time()) + seconds})


def _extra_audience(claims: Claims) -> None:
    claims.update(aud=[claims["aud"], "another-client"], azp=claims["aud"])


ID_TOKEN_CLAIMS: Mapping[str, Callable[[Claims], None]] = {
    "wrong_iss": _set(iss=OTHER_ISSUER),
    "missing_iss_claim": _remove("iss"),
    "wrong_aud": _set(aud="another-client"),
    "extra_aud": _extra_audience,
    "missing_aud": _remove("aud"),
    "wrong_azp": _set(azp="another-client"),
    "wrong_nonce": _set(nonce="another-nonce"),
    "missing_nonce": _remove("nonce"),
    "expired": _shift("exp", -3600),
    "missing_exp": _remove("exp"),
    "missing_iat": _remove("iat"),
    "old_iat": _shift("iat", -8 * DAY),
    "future_nbf": _shift("nbf", 3600),
    "missing_sub": _remove("sub"),
    "empty_sub": _set(sub=""),
    "wrong_at_hash": _set(at_hash=base64url(bytes(16))),
}

Signer = Callable[[Claims, SigningKey], str]


def _well_signed(claims: Claims, key: SigningKey, **header: Any) -> str:
    return compact({"typ": "JWT", "alg": "RS256", "kid": key.kid, **header}, claims, key.sign)


def _badly_signed(claims: Claims, key: SigningKey) -> str:
    return compact({"alg": "RS256", "kid": key.kid}, claims, lambda message: key.sign(message + b"."))


def _unsigned(claims: Claims, key: SigningKey) -> str:
    return compact({"alg": "none"}, claims, lambda message: b"")


def _macked(claims: Claims, key: SigningKey) -> str:
    """The public key, which everybody has, taken for a secret (CVE-2022-29217 and its kin)."""
    return compact(
        {"alg": "HS256", "kid": key.kid}, claims, lambda message: hmac.digest(key.pem(), message, hashlib.sha256)
    )  # fmt: skip


ID_TOKEN_SIGNATURES: Mapping[str, Signer] = {
    "bad_signature": _badly_signed,
    "alg_none": _unsigned,
    "hs256_public_key": _macked,
    "crit_header": lambda claims, key: _well_signed(claims, key, crit=["x-unknown"], **{"x-unknown": True}),
    "jwk_header": lambda claims, key: _well_signed(claims, ATTACKER, jwk=ATTACKER.jwk()),
    "unknown_kid": lambda claims, key: _well_signed(claims, key, kid="nobody"),
    "kid_absent": lambda claims, key: compact({"alg": "RS256"}, claims, key.sign),
}


def _good_callback(good: dict[str, str]) -> Parameters:
    return [*good.items()]


CALLBACKS: Mapping[str, Callable[[dict[str, str]], Parameters]] = {
    "callback_wrong_iss": lambda good: [*{**good, "iss": OTHER_ISSUER}.items()],
    "callback_empty_iss": lambda good: [*{**good, "iss": ""}.items()],
    "callback_missing_iss": lambda good: [pair for pair in good.items() if pair[0] != "iss"],
    "callback_error": lambda good: _callback_error(good, "server_error"),
    "callback_access_denied": lambda good: _callback_error(good, "access_denied"),
    "callback_code_and_error": lambda good: [*good.items(), ("error", "server_error")],
    "callback_double_code": lambda good: [*good.items(), ("code", "another-code")],
    "callback_neither": lambda good: [pair for pair in good.items() if pair[0] != "code"],
}


def _callback_error(good: dict[str, str], error: str) -> Parameters:
    rest = [pair for pair in good.items() if pair[0] != "code"]
    return [("error", error), ("error_description", "<b>told by the provider</b>"), *rest]


TokenAnswer = Callable[["MisbehavingProvider", web.Request, Claims], Awaitable[web.StreamResponse]]


def _json_answer(document: Any, status: int = 200) -> TokenAnswer:
    async def respond(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return respond


def _changed_answer(**changes: Any) -> TokenAnswer:
    """The good answer with changes; None takes a member away."""

    async def respond(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
        merged = {**good, **changes}
        return web.json_response({name: value for name, value in merged.items() if value is not None})

    return respond


def _text_answer(text: str, content_type: str, status: int = 200) -> TokenAnswer:
    async def respond(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, status=status)

    return respond


async def _redirect(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": f"{provider.issuer}/elsewhere"})


async def _hang(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
    await provider.until_stopped()
    return web.Response(status=503)


async def _drip(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
    """One byte of white space after the other, which JSON may begin with, as long as somebody listens."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while not await provider.until_stopped(0.1):
        await response.write(b" ")
    return response


async def _reset(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _bomb(provider: "MisbehavingProvider", request: web.Request, good: Claims) -> web.StreamResponse:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return web.Response(body=gzip.compress(b" " * 50_000_000), headers=headers)


TOKEN_ANSWERS: Mapping[str, TokenAnswer] = {
    "no_id_token": _changed_answer(id_token=None),
    "token_type_mac": _changed_answer(token_type="mac"),
    "token_huge": _changed_answer(padding="x" * 2_000_000),
    "token_null_fields": _json_answer(dict.fromkeys(("access_token", "id_token", "token_type", "expires_in"))),
    "token_array": _json_answer([]),
    "token_400": _json_answer({"error": "invalid_grant", "error_description": "<b>told</b>"}, 400),
    "token_401": _json_answer({"error": "invalid_client"}, 401),
    "token_500": _text_answer("<h1>Internal Server Error</h1>", "text/html", 500),
    "token_html": _text_answer("<h1>Welcome</h1>", "text/html"),
    "token_not_json": _text_answer("access_token=a&token_type=bearer", "application/json"),
    "token_redirect": _redirect,
    "token_hangs": _hang,
    "token_drips": _drip,
    "token_resets": _reset,
    "token_bomb": _bomb,
}

BROKEN_KEYS: list[Any] = [
    {"kty": "RSA", "kid": "broken", "use": "sig", "alg": "RS256", "n": "!!", "e": "AQAB"},
    {"kty": "EC", "kid": "off-curve", "crv": "P-256", "x": base64url(b"\1" * 32), "y": base64url(b"\1" * 32)},
    {"kty": "EC", "kid": "short", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "oct", "kid": "symmetric", "k": ""},
    {"kty": "RSA", "kid": "certificate", "x5c": ["garbage"]},
    {"kty": "future"},
    {"kid": 7},
    None,
]

OTHER_PLACES = frozenset(
    {
        "key_rotated", "broken_key_in_jwks", "jwks_garbage", "jwks_500", "discovery_wrong_issuer", "discovery_500",
        "userinfo_other_sub", "userinfo_missing_sub", "userinfo_401", "userinfo_html",
    }
)  # fmt: skip

MISBEHAVIOURS = frozenset().union(ID_TOKEN_CLAIMS, ID_TOKEN_SIGNATURES, CALLBACKS, TOKEN_ANSWERS, OTHER_PLACES)
"""The names that `misbehaviour` may have. `key_rotated`, `kid_absent` and `broken_key_in_jwks` are within the rules,
and a relying party has to cope with them."""


# The provider


@dataclass(frozen=True)
class EndpointCall:
    """One call of an endpoint, as it came. `headers` has lower-case names; `form` is empty for a GET."""

    path: str
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class Grant:
    """What a code stands for."""

    redirect_uri: str
    code_challenge: str
    nonce: str
    scope: frozenset[str]


PERSON: Claims = {
    "sub": "person-1",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@northwind.example",
    "email_verified": True,
    "address": {"locality": "London", "country": "GB"},
}


class _OAuthError(Exception):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.answer = web.json_response({"error": error}, status=status)


@dataclass
class MisbehavingProvider:
    """The provider. Set `misbehaviour` at any time; set `person` for another account (`sub` and claims).

    `redirect_uri` empty means that any is accepted. The client secret has characters that have to be encoded for HTTP
    Basic (RFC 6749 section 2.3.1).
    """

    client_id: str = "entracte client"
    client_secret: str = "s3cret/+:%&"
    redirect_uri: str = ""
    person: Claims = field(default_factory=lambda: dict(PERSON))
    requests: list[EndpointCall] = field(default_factory=list)
    issuer: str = ""
    """Known once it runs: `http://127.0.0.1:{port}`."""

    def __post_init__(self) -> None:
        self._misbehaviour = ""
        self._key = SigningKey(0)
        self._grants: dict[str, Grant] = {}
        self._access_tokens: set[str] = set()
        self._runner: web.AppRunner | None = None
        self._stopped = asyncio.Event()

    @property
    def misbehaviour(self) -> str:
        """What goes wrong now; empty: nothing. Raises ValueError when set to an unknown name."""
        return self._misbehaviour

    @misbehaviour.setter
    def misbehaviour(self, name: str) -> None:
        if name and name not in MISBEHAVIOURS:
            raise ValueError(f"no misbehaviour has the name {name}")
        self._misbehaviour = name

    def calls(self, path: str) -> list[EndpointCall]:
        """The recorded calls of one endpoint, by its path: `/token`, `/jwks`, …"""
        return [call for call in self.requests if call.path == path]

    # running

    async def __aenter__(self) -> Self:
        self._stopped = asyncio.Event()
        app = web.Application(middlewares=[self._record])
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_route("*", "/userinfo", self._userinfo)
        app.router.add_route("*", "/api/person", self._api_person)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._stopped.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def until_stopped(self, seconds: float | None = None) -> bool:
        """Wait until the provider stops, or for so many seconds. True when it stops."""
        try:
            async with asyncio.timeout(seconds):
                return await self._stopped.wait()
        except TimeoutError:
            return False

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(EndpointCall(request.path, request.method, dict(request.query), headers, form))
        try:
            return await handler(request)
        except _OAuthError as error:
            return error.answer

    # endpoints

    async def _discovery(self, request: web.Request) -> web.StreamResponse:
        if self.misbehaviour == "discovery_500":
            return web.Response(status=500)
        return web.json_response(
            {
                "issuer": OTHER_ISSUER if self.misbehaviour == "discovery_wrong_issuer" else self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "email"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if query.get("client_id") != self.client_id or query.get("redirect_uri") not in self._redirect_uris(query):
            raise _OAuthError(400, "invalid_request")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise _OAuthError(400, "invalid_request")
        code = secrets.token_urlsafe(24)
        self._grants[code] = Grant(
            query["redirect_uri"],
            query.get("code_challenge", ""),
            query.get("nonce", ""),
            frozenset(query.get("scope", "").split()),
        )
        good = {"code": code, "state": query.get("state", ""), "iss": self.issuer}
        parameters = CALLBACKS.get(self.misbehaviour, _good_callback)(good)
        joint = "&" if "?" in query["redirect_uri"] else "?"
        return web.Response(status=303, headers={"Location": query["redirect_uri"] + joint + urlencode(parameters)})

    def _redirect_uris(self, query: Mapping[str, str]) -> set[str | None]:
        return {self.redirect_uri or query.get("redirect_uri") or "none was sent"}

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = self.requests[-1].form
        self._authenticate(request, form)
        grant = self._redeem(form)
        access_token = secrets.token_urlsafe(24)
        self._access_tokens.add(access_token)
        good = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300}
        if "openid" in grant.scope:
            good["id_token"] = self._id_token(grant, access_token)
        answer = TOKEN_ANSWERS.get(self.misbehaviour, _changed_answer())
        response = await answer(self, request, good)
        if not response.prepared:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _authenticate(self, request: web.Request, form: Mapping[str, str]) -> None:
        """Basic or in the form, one of them (RFC 6749 section 2.3)."""
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = b64decode(credentials).decode().partition(":")
            given = (unquote_plus(name), unquote_plus(secret))
        else:
            given = (form.get("client_id", ""), form.get("client_secret", ""))
        if given != (self.client_id, self.client_secret) or (scheme and "client_secret" in form):
            raise _OAuthError(401, "invalid_client")

    def _redeem(self, form: Mapping[str, str]) -> Grant:
        if form.get("grant_type") != "authorization_code":
            raise _OAuthError(400, "unsupported_grant_type")
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or grant.redirect_uri != form.get("redirect_uri"):
            raise _OAuthError(400, "invalid_grant")
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64url(verifier) != grant.code_challenge:
            raise _OAuthError(400, "invalid_grant")
        return grant

    def _id_token(self, grant: Grant, access_token: str) -> str:
        if self.misbehaviour == "key_rotated":
            self._key = SigningKey(self._key.number + 1)
        now = int(time.time())
        claims = {**self.person, "iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 300}
        claims["at_hash"] = base64url(hashlib.sha256(access_token.encode()).digest()[:16])
        if grant.nonce:
            claims["nonce"] = grant.nonce
        ID_TOKEN_CLAIMS.get(self.misbehaviour, _set())(claims)
        return ID_TOKEN_SIGNATURES.get(self.misbehaviour, _well_signed)(claims, self._key)

    async def _jwks(self, request: web.Request) -> web.StreamResponse:
        if self.misbehaviour == "jwks_garbage":
            return web.json_response({"keys": "none"})
        if self.misbehaviour == "jwks_500":
            return web.Response(status=500)
        broken = BROKEN_KEYS if self.misbehaviour == "broken_key_in_jwks" else []
        return web.json_response({"keys": [*broken, self._key.jwk()]})

    async def _userinfo(self, request: web.Request) -> web.StreamResponse:
        self._require_access_token(request)
        if self.misbehaviour == "userinfo_html":
            return web.Response(text="<h1>Welcome</h1>", content_type="text/html")
        claims = dict(self.person)
        if self.misbehaviour == "userinfo_other_sub":
            claims["sub"] = "person-2"
        if self.misbehaviour == "userinfo_missing_sub":
            del claims["sub"]
        return web.json_response(claims)

    async def _api_person(self, request: web.Request) -> web.StreamResponse:
        """A brand's own API: the person lies at `data.people.0`."""
        self._require_access_token(request)
        return web.json_response({"status": "ok", "data": {"people": [self.person]}})

    def _require_access_token(self, request: web.Request) -> None:
        """In the header, or in the form of a POST (RFC 6750 section 2)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = self.requests[-1].form.get("access_token", "")
        if token not in self._access_tokens or self.misbehaviour == "userinfo_401":
            raise _OAuthError(401, "invalid_token")


@contextmanager
def served_misbehaving_provider() -> Iterator[MisbehavingProvider]:
    """The provider in a thread with a loop of its own, for tests that have none."""
    provider = MisbehavingProvider()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="misbehaving-provider")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result(10)
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(provider.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

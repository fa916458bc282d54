"""The provider itself: its settings, what it keeps, and its endpoints on real sockets."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Self

from aiohttp import web

from tests.misbehaving_provider import authorization, certificates, logout, metadata, registration, token, userinfo
from tests.misbehaving_provider.answers import answer
from tests.misbehaving_provider.encryption import Encryption
from tests.misbehaving_provider.keys import Claims, Key, MacKey, SigningKey
from tests.misbehaving_provider.model import CALL, PERSON, AccessToken, Client, EndpointCall, Grant, OAuthError
from tests.misbehaving_provider.names import EVERY_MISBEHAVIOUR

Endpoint = Callable[["MisbehavingProvider", web.Request], Awaitable[web.StreamResponse]]

ROUTES: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/.well-known/openid-configuration", metadata.discovery),
    ("GET", "/.well-known/oauth-authorization-server", metadata.discovery),
    ("GET", "/.well-known/webfinger", metadata.webfinger),
    ("GET", "/jwks", metadata.jwks),
    ("GET", "/jwks/{path}", metadata.jwks),
    ("GET", "/authorize", authorization.authorize),
    ("POST", "/authorize", authorization.authorize),
    ("POST", "/par", authorization.push),
    ("POST", "/token", token.token),
    ("POST", "/introspect", token.introspect),
    ("POST", "/revoke", token.revoke),
    ("*", "/userinfo", userinfo.userinfo),
    ("*", "/api/person", userinfo.api_person),
    ("GET", "/claims", userinfo.source_claims),
    ("GET", "/source/jwks", userinfo.source_jwks),
    ("POST", "/register", registration.register),
    ("*", "/register/{client}", registration.manage),
    ("*", "/end_session", logout.end_session),
    ("GET", "/front_channel_logout", logout.front_channel_page),
    ("GET", "/check_session", logout.check_session),
)


@dataclass
class MisbehavingProvider:
    """The provider. Set `misbehaviour` at any time, and the settings before or after it starts, except `https` and
    `mtls`; set `person` for another account (`sub` and claims).

    `redirect_uri` empty means that any is accepted. The client secret has characters that have to be encoded for HTTP
    Basic (RFC 6749 section 2.3.1).
    """

    client_id: str = "entracte client"
    client_secret: str = "s3cret/+:%&"
    redirect_uri: str = ""
    person: Claims = field(default_factory=lambda: dict(PERSON))
    requests: list[EndpointCall] = field(default_factory=list)
    issuer: str = ""
    """Known once it runs: `http://127.0.0.1:{port}`, or https."""

    # how the client is registered
    authentication: str = ""
    """The method that the client has to use; empty: HTTP Basic or the form, as it likes."""
    client_jwks: Claims = field(default_factory=dict)
    client_jwks_uri: str = ""
    client_certificates: set[bytes] = field(default_factory=set)
    """Those (DER) by which the client proves itself with mutual TLS; `trust_certificate` adds one."""
    secret_keys: list[Claims] = field(default_factory=list)
    """The public keys of clients that make their secret themselves; empty: secrets are those that were given out."""
    secret_issuer: str = ""
    secret_audience: str = ""
    """What such a secret has to say; an empty audience is the issuer."""
    client_metadata: Claims = field(default_factory=dict)
    trust_of_clients: ssl.SSLContext | bool = True
    """Whom the provider trusts when it fetches from the client."""
    hosts_of_clients: dict[str, int] = field(default_factory=dict)
    """Host -> the port of loopback at which it is; empty: where their names lead."""
    initial_access_token: str = ""
    """What a registration has to show; empty: nothing."""
    software_statement: str = ""
    """What stands in it, where nobody is registered without; empty: nothing."""

    # signatures and encryption
    algorithm: str = "RS256"
    userinfo_algorithm: str = ""
    """Empty: UserInfo is plain JSON."""
    response_algorithm: str = ""
    """Of the authorization response, where a JWT is asked for; empty: that of ID tokens."""
    request_object_algorithm: str = ""
    """What request objects have to be signed with; empty: anything but `none`."""
    id_token_encryption: Encryption | None = None
    userinfo_encryption: Encryption | None = None
    response_encryption: Encryption | None = None
    decrypts_requests: bool = False

    # what is wanted of a request
    par_required: bool = False
    request_object_required: bool = False
    dpop_required: bool = False
    dpop_nonce: bool = False
    userinfo_bearer: str = ""
    """`header` or `body`; empty: both."""

    # what is given
    posted_user: str = ""
    """The `user` of a posted answer, which a person's first consent alone brings, as at Apple; empty: there is none."""
    https: bool = False
    mtls: bool = False
    """A second listener that asks for the client's certificate, and `mtls_endpoint_aliases` to it."""
    only_mtls_aliases: bool = False
    announces: bool = False
    """Whether the metadata has all that the provider can do."""
    metadata: Claims = field(default_factory=dict)
    """Members of the metadata that are as they are here."""
    jwks_path: str = "/jwks"
    """May be `/jwks/` and a part that nobody can guess."""
    refresh_tokens: bool = False
    rotate: bool = True
    jwt_access_tokens: bool = False
    resource: str = ""
    """The audience of access tokens that are JWTs; empty: the client."""
    claims_by_scope: bool = False
    thin_id_tokens: bool = False
    """Whether an ID token has `sub` alone of the person, as it has by the code flow at most servers (Core section
    5.4)."""
    aggregated: Claims = field(default_factory=dict)
    distributed: Claims = field(default_factory=dict)
    distributed_at: str = ""
    """Where they are said to be, when not at this provider's own second port."""
    auth_time: int = 0
    """Seconds since 1970 that the person signed in at; 0: now."""
    sid: str = ""
    session_management: bool = False
    session_changed: bool = False
    front_channel_logout_uri: str = ""
    leads_on_to: str = ""
    leads_on_with: Claims = field(default_factory=dict)
    """The authorization endpoint of an honest server, to which browsers are led on with these parameters instead of
    the request's own (mix-up, RFC 9700 section 4.4.1)."""
    misbehaves_at: str = ""
    """The ID tokens and token responses that go wrong: `authorization`, `token`, `refresh`; empty: each of them."""

    def __post_init__(self) -> None:
        self._misbehaviour = ""
        self._key_number = 0
        self.grants: dict[str, Grant] = {}
        self.pushed: dict[str, tuple[authorization.Request, str]] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_grants: dict[str, Grant] = {}
        self.used_refresh_tokens: set[str] = set()
        self.used_jtis: set[str] = set()
        self.consented: set[tuple[str, str]] = set()
        self.given_nonces: set[str] = set()
        self.source_tokens: set[str] = set()
        self.registered: dict[str, Client] = {}
        self.management_tokens: dict[str, str] = {}
        self.mtls_issuer = ""
        self.source_issuer = ""
        self._mtls_context: ssl.SSLContext | None = None
        self._runner: web.AppRunner | None = None
        self._stopped = asyncio.Event()

    @property
    def misbehaviour(self) -> str:
        """What goes wrong now; empty: nothing. Raises ValueError when set to an unknown name."""
        return self._misbehaviour

    @misbehaviour.setter
    def misbehaviour(self, name: str) -> None:
        if name and name not in EVERY_MISBEHAVIOUR:
            raise ValueError(f"no misbehaviour has the name {name}")
        self._misbehaviour = name

    def wrong_at(self, place: str) -> str:
        """What goes wrong with the tokens that are given at this place; "" if nothing does."""
        return self._misbehaviour if self.misbehaves_at in ("", place) else ""

    def inner(self, place: str) -> str:
        """What goes wrong with the signature of a document of this kind; "" if nothing does."""
        name = self._misbehaviour
        return name.removeprefix(f"{place}_") if name.startswith(f"{place}_") else ""

    def calls(self, path: str) -> list[EndpointCall]:
        """The recorded calls of one endpoint, by its path: `/token`, `/jwks`, …"""
        return [call for call in self.requests if call.path == path]

    # keys and clients

    def rotate_key(self) -> None:
        """From now on another key signs, and the old one is no longer published."""
        self._key_number += 1

    def signing_key(self, algorithm: str, client: Client | None = None) -> Key:
        if algorithm.startswith("HS"):
            return MacKey((client or self.own_client()).secret, algorithm)
        return SigningKey(self._key_number, algorithm)

    def public_keys(self) -> list[Claims]:
        """The keys that sign now."""
        algorithms = dict.fromkeys((self.algorithm, self.userinfo_algorithm, self.response_algorithm))
        return [
            SigningKey(self._key_number, name).jwk() for name in algorithms if name and not name.startswith("HS")
        ]  # fmt: skip

    def all_public_keys(self) -> list[Claims]:
        """Those that sign or have signed ID tokens."""
        return [SigningKey(number, self.algorithm).jwk() for number in range(self._key_number + 1)]

    def own_client(self) -> Client:
        """The client that the settings describe."""
        redirect_uris = (self.redirect_uri,) if self.redirect_uri else ()
        return Client(
            self.client_id, self.client_secret, self.authentication, redirect_uris, self.client_jwks,
            self.client_jwks_uri, self.client_metadata,
        )  # fmt: skip

    def client(self, client_id: str) -> Client | None:
        return self.own_client() if client_id == self.client_id else self.registered.get(client_id)

    def trust_certificate(self, certified: certificates.Certified) -> None:
        """Takes this certificate for the client's, also one that it signed itself."""
        self.client_certificates.add(certified.der)
        if self._mtls_context is not None:
            self._mtls_context.load_verify_locations(cadata=certified.certificate.decode())

    def expire_access_tokens(self) -> None:
        self.access_tokens.clear()

    def revoke_family(self, family: str) -> None:
        """All tokens that came from one code."""
        self.refresh_grants = {
            made: grant for made, grant in self.refresh_grants.items() if grant.family != family
        }  # fmt: skip
        self.access_tokens = {
            made: known for made, known in self.access_tokens.items() if known.grant.family != family
        }  # fmt: skip

    # logout, from outside

    async def send_logout_token(self, address: str, *, sub: str = "", sid: str = "") -> int:
        """Sends a logout token to the client's address; the status that it answers with."""
        return await logout.send_logout_token(self, address, sub=sub, sid=sid)

    def session_state(self, client_id: str, redirect_uri: str) -> str:
        return logout.session_state(self, client_id, redirect_uri)

    # running

    async def __aenter__(self) -> Self:
        self._stopped = asyncio.Event()
        app = web.Application(middlewares=[self._record])
        for method, path, endpoint in ROUTES:
            app.router.add_route(method, path, self._handler(endpoint))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        context = certificates.server_context(asks_for_certificate=False) if self.https else None
        self.issuer = await self._listen(context)
        self.source_issuer = await self._listen(None)
        if self.mtls:
            self._mtls_context = certificates.server_context(asks_for_certificate=True)
            self.mtls_issuer = await self._listen(self._mtls_context)
        return self

    async def _listen(self, context: ssl.SSLContext | None) -> str:
        assert self._runner is not None
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        scheme = "https" if context else "http"
        return f"{scheme}://127.0.0.1:{self._runner.addresses[-1][1]}"

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

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await answer(self, request, await endpoint(self, request))

        return handler

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = b"" if form else await request.read()
        call = EndpointCall(
            request.path, request.method, dict(request.query), headers, form, body, _certificate(request)
        )  # fmt: skip
        request[CALL] = call
        self.requests.append(call)
        try:
            return await handler(request)
        except OAuthError as error:
            return error.answer


def _certificate(request: web.Request) -> bytes:
    """That of the client (DER), if it showed one."""
    connection = request.transport.get_extra_info("ssl_object") if request.transport else None
    return (connection.getpeercert(binary_form=True) or b"") if connection else b""


@contextmanager
def served_misbehaving_provider() -> Iterator[MisbehavingProvider]:
    """The provider in a thread with a loop of its own, for tests that have none."""
    provider = MisbehavingProvider()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="misbehaving-provider")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result(60)
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(provider.__aexit__(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()

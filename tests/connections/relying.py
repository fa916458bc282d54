"""Our side of a sign-in at the misbehaving provider: the real fetcher on real sockets, and a browser that carries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import aiohttp

from entracte.connections.addresses import own_callback, redirect_uri_of
from entracte.connections.authorization_response import Came
from entracte.connections.client_secrets import seal_secret
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.own_keys import published, with_needed_keys
from entracte.connections.providers import Providers
from entracte.connections.server import Server, server_of
from entracte.connections.sign_in import SignedIn, begin, complete
from entracte.fetch import Fetcher, Limits, OutboundAllow
from entracte.protocol.authorization import ResponseMode, parse_query
from entracte.protocol.jarm import state_inside
from entracte.protocol.seal import SealKeys
from entracte.protocol.state import StateContent, open_state
from entracte.values import (
    AttemptNumber,
    CampaignNumber,
    ConnectionNumber,
    OrganizationNumber,
    ParticipationId,
    Secret,
    entropy,
    now,
)
from tests.misbehaving_provider import MisbehavingProvider, client_context
from tests.web.running import FIELD

KEYS = SealKeys(1, {1: b"k" * 32})
PERSON_KEY = b"p" * 32
OAUTH_URL = "https://play.example"
REDIRECT_URI = f"{OAUTH_URL}/oauth/callback"


@dataclass
class Relying:
    """A connection to the provider, and the way there. What was asked stands in `provider.requests`."""

    provider: MisbehavingProvider
    fetcher: Fetcher
    providers: Providers = field(init=False)
    ahead: int = 0
    """Seconds by which our clock is ahead: what was begun before it was set is as much older."""

    def __post_init__(self) -> None:
        self.providers = Providers(self.fetcher, now)

    def connection(self, **config: Any) -> Connection:
        """With every key of ours that it needs; the provider has their public parts."""
        issuer = self.provider.issuer
        organization = OrganizationNumber(1)
        given = {
            "name": "northwind",
            "title": "Northwind",
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "pushed_authorization_request_endpoint": f"{issuer}/par",
            "introspection_endpoint": f"{issuer}/introspect",
            "revocation_endpoint": f"{issuer}/revoke",
            "issuer_in_response": True,
            "client_id": self.provider.client_id,
            **config,
        }
        sealed = seal_secret(Secret(self.provider.client_secret), organization, KEYS)
        plain = Connection(organization, ConnectionNumber(7), ConnectionConfig.model_validate(given), sealed)
        connection = with_needed_keys(plain, KEYS, entropy, now())
        self.provider.client_jwks = published(connection)
        return connection

    async def begin(self, connection: Connection, providers: Providers | None = None) -> str:
        """The address that the browser is sent to."""
        content = StateContent(CampaignNumber(3), connection.number, ParticipationId(uuid4()), AttemptNumber(9), now())
        server = self.server(connection, providers)
        redirect_uri = redirect_uri_of(connection, OAUTH_URL)
        begun = await begin(
            server, content, redirect_uri=redirect_uri, language="en", another_account=False, address=OAUTH_URL
        )
        return begun.url

    async def sign_in(self, connection: Connection, providers: Providers | None = None) -> SignedIn:
        """From the redirect to the proven person, as a browser would carry it."""
        return await self.carry(connection, await self.begin(connection, providers), providers)

    async def carry(self, connection: Connection, url: str, providers: Providers | None = None) -> SignedIn:
        """What a browser brings back that was sent to this address."""
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(url, allow_redirects=False, ssl=client_context()) as answer,
        ):
            if "Location" not in answer.headers:
                fields = [(unescape(name), unescape(value)) for name, value in FIELD.findall(await answer.text())]
                return await self.complete(connection, urlencode(fields), providers, ResponseMode.FORM_POST)
            parts = urlsplit(answer.headers["Location"])
        by = ResponseMode.FRAGMENT if parts.fragment else ResponseMode.QUERY
        return await self.complete(connection, parts.fragment or parts.query, providers, by)

    async def complete(
        self,
        connection: Connection,
        query: str,
        providers: Providers | None = None,
        by: ResponseMode = ResponseMode.QUERY,
    ) -> SignedIn:
        parameters = parse_query(query, most=256 * 1024)
        state = parameters.get("state") or state_inside(Secret(parameters.get("response", "")))
        return await complete(
            open_state(state, KEYS, now()),
            state,
            Came(parameters, by, own_callback(connection)),
            self.server(connection, providers),
            person_key=PERSON_KEY,
            redirect_uri=redirect_uri_of(connection, OAUTH_URL),
        )

    def server(self, connection: Connection, providers: Providers | None = None) -> Server:
        return server_of(connection, providers or self.providers, KEYS, entropy, now() + self.ahead)

    def paths(self) -> list[str]:
        """The endpoints that were asked, in order."""
        return [call.path for call in self.provider.requests]


@asynccontextmanager
async def relying_on(provider: MisbehavingProvider, **fetcher: Any) -> AsyncIterator[Relying]:
    """The two sides, both real; limits are short so that a hanging server is a quick test."""
    fetching = Fetcher(OutboundAllow.parse("127.0.0.1,localhost"), Limits(first_byte=1.0, total=1.5), **fetcher)
    await fetching.start()
    try:
        async with provider:
            yield Relying(provider, fetching)
    finally:
        await fetching.stop()

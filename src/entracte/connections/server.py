"""One authorization server as a connection sees it during one sign-in: who we are there, its keys, and how it is asked.

Everything goes to the endpoints of the connection and to nobody else, through the connection's own bulkhead.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from entracte.connections.client_secrets import client_of, previous_client_of, secrets_for_macs
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.opened_keys import OpenedKeys, opened, proof_key
from entracte.connections.providers import Providers
from entracte.protocol import dpop
from entracte.protocol.client_auth import Client, Moment
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.jwe import decrypt
from entracte.protocol.jws import MAC_ALGORITHMS, UnknownKey
from entracte.protocol.keys import KeySet, mac_key_set
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.protocol.seal import SealKeys, encode
from entracte.values import Entropy, Secret

Answer = TypeVar("Answer")
Proven = TypeVar("Proven")
Headers = Mapping[str, Secret]
Ask = Callable[[Client, Moment, Headers], HttpRequest]
"""Writes a request of this client, with header fields that prove it."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server, and what asking it needs. `now` in seconds; it is that of the whole sign-in."""

    connection: Connection
    providers: Providers
    keys: SealKeys
    own: OpenedKeys
    entropy: Entropy
    now: int

    @property
    def config(self) -> ConnectionConfig:
        return self.connection.config

    def moment(self) -> Moment:
        """A fresh one: the identifier in it is used once."""
        return Moment(self.now, encode(self.entropy(16)))

    def since(self, issued_at: int) -> "Server":
        """The same, for a sign-in whose state was issued then (epoch seconds). It proves the key that it began with:
        the code is bound to the thumbprint that the request named (`dpop_jkt`, RFC 9449 section 10), whatever key is
        newer when the code comes back."""
        if not self.config.dpop:
            return self
        return replace(self, own=replace(self.own, proof=proof_key(self.connection, self.keys, issued_at)))

    async def ask_as_client(self, endpoint: str, ask: Ask, read: Callable[[HttpResponse], Answer]) -> Answer:
        """What the server answers to a request that proves us. A server that does not know the client by its current
        secret is asked once more with the previous one, while there is one: a server authenticates the client before it
        looks at the code, so one that was refused has spent nothing (RFC 6749 sections 4.1.3 and 5.2). Nothing else is
        asked again, and this only once: after any other answer, or none, the code may be spent."""
        client = client_of(self.connection, self.keys, self.own)
        try:
            return read(await self._exchange(endpoint, lambda headers: ask(client, self.moment(), headers)))
        except Refused as refusal:
            previous = previous_client_of(self.connection, self.keys, self.own)
            if refusal.reason is not Reason.CLIENT_REFUSED or previous is None:
                raise
        return read(await self._exchange(endpoint, lambda headers: ask(previous, self.moment(), headers)))

    async def ask_with_token(
        self, method: str, url: str, access_token: Secret, ask: Callable[[Headers | None], HttpRequest]
    ) -> HttpResponse:
        """What a protected resource answers. `ask` is given the header fields that present the token with its proof, or
        None for a Bearer token."""
        if not self.config.dpop:
            return await self.providers.of(self.connection)(self._with_certificate(ask(None)))
        return await self._exchange(url, ask, method=method, access_token=access_token)

    async def proven(self, algorithms: Collection[str], verify: Callable[[KeySet], Proven]) -> Proven:
        """What a token that is signed by one of these says under the server's keys, or under our secrets where a MAC
        was registered. An unknown key fetches the key set once more; after that it is a refusal (`TOKEN_KEY`)."""
        if MAC_ALGORITHMS.issuperset(algorithms):
            return _without_refetch(verify, mac_key_set(*secrets_for_macs(self.connection, self.keys)))
        return await self.proven_by(self.config.jwks_uri, verify)

    async def proven_by(self, jwks_uri: str, verify: Callable[[KeySet], Proven]) -> Proven:
        """What a token says under the keys at this address; otherwise as `proven`."""
        organization = self.connection.organization
        key_set = await self.providers.key_set(organization, jwks_uri)
        try:
            return verify(key_set)
        except UnknownKey:
            again = await self.providers.key_set_after(organization, jwks_uri, key_set)
        return _without_refetch(verify, again)

    def opened(self, token: Secret, *, encrypted: bool) -> Secret:
        """The signed token: out of the encrypted one where one was registered, and then only out of it. Refuses
        `TOKEN_ENCRYPTION` and `TOKEN_MALFORMED`."""
        return decrypt(token, self.own.decryption) if encrypted else token

    async def _exchange(
        self,
        url: str,
        ask: Callable[[Headers], HttpRequest],
        *,
        method: str = "POST",
        access_token: Secret | None = None,
    ) -> HttpResponse:
        """One request, and once more with the server's nonce where it asks for one: then it has spent nothing (RFC 9449
        sections 8 and 9)."""
        fetch = self.providers.of(self.connection)
        key = self.own.proof
        if key is None or not self.config.dpop:
            return await fetch(self._with_certificate(ask({})))

        async def once() -> HttpResponse:
            nonce = self.providers.nonces.of(url)
            headers = dpop.headers(key, method, url, self.moment(), nonce=nonce, access_token=access_token)
            answer = await fetch(self._with_certificate(ask(headers)))
            self.providers.nonces.keep(url, dpop.given_nonce(answer))
            return answer

        answer = await once()
        return await once() if dpop.asks_for_nonce(answer) else answer

    def _with_certificate(self, request: HttpRequest) -> HttpRequest:
        return replace(request, client_certificate=self.own.certificate) if self.own.certificate else request


def server_of(connection: Connection, providers: Providers, keys: SealKeys, entropy: Entropy, now: int) -> Server:
    """The server of a connection."""
    return Server(connection, providers, keys, opened(connection, keys, now), entropy, now)


def _without_refetch(verify: Callable[[KeySet], Proven], key_set: KeySet) -> Proven:
    try:
        return verify(key_set)
    except UnknownKey:
        raise refuse(Reason.TOKEN_KEY) from None

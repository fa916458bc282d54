"""Who asks (RFC 6749 section 2.3, RFC 7523, RFC 8705): the client proves itself in the way it is registered for. Its
secret may be one that it makes itself, as Apple wants it."""

import socket
import time
from base64 import b64decode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.exceptions import InvalidSignature

from tests.misbehaving_provider.keys import parts, verify_mac, verify_with_set
from tests.misbehaving_provider.model import Client, EndpointCall, OAuthError

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = 60
"""Seconds that an assertion may live, and a little for what it takes to come."""
LONGEST_SECRET = 15_777_000
"""Seconds that a secret of the client's own making may live (Apple, "Creating a client secret")."""


async def authenticate(provider: "MisbehavingProvider", request: web.Request, call: EndpointCall) -> Client:
    """The client that asks. Raises OAuthError."""
    given = await _given(provider, request, call)
    allowed = given[0].authentication or "client_secret_basic client_secret_post"
    if given[1] not in allowed.split():
        raise OAuthError(401, "invalid_client")
    return given[0]


async def _given(
    provider: "MisbehavingProvider", request: web.Request, call: EndpointCall
) -> tuple[Client, str]:  # fmt: skip
    """The client, and the one method that it used."""
    form = call.form
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    used = [
        method
        for method, there in (
            ("basic", scheme.lower() == "basic"),
            ("assertion", "client_assertion" in form),
            ("post", "client_secret" in form),
        )
        if there
    ]
    if len(used) > 1 or (scheme and scheme.lower() != "basic"):
        raise OAuthError(401, "invalid_client")
    match used:
        case ["basic"]:
            return _by_secret(provider, _basic_pair(credentials), "client_secret_basic")
        case ["post"]:
            return _by_secret(provider, (form.get("client_id", ""), form["client_secret"]), "client_secret_post")
        case ["assertion"]:
            return await _by_assertion(provider, form)
    return _by_certificate(provider, form, call.certificate)


def _basic_pair(credentials: str) -> tuple[str, str]:
    name, _, secret = b64decode(credentials).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _by_secret(provider: "MisbehavingProvider", pair: tuple[str, str], method: str) -> tuple[Client, str]:
    client = provider.client(pair[0])
    if client is None or not _is_its_secret(provider, client, pair[1]):
        raise OAuthError(401, "invalid_client")
    return client, method


def _is_its_secret(provider: "MisbehavingProvider", client: Client, secret: str) -> bool:
    if not provider.secret_keys:
        return client.secret == secret
    try:
        verify_with_set(secret, provider.secret_keys)
        header, claims = parts(secret)
        _check_made_secret(provider, client, header, claims)
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return False
    return True


def _check_made_secret(
    provider: "MisbehavingProvider", client: Client, header: Mapping[str, Any], claims: Mapping[str, Any]
) -> None:
    """What it says, all of it and no more. Raises KeyError, ValueError, TypeError."""
    now, audience = time.time(), provider.secret_audience or provider.issuer
    if header != {"alg": "ES256", "kid": header["kid"]} or set(claims) != {"iss", "iat", "exp", "aud", "sub"}:
        raise ValueError("a secret that says too much or too little")
    if (claims["iss"], claims["aud"], claims["sub"]) != (provider.secret_issuer, audience, client.id):
        raise ValueError("a secret of another, or for another")
    if not claims["iat"] <= now + 5 or not now < claims["exp"] <= claims["iat"] + LONGEST_SECRET:
        raise ValueError("a secret that is too old, or lives too long")


def _by_certificate(
    provider: "MisbehavingProvider", form: Mapping[str, str], certificate: bytes
) -> tuple[Client, str]:  # fmt: skip
    """By the certificate of the connection, or by nothing: then the client is a public one."""
    client = provider.client(form.get("client_id", ""))
    if client is None:
        raise OAuthError(401, "invalid_client")
    if not certificate:
        return client, "none"
    method = client.authentication if client.authentication.endswith("tls_client_auth") else "none"
    if method != "none" and certificate not in provider.client_certificates:
        raise OAuthError(401, "invalid_client")
    return client, method


async def _by_assertion(provider: "MisbehavingProvider", form: Mapping[str, str]) -> tuple[Client, str]:
    try:
        token = form["client_assertion"]
        header, claims = parts(token)
        client = provider.client(claims["sub"])
        if client is None or form["client_assertion_type"] != JWT_BEARER:
            raise ValueError("not a client that is known")
        method = "client_secret_jwt" if header["alg"].startswith("HS") else "private_key_jwt"
        if method == "client_secret_jwt":
            verify_mac(token, client.secret)
        else:
            verify_with_set(token, await client_keys(provider, client))
        _check_assertion(provider, client, claims)
    except (InvalidSignature, KeyError, ValueError, TypeError) as error:
        raise OAuthError(401, "invalid_client") from error
    return client, method


def _check_assertion(provider: "MisbehavingProvider", client: Client, claims: Mapping[str, Any]) -> None:
    """The audience is the issuer, as a single string, and nothing else. Raises KeyError, ValueError, TypeError."""
    now = time.time()
    if claims["iss"] != client.id or claims["sub"] != client.id or claims["aud"] != provider.issuer:
        raise ValueError("an assertion of another, or for another")
    if not now < claims["exp"] <= now + LONGEST_ASSERTION + 5 or claims["jti"] in provider.used_jtis:
        raise ValueError("an assertion that is too old, lives too long, or was used")
    provider.used_jtis.add(claims["jti"])


async def client_keys(provider: "MisbehavingProvider", client: Client) -> list[dict[str, Any]]:
    """The keys of a client: as registered, or from where it publishes them."""
    if client.jwks:
        return list(client.jwks["keys"])
    if not client.jwks_uri:
        raise ValueError("the client has no keys")
    document = await fetch_json(provider, client.jwks_uri)
    return list(document["keys"])


async def fetch_json(provider: "MisbehavingProvider", url: str) -> Any:
    async with _session(provider) as session, session.get(url, ssl=provider.trust_of_clients) as response:
        return await response.json(content_type=None)


async def fetch_text(provider: "MisbehavingProvider", url: str) -> str:
    async with _session(provider) as session, session.get(url, ssl=provider.trust_of_clients) as response:
        return await response.text() if response.status == 200 else ""


def _session(provider: "MisbehavingProvider") -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=_Hosts(provider.hosts_of_clients)) if provider.hosts_of_clients else None
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60))


class _Hosts(AbstractResolver):
    """Names that are on loopback, at a port of their own; there are no others."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:  # fmt: skip
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._ports[host], family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """There is nothing to close."""

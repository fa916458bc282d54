"""Dynamic registration (RFC 7591) and its management (RFC 7592)."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.misbehaving_provider.keys import Claims
from tests.misbehaving_provider.model import CALL, INTERNAL, Client, OAuthError

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider


def _with(**values: Any) -> Callable[[Claims], Claims]:
    return lambda good: {**good, **values}


def _without(name: str) -> Callable[[Claims], Claims]:
    return lambda good: {key: value for key, value in good.items() if key != name}


REGISTRATIONS: Mapping[str, Callable[[Claims], Claims]] = {
    "registration_other_redirect_uris": _with(redirect_uris=["https://attacker.example/callback"]),
    "registration_more_redirect_uris": lambda good: {
        **good, "redirect_uris": [*good["redirect_uris"], "https://attacker.example/callback"]
    },
    "registration_missing_client_id": _without("client_id"),
    "registration_number_client_id": _with(client_id=7),
    "registration_empty_client_id": _with(client_id=""),
    "registration_missing_secret": _without("client_secret"),
    "registration_null_secret": _with(client_secret=None),
    "registration_no_expiry_of_secret": _without("client_secret_expires_at"),
    "registration_expired_secret": _with(client_secret_expires_at=1),
    "registration_weaker": _with(id_token_signed_response_alg="none"),
    "registration_other_authentication": _with(token_endpoint_auth_method="none"),
    "registration_foreign_management": _with(registration_client_uri="https://attacker.example/register/1"),
    "registration_internal_management": _with(registration_client_uri=f"{INTERNAL}/register/1"),
    "registration_missing_access_token": _without("registration_access_token"),
}  # fmt: skip


async def register(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    call = request[CALL]
    token = request.headers.get("Authorization", "").partition(" ")[2]
    if provider.initial_access_token and token != provider.initial_access_token:
        raise OAuthError(401, "invalid_token")
    told = _checked(call.body)
    if provider.software_statement and told.pop("software_statement", "") != provider.software_statement:
        raise OAuthError(400, "unapproved_software_statement")
    client = _client(secrets.token_urlsafe(12), secrets.token_urlsafe(24), told)
    provider.registered[client.id] = client
    provider.management_tokens[client.id] = secrets.token_urlsafe(24)
    return web.json_response(_answer(provider, client), status=201)


def _checked(body: bytes) -> Claims:
    """Section 2. Raises OAuthError."""
    try:
        told = json.loads(body)
        uris = told["redirect_uris"]
        if not (isinstance(uris, list) and uris and all(isinstance(uri, str) and "#" not in uri for uri in uris)):
            raise OAuthError(400, "invalid_redirect_uri")
        if told.get("token_endpoint_auth_method") == "private_key_jwt" and not ({"jwks", "jwks_uri"} & set(told)):
            raise OAuthError(400, "invalid_client_metadata")
    except (ValueError, KeyError, TypeError) as error:
        raise OAuthError(400, "invalid_client_metadata") from error
    return dict(told)


def _client(name: str, secret: str, told: Claims) -> Client:
    return Client(
        name,
        secret,
        told.get("token_endpoint_auth_method", "client_secret_basic"),
        tuple(told["redirect_uris"]),
        told.get("jwks", {}),
        told.get("jwks_uri", ""),
        {**told, "client_id_issued_at": int(time.time())},
    )


def _answer(provider: "MisbehavingProvider", client: Client) -> Claims:
    good: Claims = {
        **client.metadata,
        "token_endpoint_auth_method": client.authentication,
        "client_id": client.id,
        "registration_access_token": provider.management_tokens[client.id],
        "registration_client_uri": f"{provider.issuer}/register/{client.id}",
    }
    if client.authentication.startswith("client_secret"):
        good |= {"client_secret": client.secret, "client_secret_expires_at": 0}
    return REGISTRATIONS.get(provider.misbehaviour, dict)(good)


async def manage(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """Read, update, delete. An update has to name the client, and gives it a new access token."""
    call = request[CALL]
    client = provider.registered.get(request.match_info["client"])
    token = request.headers.get("Authorization", "").partition(" ")[2]
    if client is None or token != provider.management_tokens[client.id]:
        raise OAuthError(401, "invalid_token")
    if request.method == "DELETE":
        del provider.registered[client.id], provider.management_tokens[client.id]
        return web.Response(status=204)
    if request.method == "PUT":
        told = _checked(call.body)
        if told.pop("client_id", None) != client.id or told.pop("client_secret", client.secret) != client.secret:
            raise OAuthError(400, "invalid_client_metadata")
        client = provider.registered[client.id] = _client(client.id, client.secret, told)
        provider.management_tokens[client.id] = secrets.token_urlsafe(24)
    return web.json_response(_answer(provider, client))

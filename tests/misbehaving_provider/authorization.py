"""The authorization endpoint and what may come before it: pushed requests (RFC 9126), request objects (RFC 9101)."""

import html
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web
from cryptography.exceptions import InvalidSignature, InvalidTag

from tests.misbehaving_provider import dpop
from tests.misbehaving_provider.callbacks import CALLBACKS, good_callback
from tests.misbehaving_provider.claims import RESPONSE_CLAIMS, change
from tests.misbehaving_provider.client_authentication import authenticate, client_keys, fetch_text
from tests.misbehaving_provider.encryption import decrypt
from tests.misbehaving_provider.id_tokens import AUTHORIZATION, id_token, wrapped
from tests.misbehaving_provider.keys import parts, verify_with_set
from tests.misbehaving_provider.model import CALL, RESPONSE_TYPES, Client, Grant, OAuthError, Parameters
from tests.misbehaving_provider.signatures import signed
from tests.misbehaving_provider.token import issue

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

MODES = frozenset({"query", "fragment", "form_post"})
PUSHED = "urn:ietf:params:oauth:request_uri:"
OTHER_MODES = {"query": "fragment", "fragment": "query", "form_post": "query"}


def _nothing(good: dict[str, str], token: str) -> Parameters:
    return []


BESIDE_A_JWT: Mapping[str, Callable[[dict[str, str], str], Parameters]] = {
    "callback_double_response": lambda good, token: [("response", token)],
    "callback_code_beside_response": lambda good, token: [*good.items()],
}

Request = Mapping[str, str]


async def authorize(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    call = request[CALL]
    if provider.leads_on_to:
        changed = urlencode({**call.query, **call.form, **provider.leads_on_with})
        return web.Response(status=303, headers={"Location": f"{provider.leads_on_to}?{changed}"})
    asked, thumbprint = await _asked(provider, {**call.query, **call.form})
    client = check(provider, asked)
    grant = _grant(client, asked, thumbprint or asked.get("dpop_jkt", ""))
    mode, as_jwt = _mode(asked)
    if asked.get("prompt") == "none" and asked.get("max_age") == "0":
        good = {"error": "login_required", "state": asked.get("state", ""), "iss": provider.issuer}
    else:
        good = await _good(provider, grant, asked)
    parameters = CALLBACKS.get(provider.misbehaviour, good_callback)(good)
    if as_jwt and provider.misbehaviour != "callback_plain":
        token = await _response_token(provider, client, dict(parameters))
        parameters = [("response", token)]
        parameters += BESIDE_A_JWT.get(provider.misbehaviour, _nothing)(good, token)
    parameters += _user(provider, client, mode)
    if provider.misbehaviour == "callback_other_mode":
        mode = OTHER_MODES[mode]
    return _sent(provider, asked["redirect_uri"], parameters, mode)


def check(provider: "MisbehavingProvider", asked: Request) -> Client:
    """The client, if it may ask this. Raises OAuthError."""
    client = provider.client(asked.get("client_id", ""))
    redirect_uri = asked.get("redirect_uri", "")
    types = asked.get("response_type", "")
    if client is None or not redirect_uri or redirect_uri not in (client.redirect_uris or {redirect_uri}):
        raise OAuthError(400, "invalid_request")
    if " ".join(sorted(types.split())) not in RESPONSE_TYPES:
        raise OAuthError(400, "unsupported_response_type")
    if "code" in types.split() and asked.get("code_challenge_method") != "S256":
        raise OAuthError(400, "invalid_request")
    mode, _ = _mode(asked)
    shown = mode == "query" and types != "code"  # tokens are never put into a query
    if mode not in MODES or shown or ("id_token" in types and not asked.get("nonce")):
        raise OAuthError(400, "invalid_request")
    return client


def _mode(asked: Request) -> tuple[str, bool]:
    """The response mode, and whether the response is a JWT (JARM section 2.3)."""
    told = asked.get("response_mode", "")
    mode, dot, jwt = told.rpartition(".") if told.endswith(".jwt") else (told, "", "jwt" if told == "jwt" else "")
    if told in ("", "jwt"):
        mode = "query" if asked.get("response_type") == "code" else "fragment"
    return mode, bool(dot) or bool(jwt)


def _grant(client: Client, asked: Request, thumbprint: str) -> Grant:
    return Grant(
        client,
        asked["redirect_uri"],
        asked.get("code_challenge", ""),
        asked.get("nonce", ""),
        frozenset(asked.get("scope", "").split()),
        dict(asked),
        thumbprint,
        family=secrets.token_urlsafe(8),
    )


async def _good(provider: "MisbehavingProvider", grant: Grant, asked: Request) -> dict[str, str]:
    """The response as it should be."""
    types = asked["response_type"].split()
    good: dict[str, str] = {}
    if "code" in types:
        good["code"] = secrets.token_urlsafe(24)
        provider.grants[good["code"]] = grant
    if "token" in types:
        good.update(access_token=issue(provider, grant), token_type="Bearer", expires_in="300")
    if "id_token" in types:
        good["id_token"] = await id_token(
            provider,
            grant,
            AUTHORIZATION,
            access_token=good.get("access_token", ""),
            code=good.get("code", ""),
            state=asked.get("state", ""),
        )
    good.update(state=asked.get("state", ""), iss=provider.issuer)
    if provider.session_management:
        good["session_state"] = provider.session_state(grant.client.id, asked["redirect_uri"])
    return good


def _user(provider: "MisbehavingProvider", client: Client, mode: str) -> Parameters:
    """The name beside a posted answer, at the first consent of this person to this client."""
    consent = (client.id, str(provider.person.get("sub")))
    if mode != "form_post" or not provider.posted_user or consent in provider.consented:
        return []
    provider.consented.add(consent)
    return [("user", provider.posted_user)]


async def _response_token(provider: "MisbehavingProvider", client: Client, parameters: dict[str, str]) -> str:
    """The response as a JWT (JARM section 2.1)."""
    now = int(time.time())
    claims: dict[str, Any] = {**parameters, "iss": parameters.get("iss", ""), "aud": client.id, "exp": now + 300}
    change((RESPONSE_CLAIMS,), provider.misbehaviour, claims)
    key = provider.signing_key(provider.response_algorithm or provider.algorithm, client)
    token = signed(provider.inner("jarm"), claims, key)
    return await wrapped(provider, client, token, provider.response_encryption, provider.misbehaviour)


def _sent(
    provider: "MisbehavingProvider", redirect_uri: str, parameters: Parameters, mode: str
) -> web.StreamResponse:  # fmt: skip
    encoded = "&" if provider.misbehaviour == "callback_ampersand" else urlencode(parameters)
    if mode == "form_post":
        return web.Response(text=_form(redirect_uri, parameters), content_type="text/html")
    joint = "#" if mode == "fragment" else "&" if "?" in redirect_uri else "?"
    return web.Response(status=303, headers={"Location": redirect_uri + joint + encoded})


def _form(redirect_uri: str, parameters: Parameters) -> str:
    """A page that sends itself (OAuth 2.0 Form Post Response Mode)."""
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in parameters
    )
    action = html.escape(redirect_uri)
    return (
        '<!doctype html><title>Going back</title><body onload="document.forms[0].submit()">'
        f'<form method="post" action="{action}">{fields}</form>'
    )


# What was asked


async def _asked(provider: "MisbehavingProvider", sent: Request) -> tuple[Request, str]:
    """The parameters of the request, and the DPoP key that a pushed one is bound to. Raises OAuthError."""
    address = sent.get("request_uri", "")
    if address.startswith(PUSHED):
        pushed = provider.pushed.pop(address, None)
        if pushed is None or pushed[0].get("client_id") != sent.get("client_id"):
            raise OAuthError(400, "invalid_request_uri")
        return pushed
    if provider.par_required:
        raise OAuthError(400, "invalid_request")
    return await _opened(provider, sent), ""


async def _opened(provider: "MisbehavingProvider", sent: Request) -> Request:
    """The parameters, out of the request object if there is one: then those beside it count for nothing."""
    token = sent.get("request", "")
    if address := sent.get("request_uri", ""):
        token = await fetch_text(provider, address)
    if not token and not address:
        if provider.request_object_required:
            raise OAuthError(400, "invalid_request")
        return sent
    client = provider.client(sent.get("client_id", ""))
    try:
        if client is None:
            raise ValueError("no such client")
        return await _from_object(provider, client, decrypt(token) if token.count(".") == 4 else token)
    except (InvalidSignature, InvalidTag, KeyError, ValueError, TypeError) as error:
        raise OAuthError(400, "invalid_request_object") from error


async def _from_object(provider: "MisbehavingProvider", client: Client, token: str) -> Request:
    """RFC 9101 section 6. Raises InvalidSignature, KeyError, ValueError, TypeError."""
    header, claims = parts(token)
    if header["alg"] != (provider.request_object_algorithm or header["alg"]):
        raise ValueError("not the registered algorithm")
    if header["alg"] != "none":
        verify_with_set(token, await client_keys(provider, client))
        if claims["iss"] != client.id or provider.issuer not in (claims["aud"], *claims["aud"]):
            raise ValueError("an object of another, or for another")
    elif provider.request_object_algorithm != "none":
        raise ValueError("not signed")
    if claims["client_id"] != client.id or claims.get("exp", time.time() + 1) < time.time():
        raise ValueError("an object of another client, or too old")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in claims.items()}


async def push(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """The pushed authorization request endpoint."""
    call = request[CALL]
    client = await authenticate(provider, request, call)
    thumbprint = dpop.proven(provider, request)
    if "request_uri" in call.form:
        raise OAuthError(400, "invalid_request")
    asked = {**await _opened(provider, {**call.form, "client_id": client.id}), "client_id": client.id}
    check(provider, asked)
    address = PUSHED + secrets.token_urlsafe(16)
    provider.pushed[address] = (asked, thumbprint)
    document = {"request_uri": address, "expires_in": 60}
    if provider.misbehaviour == "par_missing_request_uri":
        del document["request_uri"]
    if provider.misbehaviour == "par_foreign_request_uri":
        document["request_uri"] = "https://other.example/request"
    return web.json_response(document, status=201)


CHANGES = frozenset({"par_missing_request_uri", "par_foreign_request_uri", *BESIDE_A_JWT})

"""The token endpoint, access tokens, and what else is asked about tokens: introspection and revocation."""

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.misbehaving_provider import dpop
from tests.misbehaving_provider.claims import ACCESS_TOKEN_CLAIMS, change
from tests.misbehaving_provider.client_authentication import authenticate
from tests.misbehaving_provider.id_tokens import REFRESH, TOKEN, id_token
from tests.misbehaving_provider.keys import Claims, base64url
from tests.misbehaving_provider.model import CALL, AccessToken, Client, Grant, OAuthError
from tests.misbehaving_provider.signatures import signed

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

LIFE = 300
"""Seconds that an access token is good for."""


def _without(*names: str) -> Callable[[Claims], Claims]:
    return lambda good: {name: value for name, value in good.items() if name not in names}


def _with(**values: Any) -> Callable[[Claims], Claims]:
    return lambda good: {**good, **values}


def _type(change: Callable[[str], str]) -> Callable[[Claims], Claims]:
    return lambda good: {**good, "token_type": change(good["token_type"])}


CHANGES: Mapping[str, Callable[[Claims], Claims]] = {
    "no_id_token": _without("id_token"),
    "token_number_id_token": _with(id_token=7),
    "token_no_access_token": _without("access_token"),
    "token_no_expires_in": _without("expires_in"),
    "token_no_scope": _without("expires_in", "scope"),
    "token_less_scope": _with(scope="openid"),
    "token_text_expires_in": _with(expires_in="300"),
    "token_negative_expires_in": _with(expires_in=-1),
    "token_null_optional_fields": _with(expires_in=None, scope=None, refresh_token=None),
    "token_no_type": _without("token_type"),
    "token_type_mac": _with(token_type="mac"),
    "token_type_upper": _type(str.upper),
    "token_type_lower": _type(str.lower),
    "token_type_mixed": _type(str.swapcase),
    "token_type_downgraded": _with(token_type="Bearer"),
    "token_line_break": _with(access_token="a\r\nX-Injected: b"),
    "token_error_with_200": lambda good: {"error": "invalid_grant"},
    "refresh_without_id_token": lambda good: good,
    "refresh_without_refresh_token": lambda good: good,
}
"""Members of a token response. Any case of `token_type` is within the rules, and so is no `expires_in` or `scope`."""


async def token(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    call = request[CALL]
    client = await authenticate(provider, request, call)
    thumbprint = dpop.proven(provider, request)
    certificate = _hash_of(call.certificate)
    if call.form.get("grant_type") == "authorization_code":
        grant, place = _redeem(provider, client, call.form, thumbprint), TOKEN
    elif call.form.get("grant_type") == "refresh_token":
        grant, place = _refresh(provider, client, call.form, thumbprint), REFRESH
    else:
        raise OAuthError(400, "unsupported_grant_type")
    access_token = issue(provider, grant, thumbprint, certificate)
    good: Claims = {
        "access_token": access_token,
        "token_type": "DPoP" if thumbprint else "Bearer",
        "expires_in": LIFE,
        "scope": " ".join(sorted(grant.scope)),
    }
    if "openid" in grant.scope and (place, provider.misbehaviour) != (REFRESH, "refresh_without_id_token"):
        good["id_token"] = await id_token(provider, grant, place, access_token=access_token)
    if _refreshable(provider, grant, place):
        good["refresh_token"] = _refresh_token(provider, grant)
    document = CHANGES.get(provider.wrong_at(place), dict)(good)
    return web.json_response(document, headers={"Cache-Control": "no-store"})


def _hash_of(certificate: bytes) -> str:
    return base64url(hashlib.sha256(certificate).digest()) if certificate else ""


def _redeem(
    provider: "MisbehavingProvider", client: Client, form: Mapping[str, str], thumbprint: str
) -> Grant:  # fmt: skip
    grant = provider.grants.pop(form.get("code", ""), None)
    if grant is None or grant.client.id != client.id or grant.redirect_uri != form.get("redirect_uri"):
        raise OAuthError(400, "invalid_grant")
    verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if base64url(verifier) != grant.code_challenge or grant.thumbprint not in ("", thumbprint):
        raise OAuthError(400, "invalid_grant")
    return grant


def _refresh(
    provider: "MisbehavingProvider", client: Client, form: Mapping[str, str], thumbprint: str
) -> Grant:  # fmt: skip
    """With rotation a refresh token is used once; the second use revokes all that came from the same code."""
    used = form.get("refresh_token", "")
    grant = provider.refresh_grants.get(used)
    if grant is None or grant.client.id != client.id or grant.thumbprint not in ("", thumbprint):
        raise OAuthError(400, "invalid_grant")
    if used in provider.used_refresh_tokens:
        provider.revoke_family(grant.family)
        raise OAuthError(400, "invalid_grant")
    if provider.rotate:
        provider.used_refresh_tokens.add(used)
    asked = frozenset(form.get("scope", "").split()) or grant.scope
    if not asked <= grant.scope:
        raise OAuthError(400, "invalid_scope")
    return replace(grant, scope=asked)


def _refreshable(provider: "MisbehavingProvider", grant: Grant, place: str) -> bool:
    if place == REFRESH:
        return provider.rotate and provider.misbehaviour != "refresh_without_refresh_token"
    return provider.refresh_tokens or "offline_access" in grant.scope


def _refresh_token(provider: "MisbehavingProvider", grant: Grant) -> str:
    made = secrets.token_urlsafe(24)
    provider.refresh_grants[made] = grant
    return made


def issue(provider: "MisbehavingProvider", grant: Grant, thumbprint: str = "", certificate: str = "") -> str:
    """A new access token, opaque or a JWT (RFC 9068)."""
    made = _access_token(provider, grant) if provider.jwt_access_tokens else secrets.token_urlsafe(24)
    provider.access_tokens[made] = AccessToken(grant, thumbprint, certificate)
    return made


def _access_token(provider: "MisbehavingProvider", grant: Grant) -> str:
    now = int(time.time())
    claims: Claims = {
        **provider.person,
        "iss": provider.issuer,
        "aud": provider.resource or grant.client.id,
        "client_id": grant.client.id,
        "iat": now,
        "exp": now + LIFE,
        "jti": secrets.token_urlsafe(8),
    }
    change((ACCESS_TOKEN_CLAIMS,), provider.misbehaviour, claims)
    typ = "JWT" if provider.misbehaviour == "access_token_wrong_typ" else "at+jwt"
    return signed(provider.inner("access_token"), claims, provider.signing_key(provider.algorithm, grant.client), typ)


# About tokens


def _introspected(**values: Any) -> Callable[[Claims], Claims]:
    return lambda good: {**good, **values}


INTROSPECTIONS: Mapping[str, Callable[[Claims], Claims]] = {
    "introspection_inactive": lambda good: {"active": False},
    "introspection_missing_active": _without("active"),
    "introspection_text_active": _introspected(active="true"),
    "introspection_other_sub": _introspected(sub="person-2"),
    "introspection_other_client": _introspected(client_id="another-client", aud="another-client"),
    "introspection_other_iss": _introspected(iss="https://other.example"),
    "introspection_expired": _introspected(exp=1),
}


async def introspect(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """RFC 7662."""
    call = request[CALL]
    client = await authenticate(provider, request, call)
    known = provider.access_tokens.get(call.form.get("token", ""))
    if known is None or known.grant.client.id != client.id:
        return web.json_response({"active": False})
    good: Claims = {
        **provider.person,
        "active": True,
        "client_id": client.id,
        "aud": client.id,
        "iss": provider.issuer,
        "scope": " ".join(sorted(known.grant.scope)),
        "exp": int(time.time()) + LIFE,
        "token_type": "DPoP" if known.thumbprint else "Bearer",
    }
    return web.json_response(INTROSPECTIONS.get(provider.misbehaviour, dict)(good))


async def revoke(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """RFC 7009: a token that is not known is no error; with a refresh token goes all that came from it."""
    call = request[CALL]
    client = await authenticate(provider, request, call)
    given = call.form.get("token", "")
    access, refresh = provider.access_tokens.get(given), provider.refresh_grants.get(given)
    if access is not None and access.grant.client.id == client.id:
        del provider.access_tokens[given]
    if refresh is not None and refresh.client.id == client.id:
        provider.revoke_family(refresh.family)
    return web.Response()

"""What is told about a person: UserInfo, a brand's own API, and the claims of another source."""

import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from tests.misbehaving_provider import dpop
from tests.misbehaving_provider.claims import INTERNAL_SOURCE, SOURCE_CLAIMS, USERINFO_CLAIMS, change
from tests.misbehaving_provider.id_tokens import wrapped
from tests.misbehaving_provider.keys import Claims, SigningKey, base64url
from tests.misbehaving_provider.model import CALL, OTHER_ISSUER, AccessToken, OAuthError
from tests.misbehaving_provider.signatures import signed

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

SCOPES: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
}  # fmt: skip
"""OpenID Connect Core section 5.4."""
SOURCE_KEY = SigningKey(80)


async def userinfo(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    known = require_access_token(provider, request, provider.userinfo_bearer)
    claims = {**provider.person, **_claims_of_others(provider)}
    if provider.claims_by_scope:
        allowed = {"sub"}.union(*(SCOPES.get(scope, ()) for scope in known.grant.scope))
        claims = {name: value for name, value in claims.items() if name in allowed or name.startswith("_claim")}
    client = known.grant.client
    if not provider.userinfo_algorithm or provider.misbehaviour == "userinfo_plain":
        change((USERINFO_CLAIMS,), provider.misbehaviour, claims)
        return web.json_response(claims)
    claims |= {"iss": provider.issuer, "aud": client.id}
    change((USERINFO_CLAIMS,), provider.misbehaviour, claims)
    token = signed(provider.inner("userinfo"), claims, provider.signing_key(provider.userinfo_algorithm, client))
    token = await wrapped(provider, client, token, provider.userinfo_encryption, provider.misbehaviour)
    return web.Response(text=token, content_type="application/jwt")


async def api_person(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """A brand's own API: the person lies at `data.people.0`."""
    require_access_token(provider, request)
    return web.json_response({"status": "ok", "data": {"people": [provider.person]}})


def require_access_token(provider: "MisbehavingProvider", request: web.Request, bearer: str = "") -> AccessToken:
    """In the header, or in the form of a POST (RFC 6750 section 2). One that is bound has to be proven. Raises
    OAuthError."""
    call = request[CALL]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    place = "header" if scheme.lower() in ("bearer", "dpop") else "body"
    if place == "body":
        token = call.form.get("access_token", "")
    known = provider.access_tokens.get(token)
    if known is None or place != (bearer or place):
        raise OAuthError(401, "invalid_token", WWW_Authenticate='Bearer error="invalid_token"')
    if known.thumbprint and (scheme.lower() != "dpop" or dpop.proven(provider, request, token) != known.thumbprint):
        raise OAuthError(401, "invalid_token", WWW_Authenticate='DPoP error="invalid_token"')
    if known.certificate and known.certificate != base64url(hashlib.sha256(call.certificate).digest()):
        raise OAuthError(401, "invalid_token", WWW_Authenticate='Bearer error="invalid_token"')
    return known


# Another source


def _claims_of_others(provider: "MisbehavingProvider") -> Claims:
    """`_claim_names` and `_claim_sources` (OpenID Connect Core section 5.6.2)."""
    names = dict.fromkeys(provider.aggregated, "aggregated") | dict.fromkeys(provider.distributed, "distributed")
    if not names:
        return {}
    if provider.misbehaviour == "source_names_overrides":
        names |= dict.fromkeys(("sub", "email_verified"), next(iter(names.values())))
    sources: Claims = {}
    if provider.aggregated:
        sources["aggregated"] = {"JWT": source_token(provider, provider.aggregated)}
    if provider.distributed:
        token = secrets.token_urlsafe(16)
        provider.source_tokens.add(token)
        inside = provider.misbehaviour == "source_inside"
        usual = provider.distributed_at or f"{provider.source_issuer}/claims"
        address = INTERNAL_SOURCE if inside else usual
        sources["distributed"] = {"endpoint": address, "access_token": token}
    if provider.misbehaviour == "source_missing":
        sources = {}
    if provider.misbehaviour == "source_foreign_beside":  # of somebody else, and at somebody else's
        names |= {"nickname": "foreign", "zoneinfo": "elsewhere"}
        foreign = signed(provider.inner("source"), {"iss": OTHER_ISSUER, "nickname": "Eve"}, SOURCE_KEY)
        sources |= {"foreign": {"JWT": foreign}, "elsewhere": {"endpoint": INTERNAL_SOURCE}}
    return {"_claim_names": names, "_claim_sources": sources}


def source_token(provider: "MisbehavingProvider", told: Claims) -> str:
    now = int(time.time())
    claims: Claims = {
        **told, "iss": provider.source_issuer, "sub": provider.person.get("sub"), "aud": provider.client_id,
        "iat": now, "exp": now + 300,
    }  # fmt: skip
    change((SOURCE_CLAIMS,), provider.misbehaviour, claims)
    return signed(provider.inner("source"), claims, SOURCE_KEY)


async def source_claims(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    """The endpoint of the other source."""
    token = request.headers.get("Authorization", "").partition(" ")[2]
    if token not in provider.source_tokens:
        raise OAuthError(401, "invalid_token")
    if provider.misbehaviour == "source_plain":
        return web.json_response(provider.distributed)
    return web.Response(text=source_token(provider, provider.distributed), content_type="application/jwt")


async def source_jwks(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    return web.json_response({"keys": [SOURCE_KEY.jwk()]})


CHANGES = frozenset(
    {
        "userinfo_plain", "source_names_overrides", "source_inside", "source_missing", "source_plain",
        "source_foreign_beside",
    }
)  # fmt: skip

"""What the provider publishes: its metadata (OpenID Connect Discovery, RFC 8414), its keys, WebFinger (RFC 7033)."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.misbehaving_provider.encryption import own_jwk
from tests.misbehaving_provider.keys import Claims, SigningKey, base64url
from tests.misbehaving_provider.model import INTERNAL, OTHER_ISSUER, RESPONSE_TYPES, OAuthError
from tests.misbehaving_provider.signatures import OTHER_FAMILY, OTHER_RSA, SECOND, SMALL

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

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

Change = Callable[[Claims], Claims]


def _with(**values: Any) -> Change:
    return lambda good: {**good, **values}


def _without(name: str) -> Change:
    return lambda good: {key: value for key, value in good.items() if key != name}


DISCOVERIES: Mapping[str, Change] = {
    "discovery_wrong_issuer": _with(issuer=OTHER_ISSUER),
    "discovery_slash_issuer": lambda good: {**good, "issuer": good["issuer"] + "/"},
    "discovery_upper_issuer": lambda good: {**good, "issuer": good["issuer"].upper()},
    "discovery_missing_issuer": _without("issuer"),
    "discovery_number_issuer": _with(issuer=7),
    "discovery_missing_token_endpoint": _without("token_endpoint"),
    "discovery_missing_jwks_uri": _without("jwks_uri"),
    "discovery_victim_token_endpoint": _with(token_endpoint=f"{OTHER_ISSUER}/token"),
    "discovery_victim_jwks": _with(jwks_uri=f"{OTHER_ISSUER}/jwks"),
    "discovery_internal_token_endpoint": _with(token_endpoint=f"{INTERNAL}/token"),
    "discovery_internal_jwks": _with(jwks_uri=f"{INTERNAL}/jwks"),
    "discovery_internal_userinfo": _with(userinfo_endpoint=f"{INTERNAL}/userinfo"),
    "discovery_user_in_address": _with(token_endpoint="https://localhost:80@attacker.example/token"),
    "discovery_bad_address": _with(token_endpoint="http://[not-an-ip]/"),
    "discovery_file_address": _with(jwks_uri="file:///etc/passwd"),
    "discovery_fragment_in_address": lambda good: {**good, "token_endpoint": good["token_endpoint"] + "#a"},
    "discovery_none_algorithm": _with(id_token_signing_alg_values_supported=["none"]),
    "discovery_without_s256": _with(code_challenge_methods_supported=["plain"]),
    "discovery_text_lists": _with(response_types_supported="code", scopes_supported=7),
}


def document(provider: "MisbehavingProvider") -> Claims:
    """The metadata as it should be. What is not asked for by a setting is not announced."""
    issuer = provider.issuer
    good: Claims = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}{provider.jwks_path}",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [provider.algorithm],
        "token_endpoint_auth_methods_supported": (
            provider.authentication or "client_secret_basic client_secret_post"
        ).split(),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email"],
        "authorization_response_iss_parameter_supported": True,
    }
    for setting, members in _announced(provider):
        if setting or provider.announces:
            good |= members
    if provider.mtls_issuer:
        paths = {"token": "token", "userinfo": "userinfo", "pushed_authorization_request": "par"}
        if provider.announces:
            paths |= {"introspection": "introspect", "revocation": "revoke"}
        good["mtls_endpoint_aliases"] = {
            f"{name}_endpoint": f"{provider.mtls_issuer}/{path}" for name, path in paths.items()
        }
    if provider.only_mtls_aliases:
        del good["token_endpoint"]
    return {**good, **provider.metadata}


def _announced(provider: "MisbehavingProvider") -> Iterator[tuple[object, Claims]]:
    """What a setting announces."""
    issuer = provider.issuer
    yield (
        provider.par_required,
        {
            "pushed_authorization_request_endpoint": f"{issuer}/par",
            "require_pushed_authorization_requests": provider.par_required,
        },
    )
    yield provider.dpop_required, {"dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"]}
    yield (
        provider.session_management,
        {"check_session_iframe": f"{issuer}/check_session", "end_session_endpoint": f"{issuer}/end_session"},
    )
    yield provider.refresh_tokens, {"grant_types_supported": ["authorization_code", "implicit", "refresh_token"]}
    yield provider.userinfo_algorithm, {"userinfo_signing_alg_values_supported": [provider.userinfo_algorithm]}
    yield (
        False,
        {
            "introspection_endpoint": f"{issuer}/introspect",
            "revocation_endpoint": f"{issuer}/revoke",
            "registration_endpoint": f"{issuer}/register",
            "backchannel_logout_supported": True,
            "frontchannel_logout_supported": True,
            "request_parameter_supported": True,
            "request_uri_parameter_supported": True,
            "claims_parameter_supported": True,
            "response_types_supported": sorted(RESPONSE_TYPES),
            "response_modes_supported": RESPONSE_MODES,
        },
    )


RESPONSE_MODES = ["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"]


async def discovery(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    if provider.source_issuer.endswith(f":{request.url.port}"):
        source = provider.source_issuer
        return web.json_response({"issuer": source, "jwks_uri": f"{source}/source/jwks"})
    return web.json_response(DISCOVERIES.get(provider.misbehaviour, dict)(document(provider)))


# Keys


def _many(keys: list[Any]) -> list[Any]:
    return [*({**keys[-1], "kid": f"other-{number}"} for number in range(200)), *keys]


def _each(**values: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda keys: [{**key, **values} for key in keys]


def _before(*more: SigningKey) -> Callable[[list[Any]], list[Any]]:
    return lambda keys: [*(key.jwk() for key in more), *keys]


def _same_kid(keys: list[Any]) -> list[Any]:
    return [{**OTHER_RSA.jwk(), "kid": keys[-1].get("kid")}, *keys]


KEY_SETS: Mapping[str, Callable[[list[Any]], list[Any]]] = {
    "broken_key_in_jwks": lambda keys: [*BROKEN_KEYS, *keys],
    "jwks_only_broken": lambda keys: BROKEN_KEYS,
    "jwks_no_keys": lambda keys: [],
    "jwks_many_keys": _many,
    "jwks_use_enc": _each(use="enc"),
    "jwks_key_ops_encrypt": _each(key_ops=["encrypt"]),
    "jwks_other_alg": _each(alg="RS512"),
    "jwks_number_kid": _each(kid=7),
    "jwks_x5c_garbage": _each(x5c=["garbage"]),
    "jwks_same_kid": _same_kid,
    "kid_absent_several_keys": _before(SECOND),
    "kid_of_another_family": _before(OTHER_FAMILY),
    "other_alg": _before(OTHER_RSA),
    "small_key": _before(SMALL),
}
"""`broken_key_in_jwks`, `jwks_x5c_garbage` and `jwks_same_kid` have the right key too."""


async def jwks(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    if request.path != provider.jwks_path:
        raise web.HTTPNotFound
    if provider.misbehaviour == "jwks_garbage":
        return web.json_response({"keys": "none"})
    keys = KEY_SETS.get(provider.misbehaviour, list)(provider.public_keys())
    return web.json_response({"keys": [*keys, *([own_jwk()] if provider.decrypts_requests else [])]})


# WebFinger

ISSUER_RELATION = "http://openid.net/specs/connect/1.0/issuer"


def _linked(href: str) -> Change:
    return lambda good: {**good, "links": [{"rel": ISSUER_RELATION, "href": href}]}


WEBFINGERS: Mapping[str, Change] = {
    "webfinger_other_subject": _with(subject="acct:somebody@other.example"),
    "webfinger_no_link": _with(links=[]),
    "webfinger_other_relation": lambda good: {**good, "links": [{**good["links"][0], "rel": "other"}]},
    "webfinger_other_issuer": _linked(OTHER_ISSUER),
    "webfinger_internal": _linked(INTERNAL),
    "webfinger_plain_http": _linked("http://login.example.com"),
    "webfinger_number_href": lambda good: {**good, "links": [{"rel": ISSUER_RELATION, "href": 7}]},
}


async def webfinger(provider: "MisbehavingProvider", request: web.Request) -> web.StreamResponse:
    resource = request.query.get("resource", "")
    if not resource or request.query.get("rel", ISSUER_RELATION) != ISSUER_RELATION:
        raise OAuthError(400, "invalid_request")
    good: Claims = {"subject": resource, "links": [{"rel": ISSUER_RELATION, "href": provider.issuer}]}
    told = WEBFINGERS.get(provider.misbehaviour, dict)(good)
    return web.json_response(told, content_type="application/jrd+json")


CHANGES = frozenset({"jwks_garbage"})

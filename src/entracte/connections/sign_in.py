"""One sign-in at a connection, from the address to send the browser to, to the proven person.

`begin` needs no network. `complete` speaks to the endpoints of the connection that the opened state
names, never to one that a parameter names, and holds no transaction while it does.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from entracte.connections.claims import MappedClaims, at_path, map_claims
from entracte.connections.client_secrets import client_of, previous_client_of
from entracte.connections.model import Connection, ConnectionConfig, ProfileSource
from entracte.connections.providers import Providers
from entracte.protocol.access_token import AccessTokenExpectation, verify_access_token
from entracte.protocol.authorization import Code, authorization_url, query_names, read_callback
from entracte.protocol.client_auth import Client
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.id_token import IdTokenExpectation, UnknownKey, VerifiedClaims, verify_id_token
from entracte.protocol.keys import KeySet
from entracte.protocol.seal import SealKeys, derive
from entracte.protocol.state import OpenedState, StateContent, code_verifier, nonce, seal_state
from entracte.protocol.token import Tokens, read_token_response, token_request
from entracte.protocol.userinfo import ProfileRequest, profile_request, read_person, read_userinfo

SHORT_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 characters that nobody mistakes for each other on the telephone."""
_CODE_LETTERS = re.compile(f"[{SHORT_CODE_ALPHABET}]{{6}}")
_LOOK_ALIKE = str.maketrans("1I", "LL")
_BETWEEN = re.compile(r"[\s._\u2010-\u2015\u2212-]+")
"""Blanks, dots, and every hyphen and dash that a phone or a letter makes of a hyphen."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that may begin: where the browser goes, and the code that the participant may quote."""

    url: str = field(repr=False)
    short_code: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A proven person. Made only by `complete`. `person` is a keyed hash of issuer and subject."""

    mapped: MappedClaims
    person: bytes = field(repr=False)


def begin(
    connection: Connection,
    content: StateContent,
    keys: SealKeys,
    *,
    redirect_uri: str,
    language: str,
    another_account: bool,
) -> Begun:
    """Seal a state and write the authorization URL. `another_account` asks the server to show its login
    (`prompt=login`, OpenID Connect Core section 3.1.2.1) even to somebody whom it knows."""
    state = seal_state(content, keys)
    config = connection.config
    asked: dict[str, str] = {"ui_locales": language} if config.is_openid else {}
    asked.update(config.extra_parameters)
    if another_account:
        asked["prompt"] = "login"
    # what the endpoint's own query says already stands (RFC 6749 section 3.1: no parameter twice)
    said = query_names(config.authorization_endpoint)
    url = authorization_url(
        config.authorization_endpoint,
        client_id=config.client_id,
        redirect_uri=redirect_uri,
        scope=config.scopes,
        state=state,
        nonce=nonce(state, keys),
        code_verifier=code_verifier(state, keys),
        extra={name: value for name, value in asked.items() if name not in said},
    )
    return Begun(url, short_code(state, keys))


def short_code(state: str, keys: SealKeys) -> str:
    """The code of an attempt that the participant may quote, such as `K7Q-2M4`: 30 bits derived from the state."""
    return code_of(int.from_bytes(derive(state, "short code", keys)[:4], "big"))


def code_of(number: int) -> str:
    """The low 30 bits of a number as a short code."""
    letters = "".join(SHORT_CODE_ALPHABET[(number >> shift) & 31] for shift in range(0, 30, 5))
    return f"{letters[:3]}-{letters[3:]}"


def short_code_from(text: str) -> str:
    """A short code as people say and type it: in small letters, with blanks or without the hyphen, a one for an L. What
    can be no code is empty, and nobody's."""
    letters = _BETWEEN.sub("", text).upper().translate(_LOOK_ALIKE)
    return f"{letters[:3]}-{letters[3:]}" if _CODE_LETTERS.fullmatch(letters) else ""


async def complete(
    opened: OpenedState,
    parameters: Mapping[str, str],
    connection: Connection,
    *,
    providers: Providers,
    keys: SealKeys,
    person_key: bytes,
    redirect_uri: str,
    now: int,
) -> SignedIn:
    """Redeem the code and prove the answer. The caller has proven the browser and consumed the attempt.

    Raises `Refused` with the reason to record; after a refusal no further endpoint is called.
    """
    config = connection.config
    code = read_callback(parameters, issuer=config.issuer, issuer_announced=config.issuer_in_response)
    tokens = await _redeem(code, opened.code_verifier, connection, providers, keys, redirect_uri)
    id_token = await _prove_id_token(tokens, config, opened.nonce, providers, now) if config.is_openid else None
    claims = await _SOURCES[config.profile_source](config, tokens, id_token, providers, now)
    subject = id_token.subject if id_token else _subject_of(claims, config)
    issuer = config.issuer or f"connection {connection.number}"
    return SignedIn(map_claims(claims, config), person_hash(person_key, issuer, subject))


async def _redeem(
    code: Code, verifier: str, connection: Connection, providers: Providers, keys: SealKeys, redirect_uri: str
) -> Tokens:
    """The tokens for the code. A server that does not know the client by its current secret is asked once more with the
    previous one, while there is one: a client that was refused has not spent the code (RFC 6749 section 5.2)."""

    async def ask(client: Client) -> Tokens:
        endpoint = connection.config.token_endpoint
        request = token_request(endpoint, client, code, redirect_uri=redirect_uri, code_verifier=verifier)
        return read_token_response(await providers.fetch(request))

    try:
        return await ask(client_of(connection, keys))
    except Refused as refusal:
        if refusal.reason is not Reason.CLIENT_REFUSED:
            raise
        previous = previous_client_of(connection, keys)
        if previous is None:
            raise
    return await ask(previous)


def person_hash(person_key: bytes, issuer: str, subject: str) -> bytes:
    """The only trace of a subject that is kept: a keyed hash of (issuer, subject), byte-exact."""
    return hmac.digest(person_key, issuer.encode() + b"\0" + subject.encode(), sha256)


async def _prove_id_token(
    tokens: Tokens, config: ConnectionConfig, expected_nonce: str, providers: Providers, now: int
) -> VerifiedClaims:
    if tokens.id_token is None:
        raise refuse(Reason.ID_TOKEN_MISSING)
    id_token = tokens.id_token
    expectation = IdTokenExpectation(
        config.issuer, config.client_id, expected_nonce, frozenset(config.id_token_algorithms)
    )

    def verify(key_set: KeySet) -> VerifiedClaims:
        return verify_id_token(id_token, key_set, expectation, now=now, access_token=tokens.access_token)

    key_set = await providers.key_set(config.jwks_uri)
    try:
        return verify(key_set)
    except UnknownKey:
        return _verify_again(verify, await providers.key_set_after(config.jwks_uri, key_set))


def _verify_again(verify: Callable[[KeySet], VerifiedClaims], key_set: KeySet) -> VerifiedClaims:
    """After the one refetch an unknown key is a refusal."""
    try:
        return verify(key_set)
    except UnknownKey:
        raise refuse(Reason.TOKEN_KEY) from None


async def _from_id_token(
    config: ConnectionConfig, tokens: Tokens, id_token: VerifiedClaims | None, providers: Providers, now: int
) -> Mapping[str, Any]:
    if id_token is None:
        raise refuse(Reason.ID_TOKEN_MISSING)
    return id_token.claims


async def _from_access_token(
    config: ConnectionConfig, tokens: Tokens, id_token: VerifiedClaims | None, providers: Providers, now: int
) -> Mapping[str, Any]:
    expectation = AccessTokenExpectation(
        config.issuer,
        config.access_token_audience,
        frozenset(config.id_token_algorithms),
        frozenset(config.access_token_types),
    )

    def verify(key_set: KeySet) -> VerifiedClaims:
        return verify_access_token(tokens.access_token, key_set, expectation, now=now)

    key_set = await providers.key_set(config.jwks_uri)
    try:
        return verify(key_set).claims
    except UnknownKey:
        return _verify_again(verify, await providers.key_set_after(config.jwks_uri, key_set)).claims


async def _from_userinfo(
    config: ConnectionConfig, tokens: Tokens, id_token: VerifiedClaims | None, providers: Providers, now: int
) -> Mapping[str, Any]:
    response = await providers.fetch(profile_request(ProfileRequest(config.userinfo_endpoint), tokens.access_token))
    return read_userinfo(response, subject=id_token.subject if id_token else None)


async def _from_rest(
    config: ConnectionConfig, tokens: Tokens, id_token: VerifiedClaims | None, providers: Providers, now: int
) -> Mapping[str, Any]:
    rest = config.rest
    if rest is None:
        raise refuse(Reason.PROFILE_INCOMPLETE)
    request = profile_request(ProfileRequest(rest.url, rest.method, rest.bearer), tokens.access_token)
    return read_person(await providers.fetch(request), rest.person)


_SOURCES = {
    ProfileSource.ID_TOKEN: _from_id_token,
    ProfileSource.ACCESS_TOKEN: _from_access_token,
    ProfileSource.USERINFO: _from_userinfo,
    ProfileSource.REST: _from_rest,
}


def _subject_of(claims: Mapping[str, Any], config: ConnectionConfig) -> str:
    """The subject where there is no ID token: a claim that the connection names."""
    path = config.rest.subject if config.profile_source is ProfileSource.REST and config.rest else "sub"
    subject = at_path(claims, path)
    if isinstance(subject, bool) or not isinstance(subject, (str, int)) or subject == "":
        raise refuse(Reason.PROFILE_INCOMPLETE, f"no subject at {path}")
    return str(subject)

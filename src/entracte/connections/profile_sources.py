"""Where the profile comes from, once the person is proven: the ID token, the JWT access token, UserInfo, a REST API of
the brand or token introspection; with what other servers vouch for, where the connection trusts them.

Tokens live as long as this takes. A connection that opts in has an access token that was not taken refreshed, and what
is left over revoked.
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from entracte.connections.claims import at_path
from entracte.connections.claims_of_others import with_sources
from entracte.connections.model import ConnectionConfig
from entracte.connections.required_claims import check_account
from entracte.connections.server import Server
from entracte.connections.settings import Encrypted, Signed
from entracte.connections.sources import ProfileSource
from entracte.protocol.access_token import AccessTokenExpectation, verify_access_token
from entracte.protocol.claim_rules import is_subject
from entracte.protocol.client_auth import Client, Moment
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.id_token import IdTokenExpectation, VerifiedClaims
from entracte.protocol.introspection import (
    ActiveToken,
    IntrospectionExpectation,
    introspection_request,
    read_introspection,
    read_introspection_token,
    verify_introspection,
)
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.protocol.refresh import first_sign_in, read_refresh_response, refresh_request, verify_refreshed_id_token
from entracte.protocol.revocation import TokenType, read_revocation, revocation_request
from entracte.protocol.token import Tokens
from entracte.protocol.userinfo import (
    TOKEN_TYPE,
    ProfileRequest,
    UserInfoExpectation,
    profile_request,
    read_person,
    read_userinfo,
    read_userinfo_token,
    verify_userinfo,
)
from entracte.values import Secret

MOST_REFRESHES = 2
"""How often one sign-in has its access token refreshed: a server that never takes one is given up."""


@dataclass(slots=True)
class Granted:
    """What one sign-in was granted. `tokens` change when they are refreshed; None for `id_token` where none is asked
    for."""

    server: Server
    tokens: Tokens = field(repr=False)
    id_token: VerifiedClaims | None = field(repr=False)

    @property
    def config(self) -> ConnectionConfig:
        return self.server.config

    @property
    def subject(self) -> str | None:
        """The proven `sub`; None where there is no ID token."""
        return self.id_token.subject if self.id_token else None


async def profile_claims(granted: Granted) -> Mapping[str, Any]:
    """The claims of the connection's source, with what others vouch for. Refuses as the readers do, and
    `ACCOUNT_NOT_ACCEPTED`: by the ID token before anything is asked; where there is none, by what the source itself
    says, and never by what others vouch for."""
    config = granted.config
    if granted.id_token is not None:
        check_account(granted.id_token.claims, config.required_claims)
    active = await _introspected(granted) if config.introspects else None
    if config.profile_source is ProfileSource.INTROSPECTION:
        claims = _of_introspection(active)
    else:
        claims = await _SOURCES[config.profile_source](granted)
    if granted.id_token is None:
        check_account(claims, config.required_claims)
    return await with_sources(granted.server, claims)


def subject_of(granted: Granted, claims: Mapping[str, Any]) -> str:
    """The subject: the proven one, or, where there is no ID token, the claim that the connection names. Refuses
    `PROFILE_INCOMPLETE` for what can be no `sub` either."""
    if granted.subject is not None:
        return granted.subject
    rest = granted.config.rest if granted.config.profile_source is ProfileSource.REST else None
    path = rest.subject if rest else "sub"
    found = at_path(claims, path)
    subject = _identifier(found) if rest else found
    if not is_subject(subject):
        raise refuse(Reason.PROFILE_INCOMPLETE, f"no subject at {path}")
    return str(subject)


def _identifier(found: Any) -> Any:
    """What a REST API knows a person by, as text: many count theirs. The number 1 and the text "1" are one person. In
    one place of one API they never are two, for it keeps identifiers of one type; and an API that begins to write its
    numbers as texts, which is common, still means the same people. A fraction has several spellings, and a truth value
    is two people at most: neither identifies anybody."""
    return str(found) if type(found) is int else found


async def give_back(granted: Granted) -> None:
    """Revoke what is left over, where the connection says so (RFC 7009). The person is signed in whatever becomes of
    it: a server that does not answer keeps nobody waiting for a second answer."""
    config, tokens = granted.config, granted.tokens
    if not config.revoke_tokens:
        return
    # revoking the refresh token ends the access tokens of the same grant (section 2.1)
    token, kind = (tokens.access_token, TokenType.ACCESS)
    if tokens.refresh_token is not None:
        token, kind = (tokens.refresh_token, TokenType.REFRESH)

    def ask(client: Client, moment: Moment, headers: Mapping[str, Secret]) -> HttpRequest:
        return revocation_request(config.revocation_endpoint, client, token, kind, moment=moment, headers=headers)

    with contextlib.suppress(Refused):
        await granted.server.ask_as_client(
            config.revocation_endpoint, ask, lambda answer: read_revocation(answer, now=granted.server.now)
        )


# Asking with the access token


async def _ask_with_token(granted: Granted, how: ProfileRequest) -> HttpResponse:
    """What a protected resource answers; where it does not take the access token, and the connection says so, once more
    with a refreshed one."""
    for _ in range(MOST_REFRESHES if granted.config.refresh_tokens else 0):
        answer = await _asked(granted, how)
        if answer.status != 401 or granted.tokens.refresh_token is None:
            return answer
        await _refresh(granted, granted.tokens.refresh_token)
    return await _asked(granted, how)


async def _asked(granted: Granted, how: ProfileRequest) -> HttpResponse:
    token = granted.tokens.access_token
    return await granted.server.ask_with_token(
        how.method, how.url, token, lambda proven: profile_request(how, token, proven=proven)
    )


async def _refresh(granted: Granted, refresh_token: Secret) -> None:
    """New tokens for the refresh token; the ID token that comes with them tells of the same person or ends it (OpenID
    Connect Core section 12.2)."""
    server, config = granted.server, granted.config

    def ask(client: Client, moment: Moment, headers: Mapping[str, Secret]) -> HttpRequest:
        return refresh_request(
            config.token_endpoint, client, refresh_token, resource=config.resource, moment=moment, headers=headers
        )

    token_type = "dpop" if config.dpop else "bearer"
    tokens = await server.ask_as_client(
        config.token_endpoint,
        ask,
        lambda answer: read_refresh_response(answer, refresh_token, token_type=token_type),
    )
    if granted.id_token is not None and tokens.id_token is not None:
        await _prove_refreshed(server, tokens.id_token, tokens.access_token, granted.id_token)
    granted.tokens = tokens


async def _prove_refreshed(server: Server, id_token: Secret, access_token: Secret, first: VerifiedClaims) -> None:
    config = server.config
    token = server.opened(id_token, encrypted=Encrypted.ID_TOKEN in config.encrypted)
    expectation = IdTokenExpectation(config.issuer, config.client_id, "", frozenset(config.id_token_algorithms))
    remembered = first_sign_in(first)
    await server.proven(
        config.id_token_algorithms,
        lambda keys: verify_refreshed_id_token(
            token, keys, expectation, remembered, now=server.now, access_token=access_token
        ),
    )


# The sources


async def _from_id_token(granted: Granted) -> Mapping[str, Any]:
    if granted.id_token is None:
        raise refuse(Reason.ID_TOKEN_MISSING)
    return granted.id_token.claims


async def _from_access_token(granted: Granted) -> Mapping[str, Any]:
    config, server = granted.config, granted.server
    algorithms = config.algorithms_of(Signed.ACCESS_TOKEN)
    expectation = AccessTokenExpectation(
        config.issuer, config.access_token_audience, frozenset(algorithms), frozenset(config.access_token_types)
    )
    proven = await server.proven(
        algorithms,
        lambda keys: verify_access_token(granted.tokens.access_token, keys, expectation, now=server.now),
    )
    if granted.subject not in (None, proven.subject):
        raise refuse(Reason.TOKEN_SUBJECT, "The access token tells of another person than the ID token.")
    return proven.claims


async def _from_userinfo(granted: Granted) -> Mapping[str, Any]:
    config, server = granted.config, granted.server
    encrypted = Encrypted.USERINFO in config.encrypted
    as_token = config.signed_userinfo or encrypted
    how = ProfileRequest(
        config.userinfo_endpoint,
        bearer=config.userinfo_bearer,
        accept=TOKEN_TYPE if as_token else "application/json",
    )
    response = await _ask_with_token(granted, how)
    if not as_token:
        return read_userinfo(response, subject=granted.subject)
    token = server.opened(read_userinfo_token(response), encrypted=encrypted)
    algorithms = config.algorithms_of(Signed.USERINFO)
    expectation = UserInfoExpectation(config.issuer, config.client_id, frozenset(algorithms))
    return await server.proven(
        algorithms, lambda keys: verify_userinfo(token, keys, expectation, subject=granted.subject, now=server.now)
    )


async def _from_rest(granted: Granted) -> Mapping[str, Any]:
    rest = granted.config.rest
    if rest is None:
        raise refuse(Reason.PROFILE_INCOMPLETE)
    how = ProfileRequest(rest.url, rest.method, rest.bearer)
    return read_person(await _ask_with_token(granted, how), rest.person)


_SOURCES: Mapping[ProfileSource, Callable[[Granted], Awaitable[Mapping[str, Any]]]] = MappingProxyType(
    {
        ProfileSource.ID_TOKEN: _from_id_token,
        ProfileSource.ACCESS_TOKEN: _from_access_token,
        ProfileSource.USERINFO: _from_userinfo,
        ProfileSource.REST: _from_rest,
    }
)


# Introspection


async def _introspected(granted: Granted) -> ActiveToken:
    """What the server says of the access token; it has to be active, and of this person (RFC 7662)."""
    config, server = granted.config, granted.server
    token, algorithms = granted.tokens.access_token, config.algorithms_of(Signed.INTROSPECTION)
    expectation = IntrospectionExpectation(
        config.issuer, config.client_id, config.access_token_audience, granted.subject, frozenset(algorithms)
    )

    def ask(client: Client, moment: Moment, headers: Mapping[str, Secret]) -> HttpRequest:
        return introspection_request(
            config.introspection_endpoint,
            client,
            token,
            moment=moment,
            headers=headers,
            signed=config.signed_introspection,
        )

    if not config.signed_introspection:
        return await server.ask_as_client(
            config.introspection_endpoint, ask, lambda answer: read_introspection(answer, expectation, now=server.now)
        )
    answer = await server.ask_as_client(config.introspection_endpoint, ask, read_introspection_token)
    return await server.proven(algorithms, lambda keys: verify_introspection(answer, keys, expectation, now=server.now))


def _of_introspection(active: ActiveToken | None) -> Mapping[str, Any]:
    if active is None or active.subject is None:
        raise refuse(Reason.PROFILE_INCOMPLETE, "The introspection names no subject.")
    return active.claims

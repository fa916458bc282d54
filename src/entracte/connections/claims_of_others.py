"""What others vouch for: aggregated and distributed claims, from the sources that a connection trusts (OpenID Connect
Core section 5.6.2)."""

from collections.abc import Mapping
from typing import Any

from entracte.connections.providers import asking_for
from entracte.connections.server import Server
from entracte.protocol.claim_sources import (
    AggregatedSource,
    ClaimSource,
    SourcedClaims,
    TrustedSource,
    claim_request,
    is_allowed,
    issuer_inside,
    merge_claims,
    read_claim_sources,
    read_claim_token,
    verify_claim_source,
)
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.values import Secret

_SILENT = frozenset(
    {Reason.PROVIDER_UNREACHABLE, Reason.PROVIDER_TIMEOUT, Reason.PROVIDER_BUSY, Reason.PROVIDER_PAUSED}
)
"""Why somebody has not answered, which says nothing about the person."""


async def with_sources(server: Server, claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claims with those of the other sources that the connection trusts (OpenID Connect Core section 5.6.2). Those
    of anybody else are left out, and so are those of a server that does not answer: the person can still type them. A
    connection that trusts nobody reads none."""
    if not server.config.claim_sources:
        return claims
    proven = [await _proven_source(server, source) for source in read_claim_sources(claims)]
    return merge_claims(claims, [one for one in proven if one is not None]).claims if proven else claims


async def _proven_source(server: Server, source: ClaimSource) -> SourcedClaims | None:
    """None for what is left out. What a trusted source is said to say is proven, or the sign-in is refused."""
    token = await _token_of(server, source)
    if token is None:
        return None
    issuer = issuer_inside(token)
    if not issuer:
        raise refuse(Reason.CLAIM_SOURCE, "A source has no signed token that names its issuer.")
    allowed = server.config.claim_sources.get(issuer)
    if allowed is None:
        return None

    def verify(keys: Any) -> SourcedClaims:
        trusted = TrustedSource(issuer, keys, frozenset(allowed.algorithms), frozenset(allowed.origins))
        return verify_claim_source(token, source, trusted, client_id=server.config.client_id, now=server.now)

    return await server.proven_by(allowed.jwks_uri, verify)


async def _token_of(server: Server, source: ClaimSource) -> Secret | None:
    """The source's token. None where it is at a place that the connection does not allow, which is not asked, and where
    nobody answers."""
    if isinstance(source, AggregatedSource):
        return source.token
    origins = {origin for trusted in server.config.claim_sources.values() for origin in trusted.origins}
    if not is_allowed(source, origins):
        return None
    try:
        ask = asking_for(server.connection.organization, server.providers.document)
        answer = await ask(claim_request(source, origins))
    except Refused as refusal:
        if refusal.reason in _SILENT:
            return None
        raise
    return read_claim_token(answer)

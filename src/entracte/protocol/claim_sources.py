"""Claims that somebody else vouches for (OpenID Connect Core section 5.6.2): aggregated ones come along as a token,
distributed ones are fetched from another server.

Whoever writes the first document chooses the sources, so none is taken that the connection does not allow by its
issuer, and none can replace what the first document said.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from entracte.protocol import claim_rules, jws
from entracte.protocol.addresses import origin, usable_address
from entracte.protocol.base64url import decode
from entracte.protocol.claim_rules import ClaimRule, audiences
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.json_documents import SUCCESS, MalformedJson, parse_json_object, refused_status
from entracte.protocol.keys import KeySet
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose
from entracte.values import Secret

MAXIMUM_SOURCES = 5
MAXIMUM_NAMES = 50
MEDIA_TYPE = "application/jwt"
TYPES = frozenset({"jwt", MEDIA_TYPE})
"""The `typ` that the token may have, lower case, when it has one: a token for something else is none of these."""

PROTECTED = frozenset(
    {
        "iss", "sub", "aud", "azp", "exp", "nbf", "iat", "jti", "nonce", "auth_time", "acr", "amr", "sid", "events",
        "at_hash", "c_hash", "s_hash", "cnf", "email_verified", "phone_number_verified", "_claim_names",
        "_claim_sources",
    }
)  # fmt: skip
"""What nobody but the authorization server itself can say."""
VOUCHERS: Mapping[str, str] = MappingProxyType({"email": "email_verified", "phone_number": "phone_number_verified"})
"""Claim -> the one that vouches for it. A value of another source must not come under it (MUST 29)."""

_STRUCTURE = ("_claim_names", "_claim_sources")
_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]+")
_STATUSES: Mapping[int, Reason] = MappingProxyType({401: Reason.CLAIM_SOURCE, 403: Reason.CLAIM_SOURCE})


@dataclass(frozen=True, slots=True)
class AggregatedSource:
    """Claims that came along, not proven yet. Made only by `read_claim_sources`."""

    names: frozenset[str]
    token: Secret


@dataclass(frozen=True, slots=True)
class DistributedSource:
    """Claims that are to be fetched. Made only by `read_claim_sources`."""

    names: frozenset[str]
    endpoint: str
    access_token: Secret | None


ClaimSource = AggregatedSource | DistributedSource


@dataclass(frozen=True, slots=True)
class TrustedSource:
    """One line of what a connection allows."""

    issuer: str
    keys: KeySet
    algorithms: frozenset[str]
    origins: frozenset[str] = frozenset()
    """Where its distributed claims may be fetched, as `addresses.origin` writes it; none: only aggregated ones."""


@dataclass(frozen=True, slots=True)
class SourcedClaims:
    """The claims that a source was named for, proven. Made only by `verify_claim_source`."""

    issuer: str
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MergedClaims:
    """A document with what its sources added, and who said that. Made only by `merge_claims`."""

    claims: Mapping[str, Any] = field(repr=False)
    issuers: Mapping[str, str]
    """Claim -> issuer, of those that are not the document's own."""


def read_claim_sources(document: Mapping[str, Any]) -> tuple[ClaimSource, ...]:
    """The sources that a proven document names, none when it names none. Refuses `CLAIM_SOURCE` for what can not be
    read, for too many, and when a source is to say one of the `PROTECTED` claims."""
    if "_claim_names" not in document:
        return ()
    names, sources = (_member(document, name) for name in _STRUCTURE)
    if len(names) > MAXIMUM_NAMES:
        raise _refused(f"There are more than {MAXIMUM_NAMES} claims of others.")
    by_source: dict[str, set[str]] = {}
    for name, source in names.items():
        if not isinstance(source, str) or _base(name) in PROTECTED:
            raise _refused("A claim is not for others to say, or its source has no name.")
        by_source.setdefault(source, set()).add(name)
    if len(by_source) > MAXIMUM_SOURCES:
        raise _refused(f"There are more than {MAXIMUM_SOURCES} sources.")
    return tuple(_source(_member(sources, source), frozenset(claims)) for source, claims in by_source.items())


def _member(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise _refused("The sources of claims are not described.")
    return value


def _source(described: Mapping[str, Any], names: frozenset[str]) -> ClaimSource:
    if ("JWT" in described) == ("endpoint" in described):
        raise _refused("A source has to have a token or an endpoint, and one of them.")
    if "JWT" in described:
        return AggregatedSource(names, Secret(_text(described["JWT"])))
    access_token = described.get("access_token")
    bearer = Secret(_text(access_token)) if access_token is not None else None
    return DistributedSource(names, _text(described["endpoint"]), bearer)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _refused("A source is described by something that is not a text.")
    return value


def _base(name: str) -> str:
    """The claim without its language (section 5.2)."""
    return name.partition("#")[0]


def _refused(evidence: str) -> Refused:
    return refuse(Reason.CLAIM_SOURCE, evidence)


def is_allowed(source: DistributedSource, origins: Collection[str]) -> bool:
    """Whether a source is at one of these origins. Refuses `CLAIM_SOURCE` for what is no address."""
    return _origin(source) in origins


def claim_request(source: DistributedSource, origins: Collection[str]) -> HttpRequest:
    """The request for distributed claims. `origins` are all that the connection allows. Refuses `CLAIM_SOURCE`."""
    bearer = source.access_token.reveal() if source.access_token is not None else None
    if bearer is not None and _ACCESS_TOKEN.fullmatch(bearer) is None:
        raise _refused("The access token of a source has characters that can not stand in a header.")
    if not is_allowed(source, origins):
        raise _refused("The endpoint of a source is none that the connection allows.")
    headers = {"Authorization": Secret(f"Bearer {bearer}")} if bearer is not None else {}
    return HttpRequest("GET", source.endpoint, accept=MEDIA_TYPE, secret_headers=headers, purpose=Purpose.CLAIM_SOURCE)


def _origin(source: DistributedSource) -> str:
    """Plain http has no origin here unless the connection allows that one by name: the list decides, not the scheme."""
    try:
        return origin(usable_address(source.endpoint, lambda _host: True))
    except ValueError:
        raise _refused("The endpoint of a source is no address that can be used.") from None


def read_claim_token(response: HttpResponse) -> Secret:
    """The answer with distributed claims, a token that is not proven yet (section 5.6.2: application/jwt). Refuses
    `CLAIM_SOURCE` (401, 403), `RESPONSE_MALFORMED`, `TOKEN_MALFORMED`, `PROVIDER_ERROR` and `RESPONSE_REDIRECTED`."""
    if response.status not in SUCCESS:
        raise refused_status(response.status, outcomes=_STATUSES)
    if response.media_type != MEDIA_TYPE:
        raise refuse(Reason.RESPONSE_MALFORMED, f"The media type of the claims is not {MEDIA_TYPE}.")
    if len(response.body) > jws.MAXIMUM_BYTES or not response.body.isascii():
        raise refuse(Reason.TOKEN_MALFORMED, "The claims are not a token within the limits.")
    return Secret(response.body.decode("ascii").strip())


def issuer_inside(token: Secret) -> str:
    """The `iss` of a token before anything is proven: enough to look it up among those that are allowed. Empty when
    there is none to be read; an unsigned token is not read at all."""
    text = token.reveal()
    parts = text.split(".", 3)
    if len(text) > jws.MAXIMUM_BYTES or len(parts) != 3 or not parts[2]:
        return ""
    try:
        issuer = parse_json_object(decode(parts[1])).get("iss")
    except (MalformedJson, ValueError):
        return ""
    return issuer if isinstance(issuer, str) else ""


@dataclass(frozen=True, slots=True)
class _Expectation:
    issuer: str
    client_id: str


def _same_issuer(value: str, expectation: _Expectation, _now: int) -> bool:
    return value == expectation.issuer


def _issuer_difference(value: str, expectation: _Expectation) -> str:
    return difference(expectation.issuer, value)


def _for_us(value: Any, expectation: _Expectation, _now: int) -> bool:
    return expectation.client_id in audiences(value)


RULES: tuple[ClaimRule[_Expectation], ...] = (
    ClaimRule("iss", claim_rules.is_text, _same_issuer, Reason.TOKEN_ISSUER, explain=_issuer_difference),
    ClaimRule("aud", claim_rules.is_audience, _for_us, Reason.TOKEN_AUDIENCE, required=False),
    ClaimRule("exp", claim_rules.is_number, claim_rules.not_expired, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("nbf", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
    ClaimRule("iat", claim_rules.is_number, claim_rules.not_in_the_future, Reason.TOKEN_EXPIRED, required=False),
)
"""RFC 7519 as a table, in the order of the checks. The specification asks for no claim; `iss` is needed, because a
token of nobody can not be on a list. Its `sub` is that of the other server (section 5.6.2), and is not read."""


def verify_claim_source(
    token: Secret, source: ClaimSource, trusted: TrustedSource, *, client_id: str, now: int
) -> SourcedClaims:
    """The claims that the source was named for, after its signature; what else the token says is left. Refuses
    `TOKEN_*` and, for a distributed source that was not fetched from this issuer's origins, `CLAIM_SOURCE`;
    `UnknownKey` as for an ID token."""
    if isinstance(source, DistributedSource) and _origin(source) not in trusted.origins:
        raise _refused("The endpoint of a source is not that of the issuer.")
    verified = jws.verify_signature(token, trusted.keys, trusted.algorithms)
    kind = verified.header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise refuse(Reason.TOKEN_CLAIM, "The header's `typ` is not that of a token with claims.")
    claim_rules.check_claims(verified.claims, RULES, _Expectation(trusted.issuer, client_id), now)
    return SourcedClaims(
        trusted.issuer, {name: value for name, value in verified.claims.items() if name in source.names}
    )


def merge_claims(document: Mapping[str, Any], proven: Sequence[SourcedClaims]) -> MergedClaims:
    """The document with what its sources add. What it says itself stays, and the first source that says something is
    believed. Nothing comes in under a claim of the document that would vouch for it."""
    claims = {name: value for name, value in document.items() if name not in _STRUCTURE}
    issuers: dict[str, str] = {}
    for source in proven:
        for name, value in source.claims.items():
            if name not in claims and VOUCHERS.get(_base(name)) not in claims:
                claims[name] = value
                issuers[name] = source.issuer
    return MergedClaims(claims, issuers)

"""Metadata that was asked for, remembered, and what in it differs from what a connection keeps.

Each issuer is asked at most every `REFETCH_INTERVAL` seconds, requests that arrive together share one asking, and while
it is down its last good document answers, for at most `STALE_MAXIMUM` seconds, and says so. A sign-in does not need any
of this: it uses what the connection keeps.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from entracte.connections.configuration import read_config
from entracte.connections.manage import named, reconfigure
from entracte.connections.metadata import (
    InsecureAllowed,
    aliases_of,
    check_has_issuer,
    check_metadata,
    discover,
    endpoints_of,
)
from entracte.connections.model import Connection, ConnectionConfig, Connections
from entracte.connections.profiles import fixed_by
from entracte.connections.providers import REFETCH_INTERVAL, STALE_MAXIMUM, Fetch, asking_for
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.metadata import Metadata
from entracte.protocol.seal import SealKeys
from entracte.values import Clock, OrganizationNumber

MOST_ISSUERS = 4096
NEEDS_APPROVAL: Mapping[str, str] = {
    "token_endpoint": "it gets our proof and the codes",
    "pushed_authorization_request_endpoint": "it gets our proof",
    "introspection_endpoint": "it gets our proof and access tokens",
    "revocation_endpoint": "it gets our proof and access tokens",
    "userinfo_endpoint": "it gets access tokens",
    "end_session_endpoint": "it gets ID tokens, as the hint whose session ends",
    "check_session_iframe": "it gets what our page tells of the session",
    "jwks_uri": "its keys prove who somebody is",
    "issuer_in_response": "it is a defence",
    "authorization_endpoint": "people type their password there",
}
"""What a member has to approve when it changes, and why (RFC 9700 section 4.4)."""


@dataclass(frozen=True, slots=True)
class Known:
    """Metadata, and since when. `refusal` is why it could not be asked anew, where it is stale."""

    metadata: Metadata
    fetched_at: int
    refusal: Refused | None = None


@dataclass(slots=True)
class _Remembered:
    known: Known | None = None
    asked_at: int = -REFETCH_INTERVAL
    refusal: Refused | None = None
    refused_for: OrganizationNumber | None = None
    """Whose refusal it is: one that found no place says nothing to others."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MetadataMemory:
    """A process's memory of metadata, by issuer and by the kind of document."""

    def __init__(self, fetch: Fetch, insecure_allowed: InsecureAllowed, clock: Clock) -> None:
        self._fetch = fetch
        self._insecure_allowed = insecure_allowed
        self._clock = clock
        self._remembered: dict[tuple[str, bool], _Remembered] = {}

    async def ask(self, organization: OrganizationNumber, issuer: str, *, openid: bool) -> Known:
        """The metadata as it is now, or as it was when the issuer last answered. It is asked on behalf of an
        organization. Refuses as `discover` does when there is none, or none that is good any more. What was refused for
        what it says is never answered with an older document: only silence is."""
        remembered = self._of(issuer, openid)
        async with remembered.lock:
            now = self._clock()
            of_others = remembered.refused_for not in (None, organization)
            if of_others or now - remembered.asked_at >= REFETCH_INTERVAL:
                remembered.asked_at = now
                await self._ask_into(remembered, organization, issuer, openid=openid, now=now)
        return _good(remembered, now)

    def _of(self, issuer: str, openid: bool) -> _Remembered:
        key = (issuer, openid)
        if key not in self._remembered:
            while len(self._remembered) >= MOST_ISSUERS:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = _Remembered()
        return self._remembered[key]

    async def _ask_into(
        self, remembered: _Remembered, organization: OrganizationNumber, issuer: str, *, openid: bool, now: int
    ) -> None:
        fetch, remembered.refused_for = asking_for(organization, self._fetch), None
        try:
            metadata = await discover(issuer, fetch, self._insecure_allowed, openid=openid)
        except Refused as refusal:
            remembered.refusal = refusal
            remembered.refused_for = organization if refusal.reason is Reason.PROVIDER_BUSY else None
        else:
            remembered.known, remembered.refusal = Known(metadata, now), None


_SILENT = frozenset(
    {
        Reason.PROVIDER_UNREACHABLE, Reason.PROVIDER_TIMEOUT, Reason.PROVIDER_ERROR, Reason.PROVIDER_BUSY,
        Reason.PROVIDER_PAUSED,
    }
)  # fmt: skip


def _good(remembered: _Remembered, now: int) -> Known:
    known, refusal = remembered.known, remembered.refusal
    if refusal is None:
        if known is None:  # the asking itself was cut off
            raise refuse(Reason.PROVIDER_UNREACHABLE)
        return known
    if known is None or refusal.reason not in _SILENT or now - known.fetched_at >= STALE_MAXIMUM:
        raise refuse(refusal.reason, refusal.evidence)
    return Known(known.metadata, known.fetched_at, refusal)


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that discovery says otherwise. `why` is why a member has to approve it; empty: nobody has to."""

    setting: str
    kept: Any
    found: Any
    why: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A connection beside its server's metadata."""

    connection: Connection
    known: Known
    differences: tuple[Difference, ...]


async def compare(
    connections: Connections, organization: OrganizationNumber, name: str, memory: MetadataMemory
) -> Compared:
    """What discovery says otherwise than the connection. Refuses as `ask` does. LocalError `connection_unknown`, and
    `connection_without_discovery` for one without an issuer."""
    kept = await named(connections, organization, name)
    check_has_issuer(kept)
    known = await memory.ask(organization, kept.config.issuer, openid=kept.config.is_openid)
    return Compared(kept, known, differences(kept.config, known.metadata))


def differences(config: ConnectionConfig, metadata: Metadata) -> tuple[Difference, ...]:
    """In the order of the settings. What a security profile fixes is not discovery's to say."""
    said = {"issuer_in_response": metadata.issuer_in_response, **endpoints_of(metadata), **aliases_of(metadata, config)}
    fixed = fixed_by(config.profile)
    return tuple(
        Difference(name, getattr(config, name), said[name], NEEDS_APPROVAL.get(name, ""))
        for name in type(config).model_fields
        if name in said and name not in fixed and getattr(config, name) != said[name]
    )


async def refresh(
    connections: Connections,
    compared: Compared,
    keys: SealKeys,
    insecure_allowed: InsecureAllowed,
    at: int,
    *,
    approve: bool,
    keep: Collection[str] = (),
) -> Connection:
    """Take over what discovery says otherwise, but for the settings in `keep`: all of it, or nothing. LocalError
    `connection_approval_missing` names what has to be approved; `connection_metadata_stale` when the server did not
    answer. Raises as `read_config` does, and refuses `METADATA_LACKS`."""
    if compared.known.refusal is not None:
        message = "The server does not answer now, and what it said before is not taken over."
        raise LocalError(Problem(Kind.CONFLICT, "connection_metadata_stale", message))
    taken = [one for one in compared.differences if one.setting not in keep]
    if not approve:
        check_approved(taken)
    kept = compared.connection
    settings = {**kept.config.model_dump(), **{one.setting: one.found for one in taken}}
    config = read_config(settings, insecure_allowed)
    check_metadata(compared.known.metadata, config)
    return await reconfigure(connections, kept.organization, config, keys, at)


def check_approved(taken: Collection[Difference]) -> None:
    """LocalError `connection_approval_missing` with a problem for each setting that has to be approved."""
    missing = [one for one in taken if one.why]
    if missing:
        hint = "Approve it when the server's people say so, or keep what there is."
        raise LocalError(
            *(
                Problem(
                    Kind.CONFLICT,
                    "connection_approval_missing",
                    f"{one.setting} has changed, and {one.why}: {one.found or 'nothing'} instead of {one.kept}.",
                    hint,
                    where=one.setting,
                )
                for one in missing
            )
        )

"""What the database keeps sealed under the server's keys: the key of each organization's people, client secrets, and
what is kept of sessions at authorization servers.

Answers that the REST API keeps for repeated requests are sealed too, but not for long: they are left out.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Column, Connection, func, select

from entracte.connections.client_secrets import client_of, previous_client_of, registration_token_of, reseal
from entracte.connections.model import Connection as KeptConnection
from entracte.connections.own_keys import resealed
from entracte.organizations.model import Organization
from entracte.organizations.person_key import person_key_of, reseal_person_key
from entracte.participation.provider_sessions import is_sealed_otherwise
from entracte.participation.provider_sessions import resealed as resealed_session
from entracte.protocol.errors import Refused
from entracte.protocol.seal import SealKeys, decode
from entracte.store import tables
from entracte.store.connections import own_keys_of
from entracte.store.opened import Store

T = TypeVar("T")

SEALED = (
    tables.organization.c.sealed_person_key,
    tables.connection.c.sealed_secret,
    tables.connection.c.previous_sealed_secret,
    tables.connection.c.sealed_registration_token,
    tables.provider_session.c.sealed_id_token,
    tables.provider_session.c.sealed_session_state,
)
SESSIONS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many were sealed anew."""

    organizations: int
    connections: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What opens under the keys, and the names of what does not."""

    opening: int
    closed: tuple[str, ...]


async def numbers_in_use(store: Store) -> Counter[int]:
    """How many sealed texts there are by the number of their key."""

    def count(database: Connection) -> Counter[int]:
        counts: Counter[int] = Counter()
        for column in SEALED:
            counts.update(_numbers(database, column))
        counts.update(_numbers_of_own_keys(database))
        return counts

    return await store.commits.read(count)


def _numbers(database: Connection, column: Column[str]) -> Counter[int]:
    # the number is the first byte: the first two of the characters hold it, and four bits more
    start = func.substr(column, 1, 2)
    counts: Counter[int] = Counter()
    sealed = select(start, func.count()).where(column.is_not(None), column != "").group_by(start)
    for text, count in database.execute(sealed):
        counts[decode(f"{text}AA")[0]] += count
    return counts


def _numbers_of_own_keys(database: Connection) -> Counter[int]:
    column = tables.connection.c.own_keys
    return Counter(
        decode(key.sealed)[0]
        for (text,) in database.execute(select(column).where(column.is_not(None)))
        for key in own_keys_of(text)
    )


async def reseal_everything(store: Store, keys: SealKeys) -> Resealed:
    """Seal anew what an older key has sealed. What changes at the same time is not lost, and a second run has nothing
    left to do. Refuses `STATE_UNKNOWN_KEY` at the first text whose key is not there; what was done stays done."""
    organizations = connections = sessions = 0
    for owner in await store.organizations.everyone():
        organizations += await reseal_person_key(store.organizations, owner, keys)
        connections += await _reseal_connections(store, owner, keys)
        sessions += await _reseal_sessions(store, owner, keys)
    return Resealed(organizations, connections, sessions)


async def _reseal_connections(store: Store, owner: Organization, keys: SealKeys) -> int:
    count = 0
    for one in await store.connections.of(owner.number):
        sealed = [text for text in (one.sealed_secret, one.previous_sealed_secret) if text]
        sealed += [key.sealed for key in one.own_keys]
        sealed += [one.registration.sealed_token] if one.registration and one.registration.sealed_token else []
        if any(decode(text)[0] != keys.newest for text in sealed):
            changed = await store.connections.change(owner.number, one.config.name, lambda kept: reseal(kept, keys))
            count += changed is not None
    return count


async def _reseal_sessions(store: Store, owner: Organization, keys: SealKeys) -> int:
    count, place = 0, None
    while page := await store.provider_sessions.after(owner.number, place, SESSIONS_AT_ONCE):
        for kept in page:
            if is_sealed_otherwise(kept, keys):
                count += await store.provider_sessions.reseal(kept, resealed_session(kept, keys))
        place = page[-1].place
    return count


async def open_everything(store: Store, keys: SealKeys) -> Opened:
    """Try every key of people and every client secret."""
    found: list[tuple[str, bool]] = []
    for owner in await store.organizations.everyone():
        found.append((f"the people of {owner.name}", _opens(person_key_of, owner, keys)))
        for one in await store.connections.of(owner.number):
            readers: tuple[Callable[[KeptConnection, SealKeys], object], ...] = (
                client_of,
                previous_client_of,
                resealed,
                registration_token_of,
            )
            opens = all(_opens(read, one, keys) for read in readers)
            found.append((f"the connection {one.config.name} of {owner.name}", opens))
    return Opened(sum(opens for _, opens in found), tuple(name for name, opens in found if not opens))


def _opens(read: Callable[[T, SealKeys], object], kept: T, keys: SealKeys) -> bool:
    try:
        read(kept, keys)
    except Refused:
        return False
    return True

"""What the database keeps sealed under the server's keys: the key of each organization's people, and client secrets.

Answers that the REST API keeps for repeated requests are sealed too, but not for long: they are left out.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Column, Connection, func, select

from entracte.connections.client_secrets import client_of, previous_client_of, reseal
from entracte.organizations.model import Organization
from entracte.organizations.person_key import person_key_of, reseal_person_key
from entracte.protocol.errors import Refused
from entracte.protocol.seal import SealKeys, decode
from entracte.store import tables
from entracte.store.opened import Store

T = TypeVar("T")

SEALED = (
    tables.organization.c.sealed_person_key,
    tables.connection.c.sealed_secret,
    tables.connection.c.previous_sealed_secret,
)


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many were sealed anew."""

    organizations: int
    connections: int


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
        return counts

    return await store.commits.read(count)


def _numbers(database: Connection, column: Column[str]) -> Counter[int]:
    # the number is the first byte: the first two of the characters hold it, and four bits more
    start = func.substr(column, 1, 2)
    counts: Counter[int] = Counter()
    for text, count in database.execute(select(start, func.count()).where(column.is_not(None)).group_by(start)):
        counts[decode(f"{text}AA")[0]] += count
    return counts


async def reseal_everything(store: Store, keys: SealKeys) -> Resealed:
    """Seal anew what an older key has sealed. What changes at the same time is not lost, and a second run has nothing
    left to do. Refuses `STATE_UNKNOWN_KEY` at the first text whose key is not there; what was done stays done."""
    organizations = connections = 0
    for owner in await store.organizations.everyone():
        organizations += await reseal_person_key(store.organizations, owner, keys)
        connections += await _reseal_connections(store, owner, keys)
    return Resealed(organizations, connections)


async def _reseal_connections(store: Store, owner: Organization, keys: SealKeys) -> int:
    count = 0
    for one in await store.connections.of(owner.number):
        sealed = [text for text in (one.sealed_secret, one.previous_sealed_secret) if text is not None]
        if any(decode(text)[0] != keys.newest for text in sealed):
            changed = await store.connections.change(owner.number, one.config.name, lambda kept: reseal(kept, keys))
            count += changed is not None
    return count


async def open_everything(store: Store, keys: SealKeys) -> Opened:
    """Try every key of people and every client secret."""
    found: list[tuple[str, bool]] = []
    for owner in await store.organizations.everyone():
        found.append((f"the people of {owner.name}", _opens(person_key_of, owner, keys)))
        for one in await store.connections.of(owner.number):
            both = _opens(client_of, one, keys) and _opens(previous_client_of, one, keys)
            found.append((f"the connection {one.config.name} of {owner.name}", both))
    return Opened(sum(opens for _, opens in found), tuple(name for name, opens in found if not opens))


def _opens(read: Callable[[T, SealKeys], object], kept: T, keys: SealKeys) -> bool:
    try:
        read(kept, keys)
    except Refused:
        return False
    return True

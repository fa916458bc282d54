"""The connections of an organization: kept, changed, given secrets and keys, removed.

What is written here and in `configuration` is what the command and the REST API do.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from entracte.connections.client_secrets import (
    Place,
    check_secret,
    for_config,
    seal_secret,
    with_secret,
    without_secret,
)
from entracte.connections.configuration import configure, read_config
from entracte.connections.identity import set_up
from entracte.connections.key_rotation import rotated, without_leaked
from entracte.connections.metadata import InsecureAllowed, check_metadata, discover, from_metadata
from entracte.connections.model import Connection, ConnectionConfig, Connections
from entracte.connections.own_certificates import check_certificate
from entracte.connections.own_keys import new_keys, with_needed_keys
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.seal import SealKeys
from entracte.values import OrganizationNumber, Secret, entropy

__all__ = [
    "InsecureAllowed", "add", "add_secret", "attributes", "check_metadata", "check_same_name", "check_unused",
    "configure", "discover", "from_metadata", "make_keys", "named", "read_config", "reconfigure", "remove",
    "remove_secret", "replace_or_add", "rotate_keys",
]  # fmt: skip

Found = TypeVar("Found")


async def add(
    connections: Connections,
    organization: OrganizationNumber,
    config: ConnectionConfig,
    secret: Secret,
    keys: SealKeys,
    at: int | None = None,
) -> Connection:
    """Keep a connection; its secret is sealed and never shown again, and the keys of ours that it needs are made.
    Raises LocalError `connection_exists`, `connection_secret_missing`, and as `check_secret` and `check_certificate`
    do."""
    check_certificate(config, ())
    kept = await connections.add(organization, config, _sealed(secret, config, organization, keys), at)
    return await make_keys(connections, kept, keys, at or 0)


async def make_keys(connections: Connections, connection: Connection, keys: SealKeys, at: int) -> Connection:
    """The connection with every key of ours that its configuration needs."""
    with_keys = with_needed_keys(connection, keys, entropy, at)
    if with_keys is connection:
        return connection
    made = [key for key in with_keys.own_keys if key not in connection.own_keys]

    def keep(kept: Connection) -> Connection:
        # made before, because making one takes long; somebody else may have made the same meanwhile
        have = {(key.use, key.algorithm) for key in kept.own_keys}
        return replace(kept, own_keys=(*(key for key in made if (key.use, key.algorithm) not in have), *kept.own_keys))

    name = connection.config.name
    return _known(await connections.change(connection.organization, name, keep), name)


async def rotate_keys(
    connections: Connections,
    organization: OrganizationNumber,
    name: str,
    keys: SealKeys,
    at: int,
    *,
    leaked: bool = False,
) -> Connection:
    """A new key of ours for each use. Those before give way as `rotated` says; where they have leaked, at once
    (`without_leaked`). LocalError `connection_unknown` and `connection_keys_rotating`."""
    kept = await named(connections, organization, name)
    # made before they are kept, because making one takes long
    made = new_keys(kept, keys, entropy, at)

    def change(latest: Connection) -> Connection:
        return without_leaked(latest, made) if leaked else rotated(latest, made, at)

    return await make_keys(connections, _known(await connections.change(organization, name, change), name), keys, at)


def _sealed(secret: Secret, config: ConnectionConfig, organization: OrganizationNumber, keys: SealKeys) -> str:
    if not secret.reveal():
        if config.uses_secret:
            message = "The connection proves itself with a client secret, and there is none."
            raise LocalError(Problem(Kind.BAD_INPUT, "connection_secret_missing", message, where="client_secret"))
        return ""
    return seal_secret(check_secret(secret, config), organization, keys)


async def named(connections: Connections, organization: OrganizationNumber, name: str) -> Connection:
    """The connection of this name. LocalError `connection_unknown`: not there, or another organization's."""
    return _known(await connections.by_name(organization, name), name)


async def attributes(connections: Connections, organization: OrganizationNumber) -> dict[str, set[str]]:
    """The connections by name, each with the attributes that its claim map defines: what a campaign may ask for."""
    return {one.config.name: set(one.config.claims) for one in await connections.of(organization)}


def check_same_name(name: str, given: str) -> None:
    """A connection keeps its name. LocalError `connection_other_name`."""
    if name != given:
        message = f"This is the connection {name}, and a connection keeps its name."
        raise LocalError(Problem(Kind.BAD_INPUT, "connection_other_name", message, where="name"))


async def reconfigure(
    connections: Connections,
    organization: OrganizationNumber,
    config: ConnectionConfig,
    keys: SealKeys,
    at: int,
    *,
    secret: Secret | None = None,
) -> Connection:
    """Give the connection of this name another configuration; number, secrets and keys stay, but for secrets that it
    has no use for (`for_config`). A `secret` that is given with it becomes the current one. LocalError
    `connection_unknown`, `connection_secret_missing`, and as `check_secret` and `check_certificate` do."""
    sealed = seal_secret(check_secret(secret, config), organization, keys) if secret else ""

    def change(latest: Connection) -> Connection:
        check_certificate(config, latest.own_keys)
        kept = for_config(latest, config)
        if config.uses_secret and not (sealed or kept.sealed_secret):
            _sealed(Secret(""), config, organization, keys)
        with_it = with_secret(kept, sealed, at, replace_previous=True) if sealed else kept
        return set_up(with_it, config, at)

    changed = await connections.change(organization, config.name, change)
    return await make_keys(connections, _known(changed, config.name), keys, at)


async def remove(
    connections: Connections, organization: OrganizationNumber, name: str, campaigns: Collection[str]
) -> None:
    """Remove a connection that no published campaign uses; `campaigns` are those that do. LocalError
    `connection_unknown` and `connection_in_use`."""
    await named(connections, organization, name)
    check_unused(name, campaigns)
    if not await connections.remove(organization, name):
        raise _unknown(name)


def check_unused(name: str, campaigns: Collection[str]) -> None:
    """LocalError `connection_in_use` where published campaigns use the connection."""
    if campaigns:
        message = f"Published campaigns use the connection {name}: {', '.join(sorted(campaigns))}."
        hint = "Publish them with another connection first."
        raise LocalError(Problem(Kind.CONFLICT, "connection_in_use", message, hint))


async def add_secret(
    connections: Connections,
    organization: OrganizationNumber,
    name: str,
    secret: Secret,
    keys: SealKeys,
    at: int,
    *,
    replace_previous: bool = False,
) -> Connection:
    """Make this the current secret; the one that was becomes the previous one. LocalError `connection_unknown`,
    `connection_secrets_full`, and as `check_secret` does."""

    def change(kept: Connection) -> Connection:
        sealed = seal_secret(check_secret(secret, kept.config), organization, keys)
        return with_secret(kept, sealed, at, replace_previous=replace_previous)

    return _known(await connections.change(organization, name, change), name)


async def remove_secret(
    connections: Connections, organization: OrganizationNumber, name: str, place: Place
) -> Connection:
    """Forget one of the two secrets. LocalError `connection_unknown`, `connection_secret_unknown` and
    `connection_secret_last`."""
    return _known(await connections.change(organization, name, lambda kept: without_secret(kept, place)), name)


def _known(found: Found | None, name: str) -> Found:
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> LocalError:
    return LocalError(Problem(Kind.NOT_FOUND, "connection_unknown", f"There is no connection {name}."))


async def replace_or_add(
    connections: Connections,
    organization: OrganizationNumber,
    config: ConnectionConfig,
    secret: Secret,
    keys: SealKeys,
    at: int,
) -> Connection:
    """Replace the connection of this name, keeping its number, or add it. Both of its secrets give way to this one."""
    sealed = _sealed(secret, config, organization, keys)

    def anew(kept: Connection) -> Connection:
        check_certificate(config, kept.own_keys)
        with_it = replace(
            kept,
            sealed_secret=sealed,
            secret_added_at=at,
            previous_sealed_secret=None,
            previous_secret_added_at=None,
        )
        return set_up(with_it, config, at)

    replaced = await connections.change(organization, config.name, anew)
    if replaced is not None:
        return await make_keys(connections, replaced, keys, at)
    return await add(connections, organization, config, secret, keys, at)

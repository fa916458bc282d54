"""When which of our own keys is used, and how long it stays after the next one took over.

A key is published for `PUBLISHED_FIRST` seconds before it signs, so that the server has it when it meets it; the first
key of a use signs at once, because there is no other. Keys of proofs wait as long, though nobody has to know them
before: so which one a sign-in began with is told by when it began, in every process.

Then the one before stays for as long again, for what was begun with it: an answer on its way, a request that the server
has not looked at yet, a sign-in (at most ten minutes). A rotation waits until the one before it is done, which bounds
how many keys there are: of each use the new one, the one in use, and the one before that; for TLS also the one that an
authority's certificate is for, as long as that is set up.
"""

from dataclasses import replace
from itertools import pairwise

from entracte.connections.model import Connection, KeyUse, OwnKey
from entracte.connections.own_certificates import is_certified
from entracte.connections.own_keys import needed
from entracte.errors import Kind, LocalError, Problem

PUBLISHED_FIRST = 3600
"""Seconds that a new key is published before it signs, where there is an older one."""
STAYS = 2 * PUBLISHED_FIRST
"""The age of a key, in seconds, at which the one before it is of no use to anything any more."""


def rotated(connection: Connection, made: tuple[OwnKey, ...], now: int) -> Connection:
    """The connection with these new keys. Of those before stay the newest of each use, the one in use, the one that an
    authority's certificate is for, and each that gave way not long ago. LocalError `connection_keys_rotating` while the
    last new key of a use is not in use yet: a third one would leave the server no time to know the second."""
    wanted = needed(connection.config)
    for use in wanted:
        _check_done(connection, use, now)
    kept = [key for use in wanted for key in _kept(connection, use, now)]
    return replace(connection, own_keys=(*(key for key in made if key.use in wanted), *kept))


def without_leaked(connection: Connection, made: tuple[OwnKey, ...]) -> Connection:
    """The connection with these new keys alone, which are used at once: what leaked proves nothing any more. Sign-ins
    under way end, and a certificate of an authority is gone with its key."""
    config = connection.config.model_copy(update={"client_certificate": ""})
    wanted = needed(config)
    return replace(connection.with_config(config), own_keys=tuple(key for key in made if key.use in wanted))


def key_in_use(connection: Connection, key: OwnKey, now: int) -> bool:
    """Whether it is used now: it signs, it is shown in TLS, or the server may encrypt to it."""
    if key.use is KeyUse.ENCRYPTION:
        return key.algorithm == connection.config.encryption_algorithm
    if key.use is KeyUse.TLS:
        return key == shown_in_tls(connection) and KeyUse.TLS in needed(connection.config)
    return key == signs(connection, key.use, now)


def signs(connection: Connection, use: KeyUse, at: int) -> OwnKey | None:
    """The key that signs at this time (epoch seconds): the newest that was published long enough; the oldest, where
    none was."""
    fitting = _fitting(connection, use)
    ripe = [key for key in fitting if at - key.created_at >= PUBLISHED_FIRST]
    return next(iter(ripe or fitting[-1:]), None)


def shown_in_tls(connection: Connection) -> OwnKey | None:
    """The key that an authority's certificate is for; else the one before the newest: a new one is registered before it
    is shown."""
    ours = _of(connection, KeyUse.TLS)
    certified = [key for key in ours if is_certified(connection.config, key)]
    return next(iter(certified or ours[:2][-1:]), None)


def _check_done(connection: Connection, use: KeyUse, now: int) -> None:
    fitting = _fitting(connection, use)
    left = fitting[0].created_at + PUBLISHED_FIRST - now if len(fitting) > 1 else 0
    if left <= 0:
        return
    message = f"The keys of the connection {connection.config.name} were rotated just now, and the new are not in use."
    hint = f"Wait {-(-left // 60)} minutes; or, where keys have leaked, forget them at once (`leaked`)."
    raise LocalError(Problem(Kind.CONFLICT, "connection_keys_rotating", message, hint))


def _kept(connection: Connection, use: KeyUse, now: int) -> list[OwnKey]:
    """What of the keys before a rotation stays, the newest first."""
    ours = _of(connection, use)
    used = shown_in_tls(connection) if use is KeyUse.TLS else signs(connection, use, now)
    recent = [key for newer, key in pairwise(ours) if now - newer.created_at < STAYS]
    return [key for key in ours if key in (ours[0], used, *recent)]


def _of(connection: Connection, use: KeyUse) -> list[OwnKey]:
    return [key for key in connection.own_keys if key.use is use]


def _fitting(connection: Connection, use: KeyUse) -> list[OwnKey]:
    """Those for the algorithm that is set up."""
    algorithm = needed(connection.config).get(use)
    return [key for key in _of(connection, use) if key.algorithm == algorithm]

"""Which server and client a connection is, and since when.

A state holds the number of its connection, and that stands for the rest of what a sign-in is tied to: the issuer, the
client ID, the redirect URI. A member may change these while somebody is at the login. The code that comes back then
belongs to the server from before, and goes to nobody: not to the new one, which could redeem it (mix-up, RFC 9700
section 4.4), and not to the old one, which may be why it was changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from entracte.connections.model import Connection, ConnectionConfig
from entracte.protocol.errors import Reason, refuse

IDENTITY: Mapping[str, str] = MappingProxyType(
    {
        "issuer": "whose answers are taken",
        "client_id": "who we are there",
        "authorization_endpoint": "where the browser is sent",
        "token_endpoint": "where the code is told",
        "own_redirect_uri": "where the answer comes",
    }
)
"""The settings that make a connection the one that a state means, and what each decides."""

SETTLING = 2
"""Seconds for which a process may still know a connection as it was (`web.directory.FRESH`)."""


def set_up(connection: Connection, config: ConnectionConfig, at: int) -> Connection:
    """The connection with this configuration. Where it becomes another one (`IDENTITY`), that is marked with the time,
    `at` in epoch seconds. Every way to change a configuration goes through here."""
    before = connection.config
    same = all(getattr(config, name) == getattr(before, name) for name in IDENTITY)
    changed_at = connection.identity_changed_at if same else max(at, connection.identity_changed_at or 0)
    return replace(connection, config=config, identity_changed_at=changed_at)


def check_same(connection: Connection, issued_at: int) -> None:
    """Refuses `CONNECTION_CHANGED` for a state that was issued (epoch seconds) when this connection was another one.

    Each process remembers connections for `SETTLING` seconds, so that one of them may begin a sign-in as it was for
    as long as that after the change: such states are refused too. Nobody loses by it, because a process that knows of
    the change begins none before (`seconds_to_settle`). So no process that does not know of the change gets an answer
    that belongs to the connection as it is now; an old answer that it gets within these seconds is finished at the old
    server, as it began. All of this is as exact as the clocks of our machines agree."""
    if connection.identity_changed_at is not None and issued_at <= connection.identity_changed_at + SETTLING:
        raise refuse(Reason.CONNECTION_CHANGED)


def seconds_to_settle(connection: Connection, now: int) -> int:
    """How long a sign-in that begins waits, until every process knows the connection as it is now; almost always 0."""
    if connection.identity_changed_at is None:
        return 0
    settled_at = connection.identity_changed_at + SETTLING + 1
    # never longer than a change takes, even where it is marked with a time that has not come yet
    return min(max(settled_at - now, 0), SETTLING + 1)

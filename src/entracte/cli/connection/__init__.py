"""`entracte connection`: the authorization servers of an organization. A file for each thing that is done with them."""

from entracte.cli.connection import (
    client_secrets,
    own_keys,
    presets,
    registration,
    server_metadata,
    setting_up,
    shown,
)
from entracte.cli.connection.group import connection

__all__ = [
    "client_secrets",
    "connection",
    "own_keys",
    "presets",
    "registration",
    "server_metadata",
    "setting_up",
    "shown",
]

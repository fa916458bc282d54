"""The command `entracte`: a file for each group of commands. They do what the REST API does, by the same use cases."""

from entracte.cli import (
    backup,
    campaign,
    connection,
    export,
    keys,
    member,
    migrate,
    organization,
    ready,
    serve,
    token,
    trial,
)
from entracte.cli.commands import main

__all__ = [
    "backup",
    "campaign",
    "connection",
    "export",
    "keys",
    "main",
    "member",
    "migrate",
    "organization",
    "ready",
    "serve",
    "token",
    "trial",
]

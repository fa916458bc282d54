"""The command `entracte`: a file for each group of commands. They do what the REST API does, by the same use cases."""

from entracte.cli import (
    attempt,
    backup,
    campaign,
    connection,
    export,
    keys,
    member,
    migrate,
    organization,
    participation,
    ready,
    serve,
    statistics,
    token,
    trial,
)
from entracte.cli.commands import main

__all__ = [
    "attempt",
    "backup",
    "campaign",
    "connection",
    "export",
    "keys",
    "main",
    "member",
    "migrate",
    "organization",
    "participation",
    "ready",
    "serve",
    "statistics",
    "token",
    "trial",
]

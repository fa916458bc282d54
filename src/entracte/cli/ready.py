"""`entracte ready`: what a container's health check runs."""

import http.client

import click

from entracte.cli.commands import main
from entracte.errors import Kind, LocalError, Problem
from entracte.settings import read_settings

SECONDS = 5
"""For an answer; `/readyz` itself waits 2 seconds for the database."""
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not listened on


@main.command()
def ready() -> None:
    """Ask the server on this machine whether it can serve; the exit status is 1 when it can not."""
    settings = read_settings()
    connection = http.client.HTTPConnection(_LOOPBACK.get(settings.host, settings.host), settings.port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    if status != 200:
        message = "The server does not answer that it is ready."
        raise LocalError(Problem(Kind.UNAVAILABLE, "server_not_ready", message))
    click.echo("ready")

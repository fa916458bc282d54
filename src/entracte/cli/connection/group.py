"""The group itself, and what its commands have in common: the way to an authorization server, dates, secrets asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from entracte.campaigns.manage import day_of
from entracte.cli.commands import main
from entracte.connections.model import Connection
from entracte.fetch import Fetcher
from entracte.settings import Settings
from entracte.values import Secret
from entracte.wiring import open_fetcher


@main.group()
def connection() -> None:
    """Connections: the authorization servers of an organization."""


client_secret_option = click.option(
    "--client-secret",
    envvar="ENTRACTE_CLIENT_SECRET",
    help="Better in the environment (ENTRACTE_CLIENT_SECRET) or typed when asked than on the command line. For "
    "`made_secret`: a line with the key's identifier, and the private key in PEM.",
)


@asynccontextmanager
async def way_out(settings: Settings) -> AsyncIterator[Fetcher]:
    """The way to authorization servers, while it is needed."""
    fetcher = open_fetcher(settings)
    await fetcher.start()
    try:
        yield fetcher
    finally:
        await fetcher.stop()


def day(at: int | None) -> str | None:
    """The date of a moment in UTC."""
    return None if at is None else day_of(at).isoformat()


def asked_secret(given: str | None) -> Secret:
    """The client secret that was given, or that is typed now."""
    return Secret(given or str(click.prompt("Client secret", hide_input=True)))


def secret_for(kept: Connection, given: str | None) -> Secret | None:
    """A secret for a connection that needs one and has none: given, or typed now. Otherwise what was given, or None."""
    if given:
        return Secret(given)
    return asked_secret(None) if kept.config.uses_secret and not kept.sealed_secret else None

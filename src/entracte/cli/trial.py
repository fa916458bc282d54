"""`entracte practice` and `entracte demo`: trying Entracte on one machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from entracte.cli.commands import main
from entracte.values import Secret

Command = TypeVar("Command", bound=Callable[..., Any])


def _port(name: str, variable: str, default: int, what: str) -> Callable[[Command], Command]:
    """An option for a port."""
    return click.option(
        name,
        envvar=variable,
        default=default,
        type=click.IntRange(0, 65535),
        show_default=True,
        help=f"The port of {what}; 0 takes a free one.",
    )


@main.command()
@_port("--port", "ENTRACTE_PRACTICE_PORT", 9000, "the practice identity provider")
@click.option("--client-id", default="entracte", show_default=True, help="The client that may send people there.")
@click.option("--client-secret", envvar="ENTRACTE_CLIENT_SECRET", default="practice-secret", help="Its secret.")
@click.option(
    "--redirect-uri",
    default="http://localhost:8000/oauth/callback",
    show_default=True,
    help="Where it may send people back to: the redirect URI of your Entracte.",
)
def practice(port: int, client_id: str, client_secret: str, redirect_uri: str) -> None:
    """Run the practice identity provider alone."""
    from entracte.demo import run_practice  # noqa: PLC0415 - Flask is loaded by who practises

    run_practice(port, client_id, Secret(client_secret), redirect_uri)


@main.command()
@click.option(
    "--folder",
    envvar="ENTRACTE_DEMO_FOLDER",
    default=".demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the demo keeps its database, keys and passwords.",
)
@_port("--port", "ENTRACTE_PORT", 8000, "Entracte")
@_port("--practice-port", "ENTRACTE_PRACTICE_PORT", 9000, "the practice identity provider")
@_port("--site-port", "ENTRACTE_SITE_PORT", 9001, "the brand's site")
def demo(folder: Path, port: int, practice_port: int, site_port: int) -> None:
    """Run everything on this machine: Entracte, the practice identity provider and a brand's site."""
    from entracte.demo import run_demo  # noqa: PLC0415

    run_demo(folder, port, practice_port, site_port)

"""`entracte connection register` and `registration`: registering ourselves at a server (RFC 7591, RFC 7592)."""

from typing import Any, TextIO

import click

from entracte.cli.commands import named_organization, organization_option, with_store
from entracte.cli.connection.group import connection, day, way_out
from entracte.cli.connection.options import given_settings, setting_options
from entracte.cli.printed import print_facts, print_json
from entracte.connections.client_metadata import Ourselves
from entracte.connections.model import Connection
from entracte.connections.registration import Way, Where, read, register, unregister, update
from entracte.fetch import Fetcher
from entracte.organizations.model import Organization
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import Secret, now

contact_option = click.option(
    "--contact", "contacts", multiple=True, help="Whom the server's people write to: an e-mail address."
)


@connection.command("register")
@click.argument("name")
@setting_options
@contact_option
@click.option(
    "--initial-access-token",
    envvar="ENTRACTE_INITIAL_ACCESS_TOKEN",
    default="",
    help="What the server's people gave, where nobody is registered without. Better in the environment.",
)
@click.option(
    "--software-statement",
    type=click.File(encoding="ascii"),
    default=None,
    help="A file with a signed statement about us (RFC 7591), where the server's people ask for one.",
)
@click.option(
    "--registration-endpoint", default="", help="For a server whose metadata names none, or one on another host."
)
@organization_option
def connection_register(
    name: str,
    contacts: tuple[str, ...],
    initial_access_token: str,
    software_statement: TextIO | None,
    registration_endpoint: str,
    organization_name: str | None,
    **options: Any,
) -> None:
    """Add a connection and register it at its server, which gives the client ID and the secret. Needs --issuer or
    --preset, --title and --contact. The server may ask this installation for its keys meanwhile."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        given = {**given_settings(options), "name": name}
        async with way_out(settings) as fetcher:
            kept = await register(
                store.connections,
                owner.number,
                given,
                _ourselves(owner, settings, contacts),
                _way(fetcher),
                settings.seal_keys(),
                Where(
                    registration_endpoint,
                    Secret(initial_access_token) if initial_access_token else None,
                    Secret(software_statement.read().strip()) if software_statement else None,
                ),
            )
        click.echo(f"Registered the connection {name} as {kept.config.client_id}.")
        _print_expiry(kept)

    with_store(work)


@connection.group("registration")
def registration() -> None:
    """Our registration at the server of a connection that we registered ourselves."""


@registration.command("show")
@click.argument("name")
@organization_option
def registration_show(name: str, organization_name: str | None) -> None:
    """Ask the server what it has of us, and print that without secrets. Refuses what is not as we registered it."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        async with way_out(settings) as fetcher:
            _, registered = await read(
                store.connections,
                owner.number,
                name,
                _ourselves(owner, settings),
                _way(fetcher),
                settings.seal_keys(),
            )
        print_json(registered)

    with_store(work)


@registration.command("update")
@click.argument("name")
@contact_option
@organization_option
def registration_update(name: str, contacts: tuple[str, ...], organization_name: str | None) -> None:
    """Tell the server how the connection is set up now. Where its secrets end, it gives a new one with that: run it
    before the day comes."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        async with way_out(settings) as fetcher:
            kept = await update(
                store.connections,
                owner.number,
                name,
                _ourselves(owner, settings, contacts),
                _way(fetcher),
                settings.seal_keys(),
            )
        click.echo(f"Told the server of the connection {name}.")
        _print_expiry(kept)

    with_store(work)


@registration.command("end")
@click.argument("name")
@organization_option
def registration_end(name: str, organization_name: str | None) -> None:
    """End the registration at the server. The connection stays, and nobody can sign in with it any more."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        async with way_out(settings) as fetcher:
            await unregister(store.connections, owner.number, name, fetcher, settings.seal_keys())
        click.echo(f"Ended the registration of the connection {name}.")

    with_store(work)


def _ourselves(owner: Organization, settings: Settings, contacts: tuple[str, ...] = ()) -> Ourselves:
    return Ourselves(owner.title, settings.oauth_address, contacts)


def _way(fetcher: Fetcher) -> Way:
    return Way(fetcher, fetcher.insecure_allowed, now())


def _print_expiry(kept: Connection) -> None:
    print_facts({"secret ends": day(kept.registration.secret_expires_at) if kept.registration else None})

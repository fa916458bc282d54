"""`entracte connection add`, `change` and `remove`."""

from typing import Any

import click

from entracte.campaigns.manage import using
from entracte.cli.commands import named_organization, organization_option, with_store
from entracte.cli.connection.group import asked_secret, client_secret_option, connection, secret_for, way_out
from entracte.cli.connection.options import given_settings, setting_options
from entracte.cli.connection.shown import print_addresses
from entracte.connections import manage as manage_connections
from entracte.connections.configuration import changed
from entracte.connections.registration import unregister
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import Secret, now

no_discovery_option = click.option(
    "--no-discovery", is_flag=True, help="Keep the issuer, and take the endpoints from the options."
)


@connection.command("add")
@click.argument("name")
@setting_options
@client_secret_option
@no_discovery_option
@click.option("--replace", is_flag=True, help="Replace the connection of this name.")
@organization_option
def connection_add(
    name: str, organization_name: str | None, replace: bool, client_secret: str | None, **options: Any
) -> None:
    """Add a connection, from discovery (--issuer), from a preset, or from explicit endpoints."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        given = {**given_settings(options), "name": name}
        async with way_out(settings) as fetcher:
            config = await manage_connections.configure(
                given, fetcher, fetcher.insecure_allowed, discovery=not options["no_discovery"]
            )
        secret = asked_secret(client_secret) if config.uses_secret else Secret(client_secret or "")
        keeper = manage_connections.replace_or_add if replace else manage_connections.add
        kept = await keeper(store.connections, owner.number, config, secret, settings.seal_keys(), now())
        click.echo(f"Kept the connection {kept.config.name}.")
        click.echo("At the authorization server, register:")
        print_addresses(kept, settings)

    with_store(work)


@connection.command("change")
@click.argument("name")
@setting_options
@client_secret_option
@no_discovery_option
@organization_option
def connection_change(name: str, organization_name: str | None, client_secret: str | None, **options: Any) -> None:
    """Change some settings of a connection; what is not given stays. Another issuer is asked for its metadata, and a
    security profile sets what it fixes. A client secret is asked for where one is needed and none is there."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await manage_connections.named(store.connections, owner.number, name)
        given = given_settings(options, kept.config)
        manage_connections.check_same_name(name, given.get("name", name))
        async with way_out(settings) as fetcher:
            config = await changed(
                kept.config, given, fetcher, fetcher.insecure_allowed, discovery=not options["no_discovery"]
            )
        keys, owns = settings.seal_keys(), store.connections
        secret = secret_for(kept.with_config(config), client_secret)
        after = await manage_connections.reconfigure(owns, owner.number, config, keys, now(), secret=secret)
        click.echo(f"Changed the connection {after.config.name}.")
        if after.registration is not None:
            click.echo(f"The server has it as it was: entracte connection registration update {name}")

    with_store(work)


@connection.command("remove")
@click.argument("name")
@click.option("--unregister", "ends", is_flag=True, help="End our registration at the server first (RFC 7592).")
@organization_option
def connection_remove(name: str, ends: bool, organization_name: str | None) -> None:
    """Remove a connection that no published campaign uses."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        users = using(name, await store.campaigns.of(owner.number))
        manage_connections.check_unused(name, users)
        if ends:
            async with way_out(settings) as fetcher:
                await unregister(store.connections, owner.number, name, fetcher, settings.seal_keys())
        await manage_connections.remove(store.connections, owner.number, name, users)
        click.echo(f"Removed the connection {name}.")

    with_store(work)

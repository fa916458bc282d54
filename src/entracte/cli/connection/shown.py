"""`entracte connection list` and `show`."""

import sys
from dataclasses import asdict
from typing import Any

import click
from ruamel.yaml import YAML

from entracte.cli.commands import named_organization, organization_option, with_store
from entracte.cli.connection.group import connection, day
from entracte.cli.printed import instant
from entracte.connections import manage as manage_connections
from entracte.connections.addresses import addresses_of
from entracte.connections.client_secrets import secrets_of
from entracte.connections.model import Connection
from entracte.settings import Settings
from entracte.store.opened import Store


@connection.command("list")
@organization_option
def connection_list(organization_name: str | None) -> None:
    """List the connections of an organization. Secrets are never shown. “No mix-up defence”: the server's answers do
    not say whose they are (by `iss`, an ID token in them, or a signature), so a hostile server of the organization
    could get its codes. `own_redirect_uri` is a defence where the server can not say it."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        for one in await store.connections.of(owner.number):
            config = one.config
            click.echo(
                f"{config.name}\t{config.issuer or config.authorization_endpoint}\t{config.profile_source.value}"
                + ("" if config.tells_servers_apart else "\tno mix-up defence")
            )

    with_store(work)


@connection.command("show")
@click.argument("name")
@organization_option
def connection_show(name: str, organization_name: str | None) -> None:
    """Show how a connection is set up, as YAML, with the addresses to register at its server. Secrets are never
    shown."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await manage_connections.named(store.connections, owner.number, name)
        shown = kept.config.model_dump(mode="json") | {
            "secrets": [{"place": one.place.value, "added_at": day(one.added_at)} for one in secrets_of(kept)],
            "mix_up_defence": kept.config.tells_servers_apart,
            "addresses": addresses_to_register(kept, settings),
            "registration": _registration(kept),
        }
        YAML(typ="safe", pure=True).dump(shown, sys.stdout)

    with_store(work)


def addresses_to_register(kept: Connection, settings: Settings) -> dict[str, Any]:
    """The addresses to register at the server, by the names that registrations have for them."""
    return asdict(addresses_of(kept, settings.oauth_address))


def print_addresses(kept: Connection, settings: Settings) -> None:
    """A line for each address to register, under its name in the registry of RFC 7591."""
    for name, address in addresses_to_register(kept, settings).items():
        for one in [address] if isinstance(address, str) else address or ():
            click.echo(f"  {name}\t{one}")


def _registration(kept: Connection) -> dict[str, Any] | None:
    registered = kept.registration
    if registered is None:
        return None
    return {
        "registered_at": day(registered.registered_at),
        "managed": bool(registered.client_uri),
        "secret_expires_at": instant(registered.secret_expires_at),
    }

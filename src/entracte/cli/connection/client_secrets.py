"""`entracte connection secret`: client secrets of a connection."""

import click

from entracte.cli.commands import named_organization, organization_option, with_store
from entracte.cli.connection.group import asked_secret, client_secret_option, connection, day
from entracte.connections import manage as manage_connections
from entracte.connections.client_secrets import Place, secrets_of
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import now


@connection.group("secret")
def secret() -> None:
    """Client secrets of a connection: two are valid while the authorization server changes from one to the next."""


@secret.command("add")
@click.argument("name")
@client_secret_option
@click.option("--replace-previous", is_flag=True, help="When there are two already, forget the previous one.")
@organization_option
def secret_add(name: str, client_secret: str | None, replace_previous: bool, organization_name: str | None) -> None:
    """Make a new secret the current one. The one before stays valid until it is removed."""
    given = asked_secret(client_secret)

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await manage_connections.add_secret(
            store.connections, owner.number, name, given, settings.seal_keys(), now(), replace_previous=replace_previous
        )
        click.echo(f"Kept. The connection {name} uses the new secret, and the one before where the server wants it.")

    with_store(work)


@secret.command("list")
@click.argument("name")
@organization_option
def secret_list(name: str, organization_name: str | None) -> None:
    """List the places of a connection's secrets and the days since when they are kept; never the secrets."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        for one in secrets_of(await manage_connections.named(store.connections, owner.number, name)):
            click.echo(f"{one.place.value}\t{day(one.added_at) or 'unknown'}")

    with_store(work)


@secret.command("remove")
@click.argument("name")
@click.argument("place", type=click.Choice([one.value for one in Place]))
@organization_option
def secret_remove(name: str, place: str, organization_name: str | None) -> None:
    """Forget the current or the previous secret. Without the current one, the previous one is current again."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await manage_connections.remove_secret(store.connections, owner.number, name, Place(place))
        click.echo(f"Forgot the {place} secret of the connection {name}.")

    with_store(work)

"""`entracte connection refresh` and `find`: what a server says of itself."""

import asyncio

import click

from entracte.cli.commands import named_organization, organization_option, with_store
from entracte.cli.connection.group import connection, way_out
from entracte.cli.printed import plain
from entracte.connections.finding import issuer_of
from entracte.connections.metadata_memory import Compared, MetadataMemory, compare, refresh
from entracte.settings import Settings, read_settings
from entracte.store.opened import Store
from entracte.values import now


@connection.command("refresh")
@click.argument("name")
@click.option("--show", "only_show", is_flag=True, help="Show what is different, and change nothing.")
@click.option("--approve", is_flag=True, help="Take over changes that somebody has to approve, too.")
@click.option("--keep", multiple=True, metavar="SETTING", help="Leave this setting as it is.")
@organization_option
def connection_refresh(
    name: str, only_show: bool, approve: bool, keep: tuple[str, ...], organization_name: str | None
) -> None:
    """Ask discovery again and take over what has changed. Where an address that gets our proof, codes or tokens has
    changed, or one that proves who people are, nothing is taken over without --approve."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        async with way_out(settings) as fetcher:
            memory = MetadataMemory(fetcher, fetcher.insecure_allowed, now)
            compared = await compare(store.connections, owner.number, name, memory)
            _print(compared)
            if not only_show and compared.differences:
                await refresh(
                    store.connections,
                    compared,
                    settings.seal_keys(),
                    fetcher.insecure_allowed,
                    now(),
                    approve=approve,
                    keep=keep,
                )
                click.echo(f"Changed the connection {name}.")

    with_store(work)


@connection.command("find")
@click.argument("identifier")
def connection_find(identifier: str) -> None:
    """Find the issuer of an e-mail address, an account or a host (WebFinger). It is a hint: `connection add --issuer`
    asks it for its metadata."""

    async def work() -> None:
        async with way_out(read_settings()) as fetcher:
            click.echo(await issuer_of(identifier, fetcher, fetcher.insecure_allowed))

    asyncio.run(work())


def _print(compared: Compared) -> None:
    if not compared.differences:
        click.echo("Discovery says what the connection has.")
    for one in compared.differences:
        approval = f"\tneeds approval: {one.why}" if one.why else ""
        click.echo(f"{one.setting}\t{plain(str(one.kept))} -> {plain(str(one.found))}{approval}")

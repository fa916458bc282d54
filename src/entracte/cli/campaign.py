"""`entracte campaign`: from a YAML file to a published campaign."""

import json
from pathlib import Path

import click

from entracte.campaigns.draft import read_draft, schema
from entracte.campaigns.manage import publish
from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import now


@main.group()
def campaign() -> None:
    """Campaigns."""


@campaign.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@organization_option
def campaign_publish(file: Path, organization_name: str | None) -> None:
    """Publish a campaign from its YAML file; every problem of the file is said at once."""
    content = file.read_bytes()

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        known = {one.config.name: set(one.config.claims) for one in await store.connections.of(owner.number)}
        definition = read_draft(content, file.name, known)
        published = await publish(store.campaigns, owner.number, definition, known, now())
        click.echo(f"Published {published.name}, version {published.version}:")
        click.echo(f"  {settings.public_url}/c/{published.name}")

    with_store(work)


@campaign.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def campaign_check(file: Path) -> None:
    """Read a campaign file and say every problem, without publishing."""
    definition = read_draft(file.read_bytes(), file.name)
    click.echo(f"{file.name} is a campaign with {len(definition.steps)} steps.")


@campaign.command("schema")
def campaign_schema() -> None:
    """Print the JSON schema of campaign files, for editors."""
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


@campaign.command("list")
@organization_option
def campaign_list(organization_name: str | None) -> None:
    """List the campaigns of an organization."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        for one in await store.campaigns.of(owner.number):
            click.echo(f"{one.name}\tversion {one.version}\t{settings.public_url}/c/{one.name}")

    with_store(work)

"""`entracte campaign`: from a YAML file to a published campaign, and closing it."""

import json
from pathlib import Path
from typing import Any

import click

from entracte.campaigns import drafts, manage
from entracte.campaigns.draft import read_draft, schema
from entracte.campaigns.model import Published
from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.connections.manage import attributes
from entracte.organizations.model import Organization
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import now

campaign_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@main.group()
def campaign() -> None:
    """Campaigns."""


@campaign.command("publish")
@campaign_file
@organization_option
def campaign_publish(file: Path, organization_name: str | None) -> None:
    """Publish a campaign from its YAML file; every problem of the file is said at once."""
    content = file.read_bytes()

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        known = await attributes(store.connections, owner.number)
        definition = read_draft(content, file.name, known)
        _say_published(await manage.publish(store.campaigns, owner.number, definition, known, now()), settings)

    with_store(work)


@campaign.command("check")
@campaign_file
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


@campaign.command("show")
@click.argument("name")
@organization_option
def campaign_show(name: str, organization_name: str | None) -> None:
    """Show where a published campaign is in its schedule, and its versions."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        shown = await manage.named(store.campaigns, owner.number, name)
        opens, ends = manage.days(shown)
        facts: dict[str, Any] = {
            "address": f"{settings.public_url}/c/{name}",
            "status": manage.status(shown, manage.day_of(now())).value,
            "opens": opens,
            "closed" if shown.closed_at is not None else "closes": ends,
        }
        for key, value in facts.items():
            if value is not None:
                click.echo(f"{key}\t{value}")
        for version in await manage.versions(store.campaigns, owner.number, name):
            click.echo(f"version {version.number}\tpublished {manage.day_of(version.published_at)}")

    with_store(work)


@campaign.command("close")
@click.argument("name")
@organization_option
def campaign_close(name: str, organization_name: str | None) -> None:
    """Close a campaign now, whatever its schedule says: it takes no entries any more."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await manage.close(store.campaigns, owner.number, name, now())
        click.echo(f"Closed {name}. Undo it with `entracte campaign reopen {name}`.")

    with_store(work)


@campaign.command("reopen")
@click.argument("name")
@organization_option
def campaign_reopen(name: str, organization_name: str | None) -> None:
    """Undo the closing by hand; the schedule holds again."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        reopened = await manage.reopen(store.campaigns, owner.number, name)
        click.echo(f"{name} is {manage.status(reopened, manage.day_of(now())).value.replace('_', ' ')}.")

    with_store(work)


@campaign.group("draft")
def draft() -> None:
    """Campaign files in work, kept on the server: they may be unfinished, and only members see them."""


@draft.command("save")
@click.argument("name")
@campaign_file
@organization_option
def draft_save(name: str, file: Path, organization_name: str | None) -> None:
    """Keep a file as the draft of the campaign NAME, and say what is wrong with it now."""
    text = drafts.file_text(file.read_bytes())

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await drafts.save(store.drafts, owner.number, name, text, now())
        click.echo(f"Kept the draft {name}, revision {kept.revision}.")
        await _say_mistakes(store, owner, kept)

    with_store(work)


@draft.command("list")
@organization_option
def draft_list(organization_name: str | None) -> None:
    """List the drafts of an organization."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        for one in await store.drafts.of(owner.number):
            click.echo(f"{one.name}\trevision {one.revision}\t{manage.day_of(one.saved_at)}")

    with_store(work)


@draft.command("show")
@click.argument("name")
@organization_option
def draft_show(name: str, organization_name: str | None) -> None:
    """Print a draft as it was written."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        click.echo((await drafts.get(store.drafts, owner.number, name)).text, nl=False)

    with_store(work)


@draft.command("check")
@click.argument("name")
@organization_option
def draft_check(name: str, organization_name: str | None) -> None:
    """Say what is wrong with a draft now."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await _say_mistakes(store, owner, await drafts.get(store.drafts, owner.number, name))

    with_store(work)


@draft.command("publish")
@click.argument("name")
@organization_option
def draft_publish(name: str, organization_name: str | None) -> None:
    """Publish a draft; every problem is said at once, and the draft stays."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        known = await attributes(store.connections, owner.number)
        kept = await drafts.get(store.drafts, owner.number, name)
        _say_published(await drafts.publish_draft(store.campaigns, kept, known, now()), settings)

    with_store(work)


@draft.command("remove")
@click.argument("name")
@organization_option
def draft_remove(name: str, organization_name: str | None) -> None:
    """Remove a draft; what is published stays."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await drafts.remove(store.drafts, owner.number, name)
        click.echo(f"Removed the draft {name}.")

    with_store(work)


def _say_published(published: Published, settings: Settings) -> None:
    click.echo(f"Published {published.name}, version {published.version}:")
    click.echo(f"  {settings.public_url}/c/{published.name}")


async def _say_mistakes(store: Store, owner: Organization, kept: drafts.Draft) -> None:
    found = (await drafts.examine(kept, await attributes(store.connections, owner.number))).mistakes
    for one in found:
        place = f"line {one.line}: {one.path}: " if one.path else f"line {one.line}: "
        click.echo(f"{place}{one.message} [{one.code}]")
    click.echo(f"{len(found)} problems." if found else "It can be published.")

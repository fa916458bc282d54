"""`entracte organization`: the customers of an installation."""

from pathlib import Path

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.manage import add_organization, change_look
from entracte.organizations.model import Brand
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import entropy


@main.group()
def organization() -> None:
    """Organizations: the customers of this installation."""


@organization.command("add")
@click.argument("name")
@click.option("--title", required=True, help="What participants know it as.")
@click.option(
    "--brand", "brand_file", type=click.Path(exists=True, dir_okay=False), help="A YAML file of brand settings."
)
def organization_add(name: str, title: str, brand_file: str | None) -> None:
    """Add an organization."""

    async def work(store: Store, settings: Settings) -> None:
        added = await add_organization(
            store.organizations, name, title, _brand(brand_file), settings.seal_keys(), entropy
        )
        click.echo(f"Added the organization {added.name}.")

    with_store(work)


@organization.command("brand")
@click.argument("brand_file", type=click.Path(exists=True, dir_okay=False))
@organization_option
def organization_brand(brand_file: str, organization_name: str | None) -> None:
    """Set how the pages of an organization look, from a YAML file."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await change_look(store.organizations, owner, brand=_brand(brand_file))
        click.echo(f"Set the brand of {owner.name}.")

    with_store(work)


@organization.command("title")
@click.argument("title")
@organization_option
def organization_title(title: str, organization_name: str | None) -> None:
    """Set what participants know an organization as."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        await change_look(store.organizations, owner, title=title)
        click.echo(f"Set the title of {owner.name}.")

    with_store(work)


@organization.command("list")
def organization_list() -> None:
    """List the organizations."""

    async def work(store: Store, settings: Settings) -> None:
        for one in await store.organizations.everyone():
            click.echo(f"{one.name}\t{one.title}")

    with_store(work)


def _brand(file: str | None) -> Brand:
    if file is None:
        return Brand()
    try:
        return Brand.model_validate(YAML(typ="safe").load(Path(file).read_text(encoding="utf-8")))
    except (ValueError, YAMLError) as error:
        raise LocalError(Problem(Kind.BAD_INPUT, "brand_malformed", str(error), where=file)) from None

"""`entracte member`: the people who work in the manager."""

import click

from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.organizations.manage import add_member
from entracte.organizations.model import Role
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import Secret


@main.group()
def member() -> None:
    """Members: the people who work in the manager."""


@member.command("add")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([one.value for one in Role]),
    default=Role.OWNER.value,
    show_default=True,
    help="What the member may do. Today every role sees the same pages.",
)
@click.option(
    "--password", envvar="ENTRACTE_MEMBER_PASSWORD", help="Better typed when asked, or in ENTRACTE_MEMBER_PASSWORD."
)
@organization_option
def member_add(email: str, role: str, password: str | None, organization_name: str | None) -> None:
    """Add a member, who signs in at /manage."""
    chosen = Secret(password or click.prompt("Password", hide_input=True, confirmation_prompt=True))

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        added = await add_member(store.members, owner.number, email, Role(role), chosen)
        click.echo(
            f"Added {added.email} as {added.role.value} of {owner.name}. Sign in at {settings.public_url}/manage"
        )

    with_store(work)

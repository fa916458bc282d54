"""`entracte token`: bearer tokens of the REST API."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import click

from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.organizations import tokens
from entracte.organizations.tokens import Scope, Token
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import entropy, now


@main.group()
def token() -> None:
    """Tokens: what a program shows to the REST API."""


@token.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Once per scope. What the token allows.",
)
@click.option("--all-scopes", is_flag=True, help="The token allows everything.")
@click.option(
    "--days",
    type=click.IntRange(1, tokens.MOST_DAYS),
    default=tokens.USUAL_DAYS,
    show_default=True,
    help="After how many days it ends.",
)
@organization_option
def token_create(
    name: str, scopes: tuple[str, ...], all_scopes: bool, days: int, organization_name: str | None
) -> None:
    """Make a token. Its text is printed once, alone on standard output; the rest goes to standard error."""
    wanted = tuple(scope.value for scope in Scope) if all_scopes else scopes
    if not wanted:
        raise click.UsageError("Say what the token allows: --scope entries:read, or --all-scopes.")

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        made = await tokens.create(store.tokens, owner.number, name, wanted, days, now(), entropy, uuid4())
        click.echo(f"Made the token {made.token.name} of {owner.name}, {made.token.id}.", err=True)
        click.echo(f"It ends on {_day(made.token.expires_at)}. You see it only now:", err=True)
        click.echo(made.text.reveal())

    with_store(work)


@token.command("list")
@organization_option
def token_list(organization_name: str | None) -> None:
    """List the tokens of an organization, the newest first; never their texts."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        for one in await store.tokens.of(owner.number):
            click.echo(f"{one.id}\t{one.name}\t{_state(one)}\t{' '.join(sorted(one.scopes))}")

    with_store(work)


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
@organization_option
def token_revoke(token_id: UUID, organization_name: str | None) -> None:
    """Revoke a token: from now on it opens nothing, at any process."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        revoked = await tokens.revoke(store.tokens, owner.number, token_id, now())
        click.echo(f"Revoked the token {revoked.name}.")

    with_store(work)


def _state(one: Token) -> str:
    if one.revoked_at is not None:
        return f"revoked on {_day(one.revoked_at)}"
    return f"valid until {_day(one.expires_at)}" if one.is_valid(now()) else f"ended on {_day(one.expires_at)}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()

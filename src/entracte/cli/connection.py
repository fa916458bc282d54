"""`entracte connection`: the authorization servers of an organization."""

import sys
from typing import Any

import click
from ruamel.yaml import YAML

from entracte.campaigns.manage import day_of, using
from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.connections import manage as manage_connections
from entracte.connections.client_secrets import Place, secrets_of
from entracte.connections.model import ConnectionConfig, ProfileSource
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.client_auth import ClientAuthentication
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import Secret, now
from entracte.wiring import open_fetcher


@main.group()
def connection() -> None:
    """Connections: the authorization servers of an organization."""


@connection.command("add")
@click.argument("name")
@click.option("--title", required=True, help="What participants know the login as: “Northwind”.")
@click.option("--client-id", required=True, help="Our name at the authorization server, as it was registered there.")
@click.option(
    "--client-secret",
    envvar="ENTRACTE_CLIENT_SECRET",
    help="Better in the environment (ENTRACTE_CLIENT_SECRET) or typed when asked than on the command line.",
)
@click.option("--issuer", default="", help="Take everything from this issuer's discovery document.")
@click.option("--authorization-endpoint", default="", help="For a server without discovery.")
@click.option("--token-endpoint", default="", help="For a server without discovery: where the code is redeemed.")
@click.option("--jwks-uri", default="", help="For a server without discovery: its public keys; an ID token needs them.")
@click.option("--userinfo-endpoint", default="", help="For a server without discovery: where UserInfo is.")
@click.option("--no-discovery", is_flag=True, help="Keep the issuer, and take the endpoints from the options.")
@click.option(
    "--authentication",
    type=click.Choice([one.value for one in ClientAuthentication]),
    default=None,
    help="How we prove ourselves at the token endpoint; Basic, unless discovery says that it takes the other alone.",
)
@click.option("--scope", "scopes", multiple=True, help="Once per scope; openid, profile and email by default.")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="An extra parameter of the authorization request.",
)
@click.option(
    "--profile",
    type=click.Choice([one.value for one in ProfileSource]),
    default=None,
    help="Where the profile comes from.",
)
@click.option("--rest-url", default="", help="For --profile rest: the address of the profile API.")
@click.option(
    "--rest-method",
    type=click.Choice(["GET", "POST"]),
    default="GET",
    help="For --profile rest: the method of the request.",
)
@click.option(
    "--rest-bearer",
    type=click.Choice(["header", "form"]),
    default="header",
    help="For --profile rest: the access token in a header, or in a posted form.",
)
@click.option("--rest-person", default="", help="Dotted path to the person in the answer.")
@click.option("--rest-subject", default="sub", help="Dotted path, from the person, to the subject.")
@click.option("--access-token-audience", default="", help="For --profile access_token: the audience that it must have.")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="ATTRIBUTE=PATH[,PATH…]",
    help="An attribute of the profile and where it is found.",
)
@click.option(
    "--verified",
    multiple=True,
    metavar="ATTRIBUTE=PATH",
    help="Where the flag stands that vouches for an attribute: email=email_verified.",
)
@click.option("--prefill-opt-ins", is_flag=True, help="Opt-ins may come ticked from the profile.")
@click.option("--replace", is_flag=True, help="Replace the connection of this name.")
@organization_option
def connection_add(organization_name: str | None, replace: bool, client_secret: str | None, **options: Any) -> None:
    """Add a connection, from discovery (--issuer) or from explicit endpoints."""
    secret = Secret(client_secret or click.prompt("Client secret", hide_input=True))

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        fetcher = open_fetcher(settings)
        await fetcher.start()
        try:
            config = await manage_connections.configure(
                _given(options), fetcher, fetcher.insecure_allowed, discovery=not options["no_discovery"]
            )
        finally:
            await fetcher.stop()
        keeper = manage_connections.replace_or_add if replace else manage_connections.add
        kept = await keeper(store.connections, owner.number, config, secret, settings.seal_keys(), now())
        click.echo(f"Kept the connection {kept.config.name}.")
        click.echo(f"At the authorization server, register this redirect URI:\n  {settings.redirect_uri}")

    with_store(work)


@connection.command("list")
@organization_option
def connection_list(organization_name: str | None) -> None:
    """List the connections of an organization. Secrets are never shown. “No mix-up defence”: the server's answers do
    not say whose they are, by `iss` or an ID token, so a hostile server of the organization could get its codes."""

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
    """Show how a connection is set up, as YAML. Secrets are never shown."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await manage_connections.named(store.connections, owner.number, name)
        secrets = [{"place": one.place.value, "added_at": _day(one.added_at)} for one in secrets_of(kept)]
        shown = kept.config.model_dump(mode="json") | {
            "secrets": secrets, "mix_up_defence": kept.config.tells_servers_apart
        }  # fmt: skip
        YAML(typ="safe", pure=True).dump(shown, sys.stdout)

    with_store(work)


@connection.command("remove")
@click.argument("name")
@organization_option
def connection_remove(name: str, organization_name: str | None) -> None:
    """Remove a connection that no published campaign uses."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        users = using(name, await store.campaigns.of(owner.number))
        await manage_connections.remove(store.connections, owner.number, name, users)
        click.echo(f"Removed the connection {name}.")

    with_store(work)


@connection.group("secret")
def secret() -> None:
    """Client secrets of a connection: two are valid while the authorization server changes from one to the next."""


@secret.command("add")
@click.argument("name")
@click.option(
    "--client-secret",
    envvar="ENTRACTE_CLIENT_SECRET",
    help="Better in the environment (ENTRACTE_CLIENT_SECRET) or typed when asked than on the command line.",
)
@click.option("--replace-previous", is_flag=True, help="When there are two already, forget the previous one.")
@organization_option
def secret_add(name: str, client_secret: str | None, replace_previous: bool, organization_name: str | None) -> None:
    """Make a new secret the current one. The one before stays valid until it is removed."""
    given = Secret(client_secret or click.prompt("Client secret", hide_input=True))

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
            click.echo(f"{one.place.value}\t{_day(one.added_at) or 'unknown'}")

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


def _day(at: int | None) -> str | None:
    return None if at is None else day_of(at).isoformat()


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as the configuration names them."""
    plain = (
        "name", "title", "client_id", "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri",
        "userinfo_endpoint", "authentication", "access_token_audience", "prefill_opt_ins",
    )  # fmt: skip
    given = {name: options[name] for name in plain if options[name]}
    if options["scopes"]:
        given["scopes"] = tuple(scope for item in options["scopes"] for scope in item.split())
    if options["parameters"]:
        given["extra_parameters"] = dict(_pair(item) for item in options["parameters"])
    if options["claims"] or options["verified"]:
        given["claims"] = _claims(options["claims"], options["verified"])
    if options["rest_url"]:
        given["rest"] = {
            "url": options["rest_url"],
            "method": options["rest_method"],
            "bearer": options["rest_bearer"],
            "person": options["rest_person"],
            "subject": options["rest_subject"],
        }
    if options["profile"]:
        given["profile_source"] = options["profile"]
    return given


def _claims(claims: tuple[str, ...], verified: tuple[str, ...]) -> dict[str, Any]:
    """The default claim map with what was given instead."""
    defaults = ConnectionConfig.model_fields["claims"].get_default(call_default_factory=True)
    rules = {name: rule.model_dump() for name, rule in defaults.items()}
    rules.update({name: {"paths": paths.split(",")} for name, paths in map(_pair, claims)})
    for name, path in map(_pair, verified):
        rules.setdefault(name, {})["verified"] = path
    return rules


def _pair(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not name:
        raise LocalError(Problem(Kind.BAD_INPUT, "option_malformed", f"{item!r} is not NAME=VALUE."))
    return name, value

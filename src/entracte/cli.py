"""The command `entracte`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from entracte import __version__
from entracte.campaigns.draft import read_draft, schema
from entracte.campaigns.manage import publish
from entracte.connections import manage as manage_connections
from entracte.connections.model import ConnectionConfig, ProfileSource
from entracte.deliveries.csv_export import entries_csv
from entracte.errors import EntracteError, Kind, LocalError, Problem
from entracte.listening import listen
from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Organization, Role
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.seal import encode
from entracte.settings import Settings, read_settings
from entracte.store.opened import Store
from entracte.store.schema import migrate as migrate_store
from entracte.values import Secret, entropy, now
from entracte.wiring import Program, configure_logs, open_fetcher, server

Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Problems of ours are said in words, without a traceback; the exit status is 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except EntracteError as error:
            for problem in error.problems:
                click.echo(f"entracte: {problem}", err=True)
            context.exit(1)


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="entracte")
def main() -> None:
    """Sign-in for interactive campaigns."""


organization_option = click.option(
    "--organization",
    "organization_name",
    envvar="ENTRACTE_ORGANIZATION",
    help="The organization's name; not needed while there is only one.",
)


@main.command()
def serve() -> None:
    """Serve campaigns, the OAuth service and the manager."""
    settings = read_settings()
    configure_logs(settings.log_format)
    listening = listen(settings.host, settings.port, setting="ENTRACTE_PORT")
    click.echo(f"Entracte listens on {settings.host}:{listening.port}, for {settings.public_url}.", err=True)
    program = Program(settings)
    program.check()
    uvloop.run(server(program).serve(sockets=[listening.socket]))


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    before, after = migrate_store(read_settings().database_url.get_secret_value())
    if before == after:
        click.echo(f"The schema is {after} already.")
    else:
        click.echo(f"The schema went from {before or 'nothing'} to {after}.")


@main.group()
def keys() -> None:
    """The server's keys."""


@keys.command("new")
@click.option("--number", default=1, type=click.IntRange(0, 255), show_default=True, help="The key's number.")
def keys_new(number: int) -> None:
    """Make a key for ENTRACTE_SECRET_KEYS. Put a new one first; keep the old ones behind it."""
    click.echo(f"{number}:{encode(entropy(32))}")


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

    _with_store(work)


@organization.command("brand")
@click.argument("brand_file", type=click.Path(exists=True, dir_okay=False))
@organization_option
def organization_brand(brand_file: str, organization_name: str | None) -> None:
    """Set how the pages of an organization look, from a YAML file."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await _organization(store, organization_name)
        await store.organizations.set_brand(owner.number, owner.title, _brand(brand_file))
        click.echo(f"Set the brand of {owner.name}.")

    _with_store(work)


@organization.command("list")
def organization_list() -> None:
    """List the organizations."""

    async def work(store: Store, settings: Settings) -> None:
        for one in await store.organizations.everyone():
            click.echo(f"{one.name}\t{one.title}")

    _with_store(work)


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
        owner = await _organization(store, organization_name)
        fetcher = open_fetcher(settings)
        await fetcher.start()
        try:
            given = _connection_options(options)
            if options["issuer"] and not options["no_discovery"]:
                metadata = await manage_connections.discover(options["issuer"], fetcher, fetcher.insecure_allowed)
                given = {**manage_connections.from_metadata(metadata), **given}
            config = manage_connections.read_config(given, fetcher.insecure_allowed)
        finally:
            await fetcher.stop()
        keeper = manage_connections.replace_or_add if replace else manage_connections.add
        kept = await keeper(store.connections, owner.number, config, secret, settings.seal_keys())
        click.echo(f"Kept the connection {kept.config.name}.")
        click.echo(f"At the authorization server, register this redirect URI:\n  {settings.redirect_uri}")

    _with_store(work)


@connection.command("list")
@organization_option
def connection_list(organization_name: str | None) -> None:
    """List the connections of an organization. Secrets are never shown. “No mix-up defence”: the server's answers do
    not say whose they are, by `iss` or an ID token, so a hostile server of the organization could get its codes."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await _organization(store, organization_name)
        for one in await store.connections.of(owner.number):
            config = one.config
            click.echo(
                f"{config.name}\t{config.issuer or config.authorization_endpoint}\t{config.profile_source.value}"
                + ("" if config.tells_servers_apart else "\tno mix-up defence")
            )

    _with_store(work)


@main.group()
def campaign() -> None:
    """Campaigns."""


@campaign.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@organization_option
def campaign_publish(file: Path, organization_name: str | None) -> None:
    """Publish a campaign from its YAML file; every problem of the file is said at once."""
    definition = read_draft(file.read_bytes(), file.name)

    async def work(store: Store, settings: Settings) -> None:
        owner = await _organization(store, organization_name)
        known = {one.config.name: set(one.config.claims) for one in await store.connections.of(owner.number)}
        published = await publish(store.campaigns, owner.number, definition, known, now())
        click.echo(f"Published {published.name}, version {published.version}:")
        click.echo(f"  {settings.public_url}/c/{published.name}")

    _with_store(work)


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
        owner = await _organization(store, organization_name)
        for one in await store.campaigns.of(owner.number):
            click.echo(f"{one.name}\tversion {one.version}\t{settings.public_url}/c/{one.name}")

    _with_store(work)


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
        owner = await _organization(store, organization_name)
        added = await add_member(store.members, owner.number, email, Role(role), chosen)
        click.echo(
            f"Added {added.email} as {added.role.value} of {owner.name}. Sign in at {settings.public_url}/manage"
        )

    _with_store(work)


@main.command()
@click.argument("campaign_name", metavar="CAMPAIGN")
@click.option(
    "--format", "form", type=click.Choice(["csv"]), default="csv", show_default=True, help="The format of the file."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output by default.")
@organization_option
def export(campaign_name: str, form: str, output: Path | None, organization_name: str | None) -> None:
    """Export the entries of a campaign."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await _organization(store, organization_name)
        published = await store.campaigns.by_name(campaign_name)
        if published is None or published.organization != owner.number:
            raise LocalError(Problem(Kind.NOT_FOUND, "campaign_unknown", f"There is no campaign {campaign_name}."))
        entries = store.participations.entries(owner.number, published.number)
        with output.open("wb") if output else nullcontext(sys.stdout.buffer) as stream:
            async for piece in entries_csv(published.definition, entries):
                stream.write(piece.encode())

    _with_store(work)


def _port(name: str, variable: str, default: int, what: str) -> Callable[[Command], Command]:
    """An option for a port."""
    return click.option(
        name,
        envvar=variable,
        default=default,
        type=click.IntRange(0, 65535),
        show_default=True,
        help=f"The port of {what}; 0 takes a free one.",
    )


@main.command()
@_port("--port", "ENTRACTE_PRACTICE_PORT", 9000, "the practice identity provider")
@click.option("--client-id", default="entracte", show_default=True, help="The client that may send people there.")
@click.option("--client-secret", envvar="ENTRACTE_CLIENT_SECRET", default="practice-secret", help="Its secret.")
@click.option(
    "--redirect-uri",
    default="http://localhost:8000/oauth/callback",
    show_default=True,
    help="Where it may send people back to: the redirect URI of your Entracte.",
)
def practice(port: int, client_id: str, client_secret: str, redirect_uri: str) -> None:
    """Run the practice identity provider alone."""
    from entracte.demo import run_practice  # noqa: PLC0415 - Flask is loaded by who practises

    run_practice(port, client_id, Secret(client_secret), redirect_uri)


@main.command()
@click.option(
    "--folder",
    envvar="ENTRACTE_DEMO_FOLDER",
    default=".demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the demo keeps its database, keys and passwords.",
)
@_port("--port", "ENTRACTE_PORT", 8000, "Entracte")
@_port("--practice-port", "ENTRACTE_PRACTICE_PORT", 9000, "the practice identity provider")
@_port("--site-port", "ENTRACTE_SITE_PORT", 9001, "the brand's site")
def demo(folder: Path, port: int, practice_port: int, site_port: int) -> None:
    """Run everything on this machine: Entracte, the practice identity provider and a brand's site."""
    from entracte.demo import run_demo  # noqa: PLC0415

    run_demo(folder, port, practice_port, site_port)


def _with_store(work: Callable[[Store, Settings], Awaitable[None]]) -> None:
    """Run some work on the opened store."""

    async def run() -> None:
        settings = read_settings()
        async with _opened(settings) as store:
            await work(store, settings)

    asyncio.run(run())


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    store = Store.open(settings.database_url.get_secret_value())
    store.check_schema()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def _organization(store: Store, name: str | None) -> Organization:
    """The organization that is named, or the only one."""
    if name:
        found = await store.organizations.by_name(name)
        if found is not None:
            return found
        raise LocalError(Problem(Kind.NOT_FOUND, "organization_unknown", f"There is no organization {name}."))
    everyone = await store.organizations.everyone()
    if len(everyone) == 1:
        return everyone[0]
    hint = "Add one with `entracte organization add`." if not everyone else "Name one with --organization."
    count = "There is no organization yet." if not everyone else "There are several organizations."
    raise LocalError(Problem(Kind.BAD_INPUT, "organization_needed", count, hint=hint))


def _brand(file: str | None) -> Brand:
    if file is None:
        return Brand()
    try:
        return Brand.model_validate(YAML(typ="safe").load(Path(file).read_text(encoding="utf-8")))
    except (ValueError, YAMLError) as error:
        raise LocalError(Problem(Kind.BAD_INPUT, "brand_malformed", str(error), where=file)) from None


def _connection_options(options: dict[str, Any]) -> dict[str, Any]:
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
    elif "openid" not in given.get("scopes", ("openid",)) or not options["issuer"]:
        given["profile_source"] = "rest" if options["rest_url"] else "userinfo"
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

"""`entracte connection keys`: our own keys at an authorization server."""

import click

from entracte.cli.commands import named_organization, organization_option, with_store
from entracte.cli.connection.group import connection
from entracte.cli.lists import json_option
from entracte.cli.printed import instant, print_json
from entracte.connections import manage as manage_connections
from entracte.connections.addresses import addresses_of
from entracte.connections.key_list import ShownKey, keys_of, request_for_certificate
from entracte.connections.model import Connection, KeyUse
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import now


@connection.group("keys")
def keys() -> None:
    """Our own keys at the server of a connection: they are made when its settings need them."""


@keys.command("list")
@click.argument("name")
@json_option
@organization_option
def keys_list(name: str, as_json: bool, organization_name: str | None) -> None:
    """List our keys, the newest first: identifier, use, algorithm, since when, whether it is used now. Then the address
    where the server finds them, and each certificate with its thumbprint (`x5t#S256`)."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await manage_connections.named(store.connections, owner.number, name)
        (_print_json if as_json else _print)(kept, settings)

    with_store(work)


@keys.command("rotate")
@click.argument("name")
@click.option(
    "--leaked",
    is_flag=True,
    help="Forget the keys before at once, and use the new ones at once: for keys that somebody else may have. Sign-ins "
    "under way fail, and a certificate of an authority goes with its key.",
)
@organization_option
def keys_rotate(name: str, leaked: bool, organization_name: str | None) -> None:
    """Make a new key for each use. A new one is published for an hour before it signs, and the one before stays for
    what was begun with it. The next rotation waits for that hour."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        keys, owns = settings.seal_keys(), store.connections
        kept = await manage_connections.rotate_keys(owns, owner.number, name, keys, now(), leaked=leaked)
        _print(kept, settings)

    with_store(work)


@keys.command("certificate-request")
@click.argument("name")
@organization_option
def keys_certificate_request(name: str, organization_name: str | None) -> None:
    """Print what an authority needs to give out a certificate for our key (PKCS #10, in PEM). The certificate goes into
    the setting `client_certificate`."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await manage_connections.named(store.connections, owner.number, name)
        click.echo(request_for_certificate(kept, settings.seal_keys()), nl=False)

    with_store(work)


def _print(kept: Connection, settings: Settings) -> None:
    shown = keys_of(kept, now())
    if not shown:
        click.echo(f"The connection {kept.config.name} needs no keys of ours.")
        return
    for key in shown:
        used = "in use" if key.in_use else "published"
        click.echo(f"{key.kid}\t{key.use.value}\t{key.algorithm}\t{instant(key.created_at)}\t{used}")
    click.echo(f"jwks_uri\t{addresses_of(kept, settings.oauth_address).jwks_uri}")
    for key in shown:
        if key.use is KeyUse.TLS:
            click.echo(f"{key.kid}\tx5t#S256 {key.thumbprint}\n{key.certificate}", nl=False)


def _print_json(kept: Connection, settings: Settings) -> None:
    jwks_uri = addresses_of(kept, settings.oauth_address).jwks_uri
    print_json({"jwks_uri": jwks_uri, "items": [_as_json(key) for key in keys_of(kept, now())]})


def _as_json(key: ShownKey) -> dict[str, object]:
    return {
        "kid": key.kid,
        "use": key.use.value,
        "algorithm": key.algorithm,
        "created_at": instant(key.created_at),
        "in_use": key.in_use,
        "public": key.public,
        "certificate": key.certificate or None,
        "thumbprint": key.thumbprint or None,
    }

"""Everything on one machine: Entracte, the practice identity provider, and a brand's site that uses both.

The demo keeps its database, keys and passwords in a folder of its own, so that the second start finds
what the first one left. It uses the same use cases as the commands.
"""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import aiohttp
import click

from entracte.campaigns.draft import read_draft
from entracte.campaigns.manage import publish
from entracte.connections import manage as manage_connections
from entracte.connections.sources import ProfileSource
from entracte.errors import Kind, LocalError, Problem
from entracte.fetch import Fetcher
from entracte.listening import Listening, listen
from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Organization, Role
from entracte.practice.brand_site import brand_site
from entracte.practice.provider import PracticeClient, PracticeProvider
from entracte.practice.serving import Served
from entracte.protocol.seal import encode
from entracte.settings import Settings, read_settings
from entracte.store.opened import Store
from entracte.store.schema import migrate
from entracte.values import Secret, entropy, now
from entracte.wiring import Program, configure_logs, open_fetcher, server

CLIENT_ID = "entracte"
MEMBER = "demo@example.com"
BRAND = Brand(mark="♪")
CAMPAIGNS = ("summer-quiz", "listener-survey", "festival-contest")
EXAMPLE_SITE = "http://localhost:9001"
"""The origin that the shipped examples name; the demo puts its own in its place."""
SLOW_SECONDS = 3
"""What the persona “Slow” takes: long enough to notice, short enough to come back signed in."""
PATIENCE = 30
"""Seconds to wait until everything answers."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the demo remembers between two starts."""

    secret_key: str
    client_secret: Secret
    member_password: Secret


@dataclass(frozen=True, slots=True)
class Addresses:
    entracte: str
    practice: str
    site: str


def run_demo(folder: Path, port: int, practice_port: int, site_port: int) -> None:
    """Run until Ctrl-C. Raises LocalError `port_taken`, naming the setting, before anything is started."""
    configure_logs("text", logging.WARNING)
    with ExitStack() as open_until_the_end:

        def take(wanted: int, setting: str) -> Listening:
            taken = _take(wanted, setting)
            open_until_the_end.callback(taken.close)
            return taken

        own = take(port, "ENTRACTE_PORT")
        practice = take(practice_port, "ENTRACTE_PRACTICE_PORT")
        site = take(site_port, "ENTRACTE_SITE_PORT")
        addresses = Addresses(own.url, practice.url, site.url)
        kept = _kept(folder)
        settings = _settings(folder, addresses, kept)
        client = PracticeClient(CLIENT_ID, kept.client_secret, (settings.redirect_uri,))
        _say(f"Starting the practice identity provider at {practice.url} …")
        open_until_the_end.enter_context(
            Served(PracticeProvider(practice.url, [client], slow_seconds=SLOW_SECONDS).app, practice)
        )
        _say(f"Starting the brand's site at {site.url} …")
        open_until_the_end.enter_context(Served(brand_site(own.url), site))
        _say(f"Preparing the database in {folder} …")
        migrate(settings.database_url.get_secret_value())
        asyncio.run(_prepare(settings, addresses, kept))
        _say(f"Starting Entracte at {own.url} …")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(settings, own, addresses, kept))
    _say("Stopped.")


async def _serve(settings: Settings, own: Listening, addresses: Addresses, kept: Kept) -> None:
    serving = server(Program(settings), grace=5)
    announcing = asyncio.create_task(_announce(addresses, kept))
    try:
        await serving.serve(sockets=[own.socket])
    finally:
        announcing.cancel()


async def _announce(addresses: Addresses, kept: Kept) -> None:
    """Wait until everything answers, then say what to open."""
    asked = (
        f"{addresses.entracte}/readyz",
        f"{addresses.practice}/.well-known/openid-configuration",
        f"{addresses.site}/",
    )
    async with aiohttp.ClientSession(trust_env=False) as session:
        for address in asked:
            await _until_it_answers(session, address)
    places = (
        (f"{addresses.entracte}/c/summer-quiz", "a quiz; sign in as “Ana Lopez”"),
        (f"{addresses.site}", "the brand's site, with the quiz linked"),
        (f"{addresses.site}/win", "the same site with a contest in its page"),
        (f"{addresses.entracte}/manage", f"the manager; sign in as {MEMBER}"),
    )
    lines = "\n".join(f"  {address:<40} {what}" for address, what in places)
    _say(_GUIDE.format(places=lines, password=kept.member_password.reveal()))


async def _until_it_answers(session: aiohttp.ClientSession, address: str) -> None:
    for _ in range(PATIENCE * 10):
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(address, timeout=aiohttp.ClientTimeout(total=2)) as response:
                if response.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise LocalError(Problem(Kind.UNAVAILABLE, "demo_not_ready", f"{address} did not answer in {PATIENCE} seconds."))


async def _prepare(settings: Settings, addresses: Addresses, kept: Kept) -> None:
    """The organization, its connection, its campaigns and its member, made or brought up to date."""
    store = Store.open(settings.database_url.get_secret_value())
    await store.start()
    try:
        owner = await store.organizations.by_name("northwind")
        if owner is None:
            owner = await add_organization(
                store.organizations, "northwind", "Northwind Radio", BRAND, settings.seal_keys(), entropy
            )
            await add_member(store.members, owner.number, MEMBER, Role.OWNER, kept.member_password)
        await _connect(store, owner, settings, addresses, kept)
        await _publish(store, owner, addresses)
    finally:
        await store.stop()


async def _connect(store: Store, owner: Organization, settings: Settings, addresses: Addresses, kept: Kept) -> None:
    fetcher: Fetcher = open_fetcher(settings)
    await fetcher.start()
    try:
        metadata = await manage_connections.discover(addresses.practice, fetcher, fetcher.insecure_allowed)
        given = {
            **manage_connections.from_metadata(metadata),
            "name": "northwind",
            "title": "Northwind",
            "client_id": CLIENT_ID,
            "scopes": ("openid", "profile", "email", "phone"),
            "profile_source": ProfileSource.USERINFO,
        }
        config = manage_connections.read_config(given, fetcher.insecure_allowed)
    finally:
        await fetcher.stop()
    await manage_connections.replace_or_add(
        store.connections, owner.number, config, kept.client_secret, settings.seal_keys(), now()
    )


async def _publish(store: Store, owner: Organization, addresses: Addresses) -> None:
    known = {one.config.name: set(one.config.claims) for one in await store.connections.of(owner.number)}
    examples = files("entracte.practice").joinpath("examples")
    for name in CAMPAIGNS:
        text = examples.joinpath(f"{name}.yaml").read_text(encoding="utf-8").replace(EXAMPLE_SITE, addresses.site)
        definition = read_draft(text, f"{name}.yaml")
        published = await store.campaigns.by_name(name)
        if published is None or published.definition != definition:
            await publish(store.campaigns, owner.number, definition, known, now())


def _settings(folder: Path, addresses: Addresses, kept: Kept) -> Settings:
    return read_settings(
        database_url=f"sqlite:///{folder / 'entracte.sqlite3'}",
        public_url=addresses.entracte,
        oauth_url="",
        secret_keys=kept.secret_key,
        outbound_allow="localhost",
        log_format="text",
    )


def _kept(folder: Path) -> Kept:
    """What the folder holds, or fresh secrets; the file is for its owner alone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "secrets.json"
    if path.exists():
        found: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    else:
        found = {
            "secret_key": f"1:{encode(entropy(32))}",
            "client_secret": encode(entropy(24)),
            "member_password": "-".join(secrets.choice(_WORDS) for _ in range(4)),
        }
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(found, file)
    return Kept(found["secret_key"], Secret(found["client_secret"]), Secret(found["member_password"]))


def _take(port: int, setting: str) -> Listening:
    return listen("127.0.0.1", port, name="localhost", setting=setting)


def _say(text: str) -> None:
    click.echo(text)


_WORDS = (
    "amber", "banjo", "cello", "drum", "ember", "flute", "garden", "harbour", "island", "jazz", "kettle", "lantern",
    "meadow", "night", "organ", "piano", "quartz", "river", "saddle", "tango", "umbrella", "violin", "willow", "yellow",
)  # fmt: skip

_GUIDE = """
Everything answers. Open one of these:

{places}

  The manager's password is {password}.

At the sign-in, pick a persona: Ana Lopez has everything; the others lack something, refuse, or are slow.
Ctrl-C stops everything.
"""


def run_practice(port: int, client_id: str, client_secret: Secret, redirect_uri: str) -> None:
    """The practice identity provider alone, until Ctrl-C."""
    taken = _take(port, "ENTRACTE_PRACTICE_PORT")
    provider = PracticeProvider(taken.url, [PracticeClient(client_id, client_secret, (redirect_uri,))])
    with Served(provider.app, taken), contextlib.suppress(KeyboardInterrupt):
        # before anything is said, and also where the shell that started it has told its children to ignore Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _say(f"The practice identity provider answers as the issuer {taken.url}")
        _say(f"  client {client_id}, redirect URI {redirect_uri}. Ctrl-C stops it.")
        threading.Event().wait()
    provider.close()

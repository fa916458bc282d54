"""The systems under test: each is started alone on core 0, and signs people in at the stub."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.driver import User, WentWrong
from bench.filling import fill_with_connections, fill_with_participations
from bench.stub import CLIENT_ID, CLIENT_SECRET, EMAIL_DOMAIN
from tests.installation import Installation
from tests.postgresql import PostgreSQL
from tools.parts import BENCH_PEERS, PEERS, find_node

CORE = "0"
MODULES = Path("/usr/lib/apache2/modules")

CAMPAIGN = """
campaign: bench
title: Benchmark
languages: [en]
sign_in: {connection: northwind}
steps:
  - {kind: single_choice, key: one, title: One, choices: [{key: a, label: A}, {key: b, label: B}]}
  - {kind: single_choice, key: two, title: Two, choices: [{key: a, label: A}, {key: b, label: B}]}
  - {kind: single_choice, key: three, title: Three, choices: [{key: a, label: A}, {key: b, label: B}]}
  - {kind: single_choice, key: four, title: Four, choices: [{key: a, label: A}, {key: b, label: B}]}
  - {kind: open_text, key: five, title: Five}
  - kind: form
    key: details
    title: "Nice one, {first_name}."
    title_guest: Nice one.
    fields:
      - {key: first_name, kind: text, label: First name, prefill: first_name}
      - {key: last_name, kind: text, label: Last name, prefill: last_name}
      - {key: email, kind: email, label: E-mail, prefill: email, required: true}
      - {key: news, kind: opt_in, label: Send me news}
  - {kind: thanks, key: thanks, title: Thanks}
"""
ANSWERS = {"one": "a", "two": "b", "three": "a", "four": "b", "five": "Because of the sea."}


@dataclass(frozen=True)
class System:
    """A system that runs. `prepare` is what comes before a sign-in and is no part of it; `finish` what comes after."""

    process: int
    base: str
    sign_in: Callable[[User], Awaitable[None]]
    prepare: Callable[[User], Awaitable[None]] | None = None
    finish: Callable[[User], Awaitable[None]] | None = None
    database: int | None = None
    campaigns: Sequence[str] = ("bench",)


class Unavailable(Exception):
    """A part of the system is not on this machine. The text says which, and how to get it."""


@contextmanager
def stub() -> Iterator[str]:
    """The authorization server; its issuer."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.stub", str(port)])  # noqa: S603
    try:
        wait_for(port, process)
        yield f"http://localhost:{port}"
    finally:
        end(process)


@dataclass(frozen=True)
class Scale:
    """How much there is before the first sign-in. `busy` of the connections are signed in to, all
    when it is 0. `pinned`: on one core."""

    connections: int = 0
    busy: int = 0
    participations: int = 0
    workers: int = 1
    pinned: bool = True


SMALL = Scale()


@contextmanager
def entracte_on_sqlite(issuer: str, scale: Scale = SMALL) -> Iterator[System]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _entracte(Path(folder), issuer, "", None, scale)


@contextmanager
def entracte_on_postgresql(issuer: str, scale: Scale = SMALL) -> Iterator[System]:
    server = PostgreSQL()
    with ExitStack() as stack:
        stack.callback(server.close)
        server.start()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if scale.pinned:
            _pin(server.pid)
        yield from _entracte(Path(folder), issuer, server.new_database(), server.pid, scale)


def _entracte(folder: Path, issuer: str, database_url: str, database: int | None, scale: Scale) -> Iterator[System]:
    installation = Installation(folder, database_url=database_url, workers=scale.workers)
    kept = installation.connect(
        issuer, secret=CLIENT_SECRET, client_id=CLIENT_ID, scopes=("openid", "profile", "email")
    )
    published = installation.publish(CAMPAIGN)
    keys, url = installation.settings.seal_keys(), installation.settings.database_url.get_secret_value()
    names = ["bench"]
    if scale.connections:
        names = installation.work(lambda store: fill_with_connections(store, keys, kept, CAMPAIGN, scale.connections))
    if scale.participations:
        fill_with_participations(url, kept, published.number, scale.participations)
    with installation:
        if scale.pinned:
            _pin(installation.process_id)
        yield System(
            installation.process_id,
            installation.url,
            sign_in,
            prepare=answer,
            finish=submit,
            database=database,
            campaigns=names[:: max(1, len(names) // scale.busy)] if scale.busy else names,
        )


def _pin(process: int) -> None:
    """On one core, with all its threads and processes."""
    subprocess.run(["taskset", "-acp", CORE, str(process)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607


async def answer(user: User) -> None:
    """From nothing to the sign-in: a start and five answers."""
    await user.ask("GET", f"/c/{user.campaign}")
    for step, given in ANSWERS.items():
        got = await user.ask("POST", f"/c/{user.campaign}/{step}", {"answer": given})
    if got.location != f"/c/{user.campaign}/sign-in":
        raise WentWrong(f"the answers led to {got.status} {got.location}")


async def sign_in(user: User) -> None:
    """From the button to the form that is filled in."""
    got = await user.follow(await user.ask("POST", f"/c/{user.campaign}/sign-in", {}))
    if got.status != 200 or EMAIL_DOMAIN not in got.text:
        raise WentWrong(f"the sign-in ended with {got.status}")


async def submit(user: User) -> None:
    """The form, as it stands, and the thanks."""
    form = {"first_name": "Ana", "last_name": "Lopez", "email": f"ana{EMAIL_DOMAIN}"}
    got = await user.follow(await user.ask("POST", f"/c/{user.campaign}/details", form))
    if got.status != 200 or "Thanks" not in got.text:
        raise WentWrong(f"the form led to {got.status}")


@contextmanager
def mod_auth_openidc(issuer: str) -> Iterator[System]:
    """Apache with Debian's package: state in a cookie, session in shared memory, claims on the page."""
    program = shutil.which("apache2", path="/usr/sbin:/usr/bin")
    if program is None or not (MODULES / "mod_auth_openidc.so").exists():
        raise Unavailable("mod_auth_openidc: apt-get install apache2 libapache2-mod-auth-openidc")
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www" / "index.shtml").write_text('<!--#echo var="OIDC_CLAIM_email" -->')
        (folder / "mime.types").write_text("text/html shtml\n")
        client = {"issuer": issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        text = APACHE.format(folder=folder, modules=MODULES, port=port, **client)
        (folder / "apache.conf").write_text(text)
        command = ["taskset", "-c", CORE, program, "-f", str(folder / "apache.conf"), "-DFOREGROUND"]
        process = subprocess.Popen(command)  # noqa: S603
        try:
            wait_for(port, process)
            yield System(process.pid, f"http://localhost:{port}", sign_in_at_apache)
        finally:
            end(process)


async def sign_in_at_apache(user: User) -> None:
    """From the protected page to the page with the claims."""
    got = await user.follow(await user.ask("GET", "/index.shtml"))
    if got.status != 200 or EMAIL_DOMAIN not in got.text:
        raise WentWrong(f"the sign-in at Apache ended with {got.status}")


@contextmanager
def openid_client(issuer: str) -> Iterator[System]:
    """openid-client 5 on Node's bare http: state and session in encrypted cookies, claims on the page."""
    with _node("openid_client.mjs", issuer) as (process, base):
        yield System(process, base, lambda user: sign_in_at_node(user, "/login"))


@contextmanager
def express_openid_connect(issuer: str) -> Iterator[System]:
    """express-openid-connect under Express 5: state and session in encrypted cookies, claims on the page."""
    with _node("express_openid_connect.mjs", issuer) as (process, base):
        yield System(process, base, lambda user: sign_in_at_node(user, "/"))


async def sign_in_at_node(user: User, door: str) -> None:
    """From the door to the page with the claims."""
    got = await user.follow(await user.ask("GET", door))
    if got.status != 200 or EMAIL_DOMAIN not in got.text:
        raise WentWrong(f"the sign-in at Node.js ended with {got.status}")


@contextmanager
def _node(script: str, issuer: str) -> Iterator[tuple[int, str]]:
    if not PEERS.find():
        PEERS.install()
    program = find_node()
    if program is None or not PEERS.find():
        raise Unavailable(f"{PEERS.name}: npm ci in bench/node")
    port = free_port()
    arguments = [str(port), issuer, CLIENT_ID, CLIENT_SECRET]
    command = ["taskset", "-c", CORE, str(program), str(BENCH_PEERS / script), *arguments]
    environment = {**os.environ, "NODE_ENV": "production"}
    process = subprocess.Popen(command, env=environment)  # noqa: S603
    try:
        wait_for(port, process)
        yield process.pid, f"http://localhost:{port}"
    finally:
        end(process)


APACHE = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogLevel crit
Mutex posixsem
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule include_module {modules}/mod_include.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
TypesConfig {folder}/mime.types
ServerLimit 1
StartServers 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
User www-data
Group www-data
DocumentRoot {folder}/www
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI http://localhost:{port}/callback
OIDCCryptoPassphrase of-the-benchmark-and-of-nobody
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCCacheShmMax 20000
OIDCStateMaxNumberOfCookies 30 true
<Directory {folder}/www>
  Options +Includes
  AddOutputFilter INCLUDES .shtml
  AuthType openid-connect
  Require valid-user
</Directory>
<Location /callback>
  AuthType openid-connect
  Require valid-user
</Location>
"""

SYSTEMS = {
    "mod_auth_openidc": mod_auth_openidc,
    "openid-client 5": openid_client,
    "express-openid-connect": express_openid_connect,
    "Entracte on SQLite": entracte_on_sqlite,
    "Entracte on PostgreSQL": entracte_on_postgresql,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: "subprocess.Popen[bytes]", seconds: float = 20) -> None:
    """Until something answers there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Unavailable(f"nothing answers on port {port}")


def end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait(timeout=30)

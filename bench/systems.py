"""The systems under test: each is started alone on core 0, and signs people in at the stub."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.driver import User, WentWrong
from bench.stub import CLIENT_ID, CLIENT_SECRET, EMAIL_DOMAIN
from tests.installation import Installation
from tests.postgresql import PostgreSQL

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


@contextmanager
def entracte_on_sqlite(issuer: str) -> Iterator[System]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _entracte(Path(folder), issuer, "", None)


@contextmanager
def entracte_on_postgresql(issuer: str) -> Iterator[System]:
    server = PostgreSQL()
    with ExitStack() as stack:
        stack.callback(server.close)
        server.start()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        subprocess.run(["taskset", "-acp", CORE, str(server.pid)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
        yield from _entracte(Path(folder), issuer, server.new_database(), server.pid)


def _entracte(folder: Path, issuer: str, database_url: str, database: int | None) -> Iterator[System]:
    installation = Installation(folder, database_url=database_url)
    installation.connect(issuer, secret=CLIENT_SECRET, client_id=CLIENT_ID, scopes=("openid", "profile", "email"))
    installation.publish(CAMPAIGN)
    with installation:
        subprocess.run(["taskset", "-acp", CORE, str(installation.process_id)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, S607
        yield System(
            installation.process_id, installation.url, sign_in, prepare=answer, finish=submit, database=database
        )


async def answer(user: User) -> None:
    """From nothing to the sign-in: a start and five answers."""
    await user.ask("GET", "/c/bench")
    for step, given in ANSWERS.items():
        got = await user.ask("POST", f"/c/bench/{step}", {"answer": given})
    if got.location != "/c/bench/sign-in":
        raise WentWrong(f"the answers led to {got.status} {got.location}")


async def sign_in(user: User) -> None:
    """From the button to the form that is filled in."""
    got = await user.follow(await user.ask("POST", "/c/bench/sign-in", {}))
    if got.status != 200 or EMAIL_DOMAIN not in got.text:
        raise WentWrong(f"the sign-in ended with {got.status}")


async def submit(user: User) -> None:
    """The form, as it stands, and the thanks."""
    form = {"first_name": "Ana", "last_name": "Lopez", "email": f"ana{EMAIL_DOMAIN}"}
    got = await user.follow(await user.ask("POST", "/c/bench/details", form))
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

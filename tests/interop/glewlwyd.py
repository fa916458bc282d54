"""glewlwyd, which Debian has a package of, as a real authorization server on loopback.

`glewlwyd_setup.json` has what its administrator would enter: scopes, the plugin of OpenID Connect, a client for each
way of signing in, named for what is particular about it, and the people of `node_provider`.
"""

import gzip
import http.cookiejar
import json
import re
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from tests import parts
from tests.installation import free_port
from tests.interop.node_provider import PASSWORD

CLIENT_SECRET = "a-secret-of-the-tests_long-enough-to-sign-with"
"""Without a character that RFC 6749 (section 2.3.1) encodes in a header: glewlwyd does not decode it."""
HERE = Path(__file__).parent
FIRST_ADMINISTRATOR = {"username": "admin", "password": "password"}
"""Whom glewlwyd's own script for a new database makes."""
SECONDS_TO_START = 60


@dataclass(frozen=True, slots=True)
class Glewlwyd:
    """A running glewlwyd. Its endpoints are in its metadata, below `issuer`."""

    url: str
    administrator: urllib.request.OpenerDirector
    """Keeps the cookie of the administrator's session."""

    @property
    def issuer(self) -> str:
        return f"{self.url}/api/oidc"

    @property
    def metadata_url(self) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Its REST API for administrators."""
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/{path}", content, headers, method=method)
        try:
            with self.administrator.open(request, timeout=60) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(
                f"glewlwyd refuses {method} {path}, {error.code}: {error.read().decode()[:1000]}"
            ) from None

    def change_client(self, client_id: str, **given: Any) -> None:
        """Changes what glewlwyd knows about a client, in its own words."""
        self.ask("PUT", f"client/{client_id}", {**self.ask("GET", f"client/{client_id}"), **given})


@contextmanager
def glewlwyd(*, redirect_uri: str) -> Iterator[Glewlwyd]:
    """Runs a glewlwyd as long as the block lasts, on a free port, its host named `localhost`.

    Parameters:
        redirect_uri: of all clients; they may return to it after a logout, too.
    """
    installed = parts.require(parts.GLEWLWYD)
    port = free_port()

    with tempfile.TemporaryDirectory(prefix="glewlwyd-") as name:
        folder = Path(name)
        _make_database(folder / "glewlwyd.db", installed)
        settings = {"port": str(port), "folder": name, "installed": str(installed)}
        (folder / "glewlwyd.conf").write_text(_filled("glewlwyd.conf", settings))
        with _running(folder, installed, port) as running:
            _set_up(running, redirect_uri)
            yield running


def _filled(name: str, values: Mapping[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda match: values[match[1]], (HERE / name).read_text())


def _make_database(path: Path, installed: Path) -> None:
    script = installed / "usr" / "share" / "doc" / "glewlwyd" / "database" / "init.sqlite3.sql.gz"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(gzip.decompress(script.read_bytes()).decode())


@contextmanager
def _running(folder: Path, installed: Path, port: int) -> Iterator[Glewlwyd]:
    program = installed / "usr" / "bin" / "glewlwyd"
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    running = Glewlwyd(f"http://localhost:{port}", urllib.request.build_opener(cookies))
    with (
        (folder / "output.log").open("w+b") as said,
        subprocess.Popen(
            [str(program), "--config-file", str(folder / "glewlwyd.conf")],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        ) as process,
    ):
        try:
            _wait(process, running, folder)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: "subprocess.Popen[bytes]", running: Glewlwyd, folder: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(f"{running.url}/config", timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                logs = [path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log")]
                raise AssertionError(f"glewlwyd did not start: {logs}") from None
            time.sleep(0.05)
        else:
            return


def _set_up(running: Glewlwyd, redirect_uri: str) -> None:
    """What an administrator would enter."""
    keys: list[Key] = [
        RSAKey.generate_key(2048, {"kid": "rs256", "alg": "RS256"}),
        ECKey.generate_key("P-256", {"kid": "es256", "alg": "ES256"}),
    ]
    values = {
        "issuer": running.issuer,
        "keys": json.dumps(json.dumps(KeySet(keys).as_dict(private=True)))[1:-1],  # text in the text of a string
        "redirect_uri": redirect_uri,
        "client_secret": CLIENT_SECRET,
        "password": PASSWORD,
    }
    setup = json.loads(_filled("glewlwyd_setup.json", values))
    running.ask("POST", "auth/", FIRST_ADMINISTRATOR)
    for kind, names in setup["properties"].items():
        _allow_properties(running, kind, names)
    for scope in setup["scopes"]:
        running.ask("POST", "scope/", scope)
    running.ask("POST", "mod/plugin/", setup["plugin"])
    for person in setup["users"]:
        running.ask("POST", "user/", person)
    for client in setup["clients"]:
        running.ask("POST", "client/", client)


def _allow_properties(running: Glewlwyd, kind: str, names: list[str]) -> None:
    """What may be kept of a user or a client, beside what glewlwyd's own script allows."""
    module = running.ask("GET", f"mod/{kind}/database")
    module["parameters"]["data-format"] |= {name: {"multiple": False, "read": True, "write": True} for name in names}
    running.ask("PUT", f"mod/{kind}/database", module)
    running.ask("PUT", f"mod/{kind}/database/reset")

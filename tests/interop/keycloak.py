"""Keycloak as a real authorization server on loopback: as its project delivers it, with a realm of the tests' own.

The realm `northwind` in `keycloak_realm.json` has a client for each way of signing in, named for what is particular
about it, and the people of `node_provider`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests import parts
from tests.interop.certificates import Certificates
from tests.interop.node_provider import PASSWORD
from tools.keycloak import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, HEAP, find_java

CLIENT_SECRET = "a secret of the tests, long enough to sign with"
REALM = Path(__file__).with_name("keycloak_realm.json")
SECONDS_TO_START = 150
SECONDS_TO_STOP = 40
NOWHERE = "http://localhost:1/"
"""What the realm has for an address that a test does not give."""
POLICIES = {"fapi2": "fapi-2-dpop-security-profile", "fapi2-message-signing": "fapi-2-dpop-message-signing"}
"""Keycloak's profiles by client."""
CURVES = {
    "ES256": ("ecdsa-generated", "ecdsaEllipticCurveKey", "P-256"),
    "ES384": ("ecdsa-generated", "ecdsaEllipticCurveKey", "P-384"),
    "ES512": ("ecdsa-generated", "ecdsaEllipticCurveKey", "P-521"),
    "EdDSA": ("eddsa-generated", "eddsaEllipticCurveKey", "Ed25519"),
}
"""What makes a key that is not of RSA, by its algorithm, and where Keycloak is told its curve."""
LISTENING = re.compile(r"Listening on: (.+)")


@dataclass(frozen=True, slots=True)
class Keycloak:
    """A running Keycloak. Its endpoints are in its metadata, below `issuer`."""

    issuer: str
    plain_url: str
    """Where it answers by HTTP, without a realm."""
    _tokens: dict[float, str] = field(default_factory=dict, repr=False)
    """Of its administrator, each by the second that it ends at."""

    @property
    def metadata_url(self) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def add_clients(self, clients: Sequence[Mapping[str, Any]]) -> None:
        """New clients, in the words of Keycloak's `ClientRepresentation`."""
        self._ask("POST", "partialImport", {"ifResourceExists": "FAIL", "clients": clients})

    def asked_by(self, client_id: str) -> list[str]:
        """What a client has asked for, the latest last: types of Keycloak's events, with `_ERROR` what was refused."""
        events = self._ask("GET", f"events?client={quote(client_id)}&max=1000")
        return [str(event["type"]) for event in sorted(events, key=lambda event: event["time"])]

    def change_client(self, client_id: str, *, attributes: Mapping[str, str] | None = None, **given: Any) -> None:
        """Changes what the realm says about a client, in the words of Keycloak's `ClientRepresentation`."""
        [client] = self._ask("GET", f"clients?clientId={quote(client_id)}")
        client = {**client, **given, "attributes": {**client["attributes"], **(attributes or {})}}
        self._ask("PUT", f"clients/{client['id']}", client)

    def forget_consents(self, name: str) -> None:
        """Somebody is asked anew what a client may know."""
        [user] = self._ask("GET", f"users?username={quote(name)}&exact=true")
        for consent in self._ask("GET", f"users/{user['id']}/consents"):
            self._ask("DELETE", f"users/{user['id']}/consents/{quote(consent['clientId'])}")

    def put_policies(self) -> None:
        """Makes Keycloak's own profiles of FAPI the law for the clients in `POLICIES`.

        Less one demand: that every address is by HTTPS, which those of the tests on loopback are not.
        """
        known = self._ask("GET", "client-policies/profiles?include-global-profiles=true")["globalProfiles"]
        profiles = [
            {
                "name": client_id,
                "executors": [one for one in profile["executors"] if one["executor"] != "secure-client-uris"],
            }
            for client_id, name in POLICIES.items()
            for profile in known
            if profile["name"] == name
        ]
        policies = [
            {
                "name": client_id,
                "enabled": True,
                "conditions": [{"condition": "client-roles", "configuration": {"roles": [client_id]}}],
                "profiles": [client_id],
            }
            for client_id in POLICIES
        ]
        self._ask("PUT", "client-policies/profiles", {"profiles": profiles})
        self._ask("PUT", "client-policies/policies", {"policies": policies})

    def add_signing_key(self, algorithm: str = "RS256") -> None:
        """A new key that signs from now on; those before it stay in the JWK Set."""
        kind, what, value = CURVES.get(algorithm, ("rsa-generated", "algorithm", algorithm))
        config = {"priority": "1000", "active": "true", "enabled": "true", what: value}
        key = {"name": f"new {algorithm}", "providerId": kind, "providerType": "org.keycloak.keys.KeyProvider"}
        self._ask("POST", "components", {**key, "config": {name: [value] for name, value in config.items()}})

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Keycloak's REST API for administrators, below the realm."""
        address = f"{self.plain_url}/admin/realms/northwind/{path}"
        content = json.dumps(body).encode() if body else None
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"null")

    def _token(self) -> str:
        """A new one takes Keycloak a while: it has to check the password."""
        if fresh := [token for ends, token in self._tokens.items() if ends > time.monotonic()]:
            return fresh[0]
        form = {"grant_type": "password", "client_id": "admin-cli"}
        form |= {"username": ADMINISTRATOR, "password": ADMINISTRATOR_PASSWORD}
        address = f"{self.plain_url}/realms/master/protocol/openid-connect/token"
        with urllib.request.urlopen(address, urlencode(form).encode(), timeout=60) as response:
            said = json.load(response)
        self._tokens[time.monotonic() + said["expires_in"] / 2] = str(said["access_token"])
        return str(said["access_token"])


@contextmanager
def keycloak(
    *,
    redirect_uri: str,
    jwks_uri: str = NOWHERE,
    frontchannel_logout_uri: str = NOWHERE,
    backchannel_logout_uri: str = NOWHERE,
    https: Certificates | None = None,
) -> Iterator[Keycloak]:
    """Runs a Keycloak as long as the block lasts, on free ports, its host named `localhost`.

    Parameters:
        redirect_uri: of all clients; they may return to it after a logout, too.
        jwks_uri: where the clients that sign or decrypt publish their keys.
        frontchannel_logout_uri: of the client `front-channel`.
        backchannel_logout_uri: of the client `back-channel`.
        https: the server's certificate, and the authority whose certificates it believes of clients and of addresses
            that it calls. Then the issuer is an `https` one; without it an `http` one.
    """
    filled = {
        "redirect_uri": redirect_uri,
        "jwks_uri": jwks_uri,
        "frontchannel_logout_uri": frontchannel_logout_uri,
        "backchannel_logout_uri": backchannel_logout_uri,
        "client_secret": CLIENT_SECRET,
        "password": PASSWORD,
    }
    installed = parts.require(parts.KEYCLOAK)
    with tempfile.TemporaryDirectory(prefix="keycloak-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        _furnish(home, installed, filled)
        with _running(home, _options(https)) as addresses:
            scheme = "https" if https else "http"
            running = Keycloak(f"{addresses[scheme]}/realms/northwind", addresses["http"])
            running.put_policies()
            yield running


def _furnish(home: Path, installed: Path, filled: Mapping[str, str]) -> None:
    """A home of its own: the program is shared, the database is a copy of the one with tables and nothing else."""
    shutil.copytree(installed / "bin", home / "bin")
    shutil.copytree(installed / "data" / "h2", home / "data" / "h2")
    for name in ("conf", "lib", "providers", "themes", "version.txt"):
        (home / name).symlink_to(installed / name)
    realm = home / "data" / "import" / "northwind-realm.json"
    realm.parent.mkdir()
    realm.write_text(re.sub(r"@(\w+)@", lambda match: filled[match[1]], REALM.read_text()))


def _options(https: Certificates | None) -> list[str]:
    """On loopback only. Without a fixed host name the issuer is the address that was asked."""
    options = ["--http-enabled=true", "--http-host=127.0.0.1", "--http-port=0", "--hostname-strict=false"]
    options += ["--cache=local", "--import-realm"]
    if https:
        options += [f"--https-certificate-file={https.certificate}", f"--https-certificate-key-file={https.key}"]
        options += ["--https-port=0", f"--truststore-paths={https.authority}"]
    return options


@contextmanager
def _running(home: Path, options: list[str]) -> Iterator[dict[str, str]]:
    """Its addresses by scheme. At the end the whole process group is gone: the script, and the Java that it runs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KC_", "JAVA"))}
    environment |= {"JAVA": str(find_java()), "JAVA_OPTS_KC_HEAP": HEAP}
    environment["JAVA_OPTS_APPEND"] = "-XX:TieredStopAtLevel=1"  # it lives for a minute: quick to start, not to run
    messages = home / "messages.log"
    with messages.open("wb") as log:
        process = subprocess.Popen(
            ["sh", "bin/kc.sh", "start", "--optimized", *options],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield _started(process, messages)
    finally:
        _stop(process)


def _started(process: "subprocess.Popen[bytes]", messages: Path) -> dict[str, str]:
    """What it says to listen at, as soon as it does."""
    deadline = time.monotonic() + SECONDS_TO_START
    while not (said := LISTENING.search(messages.read_text(errors="replace"))):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"Keycloak did not start: {messages.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)
    found = re.findall(r"(https?)://[^ ]+:(\d+)", said[1])
    return {scheme: f"{scheme}://localhost:{port}" for scheme, port in found}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for how, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, how)
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            return

"""npm's `oidc-provider` as a real authorization server on loopback: an independent implementation to sign in at."""

import json
import selectors
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from tests import parts
from tests.interop.certificates import Certificates

SECONDS_TO_START = 60
PASSWORD = "correct horse battery staple"

ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "ana": {
        "password": PASSWORD,
        "claims": {
            "email": "ana@example.com",
            "email_verified": True,
            "name": "Ana Lopez",
            "given_name": "Ana",
            "family_name": "Lopez",
            "birthdate": "1990-02-28",
            "locale": "es-ES",
            "phone_number": "+34600123456",
            "phone_number_verified": False,
            "address": {
                "street_address": "Calle Mayor 1",
                "locality": "Madrid",
                "postal_code": "28013",
                "country": "ES",
            },
        },
    },
    "li": {
        "password": PASSWORD,
        "claims": {"email": "li@example.com", "email_verified": False, "name": "李小龙", "locale": "zh-CN"},
    },
    "ben": {
        "password": PASSWORD,
        "claims": {"name": "Ben Okafor", "given_name": "Ben", "family_name": "Okafor", "phone_number": "+32470223344"},
    },
    "fay": {
        "password": PASSWORD,
        "claims": {"email": "fay@example.com", "email_verified": True, "name": "Fay Larsen", "given_name": "Fay"},
    },
}
"""People who can log in, by subject: with all claims, with few, without an e-mail address, and one more."""


@dataclass(frozen=True, slots=True)
class NodeProvider:
    """A running provider. Its endpoints are in its metadata, below `issuer`."""

    issuer: str
    process: "subprocess.Popen[str]" = field(repr=False)

    @property
    def metadata_url(self) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def add_client(self, metadata: Mapping[str, Any]) -> None:
        """One more client, as in OpenID Connect Dynamic Client Registration 1.0, section 2, with a name of our choice.
        It may need what we only know when its server runs: where its keys are."""
        answer = _said(self.process, json.dumps({"client": metadata}))
        assert answer == f"client {metadata['client_id']}", f"oidc-provider does not take {metadata}: {answer}"

    def asked_by(self, client_id: str) -> list[str]:
        """What a client asked, in order, by the library's names of its endpoints: `token:200`, `userinfo:401`."""
        word, *asked = _said(self.process, json.dumps({"asked": client_id})).split()
        assert word == "asked"
        return asked


@contextmanager
def node_provider(
    *,
    clients: Sequence[Mapping[str, Any]] = (),
    accounts: Mapping[str, Mapping[str, Any]] = ACCOUNTS,
    resources: Mapping[str, Mapping[str, Any]] | None = None,
    default_resource: str = "",
    claims_in_id_token: bool = False,
    pkce_required: bool = True,
    dpop_nonces: bool = False,
    fapi: Mapping[str, str] | None = None,
    forgets: Collection[str] = (),
    https: Certificates | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[NodeProvider]:
    """Runs a provider as long as the block lasts.

    Parameters:
        clients: metadata as in OpenID Connect Dynamic Client Registration 1.0, section 2.
        accounts: people by subject, each with `password` and `claims`; they log in by subject or e-mail address. With
            `slow_seconds`, the token endpoint takes so long for them.
        resources: resource servers by indicator (RFC 8707), each with at least `scope`; their access tokens are JWTs
            (RFC 9068) with the claims of the granted scopes in them.
        default_resource: the resource when a request names none. Empty: access tokens are opaque, and for UserInfo.
        claims_in_id_token: whether scopes put their claims into the ID token, too.
        dpop_nonces: whether DPoP proofs have to have a nonce (RFC 9449 section 8).
        fapi: the FAPI profile that is the law for a client, in the library's words (`2.0`, `1.0 Final`), by client.
        forgets: the clients whose first access token is unknown as soon as it was given out.
        https: the server's certificate, and the authority whose certificates it believes of clients. Then the issuer is
            an `https` one, and its metadata names other endpoints for clients that show a certificate (RFC 8705).
        host: the name in the issuer; it must resolve to 127.0.0.1.
        port: 0 takes a free one.
    """
    configuration = {
        "clients": list(clients),
        "accounts": accounts,
        "resources": resources or {},
        "default_resource": default_resource,
        "claims_in_id_token": claims_in_id_token,
        "pkce_required": pkce_required,
        "dpop_nonces": dpop_nonces,
        "fapi": fapi or {},
        "forgets": list(forgets),
        "tls": https and _pem(https),
        "host": host,
        "port": port,
    }
    folder = parts.require(parts.NODE_PROVIDER)
    with (
        tempfile.TemporaryFile("w+") as messages,
        subprocess.Popen(
            [str(parts.node()), "server.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
        ) as process,
    ):
        try:
            yield NodeProvider(_started(process, json.dumps(configuration), messages), process)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _pem(https: Certificates) -> Mapping[str, str]:
    files = {"certificate": https.certificate, "key": https.key, "authority": https.authority}
    return {name: file.read_text() for name, file in files.items()}


def _started(process: "subprocess.Popen[str]", configuration: str, messages: IO[str]) -> str:
    """The issuer that the provider names as soon as it listens."""
    word, _, issuer = _said(process, configuration).partition(" ")
    if word != "ready":
        messages.seek(0)
        raise AssertionError(f"oidc-provider did not start: {messages.read()[-2000:]}")
    return issuer


def _said(process: "subprocess.Popen[str]", line: str) -> str:
    """The line that it answers to a line of ours; empty when it says nothing in time."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline().strip() if selector.select(SECONDS_TO_START) else ""

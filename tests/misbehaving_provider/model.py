"""What the provider keeps and records: calls, grants, clients, what a client is refused with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from tests.misbehaving_provider.keys import Claims

Parameters = list[tuple[str, str]]

OTHER_ISSUER = "https://other.example"
OTHER_CLIENT = "another-client"
INTERNAL = "http://169.254.169.254"
"""Where clouds keep what no outsider may read."""

RESPONSE_TYPES = frozenset(
    {"code", "code id_token", "code token", "code id_token token", "id_token", "id_token token"}
)  # fmt: skip

PERSON: Claims = {
    "sub": "person-1",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@northwind.example",
    "email_verified": True,
    "address": {"locality": "London", "country": "GB"},
}


@dataclass(frozen=True)
class EndpointCall:
    """One call of an endpoint, as it came. `headers` has lower-case names; `form` is empty for a GET; `body` is what
    came in another form. `certificate` is that of the client (DER), where TLS was used and it showed one."""

    path: str
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes = b""
    certificate: bytes = b""


CALL = web.RequestKey("call", EndpointCall)
"""Where a request keeps its record."""


@dataclass(frozen=True)
class Client:
    """A client as it is registered. `authentication` empty means HTTP Basic or the form, as the client likes;
    `redirect_uris` empty means any."""

    id: str
    secret: str
    authentication: str = ""
    redirect_uris: tuple[str, ...] = ()
    jwks: Claims = field(default_factory=dict)
    jwks_uri: str = ""
    metadata: Claims = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """What a code or a refresh token stands for. `thumbprint` is that of the DPoP key it is bound to."""

    client: Client
    redirect_uri: str
    code_challenge: str
    nonce: str
    scope: frozenset[str]
    request: Mapping[str, str] = field(default_factory=dict)
    thumbprint: str = ""
    family: str = ""
    """All that came from one code has one; when a refresh token is used twice, the family is revoked."""


@dataclass(frozen=True)
class AccessToken:
    """What an access token stands for. `certificate` is the hash of the one it is bound to (RFC 8705)."""

    grant: Grant
    thumbprint: str = ""
    certificate: str = ""


class OAuthError(Exception):
    """What a client is told; `headers` go with it."""

    def __init__(self, status: int, error: str, **headers: str) -> None:
        super().__init__(error)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = web.json_response({"error": error}, status=status, headers=names)

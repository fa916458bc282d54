"""HTTP requests and answers as plain values. The core writes a request and reads an answer; somebody
else moves them (`fetch`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from entracte.values import Secret


class Purpose(StrEnum):
    """What a request is for."""

    METADATA = "metadata"
    JWKS = "jwks"
    TOKEN = "token"  # noqa: S105
    PROFILE = "profile"
    """UserInfo, or the brand's own REST API."""
    PUSHED_REQUEST = "pushed_authorization_request"
    INTROSPECTION = "introspection"
    REVOCATION = "revocation"
    REGISTRATION = "registration"
    WEBFINGER = "webfinger"
    CLAIM_SOURCE = "claim_source"
    """The other server of a distributed claim."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What we show in TLS (RFC 8705 section 2), in PEM: our certificate with its chain, and its private key."""

    chain: str = field(repr=False)
    private_key: Secret


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One server-to-server request. `secret_headers` and `body` never reach a log."""

    method: str
    url: str
    accept: str = "application/json"
    content_type: str = ""
    body: Secret = field(default_factory=lambda: Secret(""))
    secret_headers: Mapping[str, Secret] = field(default_factory=dict)
    purpose: Purpose = Purpose.OTHER
    client_certificate: ClientCertificate | None = None
    """Shown to the server in TLS, where a connection proves itself so."""
    asked_by: str = ""
    """Whom it is for, for who counts what each may hold of what is scarce. It is not sent."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer. `headers` has lower-case names; `body` is whole, decompressed, within the limit.
    Neither is shown: a header of the other server may hold its cookies."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The media type without its parameters, lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

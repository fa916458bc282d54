"""How the client proves itself at the token endpoint (RFC 6749 section 2.3.1, OpenID Connect Core section 9)."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote_plus

from entracte.values import Secret


class ClientAuthentication(StrEnum):
    """The methods, by the names of OpenID Connect Core section 9."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at one authorization server."""

    client_id: str
    client_secret: Secret
    authentication: ClientAuthentication


def authenticate(client: Client, form: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Secret]]:
    """The form and the secret headers of a request that this client makes.

    Basic is form-urlencoded on both sides of the colon before base64, as RFC 6749 section 2.3.1 says.
    Only one method is used in one request (section 2.3).
    """
    if client.authentication is ClientAuthentication.BASIC:
        return dict(form), {"Authorization": _basic(client)}
    return {**form, "client_id": client.client_id, "client_secret": client.client_secret.reveal()}, {}


def _basic(client: Client) -> Secret:
    credentials = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret.reveal())}"
    return Secret("Basic " + b64encode(credentials.encode("ascii")).decode("ascii"))

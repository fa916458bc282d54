"""How the client proves itself to the authorization server (RFC 6749 section 2.3, OpenID Connect Core section 9,
RFC 7523 section 2.2, RFC 8705 section 2). A client secret may be one that we make ourselves, as Apple wants it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote_plus, urlencode

from entracte.protocol.messages import ClientCertificate, HttpRequest, Purpose
from entracte.protocol.signing import SigningKey, mac, sign
from entracte.values import Secret

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_AGE = 60
"""Seconds that an assertion of ours is good for."""
SECRET_AGE = 300
"""Seconds that a client secret of ours is good for. It is made for one request, so that nobody has to give the next one
in time; five minutes are enough for clocks that differ. Apple allows 15777000 ("Creating a client secret")."""


class ClientAuthentication(StrEnum):
    """The methods, by their names in the registry of RFC 7591 section 4.2."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    SECRET_JWT = "client_secret_jwt"  # noqa: S105
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"


TLS_METHODS = frozenset({ClientAuthentication.TLS, ClientAuthentication.SELF_SIGNED_TLS})
SECRET_METHODS = frozenset({ClientAuthentication.BASIC, ClientAuthentication.POST, ClientAuthentication.SECRET_JWT})
"""Those that need a client secret."""


@dataclass(frozen=True, slots=True)
class SignedSecret:
    """What a client secret is made of that is a token of ours: who issues it, whom it is for, and the key."""

    issuer: str
    audience: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at one authorization server."""

    client_id: str
    client_secret: Secret
    authentication: ClientAuthentication
    audience: str = ""
    """The `aud` of our assertions: the issuer, and nothing that its metadata says (RFC 7523bis section 4)."""
    signing_key: SigningKey | None = None
    certificate: ClientCertificate | None = field(default=None, repr=False)
    """Shown in TLS: to prove ourselves, or to bind the access token to it (RFC 8705 section 3)."""
    signed_secret: SignedSecret | None = None
    """What takes the place of `client_secret` where we make it ourselves."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an assertion or proof of ours needs afresh. `now` in seconds; `token_id` is random, used once (`jti`)."""

    now: int
    token_id: str = field(repr=False)


def authenticate(
    client: Client, form: Mapping[str, str], moment: Moment | None = None
) -> tuple[dict[str, str], dict[str, Secret]]:
    """The form and the secret headers of a request that this client makes.

    Basic is form-urlencoded on both sides of the colon before base64, as RFC 6749 section 2.3.1 says.
    Only one method is used in one request (section 2.3). Raises ValueError when an assertion or a secret is to be made
    and `moment`, the audience or the key is missing.
    """
    if client.authentication is ClientAuthentication.BASIC:
        return dict(form), {"Authorization": _basic(client.client_id, _secret(client, moment))}
    named = {**form, "client_id": client.client_id}
    if client.authentication is ClientAuthentication.POST:
        return {**named, "client_secret": _secret(client, moment).reveal()}, {}
    if client.authentication in (ClientAuthentication.SECRET_JWT, ClientAuthentication.PRIVATE_KEY_JWT):
        assertion = _assertion(client, moment).reveal()
        return {**named, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, {}
    return named, {}


def client_request(
    endpoint: str,
    client: Client,
    form: Mapping[str, str],
    *,
    purpose: Purpose,
    moment: Moment | None = None,
    headers: Mapping[str, Secret] | None = None,
    more: tuple[tuple[str, str], ...] = (),
) -> HttpRequest:
    """A POST of this client with its proof, at the token endpoint or another one of the authorization server. `more`
    are parameters that may stand there several times (RFC 8707 section 2)."""
    authenticated, secret_headers = authenticate(client, form, moment)
    return HttpRequest(
        "POST",
        endpoint,
        content_type="application/x-www-form-urlencoded",
        body=Secret(urlencode([*authenticated.items(), *more])),
        secret_headers={**secret_headers, **(headers or {})},
        purpose=purpose,
        client_certificate=client.certificate,
    )


def _secret(client: Client, moment: Moment | None) -> Secret:
    """The secret as it was given out, or made afresh: a JWT with these claims and the `kid` of its key, and no more
    (Apple, "Creating a client secret"; RFC 7519 section 4.1)."""
    made = client.signed_secret
    if made is None:
        return client.client_secret
    if moment is None:
        raise ValueError("a client secret of ours needs a moment")
    claims = {
        "iss": made.issuer,
        "iat": moment.now,
        "exp": moment.now + SECRET_AGE,
        "aud": made.audience,
        "sub": client.client_id,
    }
    return sign(claims, made.key)


def _basic(client_id: str, secret: Secret) -> Secret:
    credentials = f"{quote_plus(client_id)}:{quote_plus(secret.reveal())}"
    return Secret("Basic " + b64encode(credentials.encode("ascii")).decode("ascii"))


def _assertion(client: Client, moment: Moment | None) -> Secret:
    """RFC 7523 section 3. The audience is one string: a list could name somebody whom a server pretends to be."""
    if moment is None or not client.audience:
        raise ValueError("an assertion needs a moment and an audience")
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.audience,
        "jti": moment.token_id,
        "iat": moment.now,
        "exp": moment.now + ASSERTION_AGE,
    }
    if client.authentication is ClientAuthentication.SECRET_JWT:
        return mac(claims, client.client_secret, "HS256", typ="JWT")
    if client.signing_key is None:
        raise ValueError("an assertion needs a key")
    return sign(claims, client.signing_key, typ="JWT")

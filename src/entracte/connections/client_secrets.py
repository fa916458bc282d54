"""Client secrets at rest: sealed under a key derived per organization, opened only to make a request.

A connection has one secret, or two while the authorization server changes from one to the next: the server may take the
new one at once, later, or beside the old one, and a sign-in works all the time.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from entracte.connections.made_secret import key_of
from entracte.connections.model import Connection, ConnectionConfig, KeptRegistration
from entracte.connections.opened_keys import NO_KEYS, OpenedKeys
from entracte.connections.own_keys import resealed
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.client_auth import SECRET_METHODS, Client, SignedSecret
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import OrganizationNumber, Secret

LONGEST = 2000
"""Characters of a client secret: far more than any server gives out."""


class Place(StrEnum):
    """Which of the two secrets."""

    CURRENT = "current"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """That there is a secret, and since when (epoch seconds; None when that was not kept). Never what it is."""

    place: Place
    added_at: int | None


def check_secret(secret: Secret, config: ConnectionConfig) -> Secret:
    """The secret, when a server can have given it out, or it is the key that we make one with. LocalError
    `connection_secret_malformed` and `connection_secret_no_key`, without it."""
    text = secret.reveal()
    # a key has lines; all else is one
    readable = text.strip() if config.made_secret else text.strip() and text.isprintable()
    if not readable or len(text) > LONGEST:
        message = f"A client secret has 1 to {LONGEST} printable characters."
        raise LocalError(Problem(Kind.BAD_INPUT, "connection_secret_malformed", message, where="secret"))
    if config.made_secret:
        key_of(secret)
    return secret


def seal_secret(secret: Secret, organization: OrganizationNumber, keys: SealKeys) -> str:
    """What the store keeps. It does not open for another organization."""
    return seal(secret.reveal().encode(), _purpose(organization), keys)


def secret_of(connection: Connection, keys: SealKeys) -> Secret:
    """The current secret, as the server knows it; empty where the connection has none, or makes one itself: our private
    key is told to nobody."""
    if connection.config.made_secret is not None:
        return Secret("")
    return _opened(connection, connection.sealed_secret, keys)


def secrets_for_macs(connection: Connection, keys: SealKeys) -> tuple[Secret, ...]:
    """Every secret that the server may sign with: the current one, and the previous one while it is kept. None where we
    make the secret ourselves, as `secret_of` says."""
    if connection.config.made_secret is not None:
        return ()
    sealed = (connection.sealed_secret, connection.previous_sealed_secret)
    return tuple(_opened(connection, one, keys) for one in sealed if one)


def client_of(connection: Connection, keys: SealKeys, own: OpenedKeys = NO_KEYS) -> Client:
    """Who we are at this connection's server."""
    return _client(connection, connection.sealed_secret, keys, own)


def previous_client_of(connection: Connection, keys: SealKeys, own: OpenedKeys = NO_KEYS) -> Client | None:
    """Who we were before the secret changed, where that secret is still kept and the connection uses one."""
    sealed = connection.previous_sealed_secret
    if sealed is None or connection.config.authentication not in SECRET_METHODS:
        return None
    return _client(connection, sealed, keys, own)


def secrets_of(connection: Connection) -> tuple[KeptSecret, ...]:
    """The secrets that are kept, the current one first; none where the connection proves itself without."""
    if not connection.sealed_secret:
        return ()
    current = KeptSecret(Place.CURRENT, connection.secret_added_at)
    if connection.previous_sealed_secret is None:
        return (current,)
    return current, KeptSecret(Place.PREVIOUS, connection.previous_secret_added_at)


def with_secret(connection: Connection, sealed: str, at: int, *, replace_previous: bool) -> Connection:
    """The given secret becomes the current one, and the current one the previous one. LocalError
    `connection_secrets_full` where that would push a third one out and nobody asked for it."""
    if connection.previous_sealed_secret is not None and not replace_previous:
        raise LocalError(
            Problem(
                Kind.CONFLICT,
                "connection_secrets_full",
                "The connection has two secrets already.",
                hint="Remove the previous one first, or ask for it to be replaced.",
            )
        )
    return replace(
        connection,
        sealed_secret=sealed,
        secret_added_at=at,
        previous_sealed_secret=connection.sealed_secret or None,
        previous_secret_added_at=connection.secret_added_at,
    )


def for_config(connection: Connection, config: ConnectionConfig) -> Connection:
    """The connection without its secrets, where they are of no use to this configuration: a key is never sent as a
    secret, and a secret is no key."""
    if (connection.config.made_secret is None) is (config.made_secret is None):
        return connection
    bare = replace(connection, sealed_secret="", secret_added_at=None)
    return replace(bare, previous_sealed_secret=None, previous_secret_added_at=None)


def without_secret(connection: Connection, place: Place) -> Connection:
    """One of the two is gone; when that is the current one, the previous one is current again. LocalError
    `connection_secret_unknown` (there is no previous one) or `connection_secret_last`."""
    if connection.previous_sealed_secret is None:
        if place is Place.PREVIOUS:
            message = "The connection has no previous secret."
            raise LocalError(Problem(Kind.NOT_FOUND, "connection_secret_unknown", message))
        only = "This is the only secret of the connection."
        raise LocalError(Problem(Kind.CONFLICT, "connection_secret_last", only, hint="Add the new one first."))
    alone = replace(connection, previous_sealed_secret=None, previous_secret_added_at=None)
    if place is Place.PREVIOUS:
        return alone
    return replace(
        alone, sealed_secret=connection.previous_sealed_secret, secret_added_at=connection.previous_secret_added_at
    )


def reseal(connection: Connection, keys: SealKeys) -> Connection:
    """The same secrets, sealed under the newest of our keys. Refuses as `open_sealed` does when one does not open."""
    previous = connection.previous_sealed_secret
    return replace(
        connection,
        sealed_secret=_sealed_again(connection, connection.sealed_secret, keys),
        previous_sealed_secret=None if previous is None else _sealed_again(connection, previous, keys),
        own_keys=resealed(connection, keys),
        registration=_registration_sealed_again(connection, keys),
    )


def seal_registration_token(token: Secret, organization: OrganizationNumber, keys: SealKeys) -> str:
    """What the store keeps of a registration access token (RFC 7592)."""
    return seal(token.reveal().encode(), _registration_purpose(organization), keys)


def registration_token_of(connection: Connection, keys: SealKeys) -> Secret:
    """What opens our registration at the server; empty where there is none. Refuses as `open_sealed` does."""
    sealed = connection.registration.sealed_token if connection.registration else ""
    purpose = _registration_purpose(connection.organization)
    return Secret(open_sealed(sealed, purpose, keys).decode() if sealed else "")


def _registration_sealed_again(connection: Connection, keys: SealKeys) -> KeptRegistration | None:
    token = registration_token_of(connection, keys)
    if connection.registration is None or not token.reveal():
        return connection.registration
    sealed = seal_registration_token(token, connection.organization, keys)
    return connection.registration.model_copy(update={"sealed_token": sealed})


def _registration_purpose(organization: OrganizationNumber) -> str:
    return f"registration of {organization}"


def _sealed_again(connection: Connection, sealed: str, keys: SealKeys) -> str:
    purpose = _purpose(connection.organization)
    return seal(open_sealed(sealed, purpose, keys), purpose, keys) if sealed else ""


def _opened(connection: Connection, sealed: str, keys: SealKeys) -> Secret:
    return Secret(open_sealed(sealed, _purpose(connection.organization), keys).decode() if sealed else "")


def _client(connection: Connection, sealed: str, keys: SealKeys, own: OpenedKeys) -> Client:
    config, secret = connection.config, _opened(connection, sealed, keys)
    signed = _signed_secret(config, secret)
    return Client(
        config.client_id,
        Secret("") if config.made_secret else secret,
        config.authentication,
        audience=config.assertion_audience or config.issuer,
        signing_key=own.signing,
        certificate=own.certificate,
        signed_secret=signed,
    )


def _signed_secret(config: ConnectionConfig, secret: Secret) -> SignedSecret | None:
    """What the secret is made of, with the key that this one of the two kept secrets is."""
    made = config.made_secret
    if made is None or not secret.reveal():
        return None
    return SignedSecret(made.issuer, made.audience, key_of(secret))


def _purpose(organization: OrganizationNumber) -> str:
    return f"client secret of {organization}"

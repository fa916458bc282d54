"""Registering ourselves at an authorization server, and minding that registration (RFC 7591, RFC 7592).

The server may ask for our keys while it registers us, at an address that has the connection's number in it. So the
connection is kept first, under the client ID `UNREGISTERED`, and forgotten again when the server refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from entracte.connections.client_metadata import Ourselves, client_metadata
from entracte.connections.client_secrets import (
    registration_token_of,
    seal_registration_token,
    seal_secret,
    secret_of,
    with_secret,
)
from entracte.connections.configuration import with_metadata
from entracte.connections.identity import set_up
from entracte.connections.manage import make_keys, named
from entracte.connections.metadata import InsecureAllowed, check_address, check_has_issuer, discover
from entracte.connections.model import Connection, Connections, KeptRegistration
from entracte.connections.own_certificates import check_certificate
from entracte.connections.providers import Fetch
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.addresses import origin
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.metadata import Metadata
from entracte.protocol.registration import (
    Management,
    Registration,
    configuration_request,
    deletion_request,
    read_configuration,
    read_deletion,
    read_registration,
    registration_request,
    update_request,
)
from entracte.protocol.seal import SealKeys
from entracte.values import OrganizationNumber, Secret

UNREGISTERED = "not-registered-yet"
"""The client ID of a connection whose server has not answered yet."""
_NO_SECRET = Secret("")


@dataclass(frozen=True, slots=True)
class Way:
    """The way to the server, and the moment (epoch seconds)."""

    fetch: Fetch
    insecure_allowed: InsecureAllowed
    at: int


@dataclass(frozen=True, slots=True)
class Where:
    """Where a registration is asked for, and with what. Without an `endpoint` it is that of the issuer's metadata, and
    then on the issuer's own origin: the initial access token goes nowhere else unless a member says so."""

    endpoint: str = ""
    initial_access_token: Secret | None = None
    software_statement: Secret | None = None
    """What somebody whom the server trusts signed of us (RFC 7591 section 2.3)."""


async def register(
    connections: Connections,
    organization: OrganizationNumber,
    given: Mapping[str, Any],
    ourselves: Ourselves,
    way: Way,
    keys: SealKeys,
    where: Where,
) -> Connection:
    """Add a connection with its metadata, and register it; it is gone again when that fails. Raises as `configure`,
    `add` and `register_kept` do, and LocalError `registration_issuer_missing`."""
    check_contacts(ourselves)
    issuer = given.get("issuer")
    if not issuer:
        message = "A registration begins with the issuer's metadata."
        raise LocalError(Problem(Kind.BAD_INPUT, "registration_issuer_missing", message, where="issuer"))
    metadata = await discover(issuer, way.fetch, way.insecure_allowed)
    endpoint = _endpoint(where, metadata, way)
    config = with_metadata({**given, "client_id": UNREGISTERED}, metadata, way.insecure_allowed)
    check_certificate(config, ())
    kept = await connections.add(organization, config, "", way.at)
    try:
        kept = await make_keys(connections, kept, keys, way.at)
        return await _registered(connections, kept, ourselves, way, keys, replace(where, endpoint=endpoint))
    except BaseException:
        await connections.remove(organization, config.name)
        raise


async def register_kept(
    connections: Connections,
    organization: OrganizationNumber,
    name: str,
    ourselves: Ourselves,
    way: Way,
    keys: SealKeys,
    where: Where,
) -> Connection:
    """Register a connection as it is set up: the server's client ID and secret take the place of those before. Raises
    as `discover` and `read_registration` do, and LocalError `connection_unknown`, `connection_without_discovery`,
    `registration_exists`, `registration_contact_missing` and `registration_endpoint_elsewhere`."""
    kept = await named(connections, organization, name)
    if kept.registration is not None:
        hint = "Update it, or end it first."
        raise LocalError(
            Problem(Kind.CONFLICT, "registration_exists", f"The connection {name} is registered already.", hint)
        )
    check_contacts(ourselves)
    endpoint = where.endpoint
    if not endpoint:
        check_has_issuer(kept)
        metadata = await discover(kept.config.issuer, way.fetch, way.insecure_allowed, openid=kept.config.is_openid)
        endpoint = _endpoint(where, metadata, way)
    check_address("registration_endpoint", endpoint, way.insecure_allowed)
    return await _registered(connections, kept, ourselves, way, keys, replace(where, endpoint=endpoint))


async def _registered(
    connections: Connections, kept: Connection, ourselves: Ourselves, way: Way, keys: SealKeys, where: Where
) -> Connection:
    asked = client_metadata(kept, ourselves)
    request = registration_request(
        where.endpoint,
        asked,
        initial_access_token=where.initial_access_token,
        software_statement=where.software_statement,
    )
    answer = await way.fetch(request)
    now = read_registration(answer, asked, now=way.at, insecure_allowed=way.insecure_allowed)
    _check_management(now, where.endpoint)
    return await _keep(connections, kept, now, ourselves.contacts, keys, way.at)


async def read(
    connections: Connections,
    organization: OrganizationNumber,
    name: str,
    ourselves: Ourselves,
    way: Way,
    keys: SealKeys,
) -> tuple[Connection, Mapping[str, Any]]:
    """What the server has of us, without secrets; a new secret or access token that comes with it is kept. Raises as
    `read_configuration` does, and LocalError `connection_unknown` and `registration_unmanaged`."""
    kept, before, management = await _managed(connections, organization, name, keys)
    asked = client_metadata(kept, _as_before(ourselves, kept))
    answer = await way.fetch(configuration_request(management))
    now = read_configuration(answer, asked, before, now=way.at, insecure_allowed=way.insecure_allowed)
    _check_management(now, management.registration_client_uri)
    contacts = _as_before(ourselves, kept).contacts
    return await _keep(connections, kept, now, contacts, keys, way.at), now.registered


async def update(
    connections: Connections,
    organization: OrganizationNumber,
    name: str,
    ourselves: Ourselves,
    way: Way,
    keys: SealKeys,
) -> Connection:
    """Tell the server how the connection is set up now. It may answer with a new secret: that one becomes the current
    one, and the one before stays. Without contacts, those before are told again. Raises as `read` does."""
    kept, before, management = await _managed(connections, organization, name, keys)
    asked = client_metadata(kept, _as_before(ourselves, kept))
    answer = await way.fetch(update_request(before, management, asked))
    now = read_configuration(answer, asked, before, now=way.at, insecure_allowed=way.insecure_allowed)
    _check_management(now, management.registration_client_uri)
    return await _keep(connections, kept, now, asked.contacts, keys, way.at)


async def unregister(
    connections: Connections, organization: OrganizationNumber, name: str, fetch: Fetch, keys: SealKeys
) -> Connection:
    """End the registration at the server; the connection stays, and no sign-in works with it. Raises as
    `read_deletion` does, and LocalError `connection_unknown` and `registration_unmanaged`."""
    _, _, management = await _managed(connections, organization, name, keys)
    read_deletion(await fetch(deletion_request(management)))
    changed = await connections.change(organization, name, lambda latest: replace(latest, registration=None))
    return changed or await named(connections, organization, name)


def check_contacts(ourselves: Ourselves) -> None:
    """LocalError `registration_contact_missing`."""
    if not ourselves.contacts:
        message = "A registration names somebody whom the server's people can write to."
        raise LocalError(Problem(Kind.BAD_INPUT, "registration_contact_missing", message, where="contacts"))


def _endpoint(where: Where, metadata: Metadata, way: Way) -> str:
    if where.endpoint:
        check_address("registration_endpoint", where.endpoint, way.insecure_allowed)
        return where.endpoint
    endpoint = metadata.registration_endpoint
    if endpoint is None:
        raise refuse(Reason.METADATA_LACKS, "The metadata does not have a registration_endpoint.")
    if origin(endpoint) != origin(metadata.issuer):
        message = "The metadata names a registration endpoint on another host than the issuer's."
        hint = "Name it yourself, if it is the right one."
        raise LocalError(Problem(Kind.BAD_INPUT, "registration_endpoint_elsewhere", message, hint))
    return endpoint


def _check_management(registration: Registration, where: str) -> None:
    """What opens the registration is shown to nobody but the server that it is at."""
    management = registration.management
    if management is not None and origin(management.registration_client_uri) != origin(where):
        raise refuse(Reason.REGISTRATION_REFUSED, "`registration_client_uri` is on another host.")


def _as_before(ourselves: Ourselves, kept: Connection) -> Ourselves:
    if ourselves.contacts or kept.registration is None:
        return ourselves
    return replace(ourselves, contacts=kept.registration.contacts)


async def _managed(
    connections: Connections, organization: OrganizationNumber, name: str, keys: SealKeys
) -> tuple[Connection, Registration, Management]:
    kept = await named(connections, organization, name)
    registered = kept.registration
    if registered is None or not registered.client_uri:
        message = f"The connection {name} was not registered by us, or its server lets nobody mind a registration."
        raise LocalError(Problem(Kind.CONFLICT, "registration_unmanaged", message))
    management = Management(registered.client_uri, registration_token_of(kept, keys))
    secret = secret_of(kept, keys)
    own = secret if secret.reveal() else None
    before = Registration(kept.config.client_id, own, registered.secret_expires_at, management, {})
    return kept, before, management


async def _keep(
    connections: Connections,
    connection: Connection,
    registration: Registration,
    contacts: tuple[str, ...],
    keys: SealKeys,
    at: int,
) -> Connection:
    organization, name = connection.organization, connection.config.name
    management, secret = registration.management, registration.client_secret or _NO_SECRET
    # where we make the secret ourselves, one that the server gives is for nothing
    has_use = connection.config.made_secret is None
    is_new = has_use and bool(secret.reveal()) and secret.reveal() != secret_of(connection, keys).reveal()
    sealed = seal_secret(secret, organization, keys) if is_new else ""
    registered = KeptRegistration(
        contacts=contacts,
        registered_at=connection.registration.registered_at if connection.registration else at,
        secret_expires_at=registration.secret_expires_at,
        client_uri=management.registration_client_uri if management else "",
        sealed_token=seal_registration_token(management.registration_access_token, organization, keys)
        if management
        else "",
    )

    def change(latest: Connection) -> Connection:
        config = latest.config.model_copy(update={"client_id": registration.client_id})
        # a server knows nobody by the client ID from before its first answer: no sign-in of that time is lost
        begins = latest.config.client_id == UNREGISTERED
        moved = latest.with_config(config) if begins else set_up(latest, config, at)
        changed = replace(moved, registration=registered)
        return with_secret(changed, sealed, at, replace_previous=True) if sealed else changed

    changed = await connections.change(organization, name, change)
    return changed or await named(connections, organization, name)

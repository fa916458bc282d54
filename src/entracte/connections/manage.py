"""Setting up a connection: from discovery, or from explicit endpoints. Every address is checked before it is kept.

What is written here is what the command and the REST API do.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from entracte.connections.client_secrets import Place, check_secret, seal_secret, with_secret, without_secret
from entracte.connections.model import Connection, ConnectionConfig, Connections, ProfileSource
from entracte.connections.providers import Fetch
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.authorization import OWN_PARAMETERS, query_names
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.metadata import Metadata, check_endpoint, metadata_request, read_metadata
from entracte.protocol.seal import SealKeys
from entracte.values import OrganizationNumber, Secret

Found = TypeVar("Found")

InsecureAllowed = Callable[[str], bool]
"""Whether a host may be reached by plain http (it is named in ENTRACTE_OUTBOUND_ALLOW)."""

_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
_SUPPORTED_ALGORITHMS = (
    "RS256", "ES256", "EdDSA", "PS256", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512",
)  # fmt: skip


async def discover(issuer: str, fetch: Fetch, insecure_allowed: InsecureAllowed) -> Metadata:
    """The metadata of an issuer (OpenID Connect Discovery section 4). Refuses as `fetch` and `read_metadata` do."""
    _check("issuer", issuer, insecure_allowed)
    response = await fetch(metadata_request(issuer))
    return read_metadata(response, issuer, insecure_allowed=insecure_allowed)


def from_metadata(metadata: Metadata) -> dict[str, Any]:
    """What a connection takes from discovery. The endpoints are kept, not asked for again at each login: an
    endpoint that changes is a decision of the member (RFC 9700 section 4.4)."""
    return {
        "issuer": metadata.issuer,
        "authorization_endpoint": metadata.authorization_endpoint,
        "token_endpoint": metadata.token_endpoint,
        "jwks_uri": metadata.jwks_uri,
        "userinfo_endpoint": metadata.userinfo_endpoint or "",
        "end_session_endpoint": metadata.end_session_endpoint or "",
        "issuer_in_response": metadata.issuer_in_response,
        "id_token_algorithms": _algorithms(metadata),
        "authentication": _authentication(metadata),
    }


async def configure(
    given: Mapping[str, Any], fetch: Fetch, insecure_allowed: InsecureAllowed, *, discovery: bool = True
) -> ConnectionConfig:
    """A checked configuration from the settings that were given. With an issuer, and unless `discovery` is off, the
    rest comes from the issuer's metadata; what was given stands. Raises as `discover` and `read_config` do."""
    settings = dict(given)
    settings.setdefault("profile_source", _usual_source(settings))
    issuer = settings.get("issuer")
    if discovery and issuer:
        settings = {**from_metadata(await discover(issuer, fetch, insecure_allowed)), **settings}
    return read_config(settings, insecure_allowed)


def read_config(given: Mapping[str, Any], insecure_allowed: InsecureAllowed) -> ConnectionConfig:
    """A checked configuration. LocalError names every setting that is wrong, and shows no secret."""
    try:
        config = ConnectionConfig.model_validate(dict(given))
    except ValidationError as error:
        raise LocalError(
            *(
                Problem(
                    Kind.BAD_INPUT,
                    "connection_setting_malformed",
                    str(item["msg"]).removeprefix("Value error, "),
                    where=".".join(str(part) for part in item["loc"]),
                )
                for item in error.errors(include_input=False, include_url=False)
            )
        ) from None
    for name in _ENDPOINTS:
        _check(name, getattr(config, name), insecure_allowed)
    _check_query(config)
    if config.issuer:
        _check("issuer", config.issuer, insecure_allowed)
    if config.rest:
        _check("rest.url", config.rest.url, insecure_allowed)
    return config


async def add(
    connections: Connections,
    organization: OrganizationNumber,
    config: ConnectionConfig,
    secret: Secret,
    keys: SealKeys,
    at: int | None = None,
) -> Connection:
    """Keep a connection; its secret is sealed and never shown again. Raises LocalError `connection_exists` and
    `connection_secret_malformed`."""
    return await connections.add(organization, config, seal_secret(check_secret(secret), organization, keys), at)


async def named(connections: Connections, organization: OrganizationNumber, name: str) -> Connection:
    """The connection of this name. LocalError `connection_unknown`: not there, or another organization's."""
    return _known(await connections.by_name(organization, name), name)


async def attributes(connections: Connections, organization: OrganizationNumber) -> dict[str, set[str]]:
    """The connections by name, each with the attributes that its claim map defines: what a campaign may ask for."""
    return {one.config.name: set(one.config.claims) for one in await connections.of(organization)}


def check_same_name(name: str, given: str) -> None:
    """A connection keeps its name. LocalError `connection_other_name`."""
    if name != given:
        message = f"This is the connection {name}, and a connection keeps its name."
        raise LocalError(Problem(Kind.BAD_INPUT, "connection_other_name", message, where="name"))


async def reconfigure(
    connections: Connections, organization: OrganizationNumber, config: ConnectionConfig
) -> Connection:
    """Give the connection of this name another configuration; number and secrets stay. LocalError
    `connection_unknown`."""
    changed = await connections.change(organization, config.name, lambda kept: replace(kept, config=config))
    return _known(changed, config.name)


async def remove(
    connections: Connections, organization: OrganizationNumber, name: str, campaigns: Collection[str]
) -> None:
    """Remove a connection that no published campaign uses; `campaigns` are those that do. LocalError
    `connection_unknown` and `connection_in_use`."""
    await named(connections, organization, name)
    if campaigns:
        message = f"Published campaigns use the connection {name}: {', '.join(sorted(campaigns))}."
        hint = "Publish them with another connection first."
        raise LocalError(Problem(Kind.CONFLICT, "connection_in_use", message, hint))
    if not await connections.remove(organization, name):
        raise _unknown(name)


async def add_secret(
    connections: Connections,
    organization: OrganizationNumber,
    name: str,
    secret: Secret,
    keys: SealKeys,
    at: int,
    *,
    replace_previous: bool = False,
) -> Connection:
    """Make this the current secret; the one that was becomes the previous one. LocalError `connection_unknown`,
    `connection_secret_malformed` and `connection_secrets_full`."""
    sealed = seal_secret(check_secret(secret), organization, keys)
    changed = await connections.change(
        organization, name, lambda kept: with_secret(kept, sealed, at, replace_previous=replace_previous)
    )
    return _known(changed, name)


async def remove_secret(
    connections: Connections, organization: OrganizationNumber, name: str, place: Place
) -> Connection:
    """Forget one of the two secrets. LocalError `connection_unknown`, `connection_secret_unknown` and
    `connection_secret_last`."""
    return _known(await connections.change(organization, name, lambda kept: without_secret(kept, place)), name)


def _known(found: Found | None, name: str) -> Found:
    if found is None:
        raise _unknown(name)
    return found


def _unknown(name: str) -> LocalError:
    return LocalError(Problem(Kind.NOT_FOUND, "connection_unknown", f"There is no connection {name}."))


def _usual_source(settings: Mapping[str, Any]) -> ProfileSource:
    """The source of the profile where nobody names one: the ID token, where there is one."""
    if settings.get("issuer") and "openid" in settings.get("scopes", ("openid",)):
        return ProfileSource.ID_TOKEN
    return ProfileSource.REST if settings.get("rest") else ProfileSource.USERINFO


def _check_query(config: ConnectionConfig) -> None:
    """The query of the authorization endpoint stays, so it can not name what we set, or what the connection adds."""
    names = query_names(config.authorization_endpoint)
    both = names & (OWN_PARAMETERS | config.extra_parameters.keys())
    if both:
        raise LocalError(
            Problem(
                Kind.BAD_INPUT,
                "connection_parameter_twice",
                f"The address has parameters that the request sets too: {', '.join(sorted(both))}.",
                where="authorization_endpoint",
            )
        )


def _authentication(metadata: Metadata) -> ClientAuthentication:
    """Basic, which every server can (RFC 6749 section 2.3.1), but for one that says it takes the other alone."""
    supported = metadata.token_endpoint_authentication
    only_post = ClientAuthentication.POST in supported and ClientAuthentication.BASIC not in supported
    return ClientAuthentication.POST if only_post else ClientAuthentication.BASIC


def _algorithms(metadata: Metadata) -> tuple[str, ...]:
    """RS256 where the server can (OpenID Connect Core section 15.1 makes every server able), else its best of ours."""
    for algorithm in _SUPPORTED_ALGORITHMS:
        if algorithm in metadata.id_token_algorithms:
            return (algorithm,)
    raise LocalError(
        Problem(Kind.BAD_INPUT, "connection_algorithm", "The server signs ID tokens with no algorithm that we accept.")
    )


def _check(name: str, url: str, insecure_allowed: InsecureAllowed) -> None:
    if not url:
        return
    try:
        check_endpoint(url, insecure_allowed=insecure_allowed(urlsplit(url).hostname or ""))
    except ValueError as error:
        raise LocalError(
            Problem(
                Kind.BAD_INPUT,
                "connection_address",
                f"The address can not be used: {error}.",
                hint="Hosts of your own network are allowed by ENTRACTE_OUTBOUND_ALLOW.",
                where=name,
            )
        ) from None


async def replace_or_add(
    connections: Connections,
    organization: OrganizationNumber,
    config: ConnectionConfig,
    secret: Secret,
    keys: SealKeys,
    at: int | None = None,
) -> Connection:
    """Replace the connection of this name, keeping its number, or add it. Both of its secrets give way to this one."""
    sealed = seal_secret(check_secret(secret), organization, keys)
    replaced = await connections.change(
        organization, config.name, lambda kept: Connection(organization, kept.number, config, sealed, at)
    )
    return replaced or await add(connections, organization, config, secret, keys, at)

"""A checked configuration, from the settings that were given and from discovery."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from entracte.connections.metadata import (
    ENDPOINTS,
    InsecureAllowed,
    addresses_for,
    aliases_of,
    check_address,
    check_metadata,
    discover,
    endpoints_of,
    from_metadata,
    settings_at,
)
from entracte.connections.model import ConnectionConfig
from entracte.connections.profiles import settings_of
from entracte.connections.providers import Fetch
from entracte.connections.sources import ProfileSource
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.authorization import OWN_PARAMETERS, query_names
from entracte.protocol.metadata import Metadata


async def configure(
    given: Mapping[str, Any], fetch: Fetch, insecure_allowed: InsecureAllowed, *, discovery: bool = True
) -> ConnectionConfig:
    """A checked configuration from the settings that were given. With an issuer, and unless `discovery` is off, the
    rest comes from the issuer's metadata; what was given stands. Raises as `discover` and `read_config` do."""
    issuer = given.get("issuer")
    if not (discovery and issuer):
        return read_config({"profile_source": _usual_source(given), **given}, insecure_allowed)
    openid = "openid" in given.get("scopes", ("openid",))
    return with_metadata(given, await discover(issuer, fetch, insecure_allowed, openid=openid), insecure_allowed)


def with_metadata(given: Mapping[str, Any], metadata: Metadata, insecure_allowed: InsecureAllowed) -> ConnectionConfig:
    """A checked configuration from the settings that were given and the server's metadata; what was given stands.
    Raises as `read_config` does, and refuses `METADATA_LACKS`."""
    chosen = {"profile_source": _usual_source(given), **settings_at(metadata, given.get("profile")), **given}
    config = read_config({**from_metadata(metadata), **chosen}, insecure_allowed)
    check_metadata(metadata, config)
    aliases = {name: url for name, url in aliases_of(metadata, config).items() if name not in given}
    return config.model_copy(update=aliases)


async def changed(
    kept: ConnectionConfig,
    given: Mapping[str, Any],
    fetch: Fetch,
    insecure_allowed: InsecureAllowed,
    *,
    discovery: bool = True,
) -> ConnectionConfig:
    """The configuration with what was given instead, and with what a profile that is given sets. Another issuer is
    asked for its metadata, and brings its endpoints, unless `discovery` is off; the same one is asked whether it can
    what is new (`_OF_THE_SERVER`). Raises as `configure` does."""
    before = {name: value for name, value in kept.model_dump().items() if name not in settings_of(given.get("profile"))}
    if discovery and given.get("issuer") not in (None, "", kept.issuer):
        theirs = {*ENDPOINTS, "issuer_in_response", "push_requests", "id_token_algorithms", "authentication"}
        own = {name: value for name, value in before.items() if name not in theirs}
        return await configure({**own, **given}, fetch, insecure_allowed)
    if not (discovery and kept.issuer and _asks_more(kept, {**settings_of(given.get("profile")), **given})):
        return read_config({**before, **given}, insecure_allowed)
    # what is wrong by itself is said before anybody is asked; an address that is missing may still be found
    supposed = {name: kept.issuer for name in ENDPOINTS if not before[name]}
    read_config({**before, **supposed, **given}, insecure_allowed)
    openid = "openid" in given.get("scopes", kept.scopes)
    metadata = await discover(kept.issuer, fetch, insecure_allowed, openid=openid)
    new = {name: url for name, url in endpoints_of(metadata).items() if not before[name]}
    chosen = {**new, **settings_at(metadata, given.get("profile")), **given}
    config = read_config({**before, **chosen}, insecure_allowed)
    check_metadata(metadata, config)
    own = {name: url for name, url in addresses_for(metadata, config).items() if name not in given}
    return config.model_copy(update=own)


def _asks_more(kept: ConnectionConfig, wanted: Mapping[str, Any]) -> bool:
    """Whether something is wanted that the server has to be able to, or that decides where it is asked."""

    def plain(value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value

    return any(plain(wanted[name]) != plain(getattr(kept, name)) for name in _OF_THE_SERVER if name in wanted)


_OF_THE_SERVER = (
    "profile", "authentication", "signing_algorithm", "dpop", "certificate_bound_tokens", "response_type",
    "response_mode", "push_requests", "request_object", "request_object_encryption", "encrypted",
    "encryption_algorithm", "id_token_algorithms", "other_algorithms", "issuer_in_response",
)  # fmt: skip
"""Settings that the server has to be able to, or that decide at which of its addresses it is asked."""


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
    for name in ENDPOINTS:
        check_address(name, getattr(config, name), insecure_allowed)
    _check_query(config)
    if config.issuer:
        check_address("issuer", config.issuer, insecure_allowed)
    if config.rest:
        check_address("rest.url", config.rest.url, insecure_allowed)
    for issuer, trusted in config.claim_sources.items():
        check_address(f"claim_sources.{issuer}", trusted.jwks_uri, insecure_allowed)
    return config


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

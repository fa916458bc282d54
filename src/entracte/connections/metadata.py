"""What a connection takes from its server's metadata, and whether the server can do what the connection needs.

Discovery is asked at set-up and when a member asks for it again, never at a sign-in (`metadata_memory` keeps it).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.own_keys import PROOF_ALGORITHM
from entracte.connections.profiles import Profile, fixed_by, settings_of
from entracte.connections.providers import Fetch
from entracte.connections.settings import Encrypted, RequestObject, Signed
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.authorization import is_response_token
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.metadata import (
    Metadata,
    check_endpoint,
    metadata_request,
    oauth_metadata_request,
    read_metadata,
)

InsecureAllowed = Callable[[str], bool]
"""Whether a host may be reached by plain http (it is named in ENTRACTE_OUTBOUND_ALLOW)."""

ENDPOINTS = (
    "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint",
    "check_session_iframe", "pushed_authorization_request_endpoint", "introspection_endpoint", "revocation_endpoint",
)  # fmt: skip
_SHOWN_A_CERTIFICATE = (
    "token_endpoint", "userinfo_endpoint", "pushed_authorization_request_endpoint", "introspection_endpoint",
    "revocation_endpoint",
)  # fmt: skip
"""Endpoints that have an address of their own for clients with a certificate (RFC 8705 section 5)."""
_ALGORITHMS = (
    "RS256", "ES256", "EdDSA", "PS256", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512",
)  # fmt: skip
_AUTHENTICATIONS = (
    ClientAuthentication.BASIC, ClientAuthentication.POST, ClientAuthentication.PRIVATE_KEY_JWT,
)  # fmt: skip
"""Those that we choose by ourselves, the first that the server takes; any other one is asked for by name."""
_IN_LISTS: Mapping[str, str] = {
    "authentication": "token_endpoint_auth_methods_supported",
    "signing_algorithm": "token_endpoint_auth_signing_alg_values_supported",
    "id_token_algorithms": "id_token_signing_alg_values_supported",
}
"""Settings of a profile of which the server says what it can."""


async def discover(issuer: str, fetch: Fetch, insecure_allowed: InsecureAllowed, *, openid: bool = True) -> Metadata:
    """The metadata of an issuer (OpenID Connect Discovery section 4; without `openid`, RFC 8414 first). Refuses as
    `fetch` and `read_metadata` do."""
    check_address("issuer", issuer, insecure_allowed)
    if not openid:
        response = await fetch(oauth_metadata_request(issuer))
        if response.status != 404:
            return read_metadata(response, issuer, insecure_allowed=insecure_allowed, openid=False)
    response = await fetch(metadata_request(issuer))
    return read_metadata(response, issuer, insecure_allowed=insecure_allowed, openid=openid)


def from_metadata(metadata: Metadata) -> dict[str, Any]:
    """What a connection takes from discovery. The endpoints are kept, not asked for again at each login: an
    endpoint that changes is a decision of the member (RFC 9700 section 4.4)."""
    return endpoints_of(metadata) | {
        "issuer": metadata.issuer,
        "push_requests": metadata.must_push,
        "issuer_in_response": metadata.issuer_in_response,
        "id_token_algorithms": _algorithms(metadata),
        "authentication": _authentication(metadata),
    }


def endpoints_of(metadata: Metadata) -> dict[str, Any]:
    """The addresses that the metadata names, empty where it names none."""
    return {name: getattr(metadata, name) or "" for name in ENDPOINTS}


def aliases_of(metadata: Metadata, config: ConnectionConfig) -> dict[str, str]:
    """The addresses for clients that show a certificate, where the connection shows one (RFC 8705 section 5)."""
    if not config.shows_certificate:
        return {}
    return {name: url for name, url in metadata.tls_endpoints.items() if name in _SHOWN_A_CERTIFICATE}


def addresses_for(metadata: Metadata, config: ConnectionConfig) -> dict[str, str]:
    """Of the two addresses that the metadata names for one thing, the one that is right for how the connection proves
    itself now. An address that is none of the two was set by hand, or has changed since: it stays."""
    plain = endpoints_of(metadata)
    pairs = {name: (plain[name], metadata.tls_endpoints.get(name, plain[name])) for name in _SHOWN_A_CERTIFICATE}
    return {name: pair[config.shows_certificate] for name, pair in pairs.items() if getattr(config, name) in pair}


def settings_at(metadata: Metadata, profile: object) -> dict[str, Any]:
    """What a profile sets at this server: of what it allows, the first that the server says it can."""
    chosen = settings_of(profile)
    if not chosen:
        return {}
    allowed = fixed_by(Profile(str(profile)))
    for name, list_name in _IN_LISTS.items():
        can = metadata.lists.get(list_name)
        fitting = [value for value in allowed[name] if can is None or _texts(value) & can]
        chosen[name] = (fitting or list(allowed[name]))[0]
    if chosen.get("dpop") and not metadata.dpop_algorithms and _binds_to_certificates(metadata):
        chosen |= {"dpop": False, "certificate_bound_tokens": True}
    return chosen


def check_metadata(metadata: Metadata, config: ConnectionConfig) -> None:
    """Refuses `METADATA_LACKS` when the server says that it can not do what the connection needs, or that it needs what
    the connection does not do. What a server does not speak of may work all the same: many documents in the wild are
    short."""
    for lacks, what in (*_of_the_response(metadata, config), *_of_the_request(metadata, config),
                        *_of_proofs(metadata, config)):  # fmt: skip
        if lacks:
            raise refuse(Reason.METADATA_LACKS, f"The metadata does not have {what}.")
    for wants, what in (
        (metadata.must_push and not config.push_requests, "pushed requests: push_requests"),
        (_says(metadata, "require_signed_request_object") is True and not config.request_object,
         "signed requests: request_object"),
    ):  # fmt: skip
        if wants:
            raise refuse(Reason.METADATA_LACKS, f"The metadata asks for {what}.")


_Lacks = Iterable[tuple[bool, str]]


def _of_the_response(metadata: Metadata, config: ConnectionConfig) -> _Lacks:
    asked = set(config.response_type.split())
    types, modes = metadata.response_types, metadata.response_modes
    yield (
        bool(types) and not any(set(one.split()) == asked for one in types),
        f"the response type {config.response_type}",
    )
    yield (
        bool(modes) and config.response_mode != "" and config.mode not in modes,
        f"the response mode {config.mode.value}",
    )
    # RFC 9207 section 3: not said is no. In a signed response `iss` stands anyhow (JARM section 2.1)
    plain = config.issuer_in_response and not is_response_token(config.mode)
    yield plain and not metadata.issuer_in_response, "`iss` in its responses (RFC 9207), which issuer_in_response needs"
    can = metadata.lists.get("id_token_signing_alg_values_supported")
    yield (config.is_openid and can is not None and not set(config.id_token_algorithms) & can,
           f"an ID token by {_or(config.id_token_algorithms)}")  # fmt: skip
    for signed, is_asked, list_name in (
        (Signed.RESPONSE, is_response_token(config.mode), "authorization_signing_alg_values_supported"),
        (Signed.USERINFO, config.signed_userinfo, "userinfo_signing_alg_values_supported"),
        (
            Signed.INTROSPECTION,
            config.introspects and config.signed_introspection,
            "introspection_signing_alg_values_supported",
        ),
    ):
        algorithms, can = config.algorithms_of(signed), metadata.lists.get(list_name)
        lacks = is_asked and can is not None and not set(algorithms) & can
        yield lacks, f"{signed.value} signed by {_or(algorithms)}"
    for encrypted, list_name in (
        (Encrypted.ID_TOKEN, "id_token_encryption_alg_values_supported"),
        (Encrypted.USERINFO, "userinfo_encryption_alg_values_supported"),
        (Encrypted.RESPONSE, "authorization_encryption_alg_values_supported"),
    ):
        wanted = encrypted in config.encrypted and not _can(metadata, list_name, config.encryption_algorithm)
        yield wanted, f"{config.encryption_algorithm} for the encryption of {encrypted.value}"


def _of_the_request(metadata: Metadata, config: ConnectionConfig) -> _Lacks:
    by_value = config.request_object is RequestObject.VALUE and not config.push_requests
    by_reference = config.request_object is RequestObject.REFERENCE
    signs, seals = bool(config.request_object), bool(config.request_object_encryption)
    yield by_value and _says(metadata, "request_parameter_supported") is False, "signed requests by value"
    yield by_reference and _says(metadata, "request_uri_parameter_supported") is False, "signed requests by reference"
    yield (signs and not _can(metadata, "request_object_signing_alg_values_supported", config.signing_algorithm),
           f"requests signed by {config.signing_algorithm}")  # fmt: skip
    yield (seals and not _can(metadata, "request_object_encryption_alg_values_supported",
                              config.request_object_encryption),
           f"requests encrypted by {config.request_object_encryption}")  # fmt: skip
    fapi = config.profile is not Profile.NONE
    yield (fapi and bool(metadata.code_challenge_methods) and "S256" not in metadata.code_challenge_methods,
           "PKCE with S256")  # fmt: skip


def _of_proofs(metadata: Metadata, config: ConnectionConfig) -> _Lacks:
    method = config.authentication
    algorithm = {
        ClientAuthentication.PRIVATE_KEY_JWT: config.signing_algorithm,
        ClientAuthentication.SECRET_JWT: "HS256",
    }.get(method, "")
    yield (not _can(metadata, "token_endpoint_auth_methods_supported", method.value),
           f"the client authentication {method.value}")  # fmt: skip
    yield (bool(algorithm) and not _can(metadata, "token_endpoint_auth_signing_alg_values_supported", algorithm),
           f"client assertions signed by {algorithm}")  # fmt: skip
    yield config.dpop and not metadata.dpop_algorithms, "DPoP (`dpop_signing_alg_values_supported`)"
    yield config.dpop and PROOF_ALGORITHM not in metadata.dpop_algorithms, f"DPoP with {PROOF_ALGORITHM}"
    yield (config.certificate_bound_tokens and _says(metadata, _BINDS) is False,
           "access tokens that are bound to a certificate")  # fmt: skip


_BINDS = "tls_client_certificate_bound_access_tokens"


def _binds_to_certificates(metadata: Metadata) -> bool:
    return _says(metadata, _BINDS) is True


def _can(metadata: Metadata, list_name: str, value: str) -> bool:
    """Whether a server has this in a list, or does not have the list."""
    return value in metadata.lists.get(list_name, (value,))


def _says(metadata: Metadata, name: str) -> bool | None:
    return metadata.flags.get(name)


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)


def _texts(value: Any) -> set[str]:
    return set(value) if isinstance(value, tuple) else {str(value)}


def _authentication(metadata: Metadata) -> ClientAuthentication:
    """Basic, which every server can (RFC 6749 section 2.3.1), but for one that says it takes others alone."""
    supported = metadata.token_endpoint_authentication
    return next((one for one in _AUTHENTICATIONS if one in supported), ClientAuthentication.BASIC)


def _algorithms(metadata: Metadata) -> tuple[str, ...]:
    """RS256 where the server can (OpenID Connect Core section 15.1 makes every server able), else its best of ours."""
    for algorithm in _ALGORITHMS:
        if algorithm in metadata.id_token_algorithms:
            return (algorithm,)
    raise LocalError(
        Problem(Kind.BAD_INPUT, "connection_algorithm", "The server signs ID tokens with no algorithm that we accept.")
    )


def check_has_issuer(connection: Connection) -> None:
    """LocalError `connection_without_discovery` for a connection without an issuer that could be asked."""
    if not connection.config.issuer:
        message = f"The connection {connection.config.name} has no issuer that could be asked."
        raise LocalError(Problem(Kind.CONFLICT, "connection_without_discovery", message))


def check_address(name: str, url: str, insecure_allowed: InsecureAllowed) -> None:
    """LocalError `connection_address` for an address that can not be used; an empty one is none."""
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

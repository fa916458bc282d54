"""Which settings of a connection contradict each other, as a table: the sentence, and when it is true."""

from collections.abc import Callable
from typing import Any

from entracte.connections.settings import ConnectionSettings, RequestObject
from entracte.connections.sources import ProfileSource
from entracte.protocol.authorization import OWN_PARAMETERS, RESPONSE_TYPES, ResponseMode, is_response_token
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.jws import JOSERFC_ALGORITHMS, MAC_ALGORITHMS
from entracte.protocol.userinfo import BearerPlace

ASSERTIONS = frozenset({ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.SECRET_JWT})
"""How we prove ourselves with a token of our own, which names the server as its audience."""


def _answers(given: ConnectionSettings) -> frozenset[str]:
    """What a good authorization response holds."""
    return RESPONSE_TYPES[given.response_type]


def _algorithms(given: ConnectionSettings) -> set[str]:
    return set(given.id_token_algorithms)


CONTRADICTIONS: tuple[tuple[str, Callable[[ConnectionSettings], Any]], ...] = (
    (
        "an algorithm of id_token_algorithms is none that we verify",
        lambda given: not _algorithms(given) or _algorithms(given) - (JOSERFC_ALGORITHMS.keys() | MAC_ALGORITHMS),
    ),
    (
        "HS algorithms and others exclude each other",
        lambda given: _algorithms(given) & MAC_ALGORITHMS and _algorithms(given) - MAC_ALGORITHMS,
    ),
    (
        "a JWT access token is not signed with our secret",
        lambda given: _algorithms(given) & MAC_ALGORITHMS and given.profile_source is ProfileSource.ACCESS_TOKEN,
    ),
    (
        "an ID token in the response needs an issuer and openid",
        lambda given: "id_token" in _answers(given) and not given.is_openid,
    ),
    (
        "without a code and an access token the ID token is the profile source",
        lambda given: (
            "code" not in _answers(given)
            and given.profile_source is not ProfileSource.ID_TOKEN
            and "access_token" not in _answers(given)
        ),
    ),
    (
        "a response with a token in it never comes in the query",
        lambda given: _answers(given) != {"code"} and given.mode in (ResponseMode.QUERY, ResponseMode.QUERY_JWT),
    ),
    (
        "a signed response needs issuer and jwks_uri",
        lambda given: is_response_token(given.mode) and not (given.issuer and given.jwks_uri),
    ),
    (
        "pushed requests need pushed_authorization_request_endpoint",
        lambda given: given.push_requests and not given.pushed_authorization_request_endpoint,
    ),
    ("a signed request needs an issuer, its audience", lambda given: given.request_object and not given.issuer),
    (
        "a request is pushed, or asked for at an address of ours",
        lambda given: given.request_object is RequestObject.REFERENCE and given.push_requests,
    ),
    (
        "an encrypted request needs request_object and jwks_uri",
        lambda given: given.request_object_encryption and not (given.request_object and given.jwks_uri),
    ),
    (
        "encryption_algorithm and encrypted go together",
        lambda given: bool(given.encrypted) != bool(given.encryption_algorithm),
    ),
    (
        "an access token in the response can not be bound by DPoP",
        lambda given: given.dpop and "access_token" in _answers(given),
    ),
    (
        "a client assertion needs an issuer, its audience",
        lambda given: given.authentication in ASSERTIONS and not (given.issuer or given.assertion_audience),
    ),
    (
        "client_certificate is for tls_client_auth",
        lambda given: given.client_certificate and given.authentication is not ClientAuthentication.TLS,
    ),
    (
        "max_age and acr_values need an ID token",
        lambda given: (given.max_age is not None or given.acr_values) and not given.is_openid,
    ),
    (
        "signed UserInfo needs issuer and jwks_uri",
        lambda given: given.signed_userinfo and not (given.issuer and given.jwks_uri),
    ),
    (
        "introspection needs introspection_endpoint",
        lambda given: (
            (given.introspect_tokens or given.profile_source is ProfileSource.INTROSPECTION)
            and not given.introspection_endpoint
        ),
    ),
    (
        "signed introspection needs issuer and jwks_uri",
        lambda given: given.signed_introspection and not (given.issuer and given.jwks_uri),
    ),
    (
        "a token that is bound by DPoP goes in the header",
        lambda given: given.dpop and given.userinfo_bearer is BearerPlace.FORM,
    ),
    ("revoke_tokens needs revocation_endpoint", lambda given: given.revoke_tokens and not given.revocation_endpoint),
    ("an extra parameter overrides one that we set", lambda given: OWN_PARAMETERS & set(given.extra_parameters)),
    ("an OpenID connection needs jwks_uri", lambda given: given.is_openid and not given.jwks_uri),
    (
        "the ID token can be the profile source only with an issuer and the scope openid",
        lambda given: given.profile_source is ProfileSource.ID_TOKEN and not given.is_openid,
    ),
    (
        "the profile source userinfo needs userinfo_endpoint",
        lambda given: given.profile_source is ProfileSource.USERINFO and not given.userinfo_endpoint,
    ),
    (
        "the profile source rest needs rest.url",
        lambda given: given.profile_source is ProfileSource.REST and given.rest is None,
    ),
    (
        "the profile source access_token needs issuer, jwks_uri and access_token_audience",
        lambda given: (
            given.profile_source is ProfileSource.ACCESS_TOKEN
            and not (given.issuer and given.jwks_uri and given.access_token_audience)
        ),
    ),
    ("sign_out needs end_session_endpoint", lambda given: given.sign_out and not given.end_session_endpoint),
    ("single_logout needs an ID token", lambda given: given.single_logout and not given.is_openid),
    (
        "watch_session needs an ID token and check_session_iframe",
        lambda given: given.watch_session and not (given.is_openid and given.check_session_iframe),
    ),
    ("watch_session needs a client_id without a space", lambda given: given.watch_session and " " in given.client_id),
)

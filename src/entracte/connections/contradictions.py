"""Which settings of a connection contradict each other, as a table: the sentence, and when it is true."""

from collections.abc import Callable
from typing import Any

from entracte.connections.requested_claims import demanded_contexts, demanded_subjects, is_claims_request
from entracte.connections.settings import ConnectionSettings, Encrypted, RequestObject, Signed
from entracte.connections.sources import ProfileSource
from entracte.protocol.authorization import (
    OWN_PARAMETERS,
    RESPONSE_TYPES,
    ResponseMode,
    is_response_token,
    query_names,
)
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.jws import JOSERFC_ALGORITHMS, MAC_ALGORITHMS
from entracte.protocol.userinfo import BearerPlace

ASSERTIONS = frozenset({ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.SECRET_JWT})
"""How we prove ourselves with a token of our own, which names the server as its audience."""
SENT_SECRETS = frozenset({ClientAuthentication.POST, ClientAuthentication.BASIC})
"""How we prove ourselves by telling the secret."""
CHECKED_PARAMETERS = frozenset({"max_age", "claims"})
"""What is asked for with these is checked in the answer, so they are settings: never sent unseen."""


def _answers(given: ConnectionSettings) -> frozenset[str]:
    """What a good authorization response holds."""
    return RESPONSE_TYPES[given.response_type]


def _algorithms(given: ConnectionSettings) -> list[set[str]]:
    """Of the ID token, and of each thing that has its own."""
    return [set(names) for names in (given.id_token_algorithms, *given.other_algorithms.values())]


def _added(given: ConnectionSettings) -> set[str]:
    """The parameters of the request that are no settings of their own: the extra ones, and those of the endpoint's
    query. An address that can not be read is told of when the addresses are checked."""
    try:
        in_query = query_names(given.authorization_endpoint)
    except ValueError:
        in_query = frozenset()
    return {*in_query, *given.extra_parameters}


def _demands(given: ConnectionSettings) -> bool:
    """Whether something is asked for that only an ID token can show."""
    of_claims = demanded_contexts(given.requested_claims) or demanded_subjects(given.requested_claims)
    return bool(given.max_age is not None or given.acr_values or of_claims)


CONTRADICTIONS: tuple[tuple[str, Callable[[ConnectionSettings], Any]], ...] = (
    (
        "an algorithm of id_token_algorithms or other_algorithms is none that we verify",
        lambda given: any(not one or one - (JOSERFC_ALGORITHMS.keys() | MAC_ALGORITHMS) for one in _algorithms(given)),
    ),
    (
        "HS algorithms and others exclude each other",
        lambda given: any(one & MAC_ALGORITHMS and one - MAC_ALGORITHMS for one in _algorithms(given)),
    ),
    (
        "a JWT access token is not signed with our secret",
        lambda given: (
            given.profile_source is ProfileSource.ACCESS_TOKEN
            and MAC_ALGORITHMS & set(given.algorithms_of(Signed.ACCESS_TOKEN))
        ),
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
        "an encrypted ID token needs an issuer and openid",
        lambda given: Encrypted.ID_TOKEN in given.encrypted and not given.is_openid,
    ),
    (
        "encrypted UserInfo is signed inside, and needs issuer and jwks_uri",
        lambda given: Encrypted.USERINFO in given.encrypted and not (given.issuer and given.jwks_uri),
    ),
    (
        "an encrypted response is a signed one inside: response_mode jwt, or one that ends with .jwt",
        lambda given: Encrypted.RESPONSE in given.encrypted and not is_response_token(given.mode),
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
        "made_secret goes with client_secret_post or client_secret_basic",
        lambda given: given.made_secret and given.authentication not in SENT_SECRETS,
    ),
    (
        "made_secret and HS algorithms exclude each other",
        lambda given: given.made_secret and any(one & MAC_ALGORITHMS for one in _algorithms(given)),
    ),
    (
        "user_in_response needs response_mode form_post",
        lambda given: given.user_in_response and given.mode is not ResponseMode.FORM_POST,
    ),
    (
        "client_certificate is for tls_client_auth",
        lambda given: given.client_certificate and given.authentication is not ClientAuthentication.TLS,
    ),
    (
        "max_age, acr_values, and acr or sub of requested_claims need an ID token",
        lambda given: _demands(given) and not given.is_openid,
    ),
    (
        "requested_claims is not of the form that OpenID Connect Core section 5.5 gives it",
        lambda given: not is_claims_request(given.requested_claims),
    ),
    (
        "acr_values and an essential acr of requested_claims exclude each other",
        lambda given: given.acr_values and demanded_contexts(given.requested_claims),
    ),
    (
        "signed UserInfo needs issuer and jwks_uri",
        lambda given: given.signed_userinfo and not (given.issuer and given.jwks_uri),
    ),
    (
        "introspect_tokens and revoke_tokens need an access token, and response_type id_token brings none",
        lambda given: (given.introspect_tokens or given.revoke_tokens) and _answers(given) == {"id_token"},
    ),
    (
        "introspection needs introspection_endpoint",
        lambda given: given.introspects and not given.introspection_endpoint,
    ),
    (
        "signed introspection needs issuer and jwks_uri",
        lambda given: given.signed_introspection and not (given.issuer and given.jwks_uri),
    ),
    (
        "a token that is bound by DPoP goes in the header",
        lambda given: given.dpop and given.userinfo_bearer is BearerPlace.FORM,
    ),
    (
        "a token that is bound by DPoP goes in the header: rest.bearer",
        lambda given: given.dpop and given.rest is not None and given.rest.bearer is BearerPlace.FORM,
    ),
    ("revoke_tokens needs revocation_endpoint", lambda given: given.revoke_tokens and not given.revocation_endpoint),
    ("an extra parameter overrides one that we set", lambda given: OWN_PARAMETERS & set(given.extra_parameters)),
    (
        "max_age and claims are asked for by the settings max_age and requested_claims, because they are then checked",
        lambda given: CHECKED_PARAMETERS & _added(given),
    ),
    (
        "acr_values stands in the setting and in an extra parameter",
        lambda given: given.acr_values and "acr_values" in _added(given),
    ),
    (
        "resource stands in the setting and in an extra parameter",
        lambda given: given.resource and "resource" in _added(given),
    ),
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

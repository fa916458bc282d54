"""What the metadata says a server can do is held against what the connection needs; what it does not say is not."""

from typing import Any

import pytest

from entracte.connections.client_metadata import Ourselves, client_metadata
from entracte.connections.configuration import configure, with_metadata
from entracte.connections.metadata import check_metadata, settings_at
from entracte.connections.model import Connection, ConnectionConfig
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.metadata import Metadata, read_metadata
from entracte.values import ConnectionNumber, OrganizationNumber
from tests.connections.relying import relying_on
from tests.misbehaving_provider import MisbehavingProvider
from tests.protocol.signing import json_response

SERVER = "https://login.example"
BARE: dict[str, Any] = {
    "issuer": SERVER,
    "authorization_endpoint": f"{SERVER}/authorize",
    "token_endpoint": f"{SERVER}/token",
    "jwks_uri": f"{SERVER}/jwks",
}
NAMED = {"name": "one", "title": "One", "client_id": "us"}
INTROSPECTED = {"introspect_tokens": True, "introspection_endpoint": f"{SERVER}/introspect"}
WITH_ISS = {"authorization_response_iss_parameter_supported": True}
PAR = {"push_requests": True, "pushed_authorization_request_endpoint": f"{SERVER}/par"}


def never(host: str) -> bool:
    return False


def said(**members: Any) -> Metadata:
    return read_metadata(json_response({**BARE, **members}), SERVER)


def config(**settings: Any) -> ConnectionConfig:
    return ConnectionConfig.model_validate({**NAMED, **BARE, **settings})


@pytest.mark.parametrize(
    ("settings", "members", "what"),
    [
        ({"authentication": "private_key_jwt"}, {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
         "private_key_jwt"),
        ({"authentication": "private_key_jwt"}, {"token_endpoint_auth_signing_alg_values_supported": ["RS256"]},
         "signed by ES256"),
        ({"authentication": "client_secret_jwt"}, {"token_endpoint_auth_signing_alg_values_supported": ["RS256"]},
         "signed by HS256"),
        ({"response_type": "code id_token"}, {"response_types_supported": ["code", "id_token"]}, "code id_token"),
        ({"response_mode": "form_post"}, {"response_modes_supported": ["query"]}, "form_post"),
        ({"id_token_algorithms": ["PS256"]}, {"id_token_signing_alg_values_supported": ["RS256"]}, "PS256"),
        ({"response_mode": "jwt"}, {"authorization_signing_alg_values_supported": ["PS256"]}, "signed by RS256"),
        ({"response_mode": "jwt", "other_algorithms": {"response": ["ES256"]}},
         {"authorization_signing_alg_values_supported": ["RS256"]}, "response signed by ES256"),
        ({"signed_userinfo": True}, {"userinfo_signing_alg_values_supported": ["ES256"]}, "userinfo signed by RS256"),
        ({"signed_introspection": True, **INTROSPECTED}, {"introspection_signing_alg_values_supported": ["ES256"]},
         "introspection signed by RS256"),
        ({"request_object": "value"}, {"request_parameter_supported": False}, "by value"),
        ({"request_object": "reference"}, {"request_uri_parameter_supported": False}, "by reference"),
        ({"request_object": "value"}, {"request_object_signing_alg_values_supported": ["PS256"]}, "signed by ES256"),
        ({"request_object": "value", "request_object_encryption": "RSA-OAEP"},
         {"request_object_encryption_alg_values_supported": ["ECDH-ES"]}, "encrypted by RSA-OAEP"),
        ({"encrypted": ["id_token"], "encryption_algorithm": "RSA-OAEP"},
         {"id_token_encryption_alg_values_supported": ["ECDH-ES"]}, "encryption of id_token"),
        ({"encrypted": ["userinfo"], "encryption_algorithm": "RSA-OAEP"},
         {"userinfo_encryption_alg_values_supported": ["ECDH-ES"]}, "encryption of userinfo"),
        ({"encrypted": ["response"], "encryption_algorithm": "RSA-OAEP", "response_mode": "jwt"},
         {"authorization_encryption_alg_values_supported": ["ECDH-ES"]}, "encryption of response"),
        ({"dpop": True}, {}, "DPoP"),
        ({"dpop": True}, {"dpop_signing_alg_values_supported": ["RS256"]}, "DPoP with ES256"),
        ({"certificate_bound_tokens": True}, {"tls_client_certificate_bound_access_tokens": False}, "certificate"),
        ({"profile": "fapi2-security", **PAR},
         {"code_challenge_methods_supported": ["plain"], "dpop_signing_alg_values_supported": ["ES256"], **WITH_ISS},
         "S256"),
        ({}, {"require_signed_request_object": True}, "request_object"),
        ({}, {"require_pushed_authorization_requests": True, "pushed_authorization_request_endpoint": f"{SERVER}/par"},
         "push_requests"),
    ],
)  # fmt: skip
def test_what_a_server_says_it_can_not_do(settings: dict[str, Any], members: dict[str, Any], what: str) -> None:
    with pytest.raises(Refused) as refused:
        check_metadata(said(**members), config(**settings))
    assert refused.value.reason is Reason.METADATA_LACKS
    assert what in refused.value.evidence
    if settings.get("dpop") is None or members:
        silent = said(dpop_signing_alg_values_supported=["ES256"], **WITH_ISS)
        check_metadata(silent, config(**settings))  # what is not said is not held against it


@pytest.mark.parametrize("members", [{}, {"authorization_response_iss_parameter_supported": False}])
def test_a_server_that_does_not_say_who_it_is(members: dict[str, Any]) -> None:
    """RFC 9207 section 3: what is not said is no. A signed response has `iss` in it, whatever the metadata says."""
    metadata = said(dpop_signing_alg_values_supported=["ES256"], **members)
    for settings in ({"profile": "fapi2-security", **PAR}, {"issuer_in_response": True}):
        with pytest.raises(Refused, match="`iss` in its responses") as refused:
            check_metadata(metadata, config(**settings))
        assert refused.value.reason is Reason.METADATA_LACKS
        check_metadata(said(dpop_signing_alg_values_supported=["ES256"], **WITH_ISS), config(**settings))
    for settings in (
        {"profile": "fapi2-message-signing", **PAR},
        {"issuer_in_response": True, "response_mode": "jwt"},
        {},
    ):
        check_metadata(metadata, config(**settings))


def test_introspection_is_of_matter_to_those_who_introspect() -> None:
    """Message signing sets `signed_introspection`, and most of its connections never ask."""
    metadata = said(dpop_signing_alg_values_supported=["ES256"], introspection_signing_alg_values_supported=["RS256"])
    signing: dict[str, Any] = {"profile": "fapi2-message-signing", "id_token_algorithms": ["ES256"], **PAR}
    check_metadata(metadata, config(**signing))
    for introspected, name in (({}, set()), (INTROSPECTED, {"introspection_signed_response_alg"})):
        kept = Connection(OrganizationNumber(1), ConnectionNumber(1), config(**signing, **introspected), "")
        told = client_metadata(kept, Ourselves("Northwind", "https://play.example", ("it@northwind.example",)))
        assert {one for one in told.more if one.startswith("introspection")} == name
    with pytest.raises(Refused, match="introspection signed by ES256"):
        check_metadata(metadata, config(**signing, **INTROSPECTED))


def test_addresses_of_requests_that_have_to_be_registered() -> None:
    """Ours differ from request to request. Keycloak says this, and takes a pattern: `…/requests/*`."""
    check_metadata(said(require_request_uri_registration=True), config(request_object="reference"))


def test_what_a_server_can_do() -> None:
    metadata = said(
        response_types_supported=["id_token code"],
        response_modes_supported=["form_post"],
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=["ES256"],
        require_signed_request_object=True,
        request_parameter_supported=True,
    )
    check_metadata(
        metadata,
        config(
            response_type="code id_token", response_mode="form_post", authentication="private_key_jwt",
            request_object="value",
        ),
    )  # fmt: skip


def test_a_pushed_request_object_is_no_parameter_of_the_browser() -> None:
    check_metadata(said(request_parameter_supported=False), config(request_object="value", **PAR))


def test_a_profile_takes_what_the_server_can() -> None:
    """Of what the profile allows, and nothing else."""
    metadata = said(
        id_token_signing_alg_values_supported=["RS256", "PS256"],
        token_endpoint_auth_methods_supported=["client_secret_basic", "tls_client_auth"],
        token_endpoint_auth_signing_alg_values_supported=["PS256"],
        tls_client_certificate_bound_access_tokens=True,
    )
    chosen = settings_at(metadata, "fapi2-security")
    assert chosen["id_token_algorithms"] == ("PS256",)
    assert chosen["signing_algorithm"] == "PS256"
    assert chosen["authentication"] == "tls_client_auth"
    assert (chosen["dpop"], chosen["certificate_bound_tokens"]) == (False, True)
    assert settings_at(metadata, None) == settings_at(metadata, "") == {}
    none = settings_at(said(id_token_signing_alg_values_supported=["RS256"]), "fapi2-security")
    assert none["id_token_algorithms"] == ("ES256",)
    assert none["dpop"]


def test_a_server_that_can_not_do_a_profile() -> None:
    metadata = said(
        id_token_signing_alg_values_supported=["RS256"],
        pushed_authorization_request_endpoint=f"{SERVER}/par",
        dpop_signing_alg_values_supported=["ES256"],
        **WITH_ISS,
    )
    with pytest.raises(Refused, match="ID token by ES256"):
        with_metadata({**NAMED, "issuer": SERVER, "profile": "fapi2-security"}, metadata, never)


@pytest.mark.conformance("mtls-endpoint-aliases")
def test_who_shows_a_certificate_goes_to_the_aliases() -> None:
    """RFC 8705 section 5; what was given stands."""
    alias = "https://mtls.login.example/token"
    metadata = said(mtls_endpoint_aliases={"token_endpoint": alias})
    given = {**NAMED, "issuer": SERVER, "authentication": "self_signed_tls_client_auth"}
    assert with_metadata(given, metadata, never).token_endpoint == alias
    assert with_metadata({**NAMED, "issuer": SERVER}, metadata, never).token_endpoint == f"{SERVER}/token"
    stands = with_metadata({**given, "token_endpoint": f"{SERVER}/other"}, metadata, never)
    assert stands.token_endpoint == f"{SERVER}/other"


async def test_one_word_at_a_server_with_discovery() -> None:
    async with relying_on(MisbehavingProvider(par_required=True, dpop_required=True, algorithm="ES256")) as relying:
        relying.provider.metadata = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
        given = {**NAMED, "issuer": relying.provider.issuer, "profile": "fapi2-security"}
        found = await configure(given, relying.fetcher, relying.fetcher.insecure_allowed)
    assert found.push_requests
    assert found.dpop
    assert found.pushed_authorization_request_endpoint.endswith("/par")

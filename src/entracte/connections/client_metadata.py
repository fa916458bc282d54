"""What an authorization server is told of a connection when we register there (RFC 7591 section 2)."""

from dataclasses import dataclass

from entracte.connections.addresses import addresses_of
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.own_certificates import certificate_of
from entracte.connections.own_keys import published
from entracte.connections.settings import Encrypted, Signed
from entracte.protocol.authorization import is_response_token
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.client_metadata import ClientMetadata
from entracte.values import Json


@dataclass(frozen=True, slots=True)
class Ourselves:
    """What a server is told beside the settings of a connection. `oauth_url` is the address of the OAuth service."""

    name: str
    oauth_url: str
    contacts: tuple[str, ...] = ()


def client_metadata(connection: Connection, ourselves: Ourselves) -> ClientMetadata:
    """What the server is told: nothing that the settings do not say."""
    config, ours = connection.config, addresses_of(connection, ourselves.oauth_url)
    tokens = set(config.response_type.split())
    grants = [("authorization_code", "code" in tokens), ("implicit", bool(tokens - {"code"}))]
    return ClientMetadata(
        redirect_uris=(ours.redirect_uri,),
        contacts=ourselves.contacts,
        token_endpoint_auth_method=config.authentication,
        response_types=(config.response_type,),
        grant_types=tuple(name for name, used in (*grants, ("refresh_token", config.refresh_tokens)) if used),
        id_token_signed_response_alg=config.id_token_algorithms[0],
        client_name=ourselves.name,
        scope=config.scopes,
        jwks_uri=ours.jwks_uri if published(connection)["keys"] else "",
        post_logout_redirect_uris=(ours.post_logout_redirect_uri,) if ours.post_logout_redirect_uri else (),
        # by https alone (OpenID Connect Dynamic Client Registration section 2); servers refuse another one
        initiate_login_uri=ours.initiate_login_uri
        if config.issuer and ourselves.oauth_url.startswith("https://")
        else "",
        backchannel_logout_uri=ours.backchannel_logout_uri or "",
        frontchannel_logout_uri=ours.frontchannel_logout_uri or "",
        more=_more(config),
    )


def _more(config: ConnectionConfig) -> dict[str, Json]:
    """Members of the registry that say how strict the server shall be with us; those that say nothing are left out."""
    signs = bool(config.request_object)
    # a profile sets it, whether the server is asked or not
    signs_introspection = config.introspects and config.signed_introspection
    signed = {one: config.algorithms_of(one)[0] for one in Signed}
    asserts = {
        ClientAuthentication.PRIVATE_KEY_JWT: config.signing_algorithm,
        ClientAuthentication.SECRET_JWT: "HS256",
    }
    encrypted = dict.fromkeys(config.encrypted, config.encryption_algorithm)
    said: dict[str, Json] = {
        "token_endpoint_auth_signing_alg": asserts.get(config.authentication),
        "tls_client_auth_subject_dn": _subject(config),
        "dpop_bound_access_tokens": config.dpop,
        "tls_client_certificate_bound_access_tokens": config.certificate_bound_tokens,
        "require_pushed_authorization_requests": config.push_requests,
        "require_signed_request_object": signs,
        "request_object_signing_alg": config.signing_algorithm if signs else "",
        "request_object_encryption_alg": config.request_object_encryption,
        "authorization_signed_response_alg": signed[Signed.RESPONSE] if is_response_token(config.mode) else "",
        "authorization_encrypted_response_alg": encrypted.get(Encrypted.RESPONSE),
        "id_token_encrypted_response_alg": encrypted.get(Encrypted.ID_TOKEN),
        "userinfo_signed_response_alg": signed[Signed.USERINFO] if config.signed_userinfo else "",
        "userinfo_encrypted_response_alg": encrypted.get(Encrypted.USERINFO),
        "introspection_signed_response_alg": signed[Signed.INTROSPECTION] if signs_introspection else "",
        "backchannel_logout_session_required": config.single_logout,
        "frontchannel_logout_session_required": config.single_logout,
        "default_max_age": config.max_age,
        "default_acr_values": list(config.acr_values),
    }
    return {name: value for name, value in said.items() if value}


def _subject(config: ConnectionConfig) -> str:
    """The subject of the certificate that an authority gave out (RFC 8705 section 2.1.2); empty while there is none."""
    certificate = certificate_of(config) if config.authentication is ClientAuthentication.TLS else None
    return certificate.subject.rfc4514_string() if certificate else ""

"""What protects the access token, what is done with it, profiles that fix all that, and new keys."""

from collections.abc import Mapping

from tests.interop.node_row import WITHOUT_ISSUER, Row, Settings


def bound() -> Mapping[str, Row]:
    dpop = {"dpop": True}
    userinfo = {"profile_source": "userinfo"}
    certificate = {"certificate_bound_tokens": True, **userinfo}
    return {
        "dpop": Row(("DPoP",), dpop),
        "dpop-userinfo": Row(("DPoP", "UserInfo"), {**dpop, **userinfo}),
        "dpop-pushed": Row(("DPoP", "PAR"), {**dpop, "push_requests": True}),
        "dpop-nonce": Row(("DPoP", "DPoP nonce"), dpop, https=True),
        "dpop-nonce-userinfo": Row(("DPoP", "DPoP nonce", "UserInfo"), {**dpop, **userinfo}, https=True),
        "dpop-nonce-pushed": Row(("DPoP", "DPoP nonce", "PAR"), {**dpop, "push_requests": True}, https=True),
        "certificate-bound": Row(("certificate-bound tokens", "mtls_endpoint_aliases"), certificate, https=True),
        "certificate-bound-key-jwt": Row(
            ("certificate-bound tokens", "private_key_jwt"),
            {**certificate, "authentication": "private_key_jwt"},
            https=True,
        ),
    }


def after() -> Mapping[str, Row]:
    """What is done with the access token, and with the registration, beside reading the profile."""
    introspected = {"introspect_tokens": True}
    refreshed = {
        "profile_source": "userinfo",
        "refresh_tokens": True,
        "scopes": ("openid", "profile", "email", "offline_access"),
        "extra_parameters": {"prompt": "consent"},
    }
    revoked = {"revoke_tokens": True}
    key_jwt = {"authentication": "private_key_jwt"}
    strict = {**key_jwt, "push_requests": True, "request_object": "value", "dpop": True}
    asked = ("token:200", "introspection:200")
    again = ("token:200", "token:200", "userinfo:200")  # between the first two UserInfo, of which nobody knows whose
    return {
        "introspected": Row(("introspection",), introspected, asked=asked),
        "introspected-key-jwt": Row(("introspection", "private_key_jwt"), {**introspected, **key_jwt}, asked=asked),
        "introspected-profile": Row(("introspection",), {"profile_source": "introspection"}, asked=asked),
        "introspected-signed": Row(
            ("signed introspection",),
            {**introspected, "signed_introspection": True},
            {"introspection_signed_response_alg": "RS256"},
            asked=asked,
        ),
        "introspected-bound": Row(
            ("introspection", "DPoP nonce"), {**introspected, "dpop": True}, https=True, asked=asked
        ),
        "revoked": Row(("revocation",), revoked, asked=("token:200", "revocation:200")),
        "revoked-userinfo": Row(
            ("revocation", "UserInfo"),
            {**revoked, "profile_source": "userinfo"},
            asked=("token:200", "userinfo:200", "revocation:200"),
        ),
        "refreshed": Row(("refresh",), refreshed, forgets=True, asked=again),
        "refreshed-bound": Row(("refresh", "DPoP"), {**refreshed, **key_jwt, "dpop": True}, forgets=True, asked=again),
        "refreshed-revoked": Row(
            ("refresh", "revocation"), {**refreshed, **revoked}, forgets=True, asked=(*again, "revocation:200")
        ),
        "registered": Row(("dynamic registration", "registration management"), registers=True),
        "registered-strict": Row(
            ("dynamic registration", "registration management", "private_key_jwt", "PAR", "DPoP"),
            strict,
            registers=True,
        ),
    }


def fapi() -> Mapping[str, Row]:
    first, security, message = "fapi1-advanced", "fapi2-security", "fapi2-message-signing"
    by_tls = {"authentication": "self_signed_tls_client_auth"}
    bound = {"dpop": False, "certificate_bound_tokens": True}
    userinfo = {"profile_source": "userinfo"}
    pushed = {"require_pushed_authorization_requests": True}
    signed = {"require_signed_request_object": True}
    hybrid = {**userinfo, **WITHOUT_ISSUER}

    def row(profile: str, connection: Settings, client: Settings) -> Row:
        law = "1.0 Final" if profile == first else "2.0"
        return Row((profile,), {"profile": profile, **connection}, client, https=True, fapi=law)

    return {
        "fapi1-hybrid": row(first, hybrid, signed),
        "fapi1-hybrid-tls": row(first, {**hybrid, **by_tls, "id_token_algorithms": ("ES256",)}, signed),
        "fapi1-jarm": row(first, {**userinfo, "response_type": "code", "response_mode": "jwt"}, signed),
        "fapi2": row(security, userinfo, pushed),
        "fapi2-EdDSA": row(security, {"signing_algorithm": "EdDSA", "id_token_algorithms": ("EdDSA",)}, pushed),
        "fapi2-tls": row(security, {**userinfo, **by_tls, **bound}, pushed),
        "fapi2-signed": row(message, userinfo, {**pushed, **signed}),
        "fapi2-signed-form": row(message, {"response_mode": "form_post.jwt", **by_tls}, {**pushed, **signed}),
    }


def rotated() -> Mapping[str, Row]:
    encrypted = {"encrypted": ("id_token",), "encryption_algorithm": "ECDH-ES"}
    return {
        "rotated-key-jwt": Row(("private_key_jwt",), {"authentication": "private_key_jwt"}),
        "rotated-encrypted": Row(("ID token encrypted",), encrypted),
        "rotated-tls": Row(("tls_client_auth",), {"authentication": "tls_client_auth"}, https=True),
    }

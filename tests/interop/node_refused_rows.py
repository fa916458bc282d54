"""What has to fail: each with its reason in the log of attempts."""

from collections.abc import Mapping

from entracte.protocol.errors import Reason
from tests.interop.node_row import FOREIGN_KEYS, Row


def refused() -> Mapping[str, Row]:
    wrong = "not the secret that the provider knows"
    required = {"require_pushed_authorization_requests": True}
    foreign = {"jwks": FOREIGN_KEYS}
    return {
        **{
            f"wrong-secret-{method}": Row(
                (method,), {"authentication": method}, secret=wrong, reason=Reason.CLIENT_REFUSED
            )
            for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt")
        },
        "wrong-secret-pushed": Row(("PAR",), {"push_requests": True}, secret=wrong, reason=Reason.CLIENT_REFUSED),
        "wrong-key": Row(
            ("private_key_jwt",), {"authentication": "private_key_jwt"}, foreign, reason=Reason.CLIENT_REFUSED
        ),
        "wrong-certificate": Row(
            ("self_signed_tls_client_auth",),
            {"authentication": "self_signed_tls_client_auth"},
            foreign,
            https=True,
            reason=Reason.CLIENT_REFUSED,
        ),
        "wrong-name": Row(
            ("tls_client_auth",),
            {"authentication": "tls_client_auth"},
            {"tls_client_auth_subject_dn": "CN=somebody else"},
            https=True,
            reason=Reason.CLIENT_REFUSED,
        ),
        "not-pushed": Row(("PAR required",), {"push_requests": False}, required, reason=Reason.PROVIDER_ERROR),
        "unknown-key": Row(("JAR by value",), {"request_object": "value"}, foreign, reason=Reason.PROVIDER_ERROR),
        "unknown-key-pushed": Row(
            ("PAR", "JAR by value"),
            {"push_requests": True, "request_object": "value"},
            foreign,
            reason=Reason.REQUEST_REFUSED,
        ),
        "no-proof": Row(("DPoP",), {}, {"dpop_bound_access_tokens": True}, reason=Reason.TOKEN_REFUSED),
        "another-algorithm": Row(
            ("ID token ES256",),
            {"id_token_algorithms": ("ES256",)},
            {"id_token_signed_response_alg": "RS256"},
            reason=Reason.TOKEN_ALGORITHM,
        ),
        "not-encrypted": Row(
            ("ID token encrypted",),
            {"encrypted": ("id_token",), "encryption_algorithm": "RSA-OAEP"},
            {"id_token_encrypted_response_alg": None, "id_token_encrypted_response_enc": None},
            reason=Reason.TOKEN_ENCRYPTION,
        ),
        "another-context": Row(
            ("acr_values",), {"acr_values": ("urn:northwind:passport",)}, reason=Reason.AUTHENTICATION_CONTEXT
        ),
        "unknown-resource": Row(
            ("resource",), {"resource": ("https://elsewhere.example",)}, reason=Reason.PROVIDER_ERROR
        ),
    }

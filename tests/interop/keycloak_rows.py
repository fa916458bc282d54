"""Ways to sign in at Keycloak that the journey in a browser does not go. `client` is of its attributes of a client."""

import re
from collections.abc import Mapping

from tests.interop.node_row import Row


def authentication() -> Mapping[str, Row]:
    by_tls = {"authentication": "tls_client_auth"}
    return {
        **{
            f"key-jwt-{algorithm}": Row(
                ("private_key_jwt",), {"authentication": "private_key_jwt", "signing_algorithm": algorithm}
            )
            for algorithm in ("RS256", "PS256", "EdDSA")
        },
        "certificate": Row(("tls_client_auth", "mtls_endpoint_aliases"), by_tls),
        "certificate-bound": Row(
            ("tls_client_auth", "certificate-bound tokens", "mtls_endpoint_aliases", "UserInfo"),
            {**by_tls, "certificate_bound_tokens": True, "profile_source": "userinfo"},
        ),
    }


def requests() -> Mapping[str, Row]:
    signed = {"request_object": "value"}
    rows = {
        "referred": Row(("JAR by reference",), {"request_object": "reference"}),
        "pushed-signed": Row(("PAR", "PAR required", "JAR by value"), {**signed, "push_requests": True}),
        "max-age": Row(("max_age",), {"max_age": 600}),
        "acr": Row(("acr_values",), {"acr_values": ("1",)}),
    }
    rows["request-encrypted"] = Row(
        ("JAR by value", "JAR encrypted"), {**signed, "request_object_encryption": "RSA-OAEP"}
    )
    return rows


def responses() -> Mapping[str, Row]:
    rows = {}
    for mode in ("fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"):
        named = () if mode.endswith("jwt") else ("iss",)  # a signed answer has it inside
        rows[f"code-{mode}"] = Row(("code", mode, *named), {"response_mode": mode})
    for kind in ("code id_token", "code token", "code id_token token", "id_token", "id_token token"):
        for mode in ("", "form_post"):
            rows[f"{kind.replace(' ', '-')}-{mode or 'usual'}"] = Row(
                (kind, mode or "fragment"), {"response_type": kind, "response_mode": mode}
            )
    for mode, algorithm in (("query.jwt", "RSA-OAEP-256"), ("form_post.jwt", "ECDH-ES+A128KW")):
        rows[f"encrypted-{mode}"] = Row(
            (mode, "JARM encrypted", f"JWE {algorithm}"),
            {"response_mode": mode, "encrypted": ("response",), "encryption_algorithm": algorithm},
        )
    return rows


def tokens() -> Mapping[str, Row]:
    rows = {}
    for algorithm in ("RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"):
        rows[f"id-token-{algorithm}"] = Row((f"ID token {algorithm}",), {"id_token_algorithms": (algorithm,)})
    for algorithm in ("RSA-OAEP", "ECDH-ES", "ECDH-ES+A192KW", "ECDH-ES+A256KW"):
        rows[f"id-token-{algorithm}"] = Row(
            ("ID token encrypted", f"JWE {algorithm}"),
            {"encrypted": ("id_token",), "encryption_algorithm": algorithm},
        )
    rows["userinfo-encrypted"] = Row(
        ("UserInfo encrypted", "UserInfo signed", "JWE RSA-OAEP-256"),
        {
            "profile_source": "userinfo",
            "signed_userinfo": True,
            "encrypted": ("userinfo",),
            "encryption_algorithm": "RSA-OAEP-256",
        },
    )
    return rows


def after() -> Mapping[str, Row]:
    """What is done with the access token beside reading the profile."""
    asked = ("CODE_TO_TOKEN", "INTROSPECT_TOKEN")
    return {
        "introspected": Row(("introspection",), {"introspect_tokens": True}, asked=asked),
        "introspected-bound": Row(("introspection", "DPoP"), {"introspect_tokens": True, "dpop": True}, asked=asked),
        "revoked": Row(("revocation",), {"revoke_tokens": True}, asked=("CODE_TO_TOKEN", "REVOKE_GRANT")),
    }


def rotated() -> Mapping[str, Row]:
    return {
        "rotated-key-jwt": Row(("key rotation",), {"authentication": "private_key_jwt"}),
        "rotated-encrypted": Row(("key rotation",), {"encrypted": ("id_token",), "encryption_algorithm": "ECDH-ES"}),
    }


def logouts() -> Mapping[str, Row]:
    return {
        "plain": Row(()),
        "sign-out": Row((), {"sign_out": True}),
        "told": Row((), {"single_logout": True}),
        "framed": Row((), {"single_logout": True}, {"frontchannel.logout.session.required": "true"}),
        "told-too": Row((), {"single_logout": True, "id_token_algorithms": ("ES256",)}),
    }


TABLES = (authentication(), requests(), responses(), tokens(), after(), rotated(), logouts())


def _name(said: str) -> str:
    return re.sub("[^a-z0-9]+", "-", said.lower()).strip("-")


ROWS: Mapping[str, Row] = {_name(name): row for table in TABLES for name, row in table.items()}
"""By the name of the campaign, the connection and the client."""

"""How we prove ourselves, how we ask, how the answer comes, and what tokens it brings."""

from collections.abc import Mapping

from tests.interop.node_row import RESOURCE, WITHOUT_ISSUER, Row


def authentication() -> Mapping[str, Row]:
    plain = {
        method: Row((method,), {"authentication": method})
        for method in ("none", "client_secret_basic", "client_secret_post", "client_secret_jwt")
    }
    signed = {
        f"private_key_jwt-{algorithm}": Row(
            ("private_key_jwt",), {"authentication": "private_key_jwt", "signing_algorithm": algorithm}
        )
        for algorithm in ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")
    }
    by_tls = {
        method: Row((method, "mtls_endpoint_aliases"), {"authentication": method}, https=True)
        for method in ("tls_client_auth", "self_signed_tls_client_auth")
    }
    return {**plain, **signed, **by_tls}


def requests() -> Mapping[str, Row]:
    pushed = {"push_requests": True}
    required = {"require_pushed_authorization_requests": True}
    signed = {"request_object": "value"}
    rows = {
        "pushed-offered": Row(("PAR",), pushed),
        "pushed-required": Row(("PAR", "PAR required"), pushed, required),
        "pushed-key-jwt": Row(("PAR", "private_key_jwt"), {**pushed, "authentication": "private_key_jwt"}, required),
        "pushed-public": Row(("PAR", "none"), {**pushed, "authentication": "none"}, required),
        "pushed-tls": Row(
            ("PAR", "self_signed_tls_client_auth", "mtls_endpoint_aliases"),
            {**pushed, "authentication": "self_signed_tls_client_auth"},
            https=True,
        ),
        "pushed-signed": Row(("PAR", "JAR by value"), {**pushed, **signed}, required),
        "referred": Row(("JAR by reference",), {"request_object": "reference"}),
        "claims": Row(
            ("claims parameter",),
            {"scopes": ("openid",), "requested_claims": {"id_token": {"email": None, "given_name": None}}},
        ),
        "claims-signed": Row(
            ("claims parameter", "JAR by value"),
            {**signed, "scopes": ("openid",), "requested_claims": {"id_token": {"email": {"essential": True}}}},
        ),
        "max-age": Row(("max_age",), {"max_age": 600}),
        "max-age-signed": Row(("max_age", "JAR by value"), {**signed, "max_age": 0}),
        "acr": Row(("acr_values",), {"acr_values": ("urn:northwind:password",)}),
    }
    for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
        rows[f"signed-{algorithm}"] = Row(("JAR by value",), {**signed, "signing_algorithm": algorithm})
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"):
        rows[f"encrypted-{algorithm}"] = Row(
            ("JAR by value", "JAR encrypted"), {**signed, "request_object_encryption": algorithm}
        )
    rows["referred-encrypted"] = Row(
        ("JAR by reference", "JAR encrypted"),
        {"request_object": "reference", "request_object_encryption": "RSA-OAEP-256"},
    )
    rows["pushed-encrypted"] = Row(
        ("PAR", "JAR by value", "JAR encrypted"), {**pushed, **signed, "request_object_encryption": "ECDH-ES"}
    )
    return rows


def responses() -> Mapping[str, Row]:
    rows = {}
    for mode in ("query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"):
        named = () if mode.endswith("jwt") else ("iss",)  # a signed answer has it inside
        rows[f"code-{mode}"] = Row(("code", mode, *named), {"response_mode": mode})
    for kind in ("code id_token", "code token", "code id_token token", "id_token", "id_token token"):
        for mode in ("", "form_post", "fragment.jwt", "form_post.jwt", "jwt"):
            features = (kind, mode or "fragment")
            without = WITHOUT_ISSUER if "id_token" in kind and not mode.endswith("jwt") else {}
            rows[f"{kind.replace(' ', '-')}-{mode or 'usual'}"] = Row(
                features, {"response_type": kind, "response_mode": mode, **without}
            )
    for mode, algorithm, enc in (
        ("query.jwt", "RSA-OAEP-256", "A128CBC-HS256"),
        ("fragment.jwt", "ECDH-ES", "A256GCM"),
        ("form_post.jwt", "ECDH-ES+A128KW", "A192GCM"),
        ("jwt", "RSA-OAEP", "A256CBC-HS512"),
    ):
        rows[f"encrypted-{mode}"] = Row(
            (mode, "JARM encrypted"),
            {"response_mode": mode, "encrypted": ("response",), "encryption_algorithm": algorithm},
            {"authorization_encrypted_response_enc": enc},
        )
    rows["jarm-ES256"] = Row(("jwt",), {"response_mode": "jwt", "id_token_algorithms": ("ES256",)})
    rows["jarm-HS256"] = Row(("jwt",), {"response_mode": "jwt", "id_token_algorithms": ("HS256",)})
    return rows


def tokens() -> Mapping[str, Row]:
    rows = {}
    for algorithm in (
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384",
        "HS512",
    ):  # fmt: skip
        rows[f"id-token-{algorithm}"] = Row((f"ID token {algorithm}",), {"id_token_algorithms": (algorithm,)})
    encryptions = (
        ("RSA-OAEP", "A128CBC-HS256"),
        ("RSA-OAEP-256", "A256GCM"),
        ("ECDH-ES", "A128GCM"),
        ("ECDH-ES+A128KW", "A256CBC-HS512"),
        ("ECDH-ES+A192KW", "A192CBC-HS384"),
        ("ECDH-ES+A256KW", "A192GCM"),
    )
    for algorithm, enc in encryptions:
        rows[f"id-token-{algorithm}"] = Row(
            ("ID token encrypted", f"JWE {algorithm}"),
            {"encrypted": ("id_token",), "encryption_algorithm": algorithm},
            {"id_token_encrypted_response_enc": enc},
        )
        rows[f"userinfo-{algorithm}"] = Row(
            ("UserInfo encrypted", f"JWE {algorithm}"),
            {
                "profile_source": "userinfo",
                "signed_userinfo": True,
                "encrypted": ("userinfo",),
                "encryption_algorithm": algorithm,
            },
            {"userinfo_encrypted_response_enc": enc},
        )
    for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
        rows[f"userinfo-{algorithm}"] = Row(
            ("UserInfo signed",),
            {"profile_source": "userinfo", "signed_userinfo": True, "id_token_algorithms": (algorithm,)},
        )
    rows["userinfo"] = Row(("UserInfo",), {"profile_source": "userinfo"})
    rows["hybrid-encrypted"] = Row(
        ("code id_token", "ID token encrypted"),
        {
            "response_type": "code id_token",
            "encrypted": ("id_token",),
            "encryption_algorithm": "RSA-OAEP-256",
            **WITHOUT_ISSUER,
        },
    )
    access_token = {
        "profile_source": "access_token",
        "access_token_audience": RESOURCE,
        "resource": (RESOURCE,),
        "scopes": ("openid", "profile", "email", "profile:read"),
    }
    rows["access-token"] = Row(("JWT access token", "resource"), access_token)
    rows["access-token-pushed"] = Row(
        ("JWT access token", "resource", "PAR", "JAR by value"),
        {**access_token, "push_requests": True, "request_object": "value"},
    )
    return rows

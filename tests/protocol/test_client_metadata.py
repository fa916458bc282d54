"""What we tell of ourselves when we register, and whether it was kept: the line dynamic-registration."""

from dataclasses import replace
from typing import Any

import pytest

from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.client_metadata import ClientMetadata, first_difference

ASKED = ClientMetadata(
    redirect_uris=("https://client.example.org/callback",),
    contacts=("we@client.example.org",),
    token_endpoint_auth_method=ClientAuthentication.PRIVATE_KEY_JWT,
)
DOCUMENT: dict[str, Any] = {
    "application_type": "web",
    "redirect_uris": ["https://client.example.org/callback"],
    "contacts": ["we@client.example.org"],
    "token_endpoint_auth_method": "private_key_jwt",
    "response_types": ["code"],
    "grant_types": ["authorization_code"],
    "id_token_signed_response_alg": "RS256",
}


def test_what_says_nothing_is_left_out() -> None:
    assert ASKED.document() == DOCUMENT


def test_all_of_it() -> None:
    whole = replace(
        ASKED,
        client_name="Entracte",
        scope=("openid", "email"),
        jwks_uri="https://client.example.org/keys",
        post_logout_redirect_uris=("https://client.example.org/out",),
        initiate_login_uri="https://client.example.org/begin",
        backchannel_logout_uri="https://client.example.org/back",
        frontchannel_logout_uri="https://client.example.org/front",
        more={"dpop_bound_access_tokens": True},
    )
    assert whole.document() == {
        **DOCUMENT,
        "client_name": "Entracte",
        "scope": "openid email",
        "jwks_uri": "https://client.example.org/keys",
        "post_logout_redirect_uris": ["https://client.example.org/out"],
        "initiate_login_uri": "https://client.example.org/begin",
        "backchannel_logout_uri": "https://client.example.org/back",
        "frontchannel_logout_uri": "https://client.example.org/front",
        "dpop_bound_access_tokens": True,
    }


NEEDS = "a registration needs a redirect URI and a contact"
NOT_OURS = "a member has a field of its own, or is the server's to say"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"redirect_uris": ()}, NEEDS),
        ({"contacts": ()}, NEEDS),
        ({"redirect_uris": ("https://client.example.org/#a",)}, "the address holds a fragment"),
        (
            {"redirect_uris": ("not an address",)},
            "the address holds a space, a backslash or a character that is not ASCII",
        ),
        ({"post_logout_redirect_uris": ("ftp://client.example.org/",)}, "the address has to begin with https"),
        ({"jwks_uri": "keys"}, "the address has to begin with https"),
        ({"initiate_login_uri": "https://a@client.example.org/"}, "the address holds a user name"),
        ({"backchannel_logout_uri": "//client.example.org/"}, "the address has to begin with https"),
        ({"frontchannel_logout_uri": "https://"}, "the address has no usable host"),
        ({"more": {"redirect_uris": ["https://client.example.org/callback"]}}, NOT_OURS),
        ({"more": {"client_name": "another"}}, NOT_OURS),
        ({"more": {"client_id": "mine"}}, NOT_OURS),
        ({"more": {"client_secret": "mine"}}, NOT_OURS),
    ],
)
@pytest.mark.conformance("dynamic-registration")
def test_what_can_not_be_registered(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        replace(ASKED, **changes)


def test_an_address_without_tls_is_not_for_this_file_to_refuse() -> None:
    """OpenID Connect Dynamic Client Registration section 2 asks for TLS of the implicit grant alone. Whoever tries
    Entracte on one machine comes back to such an address."""
    local = replace(ASKED, redirect_uris=("http://127.0.0.1:8080/callback",))
    assert local.document()["redirect_uris"] == ["http://127.0.0.1:8080/callback"]


KEPT = replace(
    ASKED,
    post_logout_redirect_uris=("https://client.example.org/out",),
    jwks_uri="https://client.example.org/keys",
    more={"dpop_bound_access_tokens": True, "jwks": {"keys": []}},
)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, ""),
        ({"response_types": ["none", "code"], "grant_types": ["implicit", "authorization_code"]}, ""),
        ({"response_types": None}, "response_types"),
        ({"response_types": [7, "id_token"]}, "response_types"),
        ({"grant_types": []}, "grant_types"),
        ({"redirect_uris": ["https://client.example.org/callback", 7]}, ""),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({"id_token_signed_response_alg": "ES256"}, "id_token_signed_response_alg"),
        ({"post_logout_redirect_uris": []}, "post_logout_redirect_uris"),
        ({"jwks_uri": ""}, "jwks_uri"),
        ({"jwks": {"keys": [{}]}}, "jwks"),
        ({"dpop_bound_access_tokens": 1}, "dpop_bound_access_tokens"),
        ({"contacts": [], "client_name": "renamed", "initiate_login_uri": "https://elsewhere.example/"}, ""),
    ],
)
@pytest.mark.conformance("dynamic-registration")
def test_what_is_compared(changes: dict[str, Any], name: str) -> None:
    assert first_difference({**KEPT.document(), **changes}, KEPT) == name


@pytest.mark.parametrize(
    ("absent", "name"),
    [
        ("redirect_uris", "redirect_uris"),
        ("token_endpoint_auth_method", "token_endpoint_auth_method"),
        ("response_types", ""),
        ("grant_types", ""),
        ("id_token_signed_response_alg", ""),
        ("post_logout_redirect_uris", ""),
        ("jwks_uri", ""),
        ("dpop_bound_access_tokens", ""),
    ],
)
def test_what_an_answer_leaves_out(absent: str, name: str) -> None:
    """RFC 7591 section 2: what is left out is the default."""
    document = {member: value for member, value in KEPT.document().items() if member != absent}
    assert first_difference(document, KEPT) == name


def test_the_order_of_the_words_of_a_response_type() -> None:
    asked = replace(ASKED, response_types=("code id_token",))
    assert first_difference({**DOCUMENT, "response_types": ["id_token code"]}, asked) == ""
    assert first_difference(DOCUMENT, asked) == "response_types"
    # one space stands between the words (RFC 6749 section 3.1.1): any other mark is part of a word
    for text in ("id_token\tcode", "id_token\ncode", "id_token  code", " id_token code"):
        assert first_difference({**DOCUMENT, "response_types": [text]}, asked) == "response_types"

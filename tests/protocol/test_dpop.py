"""Proofs of possession: RFC 9449, its example's shape, the thumbprint of RFC 7638, and the nonce of the server."""

import json
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from entracte.protocol.client_auth import Moment
from entracte.protocol.dpop import asks_for_nonce, given_nonce, headers, proof, thumbprint
from entracte.protocol.messages import HttpResponse
from entracte.protocol.signing import SigningKey, public_part
from entracte.values import Secret
from tests.protocol.own_keys import our_key, verified
from tests.protocol.signing import NOW, base64url, vectors

MOMENT = Moment(NOW, "-BwC3ESc6acc2lTc")
TOKEN = Secret("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
TYPES: dict[str, Any] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}


def test_the_proof_of_the_example() -> None:
    """Sections 4.1 and 4.2: the header and the claims of figure 1, each of them and no more."""
    seen = verified(proof(our_key(), "POST", "https://server.example.com/token", MOMENT))
    assert seen.header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_part(our_key())}
    assert "d" not in seen.header["jwk"]
    assert seen.claims == {
        "jti": "-BwC3ESc6acc2lTc",
        "htm": "POST",
        "htu": "https://server.example.com/token",
        "iat": NOW,
    }


def test_the_proof_beside_an_access_token() -> None:
    """Section 7.1 and figure 13: `ath` of the example's access token is the one of the example."""
    seen = verified(
        proof(our_key(), "GET", "https://resource.example.org/protectedresource", MOMENT, access_token=TOKEN)
    )
    assert seen.claims["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    assert "nonce" not in seen.claims
    assert seen.claims["ath"] == base64url(sha256(TOKEN.reveal().encode()).digest())


def test_the_nonce_of_the_server() -> None:
    """Section 8."""
    seen = verified(proof(our_key(), "POST", "https://as.example/token", MOMENT, nonce="eyJ7S_zG.eyJH0-Z.HX4w-7v"))
    assert seen.claims["nonce"] == "eyJ7S_zG.eyJH0-Z.HX4w-7v"
    assert "ath" not in seen.claims


@pytest.mark.parametrize("url", ["https://a.example/t", "https://a.example/t?q=1", "https://a.example/t#f?a",
                                 "https://a.example/t?a#b", "https://a.example/t#"])  # fmt: skip
def test_the_address_is_without_query_and_fragment(url: str) -> None:
    assert verified(proof(our_key(), "GET", url, MOMENT)).claims["htu"] == "https://a.example/t"


def test_no_nonce_is_sent_unless_one_was_given() -> None:
    made = headers(our_key(), "POST", "https://as.example/token", MOMENT)
    assert set(verified(made["DPoP"]).claims) == {"jti", "htm", "htu", "iat"}


def test_the_headers_without_a_token() -> None:
    made = headers(our_key(), "POST", "https://as.example/token", MOMENT, nonce="n")
    assert list(made) == ["DPoP"]
    assert verified(made["DPoP"]).claims == {
        "jti": MOMENT.token_id,
        "htm": "POST",
        "htu": "https://as.example/token",
        "iat": NOW,
        "nonce": "n",
    }


def test_the_headers_with_a_token() -> None:
    made = headers(our_key(), "GET", "https://as.example/userinfo", MOMENT, nonce="n", access_token=TOKEN)
    assert made["Authorization"].reveal() == f"DPoP {TOKEN.reveal()}"
    seen = verified(made["DPoP"])
    assert (seen.claims["htm"], seen.claims["nonce"], seen.claims["htu"]) == ("GET", "n", "https://as.example/userinfo")
    assert seen.claims["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    assert TOKEN.reveal() not in repr(made)


@pytest.mark.parametrize("vector", vectors("thumbprint.json"), ids=lambda vector: vector["id"])
def test_thumbprint_vectors(vector: dict[str, Any]) -> None:
    key = SigningKey("one", "ES256", TYPES[vector["key"]["kty"]].import_key(vector["key"]))
    assert thumbprint(key) == vector["thumbprint"]


def test_the_thumbprint_is_of_the_public_part() -> None:
    """RFC 7638 section 3: the required members, in the order of their names."""
    public = public_part(our_key())
    text = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    assert thumbprint(our_key()) == base64url(sha256(text.encode()).digest())


def answer(status: int = 401, body: object = b"", **fields: str) -> HttpResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in fields.items()}, raw)


@pytest.mark.conformance("MUST 57")
@pytest.mark.parametrize(
    ("field", "nonce"),
    [
        ("eyJ7S_zG.eyJH0-Z.HX4w-7v", "eyJ7S_zG.eyJH0-Z.HX4w-7v"),
        ("!#$[]^~", "!#$[]^~"),
        ("n" * 512, "n" * 512),
        ("n" * 513, ""),
        ("", ""),
        ("a b", ""),
        ('a"b', ""),
        ("a\\b", ""),
        ("a\r\nX: y", ""),
        ("é", ""),
        ("\x7f", ""),
        ("a, b", ""),
    ],
)
def test_a_nonce_that_can_be_one(field: str, nonce: str) -> None:
    """MUST 57: what a server sends goes into a header of ours only when it may stand there."""
    assert given_nonce(answer(200, dpop_nonce=field)) == nonce


def test_no_nonce() -> None:
    assert given_nonce(answer(200)) == ""


@pytest.mark.conformance("fapi2-rs-dpop-auth-scheme-case-insensitivity")
@pytest.mark.parametrize(
    "challenge",
    [
        'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"',
        'dpop error="use_dpop_nonce"',
        'DPOP error="use_dpop_nonce"',
        'DPoP ERROR="use_dpop_nonce"',
        "DPoP error=use_dpop_nonce",
        'DPoP error = "use_dpop_nonce"',
        'DPoP error\t=\t"use_dpop_nonce"',
        'DPoP algs="ES256 PS256", error="use_dpop_nonce"',
        'DPoP realm="a, Bearer error=\\"x\\"", error="use_dpop_nonce"',
        'Bearer realm="x", DPoP error="use_dpop_nonce"',
        'Bearer error="invalid_token", dPoP algs="ES256", error="use_dpop_nonce"',
        "Negotiate abc==, DPoP error=use_dpop_nonce",
        'DPoP, error="use_dpop_nonce"',
    ],
)
def test_a_challenge_that_asks_for_a_nonce(challenge: str) -> None:
    """Section 9; scheme and names without case (RFC 9110 section 11.1)."""
    assert asks_for_nonce(answer(401, dpop_nonce="n", www_authenticate=challenge))
    assert not asks_for_nonce(answer(401, www_authenticate=challenge))
    assert not asks_for_nonce(answer(401, dpop_nonce="a b", www_authenticate=challenge))
    for status in (200, 400, 403, 500):
        assert not asks_for_nonce(answer(status, dpop_nonce="n", www_authenticate=challenge))


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "DPoP",
        'Bearer error="use_dpop_nonce"',
        'DPoP error="invalid_token"',
        'DPoP error="use_dpop_nonce_not"',
        'DPoP error="USE_DPOP_NONCE"',
        'DPoP error=""',
        'DPoP xerror="use_dpop_nonce"',
        'DPoP error_description="use_dpop_nonce"',
        'DPoP realm="error=use_dpop_nonce"',
        'DPoP realm=" , DPoP error=use_dpop_nonce"',
        'DPoP algs="ES256", Bearer error="use_dpop_nonce"',
        'XDPoP error="use_dpop_nonce"',
        "error=use_dpop_nonce",
        'DPoP error="use_dpop_nonce',
    ],
)
def test_a_challenge_that_asks_for_something_else(challenge: str) -> None:
    assert not asks_for_nonce(answer(401, dpop_nonce="n", www_authenticate=challenge))


@pytest.mark.parametrize("status", [400, 401])
def test_an_error_of_the_token_endpoint(status: int) -> None:
    """Section 8: figure 20."""
    body = {"error": "use_dpop_nonce", "error_description": "Authorization server requires nonce in DPoP proof"}
    assert asks_for_nonce(answer(status, body, dpop_nonce="n"))
    assert not asks_for_nonce(answer(status, body))


@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_the_error_with_another_status(status: int) -> None:
    assert not asks_for_nonce(answer(status, {"error": "use_dpop_nonce"}, dpop_nonce="n"))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", {}, {"error": "invalid_grant"}, {"error": ["use_dpop_nonce"]}, {"error": None}, b"\xff",
     b'{"error":"use_dpop_nonce"' + b" " * 65536 + b"}"],
)  # fmt: skip
def test_another_body(body: object) -> None:
    assert not asks_for_nonce(answer(400, body, dpop_nonce="n"))


def test_the_limit_of_a_body() -> None:
    fits = b'{"error":"use_dpop_nonce"' + b" " * (65536 - 26) + b"}"
    assert len(fits) == 65536
    assert asks_for_nonce(answer(400, fits, dpop_nonce="n"))


@pytest.mark.timeout(10)
@pytest.mark.parametrize("challenge", ["DPoP" + " " * 8000, ",dpop " * 1300, 'DPoP "' * 1300, 'a="' * 2600, "=" * 8000,
                                       "DPoP error=" * 700, 'DPoP error="\\' * 600, "x" * 8000])  # fmt: skip
def test_a_hostile_challenge_is_read_in_one_pass(challenge: str) -> None:
    """A header of the largest size costs no time that anybody would notice, whatever is in it."""
    begun = time.perf_counter()
    for _ in range(10):
        assert not asks_for_nonce(answer(401, dpop_nonce="n", www_authenticate=challenge))
    assert time.perf_counter() - begun < 2


@given(st.integers(100, 599), st.text(), st.text(), st.binary())
def test_any_answer_is_read(status: int, nonce: str, challenge: str, body: bytes) -> None:
    given_answer = answer(status, body, dpop_nonce=nonce, www_authenticate=challenge)
    assert given_nonce(given_answer) in {"", nonce}
    assert asks_for_nonce(given_answer) in {True, False}


@given(st.text(st.characters(codec="ascii", exclude_characters="?#"), max_size=40), st.text(max_size=10))
def test_any_address(path: str, query: str) -> None:
    made = verified(proof(our_key(), "GET", f"https://as.example/{path}?{query}", MOMENT))
    assert made.claims["htu"] == f"https://as.example/{path}"
    assert urlsplit(made.claims["htu"]).query == ""

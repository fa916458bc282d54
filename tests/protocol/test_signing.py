"""Signatures of our own: RFC 7515, and the private keys behind them that never show."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.jws import MAC_ALGORITHMS, verify_signature
from entracte.protocol.keys import mac_key_set
from entracte.protocol.signing import (
    SIGNING_ALGORITHMS,
    mac,
    public_jwk,
    public_part,
    sign,
    signing_key,
    signing_key_of_pem,
)
from entracte.values import Secret
from tests.protocol.own_keys import our_key, private_jwk, private_pem, verified
from tests.protocol.refusals import is_silent_about
from tests.protocol.signing import ALGORITHMS, rsa_key

CLAIMS = {"iss": "client", "name": "Jürgen — 名"}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
SECRET = Secret("a-client-secret-of-more-than-sixty-four-characters-long-for-the-longest-hash")


def decoded(part: str) -> Any:
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_every_algorithm_that_we_verify_is_one_that_we_sign_with() -> None:
    assert sorted(SIGNING_ALGORITHMS) == sorted(ALGORITHMS)
    assert SIGNING_ALGORITHMS[0] == "ES256"


@pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
def test_every_algorithm(algorithm: str) -> None:
    token = sign(CLAIMS, our_key(algorithm), typ="JWT")
    seen = verified(token, algorithm)
    assert seen.claims == CLAIMS
    assert seen.header == {"alg": algorithm, "kid": "ours", "typ": "JWT"}


def test_members_of_the_header_are_added_replaced_and_taken_away() -> None:
    token = sign(CLAIMS, our_key(), kid=None, typ="a", x=None, jwk={"kty": "EC"})
    assert decoded(token.reveal().partition(".")[0]) == {"alg": "ES256", "typ": "a", "jwk": {"kty": "EC"}}


def test_the_parts_are_written_without_spaces_and_in_utf_8() -> None:
    header, payload, _ = sign(CLAIMS, our_key()).reveal().split(".")
    assert urlsafe_b64decode(header + "==") == b'{"alg":"ES256","kid":"ours"}'
    assert urlsafe_b64decode(payload + "==") == '{"iss":"client","name":"Jürgen — 名"}'.encode()


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        (private_jwk("ES256"), "ES384"),
        (private_jwk("ES384"), "ES256"),
        (private_jwk("ES256"), "RS256"),
        (private_jwk("RS256"), "ES256"),
        (private_jwk("RS256"), "RSA-OAEP"),
        (private_jwk("EdDSA"), "ES256"),
        (private_jwk("ES256"), "none"),
        (private_jwk("ES256"), "HS256"),
        ({**private_jwk("EdDSA"), "crv": "Ed448"}, "EdDSA"),
        ({"kty": "oct", "k": "AAAA"}, "HS256"),
        ({}, "ES256"),
    ],
)
def test_a_key_that_is_not_for_the_algorithm(jwk: dict[str, Any], algorithm: str) -> None:
    """RFC 8725 section 3.1: a key signs with its own algorithms alone."""
    with pytest.raises(ValueError, match=r"^not an algorithm to sign with$"):
        signing_key(jwk, "ours", algorithm)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_out_of_a_file(algorithm: str, form: PrivateFormat) -> None:
    """RFC 7468 section 2: what stands around the key is passed over, and lines may end as they like."""
    pem = private_pem(algorithm, form)
    for text in (pem, f"ours\n{pem}\nmore", pem.replace("\n", "\r\n"), pem.strip()):
        key = signing_key_of_pem(Secret(text), "from-a-file", algorithm)
        assert (key.kid, key.algorithm) == ("from-a-file", algorithm)
        seen = verified(sign(CLAIMS, key, kid="ours"), algorithm)
        assert seen.claims == CLAIMS


ELLIPTIC = ec.derive_private_key(7, ec.SECP256R1())
NO_KEYS = {
    "nothing": "",
    "a word": "canary-of-a-secret",
    "cut off": private_pem()[:100],
    "a public one": ELLIPTIC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    "with a passphrase": ELLIPTIC.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    ).decode(),
    "of RSA": rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    "of a curve that nobody can load": private_pem().replace("AgEAMBMGByqGSM49", "AgEAMBMGByqGSM48"),
    "half a character": "\ud800",
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_key_in_a_file(kind: str) -> None:
    with pytest.raises(ValueError, match=r"^not a private key in PEM$") as raised:
        signing_key_of_pem(Secret(NO_KEYS[kind]), "ours", "ES256")
    assert is_silent_about(raised.value, NO_KEYS[kind])


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_key_of_another_curve_in_a_file(curve: ec.EllipticCurve) -> None:
    pem = ec.derive_private_key(7, curve).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match=r"^not an algorithm to sign with$"):
        signing_key_of_pem(Secret(pem), "ours", "ES256")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_the_public_part_has_nothing_private(algorithm: str) -> None:
    jwk = private_jwk(algorithm)
    assert "d" in jwk
    public = public_jwk({**jwk, "oth": [], "k": "secret", "kid": "ours", "use": "sig"})
    assert public == {name: value for name, value in jwk.items() if name not in PRIVATE}
    assert public_part(our_key(algorithm)) == public
    assert jwk["d"] not in repr(our_key(algorithm))


@pytest.mark.parametrize("algorithm", sorted(MAC_ALGORITHMS))
def test_a_mac_under_the_client_secret(algorithm: str) -> None:
    token = mac(CLAIMS, SECRET, algorithm, typ="JWT")
    seen = verify_signature(token, mac_key_set(SECRET), frozenset({algorithm}))
    assert (seen.claims, seen.header) == (CLAIMS, {"alg": algorithm, "typ": "JWT"})


@pytest.mark.parametrize("algorithm", ["RS256", "none", "", "hs256"])
def test_an_algorithm_that_makes_no_mac(algorithm: str) -> None:
    with pytest.raises(ValueError, match=r"^not an algorithm for a MAC$"):
        mac(CLAIMS, SECRET, algorithm)


@pytest.mark.conformance("BAD 18")
def test_an_empty_secret_makes_no_mac() -> None:
    with pytest.raises(ValueError, match="key"):
        mac(CLAIMS, Secret(""), "HS256")


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(texts, texts | st.integers(-(2**53), 2**53) | st.booleans() | st.none()))
def test_whatever_the_claims_are_they_come_through(claims: dict[str, Any]) -> None:
    assert verified(sign(claims, our_key())).claims == claims

"""Key sets: B6, B7, MUST 19, 20 and 23, BAD 11, 12 and 50, and one broken key that costs the others nothing."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.base64url import decode
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jws import MAC_ALGORITHMS
from entracte.protocol.keys import MAXIMUM_BYTES, MAXIMUM_KEYS, KeySet, jwks_request, mac_key_set, read_jwks
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.values import Secret
from tests.protocol.encryption import elliptic_key
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import (
    ALGORITHMS,
    base64url,
    edwards_signer,
    elliptic_signer,
    integer,
    json_response,
    key_set,
    rsa_key,
    rsa_signer,
    signer,
)

RSA = dict(rsa_signer("RS256").jwk)
EC = dict(elliptic_signer("ES256").jwk)
EC521 = dict(elliptic_signer("ES512").jwk)
OKP = dict(edwards_signer().jwk)
GOOD = {**EC, "kid": "good"}


def algorithms(**members: Any) -> frozenset[str]:
    """What the key may verify; a good key beside it always stays."""
    keys = key_set(members, GOOD)
    assert "good" in {key.kid for key in keys.keys}
    return frozenset().union(*(key.algorithms for key in keys.keys if key.kid != "good"))


def test_the_request() -> None:
    request = jwks_request("https://as.example/jwks")
    assert (request.method, request.url) == ("GET", "https://as.example/jwks")
    assert request.accept == "application/jwk-set+json, application/json"
    assert request.purpose is Purpose.JWKS


@pytest.mark.conformance("MUST 20")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_must_20_what_a_key_may_verify(algorithm: str) -> None:
    members = dict(signer(algorithm).jwk)
    expected = {"RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}}.get(members["kty"], {algorithm})
    assert algorithms(**members) == expected
    assert algorithms(**members, alg=algorithm) == {algorithm}
    assert algorithms(**members, use="sig", key_ops=["verify"], kid="one") == expected


@pytest.mark.conformance("MUST 20")
@pytest.mark.parametrize("members", [RSA, EC, OKP], ids=lambda members: members["kty"])
@pytest.mark.parametrize(
    "more",
    [
        {"use": "enc"},
        {"use": None},
        {"use": 1},
        {"key_ops": []},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"key_ops": None},
        {"use": "sig", "key_ops": ["sign"]},
        {"alg": "RSA-OAEP"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": ["RS256"]},
        {"alg": None},
        {"alg": "ES384"},
        {"kid": 1},
        {"kid": None},
        {"kid": ["a"]},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": None},
        {"kty": ["RSA"]},
        {"kty": "rsa"},
        {"kty": "AKP"},
        {"d": "AQAB"},
        {"crv": 1},
    ],
    ids=repr,
)
def test_must_20_a_key_that_is_not_for_this(members: dict[str, Any], more: dict[str, Any]) -> None:
    assert algorithms(**(members | more)) == frozenset()


@pytest.mark.conformance("BAD 50")
@pytest.mark.parametrize(
    "members",
    [
        {**RSA, "n": None},
        {**RSA, "n": ""},
        {**RSA, "n": "!!"},
        {**RSA, "n": RSA["n"] + "="},
        {**RSA, "e": None},
        {**RSA, "e": "AQ"},
        {**RSA, "e": "Ag"},
        {**RSA, "e": "BA"},
        {**RSA, "e": integer(2**64 + 1)},
        {"kty": "RSA", "n": RSA["n"]},
        {"kty": "RSA", "n": integer(2**16400 + 1), "e": "AQAB"},
        {**EC, "crv": "P-384"},
        {**EC, "crv": "secp256k1"},
        {**EC, "crv": None},
        {**EC, "x": EC["y"]},
        {**EC, "x": base64url(b"\x00" * 32), "y": base64url(b"\x00" * 32)},
        {**EC, "x": base64url(b"\x01")},
        {**EC, "y": base64url(b"\x01" * 31)},
        {**EC, "y": EC["y"] + "AAAA"},
        {**EC, "x": base64url(b"\x00" + decode(EC["x"]))},
        {**EC, "y": base64url(b"\x00" + decode(EC["y"]))},
        {**EC, "y": 1},
        {**EC521, "x": base64url(b"\xff" * 66)},
        {**OKP, "x": base64url(b"\x01" * 31)},
        {**OKP, "x": base64url(b"\x01" * 33)},
        {**OKP, "x": None},
        {**OKP, "crv": "X25519"},
        {**OKP, "crv": "Ed448"},
        {**OKP, "crv": "P-256"},
        {},
    ],
)
def test_bad_50_a_key_that_is_broken(members: dict[str, Any]) -> None:
    assert algorithms(**members) == frozenset()


@pytest.mark.conformance("MUST 20")
def test_must_20_an_rsa_key_under_2048_bits() -> None:
    assert algorithms(**rsa_signer("RS256", bits=1024).jwk) == frozenset()
    assert algorithms(**rsa_signer("RS256", bits=2040).jwk) == frozenset()
    assert algorithms(**rsa_signer("RS256", bits=2048).jwk) != frozenset()
    assert algorithms(**{**RSA, "n": integer(2**2047 - 1)}) == frozenset()
    assert algorithms(**{**RSA, "n": integer(2**2048 - 1)}) != frozenset()


@pytest.mark.conformance("BAD 50")
def test_bad_50_x5c_is_never_looked_at() -> None:
    assert algorithms(**EC, x5c=["garbage", None], x5u="http://169.254.169.254/", x5t=1) == {"ES256"}


@pytest.mark.parametrize("entry", [None, 1, "key", [], [RSA], True])
def test_an_entry_that_is_no_key(entry: Any) -> None:
    keys = read_jwks(json_response({"keys": [entry, GOOD]}))
    assert [key.kid for key in keys.keys] == ["good"]


@pytest.mark.conformance("BAD 12")
def test_the_candidates_for_a_header() -> None:
    """B6, B7: without a kid all that fit; with one that one alone; BAD 12: never one of another algorithm."""
    keys = key_set({**RSA, "kid": "a"}, {**rsa_signer("RS256", number=1).jwk, "kid": "b", "alg": "RS256"}, GOOD, EC)
    assert [key.kid for key in keys.candidates(None, "RS256")] == ["a", "b"]
    assert [key.kid for key in keys.candidates(None, "PS256")] == ["a"]
    assert [key.kid for key in keys.candidates(None, "ES256")] == ["good", None]
    assert [key.kid for key in keys.candidates("b", "RS256")] == ["b"]
    assert list(keys.candidates("b", "PS256")) == []
    assert list(keys.candidates("good", "RS256")) == []
    assert list(keys.candidates("../../etc/passwd", "RS256")) == []
    assert list(keys.candidates("", "ES256")) == []
    assert list(keys.candidates(None, "HS256")) == []


@pytest.mark.conformance("MUST 23")
@pytest.mark.parametrize(
    "document",
    [{}, [], {"keys": None}, {"keys": {}}, {"keys": "a"}, RSA, {"keys": [EC] * (MAXIMUM_KEYS + 1)}, b"", b"<html>"],
    ids=["empty", "list", "null keys", "object keys", "text keys", "a key", "too many", "no body", "HTML"],
)
def test_must_23_what_is_no_key_set(document: Any) -> None:
    with pytest.raises(Refused) as refusal:
        read_jwks(json_response(document))
    assert refusal.value.reason is Reason.JWKS_MALFORMED


@pytest.mark.conformance("MUST 23")
def test_must_23_the_limits() -> None:
    assert len(key_set(*[EC] * MAXIMUM_KEYS).keys) == MAXIMUM_KEYS
    assert key_set().keys == ()
    body = b'{"keys":[]' + b" " * (MAXIMUM_BYTES - 11) + b"}"
    assert read_jwks(json_response(body)) == KeySet(())
    with pytest.raises(Refused) as refusal:
        read_jwks(json_response(body + b" "))
    assert refusal.value.reason is Reason.JWKS_MALFORMED


@pytest.mark.parametrize("media_type", ["application/json", "application/jwk-set+json", "application/keys+json"])
def test_the_media_types_of_a_key_set(media_type: str) -> None:
    assert len(read_jwks(json_response({"keys": [EC]}, media_type=media_type)).keys) == 1


@pytest.mark.parametrize(
    ("status", "media_type", "reason"),
    [
        (200, "text/html", Reason.JWKS_MALFORMED),
        (404, "application/json", Reason.JWKS_MALFORMED),
        (302, "application/json", Reason.RESPONSE_REDIRECTED),
        (503, "application/json", Reason.PROVIDER_ERROR),
    ],
)
def test_another_answer(status: int, media_type: str, reason: Reason) -> None:
    with pytest.raises(Refused) as refusal:
        read_jwks(json_response({"keys": []}, status, media_type))
    assert refusal.value.reason is reason


members = st.sampled_from(["kty", "crv", "use", "key_ops", "alg", "kid", "n", "e", "x", "y", "d", "x5c"])
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "sig", "verify", "AQAB", "RS256", "AA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=3),
    max_leaves=5,
)
entries = st.builds(
    lambda base, changes: {**base, **changes},
    st.sampled_from([RSA, EC, EC521, OKP, {}]),
    st.dictionaries(members, anything, max_size=3),
)


@given(st.binary() | anything | st.fixed_dictionaries({"keys": st.lists(entries | anything, max_size=4)}))
def test_any_document_is_read_or_refused(document: Any) -> None:
    keys = outcome(lambda: read_jwks(json_response(document)))
    if isinstance(keys, Refused):
        assert is_silent_about(keys, document)
        return
    for key in keys.keys:
        assert key.algorithms <= set(ALGORITHMS)
        assert key.kid is None or isinstance(key.kid, str)


@given(st.integers(100, 599), st.text(), st.binary())
def test_any_answer_is_read_or_refused(status: int, media_type: str, body: bytes) -> None:
    result = outcome(lambda: read_jwks(HttpResponse(status, {"content-type": media_type}, body)))
    assert isinstance(result, Refused | KeySet)


def test_a_key_does_not_show_itself() -> None:
    numbers: rsa.RSAPublicNumbers = rsa_key().public_key().public_numbers()
    assert integer(numbers.n) not in repr(key_set(RSA))


def public_forms() -> dict[str, str]:
    public = rsa_key().public_key()
    elliptic = elliptic_key().public_key()
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    pem, info = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    return {
        "RSA in PEM": public.public_bytes(pem, info).decode(),
        "RSA in PKCS1 PEM": public.public_bytes(pem, PublicFormat.PKCS1).decode(),
        "RSA in OpenSSH": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        "EC in PEM": elliptic.public_bytes(pem, info).decode(),
        "EC in OpenSSH": elliptic.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        "Ed25519 in PEM": edwards.public_bytes(pem, info).decode(),
        "Ed25519 in OpenSSH": edwards.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        "nothing": "",
    }


@pytest.mark.conformance("MUST 19", "BAD 11", "BAD 18")
@pytest.mark.parametrize("form", public_forms())
def test_a_public_key_or_nothing_is_no_client_secret(form: str) -> None:
    """Everybody has it: a MAC under it proves nothing."""
    keys = mac_key_set(Secret(public_forms()[form]))
    assert [(key.algorithms, key.key) for key in keys.keys] == [(frozenset(), None)]
    assert keys.is_secret
    assert all(not keys.candidates(kid, algorithm) for kid in (None, "k") for algorithm in MAC_ALGORITHMS)


@pytest.mark.parametrize(
    ("size", "algorithms"),
    [
        (1, set()),
        (31, set()),
        (32, {"HS256"}),
        (47, {"HS256"}),
        (48, {"HS256", "HS384"}),
        (63, {"HS256", "HS384"}),
        (64, {"HS256", "HS384", "HS512"}),
        (200, {"HS256", "HS384", "HS512"}),
    ],
)
def test_a_client_secret_is_for_the_macs_that_it_is_long_enough_for(size: int, algorithms: set[str]) -> None:
    """RFC 7518 section 3.2; in bytes, not in characters."""
    for secret in ("s" * size, "é" * (size // 2) + "s" * (size % 2)):
        keys = mac_key_set(Secret(secret))
        (key,) = keys.keys
        assert (key.kid, keys.is_secret) == (None, True)
        assert key.algorithms == algorithms
        assert (key.key.raw_value if key.key else b"") == (secret.encode() if algorithms else b"")
        for algorithm in MAC_ALGORITHMS:
            expected = [key] if algorithm in algorithms else []
            assert list(keys.candidates(None, algorithm)) == list(keys.candidates("any", algorithm)) == expected
        assert size < 31 or secret not in repr(keys)


def test_the_key_is_the_one_that_was_published() -> None:
    (key,) = key_set({**EC, "kid": "one"}).keys
    assert key.key.as_dict(private=False)["x"] == EC["x"]
    assert key_set(EC).is_secret is False


ENCRYPTION_RSA = {**RSA, "use": "enc", "kid": "e", "alg": "RSA-OAEP"}
ENCRYPTION_EC = {**EC, "use": "enc"}


def test_keys_for_encryption_are_kept_apart() -> None:
    keys = key_set(ENCRYPTION_RSA, ENCRYPTION_EC, GOOD)
    assert [key.kid for key in keys.keys] == ["good"]
    told = [(key.kid, key.key_type, key.algorithm) for key in keys.encryption]
    assert told == [("e", "RSA", "RSA-OAEP"), (None, "EC", None)]
    assert [key.key.as_dict(private=False).get("n") for key in keys.encryption] == [RSA["n"], None]
    assert RSA["n"] not in repr(keys)


@pytest.mark.conformance("MUST 20", "BAD 50", "IgnoresUnparseableKeyInJwks")
@pytest.mark.parametrize("base", [ENCRYPTION_RSA, ENCRYPTION_EC], ids=lambda base: base["kty"])
@pytest.mark.parametrize(
    "more",
    [
        {"use": "sig"},
        {"use": None},
        {"use": "ENC"},
        {"use": ["enc"]},
        {"d": "AQAB"},
        {"kid": 1},
        {"kid": ["e"]},
        {"alg": 1},
        {"alg": ["RSA-OAEP"]},
        {"kty": "OKP"},
        {"kty": "oct"},
        {"kty": None},
        {"kty": ["RSA"]},
        {"n": "AQAB", "x": "AQAB"},
        {"n": None, "x": None},
        {"n": 1, "crv": None},
        {"n": "!!", "crv": ["P-256"]},
        {"e": "AQ", "crv": "P-192"},
        {"e": "", "crv": "Ed25519"},
    ],
    ids=repr,
)
def test_a_key_that_is_not_for_encryption(base: dict[str, Any], more: dict[str, Any]) -> None:
    keys = key_set(base | more, ENCRYPTION_RSA)
    assert [key.kid for key in keys.encryption] == ["e"]


@pytest.mark.parametrize("entry", [None, 1, "key", [], [ENCRYPTION_RSA], True])
def test_an_entry_that_is_no_key_for_encryption(entry: Any) -> None:
    keys = read_jwks(json_response({"keys": [entry, ENCRYPTION_RSA]}))
    assert [key.kid for key in keys.encryption] == ["e"]


@pytest.mark.parametrize(
    ("document", "evidence"),
    [
        ({"keys": {}}, "`keys` is not a list."),
        ({"keys": [EC] * (MAXIMUM_KEYS + 1)}, "There are more than 100 keys."),
        ([], "The answer is not a JSON object."),
        (b"<", "The answer can not be read: not JSON."),
    ],
)
def test_the_evidence(document: Any, evidence: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_jwks(json_response(document))
    assert refusal.value.evidence == evidence


def test_the_longest_and_the_largest_of_rsa() -> None:
    """Verifying with a larger one would cost more than an attacker's request may."""
    assert algorithms(**{**RSA, "n": integer(2**16384 - 1)}) != frozenset()
    assert algorithms(**{**RSA, "n": integer(2**16384 + 1)}) == frozenset()
    assert algorithms(**{**RSA, "e": integer(2**64 - 1)}) != frozenset()
    assert algorithms(**{**RSA, "e": integer(2**64 + 1)}) == frozenset()
    assert algorithms(**{**RSA, "e": "Aw"}) != frozenset()
    assert algorithms(**{**RSA, "e": "Ag"}) == frozenset()


def test_a_curve_means_nothing_beside_rsa() -> None:
    """RFC 7518 section 6.3 has no `crv`; what is not understood is ignored (RFC 7517 section 4)."""
    assert algorithms(**RSA, crv="P-256") == algorithms(**RSA)


def test_of_two_client_secrets_each_is_for_its_own_macs() -> None:
    """While a server changes from one to the next; a long one lends a short one nothing, nor a public key anything."""
    long, short, public = Secret("l" * 64), Secret("s" * 32), Secret(public_forms()["RSA in PEM"])
    keys = mac_key_set(long, short, public)
    assert [key.algorithms for key in keys.keys] == [{"HS256", "HS384", "HS512"}, {"HS256"}, set()]
    assert keys.is_secret
    assert [key.key.raw_value for key in keys.candidates("any", "HS256")] == [b"l" * 64, b"s" * 32]
    assert [key.key.raw_value for key in keys.candidates(None, "HS512")] == [b"l" * 64]
    assert mac_key_set() == KeySet((), is_secret=True)

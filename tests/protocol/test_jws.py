"""Signed tokens: B6 to B10, MUST 19 to 23, BAD 8 to 12, 17 to 20."""

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jws import (
    MAC_ALGORITHMS,
    MAXIMUM_BYTES,
    MAXIMUM_HEADER_BYTES,
    UnknownKey,
    VerifiedToken,
    verify_signature,
)
from entracte.protocol.keys import ALGORITHMS as KEY_ALGORITHMS
from entracte.protocol.keys import KeySet, VerificationKey, mac_key_set
from entracte.protocol.signing import mac
from entracte.values import Secret
from tests.protocol.encryption import elliptic_key
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import (
    ALGORITHMS,
    base64url,
    edwards_signer,
    elliptic_signer,
    integer,
    json_part,
    key_set,
    named,
    rsa_key,
    rsa_signer,
    signer,
    vectors,
)

ALL = frozenset(ALGORITHMS)
CLAIMS = {"sub": "canary-subject", "n": 1}
EC = elliptic_signer("ES256", kid="one")
KEYS = key_set(EC.jwk)


def verify(token: str, keys: KeySet = KEYS, algorithms: frozenset[str] = ALL) -> VerifiedToken:
    return verify_signature(Secret(token), keys, algorithms)


def refusal(token: str, keys: KeySet = KEYS, algorithms: frozenset[str] = ALL) -> Refused:
    with pytest.raises(Refused) as refused:
        verify(token, keys, algorithms)
    assert is_silent_about(refused.value, token, *token.split("."), "canary-subject")
    return refused.value


@pytest.mark.parametrize("vector", vectors("jws.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    """A payload that is no JSON object is refused after its signature, one with a wrong signature at that."""
    keys, allowed = key_set(vector["key"]), frozenset({vector["algorithm"]})
    if vector["claims"] is None:
        refused = refusal(vector["token"], keys, allowed)
        assert refused.reason is Reason.TOKEN_MALFORMED
        assert "payload" in refused.evidence
    else:
        assert verify(vector["token"], keys, allowed).claims == vector["claims"]
    header, payload, signature = vector["token"].split(".")
    assert refusal(f"{header}.A{payload[1:]}.{signature}", keys, allowed).reason is Reason.TOKEN_SIGNATURE


def test_the_mac_of_rfc_7515() -> None:
    """RFC 7515 appendix A.1. The key is bytes that no client secret has, so it is put into the set by hand."""
    raw = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    key = VerificationKey(None, frozenset({"HS256"}), OctKey.import_key({"kty": "oct", "k": raw}))
    token = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    keys = KeySet((key,), is_secret=True)
    claims = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert verify(token, keys, frozenset({"HS256"})).claims == claims
    assert refusal(token[:-1] + "l", keys, frozenset({"HS256"})).reason is Reason.TOKEN_MALFORMED
    assert refusal(token[:-2] + "aA", keys, frozenset({"HS256"})).reason is Reason.TOKEN_SIGNATURE
    assert refusal(token, key_set(EC.jwk), frozenset({"HS256"})).reason is Reason.TOKEN_ALGORITHM


@pytest.mark.conformance("MUST 19")
def test_a_secret_verifies_no_signature_and_a_public_key_no_mac() -> None:
    """MUST 19: which kind of key it is decides, whatever the connection allows."""
    secret = mac_key_set(Secret("a-client-secret-of-32-characters"))
    for token in (EC.sign(CLAIMS), EC.sign(CLAIMS, alg="none")):
        assert refusal(token, secret, ALL | MAC_ALGORITHMS | {"none"}).reason is Reason.TOKEN_ALGORITHM
    short = mac_key_set(Secret("short"))
    with pytest.raises(UnknownKey):
        verify(mac(CLAIMS, Secret("a-client-secret-of-32-characters"), "HS256").reveal(), short, MAC_ALGORITHMS)


@pytest.mark.parametrize(
    ("token", "evidence"),
    [
        ("x" * (MAXIMUM_BYTES + 1), "The token is larger than the limit."),
        ("x" * MAXIMUM_BYTES, "The token is not three parts of base64url."),
        ("a.b", "The token is not three parts of base64url."),
        ("a.b.é", "The token is not three parts of base64url."),
        ("a.b.c", "A part of the token is not base64url."),
        (f"{'A' * (MAXIMUM_HEADER_BYTES + 1)}.b.c", "The header of the token is larger than the limit."),
        (f"{base64url(b'[]')}.b.c", "The header of the token can not be read: not an object."),
        (EC.sign(CLAIMS, crit=["x"]), "The header of the token has `crit`."),
        (EC.sign(CLAIMS, b64=False), "The header of the token has `b64`."),
        (EC.sign(CLAIMS, kid=1), "The `kid` of the token is not a string."),
        (EC.sign([]), "The payload of the token can not be read: not an object."),
    ],
    ids=lambda value: named(value) if value.endswith(".") else "token",
)
def test_the_evidence(token: str, evidence: str) -> None:
    refused = refusal(token)
    assert (refused.reason, refused.evidence) == (Reason.TOKEN_MALFORMED, evidence)


def test_the_evidence_of_a_key_that_does_not_fit() -> None:
    refused = refusal(rsa_signer("RS256").sign(CLAIMS, kid="one"))
    assert refused.evidence == "The key that the token names does not fit its algorithm."
    assert refusal(EC.sign(CLAIMS)[:-4] + "AAAA").evidence == ""


@pytest.mark.conformance("B8")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_b8_every_algorithm(algorithm: str) -> None:
    made = signer(algorithm, kid="k")
    verified = verify(made.sign(CLAIMS, kid="k", typ="JWT"), key_set(made.jwk), frozenset({algorithm}))
    assert verified.algorithm == algorithm
    assert verified.claims == CLAIMS
    assert verified.header == {"alg": algorithm, "kid": "k", "typ": "JWT"}
    assert "canary" not in repr(verified)


@pytest.mark.conformance("B10", "invalid-sig-es256", "fapi1-invalid-signature")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_b10_a_corrupted_signature(algorithm: str) -> None:
    """invalid-sig-rs256, invalid-sig-es256; the wrong length and no signature, too."""
    made = signer(algorithm)
    keys = key_set(made.jwk)
    header, payload, _ = made.sign(CLAIMS).split(".")
    good = made.signature(f"{header}.{payload}".encode())
    for bad in (bytes([good[0] ^ 1]) + good[1:], good[:-1] + bytes([good[-1] ^ 1]), good[:-1], good + b"\0",
                b"", b"\0" * len(good), b"\xff" * len(good), good * 2):  # fmt: skip
        refused = refusal(f"{header}.{payload}.{base64url(bad)}", keys)
        assert refused.reason is Reason.TOKEN_SIGNATURE


def test_a_der_signature_is_none() -> None:
    """RFC 7518 section 3.4: R and S side by side; the library's own form is another text for the same signature."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    header, payload, _ = EC.sign(CLAIMS).split(".")
    raw = EC.signature(f"{header}.{payload}".encode())
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    assert refusal(f"{header}.{payload}.{base64url(der)}").reason is Reason.TOKEN_SIGNATURE


@pytest.mark.conformance("B10")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_b10_another_key(algorithm: str) -> None:
    other = rsa_signer(algorithm, number=1) if algorithm[:2] in {"RS", "PS"} else signer(algorithm)
    assert refusal(signer(algorithm).sign(CLAIMS), key_set(other.jwk)).reason is Reason.TOKEN_SIGNATURE


@pytest.mark.conformance("MUST 20")
def test_must_20_the_library_is_asked_too() -> None:
    """A key set that was put together wrongly does not help: joserfc's own check of the key refuses."""
    liar = VerificationKey("k", frozenset({"ES256"}), key_set(rsa_signer("RS256").jwk).keys[0].key)
    assert refusal(EC.sign(CLAIMS, kid="k"), KeySet((liar,))).reason is Reason.TOKEN_SIGNATURE


@pytest.mark.conformance("B6")
def test_b6_no_kid_and_one_key() -> None:
    assert verify(EC.sign(CLAIMS)).claims == CLAIMS


@pytest.mark.conformance("B7")
def test_b7_no_kid_and_several_keys() -> None:
    one, two = rsa_signer("RS256", number=1, kid="a"), rsa_signer("RS256", kid="b")
    assert verify(two.sign(CLAIMS), key_set(EC.jwk, one.jwk, two.jwk)).claims == CLAIMS


def test_a_kid_chooses_that_key_alone() -> None:
    one, two = rsa_signer("RS256", number=1, kid="a"), rsa_signer("RS256", kid="b")
    keys = key_set(one.jwk, two.jwk)
    assert verify(two.sign(CLAIMS, kid="b"), keys).claims == CLAIMS
    assert refusal(two.sign(CLAIMS, kid="a"), keys).reason is Reason.TOKEN_SIGNATURE


@pytest.mark.conformance("MUST 21", "signing-key-rotation")
@pytest.mark.parametrize(
    "kid", ["two", "", "../../../dev/null", "' OR 1=1 --", "https://evil.example/jwks", "x" * 2000]
)
def test_must_21_an_unknown_kid_is_only_a_string_that_is_not_there(kid: str) -> None:
    """signing-key-rotation: fetch the key set again, once."""
    with pytest.raises(UnknownKey) as unknown:
        verify(EC.sign(CLAIMS, kid=kid))
    assert is_silent_about(unknown.value, kid)


def test_no_kid_and_no_key_that_fits() -> None:
    with pytest.raises(UnknownKey):
        verify(edwards_signer().sign(CLAIMS))
    with pytest.raises(UnknownKey):
        verify(EC.sign(CLAIMS), key_set())


@pytest.mark.parametrize("kid", [None, 1, [], {}, True, ["one"]])
def test_a_kid_that_is_no_string(kid: Any) -> None:
    token = EC.sign_parts(json_part({"alg": "ES256", "kid": kid}), json_part(CLAIMS))
    assert refusal(token).reason is Reason.TOKEN_MALFORMED


@pytest.mark.conformance("BAD 12")
def test_bad_12_the_kid_of_a_key_for_another_algorithm() -> None:
    keys = key_set(EC.jwk, rsa_signer("RS256", kid="rsa", alg="PS256").jwk)
    assert refusal(rsa_signer("RS256").sign(CLAIMS, kid="one"), keys).reason is Reason.TOKEN_KEY
    assert refusal(rsa_signer("RS256").sign(CLAIMS, kid="rsa"), keys).reason is Reason.TOKEN_KEY


@pytest.mark.conformance("MUST 20")
def test_must_20_a_key_of_another_curve() -> None:
    made = elliptic_signer("ES384", kid="one")
    keys = key_set(elliptic_signer("ES256", kid="one").jwk)
    assert refusal(made.sign(CLAIMS, kid="one"), keys).reason is Reason.TOKEN_KEY


@pytest.mark.conformance("B9", "BAD 9", "BAD 21", "MUST 19", "fapi1-invalid-null-alg", "fapi2-invalid-null-alg")
@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "ES256K", "Ed448", "RSA1_5", "A" * 50]
)
@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_b9_bad_9_must_19_an_algorithm_that_never_verifies(algorithm: str, signature: str) -> None:
    """Not even where a connection would allow it by mistake."""
    token = f"{json_part({'alg': algorithm})}.{json_part(CLAIMS)}.{signature}"
    assert refusal(token).reason is Reason.TOKEN_ALGORITHM
    assert refusal(token, algorithms=frozenset({algorithm})).reason is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("algorithm", [None, 1, [], ["ES256"], {"ES256": 1}, True])
def test_an_algorithm_that_is_no_string(algorithm: Any) -> None:
    for header in ({"alg": algorithm}, {}):
        assert refusal(EC.sign_parts(json_part(header), json_part(CLAIMS))).reason is Reason.TOKEN_ALGORITHM


@pytest.mark.conformance("MUST 19", "BAD 21", "fapi1-invalid-alternate-alg", "fapi2-invalid-alternate-alg")
def test_must_19_an_algorithm_that_the_connection_does_not_allow() -> None:
    """invalid-alternate-alg: the key could verify it, the registration says no."""
    made = rsa_signer("RS256")
    refused = refusal(made.sign(CLAIMS), key_set(made.jwk), frozenset({"PS256", "ES256"}))
    assert refused.reason is Reason.TOKEN_ALGORITHM
    assert refused.evidence == "Expected ES256 or PS256; got RS256."
    assert refusal(made.sign(CLAIMS), key_set(made.jwk), frozenset()).reason is Reason.TOKEN_ALGORITHM


def test_an_algorithm_of_the_sender_s_making_is_not_shown() -> None:
    refused = refusal(
        EC.sign_parts(json_part({"alg": "canary-<b>"}), json_part(CLAIMS)), algorithms=frozenset({"ES256"})
    )
    assert refused.evidence == "Expected ES256; got something else."


def public_forms() -> list[tuple[str, bytes]]:
    public = rsa_key().public_key()
    jwk = dict(rsa_signer("RS256").jwk)
    return [
        ("PEM", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("PKCS1 PEM", public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)),
        ("OpenSSH", public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)),
        ("DER", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        ("JWK", json.dumps(jwk).encode()),
        ("modulus", integer(public.public_numbers().n).encode()),
        ("empty", b""),
        *((f"EC {name}", form) for name, form in other_forms(elliptic_key().public_key())),
        *((f"Ed25519 {name}", form) for name, form in other_forms(Ed25519PrivateKey.generate().public_key())),
        ("EC JWK", json.dumps(EC.jwk).encode()),
        ("Ed25519 JWK", json.dumps(edwards_signer().jwk).encode()),
    ]


def other_forms(public: EllipticCurvePublicKey | Ed25519PublicKey) -> list[tuple[str, bytes]]:
    return [
        ("PEM", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        ("OpenSSH", public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)),
        ("DER", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    ]


@pytest.mark.conformance("MUST 19", "BAD 11")
@pytest.mark.parametrize("form", public_forms(), ids=lambda form: form[0])
def test_bad_11_a_mac_under_the_public_key(form: tuple[str, bytes]) -> None:
    """Also where HS256 slipped into the connection, and where the key set has a symmetric key."""
    signing_input = f"{json_part({'alg': 'HS256', 'kid': 'k'})}.{json_part(CLAIMS)}"
    token = f"{signing_input}.{base64url(hmac.digest(form[1], signing_input.encode(), sha256))}"
    keys = key_set(
        rsa_signer("RS256", kid="k").jwk, {"kty": "oct", "kid": "k", "k": base64url(form[1]), "alg": "HS256"}
    )
    for allowed in (ALL, ALL | {"HS256"}, frozenset({"HS256"})):
        assert refusal(token, keys, allowed).reason is Reason.TOKEN_ALGORITHM


@pytest.mark.conformance("BAD 8", "MUST 21")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "x5t"])
def test_bad_8_must_21_a_key_that_the_token_brought_along(member: str) -> None:
    attacker = elliptic_signer("ES256")
    brought: Any = {"jwk": attacker.jwk, "x5c": ["MIIB"]}.get(member, "https://evil.example/keys")
    assert refusal(attacker.sign(CLAIMS, **{member: brought})).reason is Reason.TOKEN_SIGNATURE
    assert verify(EC.sign(CLAIMS, **{member: brought})).claims == CLAIMS


@pytest.mark.conformance("BAD 10", "MUST 22")
@pytest.mark.parametrize(
    "members",
    [{"crit": ["x"], "x": 1}, {"crit": ["exp"]}, {"crit": []}, {"crit": None}, {"crit": ["b64"], "b64": False},
     {"b64": True}, {"b64": False}, {"b64": None}],
    ids=repr,
)  # fmt: skip
def test_bad_10_must_22_crit_and_b64(members: dict[str, Any]) -> None:
    """A good signature does not help."""
    token = EC.sign_parts(json_part({"alg": "ES256", **members}), json_part(CLAIMS))
    assert refusal(token).reason is Reason.TOKEN_MALFORMED


def serializations() -> list[str]:
    header, payload, signature = EC.sign(CLAIMS).split(".")
    flattened = {"protected": header, "payload": payload, "signature": signature}
    general = {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
    mixed = json.dumps({**flattened, f"{header}.{payload}.{signature}": "x"})
    return [
        json.dumps(flattened),
        json.dumps(general),
        json.dumps({"payload": payload, "signatures": []}),
        mixed,
        f'{{" {header}.{payload}.{signature}":""}}',
        f"{header}.{payload}.{signature}.",
        f".{header}.{payload}.{signature}",
        f"{header}.{payload}.{signature}.{signature}.{signature}",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f" {header}.{payload}.{signature}",
        f"{header}.{payload}.{signature}\n",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}=.{signature}",
        f"{header}. {payload}.{signature}",
        f"{header}.{payload}.{signature}\u00e9",
        f"{header}.{payload}.{signature}\ud800",
        "..",
        "...",
        "",
        "{}",
    ]


@pytest.mark.conformance("BAD 18", "BAD 20")
@pytest.mark.parametrize("token", serializations())
def test_bad_18_bad_20_anything_but_the_compact_form(token: str) -> None:
    with pytest.raises(Refused) as refused:
        verify(token)
    assert refused.value.reason in {Reason.TOKEN_MALFORMED, Reason.TOKEN_SIGNATURE}


@pytest.mark.conformance("MUST 23")
@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"null", b'"ES256"', b'{"alg":"ES256","alg":"none"}', b'{"alg":"none","alg":"ES256"}', b"\xff",
     b'{"alg":"ES256"}{}', b'{"alg":"ES256","x":NaN}', b'{"alg":"ES256","x":' + b"[" * 40 + b"]" * 40 + b"}"],
    ids=named,
)  # fmt: skip
def test_must_23_a_header_that_is_no_strict_object(header: bytes) -> None:
    refused = refusal(EC.sign_parts(base64url(header), json_part(CLAIMS)))
    assert refused.reason is Reason.TOKEN_MALFORMED


@pytest.mark.conformance("MUST 23")
@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"null", b'{"sub":"a","sub":"b"}', b"\xff", b'{"exp":1e400}', b'{"exp":Infinity}',
     b'{"a":' * 33 + b"1" + b"}" * 33],
    ids=named,
)  # fmt: skip
def test_must_23_a_payload_that_is_no_strict_object(payload: bytes) -> None:
    refused = refusal(EC.sign_parts(json_part({"alg": "ES256"}), base64url(payload)))
    assert refused.reason is Reason.TOKEN_MALFORMED


@pytest.mark.conformance("BAD 17")
def test_bad_17_the_limits_of_a_token_and_a_header() -> None:
    def padded(size: int) -> str:
        """A token whose header has exactly this many characters."""
        header = json.dumps({"alg": "ES256", "x": ""})
        fill = size * 3 // 4 - len(header)
        return EC.sign_parts(base64url(header.replace('""', f'"{"x" * fill}"').encode()), json_part(CLAIMS))

    assert verify(padded(MAXIMUM_HEADER_BYTES)).claims == CLAIMS
    assert refusal(padded(MAXIMUM_HEADER_BYTES + 4)).reason is Reason.TOKEN_MALFORMED

    small = EC.sign({"x": ""})
    fits = EC.sign({"x": "x" * ((MAXIMUM_BYTES - len(small)) * 3 // 4 - 3)})
    assert MAXIMUM_BYTES - 8 < len(fits) <= MAXIMUM_BYTES
    assert "x" in verify(fits).claims
    too_large = EC.sign({"x": "x" * (MAXIMUM_BYTES * 3 // 4)})
    assert refusal(too_large).reason is Reason.TOKEN_MALFORMED
    with pytest.raises(Refused, match="larger than the limit"):
        verify("." * 10_000_000)


def test_only_algorithms_that_some_key_can_have_are_known() -> None:
    from entracte.protocol.jws import JOSERFC_ALGORITHMS

    assert set(JOSERFC_ALGORITHMS) == set().union(*KEY_ALGORITHMS.values()) == set(ALGORITHMS)


@given(st.data())
def test_any_altered_character_is_refused(data: st.DataObject) -> None:
    token = EC.sign(CLAIMS, kid="one")
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."))
    assume(other != token[position])
    altered = token[:position] + other + token[position + 1 :]
    with pytest.raises((Refused, UnknownKey)) as refused:
        verify(altered)
    assert is_silent_about(refused.value, altered, token)


header_values = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([*ALGORITHMS, "none", "one"])
headers = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku"]), header_values)


@given(
    st.text()
    | st.text(alphabet="abcAB19-_.=")
    | st.builds(lambda *parts: ".".join(map(base64url, parts)), st.binary(), st.binary(), st.binary())
    | st.builds(lambda header, payload: EC.sign_parts(json_part(header), base64url(payload)), headers, st.binary())
)
def test_any_token_is_refused(token: str) -> None:
    try:
        result = outcome(lambda: verify(token))
    except UnknownKey:
        return
    assert isinstance(result, Refused) or isinstance(result.claims, dict)
    assert not isinstance(result, Refused) or is_silent_about(result, token, *token.split("."))

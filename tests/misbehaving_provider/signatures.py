"""How a signed token goes wrong: in its text, in its header, in its signature. One table for each."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.misbehaving_provider.keys import (
    ATTACKER,
    Claims,
    Key,
    MacKey,
    SigningKey,
    base64url,
    compact,
)

Signer = Callable[[str, Key, str], str]
"""Makes a token of a text of claims, with a key, of a type (`typ`)."""

SMALL = SigningKey(60, bits=1024)
SECOND = SigningKey(61)
OTHER_FAMILY = SigningKey(62, "ES256")
OTHER_RSA = SigningKey(63)


def well_signed(claims: str, key: Key, typ: str, **header: Any) -> str:
    return compact({**_header(key, typ), **header}, claims, key.sign)


def _with(**header: Any) -> Signer:
    return lambda claims, key, typ: well_signed(claims, key, typ, **header)


def _badly_signed(claims: str, key: Key, typ: str) -> str:
    return compact(_header(key, typ), claims, lambda message: key.sign(message + b"."))


def _header(key: Key, typ: str) -> Claims:
    return {"typ": typ, "alg": key.algorithm, **({"kid": key.kid} if key.kid else {})}


def _unsigned(claims: str, key: Key, typ: str) -> str:
    return compact({"typ": typ, "alg": "none"}, claims, lambda message: b"")


def _unsigned_with_signature(claims: str, key: Key, typ: str) -> str:
    return compact({"typ": typ, "alg": "none", "kid": key.kid}, claims, key.sign)


def _macked(secret: Callable[[SigningKey], bytes]) -> Signer:
    """The public key, which everybody has, taken for a secret (CVE-2022-29217 and its kin)."""

    def sign(claims: str, key: Key, typ: str) -> str:
        public = key if isinstance(key, SigningKey) else SigningKey(0)
        mac = MacKey(secret(public).decode("latin-1"))
        return compact({"typ": typ, "alg": "HS256", "kid": public.kid}, claims, mac.sign)

    return sign


def _pkcs1(key: SigningKey) -> bytes:
    public = key.private.public_key()
    form = PublicFormat.PKCS1 if isinstance(public, rsa.RSAPublicKey) else PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(Encoding.PEM, form)


def _open_ssh(key: SigningKey) -> bytes:
    return key.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def _by(signer: SigningKey, **header: Any) -> Signer:
    """Signed by another key, whose id the header has unless it is told otherwise."""
    return lambda claims, key, typ: well_signed(claims, signer, typ, **header)


def _forged(claims: str, key: Key, typ: str) -> str:
    """The attacker's signature with the id of the provider's key."""
    return compact(_header(key, typ), claims, SigningKey(-1, _asymmetric(key)).sign)


def _asymmetric(key: Key) -> str:
    return key.algorithm if isinstance(key, SigningKey) else "RS256"


def _other_algorithm(claims: str, key: Key, typ: str) -> str:
    """A good signature by another algorithm than the registered one: of the same key where it can be."""
    if isinstance(key, SigningKey) and key.algorithm[:2] in ("RS", "PS"):
        other = ("RS" if key.algorithm.startswith("PS") else "PS") + key.algorithm[2:]
        return well_signed(claims, SigningKey(key.number, other), typ, kid=key.kid)
    return well_signed(claims, OTHER_RSA, typ)


def _kid_of_another_family(claims: str, key: Key, typ: str) -> str:
    return compact({**_header(key, typ), "kid": OTHER_FAMILY.kid}, claims, key.sign)


def _without_kid(claims: str, key: Key, typ: str) -> str:
    return compact({"alg": key.algorithm}, claims, key.sign)


def _json_form(claims: str, key: Key, typ: str) -> str:
    header, payload, signature = well_signed(claims, key, typ).split(".")
    return json.dumps({"protected": header, "payload": payload, "signature": signature})


def _json_without_signatures(claims: str, key: Key, typ: str) -> str:
    return json.dumps({"payload": base64url(claims.encode()), "signatures": []})


def _mixed_form(claims: str, key: Key, typ: str) -> str:
    """What one reader takes for a compact token, and another for JSON with other claims (CVE-2022-39227)."""
    forged = json.dumps({**json.loads(claims), "sub": "attacker"})
    header, payload, signature = well_signed(claims, key, typ).split(".")
    return json.dumps({header + f".{base64url(forged.encode())}.": 0, "protected": header, "payload": payload,
                       "signature": signature})  # fmt: skip


def _huge_header(claims: str, key: Key, typ: str) -> str:
    return well_signed(claims, key, typ, padding="x" * 20_000)


def _huge_signature(claims: str, key: Key, typ: str) -> str:
    return compact(_header(key, typ), claims, lambda message: bytes(200_000))


SIGNATURES: Mapping[str, Signer] = {
    "bad_signature": _badly_signed,
    "forged": _forged,
    "alg_none": _unsigned,
    "alg_none_with_signature": _unsigned_with_signature,
    "hs256_public_key": _macked(SigningKey.pem),
    "hs256_public_key_pkcs1": _macked(_pkcs1),
    "hs256_public_key_openssh": _macked(_open_ssh),
    "hs256_public_key_jwk": _macked(lambda key: json.dumps(key.jwk()).encode()),
    "hs256_empty_secret": _macked(lambda key: b""),
    "crit_header": _with(crit=["x-unknown"], **{"x-unknown": True}),
    "b64_header": _with(crit=["b64"], b64=False),
    "jwk_header": _by(ATTACKER, jwk=ATTACKER.jwk()),
    "jku_header": _by(ATTACKER, jku="http://127.0.0.1:9/jwks"),
    "x5u_header": _by(ATTACKER, x5u="http://127.0.0.1:9/certificate"),
    "x5c_header": _by(ATTACKER, x5c=["garbage"]),
    "unknown_kid": _with(kid="nobody"),
    "strange_kid": _with(kid="../../../../dev/null' OR 1=1 -- http://127.0.0.1:9/"),
    "number_kid": _with(kid=7),
    "kid_absent": _without_kid,
    "kid_absent_several_keys": _without_kid,
    "kid_of_another_family": _kid_of_another_family,
    "other_alg": _other_algorithm,
    "unknown_alg": _with(alg="XX256"),
    "null_alg": _with(alg=None),
    "small_key": _by(SMALL),
    "json_form": _json_form,
    "json_without_signatures": _json_without_signatures,
    "mixed_form": _mixed_form,
    "huge_header": _huge_header,
    "huge_signature": _huge_signature,
    "truncated": lambda claims, key, typ: well_signed(claims, key, typ).rpartition(".")[0],
    "padded": lambda claims, key, typ: well_signed(claims, key, typ) + "==",
}
"""`kid_absent`, and `kid_absent_several_keys` if one likes, are within the rules."""


def _repeated(text: str) -> str:
    """The first claim again, with another value: readers take the one or the other."""
    return text[:-1] + ', "sub": "attacker"}'


def _deep(text: str) -> str:
    return text[:-1] + ', "deep": ' + "[" * 200 + "]" * 200 + "}"


def _raw(name: str, value: str) -> Callable[[str], str]:
    """A claim with a value that only a text can have."""

    def change(text: str) -> str:
        claims = json.loads(text)
        claims[name] = "@"
        return json.dumps(claims).replace(f'"{name}": "@"', f'"{name}": {value}')

    return change


TEXTS: Mapping[str, Callable[[str], str]] = {
    "repeated_claim": _repeated,
    "deep_claims": _deep,
    "infinite_exp": _raw("exp", "1e400"),
    "nan_exp": _raw("exp", "NaN"),
    "infinite_iat": _raw("iat", "-Infinity"),
    "array_claims": lambda text: f"[{text}]",
    "huge_claims": lambda text: text[:-1] + f', "padding": "{"x" * 100_000}"}}',
    "not_json_claims": lambda text: text[:-1],
}


def signed(misbehaviour: str, claims: Claims, key: Key, typ: str = "JWT") -> str:
    text = TEXTS.get(misbehaviour, str)(json.dumps(claims))
    return SIGNATURES.get(misbehaviour, well_signed)(text, key, typ)

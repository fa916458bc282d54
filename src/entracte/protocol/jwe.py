"""An encrypted token in compact form (RFC 7516 section 7.1): read by our own rules before joserfc sees it.

What is refused here broke others: RSA1_5 and its oracle, PBES2 with a work factor of the sender's, compression that
inflates, direct use of a key. Whatever fails behind the header fails alike, in what is said and in what is done: a
wrong key, a wrong padding and a changed text can not be told apart (RFC 7516 section 11.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from joserfc.jwa import JWEEncModel, JWEKeyAgreement, JWEKeyEncryption
from joserfc.jwe import CompactEncryption, JWERegistry, Recipient, encrypt_compact
from joserfc.jwk import ECKey, Key, RSAKey

from entracte.protocol.base64url import decode
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.json_documents import MalformedJson, parse_json_object
from entracte.protocol.keys import EncryptionKey
from entracte.values import Secret

MAXIMUM_BYTES = 64 * 1024
MAXIMUM_HEADER_BYTES = 8 * 1024

KEY_MANAGEMENT: Mapping[str, str] = {
    "RSA-OAEP": "RSA",
    "RSA-OAEP-256": "RSA",
    "ECDH-ES": "EC",
    "ECDH-ES+A128KW": "EC",
    "ECDH-ES+A192KW": "EC",
    "ECDH-ES+A256KW": "EC",
}
"""The key management algorithms that are taken, with the `kty` of the key (RFC 7518 section 4.1)."""
CONTENT_ENCRYPTION = frozenset({"A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"})
"""RFC 7518 section 5.1."""

_NEVER = ("zip", "crit", "p2c", "p2s")
_TYPES: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey}


class _Registry(JWERegistry):
    max_protected_header_length = MAXIMUM_HEADER_BYTES


_REGISTRY = _Registry(
    algorithms=frozenset(KEY_MANAGEMENT) | CONTENT_ENCRYPTION,
    strict_check_header=False,  # other members mean nothing to us, and our own rules have looked
)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The parts of an encrypted token, decoded."""

    header: dict[str, Any]
    associated: bytes
    """The header as it came: it is authenticated with the content (RFC 7516 section 5.2, step 14)."""
    encrypted_key: bytes
    iv: bytes
    ciphertext: bytes
    tag: bytes


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key of ours that opens what one algorithm encrypted."""

    kid: str
    algorithm: str
    key: Any = field(repr=False)


def decryption_key(jwk: Mapping[str, Any], kid: str, algorithm: str) -> DecryptionKey:
    """The key of a private JWK of ours. Raises ValueError for an algorithm that is none of `KEY_MANAGEMENT`, or not one
    of this type of key."""
    _check_algorithm(algorithm, jwk.get("kty"))
    return DecryptionKey(kid, algorithm, _TYPES[jwk["kty"]].import_key(dict(jwk)))


def is_encrypted(token: Secret) -> bool:
    """Whether a token has the five parts of an encrypted one."""
    return token.reveal().count(".") == 4


def named_key(token: Secret) -> str:
    """The `kid` in the header of an encrypted token, before anything is proven: enough to find whose key it is. Empty
    when there is none. Refuses `TOKEN_ENCRYPTION`."""
    kid = _sealed(token.reveal()).header.get("kid")
    return kid if isinstance(kid, str) else ""


def decrypt(token: Secret, keys: Sequence[DecryptionKey]) -> Secret:
    """The signed token inside an encrypted one (RFC 7519 section 5.2, nested). Refuses `TOKEN_ENCRYPTION` for all that
    can not be opened, and `TOKEN_MALFORMED` when what is inside is not signed: whoever has our public key can encrypt.
    """
    sealed = _sealed(token.reveal())
    for candidate in _candidates(sealed.header, keys):
        opened = _opened(sealed, candidate)
        if opened is not None:
            return _nested(opened)
    raise _sealed_to_somebody_else()


def encrypt(token: Secret, key: EncryptionKey, algorithm: str, content_encryption: str = "A256GCM") -> Secret:
    """A signed token of ours, encrypted to the authorization server (RFC 9101 section 6.1). Raises ValueError for an
    algorithm that we do not use, or that is not one of this type of key."""
    _check_algorithm(algorithm, key.key_type)
    if content_encryption not in CONTENT_ENCRYPTION:
        raise ValueError("not an algorithm to encrypt content with")
    header = {"alg": algorithm, "enc": content_encryption, "cty": "JWT"}
    if key.kid is not None:
        header["kid"] = key.kid
    return Secret(encrypt_compact(header, token.reveal(), key.key, registry=_REGISTRY))


def _check_algorithm(algorithm: str, key_type: Any) -> None:
    if algorithm not in KEY_MANAGEMENT or KEY_MANAGEMENT[algorithm] != key_type:
        raise ValueError("not an algorithm to encrypt with")


def _sealed(text: str) -> _Sealed:
    if len(text) > MAXIMUM_BYTES or not text.isascii() or text.count(".") != 4:
        raise refuse(Reason.TOKEN_ENCRYPTION, "The token is not five parts of base64url within the limit.")
    written, *others = text.split(".")
    if len(written) > MAXIMUM_HEADER_BYTES:
        raise refuse(Reason.TOKEN_ENCRYPTION, "The header of the token is larger than the limit.")
    try:
        header = parse_json_object(decode(written))
        # canonical, or one content would have several tokens: the library is less strict
        parts = [decode(other) for other in others]
    except (MalformedJson, ValueError):
        raise refuse(Reason.TOKEN_ENCRYPTION, "The token has a part that can not be read.") from None
    for name in _NEVER:
        if name in header:
            raise refuse(Reason.TOKEN_ENCRYPTION, f"The header of the token has `{name}`.")
    return _Sealed(header, written.encode(), *parts)


def _candidates(header: Mapping[str, Any], keys: Sequence[DecryptionKey]) -> list[DecryptionKey]:
    """The keys that the header can mean: its algorithm has to be the one that the key is for, never one of its own."""
    algorithm, content_encryption, kid = header.get("alg"), header.get("enc"), header.get("kid")
    allowed = sorted({key.algorithm for key in keys})
    if not isinstance(algorithm, str) or algorithm not in allowed:
        raise refuse(Reason.TOKEN_ENCRYPTION, f"Expected {' or '.join(allowed) or 'no encryption'}.")
    if not isinstance(content_encryption, str) or content_encryption not in CONTENT_ENCRYPTION:
        raise refuse(Reason.TOKEN_ENCRYPTION, "The content is encrypted in a way that is not taken.")
    fitting = [key for key in keys if key.algorithm == algorithm]
    named = [key for key in fitting if key.kid == kid]
    return named or fitting


def _opened(sealed: _Sealed, candidate: DecryptionKey) -> bytes | None:
    """The content, or None. A content key that does not open is no end: the content is decrypted all the same, with a
    key that nobody knows, and fails there as a changed content does."""
    content = _REGISTRY.get_enc(sealed.header["enc"])
    # The library draws it, as it draws the keys that we encrypt with: it is thrown away, and no answer depends on it.
    # It is drawn for every token, so that this is no difference either. A constant would not do: a sender who knows it
    # writes a content whose tag is right under it, and learns by the work behind the tag that its encrypted key did
    # not open.
    content_key = content.generate_cek()
    try:
        opened = _content_key(sealed, candidate, content)
        if len(opened) == len(content_key):
            content_key = opened
    except Exception:  # noqa: BLE001, RUF100, S110  the library has many, and all mean the same: nothing opened
        pass
    try:
        # both look only at what anybody can see, at a length, before they use the key
        content.check_iv(sealed.iv)
        return content.decrypt(sealed.ciphertext, sealed.tag, content_key, sealed.iv, sealed.associated)
    except Exception:  # noqa: BLE001, RUF100  some quote the token
        return None


def _content_key(sealed: _Sealed, candidate: DecryptionKey, content: JWEEncModel) -> bytes:
    """The key that the content is encrypted with (RFC 7516 section 5.2, steps 6 to 12). Raises what the library does
    when it can not be had."""
    candidate.key.check_use("enc")
    _REGISTRY.check_header(sealed.header)
    management = _REGISTRY.get_alg(candidate.algorithm)
    recipient: Recipient[Any] = Recipient(CompactEncryption(sealed.header), recipient_key=candidate.key)
    recipient.encrypted_key = sealed.encrypted_key
    if isinstance(management, JWEKeyEncryption):
        return management.decrypt_cek(recipient)
    agreement = cast("JWEKeyAgreement", management)
    agreed = agreement.decrypt_agreed_upon_key(content, recipient)
    if not agreement.direct_mode:
        return agreement.unwrap_cek_with_auk(sealed.encrypted_key, agreed)
    if sealed.encrypted_key:
        raise ValueError("an agreed key has no encrypted key")
    return agreed


def _nested(plaintext: bytes) -> Secret:
    try:
        text = plaintext.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if text.count(".") != 2:
        raise refuse(Reason.TOKEN_MALFORMED, "What is encrypted is not a signed token.")
    return Secret(text)


def _sealed_to_somebody_else() -> Refused:
    return refuse(Reason.TOKEN_ENCRYPTION, "The token does not open with our keys.")

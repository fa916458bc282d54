"""Encrypted tokens: MUST 23 to 26, BAD 14 to 20 and 22."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jwe import (
    CONTENT_ENCRYPTION,
    KEY_MANAGEMENT,
    MAXIMUM_BYTES,
    MAXIMUM_HEADER_BYTES,
    DecryptionKey,
    decrypt,
    decryption_key,
    encrypt,
    is_encrypted,
    named_key,
)
from entracte.protocol.keys import EncryptionKey
from entracte.values import Secret
from tests.protocol import encryption
from tests.protocol.encryption import Sealed, elliptic_jwk, elliptic_key, flipped, private_jwk, rsa_jwk, sealed
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import base64url, json_part, key_set, named, rsa_key, vectors
from tests.protocol.steps import content_keys, is_content_decryption, steps

SIGNED = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
FOREIGN = "The token does not open with our keys."
UNREADABLE = "The token has a part that can not be read."
NO_FORM = "The token is not five parts of base64url within the limit."


@cache
def our_key(algorithm: str, kid: str = "ours", number: int = 0, curve: str = "P-256") -> DecryptionKey:
    return decryption_key(private_jwk(algorithm, number, curve), kid, algorithm)


def refusal(token: object, *keys: DecryptionKey) -> tuple[Reason, str]:
    text = str(token)
    with pytest.raises(Refused) as refused:
        decrypt(Secret(text), keys)
    assert is_silent_about(refused.value, text, *text.split("."), SIGNED)
    return refused.value.reason, refused.value.evidence


@pytest.mark.conformance("MUST 24", "fapi1-encrypted-idtoken")
@pytest.mark.parametrize("content_encryption", encryption.CONTENT_ENCRYPTION)
@pytest.mark.parametrize("algorithm", encryption.KEY_MANAGEMENT)
def test_every_algorithm(algorithm: str, content_encryption: str) -> None:
    token = Secret(str(sealed(SIGNED, algorithm, content_encryption, kid="ours")))
    assert is_encrypted(token)
    assert named_key(token) == "ours"
    assert decrypt(token, [our_key(algorithm)]) == Secret(SIGNED)


@pytest.mark.parametrize("curve", encryption.CURVES)
def test_every_curve(curve: str) -> None:
    assert decrypt(Secret(str(sealed(SIGNED, "ECDH-ES", curve=curve))), [our_key("ECDH-ES", curve=curve)]) == Secret(
        SIGNED
    )


def test_the_algorithms_are_those_of_the_witness() -> None:
    assert set(KEY_MANAGEMENT) == set(encryption.KEY_MANAGEMENT)
    assert set(encryption.CONTENT_ENCRYPTION) == CONTENT_ENCRYPTION


@pytest.mark.conformance("MUST 25")
@pytest.mark.parametrize("vector", vectors("jwe.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    """The examples hold prose: they open, and are no signed token (MUST 25). Altered, they do not open."""
    key = decryption_key(vector["key"], "ours", vector["algorithm"])
    assert refusal(vector["token"], key) == (Reason.TOKEN_MALFORMED, "What is encrypted is not a signed token.")
    for place in range(1, 5):
        parts = vector["token"].split(".")
        parts[place] = flipped(parts[place])
        assert refusal(".".join(parts), key) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.conformance("MUST 25", "BAD 22")
@pytest.mark.parametrize(
    "plaintext",
    [
        b'{"sub":"canary-subject"}',
        b"",
        b"canary",
        b"a.b",
        b"a.b.c.d",
        b"a.b.c.d.e",
        b"\xff.\xff.\xff",
        "é.é.é".encode(),
    ],
)
def test_what_is_inside_has_to_be_signed(plaintext: bytes) -> None:
    """Whoever has our public key can encrypt: raw JSON inside proves nothing."""
    token = sealed(plaintext, "RSA-OAEP")
    assert refusal(token, our_key("RSA-OAEP")) == (
        Reason.TOKEN_MALFORMED,
        "What is encrypted is not a signed token.",
    )


@pytest.mark.conformance("MUST 24", "BAD 14", "fapi1-encrypted-idtoken-usingrsa15")
def test_rsa1_5_is_refused_before_a_key_is_used() -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    content_key = bytes(32)
    good = rsa_key().public_key().encrypt(content_key, PKCS1v15())
    header = json_part({"alg": "RSA1_5", "enc": "A256GCM"})
    expected = (Reason.TOKEN_ENCRYPTION, "Expected RSA-OAEP.")
    for encrypted_key in (good, good[:-1], bytes(256), b""):
        token = encryption.with_content(SIGNED.encode(), content_key, "A256GCM", header, encrypted_key)
        assert refusal(token, our_key("RSA-OAEP")) == expected
        liar = DecryptionKey("ours", "RSA1_5", our_key("RSA-OAEP").key)
        assert refusal(token, liar) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.conformance("MUST 24", "BAD 15")
def test_pbes2_with_a_work_factor_of_the_sender_s() -> None:
    """2**31 - 1 rounds would take minutes: refused before anything is computed."""
    header = {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2s": "AAAAAAAAAAA", "p2c": 2**31 - 1}
    token = f"{json_part(header)}.AAAA.AAAA.AAAA.AAAA"
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, "The header of the token has `p2c`.")
    del header["p2c"]
    token = f"{json_part(header)}.AAAA.AAAA.AAAA.AAAA"
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, "The header of the token has `p2s`.")


@pytest.mark.conformance("MUST 24", "BAD 16")
@pytest.mark.parametrize("zip_", ["DEF", "GZ", "", None, 1])
def test_a_token_that_inflates(zip_: Any) -> None:
    """10 MB in 10 KB, and one that would fit: both are refused before anything is decrypted."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    for size in (100, 10_000_000):
        raw = compressor.copy().compress(bytes(size)) + compressor.copy().flush()
        header = {"alg": "RSA-OAEP", "enc": "A256GCM", "zip": zip_}
        key = bytes(32)
        encrypted_key = encryption._oaep(rsa_key(), key, "RSA-OAEP")
        token = encryption.with_content(raw, key, "A256GCM", json_part(header), encrypted_key)
        assert len(str(token)) < MAXIMUM_BYTES
        expected = (Reason.TOKEN_ENCRYPTION, "The header of the token has `zip`.")
        assert refusal(token, our_key("RSA-OAEP")) == expected


@pytest.mark.conformance("MUST 22", "BAD 10")
@pytest.mark.parametrize("crit", [["exp"], ["x"], [], None, "zip"])
def test_a_critical_extension(crit: Any) -> None:
    header = json_part({"alg": "RSA-OAEP", "enc": "A256GCM", "crit": crit})
    token = replace(sealed(SIGNED, "RSA-OAEP"), header=header)
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, "The header of the token has `crit`.")


@pytest.mark.conformance("MUST 24")
@pytest.mark.parametrize(
    "algorithm", ["dir", "A128KW", "A256GCMKW", "RSA1_5", "RSA-OAEP-384", "ECDH-1PU", "none", "", None, 1, ["RSA-OAEP"]]
)
def test_another_key_management(algorithm: Any) -> None:
    token = f"{json_part({'alg': algorithm, 'enc': 'A256GCM'})}.AAAA.AAAA.AAAA.AAAA"
    keys = our_key("RSA-OAEP"), our_key("ECDH-ES"), our_key("RSA-OAEP", "second", 1)
    assert refusal(token, *keys) == (Reason.TOKEN_ENCRYPTION, "Expected ECDH-ES or RSA-OAEP.")


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "ECDH-ES"])
def test_no_key_of_ours(algorithm: str) -> None:
    assert refusal(sealed(SIGNED, algorithm)) == (Reason.TOKEN_ENCRYPTION, "Expected no encryption.")


@pytest.mark.parametrize("content_encryption", ["A128CTR", "none", "", None, 1, ["A256GCM"], "A256GCMKW", "XC20P"])
def test_another_content_encryption(content_encryption: Any) -> None:
    token = f"{json_part({'alg': 'RSA-OAEP', 'enc': content_encryption})}.AAAA.AAAA.AAAA.AAAA"
    expected = (Reason.TOKEN_ENCRYPTION, "The content is encrypted in a way that is not taken.")
    assert refusal(token, our_key("RSA-OAEP")) == expected


def cut(token: Sealed) -> Sealed:
    return replace(token, ciphertext=token.ciphertext[: len(token.ciphertext) // 4 * 4 - 4])


def of_another_key(token: Sealed) -> Sealed:
    return replace(token, encrypted_key=sealed(SIGNED, "RSA-OAEP", number=1).encrypted_key)


def with_a_content_key_of(size: int) -> Callable[[Sealed], Sealed]:
    def changed(token: Sealed) -> Sealed:
        return replace(token, encrypted_key=base64url(encryption._oaep(rsa_key(), bytes(size), "RSA-OAEP")))

    return changed


FAILURES: dict[str, Callable[[Sealed], Sealed]] = {
    "another key": of_another_key,
    "no encrypted key": lambda token: replace(token, encrypted_key=""),
    "a short encrypted key": lambda token: replace(token, encrypted_key=token.encrypted_key[:-6]),
    "an encrypted key of zeros": lambda token: replace(token, encrypted_key=base64url(bytes(256))),
    "an encrypted key over the modulus": lambda token: replace(token, encrypted_key=base64url(b"\xff" * 256)),
    "wrong padding": lambda token: replace(token, encrypted_key=flipped(token.encrypted_key)),
    "a content key that is empty": with_a_content_key_of(0),
    "a content key that is short": with_a_content_key_of(16),
    "a content key that is long": with_a_content_key_of(64),
    "another content key": with_a_content_key_of(32),
    "another iv": lambda token: replace(token, iv=flipped(token.iv)),
    "no iv": lambda token: replace(token, iv=""),
    "a long iv": lambda token: replace(token, iv=token.iv + "AAAA"),
    "another ciphertext": lambda token: replace(token, ciphertext=flipped(token.ciphertext)),
    "a cut ciphertext": cut,
    "no ciphertext": lambda token: replace(token, ciphertext=""),
    "another tag": lambda token: replace(token, tag=flipped(token.tag)),
    "no tag": lambda token: replace(token, tag=""),
    "a short tag": lambda token: replace(token, tag=token.tag[:4]),
    "a long tag": lambda token: replace(token, tag=token.tag[:20] + "AAAA"),
    "another header": lambda token: replace(token, header=json_part({"alg": "RSA-OAEP", "enc": "A256GCM", "x": 1})),
    "another content encryption": lambda token: replace(
        token, header=json_part({"alg": "RSA-OAEP", "enc": "A128CBC-HS256"})
    ),
}


@pytest.mark.conformance("MUST 26", "BAD 14", "BAD 19")
@pytest.mark.parametrize("failure", FAILURES)
def test_all_that_does_not_open_is_one(failure: str) -> None:
    """A padding oracle needs a difference: the reason and the evidence are the same, and nothing is echoed."""
    token = FAILURES[failure](sealed(SIGNED, "RSA-OAEP"))
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


def that_do_not_open(algorithm: str, content_encryption: str) -> dict[str, Sealed]:
    """Beside each other: the content does not open, and the key of the content does not."""
    good = sealed(SIGNED, algorithm, content_encryption)
    size = encryption.CONTENT_ENCRYPTION[content_encryption]
    not_opening = flipped(good.encrypted_key)
    return {
        "another tag": replace(good, tag=flipped(good.tag)),
        "another ciphertext": replace(good, ciphertext=flipped(good.ciphertext)),
        "another key": sealed(SIGNED, algorithm, content_encryption, number=1),
        "wrong padding": replace(good, encrypted_key=not_opening),
        "no encrypted key": replace(good, encrypted_key="" if good.encrypted_key else "AAAA"),
        **{
            f"wrong padding, and a content under a key of {guess}": replace(
                encryption.with_content(SIGNED.encode(), bytes([guess]) * size, content_encryption, good.header, b""),
                encrypted_key=not_opening,
            )
            for guess in (0, 255)
        },
    }


@pytest.mark.conformance("MUST 26", "BAD 14")
@pytest.mark.parametrize("content_encryption", encryption.CONTENT_ENCRYPTION)
@pytest.mark.parametrize("algorithm", encryption.KEY_MANAGEMENT)
def test_must_26_all_that_does_not_open_costs_the_same_steps(algorithm: str, content_encryption: str) -> None:
    """RFC 7516 section 11.5: the content is decrypted, and fails, whether or not its key could be had."""
    key = our_key(algorithm)
    assert decrypt(Secret(str(sealed(SIGNED, algorithm))), [key]) == Secret(SIGNED)  # its first use prepares it
    done = {
        failure: steps(lambda token=token: decrypt(Secret(str(token)), [key]))  # type: ignore[misc]
        for failure, token in that_do_not_open(algorithm, content_encryption).items()
    }
    expected = done["another tag"]
    assert sum(map(is_content_decryption, expected)) == 1
    assert {failure: taken for failure, taken in done.items() if taken != expected} == {}


@pytest.mark.conformance("MUST 26")
@pytest.mark.parametrize("content_encryption", encryption.CONTENT_ENCRYPTION)
def test_must_26_the_key_in_place_of_one_that_does_not_open_is_nobody_s(content_encryption: str) -> None:
    """With one that a sender can know, the content would open, and tell that the encrypted key did not."""
    token = sealed(SIGNED, "RSA-OAEP", content_encryption)
    assert content_keys(lambda: decrypt(Secret(str(token)), [our_key("RSA-OAEP")])) == [token.content_key]
    broken = Secret(str(replace(token, encrypted_key=flipped(token.encrypted_key))))
    taken = [key for _ in range(3) for key in content_keys(lambda: decrypt(broken, [our_key("RSA-OAEP")]))]
    assert [len(key) for key in taken] == [encryption.CONTENT_ENCRYPTION[content_encryption]] * 3
    assert len({token.content_key, *taken}) == 4


@pytest.mark.conformance("MUST 26")
@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "ECDH-ES", "ECDH-ES+A256KW"])
def test_must_26_every_key_is_tried_whichever_failed(algorithm: str) -> None:
    """Two keys of ours, and the name of neither: how often it was tried does not tell which one the sender used."""
    keys = our_key(algorithm, "new"), our_key(algorithm, "old", 1)
    for number in range(2):
        good = sealed(SIGNED, algorithm, number=number)
        for token in (
            replace(good, tag=flipped(good.tag)),
            replace(good, encrypted_key=flipped(good.encrypted_key)),
            sealed(SIGNED, algorithm, number=2),
        ):
            taken = steps(lambda token=token: decrypt(Secret(str(token)), keys))  # type: ignore[misc]
            assert sum(map(is_content_decryption, taken)) == 2


def test_an_iv_of_another_size_with_which_the_content_would_open() -> None:
    """RFC 7518 section 5.3: 96 bits. The cipher itself would take more."""
    token, iv = sealed(SIGNED, "RSA-OAEP"), bytes(16)
    content = AESGCM(token.content_key).encrypt(iv, SIGNED.encode(), token.header.encode())
    other = replace(token, iv=base64url(iv), ciphertext=base64url(content[:-16]), tag=base64url(content[-16:]))
    assert refusal(other, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.parametrize("algorithm", encryption.KEY_MANAGEMENT)
def test_a_key_is_for_encryption_where_it_says_what_it_is_for(algorithm: str) -> None:
    token = sealed(SIGNED, algorithm)
    good = decryption_key({**private_jwk(algorithm), "use": "enc"}, "ours", algorithm)
    assert decrypt(Secret(str(token)), [good]) == Secret(SIGNED)
    wrong = decryption_key({**private_jwk(algorithm), "use": "sig"}, "ours", algorithm)
    assert refusal(token, wrong) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.conformance("MUST 26", "BAD 18")
@pytest.mark.parametrize("algorithm", ["ECDH-ES", "ECDH-ES+A256KW"])
@pytest.mark.parametrize(
    "epk",
    [
        None,
        1,
        "key",
        {},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        elliptic_jwk(elliptic_key("P-384", 7)),
        {**elliptic_jwk(elliptic_key(number=7)), "y": elliptic_jwk(elliptic_key(number=8))["y"]},
        {"kty": "OKP", "crv": "X25519", "x": base64url(bytes(32))},
        {"kty": "oct", "k": "AAAA"},
        rsa_jwk(rsa_key()),
    ],
    ids=["absent", "number", "text", "empty", "no point", "curve", "off the curve", "X25519", "oct", "RSA"],
)
def test_an_ephemeral_key_that_can_not_be(algorithm: str, epk: Any) -> None:
    """RFC 7518 section 4.6.1.1; a point off the curve would tell our private key bit by bit (invalid curve attack)."""
    token = sealed(SIGNED, algorithm, epk=epk)
    assert refusal(token, our_key(algorithm)) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.conformance("BAD 18")
def test_an_agreed_key_has_no_encrypted_key() -> None:
    """RFC 7516 section 5.2 (10)."""
    token = replace(sealed(SIGNED, "ECDH-ES"), encrypted_key="AAAA")
    assert refusal(token, our_key("ECDH-ES")) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


def test_party_information_of_the_sender() -> None:
    """RFC 7518 section 4.6.1.2, with the values of appendix C."""
    header: dict[str, Any] = {
        "alg": "ECDH-ES",
        "enc": "A128GCM",
        "apu": "QWxpY2U",
        "apv": "Qm9i",
        "epk": {
            "kty": "EC",
            "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        },
    }
    bob = {
        "kty": "EC",
        "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    }
    content_key = bytes([86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26])
    token = encryption.with_content(SIGNED.encode(), content_key, "A128GCM", json_part(header), b"")
    assert decrypt(Secret(str(token)), [decryption_key(bob, "bob", "ECDH-ES")]) == Secret(SIGNED)
    del header["apv"]
    token = encryption.with_content(SIGNED.encode(), content_key, "A128GCM", json_part(header), b"")
    assert refusal(token, decryption_key(bob, "bob", "ECDH-ES")) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.conformance("MUST 23", "BAD 18", "BAD 20")
@pytest.mark.parametrize(
    "token",
    [
        "",
        "....",
        "a.b.c",
        "a.b.c.d",
        "a.b.c.d.e.f",
        "{}",
        json.dumps({"protected": "e30", "encrypted_key": None, "iv": "", "ciphertext": "", "tag": ""}),
        json.dumps({"recipients": [], "protected": "e30", "iv": "", "ciphertext": "", "tag": ""}),
        json.dumps({"recipients": [{"encrypted_key": None}], "iv": "a.b.c.d.e"}),
    ],
)
def test_anything_but_the_compact_form(token: str) -> None:
    reason, evidence = refusal(token, our_key("RSA-OAEP"))
    assert reason is Reason.TOKEN_ENCRYPTION
    assert evidence in {NO_FORM, UNREADABLE}


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("addition", ["=", " ", "\n", "é", "\ud800", "+", "."])
def test_parts_are_canonical(place: int, addition: str) -> None:
    """One content, one token: what a decoder would skip is refused in every part."""
    parts = str(sealed(SIGNED, "ECDH-ES+A128KW")).split(".")
    parts[place] += addition
    evidence = NO_FORM if addition in {"é", "\ud800", "."} else UNREADABLE
    assert refusal(".".join(parts), our_key("ECDH-ES+A128KW")) == (Reason.TOKEN_ENCRYPTION, evidence)


def test_spare_bits_are_refused() -> None:
    token = sealed(SIGNED, "RSA-OAEP")
    assert len(token.tag) % 4 == 2
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = token.tag[:-1] + alphabet[alphabet.index(token.tag[-1]) + 1]
    assert refusal(replace(token, tag=spare), our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, UNREADABLE)


@pytest.mark.conformance("MUST 23")
@pytest.mark.parametrize(
    "header",
    [b"", b"[]", b"null", b"\xff", b'{"alg":"RSA-OAEP","alg":"dir"}', b'{"alg":"RSA-OAEP"}{}', b'{"a":' * 40],
    ids=named,
)
def test_a_header_that_is_no_strict_object(header: bytes) -> None:
    token = replace(sealed(SIGNED, "RSA-OAEP"), header=base64url(header))
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, UNREADABLE)
    with pytest.raises(Refused) as refused:
        named_key(Secret(str(token)))
    assert (refused.value.reason, refused.value.evidence) == (Reason.TOKEN_ENCRYPTION, UNREADABLE)


@pytest.mark.conformance("MUST 23", "BAD 17")
def test_the_limits() -> None:
    bare = len(sealed(SIGNED, "RSA-OAEP", x="").header)
    fits = sealed(SIGNED, "RSA-OAEP", x="x" * ((MAXIMUM_HEADER_BYTES - bare) * 3 // 4))
    assert MAXIMUM_HEADER_BYTES - 4 < len(fits.header) <= MAXIMUM_HEADER_BYTES
    assert decrypt(Secret(str(fits)), [our_key("RSA-OAEP")]) == Secret(SIGNED)
    larger = sealed(SIGNED, "RSA-OAEP", x="x" * ((MAXIMUM_HEADER_BYTES - bare) * 3 // 4 + 4))
    assert len(larger.header) > MAXIMUM_HEADER_BYTES
    expected = (Reason.TOKEN_ENCRYPTION, "The header of the token is larger than the limit.")
    assert refusal(larger, our_key("RSA-OAEP")) == expected

    rest = len(str(sealed("", "RSA-OAEP")))
    content = "a." * 2 + "x" * ((MAXIMUM_BYTES - rest) * 3 // 4 - 4)
    token = str(sealed(content, "RSA-OAEP"))
    assert MAXIMUM_BYTES - 4 < len(token) <= MAXIMUM_BYTES
    assert decrypt(Secret(token), [our_key("RSA-OAEP")]) == Secret(content)
    assert refusal(sealed(content + "xxx", "RSA-OAEP"), our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, NO_FORM)
    assert isinstance(outcome(lambda: decrypt(Secret("." * 10_000_000), [our_key("RSA-OAEP")])), Refused)


def test_the_key_that_is_named_is_used() -> None:
    """Two keys of ours while one gives way to the other."""
    keys = our_key("RSA-OAEP", "new", 1), our_key("RSA-OAEP", "old")
    assert decrypt(Secret(str(sealed(SIGNED, "RSA-OAEP", kid="old"))), keys) == Secret(SIGNED)
    wrong = sealed(SIGNED, "RSA-OAEP", kid="new")
    assert refusal(wrong, *keys) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


@pytest.mark.parametrize("kid", [None, "somebody", ""])
def test_without_a_name_that_we_know_all_that_fit_are_tried(kid: Any) -> None:
    keys = our_key("RSA-OAEP", "new", 1), our_key("RSA-OAEP", "old"), our_key("ECDH-ES")
    token = Secret(str(sealed(SIGNED, "RSA-OAEP", kid=kid)))
    assert decrypt(token, keys) == Secret(SIGNED)
    assert named_key(token) == (kid or "")


@pytest.mark.conformance("BAD 18")
@pytest.mark.parametrize("kid", [1, ["ours"], {}, True])
def test_a_name_that_is_no_string(kid: Any) -> None:
    token = sealed(SIGNED, "RSA-OAEP", kid=kid)
    assert named_key(Secret(str(token))) == ""
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, FOREIGN)


def test_a_key_is_used_for_its_own_algorithm_alone() -> None:
    """RFC 8725 section 3.1, for encryption: the header does not choose."""
    token = sealed(SIGNED, "RSA-OAEP-256", kid="ours")
    assert refusal(token, our_key("RSA-OAEP")) == (Reason.TOKEN_ENCRYPTION, "Expected RSA-OAEP.")


@pytest.mark.conformance("MUST 21")
def test_keys_and_addresses_in_the_header_are_not_looked_at() -> None:
    header: dict[str, Any] = {"jku": "https://169.254.169.254/", "jwk": rsa_jwk(rsa_key(number=1)), "x5u": "https://a"}
    assert decrypt(Secret(str(sealed(SIGNED, "RSA-OAEP", **header))), [our_key("RSA-OAEP")]) == Secret(SIGNED)


@pytest.mark.parametrize(("token", "encrypted"), [("a.b.c.d.e", True), (SIGNED, False), ("", False), ("a" * 5, False)])
def test_what_looks_encrypted(token: str, *, encrypted: bool) -> None:
    assert is_encrypted(Secret(token)) is encrypted


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        (private_jwk("RSA-OAEP"), "RSA1_5"),
        (private_jwk("RSA-OAEP"), "dir"),
        (private_jwk("RSA-OAEP"), "ECDH-ES"),
        (private_jwk("ECDH-ES"), "RSA-OAEP"),
        (private_jwk("ECDH-ES"), ""),
        ({}, "RSA-OAEP"),
        ({"kty": "oct", "k": "AAAA"}, "A128KW"),
    ],
)
def test_a_key_that_is_not_for_the_algorithm(jwk: dict[str, Any], algorithm: str) -> None:
    with pytest.raises(ValueError, match=r"^not an algorithm to encrypt with$"):
        decryption_key(jwk, "ours", algorithm)


def test_a_key_does_not_show_itself() -> None:
    key = decryption_key(private_jwk("ECDH-ES"), "ours", "ECDH-ES")
    assert private_jwk("ECDH-ES")["d"] not in repr(key)
    assert (key.kid, key.algorithm) == ("ours", "ECDH-ES")


def their_key(algorithm: str, **members: Any) -> EncryptionKey:
    public = rsa_jwk(rsa_key()) if algorithm.startswith("RSA") else elliptic_jwk(elliptic_key())
    (key,) = key_set({**public, "use": "enc", **members}).encryption
    return key


@pytest.mark.parametrize("content_encryption", encryption.CONTENT_ENCRYPTION)
@pytest.mark.parametrize("algorithm", encryption.KEY_MANAGEMENT)
def test_encrypting_to_the_server(algorithm: str, content_encryption: str) -> None:
    token = encrypt(Secret(SIGNED), their_key(algorithm, kid="theirs"), algorithm, content_encryption)
    header = json.loads(decoded(token.reveal().partition(".")[0]))
    expected = {"alg": algorithm, "enc": content_encryption, "cty": "JWT", "kid": "theirs"}
    assert {name: value for name, value in header.items() if name != "epk"} == expected
    assert ("epk" in header) == algorithm.startswith("ECDH")
    assert decrypt(token, [our_key(algorithm)]) == Secret(SIGNED)


def test_encrypting_to_a_key_without_a_name() -> None:
    token = encrypt(Secret(SIGNED), their_key("RSA-OAEP"), "RSA-OAEP")
    assert json.loads(decoded(token.reveal().partition(".")[0])) == {
        "alg": "RSA-OAEP",
        "enc": "A256GCM",
        "cty": "JWT",
    }


@pytest.mark.parametrize(
    ("key", "algorithm", "content_encryption", "message"),
    [
        ("RSA-OAEP", "RSA1_5", "A256GCM", "not an algorithm to encrypt with"),
        ("RSA-OAEP", "ECDH-ES", "A256GCM", "not an algorithm to encrypt with"),
        ("ECDH-ES", "RSA-OAEP", "A256GCM", "not an algorithm to encrypt with"),
        ("RSA-OAEP", "RSA-OAEP", "A256CTR", "not an algorithm to encrypt content with"),
    ],
)
def test_what_we_do_not_encrypt_with(key: str, algorithm: str, content_encryption: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        encrypt(Secret(SIGNED), their_key(key), algorithm, content_encryption)


def decoded(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


KEYS = [our_key("RSA-OAEP"), our_key("ECDH-ES"), our_key("ECDH-ES+A256KW")]
TOKENS = [str(sealed(SIGNED, key.algorithm)) for key in KEYS]


@given(st.data())
def test_any_altered_character_is_refused(data: st.DataObject) -> None:
    token = data.draw(st.sampled_from(TOKENS))
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."))
    assume(other != token[position])
    assert refusal(token[:position] + other + token[position + 1 :], *KEYS)[0] is Reason.TOKEN_ENCRYPTION


header_values = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([*KEY_MANAGEMENT, "A256GCM"])
headers = st.dictionaries(st.sampled_from(["alg", "enc", "kid", "epk", "zip", "apu", "p2c", "crit"]), header_values)


@given(st.text() | st.builds(lambda header, rest: f"{json_part(header)}.{rest}", headers, st.just("A.AAAA.AAAA.AAAA")))
def test_any_token_is_refused(token: str) -> None:
    result = outcome(lambda: decrypt(Secret(token), KEYS))
    assert isinstance(result, Refused)
    assert is_silent_about(result, token)

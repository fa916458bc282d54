"""Our own keys: made when they are needed, sealed for one organization, published before they sign, and rotated."""

from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import KeySet as JoseKeySet

from entracte.connections.model import Connection, ConnectionConfig, KeyUse
from entracte.connections.own_keys import (
    NO_KEYS,
    PUBLISHED_FIRST,
    certificate_request,
    key_owner,
    needed,
    opened,
    pem_of,
    published,
    resealed,
    rotated,
    with_needed_keys,
)
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.errors import Refused
from entracte.protocol.jws import verify_signature
from entracte.protocol.keys import read_jwks
from entracte.protocol.messages import HttpResponse
from entracte.protocol.seal import SealKeys, decode
from entracte.protocol.signing import sign
from entracte.values import ConnectionNumber, OrganizationNumber, Secret, entropy

KEYS = SealKeys(1, {1: b"k" * 32})
NEWER = SealKeys(2, {2: b"n" * 32, 1: b"k" * 32})
NOW = 1_800_000_000
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


def config(**changes: Any) -> ConnectionConfig:
    given = {
        "name": "northwind", "title": "Northwind", "client_id": "us", "issuer": "https://login.example",
        "authorization_endpoint": "https://login.example/a", "token_endpoint": "https://login.example/t",
        "jwks_uri": "https://login.example/j",
        **changes,
    }  # fmt: skip
    return ConnectionConfig.model_validate(given)


def connection(**changes: Any) -> Connection:
    return Connection(OrganizationNumber(4), ConnectionNumber(7), config(**changes), "")


def made(now: int = NOW, **changes: Any) -> Connection:
    return with_needed_keys(connection(**changes), KEYS, entropy, now)


EVERYTHING: dict[str, Any] = {
    "authentication": "private_key_jwt",
    "encryption_algorithm": "ECDH-ES",
    "encrypted": ["id_token"],
    "dpop": True,
    "certificate_bound_tokens": True,
}


@pytest.mark.parametrize(
    ("changes", "uses"),
    [
        ({}, {}),
        ({"authentication": "private_key_jwt"}, {KeyUse.SIGNATURE: "ES256"}),
        ({"request_object": "value", "signing_algorithm": "PS256"}, {KeyUse.SIGNATURE: "PS256"}),
        ({"dpop": True}, {KeyUse.PROOF: "ES256"}),
        ({"authentication": "self_signed_tls_client_auth"}, {KeyUse.TLS: "ES256"}),
        ({"certificate_bound_tokens": True}, {KeyUse.TLS: "ES256"}),
        ({"encryption_algorithm": "RSA-OAEP", "encrypted": ["userinfo"]}, {KeyUse.ENCRYPTION: "RSA-OAEP"}),
    ],
)
def test_a_connection_has_the_keys_that_it_needs(changes: dict[str, Any], uses: dict[KeyUse, str]) -> None:
    assert needed(config(**changes)) == uses
    assert {key.use: key.algorithm for key in made(**changes).own_keys} == uses


def test_who_needs_no_key_pays_nothing_for_keys() -> None:
    plain = connection()
    assert with_needed_keys(plain, KEYS, entropy, NOW) is plain
    assert opened(plain, KEYS, NOW) is NO_KEYS
    assert published(plain) == {"keys": []}


def test_keys_that_are_there_stay() -> None:
    first = made(**EVERYTHING)
    assert with_needed_keys(first, KEYS, entropy, NOW + 5) is first
    more = with_needed_keys(replace(first, config=config(**EVERYTHING, request_object="value")), KEYS, entropy, NOW + 5)
    assert more.own_keys == first.own_keys
    other = with_needed_keys(replace(first, config=config(**EVERYTHING, signing_algorithm="PS256")), KEYS, entropy, NOW)
    assert len(other.own_keys) == len(first.own_keys) + 1


@pytest.mark.conformance("MUST 51")
def test_nothing_private_is_published_or_shown() -> None:
    kept = made(**EVERYTHING)
    document = published(kept)
    assert {key["use"] for key in document["keys"]} == {"sig", "enc"}
    assert not any(PRIVATE_MEMBERS & key.keys() for key in document["keys"])
    shown = repr(kept) + repr(opened(kept, KEYS, NOW)) + str(document)
    for key in kept.own_keys:
        assert key.sealed not in shown
    with pytest.raises(Refused):
        opened(replace(kept, organization=OrganizationNumber(5)), KEYS, NOW)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "PS256", "RS512", "EdDSA"])
def test_what_the_key_signs_verifies_by_what_is_published(algorithm: str) -> None:
    """By our own reader of key sets, and by the library's."""
    kept = made(authentication="private_key_jwt", signing_algorithm=algorithm)
    signer = opened(kept, KEYS, NOW).signing
    assert signer is not None
    token = sign({"iss": "us"}, signer)
    body = str(published(kept)).replace("'", '"').encode()
    key_set = read_jwks(HttpResponse(200, {"content-type": "application/jwk-set+json"}, body))
    assert verify_signature(token, key_set, frozenset({algorithm})).claims == {"iss": "us"}
    assert len(JoseKeySet.import_key_set(published(kept)).keys) == 1  # type: ignore[arg-type]


def test_a_new_key_is_published_before_it_signs() -> None:
    first = made(authentication="private_key_jwt")
    second = rotated(first, KEYS, entropy, NOW + 100)
    before = opened(second, KEYS, NOW + 100 + PUBLISHED_FIRST - 1).signing
    after = opened(second, KEYS, NOW + 100 + PUBLISHED_FIRST).signing
    assert before is not None
    assert after is not None
    assert (before.kid, after.kid) == (first.own_keys[0].kid, second.own_keys[0].kid)
    assert {key["kid"] for key in published(second)["keys"]} == {before.kid, after.kid}


def test_the_first_key_signs_at_once() -> None:
    assert opened(made(authentication="private_key_jwt"), KEYS, NOW).signing is not None


def test_of_rotated_keys_the_one_before_stays_and_older_ones_go() -> None:
    kept = made(**EVERYTHING)
    for times in range(3):
        before, kept = kept, rotated(kept, KEYS, entropy, NOW + times)
        assert len(kept.own_keys) == 2 * len(needed(kept.config))
        for use in needed(kept.config):
            newest_before = next(key for key in before.own_keys if key.use is use)
            assert [key for key in kept.own_keys if key.use is use][1] == newest_before


def test_both_keys_open_what_was_encrypted() -> None:
    kept = rotated(made(encryption_algorithm="RSA-OAEP-256", encrypted=["id_token"]), KEYS, entropy, NOW)
    assert [key.kid for key in opened(kept, KEYS, NOW).decryption] == [key.kid for key in kept.own_keys]


def test_a_key_of_another_algorithm_is_not_used() -> None:
    kept = made(authentication="private_key_jwt", encryption_algorithm="ECDH-ES", encrypted=["id_token"])
    changed = config(
        authentication="private_key_jwt", signing_algorithm="PS256", encryption_algorithm="RSA-OAEP",
        encrypted=["id_token"],
    )  # fmt: skip
    without = opened(replace(kept, config=changed), KEYS, NOW)
    assert without.signing is None
    assert without.decryption == ()


def test_the_certificate_is_of_our_key() -> None:
    kept = made(authentication="self_signed_tls_client_auth")
    certificate = opened(kept, KEYS, NOW).certificate
    assert certificate is not None
    read = x509.load_pem_x509_certificate(certificate.chain.encode())
    private = load_pem_private_key(certificate.private_key.reveal().encode(), None)
    assert read.public_key() == private.public_key()
    [published_key] = published(kept)["keys"]
    assert x509.load_der_x509_certificate(b64decode(published_key["x5c"][0])) == read
    assert certificate.private_key.reveal() not in repr(certificate)


def test_an_authority_gets_a_request_for_our_key() -> None:
    kept = made(authentication="tls_client_auth", client_certificate="a chain of theirs")
    request = x509.load_pem_x509_csr(certificate_request(kept, KEYS).encode())
    assert request.is_signature_valid
    certificate = opened(kept, KEYS, NOW).certificate
    assert certificate is not None
    assert certificate.chain == "a chain of theirs"
    assert request.public_key() == load_pem_private_key(certificate.private_key.reveal().encode(), None).public_key()
    with pytest.raises(LookupError):
        certificate_request(connection(), KEYS)


def test_a_new_certificate_is_shown_only_when_it_is_the_last_one_left() -> None:
    first = made(authentication="self_signed_tls_client_auth")
    assert opened(rotated(first, KEYS, entropy, NOW), KEYS, NOW).certificate == opened(first, KEYS, NOW).certificate
    assert opened(replace(first, own_keys=()), KEYS, NOW).certificate is None


@pytest.mark.parametrize("place", [0, 1])
def test_the_key_that_an_authority_certified_is_shown(place: int) -> None:
    """RFC 8705 section 2.1: after a rotation the certificate may be for either key, and TLS wants the pair."""
    kept = rotated(made(authentication="self_signed_tls_client_auth"), KEYS, entropy, NOW)
    chain = pem_of(kept.own_keys[place].public["x5c"][0])
    by_authority = config(authentication="tls_client_auth", client_certificate=chain)
    certificate = opened(replace(kept, config=by_authority), KEYS, NOW).certificate
    assert certificate is not None
    private = load_pem_private_key(certificate.private_key.reveal().encode(), None)
    assert x509.load_pem_x509_certificate(certificate.chain.encode()).public_key() == private.public_key()


@pytest.mark.parametrize(
    ("kid", "owner"),
    [
        ("4-7-abc", (4, 7)), ("", None), ("4-7", None), ("4-7-a-b", None), ("x-7-a", None), ("4-٧-a", None),
        ("4-" + "9" * 16 + "-a", None), ("-4-7", None),
    ],
)  # fmt: skip
def test_whose_key_it_is_stands_in_its_name(kid: str, owner: tuple[int, int] | None) -> None:
    assert key_owner(kid) == owner


def test_the_name_of_a_key_is_its_owners() -> None:
    assert {key_owner(key.kid) for key in made(**EVERYTHING).own_keys} == {(4, 7)}


@pytest.mark.conformance("MUST 51")
def test_keys_are_sealed_anew_and_stay_the_same() -> None:
    kept = made(**EVERYTHING)
    again = replace(kept, own_keys=resealed(kept, NEWER))
    assert {decode(key.sealed)[0] for key in again.own_keys} == {2}
    alone = SealKeys(2, {2: b"n" * 32})
    assert published(again) == published(kept)
    with pytest.raises(Refused):
        opened(kept, alone, NOW)
    signer = opened(again, alone, NOW).signing
    assert signer is not None
    assert sign({}, signer) != Secret("")


def test_authentication_by_a_secret_needs_no_key_of_ours() -> None:
    for method in (ClientAuthentication.BASIC, ClientAuthentication.POST, ClientAuthentication.SECRET_JWT):
        assert needed(config(authentication=method)) == {}

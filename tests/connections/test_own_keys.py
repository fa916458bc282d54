"""Our own keys: made when they are needed, sealed for one organization, published, and never shown."""

from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import KeySet as JoseKeySet

from entracte.connections.model import KeyUse
from entracte.connections.opened_keys import NO_KEYS, opened
from entracte.connections.own_keys import key_owner, needed, new_keys, published, resealed, with_needed_keys
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.errors import Refused
from entracte.protocol.jws import verify_signature
from entracte.protocol.keys import read_jwks
from entracte.protocol.messages import HttpResponse
from entracte.protocol.seal import SealKeys, decode
from entracte.protocol.signing import sign
from entracte.values import OrganizationNumber, Secret, entropy
from tests.connections.keyed import EVERYTHING, KEYS, NOW, config, connection, made, rotated_at

NEWER = SealKeys(2, {2: b"n" * 32, 1: b"k" * 32})
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


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


def test_a_server_finds_the_newest_key_to_encrypt_to() -> None:
    """What it learned before still opens; a key that will go is not handed out any more."""
    kept = rotated_at(made(**EVERYTHING), NOW)
    [found] = [key for key in published(kept)["keys"] if key["use"] == "enc"]
    assert found["kid"] == next(key.kid for key in kept.own_keys if key.use is KeyUse.ENCRYPTION)
    other = kept.with_config(config(**EVERYTHING | {"encryption_algorithm": "RSA-OAEP"}))
    both = published(with_needed_keys(other, KEYS, entropy, NOW))["keys"]
    assert sorted(key["alg"] for key in both if key["use"] == "enc") == ["ECDH-ES", "RSA-OAEP"]


def test_a_new_key_for_each_use() -> None:
    kept = made(**EVERYTHING)
    new = new_keys(kept, KEYS, entropy, NOW + 5)
    assert [(key.use, key.algorithm) for key in new] == list(needed(kept.config).items())
    assert {key.created_at for key in new} == {NOW + 5}
    assert not {key.kid for key in new} & {key.kid for key in kept.own_keys}


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

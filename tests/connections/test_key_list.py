"""Our keys as members see them: what is in use, certificates and their thumbprints, and never a private part."""

from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from entracte.connections.key_list import keys_of, request_for_certificate
from entracte.connections.key_rotation import PUBLISHED_FIRST
from entracte.connections.model import Connection, ConnectionConfig, KeyUse
from entracte.connections.opened_keys import opened
from entracte.connections.own_keys import with_needed_keys
from entracte.errors import LocalError
from entracte.protocol.base64url import encode
from entracte.values import ConnectionNumber, OrganizationNumber, entropy
from tests.connections.keyed import rotated_at
from tests.connections.relying import KEYS

NOW = 1_800_000_000
SERVER = "https://login.example"


def connection(**settings: Any) -> Connection:
    given = {
        "name": "one", "title": "One", "client_id": "us", "issuer": SERVER, "jwks_uri": f"{SERVER}/j",
        "authorization_endpoint": f"{SERVER}/a", "token_endpoint": f"{SERVER}/t", **settings,
    }  # fmt: skip
    plain = Connection(OrganizationNumber(1), ConnectionNumber(7), ConnectionConfig.model_validate(given), "")
    return with_needed_keys(plain, KEYS, entropy, NOW)


def in_use(kept: Connection, at: int, use: KeyUse) -> list[bool]:
    return [key.in_use for key in keys_of(kept, at) if key.use is use]


def test_a_new_key_is_published_before_it_is_used() -> None:
    kept = rotated_at(connection(authentication="private_key_jwt", dpop=True), NOW + 5)
    assert in_use(kept, NOW + 10, KeyUse.SIGNATURE) == [False, True]
    assert in_use(kept, NOW + 5 + PUBLISHED_FIRST, KeyUse.SIGNATURE) == [True, False]
    assert in_use(kept, NOW + 10, KeyUse.PROOF) == [False, True]
    later = NOW + 5 + PUBLISHED_FIRST
    signing = opened(kept, KEYS, later).signing
    assert signing is not None
    assert [key.kid for key in keys_of(kept, later) if key.in_use and key.use is KeyUse.SIGNATURE] == [signing.kid]


def test_a_server_may_encrypt_to_each_that_it_knew() -> None:
    kept = connection(encrypted=["id_token"], encryption_algorithm="ECDH-ES")
    assert in_use(rotated_at(kept, NOW + 5), NOW + 10, KeyUse.ENCRYPTION) == [True, True]
    other = kept.with_config(kept.config.model_copy(update={"encrypted": (), "encryption_algorithm": ""}))
    assert in_use(other, NOW, KeyUse.ENCRYPTION) == [False]


def test_the_certificate_is_the_one_that_is_shown() -> None:
    kept = rotated_at(connection(authentication="self_signed_tls_client_auth"), NOW + 5)
    new, old = keys_of(kept, NOW + 10)
    assert (new.in_use, old.in_use) == (False, True)
    certificate = x509.load_pem_x509_certificate(old.certificate.encode())
    assert old.thumbprint == encode(sha256(certificate.public_bytes(Encoding.DER)).digest())
    shown = opened(kept, KEYS, NOW + 10).certificate
    assert shown is not None
    assert shown.chain == old.certificate


def test_no_private_part_is_shown() -> None:
    for key in keys_of(connection(authentication="private_key_jwt", signing_algorithm="RS256", dpop=True), NOW):
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.public.keys()
        assert "sealed" not in repr(key)


def test_a_request_for_a_certificate_is_of_the_key_for_tls() -> None:
    kept = connection(authentication="self_signed_tls_client_auth")
    request = x509.load_pem_x509_csr(request_for_certificate(kept, KEYS).encode())
    assert request.is_signature_valid
    certificate = x509.load_pem_x509_certificate(keys_of(kept, NOW)[0].certificate.encode())
    assert request.public_key() == certificate.public_key()
    with pytest.raises(LocalError, match="connection_key_missing"):
        request_for_certificate(connection(), KEYS)

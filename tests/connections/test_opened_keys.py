"""Our own keys, opened: for decryption every one that a server may know, for TLS a certificate with its own key."""

from base64 import b64decode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from entracte.connections.opened_keys import certificate_request, opened
from entracte.connections.own_certificates import pem_of
from entracte.connections.own_keys import published
from tests.connections.keyed import KEYS, NOW, config, connection, made, rotated_at


def test_both_keys_open_what_was_encrypted() -> None:
    kept = rotated_at(made(encryption_algorithm="RSA-OAEP-256", encrypted=["id_token"]), NOW)
    assert [key.kid for key in opened(kept, KEYS, NOW).decryption] == [key.kid for key in kept.own_keys]


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


@pytest.mark.parametrize("place", [0, 1])
def test_the_key_that_an_authority_certified_is_shown(place: int) -> None:
    """RFC 8705 section 2.1: after a rotation the certificate may be for either key, and TLS wants the pair."""
    kept = rotated_at(made(authentication="self_signed_tls_client_auth"), NOW)
    chain = pem_of(kept.own_keys[place].public["x5c"][0])
    by_authority = config(authentication="tls_client_auth", client_certificate=chain)
    certificate = opened(kept.with_config(by_authority), KEYS, NOW).certificate
    assert certificate is not None
    assert certificate.chain == chain
    private = load_pem_private_key(certificate.private_key.reveal().encode(), None)
    assert x509.load_pem_x509_certificate(certificate.chain.encode()).public_key() == private.public_key()


def test_an_authority_gets_a_request_for_our_newest_key() -> None:
    kept = rotated_at(made(authentication="tls_client_auth"), NOW)
    request = x509.load_pem_x509_csr(certificate_request(kept, KEYS).encode())
    assert request.is_signature_valid
    newest = x509.load_der_x509_certificate(b64decode(kept.own_keys[0].public["x5c"][0]))
    assert request.public_key() == newest.public_key()
    assert request.subject == newest.subject
    with pytest.raises(LookupError):
        certificate_request(connection(), KEYS)

"""The certificates of our keys for TLS (RFC 8705): those that we sign ourselves, the request for another one, and the
one that an authority gave out, which is set up as `client_certificate` and is good for its own key alone.
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from entracte.connections.model import Connection, ConnectionConfig, KeyUse, OwnKey
from entracte.errors import Kind, LocalError, Problem

CERTIFICATE_DAYS = 3650
_PLACE = "client_certificate"


def check_certificate(config: ConnectionConfig, own_keys: tuple[OwnKey, ...]) -> None:
    """Whether the certificate of the configuration, if there is one, is for one of these keys. LocalError
    `connection_certificate_unreadable` and `connection_certificate_other_key`."""
    certificate = certificate_of(config)
    if certificate is None or any(_same_key(certificate, key) for key in own_keys if key.use is KeyUse.TLS):
        return
    message = "The certificate is for none of our keys at this server."
    hint = "Make the request for one with `entracte connection keys certificate-request`, once the connection is there."
    raise LocalError(Problem(Kind.BAD_INPUT, "connection_certificate_other_key", message, hint, _PLACE))


def certificate_of(config: ConnectionConfig) -> x509.Certificate | None:
    """The certificate that an authority gave out, without its chain; None where none is set up. LocalError
    `connection_certificate_unreadable`."""
    if not config.client_certificate:
        return None
    try:
        return x509.load_pem_x509_certificates(config.client_certificate.encode())[0]
    except ValueError:
        message = "The certificate can not be read."
        hint = "It is in PEM, with its chain behind it."
        raise LocalError(Problem(Kind.BAD_INPUT, "connection_certificate_unreadable", message, hint, _PLACE)) from None


def is_certified(config: ConnectionConfig, key: OwnKey) -> bool:
    """Whether the certificate of an authority is for this key."""
    try:
        certificate = certificate_of(config)
    except LocalError:  # kept from before it was checked
        return False
    return certificate is not None and _same_key(certificate, key)


def self_signed(name: str, key: ec.EllipticCurvePrivateKey, now: int) -> str:
    """A certificate in the form of `x5c` (RFC 7517 section 4.7). Nothing but its key counts (RFC 8705 section 2.2)."""
    begin = datetime.fromtimestamp(now, UTC) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(_subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=CERTIFICATE_DAYS))
    )
    pem = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def signing_request(name: str, key: ec.EllipticCurvePrivateKey) -> str:
    """What an authority needs to give out a certificate for this key (PKCS #10, RFC 2986), in PEM."""
    request = x509.CertificateSigningRequestBuilder().subject_name(_subject(name)).sign(key, SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def name_of(connection: Connection) -> str:
    """What certificates of this connection's keys are made out to."""
    return f"Entracte {connection.organization}-{connection.number}"


def pem_of(certificate: str) -> str:
    """A certificate of `x5c` in PEM."""
    lines = [certificate[start : start + 64] for start in range(0, len(certificate), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def private_key_of(jwk: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    """A private JWK as the key that signs certificates. Raises LookupError for a public one."""
    private = ECKey.import_key(dict(jwk)).private_key
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise LookupError("the key has no private part")
    return private


def _same_key(certificate: x509.Certificate, key: OwnKey) -> bool:
    own = x509.load_der_x509_certificate(b64decode(key.public["x5c"][0]))
    return certificate.public_key() == own.public_key()


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

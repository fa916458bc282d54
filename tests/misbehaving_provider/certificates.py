"""An authority for one run, and the certificates that it gives: of servers on loopback, and of clients."""

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Certified:
    """A certificate with its key, both as PEM."""

    certificate: bytes
    key: bytes

    @property
    def der(self) -> bytes:
        return x509.load_pem_x509_certificate(self.certificate).public_bytes(Encoding.DER)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@lru_cache
def authority() -> Certified:
    return _made("Misbehaving authority", None)


@lru_cache
def server_certificate() -> Certified:
    return _made("127.0.0.1", authority())


def client_certificate(name: str, *, self_signed: bool = False) -> Certified:
    """A certificate for a client, by the authority or by itself."""
    return _made(name, None if self_signed else authority(), server=False)


def _made(name: str, by: Certified | None, *, server: bool = True) -> Certified:
    key = ec.generate_private_key(ec.SECP256R1())
    signer, issuer = key, _name(name)
    if by is not None:
        loaded = load_pem_private_key(by.key, None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        signer, issuer = loaded, x509.load_pem_x509_certificate(by.certificate).subject
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=6))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if by is not None:
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if by is not None and server:
        names = [x509.DNSName(name) for name in ("localhost", "play.example")]
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
    made = builder.sign(signer, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certified(made.public_bytes(Encoding.PEM), private)


def load_into(context: ssl.SSLContext, one: Certified) -> None:
    """The `ssl` module reads a certificate and its key from a file only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(one.certificate + one.key)
        context.load_cert_chain(path)


def server_context(*, asks_for_certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    load_into(context, server_certificate())
    if asks_for_certificate:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=authority().certificate.decode())
    return context


def client_context(one: Certified | None = None) -> ssl.SSLContext:
    """For a client that trusts the authority, with a certificate of its own or without."""
    context = ssl.create_default_context(cadata=authority().certificate.decode())
    if one is not None:
        load_into(context, one)
    return context

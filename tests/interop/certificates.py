"""Certificates in files, for servers by other hands and their clients."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from tests.fetch.certificates import unsigned

CLIENT_NAME = "entracte-tests"
"""The common name of the client's certificate."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: an authority, a server of its for `localhost` and 127.0.0.1, and a client of its."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path
    authority_key: Path


def make_certificates(folder: Path) -> Certificates:
    """A new authority and what it issues, valid for days, in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        unsigned("authority of the tests", None, key.public_key(), 10)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    kept = folder / "authority.pem"
    kept.write_bytes(authority.public_bytes(Encoding.PEM))
    return Certificates(
        kept,
        *_issue(folder, "localhost", key, authority),
        *_issue(folder, CLIENT_NAME, key, authority),
        _kept_key(folder / "authority.key", key),
    )


def certified(certificates: Certificates, request: str) -> str:
    """What the authority gives for a request (PKCS #10, RFC 2986): a certificate of that name and key, all in PEM."""
    asked = x509.load_pem_x509_csr(request.encode())
    authority = x509.load_pem_x509_certificate(certificates.authority.read_bytes())
    signer, key = load_pem_private_key(certificates.authority_key.read_bytes(), None), asked.public_key()
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    [name] = asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    certificate = unsigned(str(name.value), authority.subject, key, 10).sign(signer, hashes.SHA256())
    return certificate.public_bytes(Encoding.PEM).decode()


def _issue(
    folder: Path, name: str, authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate
) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        unsigned(name, authority.subject, key.public_key(), 10)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    certificate_file = folder / f"{name}.pem"
    certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return certificate_file, _kept_key(folder / f"{name}.key", key)


def _kept_key(file: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file

"""A certificate authority of the tests' own."""

import datetime
import ssl
from base64 import encodebytes
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from entracte.fetch import tls_context
from entracte.protocol.messages import ClientCertificate
from entracte.values import Secret

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own, and what it issues."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def trusted(self) -> ssl.SSLContext:
        return tls_context(str(self.folder / "authority.pem"))

    def server(self, *hosts: str, days: int = 10, by_rsa: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for these hosts, valid for so many days (negative: expired)."""
        key = rsa.generate_private_key(65537, 2048) if by_rsa else ec.generate_private_key(ec.SECP256R1())
        alternatives = [_general_name(host) for host in hosts]
        certificate = (
            unsigned("server", self.certificate.subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{hosts[0]}.{days}.pem".replace("*", "any")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def with_groups(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The server's context, able to do DHE."""
        path = self.folder / "group.pem"
        path.write_text(_ffdhe2048())
        context.load_dh_params(str(path))
        return context


def _ffdhe2048() -> str:
    """The group of RFC 7919 appendix A.1, by its formula (e is the sum of the inverse factorials), in the PEM form of
    PKCS #3: a sequence of the prime and of 2. Written by hand, as the library gives such groups up."""
    precise = 1 << 2100
    e, term, number = 0, precise, 0
    while term:
        e, number = e + term, number + 1
        term //= number
    prime = 2**2048 - 2**1984 + ((e * 2**1918 // precise) + 560316) * 2**64 - 1
    inner = b"\x02\x82\x01\x01" + prime.to_bytes(257) + b"\x02\x01\x02"
    text = encodebytes(b"\x30\x82" + len(inner).to_bytes(2) + inner).decode()
    return f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n"


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def unsigned(name: str, issuer: x509.Name | None, key: PublicKey, days: int) -> x509.CertificateBuilder:
    """A certificate that waits for its signature; without an issuer it is its own."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


# Certificates of clients


def pem(key: ec.EllipticCurvePrivateKey, password: str = "") -> Secret:
    """A private key, locked where there is a password."""
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode())


def der(certificate: ClientCertificate) -> bytes:
    """The first certificate of the chain, as a server sees it."""
    return x509.load_pem_x509_certificates(certificate.chain.encode())[0].public_bytes(Encoding.DER)


def _chain(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def self_signed(name: str = "entracte", password: str = "") -> ClientCertificate:
    """A certificate that nobody vouches for (RFC 8705 section 2.2)."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = unsigned(name, None, key.public_key(), 10).sign(key, hashes.SHA256())
    return ClientCertificate(_chain(certificate), pem(key, password))


def issued(authority: Authority, name: str = "entracte") -> ClientCertificate:
    """A certificate of the authority, by one in between (RFC 8705 section 2.1): the chain has both."""
    between, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    middle = (
        unsigned(f"between {name}", authority.certificate.subject, between.public_key(), 10)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority.key, hashes.SHA256())
    )
    leaf = unsigned(name, middle.subject, key.public_key(), 10).sign(between, hashes.SHA256())
    return ClientCertificate(_chain(leaf, middle), pem(key))


def asking(context: ssl.SSLContext, *trusted: str, always: bool = True) -> ssl.SSLContext:
    """A server's context that asks for a client certificate, and takes those of the trusted ones (in PEM)."""
    context.verify_mode = ssl.CERT_REQUIRED if always else ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata="".join(trusted))
    return context

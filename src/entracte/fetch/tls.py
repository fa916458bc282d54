"""TLS of what leaves: verified, 1.2 or newer, HTTP/1.1; with a certificate of ours where a connection shows one.

In TLS 1.2 the cipher suites are those that the security profiles allow, for every connection: no server of these years
needs more, and nobody then has to ask which context a key set was fetched with.

What is shown in TLS proves who asks (RFC 8705). A certificate is a property of a context, and the pool keeps
connections by their context (aiohttp's `ConnectionKey.ssl`). So each certificate has a context of its own, made once: a
connection that was opened with one certificate can not carry a request that shows another one, or none.
"""

import os
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.messages import ClientCertificate

MakeContext = Callable[[], ssl.SSLContext]
"""A new context that trusts who is to be trusted; always the same ones."""

CIPHER_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
)
"""The suites of TLS 1.2, by OpenSSL's names: the four that RFC 9325 section 4.2 recommends, to which FAPI 2.0 keeps;
and after them the two with DHE that FAPI 1.0 Part 2 section 8.5 allows besides those with RSA. TLS 1.3 has good ones
alone."""

MOST_CERTIFICATES = 64
"""Contexts that are kept; the one that was not used for longest gives way."""


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """The system's certificate authorities, and those of a PEM file besides. Raises LocalError
    `outbound_ca_file_unusable` when the file can not be read as one."""
    context = ssl.create_default_context()
    if not ca_file:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError:  # also ssl.SSLError
        raise LocalError(_unusable_ca_file()) from None
    return context


def _unusable_ca_file() -> Problem:
    return Problem(
        Kind.BAD_INPUT,
        "outbound_ca_file_unusable",
        "The file of certificate authorities can not be read.",
        hint="It must be there, be readable, and hold certificates in PEM.",
        where="ENTRACTE_OUTBOUND_CA_FILE",
    )


class Contexts:
    """The contexts of one fetcher. Raises ValueError for a maker whose contexts do not verify."""

    def __init__(self, make: MakeContext) -> None:
        self._make = make
        self.plain = _verifying(make())
        """Shows no certificate."""
        self.showing = lru_cache(maxsize=MOST_CERTIFICATES)(self._showing)
        """The context that shows a certificate. Refuses `CLIENT_REFUSED` for one that can not be used."""

    def _showing(self, certificate: ClientCertificate) -> ssl.SSLContext:
        pem = f"{certificate.private_key.reveal()}\n{certificate.chain}"
        try:
            context = _verifying(self._make())
            with _as_a_file(pem.encode()) as path:
                context.load_cert_chain(path, password="")  # a locked key is an error, not a question at the terminal
        except (OSError, ValueError) as error:  # also ssl.SSLError
            why = getattr(error, "reason", None) or "it is not a certificate with its key"
        except LocalError as error:  # the file of authorities went away while we ran
            why = error.problem.message
        else:
            return context
        raise refuse(Reason.CLIENT_REFUSED, f"our certificate can not be used: {why}")


def _verifying(context: ssl.SSLContext) -> ssl.SSLContext:
    """A context that verifies, TLS 1.2 or newer, HTTP/1.1. Raises ValueError for one that does not verify."""
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ValueError("a TLS context without verification is never used")
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(":".join(CIPHER_SUITES))
    context.set_alpn_protocols(["http/1.1"])
    return context


# Python's ssl reads certificates from files alone, and a private key is not to lie on a disk: a file in memory, which
# has no name and ends with its descriptor, where the system has such; elsewhere one that we alone read, gone at once


@contextmanager
def in_memory(content: bytes) -> Iterator[str]:
    """The path of a file that is on no disk, until the end of the block."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextmanager
def on_disk_for_a_moment(content: bytes) -> Iterator[str]:
    """The path of a file for our eyes alone, until the end of the block."""
    with tempfile.NamedTemporaryFile() as file:  # mode 0600
        file.write(content)
        file.flush()
        yield file.name


_as_a_file = in_memory if sys.platform == "linux" else on_disk_for_a_moment


def tls_failure(error: OSError) -> str:
    """What went wrong in TLS, in words that name nobody."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason}"
    return "the connection was closed before TLS was ready"

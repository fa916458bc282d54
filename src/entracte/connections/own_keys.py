"""Our own keys at an authorization server: made when a connection needs them, sealed, rotated, and published.

A key is published for `PUBLISHED_FIRST` seconds before it signs, so that the server has it when it meets it; the first
key signs at once, because nobody can know it before. Keys that gave way stay published until the next rotation: a
server may still encrypt to them, and may still check what they signed.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from entracte.connections.model import Connection, ConnectionConfig, KeyUse, OwnKey
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.jwe import DecryptionKey, decryption_key
from entracte.protocol.messages import ClientCertificate
from entracte.protocol.seal import SealKeys, decode, open_sealed, seal
from entracte.protocol.signing import SigningKey, public_jwk, signing_key
from entracte.values import ConnectionNumber, Entropy, OrganizationNumber, Secret

PUBLISHED_FIRST = 3600
"""Seconds that a new key is published before it signs, where there is an older one."""
CERTIFICATE_DAYS = 3650
RSA_BITS = 2048
MOST_REMEMBERED = 4096
"""Opened keys that a process remembers."""
PROOF_ALGORITHM = "ES256"
_PUBLISHED = (KeyUse.SIGNATURE, KeyUse.ENCRYPTION, KeyUse.TLS)
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """The private keys of a connection, opened. None where the connection needs none."""

    signing: SigningKey | None = None
    proof: SigningKey | None = None
    decryption: tuple[DecryptionKey, ...] = ()
    certificate: ClientCertificate | None = field(default=None, repr=False)


NO_KEYS = OpenedKeys()


def needed(config: ConnectionConfig) -> dict[KeyUse, str]:
    """Which keys a connection needs, and for which algorithm."""
    wanted: dict[KeyUse, str] = {}
    if config.authentication is ClientAuthentication.PRIVATE_KEY_JWT or config.request_object:
        wanted[KeyUse.SIGNATURE] = config.signing_algorithm
    if config.encryption_algorithm:
        wanted[KeyUse.ENCRYPTION] = config.encryption_algorithm
    if config.dpop:
        wanted[KeyUse.PROOF] = PROOF_ALGORITHM
    if config.shows_certificate:
        wanted[KeyUse.TLS] = "ES256"
    return wanted


def with_needed_keys(connection: Connection, keys: SealKeys, entropy: Entropy, now: int) -> Connection:
    """The connection with every key that it needs; those that it has stay."""
    have = {(key.use, key.algorithm) for key in connection.own_keys}
    made = [
        _made(connection, use, algorithm, keys, entropy, now)
        for use, algorithm in needed(connection.config).items()
        if (use, algorithm) not in have
    ]
    return replace(connection, own_keys=(*made, *connection.own_keys)) if made else connection


def rotated(connection: Connection, keys: SealKeys, entropy: Entropy, now: int) -> Connection:
    """A new key for each use. Of the keys before, the newest of each use stays; older ones are forgotten."""
    wanted = needed(connection.config)
    made = [_made(connection, use, algorithm, keys, entropy, now) for use, algorithm in wanted.items()]
    kept = []
    for use in wanted:
        kept += [key for key in connection.own_keys if key.use is use][:1]
    return replace(connection, own_keys=(*made, *kept))


def published(connection: Connection) -> dict[str, Any]:
    """The JWK Set of a connection (RFC 7517 section 5): public members alone. Keys of proofs are in the proofs."""
    return {
        "keys": [
            {**key.public, "kid": key.kid, "use": "sig" if key.use is KeyUse.TLS else key.use.value, **_alg(key)}
            for key in connection.own_keys
            if key.use in _PUBLISHED
        ]
    }


def opened(connection: Connection, keys: SealKeys, now: int) -> OpenedKeys:
    """The private keys that the configuration needs, of those that may be used now."""
    wanted = needed(connection.config)
    if not wanted:
        return NO_KEYS
    return OpenedKeys(
        _signer(connection, KeyUse.SIGNATURE, keys, now),
        _signer(connection, KeyUse.PROOF, keys, now),
        tuple(
            _decryption(_sealed(connection, key, keys), key.kid, key.algorithm)
            for key in connection.own_keys
            if key.use is KeyUse.ENCRYPTION and key.algorithm == connection.config.encryption_algorithm
        ),
        _certificate(connection, keys) if KeyUse.TLS in wanted else None,
    )


def key_in_use(connection: Connection, key: OwnKey, now: int) -> bool:
    """Whether it is used now: it signs, it is shown in TLS, or the server may encrypt to it."""
    if key.use is KeyUse.ENCRYPTION:
        return key.algorithm == connection.config.encryption_algorithm
    if key.use is KeyUse.TLS:
        return key == _shown_in_tls(connection) and KeyUse.TLS in needed(connection.config)
    return key == _signs(connection, key.use, now)


def key_owner(kid: str) -> tuple[OrganizationNumber, ConnectionNumber] | None:
    """Whose key this is, by its name; None for a name that is none of ours."""
    parts = kid.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts[:2]):
        return None
    return OrganizationNumber(int(parts[0])), ConnectionNumber(int(parts[1]))


def certificate_request(connection: Connection, keys: SealKeys) -> str:
    """What an authority needs to give out a certificate for our key (PKCS #10, RFC 2986), in PEM. Raises LookupError
    when the connection has no key for TLS."""
    key = _elliptic(_private(_sealed(connection, _newest(connection, KeyUse.TLS), keys)))
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(connection)).sign(key, SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def resealed(connection: Connection, keys: SealKeys) -> tuple[OwnKey, ...]:
    """The same keys, sealed under the newest of the server's keys. Refuses as `open_sealed` does."""
    purpose = _purpose(connection.organization)
    return tuple(
        key.model_copy(update={"sealed": seal(open_sealed(key.sealed, purpose, keys), purpose, keys)})
        for key in connection.own_keys
    )


def _made(connection: Connection, use: KeyUse, algorithm: str, keys: SealKeys, entropy: Entropy, now: int) -> OwnKey:
    kid = f"{connection.organization}-{connection.number}-{entropy(6).hex()}"
    jwk = dict(_generated(algorithm).as_dict(private=True))
    jwk.pop("kid", None)
    public = public_jwk(jwk)
    if use is KeyUse.TLS:
        public["x5c"] = [_self_signed(connection, _elliptic(jwk), now)]
    sealed = seal(json.dumps(jwk).encode(), _purpose(connection.organization), keys)
    return OwnKey(kid=kid, use=use, algorithm=algorithm, created_at=now, public=public, sealed=sealed)


def _generated(algorithm: str) -> Key:
    if algorithm.startswith(("RS", "PS")):
        return RSAKey.generate_key(RSA_BITS)
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key(_CURVES.get(algorithm, "P-256"))


def _alg(key: OwnKey) -> dict[str, str]:
    return {} if key.use is KeyUse.TLS else {"alg": key.algorithm}


def _signer(connection: Connection, use: KeyUse, keys: SealKeys, now: int) -> SigningKey | None:
    chosen = _signs(connection, use, now)
    if chosen is None:
        return None
    return _signing(_sealed(connection, chosen, keys), chosen.kid, chosen.algorithm)


def _signs(connection: Connection, use: KeyUse, now: int) -> OwnKey | None:
    algorithm = needed(connection.config).get(use)
    fitting = [key for key in connection.own_keys if key.use is use and key.algorithm == algorithm]
    ripe = [key for key in fitting if now - key.created_at >= PUBLISHED_FIRST or use is KeyUse.PROOF]
    return next(iter(ripe or fitting[-1:]), None)


def _newest(connection: Connection, use: KeyUse) -> OwnKey:
    found = next((key for key in connection.own_keys if key.use is use), None)
    if found is None:
        raise LookupError("the connection has no such key")
    return found


def _certificate(connection: Connection, keys: SealKeys) -> ClientCertificate | None:
    ours = _shown_in_tls(connection)
    if ours is None:
        return None
    pem = _private_pem(_sealed(connection, ours, keys))
    chain = connection.config.client_certificate or pem_of(ours.public["x5c"][0])
    return ClientCertificate(chain, pem)


def _shown_in_tls(connection: Connection) -> OwnKey | None:
    """The key that an authority's certificate is for; else the oldest that is published: a new one is registered
    before it is shown."""
    ours = [key for key in reversed(connection.own_keys) if key.use is KeyUse.TLS]
    certified = [key for key in ours if _is_for(connection.config.client_certificate, key)]
    return next(iter(certified or ours), None)


def _is_for(certificate: str, key: OwnKey) -> bool:
    if not certificate:
        return False
    try:
        [theirs, *_] = x509.load_pem_x509_certificates(certificate.encode())
    except ValueError:
        return False
    own = x509.load_der_x509_certificate(b64decode(key.public["x5c"][0]))
    return theirs.public_key() == own.public_key()


def pem_of(certificate: str) -> str:
    """A certificate of `x5c` in PEM."""
    lines = [certificate[start : start + 64] for start in range(0, len(certificate), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def _self_signed(connection: Connection, key: ec.EllipticCurvePrivateKey, now: int) -> str:
    """A certificate in the form of `x5c` (RFC 7517 section 4.7). Nothing but its key counts (RFC 8705 section 2.2)."""
    begin = datetime.fromtimestamp(now, UTC) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(connection))
        .issuer_name(_name(connection))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=CERTIFICATE_DAYS))
    )
    pem = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def _name(connection: Connection) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Entracte {connection.organization}-{connection.number}")]
    )


def _elliptic(jwk: Mapping[str, Any]) -> ec.EllipticCurvePrivateKey:
    private = ECKey.import_key(dict(jwk)).private_key
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise LookupError("the key has no private part")
    return private


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed private key, with what opens it: enough to remember what is inside by."""

    text: str
    purpose: str
    number: int
    server_key: bytes = field(repr=False)


def _sealed(connection: Connection, key: OwnKey, keys: SealKeys) -> _Sealed:
    """Refuses `STATE_UNKNOWN_KEY` when the server's key is gone."""
    number = decode(key.sealed)[0]
    server_key = keys.by_number.get(number)
    if server_key is None:
        raise refuse(Reason.STATE_UNKNOWN_KEY)
    return _Sealed(key.sealed, _purpose(connection.organization), number, server_key)


# remembered: reading an RSA key costs more than twenty sign-ins


@lru_cache(maxsize=MOST_REMEMBERED)
def _private(sealed: _Sealed) -> Mapping[str, Any]:
    keys = SealKeys(sealed.number, {sealed.number: sealed.server_key})
    return MappingProxyType(json.loads(open_sealed(sealed.text, sealed.purpose, keys)))


@lru_cache(maxsize=MOST_REMEMBERED)
def _signing(sealed: _Sealed, kid: str, algorithm: str) -> SigningKey:
    return signing_key(_private(sealed), kid, algorithm)


@lru_cache(maxsize=MOST_REMEMBERED)
def _decryption(sealed: _Sealed, kid: str, algorithm: str) -> DecryptionKey:
    return decryption_key(_private(sealed), kid, algorithm)


@lru_cache(maxsize=MOST_REMEMBERED)
def _private_pem(sealed: _Sealed) -> Secret:
    private = _elliptic(_private(sealed))
    return Secret(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _purpose(organization: OrganizationNumber) -> str:
    return f"own key of {organization}"

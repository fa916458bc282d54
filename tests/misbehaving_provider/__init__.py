"""An OpenID provider for tests that does one thing wrong at a time.

It is a real server on free ports of loopback. While `misbehaviour` is empty it keeps to the specifications: OpenID
Connect Core with all response types, RFC 6749, PKCE with S256 (RFC 7636), `iss` in the response (RFC 9207), pushed
requests (RFC 9126), request objects (RFC 9101), JARM, DPoP (RFC 9449), mutual TLS (RFC 8705), every way of client
authentication, refresh with rotation, introspection, revocation, signed and encrypted documents, claims of other
sources, logout in all its forms, registration and WebFinger. What it wants and gives is set by its attributes. There is
no login page: the authorization endpoint sends the browser straight back.

    async with MisbehavingProvider() as provider:
        provider.misbehaviour = "wrong_nonce"

    with served_misbehaving_provider() as provider:  # the same in a thread of its own, for tests without a loop
        ...

`requests` records each call of an endpoint, so that a test can say that nothing further was asked. The switch has the
names of the tables in `claims`, `signatures`, `encryption`, `callbacks`, `answers`, `token`, `metadata`, `userinfo`,
`registration` and `logout`. It imports nothing of Entracte: it is a witness.
"""

from tests.misbehaving_provider.callbacks import CALLBACKS
from tests.misbehaving_provider.certificates import Certified, authority, client_certificate, client_context
from tests.misbehaving_provider.claims import ID_TOKEN_CLAIMS
from tests.misbehaving_provider.encryption import Encryption
from tests.misbehaving_provider.keys import SigningKey, base64url
from tests.misbehaving_provider.metadata import BROKEN_KEYS
from tests.misbehaving_provider.model import EndpointCall
from tests.misbehaving_provider.names import EVERY_MISBEHAVIOUR, MISBEHAVIOURS
from tests.misbehaving_provider.provider import MisbehavingProvider, served_misbehaving_provider

__all__ = [
    "BROKEN_KEYS", "CALLBACKS", "EVERY_MISBEHAVIOUR", "ID_TOKEN_CLAIMS", "MISBEHAVIOURS", "Certified", "Encryption",
    "EndpointCall", "MisbehavingProvider", "SigningKey", "authority", "base64url", "client_certificate",
    "client_context", "served_misbehaving_provider",
]  # fmt: skip

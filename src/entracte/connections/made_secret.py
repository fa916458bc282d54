"""A client secret that we make ourselves: what a member sets of it, and the key that it is signed with.

The kept secret is then no secret of the server but our private key, and the key's identifier goes with it, before it:

    ABC123DEFG
    -----BEGIN PRIVATE KEY-----
    ...
    -----END PRIVATE KEY-----

The identifier is no setting, because a connection has two keys while one gives way to the next, and each is sent under
its own. A file with that line in it is still PEM (RFC 7468 section 2).
"""

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.signing import SigningKey, signing_key_of_pem
from entracte.values import Secret

ALGORITHM = "ES256"
MOST_REMEMBERED = 4096
"""Read keys that a process remembers."""
_BEGIN = "-----BEGIN"
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,100}")


class MadeSecret(BaseModel):
    """A client secret that is a JWT of ours, made afresh for each request and signed with ES256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=1, max_length=200, description="Its `iss`: at Apple the identifier of the team.")
    audience: str = Field(
        min_length=1, max_length=500, description="Its `aud`: at Apple the issuer, `https://appleid.apple.com`."
    )


@lru_cache(maxsize=MOST_REMEMBERED)  # reading a key costs more than signing with it
def key_of(secret: Secret) -> SigningKey:
    """The key in a kept secret. LocalError `connection_secret_no_key`, without any of it."""
    before, begin, rest = secret.reveal().partition(_BEGIN)
    identifier = before.strip()
    if not begin or _IDENTIFIER.fullmatch(identifier) is None:
        raise _no_key("The secret is a line with the identifier of our key, and then the private key in PEM.")
    try:
        return signing_key_of_pem(Secret(begin + rest), identifier, ALGORITHM)
    except ValueError:
        raise _no_key("What follows the identifier is no private key of the curve P-256 in PEM.") from None


def _no_key(message: str) -> LocalError:
    hint = "The key is given as it is in its file, without a passphrase; by a variable or a file, not typed."
    return LocalError(Problem(Kind.BAD_INPUT, "connection_secret_no_key", message, hint, where="client_secret"))

"""One way to sign in at npm's `oidc-provider`: the connection as a member sets it, and what the provider is told of the
client besides what follows from that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entracte.protocol.errors import Reason

RESOURCE = "https://profile.northwind.example"
FOREIGN_KEYS = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ]
}
"""A key set that is nobody's here (the example of RFC 7515 appendix A.3)."""

Settings = Mapping[str, Any]

WITHOUT_ISSUER: Settings = {"issuer_in_response": False}
"""The provider announces `iss` in its answers (RFC 9207), and leaves it out of those with an ID token that are not
signed themselves. So a member says that none comes; the ID token tells whose answer it is."""


@dataclass(frozen=True)
class Row:
    """One way to sign in. `features` are those of `docs/interop.md` that it shows."""

    features: tuple[str, ...]
    connection: Settings = field(default_factory=dict)
    client: Settings = field(default_factory=dict)
    reason: Reason | None = None
    """Why it is refused; None where the person arrives."""
    secret: str = ""
    """Ours, where it is not the provider's."""
    https: bool = False
    """At the provider that speaks TLS, and there asks DPoP proofs for a nonce."""
    fapi: str = ""
    """The profile that is the provider's law for this client, in its words."""
    asked: tuple[str, ...] = ()
    """What the provider was asked on the way, in this order, by the library's names."""
    forgets: bool = False
    """Whether the provider forgets the first access token."""
    registers: bool = False
    """Whether we register ourselves."""

"""The key under which an organization's people are hashed: random, kept sealed, and the same for as long as the
organization is, so that one person stays one person when the server's own keys are renewed."""

from entracte.organizations.model import Organization
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import Entropy

PURPOSE = "person key"
SIZE = 32


def new_person_key(name: str, keys: SealKeys, entropy: Entropy) -> str:
    """A fresh key for the organization of this name, sealed for it alone."""
    return seal(entropy(SIZE), f"{PURPOSE} of {name}", keys)


def person_key_of(organization: Organization, keys: SealKeys) -> bytes:
    """The key of an organization. Refuses `STATE_UNKNOWN_KEY` when the server's key that sealed it is gone."""
    return open_sealed(organization.sealed_person_key, f"{PURPOSE} of {organization.name}", keys)

"""The key under which an organization's people are hashed: random, kept sealed, and the same for as long as the
organization is, so that one person stays one person when the server's own keys are renewed."""

from entracte.organizations.model import Organization, Organizations
from entracte.protocol.seal import SealKeys, decode, open_sealed, seal
from entracte.values import Entropy

PURPOSE = "person key"
SIZE = 32


def new_person_key(name: str, keys: SealKeys, entropy: Entropy) -> str:
    """A fresh key for the organization of this name, sealed for it alone."""
    return seal(entropy(SIZE), f"{PURPOSE} of {name}", keys)


def person_key_of(organization: Organization, keys: SealKeys) -> bytes:
    """The key of an organization. Refuses `STATE_UNKNOWN_KEY` when the server's key that sealed it is gone."""
    return open_sealed(organization.sealed_person_key, f"{PURPOSE} of {organization.name}", keys)


async def reseal_person_key(organizations: Organizations, organization: Organization, keys: SealKeys) -> bool:
    """Seal an organization's key under the newest of ours, so that its people stay who they are when an older one is
    dropped. False when there was nothing to do. Refuses as `person_key_of` does."""
    sealed = organization.sealed_person_key
    if decode(sealed)[0] == keys.newest:
        return False
    renewed = seal(person_key_of(organization, keys), f"{PURPOSE} of {organization.name}", keys)
    return await organizations.replace_person_key(organization.number, sealed, renewed)

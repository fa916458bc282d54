"""A profile as columns: a document, and the person's hash as the bytes it is."""

from typing import Any

from entracte.participation.model import Profile


def document(profile: Profile | None) -> dict[str, Any] | None:
    """The profile but for `person`."""
    if profile is None:
        return None
    return {
        "attributes": dict(profile.attributes),
        "verified": sorted(profile.verified),
        "account": profile.account,
    }


def person(profile: Profile | None) -> bytes | None:
    """The keyed hash of issuer and subject."""
    return profile.person if profile is not None else None


def read_profile(kept: dict[str, Any] | None, hashed: bytes | None) -> Profile | None:
    """What `document` and `person` wrote."""
    if kept is None or hashed is None:
        return None
    return Profile(kept["attributes"], frozenset(kept["verified"]), kept["account"], hashed)

"""The key of an organization's people: our own keys alone open it, and it outlives their renewal."""

import pytest

from entracte.organizations.model import Brand, Organization
from entracte.organizations.person_key import PURPOSE, SIZE, new_person_key, person_key_of
from entracte.protocol import base64url
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys, seal
from entracte.values import OrganizationNumber, entropy
from tests.protocol.refusals import is_silent_about

KEYS = SealKeys(newest=1, by_number={1: bytes(32)})
RENEWED = SealKeys(newest=2, by_number={1: bytes(32), 2: bytes([7]) * 32})
ANOTHER_INSTALLATION = SealKeys(newest=1, by_number={1: bytes([9]) * 32})


def organization(sealed_person_key: str, name: str = "northwind") -> Organization:
    return Organization(OrganizationNumber(1), name, "Northwind", Brand(), sealed_person_key)


def refusal(sealed_person_key: str, keys: SealKeys) -> Refused:
    with pytest.raises(Refused) as raised:
        person_key_of(organization(sealed_person_key), keys)
    assert is_silent_about(raised.value, sealed_person_key)
    return raised.value


def test_a_fresh_key_opens_to_what_chance_gave() -> None:
    chance = bytes(range(SIZE))
    asked: list[int] = []

    def given(size: int) -> bytes:
        asked.append(size)
        return chance

    assert person_key_of(organization(new_person_key("northwind", KEYS, given)), KEYS) == chance
    assert asked == [32]


def test_the_key_shows_itself_nowhere() -> None:
    chance = b"a key that nobody is to see, ..."
    sealed = new_person_key("northwind", KEYS, lambda size: chance)
    assert chance[:6] not in base64url.decode(sealed)
    assert sealed not in repr(organization(sealed))


@pytest.mark.conformance("MUST 49")
def test_every_organization_has_a_key_of_its_own() -> None:
    """One brand's hashes say nothing about another's, although the same person took part in both."""
    mine, theirs = (organization(new_person_key(name, KEYS, entropy), name) for name in ("northwind", "acme"))
    assert person_key_of(mine, KEYS) != person_key_of(theirs, KEYS)


def test_the_key_of_another_organization_is_refused() -> None:
    assert refusal(new_person_key("acme", KEYS, entropy), KEYS).reason is Reason.STATE_INVALID


def test_the_key_stays_the_same_when_the_servers_keys_are_renewed() -> None:
    kept = organization(new_person_key("northwind", KEYS, entropy))
    assert person_key_of(kept, RENEWED) == person_key_of(kept, KEYS)


def test_without_the_servers_key_it_is_refused() -> None:
    only_new = SealKeys(newest=2, by_number={2: RENEWED.by_number[2]})
    assert refusal(new_person_key("northwind", KEYS, entropy), only_new).reason is Reason.STATE_UNKNOWN_KEY


def test_what_another_installation_sealed_is_refused() -> None:
    assert refusal(new_person_key("northwind", ANOTHER_INSTALLATION, entropy), KEYS).reason is Reason.STATE_INVALID


def test_what_was_sealed_for_another_purpose_is_refused() -> None:
    for purpose in ("state", "client secret", PURPOSE.upper()):
        assert refusal(seal(bytes(SIZE), purpose, KEYS), KEYS).reason is Reason.STATE_INVALID


@pytest.mark.parametrize("text", ["", "AQ", "not base64url!", "AQ" + "A" * 64])
def test_what_is_no_sealed_text_is_refused(text: str) -> None:
    assert refusal(text, KEYS).reason is Reason.STATE_INVALID

"""Organizations, members and sessions, on every database."""

import pytest

from entracte.errors import Kind, LocalError
from entracte.organizations.model import Brand, Member, Members, MemberSession, Organization, Organizations, Role
from entracte.store.opened import Store
from entracte.store.organizations import StoredMembers, StoredOrganizations
from entracte.values import OrganizationNumber, Secret
from tests.store.samples import SEALED_PERSON_KEY

HASH = Secret("$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")
NOW = 1_800_000_000


def member(organization: Organization, email: str = "Alice@Example.com", role: Role = Role.OWNER) -> Member:
    return Member(organization.number, email, role, HASH)


def session(organization: Organization, token: bytes = b"\x00\xfftoken", **given: int) -> MemberSession:
    times = {"created_at": NOW, "expires_at": NOW + 100} | given
    return MemberSession(organization.number, token, "alice@example.com", **times)


def test_the_protocols_are_kept(store: Store) -> None:
    organizations: Organizations = store.organizations
    members: Members = store.members
    assert (type(organizations), type(members)) == (StoredOrganizations, StoredMembers)


async def test_an_added_organization_is_found_by_name_and_number(store: Store) -> None:
    brand = Brand(mark="N°", color="#112233", radius=3, font="'Inter', sans-serif", dark=False)
    added = await store.organizations.add("northwind", "Northwind „Ö“", brand, SEALED_PERSON_KEY)
    assert added == Organization(added.number, "northwind", "Northwind „Ö“", brand, SEALED_PERSON_KEY)
    assert await store.organizations.by_name("northwind") == added
    assert await store.organizations.by_number(added.number) == added


async def test_the_key_of_its_people_comes_back_and_shows_itself_nowhere(store: Store) -> None:
    added = await store.organizations.add("northwind", "Northwind", Brand(), "sealed-key")
    assert added.sealed_person_key == "sealed-key"
    assert await store.organizations.by_name("northwind") == added
    assert "sealed-key" not in repr(added)


async def test_who_is_not_there_is_not_found(store: Store, northwind: Organization) -> None:
    assert await store.organizations.by_name("nobody") is None
    assert await store.organizations.by_name("Northwind") is None
    assert await store.organizations.by_number(OrganizationNumber(northwind.number + 1)) is None


async def test_a_name_is_given_once(store: Store, northwind: Organization) -> None:
    with pytest.raises(LocalError) as raised:
        await store.organizations.add(northwind.name, "Another", Brand(mark="X"), SEALED_PERSON_KEY)
    assert raised.value.problem.code == "organization_exists"
    assert raised.value.problem.kind is Kind.CONFLICT
    assert await store.organizations.by_name(northwind.name) == northwind


async def test_everyone_is_sorted_by_the_bytes_of_the_name(store: Store) -> None:
    for name in ("b-b", "a2", "b", "ba", "a-1"):
        await store.organizations.add(name, name, Brand(), SEALED_PERSON_KEY)
    found = await store.organizations.everyone()
    assert [organization.name for organization in found] == sorted(["b-b", "a2", "b", "ba", "a-1"])
    assert len({organization.number for organization in found}) == 5


async def test_a_brand_is_set_for_one_organization_alone(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    brand = Brand(color="#000000")
    await store.organizations.set_brand(northwind.number, "New title", brand)
    assert await store.organizations.by_number(northwind.number) == Organization(
        northwind.number, northwind.name, "New title", brand, SEALED_PERSON_KEY
    )
    assert await store.organizations.by_number(outsider.number) == outsider


async def test_a_member_is_found_by_address_without_case(store: Store, northwind: Organization) -> None:
    alice = member(northwind)
    await store.members.add(alice)
    for email in ("alice@example.com", "ALICE@EXAMPLE.COM", alice.email):
        assert await store.members.by_email(email) == alice
    assert await store.members.by_email("bob@example.com") is None


async def test_an_address_is_unique_in_the_installation(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    alice = member(northwind)
    await store.members.add(alice)
    for organization in (northwind, outsider):
        with pytest.raises(LocalError) as raised:
            await store.members.add(member(organization, "aLICE@example.com", Role.ANALYST))
        assert raised.value.problem.code == "member_exists"
        assert "alice" not in str(raised.value).lower()
    assert await store.members.by_email(alice.email) == alice


async def test_a_password_is_changed_by_the_own_organization_alone(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    await store.members.add(member(northwind))
    changed = Secret("$argon2id$other")
    assert await store.members.set_password(outsider.number, "alice@example.com", changed) is False
    assert await store.members.set_password(northwind.number, "bob@example.com", changed) is False
    found = await store.members.by_email("alice@example.com")
    assert found is not None
    assert found.password_hash == HASH
    assert await store.members.set_password(northwind.number, "ALICE@example.com", changed) is True
    found = await store.members.by_email("alice@example.com")
    assert found is not None
    assert found.password_hash == changed


async def test_a_session_lasts_until_it_expires(store: Store, northwind: Organization) -> None:
    begun = session(northwind)
    await store.members.begin_session(begun)
    assert await store.members.session(begun.token_hash, NOW) == begun
    assert await store.members.session(begun.token_hash, begun.expires_at - 1) == begun
    assert await store.members.session(begun.token_hash, begun.expires_at) is None
    assert await store.members.session(b"\x00\xffTOKEN", NOW) is None


async def test_a_session_is_ended_by_the_own_organization_alone(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    begun = session(northwind)
    await store.members.begin_session(begun)
    await store.members.end_session(outsider.number, begun.token_hash)
    assert await store.members.session(begun.token_hash, NOW) == begun
    await store.members.end_session(northwind.number, begun.token_hash)
    await store.members.end_session(northwind.number, begun.token_hash)
    assert await store.members.session(begun.token_hash, NOW) is None


async def test_sessions_that_are_over_are_forgotten_when_another_begins(
    store: Store, northwind: Organization, outsider: Organization
) -> None:
    over, running, other = (
        session(northwind, b"1"),
        session(northwind, b"2", expires_at=NOW + 900),
        session(outsider, b"3"),
    )
    for begun in (over, running, other, session(northwind, b"4", created_at=NOW + 100, expires_at=NOW + 900)):
        await store.members.begin_session(begun)
    kept = [await store.members.session(begun.token_hash, NOW) for begun in (over, running, other)]
    assert kept == [None, running, other]

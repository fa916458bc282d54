"""Organizations, members and their sessions, on the real store."""

from collections.abc import AsyncIterator
from hashlib import sha256

import argon2
import pytest
import pytest_asyncio

from entracte.errors import LocalError
from entracte.organizations import manage
from entracte.organizations.manage import (
    SESSION_SECONDS,
    add_member,
    add_organization,
    session_of,
    sign_in,
    sign_out,
)
from entracte.organizations.model import Brand, Member, MemberSession, Organization, Role
from entracte.protocol.seal import SealKeys
from entracte.store.opened import Store
from entracte.values import Secret, entropy

NOW = 1_800_000_000
KEYS = SealKeys(newest=1, by_number={1: bytes(32)})
PASSWORD = Secret("correct horse battery")
ALICE = "alice@example.com"


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store.open("sqlite://")
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


@pytest_asyncio.fixture
async def northwind(store: Store) -> Organization:
    return await add_organization(store.organizations, "northwind", "Northwind Radio", Brand(), KEYS, entropy)


@pytest_asyncio.fixture
async def alice(store: Store, northwind: Organization) -> Member:
    return await add_member(store.members, northwind.number, ALICE, Role.OWNER, PASSWORD)


def code(refused: pytest.ExceptionInfo[LocalError]) -> str:
    return refused.value.problem.code


async def test_an_organization_is_kept(store: Store, northwind: Organization) -> None:
    assert await store.organizations.by_name("northwind") == northwind


@pytest.mark.parametrize("name", ["", "Northwind", "north wind", "north--wind", "-n", "n/../x", "n\n", "a" * 61])
async def test_an_organization_has_a_name_for_addresses(store: Store, name: str) -> None:
    with pytest.raises(LocalError) as refused:
        await add_organization(store.organizations, name, "Northwind", Brand(), KEYS, entropy)
    assert code(refused) == "organization_name_malformed"


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "x" * 121])
async def test_an_organization_has_a_title_of_one_line(store: Store, title: str) -> None:
    with pytest.raises(LocalError) as refused:
        await add_organization(store.organizations, "northwind", title, Brand(), KEYS, entropy)
    assert code(refused) == "organization_title_malformed"


async def test_a_password_is_kept_as_argon2id_with_owasp_parameters(alice: Member) -> None:
    parameters = argon2.extract_parameters(alice.password_hash.reveal())
    assert parameters.type is argon2.Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
    assert PASSWORD.reveal() not in alice.password_hash.reveal()


def test_the_hash_of_nobody_costs_what_a_members_does() -> None:
    assert not argon2.PasswordHasher(2, 19456, 1).check_needs_rehash(manage._HASH_OF_NOBODY)
    assert not manage._fits(Secret(manage._HASH_OF_NOBODY), PASSWORD)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "alice",
        "alice@",
        "@contoso.com",
        "mallory@contoso.com,alice@contoso.com",
        "a@b@contoso.com",
        "a b@contoso.com",
    ],
)
async def test_an_email_is_one_address(store: Store, northwind: Organization, email: str) -> None:
    with pytest.raises(LocalError) as refused:
        await add_member(store.members, northwind.number, email, Role.OWNER, PASSWORD)
    assert code(refused) == "email_malformed"
    assert not email or email not in str(refused.value)


@pytest.mark.parametrize(
    ("password", "expected"), [("x" * 11, "password_too_short"), ("x" * 1025, "password_too_long")]
)
async def test_a_password_has_a_length(store: Store, northwind: Organization, password: str, expected: str) -> None:
    with pytest.raises(LocalError) as refused:
        await add_member(store.members, northwind.number, ALICE, Role.OWNER, Secret(password))
    assert code(refused) == expected
    assert password not in str(refused.value)


async def test_an_email_is_a_member_once(store: Store, northwind: Organization, alice: Member) -> None:
    with pytest.raises(LocalError) as refused:
        await add_member(store.members, northwind.number, "ALICE@Example.com", Role.EDITOR, PASSWORD)
    assert code(refused) == "member_exists"


@pytest.mark.parametrize("email", [ALICE, " Alice@EXAMPLE.com "])
async def test_signing_in_begins_a_session(store: Store, alice: Member, email: str) -> None:
    signed_in = await sign_in(store.members, email, PASSWORD, NOW, entropy)
    assert signed_in.session.token_hash == sha256(signed_in.token.reveal().encode()).digest()
    assert signed_in.session.expires_at == NOW + SESSION_SECONDS == NOW + 12 * 3600
    assert await session_of(store.members, signed_in.token, NOW) == signed_in.session


async def test_the_token_shows_in_nothing_that_is_printed(store: Store, alice: Member) -> None:
    signed_in = await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    assert signed_in.token.reveal() not in repr(signed_in)
    assert str(signed_in.session.token_hash) not in repr(signed_in)


async def test_a_token_has_32_bytes_of_entropy(store: Store, alice: Member) -> None:
    asked = []

    def counted(size: int) -> bytes:
        asked.append(size)
        return b"\xff" * size

    signed_in = await sign_in(store.members, ALICE, PASSWORD, NOW, counted)
    assert asked == [32]
    assert signed_in.token.reveal() == "_" * 42 + "8"


async def test_unknown_member_and_wrong_password_look_the_same(
    store: Store, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []
    fits = manage._fits

    def counted(password_hash: Secret, password: Secret) -> bool:
        verified.append(argon2.extract_parameters(password_hash.reveal()))
        return fits(password_hash, password)

    monkeypatch.setattr(manage, "_fits", counted)
    problems = []
    for email in (ALICE, "nobody@example.com", "no address", ""):
        with pytest.raises(LocalError) as refused:
            await sign_in(store.members, email, Secret("wrong horse battery"), NOW, entropy)
        problems.append(refused.value.problem)
    assert {problem.code for problem in problems} == {"sign_in_refused"}
    assert len(set(problems)) == 1
    assert len(verified) == 4
    assert all(parameters == verified[0] for parameters in verified)


async def test_the_same_characters_from_another_keyboard_fit(store: Store, northwind: Organization) -> None:
    await add_member(store.members, northwind.number, ALICE, Role.OWNER, Secret("Ang\u00e9lique \ufb01ets"))
    assert await sign_in(store.members, ALICE, Secret("Ange\u0301lique fiets"), NOW, entropy)


async def test_half_a_surrogate_pair_is_only_a_wrong_password(store: Store, alice: Member) -> None:
    with pytest.raises(LocalError) as refused:
        await sign_in(store.members, ALICE, Secret("\ud800" * 12), NOW, entropy)
    assert code(refused) == "sign_in_refused"


async def test_an_older_hash_is_made_again(store: Store, northwind: Organization) -> None:
    older = Secret(argon2.PasswordHasher(1, 8192, 1).hash(PASSWORD.reveal()))
    await store.members.add(Member(northwind.number, ALICE, Role.OWNER, older))
    await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    member = await store.members.by_email(ALICE)
    assert member is not None
    assert argon2.extract_parameters(member.password_hash.reveal()).memory_cost == 19456
    assert await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)


async def test_a_current_hash_stays(store: Store, alice: Member) -> None:
    await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    assert await store.members.by_email(ALICE) == alice


async def test_a_hash_that_is_none_lets_nobody_in(store: Store, northwind: Organization) -> None:
    await store.members.add(Member(northwind.number, ALICE, Role.OWNER, Secret("correct horse battery")))
    with pytest.raises(LocalError) as refused:
        await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    assert code(refused) == "sign_in_refused"


async def test_a_session_ends_after_twelve_hours(store: Store, alice: Member) -> None:
    signed_in = await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    assert await session_of(store.members, signed_in.token, NOW + SESSION_SECONDS - 1)
    assert await session_of(store.members, signed_in.token, NOW + SESSION_SECONDS) is None


async def test_signing_out_ends_this_session_alone(store: Store, alice: Member) -> None:
    here = await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    there = await sign_in(store.members, ALICE, PASSWORD, NOW, entropy)
    await sign_out(store.members, here.session)
    assert await session_of(store.members, here.token, NOW) is None
    assert await session_of(store.members, there.token, NOW) == there.session


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 44, "é" * 43, "A" * 42 + "\n", "A" * 100_000])
async def test_a_token_that_nobody_has_opens_nothing(store: Store, alice: Member, token: str) -> None:
    assert await session_of(store.members, Secret(token), NOW) is None


async def test_a_session_of_somebody_who_is_no_member_opens_nothing(store: Store, alice: Member) -> None:
    token = "A" * 43
    session = MemberSession(alice.organization, sha256(token.encode()).digest(), "gone@example.com", NOW, NOW + 60)
    await store.members.begin_session(session)
    assert await session_of(store.members, Secret(token), NOW) is None


async def test_a_session_for_another_organization_opens_nothing(store: Store, alice: Member) -> None:
    token = "A" * 43
    contoso = await add_organization(store.organizations, "contoso", "Contoso", Brand(), KEYS, entropy)
    session = MemberSession(contoso.number, sha256(token.encode()).digest(), ALICE, NOW, NOW + 60)
    await store.members.begin_session(session)
    assert await session_of(store.members, Secret(token), NOW) is None

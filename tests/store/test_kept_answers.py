"""Answers that are kept for a repeated request, on every database."""

import asyncio

from entracte.organizations.model import Organization
from entracte.store.kept_answers import Claim, StoredAnswers
from entracte.store.opened import Store
from entracte.values import OrganizationNumber
from entracte.web.api.parts import KeptAnswers
from tests.store.samples import START

KEEP, PATIENCE = 1000, 60
ONE, OTHER = b"one request", b"another request"


async def claim(
    store: Store, organization: OrganizationNumber, at: int = START, fingerprint: bytes = ONE, key: str = "key"
) -> Claim:
    return await store.kept_answers.claim(organization, key, fingerprint, at, KEEP, PATIENCE)


def test_the_protocol_is_kept(store: Store) -> None:
    answers: KeptAnswers = store.kept_answers
    assert isinstance(answers, StoredAnswers)


async def test_one_of_many_claims_a_key(store: Store, northwind: Organization) -> None:
    claims = await asyncio.gather(*(claim(store, northwind.number) for _ in range(40)))
    assert sum(one.is_ours for one in claims) == 1
    assert {one.status for one in claims} == {None}


async def test_an_answer_comes_back(store: Store, northwind: Organization) -> None:
    assert (await claim(store, northwind.number)).is_ours
    await store.kept_answers.keep(northwind.number, "key", ONE, 201, "sealed")
    assert await claim(store, northwind.number, START + KEEP) == Claim(False, ONE, 201, "sealed")
    assert (await claim(store, northwind.number, fingerprint=OTHER)).fingerprint == ONE


async def test_each_organization_has_its_own(store: Store, northwind: Organization, outsider: Organization) -> None:
    await claim(store, northwind.number)
    await store.kept_answers.keep(northwind.number, "key", ONE, 201, "sealed")
    assert (await claim(store, outsider.number)).is_ours


async def test_a_released_key_can_be_used_again(store: Store, northwind: Organization) -> None:
    await claim(store, northwind.number)
    await store.kept_answers.release(northwind.number, "key", OTHER)
    assert not (await claim(store, northwind.number)).is_ours
    await store.kept_answers.release(northwind.number, "key", ONE)
    assert (await claim(store, northwind.number)).is_ours


async def test_what_was_answered_is_not_released(store: Store, northwind: Organization) -> None:
    await claim(store, northwind.number)
    await store.kept_answers.keep(northwind.number, "key", ONE, 201, "sealed")
    await store.kept_answers.release(northwind.number, "key", ONE)
    assert (await claim(store, northwind.number)).status == 201


async def test_a_request_that_died_gives_its_key_back(store: Store, northwind: Organization) -> None:
    await claim(store, northwind.number)
    assert not (await claim(store, northwind.number, START + PATIENCE)).is_ours
    assert (await claim(store, northwind.number, START + PATIENCE + 1, OTHER)).is_ours
    # the one that was given up keeps nothing of its own
    await store.kept_answers.keep(northwind.number, "key", ONE, 201, "late")
    assert (await claim(store, northwind.number, START + PATIENCE + 1, OTHER)).status is None


async def test_answers_are_forgotten(store: Store, northwind: Organization) -> None:
    for key in ("first", "second"):
        await claim(store, northwind.number, key=key)
        await store.kept_answers.keep(northwind.number, key, ONE, 201, "sealed")
    assert (await claim(store, northwind.number, START + KEEP + 1, key="first")).is_ours
    assert (await claim(store, northwind.number, START, key="second")).is_ours

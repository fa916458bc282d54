"""A write that is sent twice is done once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from entracte.store.opened import Store
from entracte.store.tables import kept_answer
from tests.api.programs import Neighbours, Program, make_token

WANTED: dict[str, Any] = {"name": "exports", "scopes": ["entries:read"]}


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{uuid4()}"'}


def tokens(town: Neighbours) -> int:
    return len(town.alice.get("/tokens")["items"])


def test_the_same_answer_and_nothing_new(town: Neighbours, key: dict[str, str]) -> None:
    first = town.alice("POST", "/tokens", json=WANTED, headers=key)
    count = tokens(town)
    again = town.alice("POST", "/tokens", json=WANTED, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert tokens(town) == count


def test_of_many_at_once_one_is_done(town: Neighbours, key: dict[str, str]) -> None:
    before = tokens(town)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: town.alice("POST", "/tokens", json=WANTED, headers=key), range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_key_in_use"
            assert answer.headers["Retry-After"]
    assert tokens(town) == before + 1


def test_across_a_kill(town: Neighbours, key: dict[str, str]) -> None:
    first = town.alice("POST", "/tokens", json=WANTED, headers=key)
    town.served.kill()
    town.served.start()
    assert town.alice("POST", "/tokens", json=WANTED, headers=key).content == first.content


def test_a_key_is_for_one_request(town: Neighbours, key: dict[str, str]) -> None:
    town.alice.post("/tokens", json=WANTED, headers=key)
    other = town.alice.refused("POST", "/tokens", 422, json={**WANTED, "name": "other"}, headers=key)
    assert other["code"] == "idempotency_key_reused"
    elsewhere = town.alice.refused("PUT", "/campaigns/quiz/closing", 422, headers=key)
    assert elsewhere["code"] == "idempotency_key_reused"


def test_another_token_does_not_get_the_answer(town: Neighbours, key: dict[str, str]) -> None:
    town.alice.post("/tokens", json=WANTED, headers=key)
    colleague = Program(town.served.port, make_token(town.served, town.served.organization).text.reveal())
    assert colleague.refused("POST", "/tokens", 422, json=WANTED, headers=key)["code"] == "idempotency_key_reused"
    # and in another organization the key is nobody's yet
    assert town.charlie("POST", "/tokens", json=WANTED, headers=key).status_code == 201


def test_a_refused_request_can_be_mended(town: Neighbours, key: dict[str, str]) -> None:
    town.alice.refused("POST", "/tokens", 400, json={**WANTED, "name": ""}, headers=key)
    town.alice.post("/tokens", json=WANTED, headers=key)


def test_a_removal_is_answered_alike(town: Neighbours, key: dict[str, str]) -> None:
    made = town.alice.post("/tokens", json=WANTED)
    for _ in range(2):
        assert town.alice("DELETE", f"/tokens/{made['id']}", headers=key).status_code == 204


@pytest.mark.parametrize("given", ["", '""', "with blank", "x" * 256, '"open', "ü".encode()])
def test_what_is_no_key(given: str | bytes, town: Neighbours) -> None:
    problem = town.alice.refused("POST", "/tokens", 400, json=WANTED, headers={"Idempotency-Key": given})
    assert problem["code"] == "idempotency_key_malformed"


def test_kept_answers_are_sealed(town: Neighbours, key: dict[str, str]) -> None:
    made = town.alice.post("/tokens", json=WANTED, headers=key)

    async def rows(store: Store) -> str:
        return await store.commits.read(lambda connection: repr(connection.execute(kept_answer.select()).all()))

    kept = town.served.work(rows)
    assert key["Idempotency-Key"].strip('"') in kept
    assert made["token"] not in kept
    assert made["id"] not in kept


def test_an_answer_under_a_key_that_is_gone_is_lost(town: Neighbours, key: dict[str, str]) -> None:
    """The server's keys were changed: the request is not done a second time behind its client's back."""
    town.alice.post("/tokens", json=WANTED, headers=key)

    async def damage(store: Store) -> None:
        other = kept_answer.update().values(sealed_answer="AQ" + "A" * 60)
        await store.commits.write(lambda connection: connection.execute(other).rowcount)

    town.served.work(damage)
    assert town.alice.refused("POST", "/tokens", 409, json=WANTED, headers=key)["code"] == "idempotency_answer_lost"

"""The REST API in trouble: addresses that are no good, servers that answer oddly, a database that is away."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import parts
from tests.api.programs import Neighbours, neighbours
from tests.bad_input.test_provider_addresses import MALFORMED, PRIVATE, REASONS
from tests.odd_server import WAYS, Odd, served_oddly
from tests.postgresql import PostgreSQL

SECRET = "a secret that stands nowhere"
WANTED: dict[str, Any] = {"name": "odd", "title": "Odd", "client_id": "us", "client_secret": SECRET}
LONGEST = 40
"""Seconds for the whole request: what we ask of others has 10."""
RECOVERS = 60


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    with served_oddly() as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """An installation that may reach public addresses alone."""
    with neighbours(tmp_path_factory.mktemp("guarded")) as made:
        made.served.stop()
        made.served.environment["ENTRACTE_OUTBOUND_ALLOW"] = ""
        made.served.start()
        yield made


def refused(town: Neighbours, statuses: set[int], **given: Any) -> dict[str, Any]:
    """Not made, for a reason that is said, at once, without the secret."""
    began = time.monotonic()
    answer = town.alice("POST", "/connections", json={**WANTED, **given})
    assert time.monotonic() - began < LONGEST
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    for hidden in (SECRET, "password", "Traceback"):
        assert hidden not in answer.text
    assert [one["name"] for one in town.alice.get("/connections")["items"]] == ["northwind"]
    assert town.served.logged("unexpected") == []
    problem: dict[str, Any] = answer.json()
    return problem


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_answers_oddly(way: str, town: Neighbours, odd: Odd) -> None:
    odd.asked.clear()
    problem = refused(town, {502}, issuer=odd.address(way))
    assert REASONS[way] in problem["code"]
    assert set(odd.asked) == {f"/{way}/.well-known/openid-configuration"}, "nothing further was asked"


def test_a_request_that_failed_elsewhere_can_be_sent_again(town: Neighbours, odd: Odd) -> None:
    """With the same key: nothing was changed."""
    wanted = {**WANTED, "issuer": odd.address("not-json")}
    for _ in range(2):
        answer = town.alice("POST", "/connections", json=wanted, headers={"Idempotency-Key": "again"})
        assert answer.status_code == 502


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_asked(address: str, guarded: Neighbours) -> None:
    assert refused(guarded, {400, 502}, issuer=address)["detail"]


@pytest.mark.parametrize("name", MALFORMED)
def test_an_issuer_that_is_no_good_address(name: str, guarded: Neighbours) -> None:
    assert refused(guarded, {400, 502}, issuer=MALFORMED[name])["detail"]


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "rest"])
@pytest.mark.parametrize("name", ["not https", "user info", "no host", "a line break", "a file"])
def test_an_endpoint_that_is_no_good_address(name: str, endpoint: str, guarded: Neighbours) -> None:
    fine = {
        "authorization_endpoint": "https://a.example.com/a",
        "token_endpoint": "https://a.example.com/t",
        "userinfo_endpoint": "https://a.example.com/u",
        "scopes": ["profile"],
    }
    bad = {"rest": {"url": MALFORMED[name]}, "profile_source": "rest"} if endpoint == "rest" else {}
    given = {**fine, **(bad or {endpoint: MALFORMED[name]})}
    assert refused(guarded, {400}, **given)["code"].startswith("connection_")


def test_the_database_is_away_and_comes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    """503 with Retry-After; a write whose answer was lost can be sent again, and is done once."""
    parts.require(parts.POSTGRESQL)
    server = PostgreSQL()
    try:
        server.start()
        with neighbours(tmp_path_factory.mktemp("away"), database_url=server.new_database()) as town:
            away_and_back(town, server)
    finally:
        server.close()


def away_and_back(town: Neighbours, server: PostgreSQL) -> None:
    key = {"Idempotency-Key": "sent-in-bad-times"}
    wanted = {"name": "late", "scopes": ["tokens:read"]}
    server.stop()
    for method, path in (("GET", "/token"), ("GET", "/campaigns"), ("POST", "/tokens"), ("DELETE", "/drafts/x")):
        answer = town.alice(method, path, json=wanted if method == "POST" else None, headers=key)
        if answer.status_code == 404:
            continue  # there is no such address: known without the database
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["code"].startswith("store_")
    server.start()
    deadline = time.monotonic() + RECOVERS
    while httpx.get(f"http://127.0.0.1:{town.served.port}/readyz", timeout=30).status_code != 200:
        assert time.monotonic() < deadline, "the server does not recover"
        time.sleep(0.1)
    first = town.alice.post("/tokens", json=wanted, headers=key)
    assert town.alice.post("/tokens", json=wanted, headers=key) == first
    assert [one["name"] for one in town.alice.get("/tokens")["items"]].count("late") == 1
    assert town.served.logged("unexpected") == []

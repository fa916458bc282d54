"""Alice, Bob and Charlie at every operation of the REST API.

Alice gets it; Bob, of the same organization, has no scope for it; Charlie, of another one, is told that it is not
there, in the words that are used for what never was.
"""

from typing import Any

import pytest

from tests.api.programs import Neighbours
from tests.journeys.quiz import QUIZ as QUIZ_FILE

QUIZ = "/campaigns/quiz"
TOKEN = {"name": "exports", "scopes": ["entries:read"]}
CONNECTION = {
    "name": "second",
    "title": "Second",
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": "https://login.example/token",
    "userinfo_endpoint": "https://login.example/me",
    "scopes": ["profile"],
    "client_id": "us",
    "certificate_bound_tokens": True,
    "discovery": False,
}
NEW_CONNECTION = {**CONNECTION, "client_secret": "never to be seen"}
YAML = {"content": "campaign: quiz\n", "headers": {"Content-Type": "application/yaml"}}

OWN: dict[tuple[str, str], tuple[dict[str, Any], int]] = {
    ("get", "/organization"): ({}, 200),
    ("patch", "/organization"): ({"json": {"title": "Northwind Radio"}}, 200),
    ("get", "/connections"): ({}, 200),
    ("post", "/connections"): ({"json": NEW_CONNECTION}, 201),
    ("get", "/presets"): ({}, 200),
    ("post", "/issuer-lookups"): ({"json": {"identifier": "="}}, 400),
    ("get", "/campaigns"): ({}, 200),
    ("get", "/drafts"): ({}, 200),
    ("put", "/campaigns/{name}/draft"): (YAML, 200),
    ("get", "/attempts"): ({"params": {"short_code": "K7Q-2M4"}}, 200),
    ("get", "/token"): ({}, 200),
    ("get", "/tokens"): ({}, 200),
    ("post", "/tokens"): ({"json": TOKEN}, 201),
}
"""Operations that everybody has for themselves."""

NAMED: dict[tuple[str, str], tuple[dict[str, Any], int]] = {
    ("get", "/connections/{name}"): ({}, 200),
    ("put", "/connections/{name}"): ({"json": CONNECTION}, 200),
    ("get", "/connections/{name}/secrets"): ({}, 200),
    ("post", "/connections/{name}/secrets"): ({"json": {"client_secret": "the next one"}}, 201),
    ("delete", "/connections/{name}/secrets/{place}"): ({}, 204),
    ("get", "/connections/{name}/keys"): ({}, 200),
    ("post", "/connections/{name}/key-rotations"): ({}, 201),
    ("get", "/connections/{name}/certificate-request"): ({}, 200),
    ("get", "/connections/{name}/metadata"): ({}, 409),
    ("post", "/connections/{name}/metadata-refreshes"): ({"json": {}}, 409),
    ("post", "/connections/{name}/registration"): ({"json": {"contacts": ["it@northwind.example"]}}, 409),
    ("get", "/connections/{name}/registration"): ({}, 409),
    ("put", "/connections/{name}/registration"): ({"json": {}}, 409),
    ("delete", "/connections/{name}/registration"): ({}, 409),
    ("delete", "/connections/{name}"): ({}, 204),
    ("get", "/campaigns/{name}"): ({}, 200),
    ("get", "/campaigns/{name}/draft"): ({}, 200),
    ("post", "/campaigns/{name}/publications"): ({}, 201),
    ("get", "/campaigns/{name}/publications"): ({}, 200),
    ("delete", "/campaigns/{name}/draft"): ({}, 204),
    ("put", "/campaigns/{name}/closing"): ({}, 200),
    ("get", "/campaigns/{name}/closing"): ({}, 200),
    ("delete", "/campaigns/{name}/closing"): ({}, 204),
    ("get", "/campaigns/{name}/entries"): ({}, 200),
    ("get", "/entries/{participation}"): ({}, 200),
    ("get", "/campaigns/{name}/participations"): ({}, 200),
    ("get", "/participations/{participation}"): ({}, 200),
    ("get", "/participations/{participation}/attempts"): ({}, 200),
    ("get", "/campaigns/{name}/statistics"): ({}, 200),
    ("get", "/tokens/{token_id}"): ({}, 200),
    ("delete", "/tokens/{token_id}"): ({}, 204),
}
"""Operations on something that has an owner, in an order in which each finds what it needs."""

NEVER_WAS = {
    "name": "never-was",
    "place": "current",
    "participation": "019ab000-0000-7000-8000-000000000000",
    "token_id": "019ab000-0000-4000-8000-000000000000",
}
SCOPELESS = {("get", "/token")}
BOBS = {("get", "/tokens"), ("get", "/tokens/{token_id}")}
"""Bob's token has the scope `tokens:read`."""


@pytest.fixture(scope="module")
def there(town: Neighbours) -> dict[str, str]:
    """What is Alice's: the values of the path parameters."""
    [entry] = town.alice.get(f"{QUIZ}/entries")["items"]
    token = town.alice.post("/tokens", json=TOKEN)
    town.alice.post("/connections", json=NEW_CONNECTION)
    saved = town.alice("PUT", f"{QUIZ}/draft", content=QUIZ_FILE, headers={"Content-Type": "application/yaml"})
    assert saved.json()["mistakes"] == []
    return {"participation": entry["participation"], "token_id": token["id"]}


def address(path: str, values: dict[str, str]) -> str:
    name = "second" if path.startswith("/connections") else "quiz"
    return path.format(**{"name": name, "place": "current", **values})


def test_the_tables_have_every_operation(town: Neighbours) -> None:
    described = town.alice("GET", "../openapi.json").json()
    operations = {
        (method, path.removeprefix("/api/v1")) for path, of_path in described["paths"].items() for method in of_path
    }
    assert operations == {*OWN, *NAMED}


@pytest.mark.conformance("MUST 48")
@pytest.mark.parametrize("operation", NAMED, ids=" ".join)
def test_charlie_finds_nothing(operation: tuple[str, str], town: Neighbours, there: dict[str, str]) -> None:
    method, path = operation
    given, _ = NAMED[operation]
    theirs = town.charlie.refused(method, address(path, there), 404, **given)
    nobodys = town.charlie.refused(method, path.format(**NEVER_WAS), 404, **_under("never-was", given))
    assert _said(theirs, address(path, there)) == _said(nobodys, path.format(**NEVER_WAS))


def _under(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "json": {**given["json"], "name": name}} if "name" in given.get("json", {}) else given


def _said(problem: dict[str, Any], path: str) -> dict[str, Any]:
    """The problem without the name that was asked for."""
    name = path.split("/")[2]
    return {key: value.replace(name, "NAME") if isinstance(value, str) else value for key, value in problem.items()}


@pytest.mark.parametrize("operation", [*OWN, *NAMED], ids=" ".join)
def test_bob_may_not(operation: tuple[str, str], town: Neighbours, there: dict[str, str]) -> None:
    method, path = operation
    given, _ = (OWN | NAMED)[operation]
    if operation in SCOPELESS | BOBS:
        assert town.bob(method, address(path, there), **given).status_code == 200
        return
    answer = town.bob(method, address(path, there), **given)
    assert answer.status_code == 403
    assert answer.json()["code"] == "token_scope_missing"
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.conformance("BAD 41")
@pytest.mark.parametrize("operation", [*OWN, *NAMED], ids=" ".join)
def test_nobody_without_a_token(operation: tuple[str, str], town: Neighbours, there: dict[str, str]) -> None:
    method, path = operation
    given, _ = (OWN | NAMED)[operation]
    stranger = type(town.alice)(town.served.port, "entracte_" + "A" * 43)
    problem = stranger.refused(method, address(path, there), 401, **given)
    assert problem["code"] == "token_refused"


def test_charlie_has_his_own(town: Neighbours) -> None:
    for (method, path), (given, status) in OWN.items():
        answer = town.charlie(method, address(path, {}), **given)
        assert answer.status_code == status, answer.text
    for path in ("/campaigns", "/attempts?short_code=K7Q-2M4"):
        assert town.charlie.get(path)["items"] == []
    [draft] = town.charlie.get("/drafts")["items"]
    assert draft["revision"] == 1
    town.charlie("DELETE", "/connections/second")


def test_alice_gets_it(town: Neighbours, there: dict[str, str]) -> None:
    """Last: this changes and removes what the others asked for."""
    town.alice("DELETE", "/connections/second")
    for (method, path), (given, status) in OWN.items():
        if method != "put":
            assert town.alice(method, address(path, there), **given).status_code == status, (method, path)
    for (method, path), (given, status) in NAMED.items():
        answer = town.alice(method, address(path, there), **given)
        assert answer.status_code == status, (method, path, answer.text)

"""Bearer tokens at the running server."""

import pytest

from entracte.organizations.tokens import Scope
from entracte.store.opened import Store
from entracte.store.tables import token, token_address
from entracte.values import now
from tests.api.programs import Neighbours, Program, make_token


def program(town: Neighbours, *scopes: str) -> Program:
    return Program(town.served.port, make_token(town.served, town.served.organization, scopes).text.reveal())


def test_a_token_says_what_it_is(town: Neighbours) -> None:
    calling = program(town, Scope.ENTRIES_READ)
    said = calling.get("/token")
    assert said["scopes"] == ["entries:read"]
    assert said["valid"] is True
    assert "token" not in said


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic YWxpY2U6eA==", "entracte_" + "A" * 43])
def test_without_a_token(authorization: str, town: Neighbours) -> None:
    answer = town.alice("GET", "/token", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="entracte"')
    assert answer.json()["code"] in ("token_missing", "token_refused")


def test_a_token_in_the_address_is_none(town: Neighbours) -> None:
    answer = town.alice("GET", f"/token?access_token={town.alice.token}", headers={"Authorization": ""})
    assert answer.status_code == 401


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "A", lambda text: text.swapcase(),
                                    lambda text: text.removeprefix("entracte_")])  # fmt: skip
def test_an_altered_token(change: object, town: Neighbours) -> None:
    altered = Program(town.served.port, change(town.alice.token))  # type: ignore[operator]
    assert altered.refused("GET", "/token", 401)["code"] == "token_refused"


def test_a_token_makes_one_that_may_less(town: Neighbours) -> None:
    maker = program(town, Scope.TOKENS_WRITE, Scope.ENTRIES_READ)
    made = maker.post("/tokens", json={"name": "less", "scopes": ["entries:read"], "days": 2})
    assert Program(town.served.port, made["token"]).get("/token")["id"] == made["id"]
    beyond = maker.refused("POST", "/tokens", 403, json={"name": "more", "scopes": ["tokens:read", "entries:read"]})
    assert beyond["code"] == "token_scope_beyond"
    assert beyond["where"] == "scopes"


def test_a_revoked_token_opens_nothing(town: Neighbours) -> None:
    made = town.alice.post("/tokens", json={"name": "short", "scopes": ["tokens:read"]})
    short = Program(town.served.port, made["token"])
    assert short.get("/token")["valid"] is True
    assert town.alice("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert short.refused("GET", "/token", 401)["code"] == "token_refused"
    shown = town.alice.get(f"/tokens/{made['id']}")
    assert shown["valid"] is False
    assert shown["revoked_at"] is not None


def test_a_token_that_is_over_opens_nothing(town: Neighbours) -> None:
    made = make_token(town.served, town.served.organization, ["tokens:read"])
    over = Program(town.served.port, made.text.reveal())
    assert over.get("/token")["id"] == str(made.token.id)

    async def end(store: Store) -> None:
        ended = token.update().where(token.c.id == made.token.id).values(expires_at=now())
        await store.commits.write(lambda connection: connection.execute(ended).rowcount)

    town.served.work(end)
    assert over.refused("GET", "/token", 401)["code"] == "token_refused"


def test_the_database_holds_no_token(town: Neighbours) -> None:
    async def rows(store: Store) -> str:
        statements = (token.select(), token_address.select())
        return await store.commits.read(
            lambda connection: repr([connection.execute(statement).all() for statement in statements])
        )

    kept = town.served.work(rows)
    assert town.alice.token not in kept
    assert town.alice.token.removeprefix("entracte_") not in kept


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({"name": "", "scopes": ["tokens:read"]}, "body.name"),
        ({"name": "x" * 81, "scopes": ["tokens:read"]}, "body.name"),
        ({"name": "x", "scopes": []}, "body.scopes"),
        ({"name": "x", "scopes": ["everything"]}, "body.scopes[0]"),
        ({"name": "x", "scopes": ["tokens:read"], "days": 0}, "body.days"),
        ({"name": "x", "scopes": ["tokens:read"], "days": 367}, "body.days"),
        ({"name": "x", "scopes": ["tokens:read"], "expires": "never"}, "body.expires"),
        ({"name": "two\nlines", "scopes": ["tokens:read"]}, "name"),
        ({"name": "  ", "scopes": ["tokens:read"]}, "name"),
    ],
)
def test_what_is_no_token(wanted: object, where: str, town: Neighbours) -> None:
    assert town.alice.refused("POST", "/tokens", 400, json=wanted)["where"] == where

"""Programs that call the REST API of a running Entracte: Alice's may do everything, Bob's is of the same organization
and may do nothing, Charlie's may do everything in another organization."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from entracte.organizations import tokens
from entracte.organizations.manage import add_organization
from entracte.organizations.model import Brand, Organization
from entracte.organizations.tokens import NewToken, Scope
from entracte.store.opened import Store
from entracte.values import entropy, now
from tests.bad_input.stage import Served, Stage, staged
from tests.installation import Installation
from tests.web.running import Browser

EVERYTHING = tuple(scope.value for scope in Scope)
FORM = (("first_name", "Ana"), ("email", "ada@northwind.example"), ("phone", ""), ("rules", "yes"))


class Program:
    """Calls with one token."""

    def __init__(self, port: int, token: str) -> None:
        self.token = token
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60)

    def __call__(self, method: str, path: str, **given: Any) -> httpx.Response:
        # no connection is left open for another call
        headers = {"Authorization": f"Bearer {self.token}", "Connection": "close", **given.pop("headers", {})}
        return self._client.request(method, path, headers=headers, **given)

    def get(self, path: str, **given: Any) -> Any:
        """What is there."""
        answer = self("GET", path, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, status: int = 201, **given: Any) -> Any:
        answer = self("POST", path, **given)
        assert answer.status_code == status, answer.text
        return answer.json()

    def refused(self, method: str, path: str, status: int, **given: Any) -> Any:
        """The problem document (RFC 9457)."""
        answer = self(method, path, **given)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert problem["type"].endswith(f"/api/problems/{problem['code']}")
        return problem


@dataclass
class Neighbours:
    """A stage with three programs and what they may find there."""

    stage: Stage
    alice: Program
    bob: Program
    charlie: Program

    @property
    def served(self) -> Served:
        return self.stage.installation

    def enter(self, browser: Browser | None = None) -> None:
        """Somebody plays the quiz to its end, signed in."""
        someone = browser or self.served.browser()
        someone.answer_questions()
        assert someone.sign_in().path == "/c/quiz/details"
        assert someone.get("/c/quiz/details").status == 200
        assert someone.post("/c/quiz/details", FORM).path == "/c/quiz"


def make_token(served: Installation, organization: Organization, scopes: Iterable[str] = EVERYTHING) -> NewToken:
    """A token, made beside the server."""

    async def make(store: Store) -> NewToken:
        wanted = list(scopes)
        return await tokens.create(store.tokens, organization.number, "tests", wanted, 1, now(), entropy, uuid4())

    return served.work(make)


def other_organization(served: Installation, name: str = "contoso") -> Organization:
    """A further customer."""

    async def add(store: Store) -> Organization:
        keys = served.settings.seal_keys()
        return await add_organization(store.organizations, name, name.title(), Brand(), keys, entropy)

    return served.work(add)


@contextmanager
def neighbours(folder: Path, **settings: Any) -> Iterator[Neighbours]:
    """Alice, Bob and Charlie at a running Entracte."""
    with staged(folder, **settings) as stage:
        served = stage.installation
        contoso = other_organization(served)

        def program(organization: Organization, *scopes: str) -> Program:
            return Program(served.port, make_token(served, organization, scopes).text.reveal())

        yield Neighbours(
            stage,
            program(served.organization, *EVERYTHING),
            program(served.organization, Scope.TOKENS_READ.value),
            program(contoso, *EVERYTHING),
        )

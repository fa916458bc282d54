"""The OAuth service opens the state before any database and any network: the program here has neither.

The store was never started, so that whoever asks it is refused; the fetcher has no session.
"""

from typing import Any
from uuid import uuid4

import pytest

from entracte.protocol.seal import encode
from entracte.protocol.state import StateContent, seal_state
from entracte.settings import read_settings
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, ParticipationId, entropy, now
from entracte.wiring import Program


@pytest.fixture
def program() -> Program:
    return Program(read_settings(database_url="sqlite://", secret_keys=f"1:{encode(entropy(32))}"))


async def status_of(program: Program, query: str, path: str = "/oauth/callback") -> int:
    """The status of the redirect URI with a query, asked of the application itself."""
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
    }
    told: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    await program.app(scope, receive, send)
    [status] = told
    return status


@pytest.mark.parametrize("state", ["", "x", "A" * 64, "A" * 63, "é"])
@pytest.mark.parametrize("path", ["/oauth/callback", "/oauth/callback/1-1", "/oauth/callback/x"])
async def test_a_state_that_does_not_open_asks_nobody(program: Program, state: str, path: str) -> None:
    assert await status_of(program, f"code=x&state={state}", path) == 400


async def test_one_that_opens_asks_for_its_campaign(program: Program) -> None:
    """So that the test above can fail: behind the seal the store is asked, and is not there."""
    content = StateContent(CampaignNumber(1), ConnectionNumber(1), ParticipationId(uuid4()), AttemptNumber(1), now())
    state = seal_state(content, program.keys)
    for path in ("/oauth/callback", "/oauth/callback/1-1"):
        assert await status_of(program, f"code=x&state={state}", path) == 503
    assert await status_of(program, f"code=x&state={state}", "/oauth/callback/x") == 400, "that is no connection's"

"""How many requests a token may make."""

from collections.abc import Iterator

import pytest

from tests.api.programs import Neighbours, Program, make_token, neighbours

LIMIT = 5


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    with neighbours(tmp_path_factory.mktemp("busy"), api_requests_per_minute=LIMIT) as running:
        yield running


def test_a_token_has_its_requests_and_no_more(busy: Neighbours) -> None:
    for left in range(LIMIT - 1, -1, -1):
        answer = busy.alice("GET", "/token")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == f'"requests";q={LIMIT};w=60'
        assert answer.headers["RateLimit"].startswith(f'"requests";r={left};t=')
    for _ in range(3):
        refused = busy.alice("GET", "/token")
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_requests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit"].startswith('"requests";r=0;t=')


def test_another_token_has_its_own(busy: Neighbours) -> None:
    colleague = Program(busy.served.port, make_token(busy.served, busy.served.organization).text.reveal())
    assert colleague.get("/token")["valid"] is True


def test_what_is_refused_counts_too(busy: Neighbours) -> None:
    for _ in range(LIMIT):
        busy.bob.refused("GET", "/connections", 403)
    busy.bob.refused("GET", "/connections", 429)

"""Every operation does what the description of the API says, for values that nobody thought of (schemathesis)."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from entracte.web.api.app import document
from tests.api.programs import Neighbours, neighbours


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    with neighbours(tmp_path_factory.mktemp("schema"), api_requests_per_minute=1_000_000) as running:
        running.enter()
        yield running


schema = schemathesis.openapi.from_dict(document("http://localhost"))


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
def test_it_does_what_it_says(case: schemathesis.Case[Any], described: Neighbours) -> None:
    address = f"http://127.0.0.1:{described.served.port}"
    headers = {"Authorization": f"Bearer {described.alice.token}"}
    # what fits the schema can still be refused for what it means: settings that exclude each other, a key used twice
    case.call_and_validate(base_url=address, headers=headers, timeout=30, excluded_checks=[positive_data_acceptance])


def test_nothing_unexpected_happened(described: Neighbours) -> None:
    assert described.served.logged("unexpected") == []
    assert described.alice.get("/token")["valid"] is True


def test_the_server_says_what_was_tried(described: Neighbours) -> None:
    served = described.alice("GET", "../openapi.json").json()
    assert served["openapi"].startswith("3.1.")
    assert served == {**document("http://localhost"), "servers": [{"url": described.served.settings.public_url}]}

"""A request that stays here: the browser brings the login an address of ours, and the server fetches the request object
from there, by TLS, and our keys as well."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conformance.stage import Stage, follow
from tests.journeys.tls_front import tls_front
from tests.misbehaving_provider import client_context
from tests.web.running import PUBLIC

EMAIL = "ada@northwind.example"


@pytest.fixture
def fetching(stage: Stage) -> Iterator[Stage]:
    """A provider that takes no request but by a signed object, and fetches from us over the network."""
    with tls_front(stage.site.port) as port:
        stage.provider.hosts_of_clients = {"play.example": port}
        stage.provider.trust_of_clients = client_context()
        stage.provider.request_object_required = True
        yield stage


@pytest.mark.parametrize(
    "algorithm", [pytest.param("RS256", marks=pytest.mark.conformance("request-uri-signed-rs256")), "ES256", "PS256"]
)
def test_a_signed_request_is_fetched_and_answered(fetching: Stage, algorithm: str) -> None:
    kept = fetching.openid(request_object="reference", signing_algorithm=algorithm)
    client = f"{PUBLIC}/oauth/clients/{kept.organization}-{kept.number}"
    provider = fetching.provider
    provider.request_object_algorithm = algorithm
    provider.client_jwks, provider.client_jwks_uri = {}, f"{client}/jwks"
    browser, address = fetching.at_the_login()
    asked = parse_qs(urlsplit(address).query)
    assert asked.keys() == {"client_id", "request_uri", "response_type", "scope"}
    assert asked["request_uri"][0].startswith(f"{client}/requests/")
    assert EMAIL in follow(browser, browser.carry_back(address).path).body
    assert fetching.asked() == ["/token", "/jwks", "/userinfo"]

"""What a server finds at its connection's own address: our public keys, and the request of a sign-in that has begun."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from entracte.connections.authorization_request import REFERENCE_AGE, REFERENCE_PURPOSE, opened_reference
from entracte.connections.own_keys import published
from entracte.protocol.jws import verify_signature
from entracte.protocol.keys import read_jwks
from entracte.protocol.messages import HttpResponse
from entracte.protocol.seal import seal
from entracte.protocol.state import seal_state
from entracte.values import Secret, now
from tests.misbehaving_provider import served_misbehaving_provider
from tests.web.at_a_login import Stage
from tests.web.running import PUBLIC, Running, running

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("client")) as started:
        yield started


@pytest.fixture
def stage(site: Running) -> Iterator[Stage]:
    with served_misbehaving_provider() as provider:
        yield Stage(site, provider)


def reference_of(stage: Stage) -> str:
    """What the browser is sent to the login with, instead of a request."""
    _browser, address = stage.at_the_login()
    [reference] = parse_qs(urlsplit(address).query)["request_uri"]
    assert len(reference) <= 512, "OpenID Connect Core section 6.2"
    return reference.removeprefix(PUBLIC)


def test_the_keys_are_public_and_of_this_connection(stage: Stage) -> None:
    kept = stage.connect(authentication="private_key_jwt", dpop=True)
    answer = stage.site.ask(f"/oauth/clients/{kept.organization}-{kept.number}/jwks")
    assert (answer.status, answer["content-type"]) == (200, "application/jwk-set+json")
    assert answer["cache-control"] == "public, max-age=300"
    document = json.loads(answer.body)
    assert document == published(kept)
    assert len(document["keys"]) == 1, "the key of proofs is in the proofs"
    assert not any(PRIVATE_MEMBERS & key.keys() for key in document["keys"])


@pytest.mark.parametrize(
    "client", ["1", "1-", "-1", "1-999999", "999999-1", "a-b", "1-1-1", "1-\u0661", "1" * 30 + "-1"]
)
def test_nobody_else_is_there(site: Running, client: str) -> None:
    for path in ("jwks", "requests/x"):
        assert site.ask(f"/oauth/clients/{quote(client)}/{path}").status == 404


@pytest.mark.parametrize(
    "algorithm", [pytest.param("RS256", marks=pytest.mark.conformance("request-uri-signed-rs256")), "ES256"]
)
def test_a_request_is_signed_when_it_is_asked_for(stage: Stage, algorithm: str) -> None:
    kept = stage.connect(request_object="reference", signing_algorithm=algorithm)
    answer = stage.site.ask(reference_of(stage))
    assert (answer.status, answer["content-type"]) == (200, "application/oauth-authz-req+jwt")
    assert answer["cache-control"] == "no-store"
    keys = read_jwks(HttpResponse(200, {"content-type": "application/json"}, json.dumps(published(kept)).encode()))
    claims = verify_signature(Secret(answer.body), keys, frozenset({algorithm})).claims
    assert (claims["aud"], claims["client_id"]) == (stage.provider.issuer, stage.provider.client_id)
    assert claims["code_challenge_method"] == "S256"
    assert len(claims["state"]) == 64


@pytest.mark.parametrize("change", ["altered", "another connection", "too old", "no longer"])
def test_a_request_that_is_not_asked_for_any_more_is_not_there(stage: Stage, change: str) -> None:
    kept = stage.connect(request_object="reference")
    path = reference_of(stage)
    folder, _, sealed = path.rpartition("/")
    keys = stage.site.program.keys
    if change == "altered":
        path = f"{folder}/{sealed[:-6]}AAAAAA"
    if change == "another connection":
        other = stage.connect(request_object="reference")
        path = f"/oauth/clients/{other.organization}-{other.number}/requests/{sealed}"
    if change == "too old":
        asked, _state = opened_reference(sealed, "", keys, now())
        old = seal_state(replace(asked.content, issued_at=now() - REFERENCE_AGE - 1), keys)
        again = {"state": old, "callback": asked.redirect_uri, "language": "en"}
        path = f"{folder}/{seal(json.dumps(again).encode(), REFERENCE_PURPOSE, keys)}"
    if change == "no longer":
        other = stage.connect()
        path = f"/oauth/clients/{other.organization}-{other.number}/requests/{sealed}"
    assert kept.config.request_object
    assert stage.site.ask(path).status == 404

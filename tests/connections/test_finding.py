"""Finding an issuer by WebFinger, over real sockets."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from entracte.connections.finding import issuer_of
from entracte.errors import LocalError
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpRequest, HttpResponse
from tests.connections.relying import Relying


@pytest.mark.conformance("discovery-webfinger-url")
@pytest.mark.parametrize("typed", ["http://{host}/alice", "{host}"])
async def test_the_issuer_of_an_address(relying: Relying, typed: str) -> None:
    host = urlsplit(relying.provider.issuer).netloc
    found = await issuer_of(typed.format(host=host), relying.fetcher, relying.fetcher.insecure_allowed)
    assert found == relying.provider.issuer
    assert relying.paths() == ["/.well-known/webfinger"]


@pytest.mark.conformance("discovery-webfinger-acct")
@pytest.mark.parametrize("typed", ["alice@127.0.0.1", "acct:alice@127.0.0.1"])
async def test_the_issuer_of_an_account(relying: Relying, typed: str) -> None:
    """An account has no port (RFC 7565): only that is put in on the way."""

    async def fetch(request: HttpRequest) -> HttpResponse:
        assert request.url.startswith("http://127.0.0.1/.well-known/webfinger?resource=acct%3Aalice%40127.0.0.1&")
        asked = request.url.replace("http://127.0.0.1", relying.provider.issuer, 1)
        return await relying.fetcher(replace(request, url=asked))

    assert await issuer_of(typed, fetch, relying.fetcher.insecure_allowed) == relying.provider.issuer


async def test_what_nobody_could_have_typed(relying: Relying) -> None:
    for typed in ("", "=alice", "alice@", "@"):
        with pytest.raises(LocalError, match="identifier_malformed"):
            await issuer_of(typed, relying.fetcher, relying.fetcher.insecure_allowed)
    assert relying.paths() == []


@pytest.mark.parametrize("misbehaviour", ["webfinger_internal", "webfinger_plain_http", "webfinger_no_link"])
async def test_a_hint_that_can_not_be_used(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    host = urlsplit(relying.provider.issuer).netloc
    with pytest.raises(Refused) as refused:
        await issuer_of(f"http://{host}/alice", relying.fetcher, relying.fetcher.insecure_allowed)
    assert refused.value.reason in (Reason.METADATA_MALFORMED, Reason.METADATA_LACKS)
    assert "alice" not in str(refused.value)

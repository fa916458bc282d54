"""Discovery of a server that is asked for no ID token: RFC 8414 first, the OpenID document where that is not there."""

import pytest
from aiohttp import web

from entracte.connections.configuration import configure
from entracte.connections.metadata import discover
from entracte.fetch import Fetcher, OutboundAllow
from entracte.protocol.errors import Reason, Refused
from tests.connections.relying import Relying

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


async def test_without_an_id_token_the_oauth_document_is_asked_for(relying: Relying) -> None:
    fetcher, issuer = relying.fetcher, relying.provider.issuer
    given = {
        "name": "plain", "title": "Plain", "client_id": "us", "issuer": issuer, "scopes": ("profile",),
        "profile_source": "userinfo",
    }  # fmt: skip
    config = await configure(given, fetcher, fetcher.insecure_allowed)
    assert relying.paths() == [OAUTH]
    assert (config.token_endpoint, config.is_openid) == (f"{issuer}/token", False)


async def test_an_issuer_that_differs_ends_it_without_a_second_try(relying: Relying) -> None:
    relying.provider.misbehaviour = "discovery_wrong_issuer"
    with pytest.raises(Refused) as refused:
        await discover(relying.provider.issuer, relying.fetcher, relying.fetcher.insecure_allowed, openid=False)
    assert refused.value.reason is Reason.METADATA_ISSUER
    assert relying.paths() == [OAUTH]


async def test_a_server_with_the_openid_document_alone() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path != OPENID:
            return web.Response(status=404)
        issuer = f"http://{request.host}"
        document = {name: f"{issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
        return web.json_response({"issuer": issuer, **document})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    fetcher = Fetcher(OutboundAllow.parse("127.0.0.1"))
    await fetcher.start()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
        found = await discover(issuer, fetcher, fetcher.insecure_allowed, openid=False)
    finally:
        await fetcher.stop()
        await runner.cleanup()
    assert asked == [OAUTH, OPENID]
    assert found.token_endpoint == f"{issuer}/token_endpoint"

"""A configuration that is changed: what is new is held against the server's metadata, as when it is added."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from entracte.connections.configuration import changed, configure
from entracte.connections.model import ConnectionConfig
from entracte.protocol.errors import Reason, Refused
from tests.connections.relying import Relying, relying_on
from tests.connections.test_protected_requests import trusting_the_provider
from tests.misbehaving_provider import MisbehavingProvider

METADATA = "/.well-known/openid-configuration"


@pytest.fixture
async def relying() -> AsyncIterator[Relying]:
    """At a provider that has a second address for clients with a certificate."""
    provider = MisbehavingProvider(https=True, mtls=True)
    async with relying_on(provider, tls=trusting_the_provider) as sides:
        yield sides


async def added(relying: Relying, **given: Any) -> ConnectionConfig:
    plain = {"name": "northwind", "title": "Northwind", "client_id": "us", "issuer": relying.provider.issuer}
    made = await configure({**plain, **given}, relying.fetcher, relying.fetcher.insecure_allowed)
    relying.provider.requests.clear()
    return made


async def after(relying: Relying, kept: ConnectionConfig, discovery: bool = True, **given: Any) -> ConnectionConfig:
    return await changed(kept, given, relying.fetcher, relying.fetcher.insecure_allowed, discovery=discovery)


@pytest.mark.conformance("mtls-endpoint-aliases")
async def test_who_begins_to_show_a_certificate_goes_to_the_aliases_and_back(relying: Relying) -> None:
    relying.provider.authentication = "client_secret_basic self_signed_tls_client_auth"
    plain, aliases = relying.provider.issuer, relying.provider.mtls_issuer
    kept = await added(relying, userinfo_endpoint=f"{plain}/userinfo")
    by_certificate = await after(relying, kept, authentication="self_signed_tls_client_auth")
    assert by_certificate.token_endpoint == f"{aliases}/token"
    assert by_certificate.userinfo_endpoint == f"{aliases}/userinfo"
    assert by_certificate == await added(relying, authentication="self_signed_tls_client_auth")
    again = await after(relying, by_certificate, authentication="client_secret_basic")
    assert (again.token_endpoint, again.userinfo_endpoint) == (f"{plain}/token", f"{plain}/userinfo")
    assert again == kept


async def test_an_address_that_was_set_by_hand_stays(relying: Relying) -> None:
    relying.provider.authentication = "client_secret_basic self_signed_tls_client_auth"
    kept = await added(relying, token_endpoint="https://tokens.northwind.example/token")
    now = await after(relying, kept, authentication="self_signed_tls_client_auth")
    assert now.token_endpoint == "https://tokens.northwind.example/token"
    at_once = await after(
        relying, kept, authentication="self_signed_tls_client_auth", token_endpoint=f"{relying.provider.issuer}/token"
    )
    assert at_once.token_endpoint == f"{relying.provider.issuer}/token"


@pytest.mark.parametrize(
    "given",
    [
        {"profile": "fapi2-security"},
        {"authentication": "tls_client_auth"},
        {"dpop": True},
        {"response_type": "id_token"},
    ],
)
async def test_what_the_server_can_not_is_refused(relying: Relying, given: dict[str, Any]) -> None:
    relying.provider.par_required = True
    kept = await added(relying)
    with pytest.raises(Refused) as refused:
        await after(relying, kept, **given)
    assert refused.value.reason is Reason.METADATA_LACKS
    assert relying.paths() == [METADATA]


async def test_a_profile_takes_what_the_server_can(relying: Relying) -> None:
    provider = relying.provider
    provider.authentication, provider.algorithm = "private_key_jwt client_secret_basic", "PS256"
    provider.dpop_required = provider.par_required = True
    kept = await added(relying)
    now = await after(relying, kept, profile="fapi2-security")
    assert (now.id_token_algorithms, now.dpop, now.push_requests) == (("PS256",), True, True)


@pytest.mark.parametrize(
    "given", [{"title": "New"}, {"claims": {"email": "mail"}}, {"authentication": "client_secret_basic"}]
)
async def test_what_is_ours_alone_asks_nobody(relying: Relying, given: dict[str, Any]) -> None:
    kept = await added(relying)
    await after(relying, kept, **given)
    await after(relying, kept, discovery=False, dpop=True)
    assert relying.paths() == []

"""A server whose endpoints for clients with a certificate have addresses of their own (RFC 8705 section 5)."""

import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from entracte.connections.configuration import configure
from entracte.connections.model import Connection
from entracte.connections.opened_keys import opened
from entracte.fetch import tls_context
from entracte.values import now
from tests.conformance.sign_in.outcomes import EMAIL
from tests.connections.relying import KEYS, Relying, relying_on
from tests.misbehaving_provider import Certified, MisbehavingProvider, authority

SHOWN = ["/par", "/token", "/introspect", "/userinfo", "/revoke"]
"""What is asked with a certificate, in order."""


def trusting_the_provider() -> ssl.SSLContext:
    context = tls_context()
    context.load_verify_locations(cadata=authority().certificate.decode())
    return context


@pytest.fixture
async def relying() -> AsyncIterator[Relying]:
    provider = MisbehavingProvider(
        https=True, mtls=True, only_mtls_aliases=True, announces=True, par_required=True,
        authentication="self_signed_tls_client_auth",
    )  # fmt: skip
    async with relying_on(provider, tls=trusting_the_provider) as sides:
        yield sides


async def found(relying: Relying, **settings: Any) -> Connection:
    """A connection by discovery, whose certificate the provider knows."""
    given = {
        "name": "northwind", "title": "Northwind", "client_id": relying.provider.client_id,
        "issuer": relying.provider.issuer, "authentication": "self_signed_tls_client_auth", **settings,
    }  # fmt: skip
    config = await configure(given, relying.fetcher, relying.fetcher.insecure_allowed)
    connection = relying.connection(**config.model_dump())
    certificate = opened(connection, KEYS, now()).certificate
    assert certificate is not None
    relying.provider.trust_certificate(Certified(certificate.chain.encode(), b""))
    return connection


@pytest.mark.conformance("mtls-endpoint-aliases")
async def test_by_discovery_every_call_that_proves_us_goes_to_an_alias_with_the_certificate(relying: Relying) -> None:
    connection = await found(relying, profile_source="userinfo", introspect_tokens=True, revoke_tokens=True)
    relying.provider.requests.clear()
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL
    calls = [call for call in relying.provider.requests if call.path in SHOWN]
    assert [call.path for call in calls] == SHOWN
    assert {call.headers["host"] for call in calls} == {urlsplit(relying.provider.mtls_issuer).netloc}
    certificates = {call.certificate for call in calls}
    assert certificates == relying.provider.client_certificates
    others = [call for call in relying.provider.requests if call.path not in SHOWN]
    assert [call.path for call in others] == ["/authorize", "/jwks"]
    assert {(call.headers["host"], call.certificate) for call in others} == {
        (urlsplit(relying.provider.issuer).netloc, b"")
    }


@pytest.mark.conformance("fapi2-happy-path", "mtls-endpoint-aliases")
async def test_fapi_2_by_discovery_at_a_server_that_binds_to_certificates(relying: Relying) -> None:
    """It has no DPoP: tokens are bound to the certificate, by which we prove ourselves too."""
    relying.provider.algorithm, relying.provider.announces = "ES256", False
    relying.provider.metadata = {"tls_client_certificate_bound_access_tokens": True}
    connection = await found(relying, profile="fapi2-security", profile_source="userinfo")
    assert (connection.config.dpop, connection.config.certificate_bound_tokens) == (False, True)
    relying.provider.requests.clear()
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL
    assert relying.paths() == ["/par", "/authorize", "/token", "/jwks", "/userinfo"]
    shown = [call for call in relying.provider.requests if call.path in SHOWN]
    assert {call.certificate for call in shown} == relying.provider.client_certificates
    assert "dpop" not in {name for call in shown for name in call.headers}

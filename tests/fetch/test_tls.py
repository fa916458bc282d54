"""TLS on real sockets: the twin of `fetch.tls`."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from entracte.errors import LocalError
from entracte.fetch import Fetcher, OutboundAllow, tls_context
from entracte.fetch.tls import Contexts
from entracte.protocol.errors import Reason
from tests.fetch.certificates import Authority, self_signed
from tests.fetch.servers import CLOSING, answer, fetching, listening, names, post, refusal, saying, staying


@pytest.mark.conformance("MUST 38")
async def test_the_original_name_is_in_sni_host_and_certificate(authority: Authority) -> None:
    context = authority.server("login.example")
    async with (
        listening(saying(answer(b"tls")), tls=context) as server,
        fetching(resolve=names(login_example=["127.0.0.1"]), tls=authority.trusted) as fetcher,
    ):
        response = await fetcher(post(server.url("login.example", "https")))
        assert response.body == b"tls"
        assert server.names == ["login.example"]
        assert f"\r\nHost: login.example:{server.port}\r\n".encode() in server.requests[0]


async def test_tls_connections_are_kept(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        for _ in range(3):
            await fetcher(post(server.url(scheme="https")))
        assert server.connections == 1


@pytest.mark.parametrize(
    ("host", "days", "why"),
    [("login.example", -1, "certificate has expired"), ("other.example", 10, "Hostname mismatch")],
)
@pytest.mark.conformance("MUST 40")
async def test_a_certificate_that_does_not_hold(authority: Authority, host: str, days: int, why: str) -> None:
    context = authority.server(host, days=days)
    async with (
        listening(saying(CLOSING), tls=context) as server,
        fetching(resolve=names(login_example=["127.0.0.1"]), tls=authority.trusted) as fetcher,
    ):
        refused = await refusal(fetcher, post(server.url("login.example", "https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert why in refused.evidence
        assert server.requests == []


@pytest.mark.conformance("MUST 40")
async def test_a_certificate_of_an_authority_that_nobody_trusts(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    async with listening(saying(CLOSING), tls=context) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url(scheme="https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert "certificate" in refused.evidence
        assert server.requests == []


@pytest.mark.conformance("MUST 40")
async def test_old_tls_is_refused(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with listening(saying(CLOSING), tls=context) as server, fetching(tls=authority.trusted) as fetcher:
        refused = await refusal(fetcher, post(server.url(scheme="https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert "TLS" in refused.evidence


SUITES = {
    # RFC 9325 section 4.2
    "ECDHE-ECDSA-AES128-GCM-SHA256": True,
    "ECDHE-ECDSA-AES256-GCM-SHA384": True,
    "ECDHE-RSA-AES128-GCM-SHA256": True,
    "ECDHE-RSA-AES256-GCM-SHA384": True,
    # FAPI 1.0 Part 2 section 8.5
    "DHE-RSA-AES128-GCM-SHA256": True,
    "DHE-RSA-AES256-GCM-SHA384": True,
    # CBC, no forward secrecy, a short tag, and what the profiles do not name
    "ECDHE-ECDSA-AES128-SHA256": False,
    "ECDHE-RSA-AES128-SHA256": False,
    "ECDHE-RSA-AES256-SHA384": False,
    "DHE-RSA-AES256-SHA256": False,
    "AES128-GCM-SHA256": False,
    "ECDHE-ECDSA-AES128-CCM8": False,
    "ECDHE-RSA-CHACHA20-POLY1305": False,
}
"""The suites of a server that speaks TLS 1.2, and whether we speak with it."""


@pytest.mark.parametrize("showing", [False, True], ids=["nothing", "a certificate"])
@pytest.mark.parametrize("suite", SUITES)
async def test_only_the_suites_of_the_profiles_are_spoken(authority: Authority, suite: str, showing: bool) -> None:
    context = authority.server("127.0.0.1", by_rsa="ECDSA" not in suite)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    if suite.startswith("DHE"):
        authority.with_groups(context)
    ours = self_signed() if showing else None
    async with listening(staying(answer(b"spoken")), tls=context) as server, fetching(tls=authority.trusted) as fetcher:
        request = replace(post(server.url(scheme="https")), client_certificate=ours)
        if SUITES[suite]:
            assert (await fetcher(request)).body == b"spoken"
            return
        refused = await refusal(fetcher, request)
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert "TLS" in refused.evidence
        assert server.requests == []


async def test_tls_1_3_is_spoken(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    async with listening(staying(answer(b"spoken")), tls=context) as server, fetching(tls=authority.trusted) as fetcher:
        assert (await fetcher(post(server.url(scheme="https")))).body == b"spoken"


def test_the_suites_are_of_the_level_of_security_as_before() -> None:
    contexts = Contexts(tls_context)
    offered = [one for one in contexts.plain.get_ciphers() if one["protocol"] == "TLSv1.2"]
    assert {one["name"] for one in offered} == {name for name, spoken in SUITES.items() if spoken}
    assert contexts.plain.security_level == ssl.create_default_context().security_level == 2


async def test_https_to_a_server_that_speaks_plain_http() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, fetching() as fetcher:
        refused = await refusal(fetcher, post(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"))
    assert refused.reason is Reason.PROVIDER_UNREACHABLE
    assert "TLS" in refused.evidence


@pytest.mark.conformance("MUST 40")
def test_a_context_that_does_not_verify_is_never_used() -> None:
    blind = ssl.create_default_context()
    blind.check_hostname = False
    with pytest.raises(ValueError, match="verification"):
        Fetcher(OutboundAllow(), tls=lambda: blind)
    blind.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="verification"):
        Fetcher(OutboundAllow(), tls=lambda: blind)


def test_a_file_of_authorities_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(LocalError) as caught:
            tls_context(str(tmp_path / name))
        assert caught.value.problem.code == "outbound_ca_file_unusable"
        assert caught.value.problem.where == "ENTRACTE_OUTBOUND_CA_FILE"

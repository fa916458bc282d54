"""TLS on real sockets: the twin of `fetch.tls`."""

import asyncio
import ssl
from pathlib import Path

import pytest

from entracte.errors import LocalError
from entracte.fetch import Fetcher, OutboundAllow, tls_context
from entracte.protocol.errors import Reason
from tests.fetch.certificates import Authority
from tests.fetch.servers import answer, fetching, listening, names, post, refusal, saying, staying


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
        listening(saying(answer()), tls=context) as server,
        fetching(resolve=names(login_example=["127.0.0.1"]), tls=authority.trusted) as fetcher,
    ):
        refused = await refusal(fetcher, post(server.url("login.example", "https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert why in refused.evidence
        assert server.requests == []


@pytest.mark.conformance("MUST 40")
async def test_a_certificate_of_an_authority_that_nobody_trusts(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    async with listening(saying(answer()), tls=context) as server, fetching() as fetcher:
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
    async with listening(saying(answer()), tls=context) as server, fetching(tls=authority.trusted) as fetcher:
        refused = await refusal(fetcher, post(server.url(scheme="https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert "TLS" in refused.evidence


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

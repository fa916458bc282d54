"""Certificates of ours, shown to real servers that ask for them (RFC 8705): the other twin of `fetch.tls`."""

import asyncio
import os
import ssl
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from entracte.errors import LocalError
from entracte.fetch.tls import MOST_CERTIFICATES, Contexts, in_memory, on_disk_for_a_moment, tls_context
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import ClientCertificate, HttpRequest
from entracte.values import Secret
from tests.fetch.certificates import Authority, asking, der, issued, self_signed
from tests.fetch.servers import answer, fetching, listening, names, post, refusal, staying

HOST = "127.0.0.1"


def showing(certificate: ClientCertificate | None, url: str) -> HttpRequest:
    return replace(post(url), client_certificate=certificate)


async def test_a_certificate_of_an_authority_is_shown_with_its_chain(authority: Authority) -> None:
    """tls_client_auth: the server knows the root alone, so the chain in between must have been sent."""
    ours = issued(authority)
    context = asking(authority.server(HOST), authority.pem)
    async with (
        listening(staying(answer(b"known")), tls=context) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        response = await fetcher(showing(ours, server.url(scheme="https")))
        assert response.body == b"known"
        assert server.certificates == [der(ours)]


async def test_a_certificate_of_our_own_is_known_by_its_fingerprint(authority: Authority) -> None:
    """self_signed_tls_client_auth: nobody vouches, and the server compares."""
    ours, other = self_signed(), self_signed()
    context = asking(authority.server(HOST), ours.chain)
    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        assert (await fetcher(showing(ours, server.url(scheme="https")))).status == 200
        assert server.certificates == [der(ours)]
        refused = await refusal(fetcher, showing(other, server.url(scheme="https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert len(server.requests) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_asks_and_gets_none(authority: Authority, version: ssl.TLSVersion) -> None:
    """In TLS 1.3 the server says so after the handshake, when our request is on its way."""
    context = asking(authority.server(HOST), authority.pem)
    context.minimum_version = context.maximum_version = version
    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        refused = await refusal(fetcher, showing(None, server.url(scheme="https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert server.requests == []


async def test_a_connection_carries_one_certificate_alone(authority: Authority) -> None:
    alice, bob = issued(authority, "alice"), issued(authority, "bob")
    context = asking(authority.server(HOST), authority.pem, always=False)
    order = [alice, None, bob, alice, None, bob, replace(alice)]
    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        for certificate in order:
            await fetcher(showing(certificate, server.url(scheme="https")))
        assert server.certificates == [certificate and der(certificate) for certificate in order]
        assert server.connections == 3, "each is kept and used again, for its own certificate"


async def test_certificates_do_not_mix_under_load(authority: Authority) -> None:
    certificates = [issued(authority, "alice"), issued(authority, "bob"), None]
    context = asking(authority.server(HOST), authority.pem, always=False)

    def named(number: int) -> HttpRequest:
        body = Secret(f"who={number % 3}")
        request = showing(certificates[number % 3], server.url(scheme="https"))
        return replace(request, body=body)

    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        for _ in range(3):
            await asyncio.gather(*(fetcher(named(number)) for number in range(24)))
        expected = [certificates[int(request[-1:])] for request in server.requests]
        assert server.certificates == [certificate and der(certificate) for certificate in expected]
        assert len(server.requests) == 72


async def test_a_certificate_changes_nothing_of_what_is_verified(authority: Authority) -> None:
    ours = issued(authority)
    async with (
        listening(staying(answer()), tls=asking(authority.server("other.example"), authority.pem)) as server,
        fetching(resolve=names(login_example=[HOST]), tls=authority.trusted) as fetcher,
    ):
        refused = await refusal(fetcher, showing(ours, server.url("login.example", "https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert "Hostname mismatch" in refused.evidence
    async with (
        listening(staying(answer()), tls=asking(authority.server(HOST), authority.pem)) as server,
        fetching() as fetcher,
    ):
        refused = await refusal(fetcher, showing(ours, server.url(scheme="https")))
        assert "certificate" in refused.evidence, "an authority that nobody trusts"
        assert server.requests == []


@pytest.mark.conformance("MUST 38")
async def test_a_certificate_opens_no_way_around_the_guard(authority: Authority) -> None:
    context = asking(authority.server(HOST), authority.pem)
    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(allow="", resolve=names(login_example=[HOST]), tls=authority.trusted) as fetcher,
    ):
        for host in (HOST, "login.example"):
            refused = await refusal(fetcher, showing(issued(authority), server.url(host, "https")))
            assert refused.reason is Reason.PROVIDER_BLOCKED
        assert server.connections == 0


async def test_a_certificate_is_not_shown_where_there_is_no_tls() -> None:
    async with listening(staying(answer())) as server, fetching() as fetcher:
        refused = await refusal(fetcher, showing(self_signed(), server.url()))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert "TLS" in refused.evidence
        assert server.connections == 0


def unusable() -> dict[str, ClientCertificate]:
    good, other = self_signed(), self_signed()
    return {
        "empty": ClientCertificate("", Secret("")),
        "no key": replace(good, private_key=Secret("")),
        "no certificate": replace(good, chain=""),
        "another key": replace(good, private_key=other.private_key),
        "a locked key": self_signed(password="password"),
        "no PEM": ClientCertificate("certificate", Secret("key")),
        "cut short": replace(good, chain=good.chain[:200]),
        "a NUL": replace(good, chain="\x00" + good.chain[30:]),
        "no ASCII": ClientCertificate("é", Secret("ü")),
        "no text": ClientCertificate("\ud800", Secret("")),
    }


@pytest.mark.parametrize("name", unusable())
async def test_a_certificate_that_can_not_be_used_is_a_refusal(authority: Authority, name: str) -> None:
    certificate = unusable()[name]
    async with (
        listening(staying(answer()), tls=authority.server(HOST)) as server,
        fetching(tls=authority.trusted) as fetcher,
    ):
        for _ in range(2):  # the second time as well
            refused = await refusal(fetcher, showing(certificate, server.url(scheme="https")))
            assert refused.reason is Reason.CLIENT_REFUSED
            assert "our certificate can not be used" in refused.evidence
            assert "PRIVATE KEY" not in refused.evidence
        assert server.connections == 0


def test_a_context_is_made_once_for_each_certificate(authority: Authority) -> None:
    made: list[ssl.SSLContext] = []

    def make() -> ssl.SSLContext:
        made.append(authority.trusted())
        return made[-1]

    contexts = Contexts(make)
    alice, bob = issued(authority, "alice"), issued(authority, "bob")
    for _ in range(5):
        assert contexts.showing(alice) is contexts.showing(replace(alice)) is not contexts.showing(bob)
    assert len(made) == 3
    for context in made:
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_contexts_of_many_certificates_are_not_kept_forever() -> None:
    contexts = Contexts(tls_context)
    for _ in range(MOST_CERTIFICATES + 5):
        contexts.showing(self_signed())
    assert contexts.showing.cache_info().currsize == MOST_CERTIFICATES


def test_authorities_that_went_away_are_a_refusal(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "authorities.pem").write_text(authority.pem)
    contexts = Contexts(lambda: tls_context(str(tmp_path / "authorities.pem")))
    (tmp_path / "authorities.pem").unlink()
    with pytest.raises(LocalError):
        tls_context(str(tmp_path / "authorities.pem"))
    with pytest.raises(Refused) as caught:
        contexts.showing(self_signed())
    assert caught.value.reason is Reason.CLIENT_REFUSED


def test_a_private_key_is_on_no_disk() -> None:
    with in_memory(b"key") as path:
        assert Path(path).read_bytes() == b"key"
        assert os.readlink(path) == "/memfd:certificate (deleted)"
    assert not Path(path).exists()


def test_where_there_are_no_files_in_memory_a_key_is_on_disk_for_a_moment() -> None:
    with on_disk_for_a_moment(b"key") as path:
        assert Path(path).read_bytes() == b"key"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert not Path(path).exists()


def test_no_descriptor_is_left_open() -> None:
    contexts = Contexts(tls_context)
    before = os.listdir("/proc/self/fd")
    contexts.showing(self_signed())
    with pytest.raises(Refused):
        contexts.showing(ClientCertificate("", Secret("")))
    assert os.listdir("/proc/self/fd") == before


def test_it_is_the_same_on_uvloop(authority: Authority) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_a_connection_carries_one_certificate_alone(authority))
        runner.run(test_certificates_do_not_mix_under_load(authority))

"""The outbound guard and the limits, on real sockets: every server here listens on loopback, on a free port."""

import asyncio
import datetime
import gzip
import random
import socket
import ssl
import time
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from entracte.errors import Kind, LocalError
from entracte.fetch import (
    DENIED,
    SETTING,
    Fetcher,
    Limits,
    OutboundAllow,
    check_addresses,
    embedded,
    is_public,
    read_destination,
    tls_context,
)
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import Secret

LOOPBACK = "127.0.0.0/8,::1/128"
CANARY = "canary-5f1c"
SMALL = Limits(body=10_000, idle=30)
PHASES = Limits(resolve=0.3, connect=0.3, tls=0.3, first_byte=0.3, total=8)
"""Each phase is short, and the whole is not: what runs out is the phase."""
WHOLE = Limits(first_byte=4, total=0.9)
"""The other way about."""
PUBLIC = "93.184.215.14"
PUBLIC6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

Speak = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


# Servers


@dataclass
class Listener:
    """A server that was started, and what it saw."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """The SNI of each TLS connection."""

    def url(self, host: str = "127.0.0.1", scheme: str = "http", path: str = "/token") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def answer(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def saying(raw: bytes) -> Speak:
    """Says this, and closes."""

    async def speak(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        writer.close()

    return speak


def staying(raw: bytes) -> Speak:
    """Says this, and keeps the connection open."""

    async def speak(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return speak


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return head + await reader.readexactly(int(length.split(b":")[1]))


@asynccontextmanager
async def listening(
    speak: Speak, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Listener]:
    listener = Listener()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        try:
            while not writer.is_closing():
                request = await _read_request(reader)
                listener.requests.append(request)
                await speak(request, writer)
                await writer.drain()
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if tls is not None:
        tls.sni_callback = lambda _socket, name, _context: listener.names.append(name)
    server = await asyncio.start_server(begin, host, port, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:  # also of a task that was cancelled before it began: nothing of it ever ran
            writer.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)  # what was aborted closes in the loop's next turn


@asynccontextmanager
async def fetching(
    allow: str = LOOPBACK,
    limits: Limits = SMALL,
    *,
    resolve: Callable[[str], Awaitable[Sequence[str]]] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Fetcher]:
    read = OutboundAllow.parse(allow)
    fetcher = Fetcher(read, limits, tls=tls) if resolve is None else Fetcher(read, limits, tls=tls, resolve=resolve)
    await fetcher.start()
    try:
        yield fetcher
    finally:
        await fetcher.stop()


def names(**known: Sequence[str]) -> Callable[[str], Awaitable[Sequence[str]]]:
    """A name server: `login_brand_example="127.0.0.1"` and so on."""

    async def resolve(host: str) -> Sequence[str]:
        found = known.get(host.replace(".", "_"))
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    return resolve


def get(url: str) -> HttpRequest:
    return HttpRequest("GET", url)


def post(url: str) -> HttpRequest:
    form = "application/x-www-form-urlencoded"
    secret_headers = {"Authorization": Secret(f"Bearer {CANARY}")}
    return HttpRequest(
        "POST", url, content_type=form, body=Secret(f"code={CANARY}"), secret_headers=secret_headers
    )  # fmt: skip


async def refusal(fetcher: Fetcher, request: HttpRequest) -> Refused:
    """The refusal of a request; it never tells more than the host, and brings no other exception along."""
    with pytest.raises(Refused) as caught:
        await fetcher(request)
    refused = caught.value
    text = "".join(traceback.format_exception(refused)) + refused.evidence + str(refused) + repr(refused)
    assert CANARY not in text
    assert "/token" not in refused.evidence
    assert refused.__cause__ is None
    assert refused.__context__ is None or refused.__suppress_context__
    assert "aiohttp" not in repr(refused.__context__)
    return refused


# Certificates


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own, and what it issues."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def trusted(self) -> ssl.SSLContext:
        return tls_context(str(self.folder / "authority.pem"))

    def server(self, *hosts: str, days: int = 10) -> ssl.SSLContext:
        """A server's context with a certificate for these hosts, valid for so many days (negative: expired)."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_general_name(host) for host in hosts]
        certificate = (
            _builder("server", self.certificate.subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{hosts[0]}.{days}.pem".replace("*", "any")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(name: str, issuer: x509.Name | None, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("certificates")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("test authority", None, key.public_key(), 30)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return Authority(folder, key, certificate)


# The allow list


def test_the_allow_list_is_empty_by_default() -> None:
    assert OutboundAllow.parse("") == OutboundAllow() == OutboundAllow((), frozenset())
    assert OutboundAllow.parse(" , ,") == OutboundAllow()


def test_the_allow_list_has_networks_addresses_and_names() -> None:
    allow = OutboundAllow.parse("127.0.0.0/8, ::1/128,10.1.2.3, fd00::7 ,Login.Intra.Example,bücher.example")
    assert [str(network) for network in allow.networks] == ["127.0.0.0/8", "::1/128", "10.1.2.3/32", "fd00::7/128"]
    assert allow.hosts == {"login.intra.example", "xn--bcher-kva.example"}
    assert allow.has(ip_address("127.3.2.1"))
    assert allow.has(ip_address("::ffff:127.0.0.1"))
    assert not allow.has(ip_address("10.1.2.4"))


@pytest.mark.parametrize(
    "item",
    [
        "10.0.0.1/8", "10.0.0.0/33", "300.1.1.1", "127.1", "0x7f.1", "2130706433", "*", "*.example", "a b",
        "localhost:80", "https://login.example", "user@host", "-a.example", "a..b", "::1::", "[::1]", "exa\nmple",
        "x" * 64 + ".example",
    ],
)  # fmt: skip
def test_an_item_of_the_allow_list_that_is_nothing_is_named(item: str) -> None:
    with pytest.raises(LocalError) as caught:
        OutboundAllow.parse(f"127.0.0.0/8,{item},localhost")
    (problem,) = caught.value.problems
    assert problem.code == "outbound_allow_malformed"
    assert problem.kind is Kind.BAD_INPUT
    assert problem.where == SETTING == "ENTRACTE_OUTBOUND_ALLOW"
    assert item[:100] in problem.message


def test_each_item_that_is_nothing_is_a_problem() -> None:
    with pytest.raises(LocalError) as caught:
        OutboundAllow.parse("10.0.0.1/8,*,localhost")
    assert len(caught.value.problems) == 2


# Addresses and networks


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "168.63.129.16", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1",
        "2002:7f00:1::", "2002:5db8:d70e::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
        "ff02::1", "4000::1", "::ffff:0:127.0.0.1",
    ],
)  # fmt: skip
def test_what_is_not_on_the_public_internet(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [PUBLIC, PUBLIC6, "1.1.1.1", "172.15.255.255", "172.32.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255",
     "100.128.0.1", "11.0.0.1", "2a00:1450:4001::1", f"::ffff:{PUBLIC}", "64:ff9b::5db8:d70e"],
)  # fmt: skip
def test_what_is_on_the_public_internet(address: str) -> None:
    assert is_public(ip_address(address))


def test_every_denied_network_is_denied_to_its_ends() -> None:
    for network in DENIED:
        assert not is_public(network[0])
        assert not is_public(network[-1])


def test_an_embedded_address_is_what_counts() -> None:
    assert str(embedded(ip_address("::ffff:10.1.2.3"))) == "10.1.2.3"
    assert str(embedded(ip_address("64:ff9b::10.1.2.3"))) == "10.1.2.3"
    assert str(embedded(ip_address(PUBLIC6))) == PUBLIC6


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://login.example/x", "login.example", 443),
        ("HTTPS://LOGIN.Example", "login.example", 443),
        ("https://login.example:8443?a=b", "login.example", 8443),
        ("http://login.example/", "login.example", 80),
        ("https://bücher.example/", "xn--bcher-kva.example", 443),
        ("https://ＬＯＧＩＮ.example/", "login.example", 443),
        ("https://[::FFFF:127.0.0.1]/", "::ffff:7f00:1", 443),
        ("https://[::1]:444/", "::1", 444),
        ("http://127.0.0.1:81/", "127.0.0.1", 81),
        ("https://１２７.0.0.1/", "127.0.0.1", 443),
        ("https://127。0。0。1/", "127.0.0.1", 443),
        ("https://my_tenant.login.example/", "my_tenant.login.example", 443),
    ],
)
def test_an_address_is_read(url: str, host: str, port: int) -> None:
    destination = read_destination(url)
    assert (destination.host, destination.port) == (host, port)


def test_path_and_query_are_sent_byte_for_byte() -> None:
    written = "https://login.example/a%2Fb/../c;d=e//?q=%41+b&iss=https://x@y/%zz|"
    assert str(read_destination(written).url) == written
    assert str(read_destination("https://login.example/ü").url) == "https://login.example/%C3%BC"


@pytest.mark.parametrize(
    "url",
    [
        "", "login.example", "//login.example", "ftp://login.example", "file:///etc/passwd", "gopher://login.example",
        "https:login.example", "https:///x", "https://", "https://:443/", "https://login.example:/", "https://login.example:0",
        "https://login.example:65536", "https://login.example:443443", "https://login.example:8o", "https://login.example.",
        "https://user@login.example", "https://user:secret@login.example", "http://localhost:80@attacker.test/cb",
        "https://client.test@attacker.test/cb", "https://@login.example", "https://login.example#x", "https://login.example/#",
        "https://login.example/?a#b", "http://[not-an-ip]/", "https://[::1", "https://[127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "https://[::1]x/", "https://127.1", "https://0x7f.1", "https://0x7f000001", "https://2130706433", "https://0177.0.0.1",
        "https://127.0.0.01", "https://127.0.0.0x1", "https://1.2.3.4.5", "https://256.1.1.1", "https://127%2e0.0.1",
        "https://localhost%00.example", "https://login.example\\@evil.example", "https://login.example\r\nHost: x/",
        "https://login.example/a b", "https://login.example/\t", "https://login .example", "https://-login.example",
        "https://login..example", "https://login.example/" + "x" * 9000, "https://" + "a." * 130 + "example", "https://*",
        "https://${jndi}", "https://exa<mple", " https://login.example", "https://login.example\n", "https://\x00", "https://１２７.1",
        "https://xn--a.example:80:80", "https://ex\u200bample\u2028.test",
    ],
)  # fmt: skip
def test_an_address_that_no_provider_would_have_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        read_destination(url)
    assert caught.value.reason is Reason.PROVIDER_BLOCKED
    assert caught.value.evidence
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://login.example", "https"),
        ("https://a@login.example", "user information"),
        ("https://login.example/#a", "fragment"),
        ("https://login.example/\x01", "characters"),
        ("https://login.example/" + "x" * 9000, "too long"),
        ("https://127.1", "number"),
        ("https://[1:2]/", "IPv6"),
        ("https://login.example:0", "port"),
        ("https:///x", "no usable host"),
    ],
)
def test_the_evidence_says_what_is_wrong_with_an_address(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_destination(url)


# The guard


NAMED = "intra.example"


@pytest.mark.parametrize(
    ("url", "addresses", "passes"),
    [
        # a public host: https alone, on a usual port
        ("https://login.example", [PUBLIC], True),
        ("https://login.example", [PUBLIC, PUBLIC6], True),
        ("https://login.example:8443", [PUBLIC], True),
        ("https://login.example:1024", [PUBLIC], True),
        ("https://login.example:80", [PUBLIC], False),
        ("https://login.example:25", [PUBLIC], False),
        ("https://login.example:1023", [PUBLIC], False),
        ("http://login.example", [PUBLIC], False),
        ("http://login.example:8080", [PUBLIC], False),
        # one address that is not public spoils all
        ("https://login.example", ["10.9.9.9"], False),
        ("https://login.example", [PUBLIC, "10.9.9.9"], False),
        ("https://login.example", [PUBLIC, "::1"], False),
        ("https://login.example", ["::ffff:169.254.169.254"], False),
        # an allowed network: http and any port, when all addresses are in it
        ("http://login.example", ["10.1.0.1"], True),
        ("https://login.example:25", ["10.1.0.1", "10.1.0.2"], True),
        ("https://login.example", ["10.1.0.1", PUBLIC], True),
        ("http://login.example", ["10.1.0.1", PUBLIC], False),
        ("https://login.example:25", ["10.1.0.1", PUBLIC], False),
        ("https://login.example", ["10.1.0.1", "10.2.0.1"], False),
        # a host that is named: whatever it resolves to
        ("http://intra.example", ["192.168.0.1"], True),
        ("https://intra.example:25", ["192.168.0.1"], True),
        ("https://sub.intra.example", ["192.168.0.1"], False),
        ("https://intra.example.evil.test", ["192.168.0.1"], False),
        ("https://evil-intra.example", ["192.168.0.1"], False),
    ],
)
def test_what_the_guard_lets_through(url: str, addresses: list[str], passes: bool) -> None:
    allow = OutboundAllow.parse(f"10.1.0.0/16,{NAMED}")
    destination = read_destination(url)
    if passes:
        check_addresses(destination, addresses, allow)
        return
    with pytest.raises(Refused) as caught:
        check_addresses(destination, addresses, allow)
    assert caught.value.reason is Reason.PROVIDER_BLOCKED
    assert destination.host in caught.value.evidence


@pytest.mark.parametrize(
    ("host", "allow", "expected"),
    [
        ("login.example", "", False),
        ("localhost", "", False),
        ("localhost", "localhost", True),
        ("LOCALHOST", "localhost", True),
        ("localhost", "127.0.0.0/8", True),
        ("brand.localhost", "127.0.0.0/8", True),
        ("localhost.example", "127.0.0.0/8", False),
        ("localhost", "10.0.0.0/8", False),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("127.0.0.1", "", False),
        ("10.0.0.1", "127.0.0.0/8", False),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("::1", "127.0.0.0/8", False),
        ("login.example", "login.example", True),
        ("sub.login.example", "login.example", False),
        ("127.1", "127.0.0.0/8", False),
        ("", "127.0.0.0/8", False),
        ("[", "127.0.0.0/8", False),
        ("a:b", "127.0.0.0/8", False),
    ],
)
def test_where_http_may_be_used(host: str, allow: str, expected: bool) -> None:
    assert Fetcher(OutboundAllow.parse(allow)).insecure_allowed(host) is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://localhost:{port}/", "https://localhost:{port}/",
        "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://127.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/", "https://[::ffff:7f00:1]:{port}/", "https://[::]:{port}/", "https://[::1]:{port}/",
        "http://127。0。0。1:{port}/", "http://localhost.:{port}/",
    ],
)  # fmt: skip
async def test_nothing_on_loopback_is_reached_by_default(url: str) -> None:
    async with listening(saying(answer())) as server, fetching(allow="") as fetcher:
        refused = await refusal(fetcher, post(url.format(port=server.port)))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert server.connections == 0


@pytest.mark.parametrize(
    "url", ["http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://017700000001:{port}/"]
)
async def test_odd_spellings_of_a_number_are_refused_even_where_it_is_allowed(url: str) -> None:
    async with listening(saying(answer())) as server, fetching() as fetcher:
        refused = await refusal(fetcher, get(url.format(port=server.port)))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert server.connections == 0


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]])
async def test_a_name_that_resolves_to_loopback_is_refused(addresses: list[str]) -> None:
    resolve = names(login_example=addresses)
    async with listening(saying(answer())) as server, fetching(allow="", resolve=resolve) as fetcher:
        refused = await refusal(fetcher, get(server.url("login.example", "https")))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert "login.example" in refused.evidence
        assert server.connections == 0


async def test_http_to_a_public_host_is_refused_before_anything_is_sent() -> None:
    async with fetching(resolve=names(login_example=[PUBLIC])) as fetcher:
        refused = await refusal(fetcher, get("http://login.example/"))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert "http" in refused.evidence


@pytest.mark.parametrize("allow", ["localhost", LOOPBACK])
async def test_a_name_of_the_system_is_reached_where_it_is_allowed(allow: str) -> None:
    async with listening(saying(answer(b'{"a":1}'))) as server, fetching(allow=allow) as fetcher:
        response = await fetcher(get(server.url("localhost")))
        assert response.body == b'{"a":1}'


async def test_a_mapped_address_is_reached_where_its_own_is_allowed() -> None:
    async with listening(saying(answer())) as server, fetching(allow="127.0.0.1") as fetcher:
        response = await fetcher(get(server.url("[::ffff:127.0.0.1]")))
        assert response.status == 200


async def test_each_connection_is_resolved_once_and_goes_where_was_checked() -> None:
    """Rebinding: the name's second answer is another address, where another server listens on the same port."""
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    allow = "127.0.0.1"
    async with (
        listening(saying(answer(b"1", "Connection: close"))) as good,
        listening(saying(answer(b"2", "Connection: close")), host="127.0.0.2", port=good.port) as evil,
        fetching(allow=allow, resolve=resolve) as fetcher,
    ):
        response = await fetcher(get(good.url("login.example")))
        assert response.body == b"1"
        assert asked == ["login.example"]
        refused = await refusal(fetcher, get(good.url("login.example")))
        assert refused.reason is Reason.PROVIDER_BLOCKED
        assert asked == ["login.example"] * 2
        assert (good.connections, evil.connections) == (1, 0)


async def test_a_pooled_connection_stays_where_it_is() -> None:
    """The name server may say what it likes: while the connection lives, nobody asks it."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def resolve(host: str) -> Sequence[str]:
        return next(answers)

    async with listening(staying(answer())) as server, fetching(resolve=resolve) as fetcher:
        await fetcher(post(server.url("login.example")))
        await fetcher(post(server.url("login.example")))
        assert server.connections == 1


async def test_lookups_of_one_name_are_shared_while_they_last() -> None:
    asked = 0

    async def resolve(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return ["127.0.0.1"]

    async with listening(saying(answer())) as server, fetching(resolve=resolve) as fetcher:
        await asyncio.gather(*(fetcher(get(server.url("login.example"))) for _ in range(5)))
        assert asked == 1


async def test_a_shared_lookup_does_not_share_its_verdict() -> None:
    """http and https to one host and port ask for one lookup, and each is judged by its own scheme."""
    asked = 0

    async def resolve(host: str) -> Sequence[str]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return ["127.0.0.1", PUBLIC]  # the first accepts, so that the second is never tried

    async with listening(saying(answer())) as server, fetching(allow="127.0.0.1", resolve=resolve) as fetcher:
        secure, plain = await asyncio.gather(
            refusal(fetcher, get(server.url("login.example", "https"))),
            refusal(fetcher, get(server.url("login.example", "http"))),
        )
        assert plain.reason is Reason.PROVIDER_BLOCKED
        assert secure.reason is not Reason.PROVIDER_BLOCKED
        assert (asked, server.connections, server.requests) == (1, 1, [])


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with listening(saying(answer(b"proxy"))) as proxy, listening(saying(answer(b"server"))) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        async with fetching() as fetcher:
            response = await fetcher(get(server.url()))
        assert response.body == b"server"
        assert proxy.connections == 0
        assert b"authorization" not in server.requests[0].lower()


# Requests


async def test_a_request_is_sent_as_it_is_written() -> None:
    async with listening(saying(answer())) as server, fetching() as fetcher:
        await fetcher(post(server.url(path="/a%2Fb?c=%20")))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a%2Fb?c=%20 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "Accept: application/json" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Content-Type: application/x-www-form-urlencoded" in lines
    assert f"Authorization: Bearer {CANARY}" in lines
    assert body == f"code={CANARY}".encode()


async def test_an_answer_is_read_whole() -> None:
    raw = answer(b'{"a":1}', "Content-Type: application/JSON; charset=utf-8", "X-Two: 1", "x-two: 2", "X-Odd: \xff")
    async with listening(saying(raw)) as server, fetching() as fetcher:
        response = await fetcher(get(server.url()))
    assert response.status == 200
    assert response.body == b'{"a":1}'
    assert response.media_type == "application/json"
    assert response.headers["x-two"] == "1, 2"
    response.headers["x-odd"].encode()


@pytest.mark.parametrize(
    "status", ["200 OK", "201 Created", "204 No Content", "400 Bad Request", "401 No", "500 Oh", "503 X"]
)
async def test_any_status_but_a_redirect_is_an_answer(status: str) -> None:
    body = b"" if status.startswith("204") else b"x"
    async with listening(saying(answer(body, status=status))) as server, fetching() as fetcher:
        response = await fetcher(get(server.url()))
        assert (response.status, response.body) == (int(status[:3]), body)


@pytest.mark.parametrize("status", ["300 x", "301 x", "302 Found", "303 x", "304 x", "307 x", "308 x"])
async def test_a_redirect_is_refused_and_not_followed(status: str) -> None:
    async with listening(saying(answer(b"secret"))) as other:
        raw = answer(b"", f"Location: {other.url()}", status=status)
        async with listening(staying(raw)) as server, fetching() as fetcher:
            for request in (get(server.url()), post(server.url())):
                assert (await refusal(fetcher, request)).reason is Reason.RESPONSE_REDIRECTED
        assert other.connections == 0


async def test_cookies_are_neither_kept_nor_shown() -> None:
    async with listening(staying(answer(b"{}", "Set-Cookie: a=b; Path=/"))) as server, fetching() as fetcher:
        response = await fetcher(get(server.url("localhost")))
        assert "set-cookie" not in response.headers
        await fetcher(get(server.url("localhost")))
        assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "a\x00b", "a\x7fb", "€"])
async def test_a_token_that_can_not_be_sent_is_refused(value: str) -> None:
    async with listening(saying(answer())) as server, fetching() as fetcher:
        request = HttpRequest("GET", server.url(), secret_headers={"Authorization": Secret(CANARY + value)})
        assert (await refusal(fetcher, request)).reason is Reason.RESPONSE_MALFORMED
        assert server.requests == []


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "a b", "a:", "a\r\nb", ""]
)
async def test_some_header_fields_are_not_for_others_to_set(name: str) -> None:
    async with fetching() as fetcher:
        request = HttpRequest("GET", "http://127.0.0.1:1/", secret_headers={name: Secret(CANARY)})
        with pytest.raises(ValueError, match="header field"):
            await fetcher(request)


# Connections


async def test_two_requests_use_one_connection() -> None:
    async with listening(staying(answer())) as server, fetching() as fetcher:
        for _ in range(3):
            await fetcher(post(server.url()))
        assert len(server.requests) == 3
        assert server.connections == 1


@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
async def test_a_connection_with_an_unread_answer_is_not_used_again(status: str) -> None:
    rest = answer(b"x" * 20_000, status=status)[:-1]
    async with listening(staying(rest)) as server, fetching() as fetcher:
        await refusal(fetcher, post(server.url()))
        await refusal(fetcher, post(server.url()))
        assert server.connections == 2


def closing_on(number: int) -> tuple[Speak, list[bytes]]:
    """Answers each request but the one with this number: there it reads, and closes without a word."""
    seen: list[bytes] = []

    async def speak(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        if len(seen) == number:
            writer.close()
        else:
            writer.write(answer())

    return speak, seen


async def test_a_get_on_a_connection_that_died_is_sent_again_once() -> None:
    speak, seen = closing_on(2)
    async with listening(speak) as server, fetching() as fetcher:
        await fetcher(get(server.url()))
        assert (await fetcher(get(server.url()))).status == 200
        assert len(seen) == 3
        assert server.connections == 2


async def test_a_get_is_not_sent_a_third_time() -> None:
    async with listening(saying(b"")) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.PROVIDER_UNREACHABLE
        assert len(server.requests) <= 2


@pytest.mark.parametrize("number", [1, 2])
async def test_a_post_is_never_sent_twice(number: int) -> None:
    speak, seen = closing_on(number)
    async with listening(speak) as server, fetching() as fetcher:
        for _ in range(number - 1):
            await fetcher(post(server.url()))
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        await asyncio.sleep(0.05)
        assert len(seen) == number


async def test_a_server_that_hangs_holds_no_more_than_its_share() -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        arrived.put_nowait(request)
        await asyncio.sleep(30)

    limits = Limits(total=2, connections=10, connections_per_host=3)
    async with listening(hang) as dead, listening(saying(answer())) as alive, fetching(limits=limits) as fetcher:
        waiting = [asyncio.create_task(refusal(fetcher, get(dead.url()))) for _ in range(8)]
        for _ in range(3):
            await arrived.get()
        await asyncio.sleep(0.1)  # time for a fourth, which must not come
        assert dead.connections == 3
        assert (await fetcher(get(alive.url()))).status == 200
        assert {refused.reason for refused in await asyncio.gather(*waiting)} == {Reason.PROVIDER_TIMEOUT}


async def test_nothing_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with fetching() as fetcher:
        refused = await refusal(fetcher, post(f"http://127.0.0.1:{port}/token"))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert refused.evidence == "127.0.0.1: Connection refused"


async def test_a_name_that_does_not_resolve() -> None:
    async with fetching(resolve=names(empty_example=[])) as fetcher:
        for host in ("nowhere.example", "empty.example"):
            refused = await refusal(fetcher, get(f"https://{host}/token"))
            assert refused.reason is Reason.PROVIDER_UNREACHABLE
            assert refused.evidence == f"{host}: the name does not resolve"


async def test_the_second_address_is_tried_when_the_first_does_not_answer() -> None:
    async with listening(saying(answer())) as server:
        async with fetching(resolve=names(login_example=["127.0.0.9", "127.0.0.1"])) as fetcher:
            assert (await fetcher(post(server.url("login.example")))).status == 200
        assert len(server.requests) == 1


async def test_a_fetcher_that_was_not_started_says_so() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        await Fetcher(OutboundAllow.parse(LOOPBACK))(get("http://127.0.0.1:1/"))


async def test_a_fetcher_can_be_stopped_twice_and_started_again() -> None:
    async with listening(saying(answer())) as server:
        fetcher = Fetcher(OutboundAllow.parse(LOOPBACK), SMALL)
        for _ in range(2):
            await fetcher.start()
            assert (await fetcher(get(server.url()))).status == 200
            await fetcher.stop()
            await fetcher.stop()


# Time


async def timed(fetcher: Fetcher, request: HttpRequest) -> tuple[Refused, float]:
    begun = time.monotonic()
    refused = await refusal(fetcher, request)
    return refused, time.monotonic() - begun


def test_the_limits_are_those_of_the_protocol() -> None:
    limits = Limits()
    assert (limits.connect, limits.tls, limits.first_byte, limits.total) == (2, 3, 5, 10)
    assert limits.body == 1024 * 1024


async def test_a_name_server_that_hangs() -> None:
    async def resolve(host: str) -> Sequence[str]:
        await asyncio.sleep(60)
        return ["127.0.0.1"]

    async with fetching(limits=PHASES, resolve=resolve) as fetcher:
        refused, seconds = await timed(fetcher, get("https://login.example/token"))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert 0.25 < seconds < 4
        assert "resolve" in refused.evidence


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full: the next one waits for an answer that does not come."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        try:
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for one in crowd:
                one.close()


async def test_a_server_that_does_not_accept() -> None:
    with deaf_port() as port:
        async with fetching(limits=PHASES) as fetcher:
            refused, seconds = await timed(fetcher, post(f"http://127.0.0.1:{port}/token"))
    assert refused.reason is Reason.PROVIDER_TIMEOUT
    assert "no connection within 0.3 s" in refused.evidence
    assert 0.25 < seconds < 4


async def test_many_addresses_that_do_not_accept_share_one_limit() -> None:
    with deaf_port() as port:
        async with fetching(limits=PHASES, resolve=names(login_example=["127.0.0.1"] * 20)) as fetcher:
            refused, seconds = await timed(fetcher, get(f"http://login.example:{port}/token"))
    assert refused.reason is Reason.PROVIDER_TIMEOUT
    assert 0.25 < seconds < 4


async def test_a_server_that_does_not_speak_tls() -> None:
    async with fetching(limits=PHASES) as fetcher:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            refused, seconds = await timed(fetcher, post(f"https://127.0.0.1:{silent.getsockname()[1]}/token"))
    assert refused.reason is Reason.PROVIDER_TIMEOUT
    assert "TLS was not ready within 0.3 s" in refused.evidence
    assert 0.25 < seconds < 4


async def test_a_server_that_hangs_before_the_first_byte() -> None:
    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with listening(hang) as server, fetching(limits=PHASES) as fetcher:
        refused, seconds = await timed(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert 0.25 < seconds < 4
        assert len(server.requests) == 1


def dripping(start: bytes, drop: bytes) -> Speak:
    async def drip(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.05)

    return drip


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    ],
)
async def test_a_server_that_drips_is_cut_off_by_the_clock(start: bytes, drop: bytes) -> None:
    async with listening(dripping(start, drop)) as server, fetching(limits=WHOLE) as fetcher:
        refused, seconds = await timed(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_TIMEOUT
        assert 0.8 < seconds < 4


async def test_a_caller_that_gives_up_is_not_kept() -> None:
    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with listening(hang) as server, fetching(limits=Limits()) as fetcher:
        call = asyncio.create_task(fetcher(get(server.url())))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


# Size


def endless(start: bytes, more: bytes) -> Speak:
    async def pour(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()

    return pour


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"a" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nx: ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 100),
        (b"HTTP/1.1 200 ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 100),
    ],
)
async def test_an_endless_answer_is_cut_off(start: bytes, more: bytes) -> None:
    async with listening(endless(start, more)) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is Reason.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(("size", "fits"), [(10_000, True), (10_001, False)])
@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate", "GZip"])
async def test_the_limit_of_the_body_is_exact(size: int, fits: bool, coding: str) -> None:
    plain = b"a" * size
    packed = {"identity": plain, "gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}[coding.lower()]
    async with listening(saying(answer(packed, f"Content-Encoding: {coding}"))) as server, fetching() as fetcher:
        if fits:
            assert (await fetcher(get(server.url()))).body == plain
        else:
            assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_TOO_LARGE


async def test_a_bomb_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    limits = Limits()
    assert len(bomb) < limits.body
    async with listening(saying(answer(bomb, "Content-Encoding: gzip"))) as server, fetching(limits=limits) as fetcher:
        tracemalloc.start()
        try:
            refused = await refusal(fetcher, get(server.url()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert refused.reason is Reason.RESPONSE_TOO_LARGE
    assert peak < 8_000_000


async def test_a_body_that_inflates_to_nothing_is_counted_as_it_comes() -> None:
    """Empty deflate blocks without end: no output, and all the same too much."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b"a") + packer.flush(zlib.Z_FULL_FLUSH) + b"\x00\x00\x00\xff\xff" * 4000
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed  # no Content-Length tells it before
    async with listening(saying(raw)) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_TOO_LARGE


async def test_a_body_that_is_announced_too_large_is_not_waited_for() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n"
    async with listening(staying(raw)) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(b"cut", mtime=0)[:-4]),
        ("gzip", gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0)),
        ("gzip", gzip.compress(b"one", mtime=0) + b"\x00"),
        ("gzip", gzip.compress(b"sum", mtime=0)[:-8] + bytes(8)),
        ("deflate", b"\x00\x01"),
        ("br", b"x"),
        ("zstd", b"x"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0)),
        ("nonsense", b"x"),
    ],
)
async def test_a_compressed_body_that_can_not_be_read(coding: str, body: bytes) -> None:
    async with listening(saying(answer(body, f"Content-Encoding: {coding}"))) as server, fetching() as fetcher:
        assert (await refusal(fetcher, get(server.url()))).reason is Reason.RESPONSE_MALFORMED


async def test_an_empty_body_needs_no_inflating() -> None:
    async with listening(saying(answer(b"", "Content-Encoding: gzip"))) as server, fetching() as fetcher:
        assert (await fetcher(get(server.url()))).body == b""


# What is not HTTP


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.PROVIDER_UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nContent-", Reason.PROVIDER_UNREACHABLE),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.RESPONSE_MALFORMED),
        (b"{}", Reason.RESPONSE_MALFORMED),
        (b"HTTP/2 200 OK\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 OK\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", Reason.RESPONSE_MALFORMED),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Reason.RESPONSE_MALFORMED,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\nx: a\x00b\r\nContent-Length: 0\r\n\r\n", Reason.RESPONSE_MALFORMED),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Reason.RESPONSE_MALFORMED),
    ],
)
async def test_an_answer_that_is_not_http(raw: bytes, reason: Reason) -> None:
    async with listening(saying(raw)) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is reason


async def test_a_connection_that_is_reset() -> None:
    async def reset(request: bytes, writer: asyncio.StreamWriter) -> None:
        plug: socket.socket = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    async with listening(reset) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url()))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert len(server.requests) == 1


async def test_whatever_a_server_says_is_an_answer_or_a_refusal() -> None:
    chance = random.Random(20)
    good = bytearray(answer(b'{"a": 1}', "Content-Type: application/json", "Content-Encoding: identity"))

    async def garble(request: bytes, writer: asyncio.StreamWriter) -> None:
        raw = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            raw[chance.randrange(len(raw))] = chance.choice(b"\x00\r\n :/;,19aZ\x80\xff")
        writer.write(bytes(raw))
        writer.close()

    seen: set[type] = set()
    told: list[str] = []
    async with listening(garble) as server, fetching() as fetcher:
        for _ in range(150):
            try:
                seen.add(type(await fetcher(post(server.url()))))
            except Refused as refused:
                seen.add(Refused)
                told.extend(traceback.format_exception(refused))
    assert CANARY not in "".join(told)
    assert seen == {HttpResponse, Refused}


# TLS


async def test_the_original_name_is_in_sni_host_and_certificate(authority: Authority) -> None:
    context = authority.server("login.example")
    async with (
        listening(saying(answer(b"tls")), tls=context) as server,
        fetching(resolve=names(login_example=["127.0.0.1"]), tls=authority.trusted()) as fetcher,
    ):
        response = await fetcher(post(server.url("login.example", "https")))
        assert response.body == b"tls"
        assert server.names == ["login.example"]
        assert f"\r\nHost: login.example:{server.port}\r\n".encode() in server.requests[0]


async def test_tls_connections_are_kept(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    async with (
        listening(staying(answer()), tls=context) as server,
        fetching(tls=authority.trusted()) as fetcher,
    ):
        for _ in range(3):
            await fetcher(post(server.url(scheme="https")))
        assert server.connections == 1


@pytest.mark.parametrize(
    ("host", "days", "why"),
    [("login.example", -1, "certificate has expired"), ("other.example", 10, "Hostname mismatch")],
)
async def test_a_certificate_that_does_not_hold(authority: Authority, host: str, days: int, why: str) -> None:
    context = authority.server(host, days=days)
    async with (
        listening(saying(answer()), tls=context) as server,
        fetching(resolve=names(login_example=["127.0.0.1"]), tls=authority.trusted()) as fetcher,
    ):
        refused = await refusal(fetcher, post(server.url("login.example", "https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert why in refused.evidence
        assert server.requests == []


async def test_a_certificate_of_an_authority_that_nobody_trusts(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    async with listening(saying(answer()), tls=context) as server, fetching() as fetcher:
        refused = await refusal(fetcher, post(server.url(scheme="https")))
        assert refused.reason is Reason.PROVIDER_UNREACHABLE
        assert "certificate" in refused.evidence
        assert server.requests == []


async def test_old_tls_is_refused(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    tls = authority.trusted()
    async with listening(saying(answer()), tls=context) as server, fetching(tls=tls) as fetcher:
        assert tls.minimum_version is ssl.TLSVersion.TLSv1_2
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


def test_a_context_that_does_not_verify_is_never_used() -> None:
    blind = ssl.create_default_context()
    blind.check_hostname = False
    with pytest.raises(ValueError, match="verification"):
        Fetcher(OutboundAllow(), tls=blind)
    blind.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="verification"):
        Fetcher(OutboundAllow(), tls=blind)


def test_a_file_of_authorities_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(LocalError) as caught:
            tls_context(str(tmp_path / name))
        assert caught.value.problem.code == "outbound_ca_file_unusable"
        assert caught.value.problem.where == "ENTRACTE_OUTBOUND_CA_FILE"


# The other loop


@pytest.mark.parametrize(
    "check",
    [
        test_a_request_is_sent_as_it_is_written,
        test_two_requests_use_one_connection,
        test_each_connection_is_resolved_once_and_goes_where_was_checked,
        test_a_server_that_does_not_accept,
        test_a_server_that_does_not_speak_tls,
        test_a_server_that_hangs_before_the_first_byte,
        test_a_connection_that_is_reset,
        test_nothing_listens_there,
        test_a_bomb_is_not_inflated,
        test_whatever_a_server_says_is_an_answer_or_a_refusal,
    ],
)
def test_it_is_the_same_on_uvloop(check: Callable[[], Coroutine[None, None, None]]) -> None:
    """Production runs on uvloop, whose sockets and TLS are its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(check())


@pytest.mark.parametrize(
    "check",
    [
        test_the_original_name_is_in_sni_host_and_certificate,
        test_tls_connections_are_kept,
        test_a_certificate_of_an_authority_that_nobody_trusts,
        test_old_tls_is_refused,
    ],
)
def test_tls_is_the_same_on_uvloop(
    check: Callable[[Authority], Coroutine[None, None, None]], authority: Authority
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(check(authority))

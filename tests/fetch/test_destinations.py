"""Addresses taken apart: the twin of `fetch.destinations` and `fetch.hosts`."""

import pytest

from entracte.fetch import read_destination
from entracte.protocol.errors import Reason, Refused


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
@pytest.mark.conformance("MUST 37", "BAD 29")
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

"""Addresses of the other side, and their origins: MUST 37."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.addresses import never, origin, usable_address


@pytest.mark.parametrize("url", ["https://as.example/a?b", "http://localhost:8080/"])
def test_an_address_that_can_be_used(url: str) -> None:
    assert usable_address(url, lambda host: host == "localhost") == url


@pytest.mark.parametrize("url", ["http://as.example/", "https://a@as.example/", "https://as.example/#a", "a", ""])
@pytest.mark.conformance("MUST 37")
def test_must_37_an_address_that_can_not(url: str) -> None:
    with pytest.raises(ValueError, match="address") as problem:
        usable_address(url)
    assert "as.example" not in str(problem.value)


def test_the_host_is_asked_about_in_lower_case() -> None:
    assert usable_address("http://AS.Example:80/", {"as.example"}.__contains__) == "http://AS.Example:80/"
    assert not never("localhost")


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://as.example/frame?a=b", "https://as.example"),
        ("https://AS.Example:443", "https://as.example"),
        ("https://as.example:80/", "https://as.example:80"),
        ("http://as.example:80/", "http://as.example"),
        ("http://localhost:8080/a", "http://localhost:8080"),
        ("https://[2001:DB8:0:0:0:0:0:1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://[::1]/", "https://[::1]"),
    ],
)
def test_an_origin_as_a_browser_writes_it(url: str, written: str) -> None:
    """RFC 6454 section 6.2."""
    assert origin(usable_address(url, lambda _host: True)) == written


@given(st.text(max_size=40), st.sampled_from(["", "https://", "http://", "https://["]))
def test_any_text_is_an_address_with_an_origin_or_none(text: str, before: str) -> None:
    try:
        url = usable_address(before + text, lambda _host: True)
    except ValueError:
        return
    assert origin(url).startswith(("http://", "https://"))

"""The headers of an answer, one by one."""

import pytest

from entracte.web.answers import new_nonce, page, plain, see_other


def test_a_nonce_has_128_bits_and_is_never_the_same() -> None:
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert {len(nonce) for nonce in nonces} == {22}


def test_a_page_is_framed_by_nobody_unless_it_says_by_whom() -> None:
    alone = page("<p>", "N0nce")
    assert alone.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in alone.headers["content-security-policy"]
    framed = page("<p>", "N0nce", framed_by=["https://a.example", "https://b.example"])
    assert "x-frame-options" not in framed.headers
    assert "frame-ancestors https://a.example https://b.example" in framed.headers["content-security-policy"]


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_of_its_own() -> None:
    policy = page("<p>", "N0nce").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-N0nce'; script-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_page_is_kept_by_nobody() -> None:
    response = page("<p>", "N0nce", status=410)
    assert response.status_code == 410
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_on_is_303_without_a_referrer() -> None:
    """MUST 54: never 307, which would post what was typed once more."""
    response = see_other("/c/quiz/song")
    assert (response.status_code, response.headers["location"]) == (303, "/c/quiz/song")
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("address", ["https://a.example/\r\nSet-Cookie: a=b", "/c/quiz/\nx", "/\x00"])
def test_an_address_breaks_no_header(address: str) -> None:
    location = see_other(address).raw_headers
    assert not [value for _, value in location if b"\n" in value or b"\r" in value or b"\0" in value]


def test_a_line_for_machines() -> None:
    response = plain("not ready\n", 503, retry_after="2")
    assert (response.status_code, response.body) == (503, b"not ready\n")
    assert response.headers["retry-after"] == "2"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-type"].startswith("text/plain")

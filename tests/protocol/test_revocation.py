"""Giving tokens back (RFC 7009)."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.client_auth import Client, ClientAuthentication, Moment
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpResponse, Purpose
from entracte.protocol.revocation import (
    MAXIMUM_WAIT,
    RevocationOutcome,
    TokenType,
    read_revocation,
    revocation_request,
)
from entracte.values import Secret
from tests.protocol.refusals import outcome, refused
from tests.protocol.signing import vectors

NOW = 946_684_740
"""31 December 1999, 23:59:00 GMT."""


def test_the_request() -> None:
    """RFC 7009 section 2.1, its example."""
    client = Client("s6BhdRkqt3", Secret("gX1fBat3bV"), ClientAuthentication.BASIC)
    request = revocation_request(
        "https://server.example.com/revoke", client, Secret("45ghiukldjahdnhzdauz"), TokenType.REFRESH
    )
    assert (request.method, request.url, request.purpose) == (
        "POST",
        "https://server.example.com/revoke",
        Purpose.REVOCATION,
    )
    assert parse_qs(request.body.reveal()) == {"token": ["45ghiukldjahdnhzdauz"], "token_type_hint": ["refresh_token"]}
    assert request.secret_headers["Authorization"].reveal() == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
    assert "45ghi" not in repr(request)


@pytest.mark.parametrize("vector", vectors("revocation.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    response = HttpResponse(vector["status"], vector["headers"], vector["body"].encode())
    read = outcome(lambda: read_revocation(response, now=NOW))
    if "reason" in vector:
        assert isinstance(read, Refused)
        assert read.reason.code == vector["reason"]
        return
    assert not isinstance(read, Refused)
    assert (read.outcome.value, read.retry_after) == (vector["outcome"], vector["retry_after"])


@pytest.mark.parametrize("status", [400, 499])
def test_an_error_that_says_that_it_is_us(status: int) -> None:
    for error in ("invalid_client", "unauthorized_client"):
        response = HttpResponse(status, {}, f'{{"error":"{error}"}}'.encode())
        expected = (Reason.CLIENT_REFUSED, f"The error is {error}.")
        assert refused(lambda response=response: read_revocation(response, now=NOW)) == expected  # type: ignore[misc]


@pytest.mark.parametrize(("status", "reason"), [(399, Reason.RESPONSE_REDIRECTED), (500, Reason.PROVIDER_ERROR)])
def test_an_error_where_it_is_not_us(status: int, reason: Reason) -> None:
    response = HttpResponse(status, {}, b'{"error":"invalid_client"}')
    assert refused(lambda: read_revocation(response, now=NOW)) == (reason, f"The status was {status}.")


dates = st.builds(
    "Mon, {:02} {} {:04} {:02}:{:02}:{:02} GMT".format,
    st.integers(0, 99),
    st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
    st.integers(0, 9999),
    *[st.integers(0, 99)] * 3,
)


@given(st.integers(100, 599), st.text() | dates | st.integers().map(str), st.binary())
def test_any_answer_is_read_or_refused(status: int, retry_after: str, body: bytes) -> None:
    read = outcome(lambda: read_revocation(HttpResponse(status, {"retry-after": retry_after}, body), now=NOW))
    if not isinstance(read, Refused):
        assert read.retry_after is None or 0 <= read.retry_after <= MAXIMUM_WAIT
        assert (read.outcome is RevocationOutcome.LATER) == (status in (429, 503))


def test_an_assertion_of_this_moment_and_the_proof_go_along() -> None:
    client = Client("us", Secret("s" * 40), ClientAuthentication.SECRET_JWT, audience="https://as.example")
    proof = {"DPoP": Secret("proof")}
    request = revocation_request(
        "https://as.example/revoke",
        client,
        Secret("token"),
        TokenType.ACCESS,
        moment=Moment(NOW, "once"),
        headers=proof,
    )
    assert len(parse_qs(request.body.reveal())["client_assertion"]) == 1
    assert request.secret_headers["DPoP"].reveal() == "proof"

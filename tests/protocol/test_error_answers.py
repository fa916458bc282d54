"""The registered error of an answer, and nothing else of it (MUST 57)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.error_answers import registered_error
from tests.protocol.signing import json_response

REGISTERED = frozenset({"invalid_client", "invalid_token"})


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "invalid_client", "error_description": "canary"}, "invalid_client"),
        ({"error": "canary"}, ""),
        ({"error": ["invalid_client"]}, ""),
        ({"error": None}, ""),
        ({}, ""),
        (b"<html>invalid_client", ""),
        (b"[]", ""),
        (b"", ""),
        (b'{"error":"invalid_client","error":"invalid_client"}', ""),
        (b'{"error":"invalid_client"}'.ljust(65536), "invalid_client"),
        (b'{"error":"invalid_client"}'.ljust(65537), ""),
    ],
)
@pytest.mark.conformance("MUST 57")
def test_the_registered_error_alone(body: Any, error: str) -> None:
    assert registered_error(json_response(body, 400), REGISTERED) == error


@given(st.binary() | st.dictionaries(st.just("error"), st.none() | st.text() | st.integers() | st.lists(st.text())))
def test_any_body_is_read(body: Any) -> None:
    assert registered_error(json_response(body, 400), REGISTERED) in {"", *REGISTERED}

"""base64url: canonical or nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.base64url import decode, encode
from tests.protocol.signing import vectors


@pytest.mark.parametrize("vector", vectors("base64url.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    if vector["bytes"] is None:
        with pytest.raises(ValueError, match="base64url") as refusal:
            decode(vector["text"])
        assert vector["text"] not in str(refusal.value)
    else:
        assert decode(vector["text"]) == bytes.fromhex(vector["bytes"])
        assert encode(bytes.fromhex(vector["bytes"])) == vector["text"]


@given(st.binary())
def test_round_trip(raw: bytes) -> None:
    assert decode(encode(raw)) == raw


@given(st.text())
def test_any_text_is_canonical_or_refused(text: str) -> None:
    try:
        raw = decode(text)
    except ValueError:
        return
    assert encode(raw) == text


def test_what_is_wrong_is_said() -> None:
    for text in ("Zm9vY", "Zm9v\u00e9"):
        with pytest.raises(ValueError, match=r"^not base64url$"):
            decode(text)
    for text in ("Zh", "Zg==", "Zm 9v"):
        with pytest.raises(ValueError, match=r"^not canonical base64url$"):
            decode(text)

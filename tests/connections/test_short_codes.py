"""Short codes, as people read them out and type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.connections.sign_in import SHORT_CODE_ALPHABET, code_of, short_code_from


@given(st.integers(0, 2**30 - 1))
def test_a_code_is_found_again(number: int) -> None:
    code = code_of(number)
    letters = code.replace("-", "")
    spoken = letters.replace("L", "1").lower()
    for typed in (code, code.lower(), letters, f" {code}\n", code.replace("-", " - "), " ".join(letters), spoken):
        assert short_code_from(typed) == code


@pytest.mark.parametrize("hyphen", ["-", "–", "—", "‑", "−", ".", "_", " ", "\u00a0", "\t"])
def test_a_hyphen_may_look_otherwise(hyphen: str) -> None:
    assert short_code_from(f"k7q{hyphen}2m4") == "K7Q-2M4"


@pytest.mark.parametrize(
    "text", ["", "-", "K7Q-2M", "K7Q-2M44", "K7Q-2M0", "K7Q-2MO", "K7Q+2M4", "K7Q\x002M4", "Ж7Q2M4"]
)
def test_what_is_no_code_is_nobodys(text: str) -> None:
    assert short_code_from(text) == ""


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_nothing(text: str) -> None:
    assert set(short_code_from(text)) <= {*SHORT_CODE_ALPHABET, "-"}

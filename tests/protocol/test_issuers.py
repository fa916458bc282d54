"""How issuers differ, said without what the other side sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.issuers import difference

EXPECTED = "https://as.example/Realm"


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        ("", "it was empty"),
        ("https://as.example/Realm/", "only a slash at the end differs"),
        ("https://as.example/realm", "only upper and lower case differ"),
    ],
)
def test_the_kinds_of_difference(got: str, sentence: str) -> None:
    assert difference(EXPECTED, got) == f"Expected {EXPECTED}; {sentence}."


@given(st.text(min_size=3).filter(lambda text: text.casefold() not in EXPECTED.casefold()))
def test_what_came_is_never_shown(got: str) -> None:
    assert difference(EXPECTED, got) == f"Expected {EXPECTED}."


@pytest.mark.parametrize(
    ("expected", "got", "sentence"),
    [
        ("https://as.example/", "https://as.example", "Expected https://as.example/; only a slash at the end differs."),
        (
            "https://as.example/",
            "https://as.example//",
            "Expected https://as.example/; only a slash at the end differs.",
        ),
        ("https://as.example", "https://as.exampleX", "Expected https://as.example."),
        ("https://as.exampleX", "https://as.example", "Expected https://as.exampleX."),
        ("https://as.example ", "https://as.example", "Expected https://as.example ."),
        ("/as.example", "as.example", "Expected /as.example."),
    ],
)
def test_only_slashes_at_the_end_are_slashes_at_the_end(expected: str, got: str, sentence: str) -> None:
    assert difference(expected, got) == sentence

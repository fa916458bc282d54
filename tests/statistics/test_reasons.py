"""Every reason has its words, and the words are for people who know no OAuth."""

import re

import pytest

from entracte.protocol.errors import Reason
from entracte.statistics.reasons import REASONS, reason_in_words

JARGON = re.compile(
    r"invalid|issuer|JWKS?|JWS|nonce|claim|audience|subject|endpoint|metadata|oops|please|!", re.IGNORECASE
)


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)


def test_no_two_reasons_have_the_same_words() -> None:
    assert len(set(REASONS.values())) == len(REASONS)


@pytest.mark.parametrize("reason", list(REASONS))
def test_words_are_a_plain_clause(reason: Reason) -> None:
    words = REASONS[reason]
    assert words[0].islower()
    assert not words.endswith(".")
    assert len(words) <= 80
    assert not JARGON.search(words)


def test_a_stored_code_is_said_in_words() -> None:
    assert reason_in_words("provider_timeout") == "provider did not answer in time"
    assert reason_in_words("a_code_of_tomorrow") == ""

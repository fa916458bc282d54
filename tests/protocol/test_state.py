"""The state: 64 characters, in time, and nothing but ours (MUST 3, 4, 5)."""

from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys, seal
from entracte.protocol.state import (
    CLOCK_SKEW,
    LENGTH,
    MAXIMUM_AGE,
    StateContent,
    code_verifier,
    nonce,
    open_state,
    read_state,
    seal_state,
)
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, ParticipationId

KEYS = SealKeys(7, {7: b"k" * 32})
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ISSUED = 1_800_000_000
CONTENT = StateContent(CampaignNumber(3), ConnectionNumber(5), ParticipationId(UUID(int=9)), AttemptNumber(11), ISSUED)

contents = st.builds(
    StateContent,
    campaign=st.integers(1, 2**32 - 1).map(CampaignNumber),
    connection=st.integers(1, 2**24 - 1).map(ConnectionNumber),
    participation=st.uuids().map(ParticipationId),
    attempt=st.integers(0, 2**32 - 1).map(AttemptNumber),
    issued_at=st.integers(0, 2**32 - 1),
)


def refusal(text: str, now: int = ISSUED, keys: SealKeys = KEYS) -> Reason:
    with pytest.raises(Refused) as refused:
        open_state(text, keys, now)
    reason = refused.value.reason
    assert str(refused.value) == f"{reason.meaning} [{reason.code}]"  # nothing of the text
    return reason


@given(contents)
def test_round_trip_in_64_characters(content: StateContent) -> None:
    text = seal_state(content, KEYS)
    assert len(text) == LENGTH == 64
    assert set(text) <= set(ALPHABET)
    opened = open_state(text, KEYS, content.issued_at)
    assert opened.content == content == read_state(text, KEYS)
    assert opened.nonce == nonce(text, KEYS)
    assert opened.code_verifier == code_verifier(text, KEYS)


@given(contents, st.integers(0, 63), st.sampled_from(ALPHABET))
def test_any_altered_character_is_refused(content: StateContent, position: int, other: str) -> None:
    text = seal_state(content, KEYS)
    assume(text[position] != other)
    altered = text[:position] + other + text[position + 1 :]
    assert refusal(altered, content.issued_at) in {Reason.STATE_INVALID, Reason.STATE_UNKNOWN_KEY}


@pytest.mark.conformance("BAD 3")
@given(st.text(max_size=200) | st.text(ALPHABET, min_size=64, max_size=64))
def test_any_text_is_refused(text: str) -> None:
    """BAD 3: a made-up state."""
    reasons = {Reason.STATE_INVALID, Reason.STATE_UNKNOWN_KEY} if text else {Reason.STATE_MISSING}
    assert refusal(text) in reasons


@given(contents, st.integers(0, 63))
def test_a_state_that_was_cut_is_refused(content: StateContent, length: int) -> None:
    reason = Reason.STATE_INVALID if length else Reason.STATE_MISSING
    assert refusal(seal_state(content, KEYS)[:length]) is reason


@pytest.mark.conformance("MUST 4")
@pytest.mark.parametrize("text", ["A" * 65, "A" * 5000, "=" * 64, "é" * 64, " " * 64])
def test_oversize_and_foreign_characters(text: str) -> None:
    """MUST 4: oversize."""
    assert refusal(text) is Reason.STATE_INVALID


@pytest.mark.conformance("MUST 3", "MUST 4")
@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (0, None),
        (MAXIMUM_AGE, None),
        (MAXIMUM_AGE + 1, Reason.STATE_EXPIRED),
        (10 * MAXIMUM_AGE, Reason.STATE_EXPIRED),
        (-CLOCK_SKEW, None),
        (-CLOCK_SKEW - 1, Reason.STATE_FROM_FUTURE),
    ],
)
def test_the_edges_of_time(age: int, reason: Reason | None) -> None:
    """MUST 3: at most ten minutes; MUST 4: an old one is refused, but still tells the way back."""
    text = seal_state(CONTENT, KEYS)
    if reason is None:
        assert open_state(text, KEYS, ISSUED + age).content == CONTENT
    else:
        assert refusal(text, ISSUED + age) is reason
        assert read_state(text, KEYS) == CONTENT


def test_the_maximum_age_can_be_set() -> None:
    text = seal_state(CONTENT, KEYS)
    assert open_state(text, KEYS, ISSUED + 30, maximum_age=30).content == CONTENT
    with pytest.raises(Refused) as refused:
        open_state(text, KEYS, ISSUED + 31, maximum_age=30)
    assert refused.value.reason is Reason.STATE_EXPIRED


def test_another_key_and_an_unknown_key() -> None:
    text = seal_state(CONTENT, KEYS)
    assert refusal(text, keys=SealKeys(7, {7: b"x" * 32})) is Reason.STATE_INVALID
    assert refusal(text, keys=SealKeys(8, {8: b"k" * 32})) is Reason.STATE_UNKNOWN_KEY


@pytest.mark.conformance("MUST 3")
def test_a_sealed_text_of_another_purpose_is_no_state() -> None:
    """MUST 3: the purpose is authenticated; a cookie of the same length does not open."""
    cookie = seal(b"c" * 31, "cookie", KEYS)
    assert len(cookie) == LENGTH
    assert refusal(cookie) is Reason.STATE_INVALID


@pytest.mark.conformance("MUST 5")
@given(contents, contents)
def test_nonce_and_verifier_belong_to_one_attempt(one: StateContent, other: StateContent) -> None:
    """MUST 5: 128 bits and more, another for each attempt; RFC 7636 section 4.1: 43 unreserved characters."""
    assume(one != other)
    first, second = seal_state(one, KEYS), seal_state(other, KEYS)
    assert len(nonce(first, KEYS)) == 22
    assert len(code_verifier(first, KEYS)) == 43
    assert set(code_verifier(first, KEYS)) <= set(ALPHABET)
    assert nonce(first, KEYS) != nonce(second, KEYS)
    assert code_verifier(first, KEYS) != code_verifier(second, KEYS)
    assert not code_verifier(first, KEYS).startswith(nonce(first, KEYS)[:21])


def test_nonce_and_verifier_are_not_shown() -> None:
    opened = open_state(seal_state(CONTENT, KEYS), KEYS, ISSUED)
    assert opened.nonce not in repr(opened)
    assert opened.code_verifier not in repr(opened)


def test_what_does_not_fit_is_not_sealed() -> None:
    with pytest.raises(OverflowError):
        seal_state(
            StateContent(CampaignNumber(1), ConnectionNumber(2**24), CONTENT.participation, CONTENT.attempt, 1), KEYS
        )


@pytest.mark.conformance("MUST 5")
def test_a_state_that_was_sealed_before_still_opens() -> None:
    """Sign-ins are under way while a new version is put in place: form, labels and derivation stay as they are."""
    text = "B1ZBcXBugIUUmrm3Fgcr35RUyuhUPU4I7XqJH9xZ0V0gD59pjLa0gM45kQmuXWKs"
    assert seal_state(CONTENT, KEYS) == text
    opened = open_state(text, KEYS, ISSUED)
    assert opened.content == CONTENT
    assert opened.nonce == "myaxUcEBNXg9efEuaFQTQg"
    assert opened.code_verifier == "qnRKtJBGQ1nuVqvhLsdHhLln5dkyTlfRdXivcoEgNvY"

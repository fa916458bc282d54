"""Sealed texts: round trip, every alteration refused, purposes and keys apart."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys, decode, derive, derived_key, encode, open_sealed, seal

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = SealKeys(2, {1: OLD, 2: NEW})
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

contents = st.binary(max_size=80)
purposes = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def refusal(text: str, purpose: str = "cookie", keys: SealKeys = KEYS) -> Reason:
    with pytest.raises(Refused) as refused:
        open_sealed(text, purpose, keys)
    reason = refused.value.reason
    assert str(refused.value) == f"{reason.meaning} [{reason.code}]"  # nothing of the text
    return reason


@given(contents, purposes)
def test_round_trip(content: bytes, purpose: str) -> None:
    text = seal(content, purpose, KEYS)
    assert open_sealed(text, purpose, KEYS) == content
    assert set(text) <= set(ALPHABET)


@given(contents, st.data())
def test_any_altered_character_is_refused(content: bytes, data: st.DataObject) -> None:
    text = seal(content, "cookie", KEYS)
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != text[position])
    altered = text[:position] + other + text[position + 1 :]
    assert refusal(altered) in {Reason.STATE_INVALID, Reason.STATE_UNKNOWN_KEY}


@given(contents, st.data())
def test_a_cut_or_longer_text_is_refused(content: bytes, data: st.DataObject) -> None:
    text = seal(content, "cookie", KEYS)
    assert refusal(text[: data.draw(st.integers(0, len(text) - 1))]) is Reason.STATE_INVALID
    assert refusal(text + data.draw(st.text(ALPHABET, min_size=1))) is Reason.STATE_INVALID


@given(contents, purposes, purposes)
def test_another_purpose_does_not_open(content: bytes, one: str, other: str) -> None:
    assume(one != other)
    assert refusal(seal(content, one, KEYS), other) is Reason.STATE_INVALID


@given(contents)
def test_another_key_of_the_same_number_does_not_open(content: bytes) -> None:
    assert refusal(seal(content, "cookie", KEYS), keys=SealKeys(2, {2: OLD})) is Reason.STATE_INVALID


def test_a_key_that_is_gone_is_told_apart() -> None:
    text = seal(b"content", "cookie", KEYS)
    assert refusal(text, keys=SealKeys(1, {1: OLD})) is Reason.STATE_UNKNOWN_KEY
    with pytest.raises(Refused) as refused:
        derive(text, "nonce", SealKeys(1, {1: OLD}))
    assert refused.value.reason is Reason.STATE_UNKNOWN_KEY


def test_an_old_key_still_opens_after_a_rotation() -> None:
    before = seal(b"content", "cookie", SealKeys(1, {1: OLD}))
    assert open_sealed(before, "cookie", KEYS) == b"content"
    assert decode(seal(b"content", "cookie", KEYS))[0] == 2


def test_the_number_of_the_key_is_authenticated() -> None:
    """Two numbers with one key: a text of the first does not open as one of the second."""
    twins = SealKeys(1, {1: OLD, 2: OLD})
    raw = decode(seal(b"content", "cookie", twins))
    assert refusal(encode(b"\x02" + raw[1:]), keys=twins) is Reason.STATE_INVALID


@given(st.text() | st.text(ALPHABET) | st.binary().map(encode))
def test_any_text_is_refused(text: str) -> None:
    assert refusal(text) in {Reason.STATE_INVALID, Reason.STATE_UNKNOWN_KEY}


@pytest.mark.parametrize("suffix", ["=", "==", "\n", " ", "+", "é", "\ud800"])
def test_characters_that_a_decoder_would_skip_are_refused(suffix: str) -> None:
    assert refusal(seal(b"content", "cookie", KEYS) + suffix) is Reason.STATE_INVALID


def test_spare_bits_are_refused() -> None:
    """Reject non-canonical base64: the last character has bits that count for nothing."""
    text = seal(b"", "cookie", KEYS)
    assert len(text) % 4
    spare = text[:-1] + ALPHABET[ALPHABET.index(text[-1]) + 1]
    assert refusal(spare) is Reason.STATE_INVALID


def test_equal_contents_are_equal_texts_and_others_are_not() -> None:
    assert seal(b"one", "cookie", KEYS) == seal(b"one", "cookie", KEYS)
    assert seal(b"one", "cookie", KEYS) != seal(b"two", "cookie", KEYS)
    assert seal(b"one", "cookie", KEYS) != seal(b"one", "basket", KEYS)


def test_derived_bytes_depend_on_text_purpose_and_key() -> None:
    text, other = seal(b"one", "cookie", KEYS), seal(b"two", "cookie", KEYS)
    derived = derive(text, "nonce", KEYS)
    assert len(derived) == 32
    assert derived == derive(text, "nonce", KEYS)
    assert derived not in {
        derive(other, "nonce", KEYS),
        derive(text, "code_verifier", KEYS),
        derive(text, "nonce", SealKeys(2, {2: OLD})),
    }


@pytest.mark.parametrize("text", ["", "A", "====", "é"])
def test_nothing_is_derived_from_what_is_no_base64url(text: str) -> None:
    with pytest.raises(Refused) as refused:
        derive(text, "nonce", KEYS)
    assert refused.value.reason is Reason.STATE_INVALID


def test_hkdf_is_rfc_5869() -> None:
    """RFC 5869 appendix A.3: no salt; our `info` is the purpose, there it is empty."""
    derived = derived_key(b"\x0b" * 22, "", 42)
    assert derived.hex() == ("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")


@pytest.mark.parametrize(
    ("newest", "by_number"),
    [(1, {}), (2, {1: OLD}), (1, {1: b"short"}), (256, {256: OLD}), (-1, {-1: OLD}), (1, {1: OLD, 300: NEW})],
)
def test_keys_that_can_not_be(newest: int, by_number: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        SealKeys(newest, by_number)


def test_keys_are_not_shown() -> None:
    assert "ooo" not in repr(KEYS)


def test_what_was_sealed_before_still_opens() -> None:
    """A state is under way while a new version is put in place: form, derivation and labels stay as they are."""
    assert seal(b"content", "cookie", KEYS) == "AvHIZw280keAtnSr1T3FKMBM7wUDe9-b"
    derived = derive("AvHIZw280keAtnSr1T3FKMBM7wUDe9-b", "nonce", KEYS).hex()
    assert derived == "44e8646dc37339c59d38011215a11dbe8bb12a5ded7713edf1f2fff45064ef50"


@pytest.mark.parametrize("number", [0, 255])
def test_the_numbers_that_a_key_may_have(number: int) -> None:
    keys = SealKeys(number, {number: OLD})
    assert open_sealed(seal(b"content", "cookie", keys), "cookie", keys) == b"content"


def test_what_is_wrong_with_keys_is_said() -> None:
    with pytest.raises(ValueError, match=r"^the newest key is not among the keys$"):
        SealKeys(1, {})
    with pytest.raises(ValueError, match=r"^a key has a number from 0 to 255 and at least 32 bytes$"):
        SealKeys(1, {1: b"k" * 31})

"""Cursors open for their list alone."""

import string
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entracte.errors import Kind, LocalError
from entracte.participation.cursors import LONGEST, read_cursor, write_cursor
from entracte.participation.records import Position
from entracte.protocol.seal import SealKeys, decode, encode, seal
from entracte.values import ParticipationId

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = SealKeys(2, {1: OLD, 2: NEW})
LIST = "entries:1:2:language=en"

ids = st.uuids().map(ParticipationId)
positions = st.builds(Position, st.integers(0, 2**40), ids)
purposes = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def refuses(text: str, purpose: str = LIST, keys: SealKeys = KEYS) -> None:
    with pytest.raises(LocalError) as refused:
        read_cursor(text, purpose, keys)
    assert (refused.value.problem.kind, refused.value.problem.code) == (Kind.BAD_INPUT, "cursor_invalid")
    assert len(text) < 20 or text not in str(refused.value)


@given(positions, purposes)
def test_a_cursor_opens_for_its_list(position: Position, purpose: str) -> None:
    text = write_cursor(position, purpose, KEYS)
    assert read_cursor(text, purpose, KEYS) == position
    assert len(text) <= LONGEST == 200
    assert set(text) <= set(string.ascii_letters + string.digits + "-_"), "it needs no quoting in an address"


@given(positions, purposes, purposes)
def test_it_opens_for_no_other_list_or_filter(position: Position, one: str, other: str) -> None:
    assume(one != other)
    refuses(write_cursor(position, one, KEYS), other)


def test_it_opens_after_a_rotation_and_not_with_other_keys() -> None:
    position = Position(1_800_000_000, ParticipationId(UUID(int=7)))
    text = write_cursor(position, LIST, SealKeys(1, {1: OLD}))
    assert read_cursor(text, LIST, KEYS) == position
    refuses(text, keys=SealKeys(2, {2: NEW}))
    refuses(text, keys=SealKeys(1, {1: NEW}))


@given(positions, st.data())
def test_one_bit_altered_does_not_open(position: Position, data: st.DataObject) -> None:
    raw = bytearray(decode(write_cursor(position, LIST, KEYS)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    refuses(encode(bytes(raw)))


@given(st.text(max_size=250))
def test_any_other_text_is_refused(text: str) -> None:
    refuses(text)


@pytest.mark.parametrize(
    "text",
    ["", "=", "A" * 76, "é" * 76, "\x00", "\ud800", seal(b"", "cursor", KEYS), seal(b"x" * 40, "state", KEYS)],
    ids=range(8),
)
def test_texts_that_are_nearly_something_are_refused(text: str) -> None:
    refuses(text)


def test_what_stands_behind_a_cursor_is_not_ignored() -> None:
    text = write_cursor(Position(0, ParticipationId(UUID(int=7))), LIST, KEYS)
    for more in ("A", "=", " ", "\n", "A" * 125, "A" * 1_000_000):
        refuses(text + more)
    refuses(text[:-1])


def test_a_megabyte_is_refused() -> None:
    refuses("A" * 1_000_000)

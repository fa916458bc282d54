"""What the browser holds: it opens to what was sealed, and to nothing else."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.participation.keys import ParticipationKey, Ticket, open_key, open_ticket, seal_key, seal_ticket
from entracte.participation.trips import ATTEMPT_COOKIE, RETURN_HANDLE
from entracte.protocol.seal import SealKeys, decode, encode
from entracte.protocol.state import StateContent, seal_state
from entracte.values import AttemptNumber, CampaignNumber, ConnectionNumber, ParticipationId

KEYS = SealKeys(1, {1: b"k" * 32})
SOMEBODY = ParticipationId(UUID(int=7))
KEY = ParticipationKey(CampaignNumber(3), SOMEBODY, 1)
TICKET = Ticket(SOMEBODY, AttemptNumber(9), 1_800_000_000)

number_32 = st.integers(0, 2**32 - 1)
participations = st.uuids().map(ParticipationId)
participation_keys = st.builds(
    ParticipationKey, st.integers(1, 2**32 - 1).map(CampaignNumber), participations, st.integers(0, 2**16 - 1)
)
tickets = st.builds(Ticket, participations, number_32.map(AttemptNumber), number_32)
purposes = st.sampled_from([ATTEMPT_COOKIE, RETURN_HANDLE])


@given(participation_keys)
def test_a_key_opens_to_what_was_sealed(key: ParticipationKey) -> None:
    assert open_key(seal_key(key, KEYS), KEYS) == key


@given(tickets, purposes)
def test_a_ticket_opens_to_what_was_sealed(ticket: Ticket, purpose: str) -> None:
    assert open_ticket(seal_ticket(ticket, purpose, KEYS), purpose, KEYS) == ticket


@given(participation_keys, st.data())
def test_a_key_with_one_bit_altered_does_not_open(key: ParticipationKey, data: st.DataObject) -> None:
    raw = bytearray(decode(seal_key(key, KEYS)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert open_key(encode(bytes(raw)), KEYS) is None


@given(tickets, purposes, st.data())
def test_a_ticket_with_one_character_changed_does_not_open(ticket: Ticket, purpose: str, data: st.DataObject) -> None:
    text = seal_ticket(ticket, purpose, KEYS)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda character: character != text[place]))
    assert open_ticket(text[:place] + other + text[place + 1 :], purpose, KEYS) is None


@given(st.text(max_size=250))
def test_any_other_text_is_none_and_never_an_error(text: str) -> None:
    assert open_key(text, KEYS) is None
    assert open_ticket(text, ATTEMPT_COOKIE, KEYS) is None


@pytest.mark.parametrize(
    "changed", ["", seal_key(KEY, KEYS)[:-1], f"{seal_key(KEY, KEYS)}A", f"{seal_key(KEY, KEYS)}="]
)
def test_a_key_that_was_cut_or_lengthened_does_not_open(changed: str) -> None:
    assert open_key(changed, KEYS) is None


def test_a_very_long_text_is_not_even_decoded() -> None:
    assert open_key("A" * 1_000_000, KEYS) is None
    assert open_ticket("A" * 1_000_000, RETURN_HANDLE, KEYS) is None


@given(participation_keys, tickets)
def test_each_opens_for_its_own_purpose_alone(key: ParticipationKey, ticket: Ticket) -> None:
    """A cookie is no ticket, a ticket no handle, a handle no ticket, and none of them is a key (MUST 3)."""
    cookie = seal_ticket(ticket, ATTEMPT_COOKIE, KEYS)
    handle = seal_ticket(ticket, RETURN_HANDLE, KEYS)
    assert cookie != handle
    assert open_ticket(cookie, RETURN_HANDLE, KEYS) is None
    assert open_ticket(handle, ATTEMPT_COOKIE, KEYS) is None
    assert open_key(cookie, KEYS) is None
    assert open_key(handle, KEYS) is None
    for purpose in (ATTEMPT_COOKIE, RETURN_HANDLE, "participation"):
        assert open_ticket(seal_key(key, KEYS), purpose, KEYS) is None


def test_a_state_is_neither_key_nor_ticket() -> None:
    state = seal_state(StateContent(KEY.campaign, ConnectionNumber(7), SOMEBODY, TICKET.attempt, 1), KEYS)
    assert open_key(state, KEYS) is None
    assert open_ticket(state, ATTEMPT_COOKIE, KEYS) is None


def test_a_key_outlives_the_next_secret_and_not_the_end_of_its_own() -> None:
    text = seal_key(KEY, KEYS)
    rotated = SealKeys(2, {2: b"n" * 32, 1: b"k" * 32})
    assert open_key(text, rotated) == KEY
    assert seal_key(KEY, rotated) != text
    assert open_key(text, SealKeys(2, {2: b"n" * 32})) is None
    assert open_key(text, SealKeys(1, {1: b"n" * 32})) is None

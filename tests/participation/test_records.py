"""Where a page ends, and where to go on another day."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entracte.participation.records import LATE_SECONDS, Page, Position, page, resuming
from entracte.values import ParticipationId

positions = st.builds(Position, st.integers(0, 2**40), st.uuids().map(ParticipationId))


def at(seconds: int) -> Position:
    return Position(seconds, ParticipationId(UUID(int=7)))


def test_a_page_has_a_next_one_when_more_was_found_than_it_has() -> None:
    lines = [(at(n), str(n)) for n in range(3)]
    assert page(lines, 2) == Page(("0", "1"), after=at(1), last=at(1))
    assert page(lines, 3) == Page(("0", "1", "2"), after=None, last=at(2))
    assert page([], 3) == Page((), after=None, last=None)


@given(st.none() | positions, st.none() | positions, st.integers(0, 2**40))
def test_resuming_is_never_less_than_a_minute_ago(last: Position | None, before: Position | None, now: int) -> None:
    again = resuming(last, before, now)
    end = last or before
    if end is None:
        assert again is None
    else:
        assert again is not None
        assert again.at == min(end.at, now - LATE_SECONDS)
        assert again == end or again.participation.int == 0

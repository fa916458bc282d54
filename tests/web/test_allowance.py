"""The counts behind the limit of requests."""

from uuid import UUID

from entracte.web.allowance import WINDOW, Allowance, Allowances

ONE, OTHER, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


def test_a_window_begins_with_the_first_request() -> None:
    allowances = Allowances(2)
    assert allowances.take(ONE, 100) == Allowance(2, 1, WINDOW, True)
    assert allowances.take(ONE, 130) == Allowance(2, 0, WINDOW - 30, True)
    assert allowances.take(ONE, 159) == Allowance(2, 0, WINDOW - 59, False)
    assert allowances.take(ONE, 160) == Allowance(2, 1, WINDOW, True)


def test_who_only_looks_takes_nothing() -> None:
    allowances = Allowances(1)
    assert allowances.look(ONE, 100) == Allowance(1, 1, WINDOW, True)
    assert allowances.take(ONE, 110).granted
    assert allowances.look(ONE, 120) == Allowance(1, 0, WINDOW - 10, False)
    assert allowances.look(ONE, 170) == Allowance(1, 1, WINDOW, True)


def test_each_has_its_own() -> None:
    allowances = Allowances(1)
    assert allowances.take(ONE, 100).granted
    assert allowances.take(OTHER, 100).granted
    assert not allowances.take(ONE, 100).granted


def test_a_clock_that_goes_back_begins_anew() -> None:
    allowances = Allowances(1)
    allowances.take(ONE, 1000)
    assert allowances.take(ONE, 10) == Allowance(1, 0, WINDOW, True)


def test_it_remembers_so_many_and_no_more() -> None:
    allowances = Allowances(1, capacity=2)
    for token in (ONE, OTHER, ONE, THIRD):
        allowances.take(token, 100)
    assert not allowances.take(ONE, 100).granted  # asked later than the other
    assert allowances.take(OTHER, 100).granted


def test_one_too_many_is_told_when_to_come_back() -> None:
    assert Allowance(5, 0, 17, False).headers() == {
        "RateLimit-Policy": '"requests";q=5;w=60',
        "RateLimit": '"requests";r=0;t=17',
        "Retry-After": "17",
    }
    assert "Retry-After" not in Allowance(5, 0, 17, True).headers()

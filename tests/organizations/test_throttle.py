"""Failures are counted by account, by address and by both; the clock is an argument."""

import pytest

from entracte.organizations.throttle import LIMITS, WINDOW, Throttle, TooManyAttempts

ALICE = "alice@example.com"
HOME = "192.0.2.1"
NOW = 1_800_000_000


def fail(throttle: Throttle, times: int, email: str = ALICE, address: str = HOME, now: int = NOW) -> None:
    for _ in range(times):
        throttle.admit(email, address, now)


def test_the_sixth_failure_waits() -> None:
    throttle = Throttle()
    fail(throttle, 5)
    with pytest.raises(TooManyAttempts) as refused:
        throttle.admit(ALICE, HOME, NOW + 60)
    assert refused.value.problem.code == "too_many_attempts"
    assert refused.value.retry_after == WINDOW - 60
    assert refused.value.problem.hint == "Wait 14 minutes and try again."


def test_after_the_window_it_may_be_tried_again() -> None:
    throttle = Throttle()
    fail(throttle, 5)
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, HOME, NOW + WINDOW - 1)
    throttle.admit(ALICE, HOME, NOW + WINDOW)


def test_a_refused_attempt_does_not_lengthen_the_wait() -> None:
    throttle = Throttle()
    fail(throttle, 5)
    for later in range(100):
        with pytest.raises(TooManyAttempts):
            throttle.admit(ALICE, HOME, NOW + later)
    throttle.admit(ALICE, HOME, NOW + WINDOW)


def test_success_starts_afresh() -> None:
    throttle = Throttle()
    for _ in range(5):
        fail(throttle, 5)
        throttle.succeeded(ALICE, HOME)
    fail(throttle, 5)
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, HOME, NOW)


def test_many_accounts_from_one_address() -> None:
    throttle = Throttle()
    for number in range(LIMITS["address"]):
        throttle.admit(f"member{number}@example.com", HOME, NOW)
    with pytest.raises(TooManyAttempts):
        throttle.admit("another@example.com", HOME, NOW)
    throttle.admit("another@example.com", "192.0.2.2", NOW)


def test_one_account_from_many_addresses() -> None:
    throttle = Throttle()
    for number in range(LIMITS["account"]):
        throttle.admit(ALICE, f"198.51.100.{number}", NOW)
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, HOME, NOW)


def test_success_gives_the_address_only_its_own_attempt_back() -> None:
    """Whoever has one account must not be able to wipe out the failures with the others."""
    throttle = Throttle()
    for number in range(LIMITS["address"] - 1):
        throttle.admit(f"member{number}@example.com", HOME, NOW)
    throttle.admit(ALICE, HOME, NOW)
    throttle.succeeded(ALICE, HOME)
    throttle.admit("another@example.com", HOME, NOW)
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, HOME, NOW)


def test_spelling_does_not_make_another_account() -> None:
    throttle = Throttle()
    fail(throttle, 5, email=" Alice@Example.COM ")
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, HOME, NOW)


def test_a_network_of_ipv6_is_one_address() -> None:
    throttle = Throttle()
    fail(throttle, 5, address="2001:db8::1")
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, "2001:db8::ffff:2", NOW)
    throttle.admit(ALICE, "2001:db8:0:1::1", NOW)


@pytest.mark.parametrize("written", ["::ffff:{}", "64:ff9b::{}"])
def test_an_address_of_ipv4_that_is_written_as_one_of_ipv6_counts_for_itself(written: str) -> None:
    """As the peers of a server on `::` are: otherwise all of them would be one household."""
    throttle, home, another = Throttle(), written.format(HOME), written.format("192.0.2.2")
    for number in range(LIMITS["address"]):
        throttle.admit(f"member{number}@example.com", home, NOW)
    throttle.admit("another@example.com", another, NOW)
    for same in (home, HOME):
        with pytest.raises(TooManyAttempts):
            throttle.admit("another@example.com", same, NOW)


@pytest.mark.parametrize("address", ["", "testclient", "unix:", "fe80::1%eth0", "x" * 500])
def test_an_address_that_is_none_counts_as_it_stands(address: str) -> None:
    throttle = Throttle()
    fail(throttle, 5, address=address)
    with pytest.raises(TooManyAttempts):
        throttle.admit(ALICE, address, NOW)


def test_memory_is_bounded() -> None:
    throttle = Throttle(capacity=30)
    for number in range(1000):
        throttle.admit(f"member{number}@example.com", f"203.0.113.{number % 250}", NOW)
    assert len(throttle._failures) == 30

"""The fetcher on uvloop, on which production runs: its sockets and its TLS are its own."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

import pytest
import uvloop

from tests.fetch import test_body, test_connector, test_fetcher, test_guard, test_limits, test_tls
from tests.fetch.certificates import Authority


@pytest.mark.parametrize(
    "check",
    [
        test_fetcher.test_a_request_is_sent_as_it_is_written,
        test_connector.test_two_requests_use_one_connection,
        test_guard.test_each_connection_is_resolved_once_and_goes_where_was_checked,
        test_limits.test_a_server_that_does_not_accept,
        test_limits.test_a_server_that_does_not_speak_tls,
        test_limits.test_a_server_that_hangs_before_the_first_byte,
        test_fetcher.test_a_connection_that_is_reset,
        test_connector.test_nothing_listens_there,
        partial(test_body.test_a_bomb_is_not_inflated, "gzip"),
        test_fetcher.test_whatever_a_server_says_is_an_answer_or_a_refusal,
    ],
)
def test_it_is_the_same_on_uvloop(check: Callable[[], Coroutine[None, None, None]]) -> None:
    """Production runs on uvloop, whose sockets and TLS are its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(check())


@pytest.mark.parametrize(
    "check",
    [
        test_tls.test_the_original_name_is_in_sni_host_and_certificate,
        test_tls.test_tls_connections_are_kept,
        test_tls.test_a_certificate_of_an_authority_that_nobody_trusts,
        test_tls.test_old_tls_is_refused,
    ],
)
def test_tls_is_the_same_on_uvloop(
    check: Callable[[Authority], Coroutine[None, None, None]], authority: Authority
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(check(authority))

"""The frame that knows whether the session changed: the line session-management, MUST 56."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.session_management import (
    MAXIMUM_SESSION_STATE,
    STEPS,
    SessionAnswer,
    SessionCheck,
    SessionStep,
    read_session_answer,
    read_session_state,
    session_check,
    session_message,
)
from tests.protocol.refusals import is_silent_about, outcome

CHECK = SessionCheck("https://server.example.com:8443/check?a=b", "https://server.example.com:8443")


def test_the_frame_and_its_origin() -> None:
    assert session_check("https://server.example.com:8443/check?a=b") == CHECK


def test_a_server_without_a_frame() -> None:
    refused = outcome(lambda: session_check(None))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.METADATA_LACKS


@pytest.mark.parametrize(
    ("parameters", "state"),
    [
        ({}, None),
        ({"session_state": "5a2b.salt"}, "5a2b.salt"),
        ({"session_state": "!~"}, "!~"),
        ({"session_state": "x" * MAXIMUM_SESSION_STATE}, "x" * MAXIMUM_SESSION_STATE),
    ],
)
def test_the_session_state(parameters: dict[str, str], state: str | None) -> None:
    assert read_session_state(parameters) == state


@pytest.mark.parametrize("text", ["", "canary state", "canary\n", "canary-é", "canary\x00", "canary-" + "x" * 1018])
def test_a_session_state_that_can_not_be(text: str) -> None:
    """Section 2: without the space."""
    refused = outcome(lambda: read_session_state({"session_state": text}))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.RESPONSE_MALFORMED
    assert "canary" not in str(refused)


@pytest.mark.conformance("session-management")
def test_the_message() -> None:
    """Section 3.1."""
    assert session_message("s6BhdRkqt3", "5a2b.salt") == "s6BhdRkqt3 5a2b.salt"


@pytest.mark.parametrize(("client_id", "session_state"), [("a b", "c"), ("a", "b c")])
def test_a_message_that_would_be_another(client_id: str, session_state: str) -> None:
    with pytest.raises(ValueError, match="client id"):
        session_message(client_id, session_state)


@pytest.mark.parametrize(
    ("text", "step"),
    [("unchanged", SessionStep.KEEP), ("changed", SessionStep.ASK), ("error", SessionStep.STOP)],
)
@pytest.mark.conformance("session-management")
def test_what_the_answers_mean(text: str, step: SessionStep) -> None:
    assert read_session_answer(text, "https://server.example.com:8443", CHECK) is step


def test_every_answer_means_something() -> None:
    assert set(STEPS) == set(SessionAnswer)


@pytest.mark.parametrize(
    ("text", "came_from"),
    [
        ("changed", "https://server.example.com"),
        ("changed", "https://server.example.com:8443/"),
        ("changed", "https://evil.example"),
        ("changed", "null"),
        ("Changed", "https://server.example.com:8443"),
        ("", "https://server.example.com:8443"),
    ],
)
@pytest.mark.conformance("session-management")
def test_a_message_that_means_nothing(text: str, came_from: str) -> None:
    assert read_session_answer(text, came_from, CHECK) is None


@given(st.text())
def test_any_session_state_is_read_or_refused(text: str) -> None:
    read = outcome(lambda: read_session_state({"session_state": text}))
    if isinstance(read, Refused):
        assert is_silent_about(read, text)
    else:
        assert session_message("a", str(read)).split(" ") == ["a", text]

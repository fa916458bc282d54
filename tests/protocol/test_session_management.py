"""The frame that knows whether the session changed: the line session-management, MUST 56."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.session_management import (
    MAXIMUM_SESSION_STATE,
    SessionCheck,
    read_session_state,
    session_check,
    session_message,
)
from tests.protocol.refusals import is_silent_about, outcome, refused

CHECK = SessionCheck("https://server.example.com:8443/check?a=b", "https://server.example.com:8443")


def test_the_frame_and_its_origin() -> None:
    assert session_check("https://server.example.com:8443/check?a=b") == CHECK


def test_a_server_without_a_frame() -> None:
    assert refused(lambda: session_check(None)) == (Reason.METADATA_LACKS, "`check_session_iframe` is missing.")


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
    evidence = "`session_state` has to be 1 to 1024 printable characters without a space."
    assert refused(lambda: read_session_state({"session_state": text})) == (Reason.RESPONSE_MALFORMED, evidence)


@pytest.mark.conformance("session-management")
def test_the_message() -> None:
    """Section 3.1."""
    assert session_message("s6BhdRkqt3", "5a2b.salt") == "s6BhdRkqt3 5a2b.salt"


@pytest.mark.parametrize(("client_id", "session_state"), [("a b", "c"), ("a", "b c")])
def test_a_message_that_would_be_another(client_id: str, session_state: str) -> None:
    with pytest.raises(ValueError, match=r"^the frame would read another client id$"):
        session_message(client_id, session_state)


@given(st.text())
def test_any_session_state_is_read_or_refused(text: str) -> None:
    read = outcome(lambda: read_session_state({"session_state": text}))
    if isinstance(read, Refused):
        assert is_silent_about(read, text)
    else:
        assert session_message("a", str(read)).split(" ") == ["a", text]

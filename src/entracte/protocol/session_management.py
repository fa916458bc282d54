"""Whether the session at the provider is still the same, asked of a frame of it.

OpenID Connect Session Management 1.0. The asking is done by a script in the browser; here is what it sends, and to
whom.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from entracte.protocol.addresses import origin
from entracte.protocol.errors import Reason, refuse

MAXIMUM_SESSION_STATE = 1024
_SESSION_STATE = re.compile(r"[\x21-\x7e]+")
"""Printable, and without the space that ends the client id in the message (section 2)."""


@dataclass(frozen=True, slots=True)
class SessionCheck:
    """The frame to ask. Made only by `session_check`."""

    url: str
    origin: str
    """The only one that is spoken to, and listened to."""


def session_check(check_session_iframe: str | None) -> SessionCheck:
    """The frame of a server, by its metadata (section 3.3). Refuses `METADATA_LACKS` when it has none."""
    if check_session_iframe is None:
        raise refuse(Reason.METADATA_LACKS, "`check_session_iframe` is missing.")
    return SessionCheck(check_session_iframe, origin(check_session_iframe))


def read_session_state(parameters: Mapping[str, str]) -> str | None:
    """The `session_state` of an authorization response (section 2), None when there is none. Refuses
    `RESPONSE_MALFORMED`."""
    text = parameters.get("session_state")
    if text is not None and (len(text) > MAXIMUM_SESSION_STATE or _SESSION_STATE.fullmatch(text) is None):
        raise refuse(
            Reason.RESPONSE_MALFORMED,
            f"`session_state` has to be 1 to {MAXIMUM_SESSION_STATE} printable characters without a space.",
        )
    return text


def session_message(client_id: str, session_state: str) -> str:
    """What is sent to the frame (section 3.1). Raises ValueError when a space in either would make it another
    message."""
    if " " in client_id or " " in session_state:
        raise ValueError("the frame would read another client id")
    return f"{client_id} {session_state}"

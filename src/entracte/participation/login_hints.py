"""What an authorization server said of somebody whom it sends here to sign in (OpenID Connect Core section 4).

Two sealed texts: the handle travels from the OAuth service to the campaign's host, and the hint is kept by the browser
for the one participation that began with it. Neither names a server, a scope or an address: only the hint is theirs.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from entracte.participation.model import Participation
from entracte.protocol.errors import Refused
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import CampaignNumber

HANDLE_AGE = 300
"""Seconds in which a browser has to come from the OAuth service to the campaign."""
HINT_AGE = 3600
"""Seconds for which a hint is used."""
LONGEST = 100
"""Characters of a hint: an address, with room for it in a request that the server asks us for."""
_LONGEST_SEALED = 1000
_HANDLE, _HINT = "initiated login v1", "login hint v1"


@dataclass(frozen=True, slots=True)
class LoginHint:
    """A hint of one participation. `begins` is whether the sign-in begins by itself, because it is what the person
    came for and nothing stands before it."""

    text: str = field(repr=False)
    begins: bool = False


NO_HINT = LoginHint("")


def usable_hint(text: str) -> str:
    """The hint, when it can be one; else none: it is a help, and no sign-in fails for it."""
    return text if len(text) <= LONGEST and text.isprintable() else ""


def seal_handle(campaign: CampaignNumber, hint: str, keys: SealKeys, now: int) -> str:
    """What the browser takes along to the campaign."""
    return seal(_written([campaign, now, hint]), _HANDLE, keys)


def open_handle(text: str, campaign: CampaignNumber, keys: SealKeys, now: int) -> str | None:
    """The hint of a handle for this campaign; None when it is not ours, of another campaign, or too old."""
    kept = _opened(text, _HANDLE, keys)
    if kept is None or kept[0] != campaign or not 0 <= now - kept[1] <= HANDLE_AGE:
        return None
    return str(kept[2])


def seal_hint(participation: Participation, hint: LoginHint, keys: SealKeys, now: int) -> str:
    """What the browser keeps."""
    return seal(_written([participation.id.hex, now, hint.text, hint.begins]), _HINT, keys)


def open_hint(text: str, participation: Participation, keys: SealKeys, now: int) -> LoginHint:
    """The hint of this participation; none when it is not ours, of another one, or too old."""
    kept = _opened(text, _HINT, keys)
    if kept is None or kept[0] != participation.id.hex or not 0 <= now - kept[1] <= HINT_AGE:
        return NO_HINT
    return LoginHint(str(kept[2]), bool(kept[3]))


def _written(kept: list[Any]) -> bytes:
    """Letters as they are: escaped, each would be six characters or twelve, and a long hint would not open."""
    return json.dumps(kept, ensure_ascii=False).encode()


def _opened(text: str, purpose: str, keys: SealKeys) -> list[Any] | None:
    if not text or len(text) > _LONGEST_SEALED:
        return None
    try:
        kept: list[Any] = json.loads(open_sealed(text, purpose, keys))
    except Refused:
        return None
    return kept

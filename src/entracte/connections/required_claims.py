"""Which accounts a connection takes: those of which the server says what the connection requires.

A parameter of the request that narrows the choice of accounts (`hd` at Google) is a help to people and binds nobody.
What the server's document says afterwards does (Google, "OpenID Connect").
"""

from collections.abc import Mapping, Sequence
from typing import Any

from entracte.connections.claim_map import RequiredValue
from entracte.connections.claims import at_path
from entracte.protocol.errors import Reason, refuse


def check_account(claims: Mapping[str, Any], required: Mapping[str, Sequence[RequiredValue]]) -> None:
    """Whether each required claim has one of its values; of a list one member is enough. Refuses
    `ACCOUNT_NOT_ACCEPTED`, naming the claim and nothing that it says."""
    for path, accepted in required.items():
        told = at_path(claims, path)
        if told is None:
            raise refuse(Reason.ACCOUNT_NOT_ACCEPTED, f"The claim {path} is missing.")
        members = told if isinstance(told, list) else [told]
        if not any(_is_same(member, value) for member in members for value in accepted):
            raise refuse(Reason.ACCOUNT_NOT_ACCEPTED, f"The claim {path} has another value.")


def _is_same(told: Any, value: RequiredValue) -> bool:
    """Texts byte for byte, numbers by their value. To Python `True` is 1; to JSON it is not."""
    return isinstance(told, bool) is isinstance(value, bool) and bool(told == value)

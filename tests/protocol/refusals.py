"""What every parser promises: a value or `Refused`, and nothing of the input in the exception (MUST 53, BAD 19)."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from entracte.protocol.errors import Reason, Refused

Value = TypeVar("Value")


def outcome(call: Callable[[], Value]) -> Value | Refused:
    """The value, or the refusal; any other exception fails the test."""
    try:
        return call()
    except Refused as refusal:
        return refusal


def refused(call: Callable[[], object]) -> tuple[Reason, str]:
    """Why it was refused, and the evidence, to the word: it is all that an operator sees of it."""
    with pytest.raises(Refused) as refusal:
        call()
    return refusal.value.reason, refusal.value.evidence


def is_silent_about(refusal: Exception, *given: object) -> bool:
    """Neither the exception nor what it is chained to shows one of the texts that were given.

    Texts shorter than eight characters may stand in any sentence by chance.
    """
    if refusal.__cause__ is not None or not (refusal.__context__ is None or refusal.__suppress_context__):
        return False
    shown = f"{refusal} {refusal!r}"
    return not any(isinstance(text, str) and len(text) >= 8 and text in shown for text in given)

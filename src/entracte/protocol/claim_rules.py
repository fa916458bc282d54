"""What a table of claims is made of. The tables stand in `id_token` and `access_token`.

NumericDate, StringOrURI and the audience are those of RFC 7519 sections 2 and 4.1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from entracte.protocol.errors import Reason, refuse

CLOCK_SKEW = 60
"""Seconds that the authorization server's clock may be off."""
MAXIMUM_SUBJECT = 255
"""Characters of a `sub` (OpenID Connect Core section 2)."""

Expectation = TypeVar("Expectation")


def _no_explanation(_value: Any, _expectation: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class ClaimRule(Generic[Expectation]):
    """One line of a table: a claim, what it has to be, and the reason to refuse when it is not."""

    name: str
    shape: Callable[[Any], bool]
    holds: Callable[[Any, Expectation, int], bool]
    """Of the claim, the expectation and now in seconds."""
    reason: Reason
    required: bool = True
    unusable: Reason = Reason.TOKEN_CLAIM
    """The reason when the claim is missing or of the wrong type."""
    explain: Callable[[Any, Expectation], str] = _no_explanation


def check_claims(
    claims: Mapping[str, Any], rules: Sequence[ClaimRule[Expectation]], expectation: Expectation, now: int
) -> None:
    """Refuse at the first line of the table that is not met."""
    for rule in rules:
        _check(claims, rule, expectation, now)


def _check(claims: Mapping[str, Any], rule: ClaimRule[Expectation], expectation: Expectation, now: int) -> None:
    if rule.name not in claims:
        if rule.required:
            raise refuse(rule.unusable, f"`{rule.name}` is missing.")
        return
    value = claims[rule.name]
    if not rule.shape(value):
        raise refuse(rule.unusable, f"`{rule.name}` is of the wrong type.")
    if not rule.holds(value, expectation, now):
        raise refuse(rule.reason, f"`{rule.name}` does not match. {rule.explain(value, expectation)}".rstrip())


def is_text(value: Any) -> bool:
    """A string with something in it."""
    return isinstance(value, str) and bool(value)


def is_subject(value: Any) -> bool:
    """A `sub` that can be stored and compared: 1 to 255 characters, none of them a control character."""
    return is_text(value) and len(value) <= MAXIMUM_SUBJECT and not any(_is_control(character) for character in value)


def _is_control(character: str) -> bool:
    return ord(character) < 32 or 127 <= ord(character) < 160


def is_number(value: Any) -> bool:
    """A NumericDate. In Python a bool is an int; in JSON it is no number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_audience(value: Any) -> bool:
    """One string or a list of strings."""
    return is_text(value) or (isinstance(value, list) and bool(value) and all(map(is_text, value)))


def audiences(value: Any) -> list[str]:
    """The audiences of a claim that `is_audience`."""
    return [value] if isinstance(value, str) else list(value)


def not_expired(value: Any, _expectation: Any, now: int) -> bool:
    """For `exp` (RFC 7519 section 4.1.4)."""
    return bool(now < value + CLOCK_SKEW)


def not_in_the_future(value: Any, _expectation: Any, now: int) -> bool:
    """For `nbf` and `iat`."""
    return bool(value <= now + CLOCK_SKEW)


def holds_already(_value: Any, _expectation: Any, _now: int) -> bool:
    """For a claim whose type is all there is to check."""
    return True

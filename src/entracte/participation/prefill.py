"""The form, filled from the account; what was sent back, compared; and what became of each value.

| field                 | shows                                   | takes                                     |
|-----------------------|-----------------------------------------|-------------------------------------------|
| editable              | what was typed, else the account's value | what was sent                             |
| locked                | the account's value                     | the account's value; another one is refused |
| locked, nothing there | what was typed                          | what was sent                             |
| hidden                | nothing                                 | the account's value, whatever was sent    |
| checkbox              | what was ticked, never the account      | what was sent                             |
| opt-in                | as editable, where the connection says so | what was sent                             |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from entracte.campaigns.model import FieldKind, FieldMode, Form, FormField
from entracte.participation.events import ValueOutcome
from entracte.participation.form import BOXES, TICKED, FieldProblem, Value, check_value, shown_value, without_controls
from entracte.participation.model import Profile
from entracte.values import Json

LONGEST_TYPED = 5000
"""Characters of a refused value that are shown again."""

Source = Literal["", "account", "confirmed", "typed"]


@dataclass(frozen=True, slots=True)
class Offered:
    """What a field shows: a text, or whether a box is ticked. `source` is where it came from, `locked` whether it can
    not be changed."""

    value: str | bool = field(repr=False)
    source: Source = ""
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A form that can be an entry: every value as it is kept, and what became of it."""

    values: Mapping[str, Json] = field(repr=False)
    outcomes: Mapping[str, ValueOutcome]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A form that has to be mended: what is wrong at which field, and what was typed, to show it again."""

    problems: Mapping[str, FieldProblem]
    typed: Mapping[str, str] = field(repr=False)


_STILL_LOCKED = frozenset({"too_young"})
"""Problems of an account's value that typing can not mend: who is too young stays so, and the field stays locked."""
_ANY_DAY = date.max
"""What is shown does not depend on the day: a date is locked whether or not its owner is old enough."""
_TYPED_TEXT = frozenset({FieldKind.TEXT, FieldKind.EMAIL, FieldKind.PHONE})
"""Fields that can show a value which their check refuses."""


@dataclass(frozen=True, slots=True)
class _FromAccount:
    """What the account has for a field: as it is shown, and as it is kept, or what is wrong with it."""

    shown: str | bool
    checked: Value | FieldProblem
    confirmed: bool
    locked: bool

    @property
    def accepted(self) -> bool:
        return not isinstance(self.checked, FieldProblem)

    @property
    def refused_for_good(self) -> bool:
        return isinstance(self.checked, FieldProblem) and self.checked.code in _STILL_LOCKED


def offer(
    form: Form,
    profile: Profile | None,
    draft: Mapping[str, Json],
    *,
    prefill_opt_ins: bool,
    sent: Mapping[str, str] | None = None,
) -> Mapping[str, Offered]:
    """What each field shows, by its key; a hidden one shows nothing.

    `draft` is what was typed before. A field that is blank in it takes the account's value: who left the form to sign
    in had not filled it yet. `sent` is what was just sent and rejected; it is shown as it stands, blank fields too."""
    return {
        rule.key: _offer(rule, _from_account(rule, profile, _ANY_DAY, prefill_opt_ins), _before(rule, draft, sent))
        for rule in form.fields
    }


def _before(rule: FormField, draft: Mapping[str, Json], sent: Mapping[str, str] | None) -> Json:
    """What the participant gave before, None where that says nothing. An unticked box says no."""
    if sent is not None:
        return sent.get(rule.key, "")
    typed = draft.get(rule.key)
    return typed if typed or rule.kind in BOXES else None


def own_words(form: Form, profile: Profile | None, raw: Mapping[str, str], *, prefill_opt_ins: bool) -> dict[str, Json]:
    """What was sent and is the participant's own, as far as it can be kept. What stands there as the account told it
    is left out: another account may take its place. A field that was not sent is blank."""
    return {
        rule.key: without_controls(raw.get(rule.key, ""))[: rule.maximum_length]
        for rule in form.fields
        if not _untouched(_from_account(rule, profile, _ANY_DAY, prefill_opt_ins), raw.get(rule.key, ""))
    }


def _untouched(account: _FromAccount | None, sent: str) -> bool:
    return account is not None and sent == _sent(account.shown)


def submitted(
    form: Form, profile: Profile | None, raw: Mapping[str, str], today: date, *, prefill_opt_ins: bool
) -> Accepted | Rejected:
    """What was sent, accepted or not. Locked values are compared with the account's, hidden ones are the account's."""
    values: dict[str, Json] = {}
    outcomes: dict[str, ValueOutcome] = {}
    problems: dict[str, FieldProblem] = {}
    for rule in form.fields:
        account = _from_account(rule, profile, today, prefill_opt_ins)
        value = _take(rule, account, raw.get(rule.key), today)
        if isinstance(value, FieldProblem):
            problems[rule.key] = value
        else:
            values[rule.key] = value
            outcomes[rule.key] = _outcome(account, value)
    if problems:
        return Rejected(problems, _typed(form, raw))
    return Accepted(values, outcomes)


def complete(
    form: Form,
    profile: Profile,
    today: date,
    *,
    prefill_opt_ins: bool,
    draft: Mapping[str, Json] | None = None,
) -> Accepted | None:
    """The entry that the account alone makes, or None when the form has to be shown: something required is missing or
    would be refused, an acceptance is asked for, or something was typed that would be lost."""
    if any((draft or {}).values()):
        return None
    raw = {
        rule.key: _sent(account.shown)
        for rule in form.fields
        if (account := _from_account(rule, profile, today, prefill_opt_ins)) is not None
        # what is not needed and would be refused is left out, but for the age of who is too young
        and (account.accepted or account.refused_for_good or rule.required)
    }
    outcome = submitted(form, profile, raw, today, prefill_opt_ins=prefill_opt_ins)
    return outcome if isinstance(outcome, Accepted) else None


def _from_account(rule: FormField, profile: Profile | None, today: date, prefill_opt_ins: bool) -> _FromAccount | None:
    """What the account has for a field, if that may be used and shown there."""
    if profile is None or not rule.prefill:
        return None
    told = profile.attributes.get(rule.prefill)
    confirmed = rule.prefill in profile.verified
    if rule.kind in BOXES:
        return _box_from_account(rule, told, confirmed) if prefill_opt_ins else None
    if not isinstance(told, str) or not told.strip():
        return None
    checked = check_value(rule, told, today)
    if isinstance(checked, FieldProblem):
        return _refused_from_account(rule, told.strip(), checked)
    shown = shown_value(rule, checked) if isinstance(checked, str) else ""
    return _FromAccount(shown, checked, confirmed, locked=rule.mode is FieldMode.LOCKED)


def _box_from_account(rule: FormField, told: Json, confirmed: bool) -> _FromAccount | None:
    """An opt-in may come ticked; what somebody accepts never does."""
    if rule.kind is not FieldKind.OPT_IN or not (isinstance(told, bool) or told in ("true", "false")):
        return None
    ticked = told is True or told == "true"
    return _FromAccount(ticked, ticked, confirmed, locked=False)


def _refused_from_account(rule: FormField, told: str, problem: FieldProblem) -> _FromAccount | None:
    for_good = problem.code in _STILL_LOCKED
    if not for_good and rule.kind not in _TYPED_TEXT:
        return None  # a date or a choice that the field could not even show
    locked = for_good and rule.mode is FieldMode.LOCKED
    return _FromAccount(told, problem, confirmed=False, locked=locked)


def _offer(rule: FormField, account: _FromAccount | None, typed: Json) -> Offered:
    if rule.mode is FieldMode.HIDDEN:
        return Offered("", locked=True)
    if account is not None and account.locked:
        return Offered(account.shown, _source(account), locked=True)
    if typed is not None:
        return _offer_typed(rule, account, typed)
    if account is not None:
        return Offered(account.shown, _source(account))
    return Offered(False if rule.kind in BOXES else "")


def _offer_typed(rule: FormField, account: _FromAccount | None, typed: Json) -> Offered:
    value = typed in (TICKED, True) if rule.kind in BOXES else str(typed)
    if account is not None and value == account.shown:
        return Offered(value, _source(account))
    return Offered(value, "typed" if value else "")


def _source(account: _FromAccount) -> Source:
    return "confirmed" if account.confirmed else "account"


def _sent(shown: str | bool) -> str:
    """What a browser sends for what a field shows."""
    return shown if isinstance(shown, str) else TICKED * shown


def _take(rule: FormField, account: _FromAccount | None, raw: str | None, today: date) -> Value | FieldProblem:
    if rule.mode is FieldMode.HIDDEN:
        return account.checked if account is not None and account.accepted else None
    if account is not None and account.locked:
        return _take_locked(rule, account, raw, today)
    return check_value(rule, raw, today)


def _take_locked(rule: FormField, account: _FromAccount, raw: str | None, today: date) -> Value | FieldProblem:
    """The account's value. Browsers leave a disabled field out; one that comes back has to be the same."""
    if raw is not None and raw.strip() != account.shown and check_value(rule, raw, today) != account.checked:
        return FieldProblem("locked_changed")
    return account.checked


def _outcome(account: _FromAccount | None, value: Value) -> ValueOutcome:
    if account is None:
        return ValueOutcome.TYPED if value else ValueOutcome.BLANK
    if value is None:
        return ValueOutcome.BLANK
    return ValueOutcome.KEPT if value == account.checked else ValueOutcome.EDITED


def _typed(form: Form, raw: Mapping[str, str]) -> Mapping[str, str]:
    """What was typed, by field, as far as it is the participant's to type and can be kept."""
    return {
        rule.key: without_controls(raw[rule.key][:LONGEST_TYPED])
        for rule in form.fields
        if rule.mode is not FieldMode.HIDDEN and rule.key in raw
    }

"""The form filled from the account: what is offered, what is taken, what became of it."""

from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entracte.campaigns.model import Form
from entracte.participation.events import ValueOutcome
from entracte.participation.form import BOXES, FieldProblem, check_value
from entracte.participation.model import Profile
from entracte.participation.prefill import Accepted, Offered, Rejected, complete, offer, submitted
from entracte.values import Json

TODAY = date(2026, 6, 1)


def form(*fields: dict[str, Any]) -> Form:
    named = [{"label": "It", "prefill": field["key"], **field} for field in fields]
    return Form.model_validate({"kind": "form", "key": "details", "title": "You", "fields": named})


def profile(verified: frozenset[str] = frozenset(), **attributes: Json) -> Profile:
    return Profile(attributes, verified, "ana@example.com", b"ana")


def offered(rules: Form, who: Profile | None, draft: dict[str, Json] | None = None, **options: Any) -> Offered:
    return offer(rules, who, draft or {}, **{"prefill_opt_ins": False, **options})["it"]


def taken(rules: Form, who: Profile | None, sent: dict[str, str], *, opt_ins: bool = False) -> Accepted | Rejected:
    return submitted(rules, who, sent, TODAY, prefill_opt_ins=opt_ins)


NAME = form({"key": "it", "kind": "text"})
LOCKED = form({"key": "it", "kind": "email", "mode": "locked", "required": True})
HIDDEN = form({"key": "it", "kind": "email", "mode": "hidden"})
PHONE = form({"key": "it", "kind": "phone", "country": "BE"})
BORN = form({"key": "it", "kind": "date", "mode": "locked", "minimum_age": 18})
OPT_IN = form({"key": "it", "kind": "opt_in"})
RULES = form({"key": "it", "kind": "checkbox", "required": True})


@pytest.mark.conformance("MUST 58")
def test_an_editable_field_shows_what_was_typed_and_else_the_account() -> None:
    ana = profile(it="Ana")
    assert offered(NAME, None) == Offered("")
    assert offered(NAME, ana) == Offered("Ana", "account")
    assert offered(NAME, profile(frozenset({"it"}), it="Ana")) == Offered("Ana", "confirmed")
    assert offered(NAME, ana, {"it": "Anna"}) == Offered("Anna", "typed")
    assert offered(NAME, ana, {"it": "Ana"}) == Offered("Ana", "account")


def test_a_field_left_blank_before_the_sign_in_takes_the_account_and_one_blanked_now_stays_blank() -> None:
    ana = profile(it="Ana")
    assert offered(NAME, ana, {"it": ""}) == Offered("Ana", "account")
    assert offered(NAME, ana, {"it": "Anna"}, sent={"it": ""}) == Offered("")
    assert offered(NAME, ana, {"it": "Anna"}, sent={}) == Offered("")


def test_a_locked_field_shows_the_account_and_can_be_typed_where_there_is_nothing() -> None:
    assert offered(LOCKED, profile(it="ana@example.com"), {"it": "eve@example.com"}) == Offered(
        "ana@example.com", "account", locked=True
    )
    assert offered(LOCKED, profile(), {"it": "ana@example.com"}) == Offered("ana@example.com", "typed")
    assert offered(LOCKED, None) == Offered("")


def test_a_hidden_field_shows_nothing() -> None:
    assert offered(HIDDEN, profile(it="ana@example.com"), {"it": "eve@example.com"}) == Offered("", locked=True)


@pytest.mark.parametrize(
    ("rules", "told", "expected"),
    [
        (LOCKED, "no address", Offered("no address", "account")),
        (PHONE, "0470 12", Offered("0470 12", "account")),
        (PHONE, "+32470123456", Offered("0470 12 34 56", "account")),
        (form({"key": "it", "kind": "date"}), "17/05/1988", Offered("")),
        (form({"key": "it", "kind": "choice", "choices": [{"key": "a", "label": "A"}]}), "x", Offered("")),
        (NAME, True, Offered("")),
        (NAME, "  ", Offered("")),
        (NAME, None, Offered("")),
    ],
)
def test_a_value_that_would_be_refused_is_offered_where_it_can_be_mended(
    rules: Form, told: Json, expected: Offered
) -> None:
    assert offered(rules, profile(it=told)) == expected


def test_who_is_too_young_can_not_type_another_age() -> None:
    dana = profile(it="2014-01-01")
    assert offered(BORN, dana).locked
    for sent in ({}, {"it": "2014-01-01"}):
        answer = taken(BORN, dana, sent)
        assert isinstance(answer, Rejected)
        assert answer.problems["it"] == FieldProblem("too_young", {"minimum_age": 18})
    answer = taken(BORN, dana, {"it": "1988-01-01"})
    assert isinstance(answer, Rejected)
    assert answer.problems["it"] == FieldProblem("locked_changed")


@pytest.mark.parametrize(
    ("told", "opt_ins", "draft", "ticked"),
    [
        (True, False, {}, False),
        (True, True, {}, True),
        ("true", True, {}, True),
        (False, True, {}, False),
        ("yes", True, {}, False),
        (None, True, {}, False),
        (True, True, {"it": ""}, False),
        (False, True, {"it": "yes"}, True),
    ],
)
def test_an_opt_in_comes_ticked_only_where_the_connection_says_so(
    told: Json, opt_ins: bool, draft: dict[str, Json], ticked: bool
) -> None:
    assert offered(OPT_IN, profile(it=told), draft, prefill_opt_ins=opt_ins).value is ticked


def test_an_acceptance_never_comes_from_the_account() -> None:
    assert offered(RULES, profile(it=True), prefill_opt_ins=True) == Offered(False)
    assert isinstance(taken(RULES, profile(it=True), {}, opt_ins=True), Rejected)
    assert complete(RULES, profile(it=True), TODAY, prefill_opt_ins=True) is None


KEPT, EDITED, TYPED, BLANK = ValueOutcome.KEPT, ValueOutcome.EDITED, ValueOutcome.TYPED, ValueOutcome.BLANK


@pytest.mark.conformance("MUST 58")
@pytest.mark.parametrize(
    ("rules", "told", "sent", "value", "outcome"),
    [
        (NAME, "Ana", "Ana", "Ana", KEPT),
        (NAME, "Ana", " Ana ", "Ana", KEPT),
        (NAME, "Ana", "Anna", "Anna", EDITED),
        (NAME, "Ana", "", None, BLANK),
        (NAME, None, "Ana", "Ana", TYPED),
        (NAME, None, "", None, BLANK),
        (PHONE, "+32470123456", "0470 12 34 56", "+32470123456", KEPT),
        (PHONE, "0470 12", "0470 12 34 56", "+32470123456", EDITED),
        (LOCKED, "ana@EXAMPLE.com", "ana@example.com", "ana@example.com", KEPT),
        (LOCKED, "ana@example.com", None, "ana@example.com", KEPT),
        (LOCKED, None, "ana@example.com", "ana@example.com", TYPED),
        (LOCKED, "no address", "ana@example.com", "ana@example.com", EDITED),
        (HIDDEN, "ana@example.com", "eve@example.com", "ana@example.com", KEPT),
        (HIDDEN, None, "eve@example.com", None, BLANK),
        (HIDDEN, "no address", None, None, BLANK),
        (RULES, True, "yes", True, TYPED),
        (OPT_IN, True, "yes", True, KEPT),
        (OPT_IN, True, None, False, EDITED),
        (OPT_IN, False, None, False, KEPT),
        (OPT_IN, None, None, False, BLANK),
        (OPT_IN, None, "yes", True, TYPED),
    ],
)
def test_every_value_has_its_outcome(
    rules: Form, told: Json, sent: str | None, value: Json, outcome: ValueOutcome
) -> None:
    answer = taken(rules, profile(it=told), {} if sent is None else {"it": sent}, opt_ins=True)
    assert answer == Accepted({"it": value}, {"it": outcome})


@pytest.mark.parametrize("sent", ["eve@example.com", "", "ana@example.co"])
def test_a_locked_value_that_was_changed_is_refused(sent: str) -> None:
    answer = taken(LOCKED, profile(it="ana@example.com"), {"it": sent})
    assert answer == Rejected({"it": FieldProblem("locked_changed")}, {"it": sent})


def test_every_problem_comes_at_once_with_what_was_typed() -> None:
    rules = form(
        {"key": "name", "kind": "text", "required": True},
        {"key": "email", "kind": "email"},
        {"key": "secret", "kind": "text", "mode": "hidden"},
        {"key": "rules", "kind": "checkbox", "required": True},
    )
    answer = taken(rules, None, {"email": "a\x00b", "secret": "x", "other": "y"})
    assert isinstance(answer, Rejected)
    assert {key: problem.code for key, problem in answer.problems.items()} == {
        "name": "required",
        "email": "control_characters",
        "rules": "must_accept",
    }
    assert answer.typed == {"email": "ab"}


def test_nothing_personal_is_in_the_repr() -> None:
    ana = profile(it="ana@example.com")
    texts = [offered(LOCKED, ana), taken(LOCKED, ana, {}), taken(LOCKED, ana, {"it": "eve@example.com"})]
    assert not any("example.com" in repr(text) for text in texts)


def test_a_form_is_complete_when_the_account_has_all_that_is_required() -> None:
    rules = form(
        {"key": "email", "kind": "email", "required": True},
        {"key": "phone", "kind": "phone", "country": "BE"},
        {"key": "news", "kind": "opt_in"},
    )
    ana = profile(email="ana@example.com", phone="0470 12")
    assert complete(rules, ana, TODAY, prefill_opt_ins=False) == Accepted(
        {"email": "ana@example.com", "phone": None, "news": False}, {"email": KEPT, "phone": BLANK, "news": BLANK}
    )
    assert complete(rules, ana, TODAY, prefill_opt_ins=False, draft={"email": "", "news": ""}) is not None
    assert complete(rules, ana, TODAY, prefill_opt_ins=False, draft={"phone": "0470 12 34 56"}) is None
    assert complete(rules, profile(phone="+32470123456"), TODAY, prefill_opt_ins=False) is None
    assert complete(rules, profile(email="no address"), TODAY, prefill_opt_ins=False) is None


def test_a_required_opt_in_completes_a_form_only_where_opt_ins_may_come_ticked() -> None:
    rules = form({"key": "it", "kind": "opt_in", "required": True})
    assert complete(rules, profile(it=True), TODAY, prefill_opt_ins=False) is None
    assert complete(rules, profile(it=True), TODAY, prefill_opt_ins=True) == Accepted({"it": True}, {"it": KEPT})


@pytest.mark.parametrize("mode", ["editable", "locked"])
def test_who_is_too_young_never_enters_at_once(mode: str) -> None:
    rules = form({"key": "it", "kind": "date", "minimum_age": 18, "mode": mode})
    assert complete(rules, profile(it="2014-01-01"), TODAY, prefill_opt_ins=False) is None
    assert complete(rules, profile(it="1988-05-17"), TODAY, prefill_opt_ins=False) is not None


FIELDS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["text", "email", "phone", "date", "choice", "checkbox", "opt_in"]),
        "mode": st.sampled_from(["editable", "locked", "hidden"]),
        "required": st.booleans(),
        "country": st.sampled_from([None, "BE"]),
        "minimum_age": st.sampled_from([None, 18]),
        "choices": st.just([{"key": "a", "label": "A"}]),
    }
)
TEXTS = st.sampled_from(
    ["", "Ana", "ana@example.com", "eve@EXAMPLE.com", "0470123456", "+32470123456", "0470", "1988-05-17", "2015-01-01",
     "a", "yes", "true"]
) | st.text(max_size=10)  # fmt: skip
TOLD = TEXTS | st.booleans() | st.none()


@given(FIELDS, TOLD, st.none() | TEXTS, st.booleans())
def test_what_is_offered_and_sent_back_as_it_is_is_kept(
    rule: dict[str, Any], told: Json, typed: str | None, opt_ins: bool
) -> None:
    rules, who = form({**rule, "key": "it"}), profile(it=told)
    shown = offered(rules, who, {} if typed is None else {"it": typed}, prefill_opt_ins=opt_ins)
    field = rules.fields[0]
    back = {} if shown.value is False else {"it": "yes" if shown.value is True else shown.value}
    answer = taken(rules, who, back, opt_ins=opt_ins)
    if field.mode == "hidden":
        assert shown.value == ""
    elif shown.locked:
        assert field.mode == "locked"
        # a locked value is one that can be sent, but for the age
        assert isinstance(answer, Accepted) or answer.problems["it"].code == "too_young"
    if isinstance(answer, Accepted) and not shown.locked and shown.source in ("account", "confirmed"):
        assert answer.outcomes["it"] is KEPT


@given(FIELDS, TOLD, TEXTS, st.booleans())
def test_what_is_kept_passed_its_check_and_hidden_and_locked_come_from_the_account(
    rule: dict[str, Any], told: Json, sent: str, opt_ins: bool
) -> None:
    rules, who = form({**rule, "key": "it"}), profile(it=told)
    field = rules.fields[0]
    assume(field.kind not in BOXES or field.mode == "editable")  # `campaigns.draft` refuses the others
    answer = taken(rules, who, {"it": sent}, opt_ins=opt_ins)
    if isinstance(answer, Rejected):
        assert field.mode != "hidden"
        return
    value = answer.values["it"]
    from_account = offered(rules, who, prefill_opt_ins=opt_ins).locked
    if from_account and value is not None:
        assert isinstance(told, str)
        assert value == check_value(field, told, TODAY)
    if isinstance(value, str):
        assert check_value(field, value, TODAY) == value

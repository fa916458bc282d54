"""What the participant sees of the campaign itself: welcome, questions, form, thanks, and "not open"."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from string import ascii_uppercase
from types import MappingProxyType
from typing import Literal

from entracte.campaigns.model import (
    Choice,
    FieldKind,
    Form,
    FormField,
    MultipleChoice,
    OpenText,
    Question,
    SingleChoice,
    Thanks,
    Welcome,
)
from entracte.participation.signing_out import Watch
from entracte.values import Json
from entracte.web.html import PageContext, Progress, neutral_context, render
from entracte.web.skeletons import Skeletons
from entracte.web.translations import long_date, mark, number_in_words, translated, translated_plural

Source = Literal["", "account", "confirmed"]


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field of the form as it stands now. `value` is a text, or a bool for a checkbox and an opt-in; `problem`
    is a sentence in the page's language, or empty."""

    field: FormField
    value: Json = dataclasses.field(repr=False)
    source: Source = ""
    locked: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AccountView:
    """Whose account filled the form. `label` is what the participant knows it by."""

    label: str = dataclasses.field(repr=False)
    initials: str = dataclasses.field(repr=False)
    connection_title: str
    signs_out: bool = False
    """Whether they can sign out here."""


@dataclass(frozen=True, slots=True)
class ProblemView:
    """One line of the summary: what it links to, and what is wrong there."""

    identifier: str
    label: str
    problem: str = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """One thing to choose, as a row or an option."""

    identifier: str
    letter: str
    key: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Posted:
    """What is sent for a field whose visible part shows something else."""

    name: str
    value: str = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field, ready for the template. `value` is a text, or a bool for a tick."""

    identifier: str
    name: str
    tick: bool
    half: bool
    label: str
    optional: str
    note: str
    below: str
    lock: str
    problem: str
    value: str | bool = dataclasses.field(repr=False)
    required: bool
    locked: bool
    input_type: str
    attributes: tuple[tuple[str, str], ...]
    options: tuple[ChoiceRow, ...]
    posted: Posted | None = dataclasses.field(repr=False)

    @property
    def described_by(self) -> str:
        """The ids of what describes the field, the problem first (WAI-ARIA 1.2, `aria-describedby`)."""
        parts = {"problem": self.problem, "note": self.note, "help": self.below, "lock": self.lock}
        return " ".join(f"{self.identifier}-{name}" for name, text in parts.items() if text)


def render_welcome(context: PageContext, progress: Progress, step: Welcome) -> str:
    """The first page, with the button that posts to `{base}/{step.key}`."""
    return _step_page("welcome", context, progress, step, button=context.say(step.button))


def render_question(
    context: PageContext, progress: Progress, step: Question, answer: Json, problem: str, back: str
) -> str:
    """A question with the kept answer, or with what was just typed and the sentence that says what is wrong with it.
    `back` is the address of the step before, or empty."""
    if isinstance(step, OpenText):
        return _render_open_text(context, progress, step, answer, problem, back)
    return _render_choices(context, progress, step, answer, problem, back)


ACCOUNT_FIELD = "account-mark"
"""No field of a campaign has a hyphen in its key."""


def render_form(
    context: PageContext,
    progress: Progress,
    form: Form,
    fields: Sequence[FieldView],
    *,
    title: str,
    account: AccountView | None,
    back: str,
    account_mark: str = "",
    problems_title: str = "",
    connection_title: str = "",
    watch: Watch | None = None,
) -> str:
    """The form. `title` is the greeting; hidden fields are left out; `connection_title` is who confirmed a value where
    no account names it; `account_mark` comes back as `ACCOUNT_FIELD`; `watch` is what is asked of the login's frame."""
    confirmed_by = account.connection_title if account else connection_title
    shown = [view for view in fields if view.field.mode != "hidden"]

    def page(context: PageContext, told: _Told, shown: Sequence[FieldView]) -> str:
        rows = [_field_row(context, view, confirmed_by) for view in shown]
        problems = [_form_problem(row) for row in rows if row.problem]
        return _step_page(
            "form",
            context,
            progress,
            form,
            title=told.title,
            rows=rows,
            problems=problems,
            problems_title=problems_title or _problems_title(context, len(problems)),
            account=told.account,
            account_field=ACCOUNT_FIELD,
            account_mark=told.account_mark,
            back=back,
            button=context.say(form.button) or translated(context.language, mark("Send my entry")),
            choose=translated(context.language, mark("Choose")),
            new_window=translated(context.language, mark("opens in a new window")),
            watch=watch,
        )

    told = _Told(title, account, account_mark)
    if context.embedded or watch or any(view.problem or _is_locked_choice(view) for view in shown):
        return page(context, told, shown)
    shape = (
        *(id(form), id(context.brand), context.organization_title, context.campaign_title, context.languages),
        *(context.language, context.base, context.here, progress, back, confirmed_by, problems_title),
        *(_account_shape(account), bool(title), bool(account_mark)),
        tuple(map(_shape, shown)),
    )

    def with_marks(marks: Sequence[str]) -> str:
        nonce, title, account_mark, label, initials, *values = marks
        marked = account and replace(account, label=label if account.label else "", initials=initials)
        views = [_with_mark(view, value) for view, value in zip(shown, values, strict=True)]
        return page(replace(context, nonce=nonce), _Told(title, marked, account_mark), views)

    filled_in = [context.nonce, title, account_mark, *((account.label, account.initials) if account else ("", ""))]
    filled_in += [str(view.value) if _is_text(view) else "" for view in shown]
    return _FORMS.render(shape, (form, context.brand, [view.field for view in shown]), filled_in, with_marks)


_FORMS = Skeletons()


@dataclass(frozen=True, slots=True)
class _Told:
    """What a form says of its participant around the fields."""

    title: str = dataclasses.field(repr=False)
    account: AccountView | None
    account_mark: str = dataclasses.field(repr=False)


def _is_text(view: FieldView) -> bool:
    """Whether there is a text that stands in the field as it is."""
    return view.value not in (None, "") and view.field.kind not in (*TICKS, FieldKind.CHOICE)


def _is_locked_choice(view: FieldView) -> bool:
    return view.locked and view.field.kind is FieldKind.CHOICE


def _account_shape(account: AccountView | None) -> tuple[object, ...] | None:
    return (account.connection_title, bool(account.label), account.signs_out) if account else None


def _shape(view: FieldView) -> tuple[object, ...]:
    """What of a field decides how the page looks: of a choice and of a tick the value too, when it is one of ours."""
    value: object = _is_text(view)
    if view.field.kind in TICKS:
        value = view.value is True or view.value in ("yes", "true")
    elif view.field.kind is FieldKind.CHOICE:
        value = next((choice.key for choice in view.field.choices if choice.key == view.value), "")
    return id(view.field), view.source, view.locked, value


def _with_mark(view: FieldView, place: str) -> FieldView:
    return replace(view, value=place) if _is_text(view) else view


def render_thanks(context: PageContext, progress: Progress, step: Thanks, entered: bool, signed_in_at: str = "") -> str:
    """The last page. Without an entry it says so, and shows the way on. `signed_in_at` is the login at which the
    participant is still signed in and can sign out, or empty."""
    still = mark("You are still signed in with your %(connection)s account.")
    return _step_page(
        "thanks",
        context,
        progress,
        step,
        entered=entered,
        still_signed_in=translated(context.language, still, connection=signed_in_at) if signed_in_at else "",
    )


def render_closed(context: PageContext, opens: date | None, closes: date | None, today: date | None = None) -> str:
    """A campaign that is not open yet, or that is over. `opens` and `closes` are the campaign's days, in UTC."""
    language, today = context.language, today or datetime.now(UTC).date()
    if opens is not None and today < opens:
        title = translated(language, mark("Not open yet."))
        text = translated(language, mark("%(campaign)s opens on %(day)s."), **_when(context, opens))
    elif closes is not None:
        title = translated(language, mark("This campaign is over."))
        text = translated(language, mark("%(campaign)s closed on %(day)s."), **_when(context, closes))
    else:
        title = translated(language, mark("This campaign is over."))
        text = translated(language, mark("It does not take entries any more."))
    return render("pages/take_part/notice.html", language, page=context, progress=None, title=title, text=text)


def render_no_cookie(context: PageContext) -> str:
    """An answer came from a browser that did not keep the cookie of the page before: what that means, and how to go
    on."""
    language = context.language
    return render(
        "pages/take_part/no_cookie.html",
        language,
        page=context,
        progress=None,
        title=translated(language, mark("Your browser did not keep your place.")),
        text=translated(
            language, mark("It came back without the cookie of this campaign, so your answer could not be saved.")
        ),
        start=context.base,
    )


def render_not_found(*, nonce: str, language: str = "en") -> str:
    """There is nothing at this address, and no brand whose page it would be."""
    return render(
        "pages/take_part/notice.html",
        language,
        page=neutral_context(language, nonce),
        progress=None,
        title=translated(language, mark("There is nothing at this address.")),
        text=translated(language, mark("The link may be old, or cut short. Open it again from where you found it.")),
    )


def _when(context: PageContext, day: date) -> dict[str, str]:
    return {"campaign": context.campaign_title, "day": long_date(context.language, day)}


def _step_page(
    template: str,
    context: PageContext,
    progress: Progress,
    step: Welcome | Question | Form | Thanks,
    **values: object,
) -> str:
    common = {
        "page": context,
        "progress": progress,
        "title": context.say(step.title),
        "text": context.say(step.text),
        "action": f"{context.base}/{step.key}",
    }
    return render(f"pages/take_part/{template}.html", context.language, **{**common, **values})


def _render_choices(
    context: PageContext,
    progress: Progress,
    step: SingleChoice | MultipleChoice,
    answer: Json,
    problem: str,
    back: str,
) -> str:
    chosen = answer if isinstance(answer, list) else [answer]
    rows = _choice_rows(context, step.choices, "choice", chosen)
    hint = _choice_hint(context.language, step)
    described = {"about": step.text, "hint": hint}
    return _step_page(
        "choices",
        context,
        progress,
        step,
        rows=rows,
        several=isinstance(step, MultipleChoice),
        hint=hint,
        required=step.required,
        described_by=" ".join(name for name, text in described.items() if text),
        back=back,
        **_problem_values(context, rows[0].identifier, problem),
    )


def _render_open_text(
    context: PageContext, progress: Progress, step: OpenText, answer: Json, problem: str, back: str
) -> str:
    described = {"problem": problem, "about": step.text, "hint": "always"}
    return _step_page(
        "open_text",
        context,
        progress,
        step,
        typed=answer if isinstance(answer, str) else "",
        lines=step.lines,
        required=step.required,
        hint=_text_hint(context.language, step),
        described_by=" ".join(name for name, text in described.items() if text),
        back=back,
        **_problem_values(context, "text", problem),
    )


def _problem_values(context: PageContext, identifier: str, problem: str) -> dict[str, object]:
    problems = [ProblemView(identifier, "", problem)] if problem else []
    return {"problems": problems, "problems_title": _problems_title(context, len(problems))}


def _problems_title(context: PageContext, count: int) -> str:
    if not count:
        return ""
    return translated_plural(
        context.language, "There is one thing to change.", "There are %(number)s things to change.", count
    )


def _choice_rows(
    context: PageContext, choices: Sequence[Choice], prefix: str, chosen: Sequence[Json]
) -> tuple[ChoiceRow, ...]:
    return tuple(
        ChoiceRow(f"{prefix}-{choice.key}", letter, choice.key, context.say(choice.label), choice.key in chosen)
        for letter, choice in zip(_letters(len(choices)), choices, strict=True)
    )


def _letters(count: int) -> list[str]:
    """A to Z; a select in a form may have more options, which need none."""
    return [*ascii_uppercase, *[""] * count][:count]


def _choice_hint(language: str, step: SingleChoice | MultipleChoice) -> str:
    sentences = [_how_many(language, step)] if isinstance(step, MultipleChoice) else []
    if not step.required:
        sentences.append(translated(language, mark("You can leave this one out.")))
    return " ".join(sentences)


def _how_many(language: str, step: MultipleChoice) -> str:
    least, most = max(step.minimum, 1), step.maximum
    if most is not None and most >= len(step.choices):
        most = None
    message = _how_many_message(least, most)
    numbers = {"least": number_in_words(language, least), "most": number_in_words(language, most or 0)}
    return translated(language, message, **numbers)


def _how_many_message(least: int, most: int | None) -> str:
    if most is None:
        return mark("Choose one or more.") if least == 1 else mark("Choose at least %(least)s.")
    if most == least:
        return mark("Choose just one.") if most == 1 else mark("Choose %(most)s.")
    return mark("Choose up to %(most)s.") if least == 1 else mark("Choose %(least)s to %(most)s.")


def _text_hint(language: str, step: OpenText) -> str:
    hint = translated(language, mark("Up to %(count)s characters."), count=step.maximum_length)
    if step.required:
        return hint
    return f"{hint} {translated(language, mark('You can leave this one out.'))}"


TICKS = frozenset({FieldKind.CHECKBOX, FieldKind.OPT_IN})

INPUT_TYPES: Mapping[FieldKind, str] = MappingProxyType({
    FieldKind.TEXT: "text",
    FieldKind.EMAIL: "email",
    FieldKind.PHONE: "tel",
    FieldKind.DATE: "date",
    FieldKind.CHOICE: "text",
    FieldKind.CHECKBOX: "checkbox",
    FieldKind.OPT_IN: "checkbox",
})  # fmt: skip
"""A choice has a text field only where it is locked: browsers have no read-only select."""

AUTOCOMPLETE: Mapping[str, str] = MappingProxyType({
    "name": "name", "full_name": "name",
    "first_name": "given-name", "given_name": "given-name",
    "last_name": "family-name", "family_name": "family-name", "surname": "family-name",
    "middle_name": "additional-name", "nickname": "nickname", "title": "honorific-prefix",
    "email": "email", "e_mail": "email",
    "phone": "tel", "phone_number": "tel", "mobile": "tel", "mobile_number": "tel",
    "birthdate": "bday", "birth_date": "bday", "birthday": "bday", "date_of_birth": "bday",
    "address": "street-address", "street": "street-address", "street_address": "street-address",
    "address_line1": "address-line1", "address_line2": "address-line2",
    "postal_code": "postal-code", "postcode": "postal-code", "zip": "postal-code", "zip_code": "postal-code",
    "city": "address-level2", "locality": "address-level2", "town": "address-level2",
    "region": "address-level1", "state": "address-level1", "province": "address-level1",
    "country": "country-name", "company": "organization", "organization": "organization",
    "job_title": "organization-title", "gender": "sex", "website": "url", "language": "language",
})  # fmt: skip
"""Name of an attribute or field -> token (HTML Living Standard, section 4.10.18.7.1)."""

KIND_AUTOCOMPLETE: Mapping[FieldKind, str] = MappingProxyType({FieldKind.EMAIL: "email", FieldKind.PHONE: "tel"})

KIND_ATTRIBUTES: Mapping[FieldKind, tuple[tuple[str, str], ...]] = MappingProxyType({
    FieldKind.EMAIL: (("inputmode", "email"), ("autocapitalize", "none"), ("spellcheck", "false"), ("dir", "ltr")),
    FieldKind.PHONE: (("inputmode", "tel"), ("dir", "ltr")),
    FieldKind.TEXT: (("dir", "auto"),),
})  # fmt: skip


def _field_row(context: PageContext, view: FieldView, confirmed_by: str) -> FieldRow:
    asked, language = view.field, context.language
    tick = asked.kind in TICKS
    source, help_text = _source_note(language, view.source, confirmed_by), context.say(asked.help)
    beside = "" if tick else source or help_text
    posted = _posted_choice(view)
    return FieldRow(
        identifier=f"field-{asked.key}",
        name="" if posted else asked.key,
        tick=tick,
        half=asked.half,
        label=context.say(asked.label),
        optional="" if tick or asked.required or view.locked else translated(language, mark("(optional)")),
        note=beside,
        below=help_text if help_text != beside else "",
        lock=_lock_note(language) if view.locked else "",
        problem=view.problem,
        value=_shown_value(context, view),
        required=asked.required,
        locked=view.locked,
        input_type=INPUT_TYPES[asked.kind],
        attributes=() if tick else _attributes(asked),
        options=_choice_rows(context, asked.choices, f"field-{asked.key}", [view.value]),
        posted=posted,
    )


def _source_note(language: str, source: Source, confirmed_by: str) -> str:
    if source == "confirmed" and confirmed_by:
        return translated(language, mark("confirmed by %(connection)s"), connection=confirmed_by)
    return translated(language, mark("from your account")) if source else ""


def _lock_note(language: str) -> str:
    return translated(language, mark("It comes from your account and stays as it is."))


def _shown_value(context: PageContext, view: FieldView) -> str | bool:
    if view.field.kind in TICKS:
        return view.value is True or view.value in ("yes", "true")
    if view.locked and view.field.kind is FieldKind.CHOICE:
        labels = {choice.key: context.say(choice.label) for choice in view.field.choices}
        return labels.get(str(view.value), str(view.value))
    return "" if view.value is None else str(view.value)


def _posted_choice(view: FieldView) -> Posted | None:
    if view.locked and view.field.kind is FieldKind.CHOICE:
        return Posted(view.field.key, str(view.value))
    return None


def _attributes(asked: FormField) -> tuple[tuple[str, str], ...]:
    token = _autocomplete(asked)
    names = (("autocapitalize", "words"),) if token in ("given-name", "family-name", "name") else ()
    completion = (("autocomplete", token),) if token else ()
    return (*KIND_ATTRIBUTES.get(asked.kind, ()), *completion, *names)


def _autocomplete(asked: FormField) -> str:
    """The token of a field; what it is filled from says more than what the campaign calls it."""
    if asked.kind is FieldKind.DATE and asked.minimum_age is not None:
        return "bday"
    known = AUTOCOMPLETE.get(asked.prefill) or AUTOCOMPLETE.get(asked.key, "")
    return KIND_AUTOCOMPLETE.get(asked.kind, known)


def _form_problem(row: FieldRow) -> ProblemView:
    """The label of a tick is a sentence of its own, often with links: the problem alone says more."""
    return ProblemView(row.identifier, "" if row.tick else row.label, row.problem)

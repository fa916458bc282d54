"""What the campaigns' pages show. Every number comes from the one report that the export is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from entracte.campaigns.manage import Status, days, status
from entracte.campaigns.model import Definition, FieldKind, FormField, Published
from entracte.participation.events import ValueOutcome
from entracte.participation.model import Entry
from entracte.statistics.report import OUTCOMES, Asked, Facts, Measure, Report, Row
from entracte.values import Json
from entracte.web.manage_layout.rendering import Frame, render

_SIGN_IN_ROWS = frozenset({Measure.SIGN_IN_SHOWN, Measure.SIGN_IN_SENT})
_OUTCOME_ROWS = frozenset(OUTCOMES.values())
_BOXES = frozenset({FieldKind.CHECKBOX, FieldKind.OPT_IN})
_TOLD_OF_BOXES = frozenset({ValueOutcome.KEPT, ValueOutcome.EDITED})


@dataclass(frozen=True, slots=True)
class State:
    """Whether the campaign can be played, and the day on which that changes, or its last one when it is over."""

    status: Status
    day: date | None
    today: date


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign in the list. `language` is the one that its texts are in here."""

    name: str
    title: str
    language: str
    state: State
    report: Report


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the funnel with its bar. `position` is the number of a question, 0 for everything else; the outcomes
    stand below the step that they are the outcomes of."""

    row: Row
    position: int
    tone: Literal["step", "sign-in"]
    outcomes: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A form value as it was entered. `ticked` is for checkboxes, which have no text. There is no outcome where it
    would tell nothing: a value was left blank, or a box was ticked by the person, as boxes are."""

    text: str
    ticked: bool | None
    outcome: ValueOutcome | None


@dataclass(frozen=True, slots=True)
class EntryLine:
    entered_at: int
    language: str
    signed_in: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """One campaign. `language` is the one that its texts are in here; `address` is where participants play it;
    `signs_in` says whether it has a sign-in at all."""

    name: str
    title: str
    language: str
    state: State
    address: str
    signs_in: bool
    report: Report
    funnel: tuple[Step, ...]
    columns: tuple[str, ...]
    entries: tuple[EntryLine, ...]


def facts(definition: Definition, language: str) -> Facts:
    """What the report needs to know of the campaign, with its texts in that language."""
    return Facts(
        questions=tuple(Asked(step.key, definition.say(step.title, language)) for step in definition.questions),
        signs_in=definition.sign_in is not None,
        guests=definition.sign_in is not None and definition.sign_in.guests,
    )


def first_language(definition: Definition) -> str:
    """The language of the exports, whoever reads them."""
    return definition.languages[0]


def spoken_language(definition: Definition, language: str) -> str:
    """The campaign's language that goes with the page's (`fr-BE` with `fr`), or its first."""
    fitting = (one for one in definition.languages if one.partition("-")[0] == language)
    return next(fitting, first_language(definition))


def campaign_line(campaign: Published, report: Report, today: date, language: str) -> CampaignLine:
    definition = campaign.definition
    spoken = spoken_language(definition, language)
    title = definition.say(definition.title, spoken)
    return CampaignLine(campaign.name, title, spoken, state_of(campaign, today), report)


def campaign_page(
    campaign: Published, report: Report, entries: Sequence[Entry], today: date, public_url: str, language: str
) -> CampaignPage:
    definition = campaign.definition
    spoken = spoken_language(definition, language)
    return CampaignPage(
        name=campaign.name,
        title=definition.say(definition.title, spoken),
        language=spoken,
        state=state_of(campaign, today),
        address=f"{public_url}/c/{campaign.name}",
        signs_in=any(row.measure in _SIGN_IN_ROWS for row in report.rows),
        report=report,
        funnel=tuple(_funnel(report)),
        columns=tuple(_column(definition, field, spoken) for field in definition.form.fields),
        entries=tuple(_entry_line(definition, entry, spoken) for entry in entries),
    )


def render_campaigns(campaigns: Sequence[CampaignLine], frame: Frame) -> str:
    return render("pages/manage_campaigns/campaigns.html", frame, campaigns=campaigns)


def render_campaign(view: CampaignPage, frame: Frame) -> str:
    return render("pages/manage_campaigns/campaign.html", frame, view=view)


def state_of(campaign: Published, today: date) -> State:
    """A campaign that was closed by hand ended on that day."""
    now, (opens, ends) = status(campaign, today), days(campaign)
    if now is Status.CLOSED:
        now = Status.OVER
    return State(now, opens if now is Status.NOT_YET else ends, today)


def _funnel(report: Report) -> Iterator[Step]:
    """The steps in their order. A `returned` of nobody is left out: it is only there for a moment."""
    outcomes = tuple(row for row in report.rows if row.measure in _OUTCOME_ROWS)
    shown = tuple(row for row in outcomes if row.count or row.measure is not Measure.RETURNED)
    position = 0
    for row in report.rows:
        if row.measure in _OUTCOME_ROWS:
            continue
        position += row.measure is Measure.ANSWERED
        tone: Literal["step", "sign-in"] = "sign-in" if row.measure in _SIGN_IN_ROWS else "step"
        below = shown if row.measure is Measure.SIGN_IN_SENT and row.count else ()
        yield Step(row, position if row.title else 0, tone, below)


def _column(definition: Definition, field: FormField, language: str) -> str:
    """A label, or the key where the label is a whole sentence."""
    return field.key if field.kind in _BOXES else definition.say(field.label, language)


def _entry_line(definition: Definition, entry: Entry, language: str) -> EntryLine:
    cells = tuple(_cell(definition, field, entry, language) for field in definition.form.fields)
    return EntryLine(entry.entered_at, entry.language, entry.signed_in, cells)


def _cell(definition: Definition, field: FormField, entry: Entry, language: str) -> Cell:
    value, outcome = entry.values.get(field.key), entry.outcomes.get(field.key)
    if isinstance(value, bool):
        return Cell("", value, outcome if outcome in _TOLD_OF_BOXES else None)
    return Cell(_text(definition, field, value, language), None, None if outcome is ValueOutcome.BLANK else outcome)


def _text(definition: Definition, field: FormField, value: Json, language: str) -> str:
    labels = {choice.key: definition.say(choice.label, language) for choice in field.choices}
    return "" if value is None else labels.get(str(value), str(value))

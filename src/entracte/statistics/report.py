"""The report of a campaign: the one source of every number that the manager shows and the export holds.

The rows follow the participant's way: started, each question, the sign-in with its outcomes, guests, the form, the
entry. A row counts participations. Its share is of those who started; an outcome of the sign-in also has its share
of those who were sent to the login, and these outcomes add up to the row `sign_in_sent`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from entracte.participation.events import EventKind, Outcome
from entracte.statistics.reasons import mark, reason_in_words
from entracte.statistics.tallies import Counts


class Measure(StrEnum):
    """What a row or a figure counts. The values are public: they stand in the export."""

    STARTED = "started"
    ANSWERED = "answered"
    SIGN_IN_SHOWN = "sign_in_shown"
    SIGN_IN_SENT = "sign_in_sent"
    SIGNED_IN = "signed_in"
    CANCELLED = "cancelled"
    AT_THE_LOGIN = "at_the_login"
    RETURNED = "returned"
    FAILED = "failed"
    SIGNED_OUT = "signed_out"
    GUEST = "guest"
    FORM_SHOWN = "form_shown"
    ENTERED = "entered"
    STARTED_SINCE = "started_since"
    PEOPLE = "people"
    MEDIAN_SIGN_IN_SECONDS = "median_sign_in_seconds"


WORDS: Mapping[Measure, str] = MappingProxyType(
    {
        Measure.STARTED: mark("Started"),
        Measure.ANSWERED: mark("A question of an earlier version"),
        Measure.SIGN_IN_SHOWN: mark("Sign-in: shown"),
        Measure.SIGN_IN_SENT: mark("Sign-in: sent"),
        Measure.SIGNED_IN: mark("Came back signed in"),
        Measure.CANCELLED: mark("Cancelled"),
        Measure.AT_THE_LOGIN: mark("Still at the login"),
        Measure.RETURNED: mark("Came back, not finished yet"),
        Measure.FAILED: mark("Failed for a reason that this version does not know"),
        Measure.SIGNED_OUT: mark("Signed out again"),
        Measure.GUEST: mark("Without an account"),
        Measure.FORM_SHOWN: mark("Form"),
        Measure.ENTERED: mark("Entry"),
        Measure.STARTED_SINCE: mark("Started today"),
        Measure.PEOPLE: mark("People"),
        Measure.MEDIAN_SIGN_IN_SECONDS: mark("Median time at sign-in, in seconds"),
    }
)

OUTCOMES: Mapping[Outcome, Measure] = MappingProxyType(
    {
        Outcome.SIGNED_IN: Measure.SIGNED_IN,
        Outcome.CANCELLED: Measure.CANCELLED,
        Outcome.SENT: Measure.AT_THE_LOGIN,
        Outcome.RETURNED: Measure.RETURNED,
        Outcome.FAILED: Measure.FAILED,
    }
)
"""In the order of the report."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the campaign: its key, and its title in the campaign's first language."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report needs to know of a definition. Not the definition: it leads to types that hold a person."""

    questions: tuple[Asked, ...]
    signs_in: bool
    guests: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the funnel.

    `key` is the question's key or the reason's code. `title` is the campaign's own text; where it is empty, `words`
    are ours (a gettext message). Shares are 0 to 1, and None when there is nothing to be a share of.
    """

    measure: Measure
    key: str
    title: str
    words: str
    count: int
    share_of_started: float | None
    share_of_sent: float | None = None

    @property
    def label(self) -> str:
        """What the row is called, in the campaign's or else in plain English words."""
        if self.measure is Measure.FAILED and self.key:
            return f"Failed: {self.words or self.key}"
        return self.title or self.words


@dataclass(frozen=True, slots=True)
class Report:
    """All numbers of one campaign. `started_since` counts from `since` (epoch seconds)."""

    rows: tuple[Row, ...]
    since: int
    started_since: int
    people: int
    median_sign_in_seconds: int | None

    @property
    def started(self) -> Row:
        return self._row(Measure.STARTED)

    @property
    def entered(self) -> Row:
        return self._row(Measure.ENTERED)

    def _row(self, measure: Measure) -> Row:
        return next(row for row in self.rows if row.measure is measure)


def report(facts: Facts, counts: Counts, since: int) -> Report:
    """The report of a campaign with these facts. `counts` were asked for with the same `since`.

    The row `entered` counts entries that are kept, so it is the number of lines in the export of the entries.
    """
    return Report(
        rows=tuple(_rows(facts, counts)),
        since=since,
        started_since=counts.started_since,
        people=counts.people,
        median_sign_in_seconds=counts.median_sign_in_seconds,
    )


def _rows(facts: Facts, counts: Counts) -> Iterator[Row]:
    yield _step(counts, EventKind.STARTED, Measure.STARTED)
    yield from _questions(facts, counts)
    if facts.signs_in or _reached(counts, EventKind.SIGN_IN_SHOWN) or _reached(counts, EventKind.SIGN_IN_SENT):
        yield _step(counts, EventKind.SIGN_IN_SHOWN, Measure.SIGN_IN_SHOWN)
        yield _step(counts, EventKind.SIGN_IN_SENT, Measure.SIGN_IN_SENT)
        yield from _outcomes(counts)
    if _reached(counts, EventKind.SIGNED_OUT):
        yield _step(counts, EventKind.SIGNED_OUT, Measure.SIGNED_OUT)
    if facts.guests or _reached(counts, EventKind.GUEST):
        yield _step(counts, EventKind.GUEST, Measure.GUEST)
    yield _step(counts, EventKind.FORM_SHOWN, Measure.FORM_SHOWN)
    yield _row(counts, Measure.ENTERED, counts.entries)


def _questions(facts: Facts, counts: Counts) -> Iterator[Row]:
    """Those of this version in their order, then those that earlier versions asked."""
    for question in facts.questions:
        yield _question(counts, question.key, question.title)
    asked = {question.key for question in facts.questions}
    former = {step for kind, step in counts.reached if kind is EventKind.ANSWERED} - asked
    for key in sorted(former):
        yield _question(counts, key, "")


def _question(counts: Counts, key: str, title: str) -> Row:
    count = counts.reached.get((EventKind.ANSWERED, key), 0)
    return _row(counts, Measure.ANSWERED, count, key=key, title=title)


def _outcomes(counts: Counts) -> Iterator[Row]:
    for outcome, measure in OUTCOMES.items():
        if outcome is Outcome.FAILED:
            yield from _failures(counts)
        else:
            total = sum(count for (got, _), count in counts.outcomes.items() if got is outcome)
            yield _outcome(counts, measure, total)


def _failures(counts: Counts) -> Iterator[Row]:
    """One row for each reason that occurred, the most frequent first."""
    by_code = {code: count for (outcome, code), count in counts.outcomes.items() if outcome is Outcome.FAILED}
    for code, count in sorted(by_code.items(), key=lambda item: (-item[1], item[0])):
        yield _outcome(counts, Measure.FAILED, count, code)


def _outcome(counts: Counts, measure: Measure, count: int, code: str = "") -> Row:
    sent = _reached(counts, EventKind.SIGN_IN_SENT)
    words = reason_in_words(code) if code else WORDS[measure]
    started = _reached(counts, EventKind.STARTED)
    return Row(measure, code, "", words, count, _share(count, started), _share(count, sent))


def _step(counts: Counts, kind: EventKind, measure: Measure) -> Row:
    return _row(counts, measure, _reached(counts, kind))


def _row(counts: Counts, measure: Measure, count: int, key: str = "", title: str = "") -> Row:
    return Row(measure, key, title, WORDS[measure], count, _share(count, _reached(counts, EventKind.STARTED)))


def _reached(counts: Counts, kind: EventKind) -> int:
    return counts.reached.get((kind, ""), 0)


def _share(count: int, whole: int) -> float | None:
    return count / whole if whole else None

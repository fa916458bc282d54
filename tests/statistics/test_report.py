"""The report: rows in the participant's order, shares, and sums that hold."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.participation.events import EventKind, Outcome
from entracte.protocol.errors import Reason
from entracte.statistics.report import OUTCOMES, WORDS, Asked, Facts, Measure, Report, Row, report
from entracte.statistics.tallies import Counts

FACTS = Facts((Asked("song", "Which song?"), Asked("why", "Why that one?")), signs_in=True, guests=True)
QUIET = Facts((Asked("song", "Which song?"),), signs_in=False, guests=False)
SINCE = 1_800_000_000

REACHED = {
    (EventKind.STARTED, ""): 1000,
    (EventKind.ANSWERED, "song"): 900,
    (EventKind.ANSWERED, "why"): 800,
    (EventKind.SIGN_IN_SHOWN, ""): 780,
    (EventKind.SIGN_IN_SENT, ""): 700,
    (EventKind.SIGN_IN_RETURNED, ""): 660,
    (EventKind.GUEST, ""): 40,
    (EventKind.FORM_SHOWN, ""): 600,
    (EventKind.ENTERED, ""): 500,
}
OUTCOME_COUNTS = {
    (Outcome.SIGNED_IN, ""): 560,
    (Outcome.CANCELLED, ""): 70,
    (Outcome.SENT, ""): 40,
    (Outcome.RETURNED, ""): 2,
    (Outcome.FAILED, "provider_timeout"): 20,
    (Outcome.FAILED, "state_expired"): 8,
}


def counts(
    reached: Mapping[tuple[EventKind, str], int] = REACHED,
    outcomes: Mapping[tuple[Outcome, str], int] = OUTCOME_COUNTS,
    entries: int = 500,
    median: int | None = 21,
) -> Counts:
    return Counts(reached, outcomes, 60, entries, 470, median)


def row(made: Report, measure: Measure, key: str = "") -> Row:
    found = [one for one in made.rows if one.measure is measure and one.key == key]
    assert len(found) == 1
    return found[0]


def test_rows_follow_the_participants_way() -> None:
    assert [(one.measure.value, one.key, one.count) for one in report(FACTS, counts(), SINCE).rows] == [
        ("started", "", 1000),
        ("answered", "song", 900),
        ("answered", "why", 800),
        ("sign_in_shown", "", 780),
        ("sign_in_sent", "", 700),
        ("signed_in", "", 560),
        ("cancelled", "", 70),
        ("at_the_login", "", 40),
        ("returned", "", 2),
        ("failed", "provider_timeout", 20),
        ("failed", "state_expired", 8),
        ("guest", "", 40),
        ("form_shown", "", 600),
        ("entered", "", 500),
    ]


def test_shares_are_of_those_who_started_and_of_those_sent() -> None:
    made = report(FACTS, counts(), SINCE)
    assert made.started.share_of_started == 1
    assert row(made, Measure.ANSWERED, "why").share_of_started == 0.8
    assert row(made, Measure.SIGNED_IN).share_of_started == 0.56
    assert row(made, Measure.SIGNED_IN).share_of_sent == 0.8
    assert row(made, Measure.FORM_SHOWN).share_of_sent is None


def test_labels_are_the_campaigns_texts_or_plain_words() -> None:
    made = report(FACTS, counts(), SINCE)
    assert row(made, Measure.ANSWERED, "song").label == "Which song?"
    assert row(made, Measure.AT_THE_LOGIN).label == "Still at the login"
    assert row(made, Measure.FAILED, "provider_timeout").label == "Failed: provider did not answer in time"


def test_figures_are_those_of_the_counts() -> None:
    made = report(FACTS, counts(), SINCE)
    assert (made.since, made.started_since, made.people, made.median_sign_in_seconds) == (SINCE, 60, 470, 21)


def test_nobody_yet() -> None:
    made = report(FACTS, counts({}, {}, 0, None), SINCE)
    assert {one.count for one in made.rows} == {0}
    assert {one.share_of_started for one in made.rows} == {None}
    assert {one.share_of_sent for one in made.rows} == {None}


def test_without_a_sign_in_there_are_no_rows_of_it() -> None:
    reached = {(EventKind.STARTED, ""): 10, (EventKind.ANSWERED, "song"): 9}
    measures = [one.measure for one in report(QUIET, counts(reached, {}), SINCE).rows]
    assert measures == [Measure.STARTED, Measure.ANSWERED, Measure.FORM_SHOWN, Measure.ENTERED]


def test_who_signed_out_is_a_row_where_somebody_did() -> None:
    """The outcome of the sign-in stays what it was: the rows of it still add up."""
    made = report(FACTS, counts({**REACHED, (EventKind.SIGNED_OUT, ""): 12}), SINCE)
    assert (row(made, Measure.SIGNED_OUT).count, row(made, Measure.SIGNED_OUT).label) == (12, "Signed out again")
    assert row(made, Measure.SIGNED_IN).count == 560
    assert Measure.SIGNED_OUT not in {one.measure for one in report(FACTS, counts(), SINCE).rows}


def test_what_an_earlier_version_had_is_still_counted() -> None:
    """A sign-in, guests and a question that were taken out of the campaign."""
    made = report(QUIET, counts(), SINCE)
    assert row(made, Measure.SIGN_IN_SENT).count == 700
    assert row(made, Measure.GUEST).count == 40
    former = row(made, Measure.ANSWERED, "why")
    assert (former.count, former.title, former.label) == (800, "", "A question of an earlier version")


def test_a_reason_that_this_version_does_not_know_is_counted() -> None:
    made = report(FACTS, counts(outcomes={(Outcome.FAILED, "of_tomorrow"): 3, (Outcome.FAILED, ""): 2}), SINCE)
    assert row(made, Measure.FAILED, "of_tomorrow").label == "Failed: of_tomorrow"
    assert row(made, Measure.FAILED).label == "Failed for a reason that this version does not know"


def test_every_outcome_and_measure_has_its_place() -> None:
    assert set(OUTCOMES) == set(Outcome)
    assert set(WORDS) == set(Measure)


def test_a_row_that_the_report_has_not_is_not_made_up() -> None:
    empty = Report((), SINCE, 0, 0, None)
    with pytest.raises(StopIteration):
        empty.started  # noqa: B018 - the look-up itself is what is tried


@given(
    st.dictionaries(
        st.sampled_from([*((outcome, "") for outcome in Outcome), *((Outcome.FAILED, one.code) for one in Reason)]),
        st.integers(min_value=0, max_value=10_000),
    )
)
def test_the_outcomes_add_up_to_those_sent(outcomes: dict[tuple[Outcome, str], int]) -> None:
    sent = sum(outcomes.values())
    made = report(FACTS, counts({(EventKind.SIGN_IN_SENT, ""): sent}, outcomes), SINCE)
    rows = [one for one in made.rows if one.measure in OUTCOMES.values()]
    assert sum(one.count for one in rows) == row(made, Measure.SIGN_IN_SENT).count
    assert not sent or sum(one.share_of_sent or 0 for one in rows) == pytest.approx(1)

"""The statistics as CSV hold the report and nothing else."""

import csv
import io

from entracte.participation.events import EventKind, Outcome
from entracte.statistics.csv_export import HEADER, statistics_csv
from entracte.statistics.report import Asked, Facts, Report, report
from entracte.statistics.tallies import Counts

FACTS = Facts((Asked("song", "=Which, song?"),), signs_in=True, guests=False)
COUNTS = Counts(
    {(EventKind.STARTED, ""): 30, (EventKind.ANSWERED, "song"): 20, (EventKind.SIGN_IN_SENT, ""): 10},
    {(Outcome.SIGNED_IN, ""): 9, (Outcome.FAILED, "provider_timeout"): 1},
    3,
    8,
    7,
    None,
)


def read(made: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(statistics_csv(made), newline=""), strict=True))


def test_every_row_of_the_report_is_a_line() -> None:
    made = report(FACTS, COUNTS, 0)
    lines = read(made)
    assert [(line["measure"], line["key"], int(line["count"])) for line in lines[:-3]] == [
        (row.measure.value, row.key, row.count) for row in made.rows
    ]


def test_shares_and_labels() -> None:
    by_key = {(line["measure"], line["key"]): line for line in read(report(FACTS, COUNTS, 0))}
    assert by_key["answered", "song"]["label"] == "'=Which, song?"
    assert by_key["answered", "song"]["share_of_started"] == "0.666667"
    assert by_key["answered", "song"]["share_of_sent"] == ""
    failed = by_key["failed", "provider_timeout"]
    assert (failed["label"], failed["share_of_sent"]) == ("Failed: provider did not answer in time", "0.100000")


def test_the_other_figures_stand_at_the_end() -> None:
    assert [tuple(line.values()) for line in read(report(FACTS, COUNTS, 1_800_000_000))[-3:]] == [
        ("started_since", "2027-01-15T08:00:00Z", "Started since 2027-01-15T08:00:00Z", "3", "", ""),
        ("people", "", "People", "7", "", ""),
        ("median_sign_in_seconds", "", "Median time at sign-in, in seconds", "", "", ""),
    ]


def test_the_header_is_public() -> None:
    assert HEADER == ("measure", "key", "label", "count", "share_of_started", "share_of_sent")

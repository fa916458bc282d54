"""The report as CSV: the numbers of the manager's page, each on a line of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime

from entracte import spreadsheet
from entracte.spreadsheet import Cell
from entracte.statistics.report import WORDS, Measure, Report, Row

HEADER = ("measure", "key", "label", "count", "share_of_started", "share_of_sent")


def statistics_csv(report: Report) -> str:
    """The text of the file, with a header row.

    `key` is the key of a question, the code of a reason, or the moment from which `started_since` counts (ISO 8601,
    UTC). Shares are 0 to 1 with six decimals. Labels are the campaign's texts in its first language, else English.
    An empty cell: there is no such number.
    """
    return spreadsheet.lines([HEADER, *map(_line, report.rows), *_figures(report)])


def _line(row: Row) -> tuple[Cell, ...]:
    shares = (_decimal(row.share_of_started), _decimal(row.share_of_sent))
    return row.measure.value, row.key, row.label, row.count, *shares


def _figures(report: Report) -> Iterator[tuple[Cell, ...]]:
    since = datetime.fromtimestamp(report.since, UTC).isoformat().replace("+00:00", "Z")
    yield Measure.STARTED_SINCE.value, since, f"Started since {since}", report.started_since, None, None
    yield Measure.PEOPLE.value, "", WORDS[Measure.PEOPLE], report.people, None, None
    median = Measure.MEDIAN_SIGN_IN_SECONDS
    yield median.value, "", WORDS[median], report.median_sign_in_seconds, None, None


def _decimal(share: float | None) -> str | None:
    return None if share is None else f"{share:.6f}"

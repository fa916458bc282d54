"""Lines of CSV files that people open in a spreadsheet.

A spreadsheet runs a cell as a formula when it begins with certain characters, and the cells that we write hold what
participants typed. Such a text gets an apostrophe in front, which shows it as it stands (OWASP, CSV injection).
That includes telephone numbers: `+32470123456` is written `'+32470123456`.
"""

import csv
import io
import re
from collections.abc import Iterable

Cell = str | int | float | None
CONTENT_TYPE = "text/csv; charset=utf-8; header=present"

_FORMULA = re.compile(r"\A(?=[\t\r\n])|(?:\A|(?<=[;\t\r\n]))(?=[=+\-@＝＋－＠])")
"""Where a formula would begin: at the start, and behind what ends a cell where the comma is the decimal mark, since
our quotes mean nothing there."""


def neutral(text: str) -> str:
    """The text, with an apostrophe in front of whatever a spreadsheet would take for a formula."""
    return _FORMULA.sub("'", text)


def lines(rows: Iterable[Iterable[Cell]]) -> str:
    """The rows as CSV (RFC 4180), to be encoded as UTF-8. None is an empty cell; texts are neutral, numbers stand as
    they are. Half a surrogate pair, which has no UTF-8, becomes a question mark."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([neutral(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8", errors="replace").decode("utf-8")

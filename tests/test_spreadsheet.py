"""Cells that a spreadsheet must not run, and lines as RFC 4180 says."""

import csv
import io

import pytest

from entracte import spreadsheet


@pytest.mark.conformance("MUST 58")
@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+32470123456",
        "-2+3",
        "@SUM(A1)",
        "\t1",
        "\r1",
        "\n1",
        "＝1+1",
        "＋1",
        "－1",
        "＠A",
        '=HYPERLINK("http://evil.example","x")',
    ],
)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert spreadsheet.neutral(text) == "'" + text


@pytest.mark.conformance("MUST 58")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a;=1+1;", "a;'=1+1;"),
        ("two\n=1+1", "two\n'=1+1"),
        ("two\r\n@x", "two\r\n'@x"),
        ("tab\t-1", "tab\t'-1"),
        ("=1;=2", "'=1;'=2"),
        ("\t=1", "'\t'=1"),
        ("Car; Beach; - none", "Car; Beach; - none"),
        ("a=1; b=2", "a=1; b=2"),
    ],
)
def test_what_begins_a_cell_elsewhere_is_no_formula_either(text: str, shown: str) -> None:
    """MUST 58: where the comma is the decimal mark, spreadsheets take the semicolon for the end of a cell, and do not
    know our quotes (OWASP, CSV injection)."""
    assert spreadsheet.neutral(text) == shown


@pytest.mark.parametrize("text", ["", "Ana", "0470 12 34 56", "1+1", "ana@example.com", "'quoted", " - ", "é"])
def test_other_texts_stay(text: str) -> None:
    assert spreadsheet.neutral(text) == text


def test_lines_keep_every_character() -> None:
    rows = [["a", "b;c,d", 'say "hi"'], ["two\nlines", "Zoë 👩🏽‍🎤", ""]]
    assert list(csv.reader(io.StringIO(spreadsheet.lines(rows), newline=""))) == rows


def test_numbers_stand_as_they_are() -> None:
    assert spreadsheet.lines([[-5, 1.5, None]]) == "-5,1.5,\r\n"


def test_half_a_surrogate_pair_can_be_encoded() -> None:
    assert spreadsheet.lines([["a\ud800b"]]).encode() == b"a?b\r\n"

"""`entracte export`: all entries, or those that are chosen."""

import csv
import io

import pytest

from tests.cli.crowd import Crowd, gather
from tests.test_cli import Shell


@pytest.fixture(scope="module")
def crowd(shell: Shell) -> Crowd:
    return gather(shell)


def exported(text: str) -> list[str]:
    """The times of the entries of a file."""
    lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    return [line["entered_at"] for line in lines]


ANA, BEA = "2027-01-15T08:10:00Z", "2027-01-15T08:20:00Z"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [ANA, BEA]),
        (("--since", BEA), [BEA]),
        (("--before", BEA), [ANA]),
        (("--since", ANA, "--before", BEA), [ANA]),
        (("--since", "2027-01-15", "--before", "2027-01-16"), [ANA, BEA]),
        (("--since", "2027-01-16"), []),
        (("--language", "de"), [BEA]),
        (("--signed-in",), [ANA]),
        (("--guests",), [BEA]),
        (("--guests", "--language", "en"), []),
    ],
)
def test_entries_are_chosen(shell: Shell, crowd: Crowd, options: tuple[str, ...], expected: list[str]) -> None:
    assert exported(shell.says("export", "small", *options)) == expected


def test_a_file_has_the_same_columns_whatever_is_chosen(shell: Shell, crowd: Crowd) -> None:
    whole, some = shell.folder / "all.csv", shell.folder / "some.csv"
    shell.says("export", "small", "--output", str(whole))
    shell.says("export", "small", "--guests", "--output", str(some))
    headers = [file.read_text().splitlines()[0] for file in (whole, some)]
    assert headers == ["entered_at,language,signed_in,question.one,form.name,form.name.outcome,no_longer_asked"] * 2
    assert exported(some.read_text()) == [BEA]


def test_what_can_not_be_exported(shell: Shell, crowd: Crowd) -> None:
    file = shell.folder / "nothing.csv"
    told = shell.refuses("export", "small", "--organization", "contoso", "--output", str(file))
    assert "[campaign_unknown]" in told
    assert not file.exists()
    assert shell.run("export", "small", "--since", "last week").returncode == 2

"""`entracte statistics`: the numbers of the manager's report."""

import csv
import io
import json

import pytest

from entracte.web.api.statistics import ShownReport, ShownRow
from tests.cli.crowd import Crowd, gather
from tests.test_cli import Shell

SHOW = ("statistics", "show", "small")


@pytest.fixture(scope="module")
def crowd(shell: Shell) -> Crowd:
    return gather(shell)


def test_the_funnel_is_printed(shell: Shell, crowd: Crowd) -> None:
    lines = shell.says(*SHOW, "--since", "2027-01-15T08:02").splitlines()
    assert lines[0] == "Started\t3\t100.0%"
    assert "One?\t1\t33.3%" in lines
    assert "Came back signed in\t1\t33.3%\t50.0%" in lines
    assert "Entry\t2\t66.7%" in lines
    assert lines[-3:] == [
        "Started since 2027-01-15T08:02:00Z\t2",
        "People\t1",
        "Median time at sign-in, in seconds\t5",
    ]


def test_each_form_has_the_same_numbers(shell: Shell, crowd: Crowd) -> None:
    document = json.loads(shell.says(*SHOW, "--json"))
    assert set(document) == set(ShownReport.model_fields)
    assert {key for row in document["rows"] for key in row} == set(ShownRow.model_fields)
    ShownReport.model_validate(document)
    lines = list(csv.DictReader(io.StringIO(shell.says(*SHOW, "--csv"), newline=""), strict=True))
    assert [(line["measure"], line["key"], int(line["count"])) for line in lines[:-3]] == [
        (row["measure"], row["key"], row["count"]) for row in document["rows"]
    ]
    printed = [line.split("\t")[1] for line in shell.says(*SHOW).splitlines()]
    assert printed[: len(document["rows"])] == [str(row["count"]) for row in document["rows"]]


def test_what_can_not_be_shown(shell: Shell, crowd: Crowd) -> None:
    assert shell.run(*SHOW, "--json", "--csv").returncode == 2
    assert "[campaign_unknown]" in shell.refuses(*SHOW, "--organization", "contoso")
    assert "[campaign_unknown]" in shell.refuses("statistics", "show", "nobodys")

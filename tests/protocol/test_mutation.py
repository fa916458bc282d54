"""What mutation testing of `protocol/` last found (`make mutants`): all files examined, all survivors explained."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.mutants import RESULT, modules

GOAL = 0.95
LEAST = 0.9
"""Of one file."""


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    return document


def test_every_file_was_examined(result: dict[str, Any]) -> None:
    assert sorted(result["files"]) == modules()


def test_nineteen_changes_of_twenty_are_noticed(result: dict[str, Any]) -> None:
    assert result["mutants"] > 1000
    assert result["score"] == round(result["killed"] / result["mutants"], 4)
    assert result["score"] >= GOAL
    assert {name: figures["score"] for name, figures in result["files"].items() if figures["score"] < LEAST} == {}


def test_the_figures_fit_each_other(result: dict[str, Any]) -> None:
    for name, figures in result["files"].items():
        survivors = [entry for entry in result["survivors"] if entry["file"] == name]
        assert figures["mutants"] == figures["killed"] + figures["survived"], name
        assert figures["survived"] == len(survivors), name
    for key in ("mutants", "killed", "survived"):
        assert result[key] == sum(figures[key] for figures in result["files"].values())


def test_every_survivor_is_explained(result: dict[str, Any]) -> None:
    """That nobody has looked yet is no reason."""
    unexplained = [
        entry for entry in result["survivors"] if not entry["why"].strip() or entry["why"].startswith("Open")
    ]
    assert unexplained == []


def test_the_result_is_where_it_is_looked_for() -> None:
    assert Path(__file__).parent / "mutation.json" == RESULT

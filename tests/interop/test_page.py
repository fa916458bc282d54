"""`docs/interop.md` shows the tests that the collection has, and no claim that a run did not see."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.marks import whole
from tests.interop import marks
from tools import interop
from tools.conformance import FAILED, NOT_RUN, PASSED, Shown, read_tests
from tools.interop import CAN_NOT, FEATURES, MEND, NOT_SHOWN, ROOT, cells, known_features, known_servers, page

pytest_plugins = ["pytester"]

RESULT = re.compile(rf"\b({PASSED}|{FAILED}|{NOT_RUN}) \((\d+)\)")


@pytest.fixture
def tests(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Shown]:
    """All tests with the marker: of this run, if it has them all, or else as another process collects them."""
    if whole(request.config, marks.MARKER, interop.PLACES):
        return marks.collected(request.session.items)
    path = tmp_path / "collected.json"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", "-m", marks.MARKER]
    done = subprocess.run(
        [*command, marks.OPTION, str(path), *map(str, interop.PLACES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == pytest.ExitCode.OK, done.stdout[-2000:]
    return read_tests(path)


@pytest.mark.timeout(300)  # part of the tests collects all of them, in a process of its own
def test_the_page_shows_what_is_collected(tests: dict[str, Shown]) -> None:
    written = interop.PAGE.read_text(encoding="utf-8")
    assert RESULT.search(written)
    assert RESULT.sub(r"(\2)", written) == RESULT.sub(r"(\2)", page(tests)), f"out of date: run `{MEND}`"


def test_every_feature_is_there_once() -> None:
    assert len(known_features()) == sum(map(len, FEATURES.values()))


def test_what_a_server_can_not_do_is_a_cell_of_the_matrix() -> None:
    every = {cell for server in known_servers() for cell in cells(server, *known_features())}
    assert interop.read_unable().keys() <= every
    assert all(len(why) > 20 for why in interop.read_unable().values())


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([], NOT_SHOWN),
        (["passed"], "passed (1)"),
        (["passed", "passed"], "passed (2)"),
        (["passed", "failed"], "failed (2)"),
        (["passed", "skipped"], "not run (2)"),
        ([""], "not run (1)"),
    ],
)
def test_passed_is_only_what_passed(outcomes: list[str], result: str) -> None:
    seen = {f"tests/test_a.py::test_{number}": Shown(("Keycloak: PAR",), out) for number, out in enumerate(outcomes)}
    assert f"| PAR | {NOT_SHOWN} | {result} | {NOT_SHOWN} |" in page(seen)


def test_what_a_server_can_not_do_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(interop, "UNABLE", tmp_path / "unable.json")
    interop.UNABLE.write_text('{"glewlwyd": {"jwt": "because"}}', encoding="utf-8")
    text = page({})
    assert f"| jwt | {NOT_SHOWN} | {NOT_SHOWN} | {CAN_NOT} |" in text
    assert "\n- jwt, glewlwyd: because\n" in text


WRONG = ['("nobody", "PAR")', '("Keycloak", "PAR", "magic")', '("Keycloak")', "()", '("Keycloak", "PAR", why="x")']


def test_a_mark_that_names_no_cell_stops_the_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nmarkers = interop\n")
    pytester.makeconftest("from tests.interop.marks import *\n")
    for number, mark in enumerate([*WRONG, '("Keycloak", "PAR")']):
        source = f"import pytest\n@pytest.mark.interop{mark}\ndef test_one(): pass\n"
        (pytester.path / f"test_{number}.py").write_text(source)
    done = pytester.runpytest_subprocess("--import-mode=importlib", "-p", "no:cacheprovider")
    assert done.ret not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    told = done.stdout.str()
    for number in range(len(WRONG)):
        assert f"test_{number}.py::test_one: not a server and features of the interop matrix" in told
    assert f"test_{len(WRONG)}.py" not in told

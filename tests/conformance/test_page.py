"""`docs/conformance.md` shows the lines of the list, the tests that the collection has for them, and no claim that a
run did not see."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import marks
from tools import conformance
from tools.conformance import (
    ARGUED,
    FAILED,
    MEND,
    NOT_DONE,
    NOT_RUN,
    PASSED,
    ROOT,
    Contradiction,
    Line,
    Shown,
    page,
    read_arguments,
    read_lines,
    read_sections,
    read_tests,
    rows,
)

pytest_plugins = ["pytester"]

LINES = [Line("B1", 1, "does well", "accepts"), Line("BAD 9", 6, "does badly", "refuses")]
ROW = re.compile(r"^\| `(?P<id>[^`]+)` \|.*\| (?P<result>[^|]+) \|$", re.MULTILINE)


@pytest.fixture
def tests(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Shown]:
    """All marked tests: of this run, if it has them all, or else as another process collects them."""
    if marks.whole(request.config):
        return marks.collected(request.session.items)
    path = tmp_path / "collected.json"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", "-m", "conformance"]
    done = subprocess.run(
        [*command, f"{marks.OPTION}={path}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED), done.stdout[-2000:]
    return read_tests(path)


def results() -> dict[str, str]:
    """The result of each line, as the page has it."""
    text = conformance.PAGE.read_text(encoding="utf-8")
    return {match["id"]: match["result"].partition(":")[0] for match in ROW.finditer(text)}


@pytest.mark.timeout(300)  # part of the tests collects all of them, in a process of its own
def test_the_page_shows_what_is_collected(tests: dict[str, Shown]) -> None:
    """The page is written once more from what is collected, with the results that it claims: nothing may differ."""
    claimed = results()
    assert list(claimed) == [line.id for line in read_lines()]
    expected = page(tests)
    for name, row in ((row.line.id, row) for row in rows(read_lines(), tests, read_arguments())):
        allowed = {PASSED, FAILED, NOT_RUN} if row.tests else {row.result}
        assert claimed[name] in allowed, f"{name} is {claimed[name]}: run `{MEND}`"
    written = conformance.PAGE.read_text(encoding="utf-8")
    assert without_results(written) == without_results(expected), f"docs/conformance.md is out of date: run `{MEND}`"


def without_results(text: str) -> list[str]:
    """The lines of the page without what a run adds to them."""
    text = re.sub(r"^\*\*\d+ lines\*\*: .*$", "", text, flags=re.MULTILINE)
    return [re.sub(rf" \| ({PASSED}|{FAILED}|{NOT_RUN}) \|$", "", line) for line in text.splitlines()]


def test_the_page_counts_what_it_shows() -> None:
    found = list(results().values())
    head = re.search(r"^\*\*(\d+) lines\*\*: (.*)\.$", conformance.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert head
    assert int(head[1]) == len(found)
    told = {name: int(count) for count, name in (part.split(" ", 1) for part in head[2].split(", "))}
    assert told == {name: found.count(name) for name in set(found)}


def test_the_list_is_whole() -> None:
    lines = read_lines()
    names = [line.id for line in lines]
    assert len(names) == len(set(names))
    for prefix, count in (("B", 14), ("MUST ", 60), ("BAD ", 50)):
        assert {f"{prefix}{number}" for number in range(1, count + 1)} <= set(names)
    assert {line.section for line in lines} == set(read_sections())
    assert [line.id for line in lines if not (line.other and line.ours)] == []
    assert all(len(argument) > 40 for argument in read_arguments().values())


# What the page says of a run


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([], NOT_DONE),
        (["passed"], PASSED),
        (["passed", "passed"], PASSED),
        (["passed", "failed"], FAILED),
        (["passed", "skipped"], NOT_RUN),
        (["passed", ""], NOT_RUN),
    ],
)
def test_passed_is_only_what_passed(outcomes: list[str], result: str) -> None:
    seen = {f"tests/test_a.py::test_{number}": Shown(("B1",), outcome) for number, outcome in enumerate(outcomes)}
    [first, second] = rows(LINES, seen, {"BAD 9": "because"})
    assert (first.result, second.result, second.argument) == (result, ARGUED, "because")


@pytest.mark.parametrize("argued", ["B1", "nothing"])
def test_an_argument_for_what_is_shown_is_a_contradiction(argued: str) -> None:
    with pytest.raises(Contradiction, match=argued):
        rows(LINES, {"tests/test_a.py::test_b1": Shown(("B1",), "passed")}, {argued: "because"})


def test_a_line_links_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "read_lines", lambda: LINES)
    monkeypatch.setattr(conformance, "read_arguments", dict)
    names = ["web/test_a.py::test_a[x|y]", "test_b.py::TestB::test_b[1]", "test_b.py::TestB::test_b[2]"]
    text = page({f"tests/{name}": Shown(("B1",), "passed") for name in names})
    assert "[`web/test_a.py::test_a[x\\|y]`](../tests/web/test_a.py)" in text
    assert "[`test_b.py::TestB::test_b`](../tests/test_b.py) (2 cases)" in text
    assert "| `BAD 9` | does badly | refuses |  | **not done** |" in text
    assert "**2 lines**: 1 passed, 1 **not done**." in text


def test_the_mutation_score_is_shown_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(conformance, "MUTATION", tmp_path / "mutation.json")
    assert "Mutation" not in page({})
    figures = {"mutants": 8, "killed": 7, "survived": 1, "score": 0.875}
    survivors = [{"file": "seal", "why": "the same"}]
    conformance.MUTATION.write_text(json.dumps({**figures, "files": {"seal": figures}, "survivors": survivors}))
    text = page({})
    assert "| seal | 8 | 7 | 1 | 87.5% |\n| all | 8 | 7 | 1 | 87.5% |" in text
    assert "Of the 1 that none noticed, 1 are explained" in text


# The marker, in sessions of their own


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests with the marker, whose whole runs leave their results in it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\nmarkers = conformance\ntestpaths = tests\nasyncio_mode = auto\n")
    pytester.makeconftest(
        "from pathlib import Path\nfrom tests.conformance import marks\nfrom tests.conformance.marks import *\n"
        f"marks.ROOT = Path({str(pytester.path)!r})\n"
        "marks.write_tests.__defaults__ = (marks.ROOT / 'results.json',)\n"
    )
    return pytester


def run(suite: pytest.Pytester, source: str, *arguments: str) -> dict[str, Shown]:
    (suite.path / "tests").mkdir(exist_ok=True)
    (suite.path / "tests" / "test_one.py").write_text("import pytest\n" + source)
    suite.runpytest_subprocess("--import-mode=importlib", "-p", "no:cacheprovider", *arguments)
    path = suite.path / "results.json"
    return read_tests(path) if path.exists() else {}


SOURCE = """
MARK = pytest.mark.conformance
@MARK("B1")
class TestOne:
    @MARK("B2", "B1")
    def test_good(self): pass
    def test_bad(self): assert False
@pytest.mark.parametrize("n", [pytest.param(1, marks=MARK("B3")), 2])
def test_cases(n): pass
@pytest.fixture
def broken():
    yield
    raise ValueError
@MARK("B4")
def test_taken_down(broken): pass
@MARK("B5")
def test_left_out(): pytest.skip("no")
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_whole_run_leaves_what_it_saw(suite: pytest.Pytester, processes: str) -> None:
    seen = run(suite, SOURCE, "-n", processes)
    assert {name.partition("::")[2]: (shown.lines, shown.outcome) for name, shown in seen.items()} == {
        "TestOne::test_good": (("B2", "B1"), "passed"),
        "TestOne::test_bad": (("B1",), "failed"),
        "test_cases[1]": (("B3",), "passed"),
        "test_taken_down": (("B4",), "failed"),
        "test_left_out": (("B5",), "skipped"),
    }


@pytest.mark.parametrize(
    "arguments", [("-k", "good"), ("tests/test_one.py",), ("--collect-only",), ("-m", "not conformance")]
)
def test_a_part_of_a_run_leaves_nothing(suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    assert run(suite, SOURCE, *arguments) == {}


def test_a_run_of_the_marked_tests_is_whole(suite: pytest.Pytester) -> None:
    assert len(run(suite, SOURCE, "-m", "conformance")) == 5


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_mark_that_names_no_line_stops_the_run(suite: pytest.Pytester, processes: str) -> None:
    wrong = ['("B99")', '("B1", "b2")', "()", "", '("B1", why="x")', "(1)"]
    (suite.path / "tests").mkdir()
    for number, mark in enumerate([*wrong, '("B1")']):
        source = f"import pytest\n@pytest.mark.conformance{mark}\ndef test_one(): pass\n"
        (suite.path / "tests" / f"test_{number}.py").write_text(source)
    done = suite.runpytest_subprocess("--import-mode=importlib", "-p", "no:cacheprovider", "-n", processes)
    assert done.ret not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    told = done.stdout.str()
    for number in range(len(wrong)):
        assert f"tests/test_{number}.py::test_one: not a line of the conformance list" in told
    assert f"tests/test_{len(wrong)}.py" not in told

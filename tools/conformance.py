"""Writes `docs/conformance.md`: each line that a relying party has to hold, the tests that show it, what a run saw.

    .venv/bin/python tools/conformance.py          or `make conformance`: runs the marked tests, then writes the page
    .venv/bin/python tools/conformance.py --write  writes the page from the last whole run, without another one

The lines stand in `tests/conformance/lines.json`. A test names those that it shows:
`@pytest.mark.conformance("B7", "MUST 23")`. A line that is left undone on purpose has its argument in
`tests/conformance/argued.json`. A whole run of the tests leaves what it saw in `.conformance.json`.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "conformance"
PAGE = ROOT / "docs" / "conformance.md"
RESULTS = ROOT / ".conformance.json"
MUTATION = ROOT / "tests" / "protocol" / "mutation.json"
MEND = "make conformance"
"""What brings the page up to date."""

PASSED, FAILED, NOT_RUN, ARGUED, NOT_DONE = "passed", "failed", "not run", "argued", "**not done**"


class Contradiction(ValueError):
    """The list, the arguments and the marks do not fit together."""


@dataclass(frozen=True)
class Line:
    """One line of the list, in plain words."""

    id: str
    section: int
    other: str
    ours: str


@dataclass(frozen=True)
class Shown:
    """What a test shows, and how it ended; "" while nobody has run it."""

    lines: tuple[str, ...]
    outcome: str = ""


Tests = Mapping[str, Shown]
"""By the id that pytest gives a test."""


def _document(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines() -> list[Line]:
    return [Line(**line) for line in _document(FOLDER / "lines.json")["lines"]]


def read_sections() -> dict[int, str]:
    return {int(number): title for number, title in _document(FOLDER / "lines.json")["sections"].items()}


def read_arguments() -> dict[str, str]:
    """Why a line is left undone, by its id."""
    return dict(_document(FOLDER / "argued.json"))


def read_mutation() -> Mapping[str, Any]:
    """What the mutation testing of `protocol/` measured; empty if it never ran."""
    return dict(_document(MUTATION)) if MUTATION.exists() else {}


def read_tests(path: Path = RESULTS) -> dict[str, Shown]:
    """The marked tests of a run."""
    return {test: Shown(tuple(kept["lines"]), kept["outcome"]) for test, kept in _document(path).items()}


def write_tests(tests: Tests, path: Path = RESULTS) -> None:
    kept = {test: {"lines": shown.lines, "outcome": shown.outcome} for test, shown in sorted(tests.items())}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


# The page


@dataclass(frozen=True)
class Row:
    """A line of the page."""

    line: Line
    tests: Sequence[str]
    result: str
    argument: str = ""


def rows(lines: Iterable[Line], tests: Tests, arguments: Mapping[str, str]) -> list[Row]:
    """Raises Contradiction when an argument belongs to no line, or to one that a test shows."""
    shown_by: dict[str, list[str]] = {line.id: [] for line in lines}
    for test, shown in sorted(tests.items()):
        for name in shown.lines:
            shown_by[name].append(test)
    if strange := [name for name in arguments if name not in shown_by or shown_by[name]]:
        raise Contradiction(f"argued.json argues for lines that are shown, or that there are not: {strange}")
    return [_row(line, shown_by[line.id], tests, arguments.get(line.id, "")) for line in lines]


def _row(line: Line, names: Sequence[str], tests: Tests, argument: str) -> Row:
    outcomes = {tests[name].outcome for name in names}
    if not names:
        result = ARGUED if argument else NOT_DONE
    elif FAILED in outcomes:
        result = FAILED
    else:
        result = PASSED if outcomes == {PASSED} else NOT_RUN
    return Row(line, names, result, argument)


def page(tests: Tests) -> str:
    """The whole page, for these tests."""
    found = rows(read_lines(), tests, read_arguments())
    text = f"# Conformance\n\n{_ABOUT}\n{_summary(found)}{_mutation(read_mutation())}"
    for number, title in read_sections().items():
        text += f"\n## {title}\n\n| line | the other side | ours | tests | result |\n| --- | --- | --- | --- | --- |\n"
        text += "".join(_table_line(row) for row in found if row.line.section == number)
    return text


_ABOUT = """Made by `make conformance` from a run of the tests: do not edit it.

What a relying party must do and must refuse, gathered from the specifications, the OpenID Foundation's relying-party
test plans (the ids of the first four sections are the names of their modules), RFC 9700, OWASP ASVS 5.0, and published
advisories of other implementations. The tests talk to real servers on real sockets; most of them to a
[provider that misbehaves by a switch](../tests/misbehaving_provider/__init__.py), which also records that nothing
further was asked. A result is what the run that wrote this page saw. A line without a test is not done, or there is an
argument why not.
"""


def _summary(found: Sequence[Row]) -> str:
    counts = Counter(row.result for row in found)
    parts = [f"{counts[result]} {result}" for result in (PASSED, FAILED, NOT_RUN, ARGUED, NOT_DONE) if counts[result]]
    return f"**{len(found)} lines**: {', '.join(parts)}.\n"


def _mutation(measured: Mapping[str, Any]) -> str:
    if not measured:
        return ""
    explained = sum(1 for survivor in measured["survivors"] if survivor["why"])
    figures = {**dict(sorted(measured["files"].items())), "all": measured}
    told = "".join(
        f"| {name} | {one['mutants']} | {one['killed']} | {one['survived']} | {one['score']:.1%} |\n"
        for name, one in figures.items()
    )
    return (
        "\n## Mutation testing\n\nHow many small changes of each file of `protocol/` the tests of that file notice. Of "
        f"the {measured['survived']} that none noticed, {explained} are explained in "
        "[mutation.json](../tests/protocol/mutation.json).\n\n"
        f"| file | changes | noticed | not noticed | score |\n| --- | --- | --- | --- | --- |\n{told}"
    )


def _table_line(row: Row) -> str:
    tests = "<br>".join(_cases(row.tests))
    result = f"{row.result}: {row.argument}" if row.argument else row.result
    cells = (f"`{row.line.id}`", row.line.other, row.line.ours, tests, result)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |\n"


def _cases(tests: Sequence[str]) -> list[str]:
    """A link for each test function: with its case if there is one, with their number if there are more."""
    functions: dict[str, list[str]] = {}
    for test in tests:
        functions.setdefault(test.partition("[")[0], []).append(test)
    return [_link(name, cases) for name, cases in functions.items()]


def _link(function: str, cases: Sequence[str]) -> str:
    path, _, name = function.partition("::")
    one = cases[0].partition("::")[2] if len(cases) == 1 else name
    more = f" ({len(cases)} cases)" if len(cases) > 1 else ""
    return f"[`{path.removeprefix('tests/')}::{one.replace('`', '´')}`](../{path}){more}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# Running


def run() -> int:
    """Runs the marked tests; the status of pytest."""
    command = [sys.executable, "-m", "pytest", "-m", "conformance", "-q", "-n", "auto", "--maxprocesses", "4"]
    RESULTS.unlink(missing_ok=True)  # what another run saw must not be taken for what this one did
    return subprocess.run([*command, "--dist", "loadfile"], cwd=ROOT, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    if set(arguments) - {"--write"}:
        print(f"{MEND} runs the tests and writes the page; --write writes it from the last whole run.", file=sys.stderr)
        return 2
    status = 0 if "--write" in arguments else run()
    if not RESULTS.exists():
        print("There is no run to write from.", file=sys.stderr)
        return status or 1
    PAGE.write_text(page(read_tests()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

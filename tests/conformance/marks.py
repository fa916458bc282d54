"""The marker `conformance("B7", "MUST 23")`: which lines of the list a test shows, and how it ended.

A whole run leaves what it saw in `.conformance.json`, from which `make conformance` writes the page. Tests run in
several processes: what a test shows travels with its report, and the process that reports gathers it.
"""

from collections.abc import Callable, Collection, Generator, Iterable
from pathlib import Path

import pytest

from tools.conformance import ROOT, Shown, Tests, read_lines, write_tests

PROPERTY = "conformance"
OPTION = "--conformance-collected"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, default="", help="write the marked tests that were collected into this file")


def lines_of(item: pytest.Item) -> tuple[str, ...]:
    """The lines that a test shows, by its own marks and those of its class and module."""
    named = [str(name) for mark in item.iter_markers("conformance") for name in mark.args]
    return tuple(dict.fromkeys(named))


def mistake(item: pytest.Item, known: Collection[str]) -> str:
    """What is wrong with the marks of a test; "" when they name lines of the list and nothing else."""
    for mark in item.iter_markers("conformance"):
        if mark.kwargs or not mark.args or not set(mark.args) <= set(known):
            return f"{item.nodeid}: not a line of the conformance list: {mark.args} {mark.kwargs}"
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A mark that names no line is a mistake in the test's file: it is not collected."""
    report = yield
    known = {line.id for line in read_lines()} if report.result else ()
    if wrong := [
        text for item in report.result or () if isinstance(item, pytest.Item) and (text := mistake(item, known))
    ]:
        report.outcome, report.longrepr, report.result = "failed", "\n".join(wrong), []
    return report


def whole(config: pytest.Config, marker: str = PROPERTY, places: Collection[Path] = ()) -> bool:
    """Whether a run has every test with the marker. `places` are the folders that have them all; else it is all."""
    told = {(config.invocation_params.dir / argument).resolve() for argument in config.args}
    option = config.option
    chosen = option.keyword or getattr(option, "lf", False) or option.deselect or option.collectonly
    return told in ({ROOT / "tests"}, set(places)) and option.markexpr in ("", marker) and not chosen


def collected(items: Iterable[pytest.Item]) -> dict[str, Shown]:
    """The marked ones among these tests."""
    return {item.nodeid: Shown(lines) for item in items if (lines := lines_of(item))}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if lines := lines_of(item):
            item.user_properties.append((PROPERTY, list(lines)))


def pytest_collection_finish(session: pytest.Session) -> None:
    if path := session.config.getoption(OPTION):
        write_tests(collected(session.items), Path(path))


class Seen:
    """How each test with the marker ended, in the process that reports; kept after a whole run."""

    def __init__(self, marker: str, keep: Callable[[Tests], None], places: Collection[Path] = ()) -> None:
        self.marker, self.keep, self.places = marker, keep, places
        self.tests: dict[str, Shown] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        lines = dict(report.user_properties).get(self.marker)
        if isinstance(lines, list | tuple):
            before = self.tests[report.nodeid].outcome if report.nodeid in self.tests else ""
            self.tests[report.nodeid] = Shown(tuple(map(str, lines)), _outcome(report, before))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if whole(session.config, self.marker, self.places):
            self.keep(self.tests)


def _outcome(report: pytest.TestReport, before: str) -> str:
    """A test is set up, called and taken down; it passed when each of the three did. A second try begins anew."""
    if report.when == "setup":
        return "" if report.passed else report.outcome
    if report.when == "call":
        return report.outcome
    return before if report.passed else report.outcome


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Seen(PROPERTY, write_tests), "conformance-seen")

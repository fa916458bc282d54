"""What holds for every test: the browser's fixtures, and an account of the tests that could not run."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, settings

from tests import parts
from tools.parts import is_strict

# how long an example takes says how busy the machine is, and nothing of the program
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

pytest_plugins = ["tests.browser", "tests.conformance.marks", "tests.interop.marks"]


def _reasons(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[str]:
    return [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)]


def _left_out(config: pytest.Config) -> list[str]:
    """The reasons of all tests that were left out; in the process that reports, whichever one ran them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return _reasons(reporter.stats.get("skipped", [])) if reporter else []


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A test that is left out proves nothing: in continuous integration that is a failure."""
    if is_strict() and exitstatus == pytest.ExitCode.OK and _left_out(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Names what is missing, and how to get it."""
    reasons = _left_out(config)
    for name, count in parts.missing(reasons).items():
        terminalreporter.write_line(f"MISSING: {name}; tests that did not run: {count}. `make parts` tries to get it.")
    if reasons and is_strict():
        terminalreporter.write_line(f"Left out with CI=true, which is a failure: {len(reasons)}.", red=True)

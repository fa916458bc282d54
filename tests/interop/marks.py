"""The marker `interop("oidc-provider", "PAR", "private_key_jwt")`: which features a test shows at which server.

As with `conformance`, a whole run leaves what it saw, in `.interop.json`; `make interop-page` writes the page from it.
"""

from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from tests.conformance.marks import Seen
from tools.conformance import Shown, Tests, write_tests
from tools.interop import PLACES, RESULTS, cells, known_features, known_servers

MARKER = "interop"
OPTION = "--interop-collected"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, default="", help="write the tests with the marker that were collected into this file")


def shown_by(item: pytest.Item) -> tuple[str, ...]:
    """The cells of the matrix that a test fills, by its own marks and those of its class and module."""
    named = [cell for mark in item.iter_markers(MARKER) for cell in cells(*mark.args)]
    return tuple(dict.fromkeys(named))


def mistake(item: pytest.Item) -> str:
    """What is wrong with the marks of a test; "" when they name a server, and features of the matrix."""
    servers, features = known_servers(), known_features()
    for mark in item.iter_markers(MARKER):
        server, *named = mark.args or ("",)
        if mark.kwargs or server not in servers or not named or not features.issuperset(named):
            return f"{item.nodeid}: not a server and features of the interop matrix: {mark.args} {mark.kwargs}"
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A mark that names no cell is a mistake in the test's file: it is not collected."""
    report = yield
    if wrong := [text for item in report.result or () if isinstance(item, pytest.Item) and (text := mistake(item))]:
        report.outcome, report.longrepr, report.result = "failed", "\n".join(wrong), []
    return report


def collected(items: Iterable[pytest.Item]) -> dict[str, Shown]:
    """Those with the marker among these tests."""
    return {item.nodeid: Shown(named) for item in items if (named := shown_by(item))}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if named := shown_by(item):
            item.user_properties.append((MARKER, list(named)))


def pytest_collection_finish(session: pytest.Session) -> None:
    if path := session.config.getoption(OPTION):
        write_tests(collected(session.items), Path(path))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Seen(MARKER, _keep, PLACES), "interop-seen")


def _keep(tests: Tests) -> None:
    write_tests(tests, RESULTS)

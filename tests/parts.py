"""The parts of the system that some tests need. A test that lacks one is named at the end; with `CI=true` it fails.

browser = parts.require(parts.CHROMIUM)
"""

import functools
from pathlib import Path

import pytest

from tools.glewlwyd import GLEWLWYD
from tools.keycloak import KEYCLOAK
from tools.packages import Part
from tools.parts import (
    AXE,
    CHROMIUM,
    DRIVER,
    NODE_PROVIDER,
    PARTS,
    PEERS,
    POSTGRESQL,
    find_node,
    is_strict,
)

__all__ = [
    "AXE",
    "CHROMIUM",
    "DRIVER",
    "GLEWLWYD",
    "KEYCLOAK",
    "NODE_PROVIDER",
    "PEERS",
    "POSTGRESQL",
    "missing",
    "node",
    "place_of",
    "require",
]

REASON = "a part of the system is missing: "


@functools.cache
def place_of(part: Part) -> Path | None:
    """Where the part is; None when it is missing. Looked up once."""
    return part.find()


def require(part: Part) -> Path:
    """Where the part is.

    A test that can not have it fails where `CI=true`, and elsewhere is left out and counted in the summary.
    """
    place = place_of(part)
    if place is not None:
        return place
    message = f"{REASON}{part.name}"
    if is_strict():
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@functools.cache
def node() -> Path:
    """Node.js itself, for a test that has required `NODE_PROVIDER`."""
    found = find_node()
    assert found is not None
    return found


def missing(reasons: list[str]) -> dict[str, int]:
    """How many tests were left out for each missing part, from the reasons of all tests that were left out."""
    counts = {part.name: sum(f"missing: {part.name}" in reason for reason in reasons) for part in PARTS}
    return {name: count for name, count in counts.items() if count}

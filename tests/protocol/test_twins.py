"""Each file of `protocol/` is covered by its twin alone, every branch of it.

What another test happens to run is no proof: whoever changes `jwe.py` finds in `test_jwe.py` whether it is still right.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROTOCOL = ROOT / "src" / "entracte" / "protocol"
MODULES = sorted(path.stem for path in PROTOCOL.glob("*.py") if path.stem != "__init__")
"""`__init__` tells the story of the package, and has no code."""


def test_there_are_twins_for_all_and_for_nothing_else() -> None:
    assert len(MODULES) > 20
    twins = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert set(MODULES) <= twins
    assert twins - set(MODULES) == {"mutation", "twins"}


@pytest.mark.parametrize("name", MODULES)
def test_each_file_is_covered_by_its_twin(name: str, tmp_path: Path) -> None:
    """In a process of its own: what ran before it, and what other tests prepared, counts for nothing."""
    environment = os.environ | {"COVERAGE_FILE": str(tmp_path / "coverage")}
    environment.pop("PYTEST_ADDOPTS", None)
    measured = f"--include={PROTOCOL / name}.py"
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--confcutdir=tests/protocol",
             "--hypothesis-profile=twins", f"tests/protocol/test_{name}.py")  # fmt: skip
    ran = _coverage(environment, "run", "--branch", measured, *tests)
    assert ran.returncode == 0, ran.stdout[-4000:]
    told = _coverage(environment, "report", "--show-missing", "--fail-under=100", "--precision=2")
    assert told.returncode == 0, told.stdout


def _coverage(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "coverage", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

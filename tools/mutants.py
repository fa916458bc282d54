"""Changes `protocol/` in small ways and counts how many of the changes its tests notice: `make mutants`.

    .venv/bin/python -m tools.mutants              every file of protocol/, about an hour
    .venv/bin/python -m tools.mutants jwe jws      these alone; the figures of the others stay

Each file is changed by mutmut inside its functions, and only its twin in tests/protocol/ may notice. The result is
`tests/protocol/mutation.json`: figures by file, and every change that went unnoticed with the reason why that is
right. A reason is written there by hand, and kept as long as the same change goes unnoticed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parent.parent
PROTOCOL = ROOT / "src" / "entracte" / "protocol"
TWINS = ROOT / "tests" / "protocol"
RESULT = TWINS / "mutation.json"
NOTICED = frozenset({"killed", "timeout", "segfault", "suspicious"})
"""A change that makes the tests fail, hang or break was noticed."""
CONFIGURATION = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/entracte/protocol/{name}.py"]
pytest_add_cli_args_test_selection = ["tests/protocol/test_{name}.py"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--timeout=600"]
timeout_multiplier = 10.0
use_git_change_detection = false
"""
CONFTEST = """
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")
"""
"""Always the same examples, and none made smaller: a change is noticed or not."""


def modules() -> list[str]:
    """The names of the files that have something to change."""
    return sorted(path.stem for path in PROTOCOL.glob("*.py") if path.stem != "__init__")


def main(*names: str) -> int:
    for name in names or modules():
        result = _read()
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            figures, survivors = _examined(Path(folder), name, result)
        result["files"][name] = figures
        result["survivors"] = [entry for entry in result["survivors"] if entry["file"] != name] + survivors
        _write(result)
        print(f"{name}: {figures['killed']} of {figures['mutants']} noticed ({figures['score']:.1%})", flush=True)
        for entry in survivors:
            print(f"    {entry['function']}\n      {entry['was']}\n      {entry['became']}", flush=True)
    return 0


def _read() -> dict[str, Any]:
    if not RESULT.exists():
        return {"files": {}, "survivors": []}
    result: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    return {
        "files": {name: figures for name, figures in result["files"].items() if name in modules()},
        "survivors": [entry for entry in result["survivors"] if entry["file"] in modules()],
    }


def _write(result: Mapping[str, Any]) -> None:
    files = dict(sorted(result["files"].items()))
    mutants, killed = (sum(figures[key] for figures in files.values()) for key in ("mutants", "killed"))
    document = {
        "score": round(killed / mutants, 4),
        "mutants": mutants,
        "killed": killed,
        "survived": mutants - killed,
        "files": files,
        "survivors": sorted(result["survivors"], key=lambda entry: (entry["file"], entry["function"], entry["was"])),
    }
    RESULT.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _examined(folder: Path, name: str, before: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    _lay_out(folder, name)
    codes = _codes(folder, name)
    outcomes = {mutant: _status(code) for mutant, code in codes.items()}
    counts = Counter(outcome in NOTICED for outcome in outcomes.values())
    score = counts[True] / len(outcomes) if outcomes else 1.0
    figures = {
        "mutants": len(outcomes),
        "killed": counts[True],
        "survived": counts[False],
        "score": round(score, 4),
    }
    reasons = {_identity(entry): entry["why"] for entry in before["survivors"]}
    survivors = [_survivor(folder, name, mutant) for mutant, outcome in outcomes.items() if outcome not in NOTICED]
    return figures, [{**entry, "why": reasons.get(_identity(entry), "")} for entry in survivors]


def _codes(folder: Path, name: str) -> Mapping[str, int | None]:
    """How the tests ended, by change. mutmut calls it an error when a file has nothing that it could change."""
    ended = _mutmut(folder, "run", "--max-children", "1")
    meta = folder / "mutants" / "src" / "entracte" / "protocol" / f"{name}.py.meta"
    codes: Mapping[str, int | None] = json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {"": None}
    if ended.returncode and codes:
        print(f"{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}", file=sys.stderr)
        raise SystemExit(f"mutmut could not examine {name}")
    _check_names(folder / "mutants")
    return codes


def _check_names(folder: Path) -> None:
    """mutmut runs tests by their names. One that a command line can not name would fail whatever was changed."""
    names = json.loads((folder / "mutmut-stats.json").read_text())["duration_by_test"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *names]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if names and ended.returncode:
        print(f"{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}", file=sys.stderr)
        raise SystemExit("there are tests whose names can not be given on a command line")


def _identity(entry: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(entry[key] for key in ("file", "function", "was", "became"))


def _lay_out(folder: Path, name: str) -> None:
    """What the twin needs and nothing more, with a configuration for this one file."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("protocol", "vectors"):
        shutil.copytree(ROOT / "tests" / part, folder / "tests" / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "protocol" / "conftest.py").write_text(CONFTEST)
    configuration = (ROOT / "pyproject.toml").read_text() + CONFIGURATION.format(name=name)
    (folder / "pyproject.toml").write_text(configuration)


def _mutmut(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _status(code: int | None) -> str:
    return str(status_by_exit_code[code])


def _survivor(folder: Path, name: str, mutant: str) -> dict[str, str]:
    changed = list(_changed(_mutmut(folder, "show", mutant).stdout))
    was, became = (" ".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+")
    return {"file": name, "function": _function(mutant), "was": was, "became": became}


def _changed(shown: str) -> Iterator[str]:
    for line in shown.splitlines():
        if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"}:
            yield line


def _function(mutant: str) -> str:
    """`…jwe.x__header__mutmut_3` is of `_header`, `…keys.xǁKeySetǁcandidates__mutmut_1` of `KeySet.candidates`."""
    mangled = mutant.rpartition(".")[2].rpartition("__mutmut_")[0].removeprefix("x")
    return mangled[1:].replace("ǁ", ".")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

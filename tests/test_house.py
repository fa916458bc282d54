"""The house stays as its architecture says: directions of imports, names, sizes, nothing of one machine in a file."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "entracte"
MODULES = sorted(SOURCES.rglob("*.py"))
LONGEST_FUNCTION = 60
OPENS_ADDRESSES = {"urllib.request", "http.client"}
VAGUE_NAMES = {"common", "helper", "helpers", "interfaces", "misc", "services", "util", "utils"}
REGISTRIES = re.compile(
    "|".join(
        re.escape(f"{name}.{end}")
        for name, end in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
            ("proxy.golang", "org"),
            ("crates", "io"),
            ("deb.debian", "org"),
            ("archive.ubuntu", "com"),
        ]
    )
)
PLACES_OF_ONE_MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root)/")
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==(\S+)( ; .+)?$")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_files() -> Iterator[Path]:
    """The files of the repository: by git, or, where the tree is no checkout, all in the folders that it has."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        folders = (ROOT / name for name in (".ci", "bench", "docs", "fuzz", "requirements", "src", "tests", "tools"))
        paths = [*ROOT.glob("*"), *(path for folder in folders for path in folder.rglob("*"))]
    for path in paths:
        made = any(part == "node_modules" or part.strip("_").endswith("cache") for part in path.relative_to(ROOT).parts)
        if path.is_file() and not path.is_symlink() and not made:
            yield path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(path: Path) -> Iterator[str]:
    """All that a module imports, as dotted names: `from urllib import request` is `urllib.request`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_go_in_one_direction() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", result.stdout)


def test_protocol_opens_no_address() -> None:
    """Import contracts know packages of others as a whole: `urllib.request` and `urllib.parse` are one to them."""
    modules = sorted((SOURCES / "protocol").rglob("*.py"))
    assert len(modules) > 10
    assert [name_of(path) for path in modules if OPENS_ADDRESSES & set(imported(path))] == []


def test_modules_are_named_for_what_they_do() -> None:
    names = {name_of(path): set(path.relative_to(SOURCES).with_suffix("").parts) for path in MODULES}
    assert [path for path, parts in names.items() if VAGUE_NAMES & parts] == []


def test_modules_say_what_they_are() -> None:
    silent = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [name_of(path) for path in silent if path.read_text().strip()] == []


def test_functions_are_short() -> None:
    lengths = {
        f"{name_of(path)}: {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in MODULES
        for function in functions(path)
    }
    assert len(lengths) > 100
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_no_file_names_a_registry_or_a_place_of_one_machine() -> None:
    found = {}
    for path in tracked_files():
        text = path.read_text(errors="replace")
        if marks := [*REGISTRIES.findall(text), *PLACES_OF_ONE_MACHINE.findall(text)]:
            found[name_of(path)] = marks
    assert found == {}


def test_the_marks_of_a_registry_and_of_a_machine_are_known() -> None:
    assert REGISTRIES.search("https://" + "py" + "pi.org/simple")
    assert PLACES_OF_ONE_MACHINE.search("cd " + "/wo" + "rk/main")
    assert not PLACES_OF_ONE_MACHINE.search("https://example.com/wo" + "rk/1 and ~/wo" + "rk/2")


def pins(path: Path) -> dict[str, str]:
    """Versions by package. Every line that is not a comment is a pin with at least one hash."""
    found = {}
    statements = re.sub(r" \\\n", " ", re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.MULTILINE)).splitlines()
    for statement in statements:
        pin, *hashes = re.split(r" +--hash=", statement)
        parsed = PIN.match(pin)
        assert parsed, f"{path.name}: {pin}"
        assert hashes, f"{path.name}: {pin} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64} *", value) for value in hashes), f"{path.name}: {pin}"
        found[parsed[1]] = parsed[2]
    return found


@pytest.mark.parametrize("name", ["runtime", "development", "build", "lock"])
def test_requirements_are_pinned_by_hash_and_name_no_address(name: str) -> None:
    path = ROOT / "requirements" / f"{name}.txt"
    assert pins(path)
    assert "://" not in path.read_text()


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_development_has_the_same_versions_and_more(name: str) -> None:
    development = pins(ROOT / "requirements" / "development.txt")
    assert pins(ROOT / "requirements" / f"{name}.txt").items() <= development.items()


@pytest.mark.parametrize("folder", ["tests/interop/oidc_provider", "tests/accessibility"])
def test_node_packages_are_pinned_by_hash_and_name_no_address(folder: str) -> None:
    path = ROOT / folder / "package-lock.json"
    packages = {name: package for name, package in json.loads(path.read_text())["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert "://" not in path.read_text()


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def made(text: str) -> set[str]:
    """What a text tells to make."""
    return set(re.findall(r"\bmake ([a-z-]+)\b(?= *[`\n|]| 2>)", text))


def test_continuous_integration_runs_what_everybody_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    commands = re.sub(r"^ *#.*\n", "", script, flags=re.MULTILINE)
    assert made(commands) == {"test"}
    assert "make test" in (ROOT / "README.md").read_text()


def test_readme_names_targets_that_exist() -> None:
    named = made((ROOT / "README.md").read_text())
    assert {"demo", "test"} <= named
    assert named <= targets()

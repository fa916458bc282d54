"""Writes `requirements/*.txt` and the tests' `package-lock.json` anew: exact versions with hashes, and no address.

Run it by `make lock` after a change of the dependencies in `pyproject.toml`. Pins that still fit stay; the option
`--upgrade` takes the newest. Standard library only.
"""

import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
LOCKER = ROOT / ".parts" / "lock"
NODE_FOLDERS = ("tests/interop/oidc_provider", "tests/accessibility")
COMPILE = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-header"),
)


def main(*options: str) -> int:
    if not (LOCKER / "bin" / "python").exists():
        venv.create(LOCKER, with_pip=True)
    _run(LOCKER / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r", REQUIREMENTS / "lock.txt")
    _compile("runtime", "pyproject.toml", *options)
    _compile("development", "pyproject.toml", "--group", "dev", *options)
    _compile("build", "-", "--constraints", "requirements/development.txt", *options, text=_build_requirements())
    _compile("lock", "-", *options, text="uv\n")
    for folder in NODE_FOLDERS:
        _lock_npm_packages(folder)
    return 0


def _build_requirements() -> str:
    """What installing the project itself needs: the build system, and `editables`, to leave its sources in place."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return "\n".join([*project["build-system"]["requires"], "editables", ""])


def _compile(name: str, source: str, *options: str, text: str = "") -> None:
    print(f"requirements/{name}.txt", flush=True)
    _run(LOCKER / "bin" / "uv", *COMPILE, source, *options, "--output-file", f"requirements/{name}.txt", text=text)


def _lock_npm_packages(name: str) -> None:
    print(f"{name}/package-lock.json", flush=True)
    folder = ROOT / name
    _run("npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", folder=folder)
    file = folder / "package-lock.json"
    lock = json.loads(file.read_text())
    for package in lock["packages"].values():
        package.pop("funding", None)
    file.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")


def _run(*command: str | Path, folder: Path = ROOT, text: str = "") -> None:
    subprocess.run([str(part) for part in command], cwd=folder, input=text, text=True, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Makes `.venv` with what the project needs, pinned and checked by hash. Standard library only: nothing is there yet.

    python3 -m tools.environment runtime        what `make demo` needs
    python3 -m tools.environment development    what `make test` needs, too

It does nothing when the environment is as the requirements say, and makes it anew when the folder was moved.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

from tools import packages

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
PIP = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input")
REQUIREMENTS = {"runtime": ("build", "runtime"), "development": ("development",)}
"""The files in `requirements/` that make an environment. The one for development holds all that the others hold."""


def main(kind: str) -> int:
    if _stamp(kind).exists() and _stamp(kind).read_text() == _wanted(kind) and _works():
        return 0
    started = time.monotonic()
    if not _make():
        return 1
    files = [ROOT / "requirements" / f"{name}.txt" for name in REQUIREMENTS[kind]]
    if not (_install(files) and _install_project()):
        return 1
    _stamp(kind).write_text(_wanted(kind))
    print(f"The environment is ready: {ENVIRONMENT.name}, in {time.monotonic() - started:.0f} s.", flush=True)
    return 0


def _stamp(kind: str) -> Path:
    return ENVIRONMENT / f"{kind}.stamp"


def _wanted(kind: str) -> str:
    """What the stamp says when the environment is up to date: its place, and its inputs' hash."""
    digest = hashlib.sha256()
    for name in REQUIREMENTS[kind]:
        digest.update((ROOT / "requirements" / f"{name}.txt").read_bytes())
    digest.update((ROOT / "pyproject.toml").read_bytes())
    return f"{ENVIRONMENT}\n{digest.hexdigest()}\n"


def _works() -> bool:
    """An environment whose Python was upgraded away is a folder of dead links."""
    if not PYTHON.exists():
        return False
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([str(PYTHON), "-c", check], capture_output=True, check=False).returncode == 0


def _moved() -> bool:
    """Scripts in an environment name its place, so a copied one does not work."""
    stamps = ENVIRONMENT.glob("*.stamp")
    return any(stamp.read_text().splitlines()[:1] != [str(ENVIRONMENT)] for stamp in stamps)


def _make() -> bool:
    if _works() and not _moved():
        return True
    if not _has_venv():
        return False
    print(f"Making the environment in {ENVIRONMENT.name} with Python {sys.version.split()[0]}.", flush=True)
    venv.create(ENVIRONMENT, clear=True, symlinks=True, with_pip=True)
    return True


def _has_venv() -> bool:
    """Debian and Ubuntu keep what `venv` needs in a package of its own."""
    if importlib.util.find_spec("ensurepip"):
        return True
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if packages.install_packages("python-venv", apt=(f"{version}-venv",), brew=()):
        importlib.invalidate_caches()
    if importlib.util.find_spec("ensurepip"):
        return True
    print(f"This Python cannot make environments. As root: apt-get install {version}-venv", file=sys.stderr)
    return False


def _install(files: list[Path]) -> bool:
    total = len({name for file in files for name in re.findall(r"^([a-z0-9.-]+)==", file.read_text(), re.MULTILINE)})
    arguments = [argument for file in files for argument in ("--requirement", str(file))]
    print(f"Installing up to {total} packages, each checked by its hash.", flush=True)
    return _run_pip("install", "--require-hashes", "--progress-bar", "off", *arguments, total=total)


def _install_project() -> bool:
    return _run_pip("install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT), total=1)


def _run_pip(*arguments: str, total: int) -> bool:
    """Runs pip with one short line for its many; all of them when it fails."""
    process = subprocess.Popen(
        [*PIP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    lines = list(_shown(process, total))
    if process.wait() == 0:
        return True
    print(f"{''.join(lines[-30:])}\npip could not install; its last lines are above.", file=sys.stderr)
    return False


def _shown(process: "subprocess.Popen[str]", total: int) -> Iterator[str]:
    collected = 0
    for line in process.stdout or ():
        yield line
        if line.startswith("Collecting "):
            collected += 1
            _progress(collected, total, line.split()[1].partition("==")[0])
        elif line.startswith("Installing collected packages"):
            _clear()
            print("  unpacking …" if total > 1 else "  entracte", flush=True)
    _clear()


def _progress(done: int, total: int, name: str) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K  {done:3}/{total} {name}", end="", flush=True)
    elif done % 20 == 0:
        print(f"  {done:3}/{total}", flush=True)


def _clear() -> None:
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1]))

"""The system's package managers, and how a command is run that may ask nobody anything. Standard library only."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS_FOLDER = ROOT / ".parts"
"""Where parts are that no package manager keeps for us."""
SECONDS = 600
"""How long one package manager may take."""


@dataclass(frozen=True)
class Part:
    """One thing that the tests need from the system."""

    name: str
    purpose: str
    find: Callable[[], Path | None]
    install: Callable[[], object]


def install_packages(name: str, *, apt: tuple[str, ...], brew: tuple[str, ...]) -> bool:
    """Installs packages by the system's package manager.

    Parameters:
        name: what the packages are, for the person who reads along.
        apt: the packages' names on Debian and Ubuntu.
        brew: the packages' names on macOS with Homebrew.
    Returns: whether the package manager says that they are installed now.
    """
    if apt and shutil.which("apt-get"):
        print(f"{name}: apt-get install {' '.join(apt)}", flush=True)
        return _apt_get("install", *apt) or (_update_lists() and _apt_get("install", *apt))
    if brew and shutil.which("brew"):
        print(f"{name}: brew install {' '.join(brew)}", flush=True)
        return run(["brew", "install", "--quiet", *brew])
    return False


def fetch_packages(name: str, packages: tuple[str, ...], *, folder: Path) -> bool:
    """Fetches packages of Debian's or Ubuntu's into a folder and installs nothing.

    Parameters:
        name: what the packages are, for the person who reads along.
    Returns: whether all are there. The package manager has compared them with the signed lists.
    """
    if not shutil.which("apt-get"):
        return False
    print(f"{name}: apt-get download {' '.join(packages)}", flush=True)
    command = ["apt-get", "download", "-qq", *packages]
    return run(command, folder=folder) or (_update_lists() and run(command, folder=folder))


def _apt_get(*arguments: str) -> bool:
    options = ("-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0")
    keep_settings = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
    return run_as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options, *keep_settings, *arguments])


@functools.cache
def _update_lists() -> bool:
    """A fresh system has no lists of packages, and an old one has lists that name packages which are gone."""
    print("apt-get update", flush=True)
    return _apt_get("update")


@functools.cache
def as_root() -> tuple[str, ...] | None:
    """What to put before a command that only root may run; None when there is no way without a password."""
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return (sudo, "-n")
    return None


def run_as_root(command: list[str], *, text: str = "") -> bool:
    prefix = as_root()
    if prefix is None:
        print(f"  this needs root: {' '.join(command)}", flush=True)
        return False
    return run([*prefix, *command], text=text)


def run(command: list[str], *, folder: Path = ROOT, text: str = "") -> bool:
    """Runs a command that may not ask anything; shows its last lines when it fails."""
    environment = {**os.environ, "NONINTERACTIVE": "1", "HOMEBREW_NO_AUTO_UPDATE": "1"}
    try:
        result = subprocess.run(
            command,
            input=text,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
            start_new_session=True,  # without a terminal nobody can be asked for a password
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  {error}", flush=True)
        return False
    if result.returncode:
        print("\n".join(f"  {line}" for line in result.stdout.splitlines()[-8:]), flush=True)
    return result.returncode == 0


def output(command: list[str]) -> str:
    try:
        result = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout if result.returncode == 0 else ""

"""The parts of the system that the tests need: a browser, PostgreSQL, Node.js with npm's `oidc-provider`,
`axe-core` and the peers of the benchmark, Keycloak with its Java, and glewlwyd.

    python3 -m tools.parts            finds them; installs what is missing, by the system's package manager
    python3 -m tools.parts --check    finds them only

It asks nothing: where a password would be needed, the part stays missing and is named. With `CI=true` a missing part
is a failure. Standard library only.
"""

import functools
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools import glewlwyd, keycloak
from tools.packages import ROOT, Part, as_root, install_packages, output, run, run_as_root

ENVIRONMENT_PYTHON = ROOT / ".venv" / "bin" / "python"
OIDC_PROVIDER = ROOT / "tests" / "interop" / "oidc_provider"
ACCESSIBILITY = ROOT / "tests" / "accessibility"
BENCH_PEERS = ROOT / "bench" / "node"
OLDEST_POSTGRESQL = 15
OLDEST_NODE = 18


# Finding


def find_chromium() -> Path | None:
    """The browser's program: the system's, or else the one that Playwright fetched."""
    return next((path for path in _browsers() if _runs(path)), None)


def _browsers() -> Iterator[Path]:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            yield Path(found)
    for application in ("Chromium", "Google Chrome"):
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield folder / f"{application}.app" / "Contents" / "MacOS" / application
    for folder in (Path.home() / ".cache" / "ms-playwright", Path.home() / "Library" / "Caches" / "ms-playwright"):
        yield from sorted(folder.glob("chromium-*/chrome-linux*/chrome"), reverse=True)
        yield from sorted(folder.glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"), reverse=True)


def _runs(browser: Path) -> bool:
    """A browser in a snap sees neither our profiles nor our sockets, and Ubuntu's package only points to one."""
    version = output([str(browser), "--version"]) if browser.exists() else ""
    return bool(re.search(r"Chrom\w* (for Testing )?\d+", version)) and "snap" not in version


def find_driver() -> Path | None:
    """Playwright's own Node.js, when it starts: on a bare Debian it lacks a library."""
    drivers = ENVIRONMENT_PYTHON.parent.parent.glob("lib/python*/site-packages/playwright/driver/node")
    return next((driver for driver in drivers if output([str(driver), "--version"])), None)


def find_postgresql() -> Path | None:
    """The folder with `initdb`, `postgres` and `pg_ctl`: the newest one that is new enough."""
    found = [(_postgresql_version(folder), folder) for folder in _postgresql_folders()]
    version, folder = max(found, default=(0, None))
    return folder if version >= OLDEST_POSTGRESQL else None


def _postgresql_folders() -> Iterator[Path]:
    patterns = (
        "usr/lib/postgresql/*/bin",
        "opt/homebrew/opt/postgresql@*/bin",
        "usr/local/opt/postgresql@*/bin",
        "Applications/Postgres.app/Contents/Versions/*/bin",
    )
    for pattern in patterns:
        yield from Path("/").glob(pattern)
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent


def _postgresql_version(folder: Path) -> int:
    complete = all((folder / name).exists() for name in ("initdb", "postgres", "pg_ctl"))
    version = re.search(r"PostgreSQL\) (\d+)", output([str(folder / "postgres"), "--version"])) if complete else None
    return int(version[1]) if version else 0


def find_node() -> Path | None:
    """Node.js, when npm is there too."""
    node = shutil.which("node") or shutil.which("nodejs")
    version = re.match(r"v(\d+)", output([node, "--version"])) if node and shutil.which("npm") else None
    return Path(node) if node and version and int(version[1]) >= OLDEST_NODE else None


def find_npm_packages(folder: Path) -> Path | None:
    """The folder of a lock file of npm's, when its packages are installed from it as it is now."""
    stamp = _stamp(folder)
    ready = find_node() and stamp.exists() and stamp.read_text() == _lock(folder)
    return folder if ready else None


def _stamp(folder: Path) -> Path:
    return folder / "node_modules" / "lock.stamp"


def _lock(folder: Path) -> str:
    return hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()


# Installing


def install_chromium() -> None:
    """Ubuntu has no package with a browser in it, and Homebrew's is not signed: there Playwright fetches its own."""
    if not _is_ubuntu() and install_packages("browser", apt=("chromium",), brew=()) and find_chromium():
        return
    if not ENVIRONMENT_PYTHON.exists():
        return
    libraries = ("--with-deps",) if shutil.which("apt-get") and as_root() is not None else ()
    run([str(ENVIRONMENT_PYTHON), "-m", "playwright", "install", "--no-shell", *libraries, "chromium"])


def install_driver() -> None:
    """What the driver is linked with. macOS has it."""
    install_packages("Playwright's driver", apt=("libatomic1", "libstdc++6"), brew=())


def install_postgresql() -> None:
    """The programs alone: the tests make their own clusters, so Debian's packages are told to make none."""
    if shutil.which("apt-get") and not Path("/etc/postgresql-common").exists():
        settings = "/etc/postgresql-common/createcluster.d/no-main-cluster.conf"
        run_as_root(["mkdir", "-p", str(Path(settings).parent)])
        run_as_root(["tee", settings], text="create_main_cluster = false\n")
    install_packages("PostgreSQL", apt=("postgresql",), brew=("postgresql@17",))


def install_npm_packages(folder: Path) -> None:
    """`npm ci` checks every package against the hash in the lock file; no package runs a script of its own."""
    if not find_node():
        install_packages("Node.js", apt=("nodejs", "npm"), brew=("node",))
    if not find_node():
        return
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    if run(["npm", "ci", *options], folder=folder):
        _stamp(folder).write_text(_lock(folder))


def _is_ubuntu() -> bool:
    try:
        return platform.freedesktop_os_release().get("ID") == "ubuntu"
    except OSError:
        return False


# All of them

CHROMIUM = Part("Chromium", "journeys in a real browser", find_chromium, install_chromium)
DRIVER = Part("Playwright's driver", "steering that browser", find_driver, install_driver)
POSTGRESQL = Part(
    f"PostgreSQL {OLDEST_POSTGRESQL} or newer", "the store on PostgreSQL", find_postgresql, install_postgresql
)
NODE_PROVIDER = Part(
    "npm's oidc-provider",
    "sign-in at an authorization server by other hands",
    functools.partial(find_npm_packages, OIDC_PROVIDER),
    functools.partial(install_npm_packages, OIDC_PROVIDER),
)
AXE = Part(
    "npm's axe-core",
    "what keyboards and screen readers find on every page",
    functools.partial(find_npm_packages, ACCESSIBILITY),
    functools.partial(install_npm_packages, ACCESSIBILITY),
)
PEERS = Part(
    "npm's openid-client and express-openid-connect",
    "the benchmark beside relying parties by other hands",
    functools.partial(find_npm_packages, BENCH_PEERS),
    functools.partial(install_npm_packages, BENCH_PEERS),
)
PARTS = (CHROMIUM, DRIVER, POSTGRESQL, NODE_PROVIDER, AXE, PEERS, keycloak.KEYCLOAK, glewlwyd.GLEWLWYD)


def is_strict(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a missing part is a failure: where `CI=true`."""
    return environment.get("CI", "").lower() in ("true", "1")


def main(*, install: bool) -> int:
    for part in PARTS:
        if install and not part.find():
            part.install()
    found = {part: part.find() for part in PARTS}
    for part, place in found.items():
        print(f"{part.name}: {place or f'MISSING, needed for {part.purpose}'}", flush=True)
    return int(is_strict() and not all(found.values()))


if __name__ == "__main__":
    sys.exit(main(install="--check" not in sys.argv[1:]))

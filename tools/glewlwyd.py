"""glewlwyd, the authorization server that Debian and Ubuntu have a package of.

Its package starts a service and makes a user when it is installed. So the package is only fetched and unpacked beside
us, and what it is linked with is installed. macOS has no package of it. Standard library only.
"""

import re
import shutil
from pathlib import Path

from tools.packages import PARTS_FOLDER, Part, fetch_packages, install_packages, output, run

FOLDER = PARTS_FOLDER / "glewlwyd"
PROGRAM = FOLDER / "usr" / "bin" / "glewlwyd"
WEBAPP = FOLDER / "webapp"
"""The pages, complete: the package has links to files of other packages, which glewlwyd would not follow."""
PAGES = ("glewlwyd-common", "fonts-fork-awesome", "libjs-bootstrap4", "libjs-jquery", "libjs-popper.js")
"""The packages that the pages are made of."""


def find_glewlwyd() -> Path | None:
    """The folder that the package is unpacked in, when its program starts."""
    return FOLDER if (WEBAPP / "config.json").exists() and output([str(PROGRAM), "--version"]) else None


def install_glewlwyd() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    if not fetch_packages("glewlwyd", ("glewlwyd", *PAGES), folder=FOLDER):
        return
    packages = list(FOLDER.glob("*.deb"))
    missing = tuple(
        name for package in FOLDER.glob("glewlwyd_*.deb") for name in _libraries(package) if not _is_installed(name)
    )
    if not all(run(["dpkg-deb", "--extract", str(package), str(FOLDER)]) for package in packages):
        return
    for package in packages:
        package.unlink()
    if not missing or install_packages("what glewlwyd is linked with", apt=missing, brew=()):
        _gather_pages()


def _is_installed(package: str) -> bool:
    """Asked first: installing what is there would bring a newer version of it."""
    return output(["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", package]).startswith("ii")


def _libraries(package: Path) -> list[str]:
    """What the program is linked with, as the package says."""
    needed = output(["dpkg-deb", "--field", str(package), "Depends"])
    return re.findall(r"(?:^|, )((?:lib|zlib)[a-z0-9.+-]+)", needed)


def _gather_pages() -> None:
    shared = FOLDER / "usr" / "share" / "glewlwyd"
    ignored = shutil.ignore_patterns("config.json", "*.map")  # its link leads to the system's settings
    shutil.copytree(shared / "webapp", WEBAPP, ignore=ignored)
    shutil.copy(shared / "templates" / "config.json", WEBAPP / "config.json")


GLEWLWYD = Part("glewlwyd", "sign-in at an authorization server of Debian's", find_glewlwyd, install_glewlwyd)

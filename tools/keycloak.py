"""Keycloak as its project delivers it, and a Java that runs it.

The distribution comes by Maven, is compared with the SHA-256 that stands here, and is prepared once: what a start would
otherwise work out, and the tables that its first start would make. Standard library only.
"""

import functools
import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.packages import PARTS_FOLDER, Part, install_packages, output, run

VERSION = "26.7.3"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
"""Of the distribution's zip file."""
DOWNLOADER = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
OLDEST_JAVA = 17
FOLDER = PARTS_FOLDER / f"keycloak-{VERSION}"
STAMP = FOLDER / "prepared.stamp"
ADMINISTRATOR = "administrator"
ADMINISTRATOR_PASSWORD = "a password of the tests, not of anybody"  # noqa: S105
"""Of the realm `master`, on loopback, for as long as a test lasts."""
BUILD = ("--db=dev-file", "--https-client-auth=request")
"""H2 in a file: a copy of the file is a fresh server with its tables. Where it has a certificate, it asks clients for
theirs and does without."""
HEAP = "-Xms64m -Xmx384m"


def find_keycloak() -> Path | None:
    """The folder of the prepared distribution, when a Java is there too."""
    ready = STAMP.exists() and STAMP.read_text() == _stamp() and find_java()
    return FOLDER if ready else None


@functools.cache
def find_java() -> Path | None:
    """A Java that is new enough. Looked up once, unless there is none."""
    return next((path for path in _javas() if _java_version(path) >= OLDEST_JAVA), None)


def _javas() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    for pattern in ("usr/lib/jvm/*/bin/java", "opt/homebrew/opt/openjdk*/bin/java", "usr/local/opt/openjdk*/bin/java"):
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _java_version(java: Path) -> int:
    version = re.match(r"\w+ (\d+)", output([str(java), "--version"])) if java.exists() else None
    return int(version[1]) if version else 0


def install_keycloak() -> None:
    """Java and Maven by the system's package manager, Keycloak by Maven."""
    if not find_java():
        _install_java()
        find_java.cache_clear()
    if not shutil.which("mvn"):
        install_packages("Maven", apt=("maven",), brew=("maven",))
    java, archive = find_java(), _download()
    if not java or not archive:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    with zipfile.ZipFile(archive) as distribution:
        distribution.extractall(PARTS_FOLDER)
    archive.unlink()
    if _prepare(java):
        STAMP.write_text(_stamp())


def _install_java() -> None:
    """Debian 13 has no 17 any more; the default of Ubuntu 22.04 is older than that."""
    names = (f"openjdk-{OLDEST_JAVA}-jre-headless", "default-jre-headless")
    any(install_packages("Java", apt=(name,), brew=("openjdk",)) for name in names)


def _download() -> Path | None:
    """The zip file, when it is the one that we know."""
    if not shutil.which("mvn"):
        return None
    artifact = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
    archive = PARTS_FOLDER / f"keycloak-quarkus-dist-{VERSION}.zip"
    PARTS_FOLDER.mkdir(exist_ok=True)
    print(f"Keycloak: mvn {artifact}", flush=True)
    command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", f"{DOWNLOADER}:copy"]
    if not run([*command, f"-Dartifact={artifact}", f"-DoutputDirectory={PARTS_FOLDER}"], folder=PARTS_FOLDER):
        return None
    if _sha256(archive) == SHA256:
        return archive
    print(f"  {archive.name} is not the file that we know; it is removed", flush=True)
    archive.unlink()
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _prepare(java: Path) -> bool:
    """Work out what a start needs, and make the tables with an administrator in them."""
    environment = {"JAVA": str(java), "JAVA_OPTS_KC_HEAP": HEAP, "ADMINISTRATOR_PASSWORD": ADMINISTRATOR_PASSWORD}
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), "sh", "bin/kc.sh"]
    administrator = ("--username", ADMINISTRATOR, "--password:env", "ADMINISTRATOR_PASSWORD", "--no-prompt")
    print("Keycloak: kc.sh build", flush=True)
    return run([*command, "build", *BUILD], folder=FOLDER) and run(
        [*command, "bootstrap-admin", "user", "--optimized", *administrator], folder=FOLDER
    )


def _stamp() -> str:
    """Says what was prepared, and how."""
    return "\n".join((SHA256, *BUILD))


KEYCLOAK = Part("Keycloak", "sign-in at an authorization server that many brands run", find_keycloak, install_keycloak)

"""Writes `docs/interop.md`: what was signed in with at servers that no one here wrote, by what a run of the tests saw.

    .venv/bin/python tools/interop.py          or `make interop-page`: runs the marked tests, then writes the page
    .venv/bin/python tools/interop.py --write  writes the page from the last whole run, without another one

A test names the server and the features that it shows: `@pytest.mark.interop("oidc-provider", "PAR")`. What a server
can not do has its reason in `tests/interop/unable.json`. A whole run leaves what it saw in `.interop.json`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a script, `tools` is not yet a package that can be found
    sys.path.insert(0, str(ROOT))

from tools.conformance import FAILED, NOT_RUN, PASSED, Tests, read_tests  # noqa: E402
from tools.keycloak import VERSION as KEYCLOAK_VERSION  # noqa: E402

PAGE = ROOT / "docs" / "interop.md"
RESULTS = ROOT / ".interop.json"
UNABLE = ROOT / "tests" / "interop" / "unable.json"
NODE_PACKAGE = ROOT / "tests" / "interop" / "oidc_provider" / "package.json"
PLACES = (ROOT / "tests" / "interop", ROOT / "tests" / "journeys")
"""Where all of the marked tests are."""
MEND = "make interop-page"
"""What brings the page up to date."""
NOT_SHOWN, CAN_NOT = "–", "can not"

FEATURES: Mapping[str, tuple[str, ...]] = {
    "Client authentication": (
        "none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth",
        "self_signed_tls_client_auth", "mtls_endpoint_aliases",
    ),
    "Authorization request": (
        "PAR", "PAR required", "JAR by value", "JAR by reference", "JAR encrypted", "claims parameter", "max_age",
        "acr_values", "resource",
    ),
    "Response type": ("code", "code id_token", "code token", "code id_token token", "id_token", "id_token token"),
    "Response mode": (
        "query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt", "JARM encrypted", "iss",
    ),
    "Access token": (
        "DPoP", "DPoP nonce", "certificate-bound tokens", "JWT access token", "introspection", "signed introspection",
        "revocation", "refresh",
    ),
    "ID token": (
        *(f"ID token {kind}{size}" for kind in ("RS", "PS", "ES", "HS") for size in (256, 384, 512)), "ID token EdDSA",
        "ID token encrypted",
    ),
    "UserInfo": ("UserInfo", "UserInfo signed", "UserInfo encrypted"),
    "Encryption": (
        "JWE RSA-OAEP", "JWE RSA-OAEP-256", "JWE ECDH-ES", "JWE ECDH-ES+A128KW", "JWE ECDH-ES+A192KW",
        "JWE ECDH-ES+A256KW",
    ),
    "Profile": ("fapi1-advanced", "fapi2-security", "fapi2-message-signing"),
    "Registration": ("dynamic registration", "registration management"),
    "Logout": ("RP-initiated logout", "back-channel logout", "front-channel logout"),
    "Beside the way": ("cancel", "key rotation"),
}  # fmt: skip
"""The rows of the matrix, in groups."""


def servers() -> Mapping[str, str]:
    """The columns: the servers by the names of the marks, each with its version; "" where the system's package says."""
    npm = json.loads(NODE_PACKAGE.read_text(encoding="utf-8"))["dependencies"]["oidc-provider"]
    return {"oidc-provider": npm, "Keycloak": KEYCLOAK_VERSION, "glewlwyd": ""}


def known_servers() -> frozenset[str]:
    return frozenset(servers())


def known_features() -> frozenset[str]:
    return frozenset(feature for group in FEATURES.values() for feature in group)


def cells(server: str = "", *features: str) -> tuple[str, ...]:
    """The cells of the matrix that a mark names."""
    return tuple(f"{server}: {feature}" for feature in features)


def read_unable() -> Mapping[str, str]:
    """Why a cell stays empty, by its name."""
    found: Mapping[str, Any] = json.loads(UNABLE.read_text(encoding="utf-8"))
    return {f"{server}: {feature}": str(why) for server, those in found.items() for feature, why in those.items()}


# The page


_ABOUT = f"""Made by `{MEND}` from a run of the tests: do not edit it.

Servers that no one here wrote, each started by the tests from its own package. A test is a whole sign-in in the running
program: a participant plays, goes to the login, comes back to a form with the profile in it, and sends an entry; or it
is a refusal that ends on a calm page with its reason in the log of attempts. A cell says what became of the tests that
show the feature at the server, and how many there are. “{NOT_SHOWN}”: no test shows it. “{CAN_NOT}”: the server has not
got it, or not as the specification says; why is below the table.
"""


def page(tests: Tests) -> str:
    """The whole page, for these tests."""
    text = f"# Interoperability\n\n{_ABOUT}"
    head = " | ".join(f"{name} {version}".strip() for name, version in servers().items())
    line = "| --- " * (1 + len(servers())) + "|"
    for group, features in FEATURES.items():
        text += f"\n## {group}\n\n| | {head} |\n{line}\n"
        for feature in features:
            results = " | ".join(_cell(f"{server}: {feature}", tests) for server in servers())
            text += f"| {feature} | {results} |\n"
        text += _reasons(features)
    return text


def _cell(cell: str, tests: Tests) -> str:
    outcomes = [shown.outcome for shown in tests.values() if cell in shown.lines]
    if not outcomes:
        return CAN_NOT if cell in read_unable() else NOT_SHOWN
    as_a_whole = PASSED if set(outcomes) == {PASSED} else NOT_RUN
    return f"{FAILED if FAILED in outcomes else as_a_whole} ({len(outcomes)})"


def _reasons(features: Sequence[str]) -> str:
    unable = read_unable()
    named = [(server, feature) for feature in features for server in servers() if f"{server}: {feature}" in unable]
    told = "".join(f"- {feature}, {server}: {unable[f'{server}: {feature}']}\n" for server, feature in named)
    return f"\n{told}" if told else ""


# Running


def run() -> int:
    """Runs the marked tests; the status of pytest."""
    command = [sys.executable, "-m", "pytest", "-m", "interop", "-q", "-n", "auto", "--maxprocesses", "4"]
    RESULTS.unlink(missing_ok=True)  # what another run saw must not be taken for what this one did
    return subprocess.run([*command, "--dist", "loadfile", *map(str, PLACES)], cwd=ROOT, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    if set(arguments) - {"--write"}:
        print(f"{MEND} runs the tests and writes the page; --write writes it from the last whole run.", file=sys.stderr)
        return 2
    status = 0 if "--write" in arguments else run()
    if not RESULTS.exists():
        print("There is no run to write from.", file=sys.stderr)
        return status or 1
    PAGE.write_text(page(read_tests(RESULTS)), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

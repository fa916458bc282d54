"""The benchmark measures what it says: a small run of it, and what its stub refuses."""

import asyncio
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from bench.__main__ import measured
from bench.accounts import cpu_milliseconds, memory_mebibytes
from bench.report import REFERENCE, Figures, table
from bench.stub import CLIENT_ID, CLIENT_SECRET, base64url
from bench.systems import stub
from entracte.protocol.authorization import code_challenge

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the accounts of processes are Linux's")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with stub() as running:
        yield running


def test_a_small_run(issuer: str) -> None:
    [figures] = measured(["Entracte on SQLite"], issuer, rounds=1, count=40, with_latencies=False)
    assert figures.missing == ""
    assert 0 < figures.cpu < figures.participation[0]
    assert 20 < figures.memory < 500
    assert f"| Entracte on SQLite | {figures.cpu:.2f} | no reference |" in table([figures])


def test_the_ratio_is_to_the_reference_of_the_same_run() -> None:
    one, other = Figures(REFERENCE, sign_in=[2.0, 1.0, 9.0]), Figures("Ours", sign_in=[1.0, 1.0, 1.5])
    assert "| Ours | 1.00 | 0.50 |" in table([one, other])
    assert "not measured: no Apache" in table([Figures("Peer", missing="no Apache")])


def test_the_accounts_are_of_the_whole_tree() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = 0\\nwhile True: x += 1'])"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while cpu_milliseconds(process.pid) < 300:
            assert time.monotonic() < deadline, "the child's work is in nobody's account"
            time.sleep(0.05)
        assert memory_mebibytes(process.pid) > 1
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, ""),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"redirect_uri": "http://localhost/other"}, "invalid_grant"),
        ({"secret": "another"}, "invalid_client"),
    ],
)
def test_the_stub_checks_what_costs_something(issuer: str, changed: dict[str, str], error: str) -> None:
    answer, again = asyncio.run(redeemed(issuer, changed))
    assert answer.get("error", "") == error
    assert ("id_token" in answer) == (error == "")
    assert "error" in again, "a code is of use once"


async def redeemed(issuer: str, changed: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What the token endpoint says to a code, and to the same one again."""
    verifier, redirect_uri = base64url(os.urandom(32)), "http://localhost/callback"
    asked = {"redirect_uri": redirect_uri, "state": "s", "nonce": "n", "code_challenge": code_challenge(verifier)}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{issuer}/authorize?{urlencode(asked)}", allow_redirects=False) as sent:
            code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
        form = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri} | changed
        basic = b64encode(f"{CLIENT_ID}:{form.pop('secret', CLIENT_SECRET)}".encode()).decode()
        headers, answers = {"Authorization": f"Basic {basic}"}, []
        for _ in range(2):
            async with session.post(f"{issuer}/token", data=form, headers=headers) as answer:
                answers.append(await answer.json())
    return answers[0], answers[1]

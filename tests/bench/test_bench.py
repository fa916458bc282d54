"""The benchmark measures what it says: a small run of it, and what its stub refuses."""

import asyncio
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from bench.__main__ import measured, one_round, scales
from bench.accounts import cpu_milliseconds, memory_mebibytes
from bench.filling import fill_with_participations
from bench.report import REFERENCE, Figures, scale_table, table
from bench.stub import CLIENT_ID, CLIENT_SECRET, base64url
from bench.systems import CAMPAIGN, SYSTEMS, Scale, System, entracte_on_postgresql, entracte_on_sqlite, stub
from entracte.participation.events import EventKind
from entracte.participation.model import Entry, Participation
from entracte.participation.records import EntryFilter, Page, ParticipationFilter
from entracte.protocol.authorization import code_challenge
from entracte.statistics.tallies import Counts
from entracte.store.opened import Store
from tests import parts
from tests.installation import Installation
from tests.misbehaving_provider import served_misbehaving_provider

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the accounts of processes are Linux's")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with stub() as running:
        yield running


def test_a_small_run(issuer: str) -> None:
    systems = {"Entracte on SQLite": SYSTEMS["Entracte on SQLite"]}
    [figures] = measured(systems, issuer, rounds=1, count=40, with_latencies=False)
    assert figures.missing == ""
    assert 0 < figures.cpu < figures.participation[0]
    assert 20 < figures.memory < 500
    assert f"| Entracte on SQLite | {figures.cpu:.2f} | no reference |" in table([figures])


@pytest.mark.parametrize("name", ["openid-client 5", "express-openid-connect"])
def test_a_peer_of_other_hands(name: str, issuer: str) -> None:
    parts.require(parts.PEERS)
    [figures] = measured({name: SYSTEMS[name]}, issuer, rounds=1, count=20, with_latencies=False)
    assert figures.missing == ""
    assert figures.cpu > 0
    assert figures.participation == []  # it keeps nothing, so there is nothing to enter


@pytest.mark.parametrize("on", [entracte_on_sqlite, entracte_on_postgresql])
def test_a_store_that_has_been_in_use(on: Callable[..., AbstractContextManager[System]], issuer: str) -> None:
    """What was put in is whole: people sign in at customers that were made so, and the numbers are right."""
    scale = Scale(connections=4, busy=2, participations=200)
    with on(issuer, scale) as system:
        assert len(system.campaigns) == 2
        figures = Figures("filled")
        asyncio.run(one_round(system, figures, 10))
    assert figures.cpu > 0
    assert figures.rate[0] > 0


def test_the_people_of_a_filled_store_are_whole(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    with served_misbehaving_provider() as provider:
        kept = installation.connect(provider.issuer)
    campaign = installation.publish(CAMPAIGN)
    url = installation.settings.database_url.get_secret_value()
    fill_with_participations(url, kept, campaign.number, 100)

    async def look(store: Store) -> tuple[Counts, Page[Entry], Page[Participation]]:
        owner, number = campaign.organization, campaign.number
        counts = await store.tallies.counts(owner, number, 0)
        entries = await store.records.entries(owner, number, EntryFilter(), None, 1000)
        people = await store.records.participations(owner, number, ParticipationFilter(), None, 1000)
        return counts, entries, people

    counts, entries, people = installation.work(look)
    assert counts.reached[EventKind.STARTED, ""] == counts.reached[EventKind.SIGN_IN_SENT, ""] == 100
    assert counts.entries == len(entries.items) == 50
    assert entries.items[0].values["email"] == "ana@example.com"
    assert len(people.items) == 100
    assert people.items[0].profile is not None
    assert people.items[0].profile.attributes["first_name"] == "Ana"
    assert set(people.items[0].answers) == {"one", "two", "three", "four", "five"}


def test_scales_are_measured_by_the_first() -> None:
    first, other = Figures("small", sign_in=[2.0], rate=[300.0]), Figures("large", sign_in=[3.0], rate=[200.0])
    assert "| large | 3.00 | 1.50 |  | 200 |" in scale_table([first, other])
    for _, systems in scales(1):
        assert len(systems) >= 2


def test_the_ratio_is_to_the_reference_of_the_same_run() -> None:
    one, other = Figures(REFERENCE, sign_in=[2.0, 1.0, 9.0]), Figures("Ours", sign_in=[1.0, 1.0, 1.5])
    assert "| Ours | 1.00 | 0.50 |" in table([one, other])
    assert "not measured: no Apache" in table([Figures("Peer", missing="no Apache")])


def test_the_accounts_are_of_the_whole_tree() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = 0\\nwhile True: x += 1'])"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    try:
        deadline = time.monotonic() + 60
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

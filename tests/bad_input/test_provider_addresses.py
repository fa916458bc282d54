"""Addresses of a provider that are not https, hold user info, lead to a private network or elsewhere, or whose server
hangs, drips, is huge or speaks no JSON: refused by the command with the reason; at a login the calm page."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from entracte.campaigns.draft import read_draft
from entracte.store.opened import Store
from entracte.values import now
from entracte.web.directory import FRESH
from tests.api.programs import Program, make_token
from tests.bad_input.stage import Said, Stage, follow
from tests.journeys.quiz import QUIZ
from tests.odd_server import WAYS, Odd, served_oddly
from tests.web.running import redirected, target_of

LONGEST = 40
"""Seconds for the whole command or login: what we ask of others has 10."""
SECRET = "a secret that stands nowhere"


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    with served_oddly() as server:
        yield server


def add(stage: Stage, *options: str, **environment: str) -> Said:
    """`entracte connection add`, and what holds of every refusal."""
    given = ("connection", "add", "odd", "--title", "Odd", "--client-id", "us", *options)
    began = time.monotonic()
    said = stage.installation.command(*given, ENTRACTE_CLIENT_SECRET=SECRET, **environment)
    assert time.monotonic() - began < LONGEST
    assert (said.status, said.out) == (1, "")
    assert said.error.startswith("entracte: ")
    assert "Traceback" not in said.error
    assert SECRET not in said.error
    assert "password" not in said.error
    return said


REASONS = {
    "redirect": "response_redirected", "hang": "provider_timeout", "drip": "provider_timeout",
    "huge": "response_too_large", "html": "malformed", "not-json": "malformed", "array": "malformed",
    "deep": "malformed", "not-http": "malformed", "nothing": "provider_unreachable",
    "broken": "provider_error", "bad-utf8": "malformed",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.conformance("MUST 39", "MUST 41", "MUST 43")
def test_a_server_that_answers_oddly_is_refused_by_the_command(stage: Stage, odd: Odd, way: str) -> None:
    odd.asked.clear()
    said = add(stage, "--issuer", odd.address(way))
    assert REASONS[way] in said.error, said.error
    assert set(odd.asked) == {f"/{way}/.well-known/openid-configuration"}, "nothing further was asked"


PRIVATE = (
    "https://127.0.0.1", "https://localhost", "https://10.0.0.1", "https://192.168.1.1", "https://169.254.169.254",
    "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[fd00::1]", "https://0.0.0.0", "https://2130706433",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.conformance("MUST 38", "BAD 28")
def test_a_private_address_is_not_asked(stage: Stage, address: str) -> None:
    said = add(stage, "--issuer", address, ENTRACTE_OUTBOUND_ALLOW="")
    assert "[provider_blocked]" in said.error or "not an address" in said.error, said.error


MALFORMED = {
    "not https": "http://login.example.com",
    "another scheme": "ftp://login.example.com",
    "a file": "file:///etc/passwd",
    "user info": "https://user:password@login.example.com",
    "a fragment": "https://login.example.com/#a",
    "no host": "https://",
    "no address": "northwind",
    "a line break": "https://login.example.com/\r\nHost: other",
    "a port that is none": "https://login.example.com:99999",
}
ENDPOINTS = {"authorization": "--authorization-endpoint", "token": "--token-endpoint", "REST": "--rest-url"}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.conformance("MUST 37")
def test_an_issuer_that_is_no_good_address(stage: Stage, name: str) -> None:
    said = add(stage, "--issuer", MALFORMED[name], ENTRACTE_OUTBOUND_ALLOW="")
    assert len(said.error) > 40, "with a reason"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", ["not https", "user info", "no host", "a line break"])
@pytest.mark.conformance("MUST 37")
def test_an_endpoint_that_is_no_good_address(stage: Stage, name: str, endpoint: str) -> None:
    fine = {"authorization": "https://a.example.com/a", "token": "https://a.example.com/t",
            "REST": "https://a.example.com/p"}  # fmt: skip
    given = {**fine, endpoint: MALFORMED[name]}
    options = [part for each, value in given.items() for part in (ENDPOINTS[each], value)]
    said = add(stage, *options, "--profile", "rest", "--scope", "profile", ENTRACTE_OUTBOUND_ALLOW="")
    assert "[connection_" in said.error, said.error


AT_LOGIN = ("redirect", "hang", "drip", "huge", "html", "not-json", "array", "deep", "not-http", "nothing", "broken")


PRIVATE_NOW = "https://[::1]:1/token"
"""An address that was kept when its name led elsewhere."""


@pytest.fixture(scope="module")
def logins(stage: Stage, odd: Odd) -> None:
    """For each way a connection, good but for its token endpoint, and a campaign that signs in there."""
    addresses = {**{way: odd.address(way) for way in AT_LOGIN}, "private": PRIVATE_NOW}
    for way, address in addresses.items():
        connect(stage, f"odd-{way}", token_endpoint=address)

    async def publish(store: Store) -> None:
        for way in addresses:
            text = QUIZ.replace("campaign: quiz", f"campaign: odd-{way}").replace("n: northwind", f"n: odd-{way}")
            await store.campaigns.publish(stage.installation.organization.number, read_draft(text), now())

    stage.installation.work(publish)


def connect(stage: Stage, name: str, **changes: Any) -> None:
    provider = stage.provider
    given = {"client_id": provider.client_id, "secret": provider.client_secret, **changes}
    stage.installation.connect(provider.issuer, name=name, **given)


@pytest.mark.usefixtures("logins")
@pytest.mark.parametrize("way", [*AT_LOGIN, "private"])
@pytest.mark.conformance("MUST 38", "MUST 39", "MUST 41", "MUST 43", "BAD 28")
def test_a_token_endpoint_that_answers_oddly_is_a_calm_page(stage: Stage, odd: Odd, way: str) -> None:
    """The connection was good when it was kept, and its server has changed since."""
    odd.asked.clear()
    campaign = f"/c/odd-{way}"
    browser = stage.installation.browser()
    browser.answer_questions(campaign)
    back = target_of(redirected(browser.go_to_the_login(campaign)))
    began = time.monotonic()
    page = follow(browser, back)
    assert time.monotonic() - began < LONGEST
    stage.calm(page, 200)
    assert "Try again" in page.body
    assert "answers are safe" in page.body
    assert set(odd.asked) == ({f"/{way}"} if way != "private" else set())
    kept = stage.installation.participation(browser, f"odd-{way}")
    assert kept.answers["why"] == "The sea"
    assert kept.profile is None


@pytest.mark.usefixtures("logins")
def test_it_is_tried_again_when_the_server_is_well(stage: Stage) -> None:
    browser = stage.installation.browser()
    browser.answer_questions("/c/odd-redirect")
    assert browser.sign_in("/c/odd-redirect").path.endswith("/sign-in/mishap")
    connect(stage, "odd-redirect")
    time.sleep(FRESH + 0.1)
    assert "sign-in" not in browser.sign_in("/c/odd-redirect").path
    assert stage.installation.participation(browser, "odd-redirect").profile is not None


# In every administrative call


Administrative = Callable[[Stage, str], str]
"""Sets a connection up with this issuer, beside or at the running server, and gives what was said of it."""


def by_command(stage: Stage, issuer: str) -> str:
    return add(stage, "--issuer", issuer).error


def by_command_again(stage: Stage, issuer: str) -> str:
    return add(stage, "--issuer", issuer, "--replace").error


def by_api(stage: Stage, issuer: str) -> str:
    return asked_by_api(stage, "POST", "/connections", {"name": "odd", "client_secret": SECRET}, issuer)


def by_api_again(stage: Stage, issuer: str) -> str:
    return asked_by_api(stage, "PUT", "/connections/northwind", {"name": "northwind"}, issuer)


ADMINISTRATIVE: Mapping[str, Administrative] = {
    "add by command": by_command,
    "replace by command": by_command_again,
    "create by API": by_api,
    "change by API": by_api_again,
}
ELSEWHERE = (
    "https://10.0.0.1", "https://192.168.1.1", "https://169.254.169.254", "https://100.64.0.1", "https://0.0.0.0",
    "https://[::1]", "https://[fd00::1]", "https://[fe80::1]", "https://[::ffff:10.0.0.1]",
    "https://[64:ff9b::a9fe:a9fe]", "https://[2002:a00:1::]", "http://10.0.0.1", "http://[::1]:8080",
)  # fmt: skip
"""Private, and not what the stage allows."""


def asked_by_api(stage: Stage, method: str, path: str, given: Mapping[str, str], issuer: str) -> str:
    """What the REST API says, and what holds of every refusal."""
    program = Program(
        stage.installation.port, make_token(stage.installation, stage.installation.organization).text.reveal()
    )
    began = time.monotonic()
    answer = program(method, path, json={"title": "Odd", "client_id": "us", "issuer": issuer, **given})
    assert time.monotonic() - began < LONGEST
    assert answer.status_code in {400, 502}, answer.text
    for hidden in (SECRET, "Traceback"):
        assert hidden not in answer.text
    stage.no_traceback()
    code: str = answer.json()["code"]
    return code


@pytest.mark.conformance("MUST 37", "MUST 38", "BAD 28")
@pytest.mark.parametrize("address", ELSEWHERE)
@pytest.mark.parametrize("call", ADMINISTRATIVE)
def test_no_administrative_call_asks_a_private_address(stage: Stage, call: str, address: str) -> None:
    said = ADMINISTRATIVE[call](stage, address)
    assert "provider_blocked" in said or (address.startswith("http:") and "connection_address" in said), said


@pytest.mark.conformance("MUST 39", "MUST 41", "BAD 28")
@pytest.mark.parametrize("way", ["redirect", "drip", "huge", "nothing"])
@pytest.mark.parametrize("call", ADMINISTRATIVE)
def test_no_administrative_call_is_led_on_or_held_up(stage: Stage, odd: Odd, call: str, way: str) -> None:
    odd.asked.clear()
    assert REASONS[way] in ADMINISTRATIVE[call](stage, odd.address(way))
    assert set(odd.asked) == {f"/{way}/.well-known/openid-configuration"}, "nothing further was asked"


@pytest.mark.conformance("BAD 29")
@pytest.mark.parametrize(
    "address", ["http://localhost:80@attacker.test/cb", "https://client.test@attacker.test/cb", "http://[not-an-ip]/"]
)
@pytest.mark.parametrize("call", ADMINISTRATIVE)
def test_no_administrative_call_takes_an_address_that_is_two(stage: Stage, call: str, address: str) -> None:
    assert ADMINISTRATIVE[call](stage, address)

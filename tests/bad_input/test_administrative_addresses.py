"""Every other call that asks a server at an address somebody typed: changing, registering, looking up an issuer. None
asks a private address, is led there by a redirect, or says a secret."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.api.programs import Program, make_token
from tests.bad_input.stage import Stage
from tests.odd_server import Odd, served_oddly

Call = Callable[[Stage, str], str]
"""Asks at this address, and gives what was said of it."""
PRIVATE = ("https://10.0.0.1", "https://169.254.169.254", "https://[fd00::1]", "https://[::ffff:10.0.0.1]")


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    with served_oddly() as server:
        yield server


def by_command(stage: Stage, *arguments: str) -> str:
    said = stage.installation.command("connection", *arguments)
    assert said.status == 1
    assert "Traceback" not in said.error
    return said.error


def by_api(stage: Stage, path: str, given: Mapping[str, object]) -> str:
    token = make_token(stage.installation, stage.installation.organization).text.reveal()
    answer = Program(stage.installation.port, token)("POST", path, json=dict(given))
    assert answer.status_code in {400, 502}, answer.text
    stage.no_traceback()
    code: str = answer.json()["code"]
    return code


CALLS: Mapping[str, Call] = {
    "change by command": lambda stage, address: by_command(stage, "change", "northwind", "--issuer", address),
    "register by command": lambda stage, address: by_command(
        stage, "register", "odd", "--title", "Odd", "--issuer", address, "--contact", "ops@northwind.example"
    ),
    "register by API": lambda stage, address: by_api(
        stage,
        "/connections",
        {"name": "odd", "title": "Odd", "issuer": address, "registration": {"contacts": ["ops@northwind.example"]}},
    ),
}


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("call", CALLS)
def test_no_call_asks_a_private_address(stage: Stage, call: str, address: str) -> None:
    assert "provider_blocked" in CALLS[call](stage, address)


@pytest.mark.parametrize("way", ["redirect", "huge", "nothing"])
@pytest.mark.parametrize("call", CALLS)
def test_no_call_is_led_on(stage: Stage, odd: Odd, call: str, way: str) -> None:
    odd.asked.clear()
    reasons = {"redirect": "response_redirected", "huge": "response_too_large", "nothing": "provider_unreachable"}
    assert reasons[way] in CALLS[call](stage, odd.address(way))
    assert set(odd.asked) == {f"/{way}/.well-known/openid-configuration"}, "nothing further was asked"


@pytest.mark.parametrize("identifier", ["https://10.0.0.1/alice", "https://169.254.169.254/alice", "alice@10.0.0.1"])
def test_looking_up_an_issuer_asks_no_private_address(stage: Stage, identifier: str) -> None:
    assert "provider_blocked" in by_command(stage, "find", identifier)
    assert by_api(stage, "/issuer-lookups", {"identifier": identifier}) == "provider_blocked"

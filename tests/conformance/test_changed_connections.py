"""A connection that becomes another server or client while somebody is at the login, through the running program."""

from collections.abc import Iterator
from typing import Any

import pytest

from entracte.connections import manage
from entracte.connections.model import Connection, ConnectionConfig
from entracte.participation.events import Outcome
from entracte.protocol.errors import Reason
from entracte.values import now
from tests.conformance.stage import Stage, follow
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.web.running import sent_back

EMAIL = "ada@northwind.example"


@pytest.fixture
def new() -> Iterator[MisbehavingProvider]:
    """The server that the connection has afterwards; the stage's is the one before."""
    with served_misbehaving_provider() as provider:
        yield provider


def change(stage: Stage, kept: Connection, **settings: Any) -> Connection:
    """As the command and the REST API change it."""
    given: ConnectionConfig = kept.config.model_validate({**kept.config.model_dump(), **settings})
    organization, keys = stage.site.organization.number, stage.site.program.keys
    return stage.site.work(lambda store: manage.reconfigure(store.connections, organization, given, keys, now()))


def at(provider: MisbehavingProvider) -> dict[str, Any]:
    """The settings of a connection at this server."""
    issuer = provider.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
    }


@pytest.mark.conformance("MUST 3", "MUST 9")
def test_a_code_of_the_server_before_is_told_to_nobody(stage: Stage, new: MisbehavingProvider) -> None:
    """Neither server's answers say whose they are, so that nothing else would keep them apart. Try again then signs in
    at the new one, at once."""
    stage.provider.misbehaviour = new.misbehaviour = "callback_missing_iss"
    kept = stage.connect(issuer_in_response=False)
    browser, address = stage.at_the_login()
    came = sent_back(address)
    change(stage, kept, **at(new))
    stage.wait_for_the_directory()
    returned = follow(browser, browser.carry(came).path)
    assert returned.status == 200
    assert "The sign-in was changed meanwhile." in returned.body
    assert "Your three answers are safe" in returned.body
    attempt = stage.attempt(address)
    assert (attempt.outcome, attempt.reason) == (Outcome.FAILED, Reason.CONNECTION_CHANGED.code)
    assert stage.participation(browser).profile is None
    assert stage.asked() == []
    assert new.requests == []
    again = browser.go_to_the_login(stage.campaign)
    assert again.startswith(f"{new.issuer}/authorize?")
    assert EMAIL in follow(browser, browser.carry(sent_back(again)).path).body
    assert len(new.calls("/token")) == 1
    assert stage.asked() == []


CHANGES: dict[str, dict[str, Any]] = {
    "client_id": {"client_id": "another"},
    "token_endpoint": {"token_endpoint": "http://127.0.0.1:9/token"},
    "authorization_endpoint": {"authorization_endpoint": "http://127.0.0.1:9/authorize"},
    "own_redirect_uri": {"own_redirect_uri": True},
}


@pytest.mark.conformance("MUST 3", "MUST 9")
@pytest.mark.parametrize("name", CHANGES)
def test_whatever_makes_it_another_one(stage: Stage, name: str) -> None:
    kept = stage.connect()
    browser, address = stage.at_the_login()
    came = sent_back(address)
    change(stage, kept, **CHANGES[name])
    stage.wait_for_the_directory()
    follow(browser, browser.carry(came).path)
    assert stage.attempt(address).reason == Reason.CONNECTION_CHANGED.code
    assert stage.asked() == []


def test_a_change_of_anything_else_ends_no_sign_in(stage: Stage) -> None:
    kept = stage.connect()
    browser, address = stage.at_the_login()
    came = sent_back(address)
    change(stage, kept, title="New", sign_out_hint="account", scopes=["openid"])
    stage.wait_for_the_directory()
    assert EMAIL in follow(browser, browser.carry(came).path).body

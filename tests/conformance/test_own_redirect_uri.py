"""A redirect URI of a connection's own, through the running program: what it is good for, and how it is refused."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from entracte.connections.addresses import CALLBACK, addresses_of, client_name, redirect_uri_of
from entracte.connections.authorization_response import AT, SEALED
from entracte.connections.model import Connection
from entracte.protocol.errors import Reason
from tests.conformance.stage import Stage, back, follow, state_of
from tests.misbehaving_provider import Encryption, MisbehavingProvider, served_misbehaving_provider
from tests.web.running import PUBLIC, Answer, Browser, Running, redirected, sent_back, target_of

EMAIL = "ada@northwind.example"
WITHOUT_ISS: dict[str, Any] = {"issuer_in_response": False}


def own(stage: Stage, **settings: Any) -> Connection:
    """A connection with a redirect URI of its own, and the only one that its server takes."""
    kept = stage.connect(own_redirect_uri=True, **settings)
    stage.provider.redirect_uri = redirect_uri_of(kept, PUBLIC)
    return kept


def told(address: str) -> str:
    """The redirect URI in an address of the login."""
    return parse_qs(urlsplit(address).query)["redirect_uri"][0]


# It works


WAYS: dict[str, dict[str, Any]] = {
    "in the query": {},
    "posted": {"response_mode": "form_post"},
    "in the fragment": {"response_type": "code id_token"},
    "signed": {"response_mode": "jwt"},
    "signed and posted": {"response_mode": "form_post.jwt"},
    "plain OAuth 2.0": {"issuer": "", "scopes": ["profile"], "profile_source": "userinfo", "jwks_uri": ""},
}


@pytest.mark.conformance("MUST 8")
@pytest.mark.parametrize("way", WAYS)
def test_a_sign_in_at_an_address_of_its_own(stage: Stage, way: str) -> None:
    more = {"userinfo_endpoint": f"{stage.provider.issuer}/userinfo"} if "OAuth" in way else {}
    kept = own(stage, **WAYS[way], **more)
    browser, address = stage.at_the_login()
    assert told(address) == addresses_of(kept, PUBLIC).redirect_uri == f"{PUBLIC}{CALLBACK}/{client_name(kept)}"
    came = sent_back(address)
    assert came.path == f"{CALLBACK}/{client_name(kept)}"
    callback = browser.carry(came)
    names = dict(parse_qsl(urlsplit(callback.path).query)).keys()
    assert (AT in names, SEALED in names) == ((True, False) if came.mode == "query" and "jwt" not in str(WAYS[way])
                                              else (False, True))  # fmt: skip
    assert EMAIL in follow(browser, callback.path).body
    assert [call.form["redirect_uri"] for call in stage.provider.calls("/token")] == [told(address)]


@pytest.mark.conformance("MUST 8")
def test_an_encrypted_answer_at_an_address_of_its_own(stage: Stage) -> None:
    own(stage, response_mode="form_post.jwt", encrypted=["response"], encryption_algorithm="ECDH-ES")
    stage.provider.response_encryption = Encryption("ECDH-ES")
    browser, address = stage.at_the_login()
    came = sent_back(address)
    assert dict(came.parameters).keys() == {"response"}
    assert EMAIL in follow(browser, browser.carry(came).path).body


def test_the_page_of_a_fragment_posts_to_its_own_address(stage: Stage) -> None:
    kept = own(stage, response_mode="fragment")
    place = f"{CALLBACK}/{client_name(kept)}"
    assert f'data-action="{place}/fragment"' in stage.site.ask(place).body
    assert f'data-action="{CALLBACK}/fragment"' in stage.site.ask(CALLBACK).body


def test_who_does_not_opt_in_hands_on_what_it_always_did(stage: Stage) -> None:
    stage.connect()
    browser, address = stage.at_the_login()
    assert told(address) == stage.site.program.settings.redirect_uri
    parameters = dict(parse_qsl(urlsplit(browser.get(f"{back(address)}&{AT}=1-1").path).query))
    assert parameters.keys() == {"state", "code", "iss"}


# The mix-up (RFC 9700 section 4.4.1)


@pytest.fixture
def hostile() -> Iterator[MisbehavingProvider]:
    """The server of the attacker, on a port of its own."""
    with served_misbehaving_provider() as provider:
        yield provider


def mixed_up(
    stage: Stage, hostile: MisbehavingProvider, honest: Connection, **settings: Any
) -> tuple[Stage, Browser, Answer]:
    """A browser goes to the attacker's server, which leads it on to the honest one with the honest connection's client
    ID and redirect URI and its own state; the honest server's answer is carried back. The campaign is the attacker's
    connection's."""
    attack = Stage(stage.site, hostile)
    attack.connect(**WITHOUT_ISS, **settings)
    hostile.leads_on_to = honest.config.authorization_endpoint
    hostile.leads_on_with = {"client_id": honest.config.client_id, "redirect_uri": redirect_uri_of(honest, PUBLIC)}
    browser, address = attack.at_the_login()
    came = sent_back(redirected(address))
    assert dict(came.parameters)["state"] == state_of(address), "the attacker's state"
    assert dict(came.parameters)["code"] in stage.provider.grants, "the honest server's code"
    returned = follow(browser, browser.carry(came).path)
    kept = attack.attempt(address)
    assert attack.participation(browser).profile is None
    return attack, browser, Answer(returned.status, [("reason", kept.reason), ("evidence", kept.evidence)], "")


@pytest.mark.conformance("MUST 8")
def test_without_a_defence_the_connection_is_marked_and_the_code_is_told(
    stage: Stage, hostile: MisbehavingProvider
) -> None:
    """So that the tests below can fail: this is what the mark warns of."""
    stage.provider.misbehaviour = "callback_missing_iss"
    honest = stage.connect(**WITHOUT_ISS)
    assert not honest.config.tells_servers_apart
    attack, _browser, _returned = mixed_up(stage, hostile, honest)
    [call] = attack.provider.calls("/token")
    assert call.form["code"] in stage.provider.grants


@pytest.mark.conformance("MUST 8", "MUST 9")
@pytest.mark.parametrize("attacker_has_one", [False, True])
def test_at_an_address_of_its_own_the_code_is_told_to_nobody(
    stage: Stage, hostile: MisbehavingProvider, attacker_has_one: bool
) -> None:
    """The honest server answers at the address that is registered for it; the state is of the attacker's connection,
    whose answers come at another one."""
    stage.provider.misbehaviour = "callback_missing_iss"
    honest = own(stage, **WITHOUT_ISS)
    assert honest.config.tells_servers_apart
    attack, browser, returned = mixed_up(stage, hostile, honest, own_redirect_uri=attacker_has_one)
    expected = "this connection's own one" if attacker_has_one else "the fixed redirect URI"
    assert returned["reason"] == Reason.RESPONSE_ADDRESS.code
    assert returned["evidence"] == f"Expected {expected}; it came at one of another connection's own."
    assert returned.status == 400
    assert attack.asked() == []
    assert stage.asked() == []
    assert "Try again" in follow(browser, f"{attack.campaign}/sign-in/mishap").body


@pytest.mark.conformance("MUST 8")
def test_an_honest_server_at_the_fixed_address_is_safe_from_one_that_has_its_own(
    stage: Stage, hostile: MisbehavingProvider
) -> None:
    stage.provider.misbehaviour = "callback_missing_iss"
    honest = stage.connect(**WITHOUT_ISS)
    attack, _browser, returned = mixed_up(stage, hostile, honest, own_redirect_uri=True)
    assert returned["evidence"] == "Expected this connection's own one; it came at the fixed redirect URI."
    assert (attack.asked(), stage.asked()) == ([], [])


@pytest.mark.conformance("MUST 8")
@pytest.mark.parametrize("mode", ["form_post", "fragment", "query.jwt", "form_post.jwt"])
def test_the_address_counts_whichever_way_an_answer_comes(stage: Stage, mode: str) -> None:
    """The answer of one connection is carried to the address of another, and to the fixed one: no endpoint is asked."""
    other = own(stage)
    kept = own(stage, response_mode=mode)
    for place in (CALLBACK, f"{CALLBACK}/{client_name(other)}"):
        browser, address = stage.at_the_login()
        came = sent_back(address)
        assert came.path == f"{CALLBACK}/{client_name(kept)}"
        returned = follow(browser, browser.carry(type(came)(came.mode, place, came.parameters)).path)
        assert (stage.attempt(address).reason, returned.status) == (Reason.RESPONSE_ADDRESS.code, 400)
    assert stage.asked() == []


@pytest.mark.conformance("MUST 8")
def test_an_encrypted_answer_at_another_address(stage: Stage) -> None:
    other = own(stage)
    own(stage, response_mode="form_post.jwt", encrypted=["response"], encryption_algorithm="ECDH-ES")
    stage.provider.response_encryption = Encryption("ECDH-ES")
    browser, address = stage.at_the_login()
    came = sent_back(address)
    returned = browser.carry(type(came)(came.mode, f"{CALLBACK}/{client_name(other)}", came.parameters))
    follow(browser, returned.path)
    assert stage.attempt(address).reason == Reason.RESPONSE_ADDRESS.code
    assert stage.asked() == []


@pytest.mark.conformance("MUST 8")
def test_an_error_at_another_address_ends_nothing_of_its_own(stage: Stage) -> None:
    """Not even a cancelled sign-in is believed."""
    own(stage)
    browser, address = stage.at_the_login()
    query = urlencode({"state": state_of(address), "error": "access_denied", "iss": stage.provider.issuer})
    follow(browser, browser.get(f"{CALLBACK}?{query}").path)
    assert stage.attempt(address).reason == Reason.RESPONSE_ADDRESS.code


# No address of anybody


@pytest.mark.conformance("MUST 4", "MUST 8")
@pytest.mark.parametrize(
    "place", ["x", "1", "1-", "-1", "1-999999", "999999-1", "1-1-1", "1-٢", "01-1", "fragment", "%2e%2e", "1" * 400]
)
def test_an_address_of_no_connection_is_one_calm_page(site: Running, stage: Stage, place: str) -> None:
    """With a good state, too: the same page as for a state that does not open, and nothing is consumed."""
    stage.connect()
    browser, address = stage.at_the_login()
    query = target_of(redirected(address)).partition("?")[2]
    place = place.replace("٢", "%D9%A2")
    for answer in (
        browser.get(f"{CALLBACK}/{place}?{query}"),
        browser.post(f"{CALLBACK}/{place}", parse_qsl(query)),
        browser.post(f"{CALLBACK}/{place}/fragment", parse_qsl(query)),
        site.ask(f"{CALLBACK}/{place}?state=x"),
    ):
        if place == "fragment" and answer.status == 303:
            continue  # that is the fixed one's
        assert (answer.status, answer.has("location"), "<code>" in answer.body) == (400, False, True)
        assert "fragment.js" not in answer.body
    assert stage.asked() == []


def test_without_an_answer_a_malformed_address_has_no_script(site: Running) -> None:
    for place in ("x", "1-", "fragment", "%22%3E%3Cscript%3E"):
        answer = site.ask(f"{CALLBACK}/{place}")
        assert (answer.status, "fragment.js" in answer.body, "<script>" in answer.body) == (400, False, False)
    assert "fragment.js" in site.ask(f"{CALLBACK}/999999-1").body, "nobody was asked whether it is there"

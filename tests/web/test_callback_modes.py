"""Every way in which an answer may come, through the running program: to the form, or to the calm page."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from entracte.connections.authorization_response import SEALED
from tests.misbehaving_provider import Encryption, served_misbehaving_provider
from tests.web.at_a_login import Stage
from tests.web.running import FORM, Running, running, sent_back


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("modes")) as started:
        yield started


@pytest.fixture
def stage(site: Running) -> Iterator[Stage]:
    with served_misbehaving_provider() as provider:
        yield Stage(site, provider)


WAYS: dict[str, dict[str, Any]] = {
    "code": {},
    "code, posted": {"response_mode": "form_post"},
    "code, in the fragment": {"response_mode": "fragment"},
    "code id_token": {"response_type": "code id_token"},
    "code id_token, posted": {"response_type": "code id_token", "response_mode": "form_post"},
    "code token": {"response_type": "code token"},
    "code id_token token": {"response_type": "code id_token token", "response_mode": "form_post"},
    "id_token": {"response_type": "id_token", "response_mode": "form_post"},
    "id_token token": {"response_type": "id_token token"},
    "a signed answer": {"response_mode": "jwt"},
    "a signed answer in the query": {"response_mode": "query.jwt"},
    "a signed answer in the fragment": {"response_mode": "fragment.jwt"},
    "a signed answer, posted": {"response_mode": "form_post.jwt"},
    "a signed answer with an ID token": {"response_type": "code id_token", "response_mode": "form_post.jwt"},
}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_leads_to_the_form_whichever_way_it_comes(stage: Stage, way: str) -> None:
    stage.connect(**WAYS[way])
    browser, callback, returned = stage.sign_in()
    assert (callback.status, returned.status) == (303, 303)
    assert "ada@northwind.example" in browser.get(returned.path).body
    if way != "code":
        assert dict(parse_qsl(urlsplit(callback.path).query)).keys() == {"state", SEALED}
        assert not re.search(r"eyJ[\w-]+\.", callback.path), "no token stands in an address"


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "ECDH-ES"])
def test_an_encrypted_answer_leads_to_the_form(stage: Stage, algorithm: str) -> None:
    """The state is inside: the connection's own key opens it before anybody knows whose it is."""
    stage.connect(response_mode="form_post.jwt", encrypted=["response", "id_token"], encryption_algorithm=algorithm)
    stage.provider.response_encryption = Encryption(algorithm)
    stage.provider.id_token_encryption = Encryption(algorithm)
    browser, callback, returned = stage.sign_in()
    assert (callback.status, returned.status) == (303, 303)
    assert "ada@northwind.example" in browser.get(returned.path).body


@pytest.mark.conformance("MUST 11")
@pytest.mark.parametrize("settings", [{}, {"response_mode": "form_post"}, {"response_type": "code id_token"}])
def test_an_answer_that_comes_another_way_than_asked_is_refused(stage: Stage, settings: dict[str, str]) -> None:
    stage.connect(**settings)
    stage.provider.misbehaviour = "callback_other_mode"
    browser, _callback, returned = stage.sign_in()
    assert returned.path == f"{stage.campaign}/sign-in/mishap"
    assert browser.get(returned.path).status == 400
    assert not stage.provider.calls("/token")


@pytest.mark.conformance("MUST 10", "BAD 40")
@pytest.mark.parametrize("misbehaviour", ["callback_double_code", "callback_double_state", "callback_double_iss"])
@pytest.mark.parametrize("mode", ["", "form_post", "fragment"])
def test_a_repeated_parameter_is_refused_in_every_way(stage: Stage, misbehaviour: str, mode: str) -> None:
    stage.connect(response_mode=mode)
    stage.provider.misbehaviour = misbehaviour
    browser, address = stage.at_the_login()
    assert browser.carry_back(address).status == 400
    assert not stage.provider.calls("/token")


@pytest.mark.conformance("MUST 35")
@pytest.mark.parametrize("misbehaviour", ["callback_plain", "callback_code_beside_response"])
def test_a_plain_answer_beside_or_instead_of_a_signed_one_is_refused(stage: Stage, misbehaviour: str) -> None:
    stage.connect(response_mode="form_post.jwt")
    stage.provider.misbehaviour = misbehaviour
    _browser, _callback, returned = stage.sign_in()
    assert returned.path == f"{stage.campaign}/sign-in/mishap"
    assert not stage.provider.calls("/token")


@pytest.mark.conformance("form-post-error")
def test_an_error_that_is_posted_is_a_calm_page(stage: Stage) -> None:
    stage.connect(response_mode="form_post")
    stage.provider.misbehaviour = "callback_login_required"
    browser, _callback, returned = stage.sign_in()
    page = browser.get(returned.path)
    assert page.status == 200
    assert "told by the provider" not in page.body
    assert not stage.provider.calls("/token")


@pytest.mark.conformance("MUST 11", "MUST 35")
@pytest.mark.parametrize("mode", ["form_post", "query.jwt"])
def test_an_error_that_comes_another_way_than_asked_is_a_calm_page(stage: Stage, mode: str) -> None:
    """By GET where it was to be posted, and plain where it was to be signed."""
    kept = stage.connect(response_mode=mode)
    browser, address = stage.at_the_login()
    state = parse_qs(urlsplit(address).query)["state"][0]
    error = urlencode({"error": "access_denied", "state": state, "iss": kept.config.issuer})
    returned = browser.get(browser.get(f"/oauth/callback?{error}").path)
    assert returned.path == f"{stage.campaign}/sign-in/mishap"
    page = browser.get(returned.path)
    assert page.status == 400
    assert "Your sign-in could not be confirmed." in page.body
    assert "Try again" in page.body
    assert not stage.provider.calls("/token")


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/oauth/callback", [FORM], b""),
        ("/oauth/callback", [FORM], b"state=&code=x"),
        ("/oauth/callback", [FORM], b"\xff\xfe"),
        ("/oauth/callback", [FORM], b"&" * 200),
        ("/oauth/callback", [FORM], b"code=" + b"x" * 300_000),
        ("/oauth/callback", [("Content-Type", "application/json")], b"{}"),
        ("/oauth/callback", [], b"code=x"),
        ("/oauth/callback?state=x", [FORM], b"code=x"),
        ("/oauth/callback/fragment", [FORM], b"response=a.b.c"),
        ("/oauth/callback", [FORM], b"response=a.b.c.d.e"),
        ("/oauth/callback", [FORM], b"response=eyJraWQiOiIxLTEtYWEifQ.b.c.d.e"),
    ],
)
def test_a_post_that_is_no_answer_is_a_calm_page(
    site: Running, target: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    answer = site.ask(target, "POST", headers, body)
    assert answer.status == 400
    assert "<code>" in answer.body


def test_without_a_query_the_page_looks_behind_the_hash(site: Running) -> None:
    answer = site.ask("/oauth/callback")
    assert answer.status == 400
    assert "fragment.js" in answer.body
    assert "fragment.js" not in site.ask("/oauth/callback?state=x").body


def test_a_sealed_answer_of_one_sign_in_is_not_taken_in_another(stage: Stage) -> None:
    stage.connect(response_mode="form_post")
    first, address = stage.at_the_login()
    other, other_address = stage.at_the_login()
    sealed = dict(pair.split("=", 1) for pair in first.carry_back(address).path.partition("?")[2].split("&"))
    theirs = dict(pair.split("=", 1) for pair in other.carry_back(other_address).path.partition("?")[2].split("&"))
    answer = other.get(f"{stage.campaign}/sign-in/return?state={theirs['state']}&{SEALED}={sealed[SEALED]}")
    assert answer.status == 400
    assert not stage.provider.calls("/token")


def test_what_a_login_posts_is_what_it_was_asked_for(stage: Stage) -> None:
    """So that the tests above carry what they say they do."""
    modes = {}
    for way, settings in WAYS.items():
        stage.connect(**settings)
        _browser, address = stage.at_the_login()
        modes[way] = sent_back(address).mode
    assert modes["code"] == modes["a signed answer"] == modes["a signed answer in the query"] == "query"
    assert modes["code, posted"] == modes["a signed answer, posted"] == modes["id_token"] == "form_post"
    assert modes["code id_token"] == modes["a signed answer in the fragment"] == "fragment"

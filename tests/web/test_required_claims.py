"""An account that the connection does not take, at the running program: a calm page, and another account goes on."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from entracte.participation.keys import open_key
from entracte.participation.model import Attempt
from entracte.store.opened import Store
from tests.misbehaving_provider import served_misbehaving_provider
from tests.misbehaving_provider.model import PERSON
from tests.web.at_a_login import Stage
from tests.web.reading import check_page
from tests.web.running import Browser, Running, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("accounts")) as started:
        yield started


@pytest.fixture
def stage(site: Running) -> Iterator[Stage]:
    with served_misbehaving_provider() as provider:
        yield Stage(site, provider)


def attempts(stage: Stage, browser: Browser) -> list[Attempt]:
    site = stage.site
    cookie = browser.cookies[f"__Host-entracte-{stage.campaign.rpartition('/')[2]}"]
    key = open_key(cookie, site.program.keys)
    assert key is not None

    async def read(store: Store) -> list[Attempt]:
        return list(await store.records.attempts_of(site.organization.number, key.participation))

    return site.work(read)


def test_another_account_goes_on(stage: Stage) -> None:
    stage.connect(
        required_claims={"hd": ["northwind.example"]},
        another_account_prompt="select_account",
        profile_source="userinfo",
        userinfo_endpoint=f"{stage.provider.issuer}/userinfo",
    )
    stage.provider.person = {**PERSON, "hd": "canary.example"}
    browser, _callback, returned = stage.sign_in()
    assert returned.path == f"{stage.campaign}/sign-in/mishap"
    answer = browser.get(returned.path)
    assert answer.status == 200
    page = check_page(answer.body)
    assert page.one("h1").text == "This account can not be used here."
    assert "answers are safe" in page.one("main").text
    assert "canary" not in answer.body
    first, guest = page.one("main").every("form")
    assert (first["action"], first.one("button").text) == (f"{stage.campaign}/sign-in?another=1", "Use another account")
    assert guest["action"] == f"{stage.campaign}/guest"
    assert [call.path for call in stage.provider.requests] == ["/authorize", "/token", "/jwks"]
    [attempt] = attempts(stage, browser)
    assert (attempt.reason, attempt.evidence) == ("account_not_accepted", "The claim hd has another value.")

    stage.provider.person = {**PERSON, "hd": "northwind.example"}
    address = browser.post(first["action"])["location"]
    assert parse_qs(urlsplit(address).query)["prompt"] == ["select_account"]
    taken = browser.get(browser.carry_back(address).path)
    assert taken.path == f"{stage.campaign}/details"
    assert "ada@northwind.example" in browser.get(taken.path).body
    assert browser.get(returned.path).status == 303, "the page is gone"


def test_a_name_that_was_posted_is_offered_in_the_form(stage: Stage) -> None:
    """By way of both services, sealed, and never as confirmed: what the person wrote is theirs to change."""
    stage.connect(response_mode="form_post", user_in_response=True)
    stage.provider.person = {name: value for name, value in PERSON.items() if not name.endswith("name")}
    stage.provider.posted_user = '{"name": {"firstName": "Postedcanary"}, "email": "eve@elsewhere.example"}'
    browser, callback, returned = stage.sign_in()
    assert "canary" not in callback.path
    form = browser.get(returned.path).body
    assert "Postedcanary" in form
    assert "ada@northwind.example" in form
    assert "elsewhere" not in form

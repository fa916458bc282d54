"""What is particular about an authorization server by other hands, npm's `oidc-provider`, as the brand's login: each
source of the profile, few claims, and its consent. What is the same at every login is in `test_logins`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.installation import CLIENT_SECRET, Installation
from tests.interop.node_provider import PASSWORD, node_provider
from tests.journeys.quiz import ANSWERS, QUIZ, answer_questions, go_to_the_login, send_entry
from tests.journeys.stored import entries_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

RESOURCE = "https://profile.northwind.example"
SCOPES = ("openid", "profile", "email", "phone")
SHORT_CODE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b")


@dataclass(frozen=True)
class Case:
    """A login and a connection to it. `claims_in_id_token` is the login's; the rest is the connection's."""

    profile_source: str
    authentication: str
    claims_in_id_token: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)


CASES: Mapping[str, Case] = {
    "id-token": Case("id_token", "client_secret_post", claims_in_id_token=True),
    "userinfo-basic": Case("userinfo", "client_secret_basic"),
    "userinfo-post": Case("userinfo", "client_secret_post"),
    "access-token": Case(
        "access_token",
        "client_secret_basic",
        config={
            "access_token_audience": RESOURCE,
            "access_token_types": ("at+jwt",),
            "extra_parameters": {"resource": RESOURCE},
            "scopes": (*SCOPES, "profile:read"),
        },
    ),
}
"""By the name of the campaign, the connection and the client."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a campaign for each case, at two logins: one tells the claims in the ID token."""
    made = Installation(tmp_path_factory.mktemp("node"))
    with ExitStack() as stack:
        for in_id_token in (False, True):
            cases = {name: case for name, case in CASES.items() if case.claims_in_id_token is in_id_token}
            login = stack.enter_context(
                node_provider(
                    clients=[client(name, case, made.redirect_uri) for name, case in cases.items()],
                    resources={RESOURCE: {"scope": "profile:read"}},
                    claims_in_id_token=in_id_token,
                    host="localhost",
                )
            )
            for name, case in cases.items():
                given = {
                    "name": name,
                    "client_id": name,
                    "scopes": SCOPES,
                    "authentication": case.authentication,
                    "profile_source": case.profile_source,
                }
                made.connect(login.issuer, **{**given, **case.config})
                made.publish(quiz_of(name))
        stack.enter_context(made)
        yield made


def client(name: str, case: Case, redirect_uri: str) -> Mapping[str, Any]:
    """A client that authenticates in one way only."""
    return {
        "client_id": name,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": case.authentication,
    }


def quiz_of(name: str) -> str:
    """The quiz under another name, at the connection of that name."""
    return QUIZ.replace("campaign: quiz", f"campaign: {name}").replace("connection: northwind", f"connection: {name}")


def log_in(page: "Page", login: str = "ana") -> None:
    """What a person does at the login's pages."""
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("name", CASES)
def test_a_person_goes_through(installation: Installation, page: "Page", name: str) -> None:
    answer_questions(page, f"{installation.url}/c/{name}")
    go_to_the_login(page)
    log_in(page)
    page.wait_for_url(re.compile(f"/c/{name}/details$"))
    assert page.get_by_role("heading", name="Nice one, Ana.").is_visible()
    assert page.get_by_label("First name").input_value() == "Ana"
    assert page.get_by_label("E-mail").input_value() == "ana@example.com"
    assert page.get_by_label("E-mail").get_attribute("readonly") is not None
    assert page.get_by_label("Mobile number").input_value().replace(" ", "") == "+34600123456"
    send_entry(page)
    page.wait_for_url(re.compile(f"/c/{name}/thanks$"))
    entry = entries_of(installation, name)[0]
    assert {key: entry.answers[key] for key in ANSWERS} == ANSWERS
    assert (entry.values["first_name"], entry.values["email"]) == ("Ana", "ana@example.com")
    assert entry.values["phone"] == "+34600123456"
    assert entry.signed_in
    assert len(entry.person) == 32


def test_who_has_little_fills_in_the_rest(installation: Installation, page: "Page") -> None:
    """An account with a name in one piece and an address that nobody confirmed."""
    answer_questions(page, f"{installation.url}/c/userinfo-basic")
    go_to_the_login(page)
    log_in(page, "li")
    page.wait_for_url(re.compile("/details$"))
    assert page.get_by_label("First name").input_value() == ""
    assert page.get_by_label("E-mail").input_value() == "li@example.com"
    page.get_by_label("First name").fill("小龙")
    send_entry(page)
    page.wait_for_url(re.compile("/thanks$"))
    entry = entries_of(installation, "userinfo-basic")[0]
    assert (entry.values["first_name"], entry.values["email"]) == ("小龙", "li@example.com")


def test_cancel_at_the_consent_is_calm(installation: Installation, page: "Page") -> None:
    """Back with a short code and the answers; who tries again is known already, and is asked for consent only."""
    answer_questions(page, f"{installation.url}/c/userinfo-post")
    go_to_the_login(page)
    page.get_by_label("Login").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Continue").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    assert page.get_by_role("heading", name="You came back without signing in.").is_visible()
    text = page.locator("main").inner_text()
    assert SHORT_CODE.search(text)
    assert "access_denied" not in page.content()
    assert "The person cancelled" not in page.content(), "what a login writes goes nowhere"
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(re.compile("/details$"))
    assert page.get_by_label("First name").input_value() == "Ana"

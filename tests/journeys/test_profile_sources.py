"""Where the profile comes from, each way once through a real browser, at the practice provider: the JWT access token,
and the brand's own API, which answers in nested JSON of its own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from entracte.listening import listen
from entracte.practice.provider import PracticeClient, PracticeProvider
from entracte.practice.serving import Served
from entracte.values import Secret
from tests.installation import CLIENT_ID, CLIENT_SECRET, Installation
from tests.journeys.quiz import ANSWERS, QUIZ, answer_questions, choose, go_to_the_login, send_entry
from tests.journeys.stored import entries_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

BRANDS_CLAIMS: Mapping[str, Any] = {
    "email": {"paths": ["contact.email"], "verified": "contact.emailConfirmed"},
    "first_name": {"paths": ["nickName", "firstName"]},
    "last_name": {"paths": ["lastName"]},
    "phone": {"paths": ["contact.mobile"]},
}
"""The claim map for the brand's own API."""
WITHOUT_OPENID: Mapping[str, Any] = {
    "issuer": "",
    "issuer_in_response": False,
    "jwks_uri": "",
    "userinfo_endpoint": "",
    "scopes": ("profile", "email", "phone"),
}
"""Plain OAuth 2.0: no ID token; the subject is a value of the person."""


def connections(provider: PracticeProvider) -> Mapping[str, Mapping[str, Any]]:
    """Connection settings by the name of the campaign that uses them."""

    def rest(**how: str) -> dict[str, Any]:
        place = {"url": f"{provider.issuer}/api/profile", "person": "data.person", "subject": "id"}
        return {"profile_source": "rest", "rest": {**place, **how}, "claims": BRANDS_CLAIMS}

    return {
        "access-token": {"profile_source": "access_token", "access_token_audience": provider.api_audience},
        "other-audience": {"profile_source": "access_token", "access_token_audience": f"{provider.issuer}/other"},
        "rest-get-header": rest(method="GET", bearer="header"),
        "rest-post-form": rest(method="POST", bearer="form"),
        "rest-without-openid": {**rest(), **WITHOUT_OPENID},
        "rest-nobody-there": rest(person="data.people.0"),
    }


@dataclass(frozen=True)
class Sources:
    """An installation with a campaign for each source."""

    installation: Installation

    def play(self, page: "Page", name: str) -> None:
        """Answer, sign in as the persona that has everything, and come back."""
        answer_questions(page, f"{self.installation.url}/c/{name}")
        go_to_the_login(page)
        choose(page, "Ana Lopez")
        page.wait_for_url(f"{self.installation.url}/c/{name}/**")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    installation = Installation(tmp_path_factory.mktemp("sources"))
    listening = listen(name="localhost")
    client = PracticeClient(CLIENT_ID, Secret(CLIENT_SECRET), (installation.redirect_uri,))
    provider = PracticeProvider(listening.url, [client], skip_consent=True)
    with Served(provider.app, listening):
        for name, config in connections(provider).items():
            installation.connect(provider.issuer, **{"name": name, **config})
            installation.publish(quiz_of(name))
        with installation:
            yield Sources(installation)
        provider.close()


def quiz_of(name: str) -> str:
    """The quiz under another name, at the connection of that name."""
    return QUIZ.replace("campaign: quiz", f"campaign: {name}").replace("connection: northwind", f"connection: {name}")


@pytest.mark.parametrize("name", ["access-token", "rest-get-header", "rest-post-form", "rest-without-openid"])
def test_profile_comes_from(sources: Sources, page: "Page", name: str) -> None:
    sources.play(page, name)
    page.wait_for_url(re.compile(f"/c/{name}/details$"))
    assert page.get_by_role("heading", name="Nice one, Ana.").is_visible()
    assert page.get_by_label("First name").input_value() == "Ana"
    assert page.get_by_label("E-mail").input_value() == "ana@example.com"
    assert page.get_by_label("Mobile number").input_value().replace(" ", "") in ("+32470123456", "0470123456")
    send_entry(page)
    page.wait_for_url(re.compile(f"/c/{name}/thanks$"))
    entry = entries_of(sources.installation, name)[0]
    assert {key: entry.answers[key] for key in ANSWERS} == ANSWERS
    assert (entry.values["first_name"], entry.values["email"]) == ("Ana", "ana@example.com")
    assert entry.values["phone"] == "+32470123456"
    assert entry.outcomes["email"].value == "kept"
    assert len(entry.person) == 32


def test_the_same_person_has_the_same_mark_whatever_the_source(sources: Sources, page: "Page") -> None:
    """The keyed hash is of issuer and subject; where there is no issuer, of the connection."""
    for name in ("access-token", "rest-post-form", "rest-without-openid"):
        page.context.clear_cookies()
        sources.play(page, name)
        page.wait_for_url(re.compile(f"/c/{name}/details$"))
        send_entry(page)
        page.wait_for_url(re.compile(f"/c/{name}/thanks$"))
    marks = [entries_of(sources.installation, name)[0].person for name in ("access-token", "rest-post-form")]
    assert marks[0] == marks[1]
    assert entries_of(sources.installation, "rest-without-openid")[0].person not in marks


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("other-audience", "Your sign-in could not be confirmed."),
        ("rest-nobody-there", "Your account told us too little."),
    ],
)
def test_what_does_not_fit_is_one_calm_page(sources: Sources, page: "Page", name: str, title: str) -> None:
    """A JWT access token for somebody else, and an answer without a person where the connection says it is."""
    sources.play(page, name)
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    assert page.get_by_role("heading", name=title).is_visible()
    assert re.search(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}\b", page.locator("main").inner_text())
    assert page.get_by_role("button", name="Try again").is_visible()

"""Keycloak as the brand's login: the whole way of a participant through its own pages, for each way of signing in that
a client of its can be bound to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from entracte.connections.model import Connection
from entracte.connections.profiles import settings_of
from tests.installation import Installation
from tests.interop.keycloak import CLIENT_SECRET, Keycloak, keycloak
from tests.interop.node_provider import PASSWORD
from tests.journeys.quiz import ANSWERS, QUIZ, answer_questions, go_to_the_login, send_entry
from tests.journeys.stored import entries_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(300)
"""Keycloak takes a while to start where the machine is busy, and the first test waits for it."""

SCOPES = ("openid", "profile", "email", "phone")


@dataclass(frozen=True)
class Case:
    """The features of `docs/interop.md` that it shows, what the connection says beside the client's name, and what the
    person is asked for."""

    features: tuple[str, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    secret: str = CLIENT_SECRET
    consent: bool = False


USERINFO = {"profile_source": "userinfo"}
SIGNED = {"authentication": "private_key_jwt", **USERINFO}
FAPI = {"id_token_algorithms": ("PS256",), "signed_userinfo": True, **USERINFO}
"""Keycloak's profiles of FAPI make it sign UserInfo, too."""
CASES: Mapping[str, Case] = {
    "basic": Case(("client_secret_basic", "code", "query", "ID token RS256", "UserInfo"), USERINFO),
    "post": Case(
        ("client_secret_post", "code"), {"authentication": "client_secret_post", "profile_source": "id_token"}
    ),
    "secret-jwt": Case(("client_secret_jwt", "UserInfo"), {"authentication": "client_secret_jwt", **USERINFO}),
    "key-jwt": Case(("private_key_jwt", "UserInfo"), SIGNED, secret=""),
    "public": Case(("none", "UserInfo"), {"authentication": "none", **USERINFO}, secret=""),
    "consent": Case(("code", "UserInfo"), USERINFO, consent=True),
    "pushed": Case(("PAR", "PAR required", "UserInfo"), {"push_requests": True, **USERINFO}),
    "request-object": Case(("JAR by value", "UserInfo"), {"request_object": "value", **USERINFO}),
    "encrypted": Case(
        ("ID token encrypted", "JWE RSA-OAEP-256"),
        {"encryption_algorithm": "RSA-OAEP-256", "encrypted": ("id_token",), "profile_source": "id_token"},
    ),
    "signed-userinfo": Case(
        ("UserInfo", "UserInfo signed"),
        {"signed_userinfo": True, "id_token_algorithms": ("RS256", "ES256"), **USERINFO},
    ),
    "access-token": Case(
        ("JWT access token",),
        {"profile_source": "access_token", "access_token_audience": "https://profile.northwind.example"},
    ),
    "dpop": Case(("DPoP", "UserInfo"), {"dpop": True, **USERINFO}),
    "jarm": Case(("jwt", "UserInfo"), {"response_mode": "jwt", "id_token_algorithms": ("RS256", "PS256"), **USERINFO}),
    "fapi2": Case(
        ("fapi2-security", "PAR", "private_key_jwt", "DPoP", "ID token PS256", "UserInfo signed"),
        {**settings_of("fapi2-security"), **FAPI},
        secret="",
        consent=True,
    ),
    "fapi2-message-signing": Case(
        (
            "fapi2-message-signing",
            "PAR",
            "JAR by value",
            "private_key_jwt",
            "DPoP",
            "ID token PS256",
            "UserInfo signed",
        ),
        {**settings_of("fapi2-message-signing"), **FAPI},
        secret="",
        consent=True,
    ),
}
"""By the name of the campaign, the connection and the client."""


@dataclass(frozen=True)
class Scene:
    installation: Installation
    login: Keycloak


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An installation with a campaign for each case, and the login."""
    made = Installation(tmp_path_factory.mktemp("keycloak"))
    with keycloak(redirect_uri=made.redirect_uri) as login:
        # It makes a key when it first needs one, and a second new one within ten seconds is not looked for (MUST 44).
        login.add_signing_key("PS256")
        for name, case in CASES.items():
            given = {"name": name, "client_id": name, "scopes": SCOPES, **case.config}
            publish_keys(made, login, made.connect(login.issuer, secret=case.secret, **given))
            made.publish(QUIZ.replace("campaign: quiz", f"campaign: {name}").replace("northwind", name))
        with made:
            yield Scene(made, login)


@pytest.fixture
def installation(scene: Scene) -> Installation:
    return scene.installation


def publish_keys(made: Installation, login: Keycloak, connection: Connection) -> None:
    """Tells Keycloak where our keys for it are, when there are any."""
    if connection.own_keys:
        address = f"{made.url}/oauth/clients/{connection.organization}-{connection.number}/jwks"
        login.change_client(connection.config.client_id, attributes={"jwks.url": address})


def log_in(page: "Page", login: str = "ana") -> None:
    """What a person does at Keycloak's first page."""
    page.get_by_label("Username or email").fill(login)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign In").click()


def consent(page: "Page") -> None:
    """Keycloak keeps the answer, and asks nobody twice."""
    page.get_by_role("button", name="Yes").or_(page.get_by_role("heading", name="Nice one, Ana.")).wait_for()
    if page.get_by_role("button", name="Yes").is_visible():
        page.get_by_role("button", name="Yes").click()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.interop("Keycloak", *case.features), id=name)
        for name, case in CASES.items()
    ],
)
def test_a_person_goes_through(installation: Installation, page: "Page", name: str) -> None:
    answer_questions(page, f"{installation.url}/c/{name}")
    go_to_the_login(page)
    log_in(page)
    if CASES[name].consent:
        consent(page)
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


def test_who_mistypes_tries_again_there(installation: Installation, page: "Page") -> None:
    answer_questions(page, f"{installation.url}/c/basic")
    go_to_the_login(page)
    page.get_by_label("Username or email").fill("li@example.com")
    page.get_by_role("textbox", name="Password").fill("wrong")
    page.get_by_role("button", name="Sign In").click()
    page.get_by_text("Invalid username or password.").wait_for()
    log_in(page, "li@example.com")
    page.wait_for_url(re.compile("/details$"))
    assert page.get_by_label("First name").input_value() == ""
    assert page.get_by_label("E-mail").input_value() == "li@example.com"


@pytest.mark.interop("Keycloak", "cancel")
def test_cancel_at_the_consent_is_calm(scene: Scene, page: "Page") -> None:
    """Back with the answers; Keycloak has not kept who it was, and asks anew."""
    scene.login.forget_consents("fay")
    answer_questions(page, f"{scene.installation.url}/c/consent")
    go_to_the_login(page)
    log_in(page, "fay")
    page.get_by_role("button", name="No").click()
    page.wait_for_url(re.compile("/sign-in/mishap$"))
    assert page.get_by_role("heading", name="You came back without signing in.").is_visible()
    assert "access_denied" not in page.content()
    page.get_by_role("button", name="Try again").click()
    log_in(page, "fay")
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url(re.compile("/details$"))
    assert page.get_by_label("First name").input_value() == "Fay"

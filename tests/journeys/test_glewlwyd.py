"""glewlwyd as the brand's login: the whole way of a participant through its login page, which is a script, for each way
of signing in that a client of its can be bound to."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from entracte.connections.model import Connection
from entracte.connections.own_keys import published
from tests.installation import Installation
from tests.interop.glewlwyd import CLIENT_SECRET, Glewlwyd, glewlwyd
from tests.interop.node_provider import PASSWORD
from tests.journeys.quiz import ANSWERS, QUIZ, answer_questions, go_to_the_login, send_entry
from tests.journeys.stored import entries_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCOPES = ("openid", "profile", "email", "phone")
WITHOUT_SECRET = {"public", "key-jwt"}
SIGNING = {"secret-jwt", "key-jwt"}
"""Their assertions are for the token endpoint: glewlwyd takes none that is for its issuer."""
CASES: Mapping[str, Mapping[str, Any]] = {
    "basic": {},
    "es256": {"id_token_algorithms": ("ES256",)},
    "post": {"authentication": "client_secret_post", "push_requests": True},
    "secret-jwt": {"authentication": "client_secret_jwt"},
    "key-jwt": {"authentication": "private_key_jwt", "request_object": "value"},
    "public": {"authentication": "none"},
    "encrypted": {"encryption_algorithm": "RSA-OAEP-256", "encrypted": ("id_token",)},
    "dpop": {"dpop": True},
    "jarm": {"response_mode": "query.jwt"},
}
"""What the connection says, by the name of the campaign, the connection and the client."""
FEATURES: Mapping[str, tuple[str, ...]] = {
    "basic": ("client_secret_basic", "code", "query", "ID token RS256", "UserInfo"),
    "es256": ("client_secret_basic", "ID token ES256", "UserInfo"),
    "post": ("client_secret_post", "PAR", "UserInfo"),
    "secret-jwt": ("client_secret_jwt", "UserInfo"),
    "key-jwt": ("private_key_jwt", "JAR by value", "UserInfo"),
    "public": ("none", "UserInfo"),
    "encrypted": ("ID token encrypted", "JWE RSA-OAEP-256", "UserInfo"),
    "dpop": ("DPoP", "UserInfo"),
    "jarm": ("query.jwt", "UserInfo"),
}
"""Those of `docs/interop.md` that a case shows."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a campaign for each case."""
    made = Installation(tmp_path_factory.mktemp("glewlwyd"))
    with glewlwyd(redirect_uri=made.redirect_uri) as login:
        for name, config in CASES.items():
            given = {"name": name, "client_id": name, "scopes": SCOPES, "profile_source": "userinfo", **config}
            if name in SIGNING:
                given["assertion_audience"] = f"{login.issuer}/token"
            secret = "" if name in WITHOUT_SECRET else CLIENT_SECRET
            tell_keys(login, made.connect(login.issuer, secret=secret, **given))
            made.publish(QUIZ.replace("campaign: quiz", f"campaign: {name}").replace("northwind", name))
        with made:
            yield made


def tell_keys(login: Glewlwyd, connection: Connection) -> None:
    """Tells glewlwyd our keys for it, when there are any. It wants to be told which of them it encrypts to."""
    keys = published(connection)["keys"]
    if keys:
        encrypting = next((key["kid"] for key in keys if key["use"] == "enc"), "")
        login.change_client(connection.config.client_id, jwks={"keys": keys}, alg_kid=encrypting)


def log_in(page: "Page", login: str = "ana") -> None:
    """Who is quicker than the page loses a tick: what it asks last about the person makes it draw itself anew."""
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_response(re.compile("/api/auth/scheme/")):
        page.get_by_role("button", name="OK").click()
    page.wait_for_load_state("networkidle")


def consent(page: "Page", *scopes: str) -> None:
    """Ticks what the brand may know; then the page says how to go on. It asks nobody twice."""
    page.get_by_role("button", name="Continue").wait_for()
    if page.get_by_role("button", name="Grant access").is_visible():
        boxes = [page.locator(f"#grant-{scope}") for scope in scopes]
        while not all(box.is_checked() for box in boxes):
            for box in boxes:
                box.check()
        with page.expect_response(re.compile("/api/auth/scheme/")):
            page.get_by_role("button", name="Grant access").click()
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.interop("glewlwyd", *FEATURES[name]), id=name) for name in CASES]
)
def test_a_person_goes_through(installation: Installation, page: "Page", name: str) -> None:
    answer_questions(page, f"{installation.url}/c/{name}")
    go_to_the_login(page)
    log_in(page)
    consent(page, "profile", "email", "phone")
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


def test_who_tells_less_fills_in_the_rest(installation: Installation, page: "Page") -> None:
    answer_questions(page, f"{installation.url}/c/basic")
    go_to_the_login(page)
    log_in(page, "fay")
    consent(page, "profile")
    page.wait_for_url(re.compile("/details$"))
    assert page.get_by_label("First name").input_value() == "Fay"
    assert page.get_by_label("E-mail").input_value() == ""
    page.get_by_label("E-mail").fill("fay.larsen@example.com")
    send_entry(page)
    page.wait_for_url(re.compile("/thanks$"))
    entry = entries_of(installation, "basic")[0]
    assert (entry.values["first_name"], entry.values["email"]) == ("Fay", "fay.larsen@example.com")

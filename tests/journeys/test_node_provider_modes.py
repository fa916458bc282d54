"""Every way back but the query, in a real browser, from a login by other hands: the answer behind the `#`, which the
script of our own page posts, and the form that the login's page posts across sites.

Campaign, OAuth service and login are three sites, so that a cookie that is for its own site alone would not be sent.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.installation import Installation, free_port
from tests.interop.certificates import make_certificates
from tests.interop.node_connections import connected
from tests.interop.node_provider import PASSWORD
from tests.interop.node_row import WITHOUT_ISSUER, Row
from tests.journeys.stored import entries_of

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

SERVER = "oidc-provider"
ENCRYPTED = {"encrypted": ("response",), "encryption_algorithm": "ECDH-ES"}
ROWS = {
    "behind-the-hash": Row(("code", "fragment"), {"response_mode": "fragment"}),
    "tokens-behind-the-hash": Row(
        ("code id_token token", "fragment"),
        {"response_type": "code id_token token", "profile_source": "userinfo", **WITHOUT_ISSUER},
    ),
    "signed-behind-the-hash": Row(("code", "fragment.jwt"), {"response_mode": "fragment.jwt"}),
    "posted": Row(("code", "form_post"), {"response_mode": "form_post"}),
    "tokens-posted": Row(
        ("code id_token", "form_post"),
        {"response_type": "code id_token", "response_mode": "form_post", **WITHOUT_ISSUER},
    ),
    "signed-posted": Row(("code", "form_post.jwt"), {"response_mode": "form_post.jwt"}),
    "encrypted-posted": Row(("form_post.jwt", "JARM encrypted"), {"response_mode": "form_post.jwt", **ENCRYPTED}),
}
POSTED_TO = {"fragment": "/oauth/callback/fragment", "form_post": "/oauth/callback"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    port = free_port()
    made = Installation(
        tmp_path_factory.mktemp("modes"),
        port=port,
        public_url=f"http://play.localhost:{port}",
        oauth_url=f"http://127.0.0.1:{port}",
    )
    with connected(made, ROWS, make_certificates(tmp_path_factory.mktemp("certificates"))), made:
        yield made


def play(page: "Page", installation: Installation, name: str) -> None:
    """From the first page to the login."""
    page.goto(f"{installation.settings.public_url}/c/{name}")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Dancing Queen").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Continue with Northwind").click()


def log_in(page: "Page") -> None:
    page.get_by_label("Login").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Continue").click()


def marked() -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.interop(SERVER, *row.features)) for name, row in ROWS.items()]


@pytest.mark.parametrize("name", marked())
def test_the_answer_comes_back(installation: Installation, page: "Page", name: str) -> None:
    before = len(entries_of(installation, name))
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - the driver marks what it is given
    play(page, installation, name)
    log_in(page)
    page.wait_for_url(re.compile(f"/c/{name}/details$"))
    assert page.get_by_label("E-mail").input_value() == "ana@example.com"
    mode = str(ROWS[name].connection.get("response_mode", "fragment")).removesuffix(".jwt")
    [posted] = [one for one in asked if one.method == "POST" and urlsplit(one.url).path.startswith("/oauth/")]
    assert posted.url == f"{installation.settings.oauth_address}{POSTED_TO[mode]}"
    assert {urlsplit(one.url).hostname for one in asked} >= {"play.localhost", "127.0.0.1", "localhost"}
    page.get_by_text("I accept the rules.").click()
    page.get_by_role("button", name="Send my entry").click()
    page.wait_for_url(re.compile(f"/c/{name}/thanks$"))
    entries = entries_of(installation, name)
    assert len(entries) == before + 1
    entry = entries[0]
    assert (entry.values["email"], entry.signed_in) == ("ana@example.com", True)


@pytest.mark.parametrize("name", ["tokens-behind-the-hash", "signed-behind-the-hash", "posted"])
def test_nothing_of_the_answer_stays_in_the_history(installation: Installation, page: "Page", name: str) -> None:
    play(page, installation, name)
    log_in(page)
    page.wait_for_url(re.compile(f"/c/{name}/details$"))
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    addresses = [entry["url"] for entry in history["entries"]]
    assert any(urlsplit(address).hostname == "localhost" for address in addresses)
    assert [address for address in addresses if re.search("code=|token=|response=|state=", address)] == []


@pytest.mark.parametrize("name", ["behind-the-hash", "signed-behind-the-hash", "posted", "signed-posted"])
def test_cancel_comes_back_the_same_way(installation: Installation, page: "Page", name: str) -> None:
    play(page, installation, name)
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(re.compile(f"/c/{name}/sign-in/mishap$"))
    assert page.get_by_role("heading", name="You came back without signing in.").is_visible()

"""The brands' logins that journeys sign in at: the practice provider, and npm's `oidc-provider` by other hands.

A journey that takes a `Login` says who signs in; the login knows which fields and buttons that means on its pages.
Names and e-mail addresses of an account are the same at both, as far as journeys look at them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from entracte.practice.provider import PracticeClient, PracticeProvider
from entracte.practice.serving import Served, listen
from entracte.values import Secret
from tests.installation import CLIENT_ID, CLIENT_SECRET
from tests.interop.node_provider import ACCOUNTS, PASSWORD, node_provider

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Account(Enum):
    """Who signs in."""

    COMPLETE = "everything is known, and confirmed: Ana Lopez, ana@example.com"
    WITHOUT_EMAIL = "no e-mail address: Ben Okafor"
    UNCONFIRMED = "nobody confirmed the e-mail address"
    SLOW = "the token endpoint takes its time"


@dataclass(frozen=True)
class Login:
    """A login that runs."""

    issuer: str
    sign_in: Callable[["Page", Account], None]
    """From the first page of the login to the last press there. Does not wait for what comes after it."""
    cancel: Callable[["Page"], None]
    """From the first page of the login."""
    birthdate: str
    """Of the complete account, as the form has it."""


Open = Callable[[str, float], AbstractContextManager[Login]]
"""Runs a login for one client: its redirect URI, and the seconds that the slow account takes."""

PERSONAS: Mapping[Account, str] = {
    Account.COMPLETE: "Ana Lopez",
    Account.WITHOUT_EMAIL: "No e-mail",
    Account.UNCONFIRMED: "Unverified e-mail",
    Account.SLOW: "Slow",
}
"""The practice provider's rows to pick from."""

SUBJECTS: Mapping[Account, str] = {
    Account.COMPLETE: "ana",
    Account.WITHOUT_EMAIL: "ben",
    Account.UNCONFIRMED: "li",
    Account.SLOW: "fay",
}
"""What people type as their login at `oidc-provider`."""


@contextmanager
def practice_login(redirect_uri: str, slow_seconds: float) -> Iterator[Login]:
    """The practice provider, without its consent."""
    listening = listen(name="localhost")
    client = PracticeClient(CLIENT_ID, Secret(CLIENT_SECRET), (redirect_uri,))
    provider = PracticeProvider(listening.url, [client], slow_seconds=slow_seconds, skip_consent=True)
    with Served(provider.app, listening):
        try:
            yield Login(
                provider.issuer,
                sign_in=sign_in_at_practice,
                cancel=lambda page: page.locator("a[href^='/cancel']").click(),
                birthdate="1988-05-17",
            )
        finally:
            provider.close()


@contextmanager
def node_login(redirect_uri: str, slow_seconds: float) -> Iterator[Login]:
    """npm's `oidc-provider`, with its consent; it refuses a request without PKCE."""
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [redirect_uri]}
    slow = {**ACCOUNTS["fay"], "slow_seconds": slow_seconds}
    with node_provider(clients=[client], accounts={**ACCOUNTS, "fay": slow}, host="localhost") as running:
        yield Login(
            running.issuer,
            sign_in=lambda page, account: sign_in_at_node(page, running.issuer, SUBJECTS[account]),
            cancel=lambda page: page.get_by_role("button", name="Cancel").click(),
            birthdate=str(ACCOUNTS["ana"]["claims"]["birthdate"]),
        )


LOGINS: Mapping[str, Open] = {"practice": practice_login, "oidc-provider": node_login}


def sign_in_at_practice(page: "Page", account: Account) -> None:
    """Pick the row of that persona."""
    page.get_by_role("button", name=PERSONAS[account], exact=True).click(no_wait_after=True)


def sign_in_at_node(page: "Page", issuer: str, subject: str) -> None:
    """Type login and password, and consent; nobody is asked twice for the same."""
    page.get_by_label("Login").fill(subject)
    page.get_by_label("Password").fill(PASSWORD)
    asked = page.url

    def answered(address: str) -> bool:
        return not address.startswith(issuer) or ("/interaction/" in address and address != asked)

    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(answered)
    if page.url.startswith(issuer):
        page.get_by_role("button", name="Continue").click(no_wait_after=True)

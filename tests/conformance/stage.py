"""The two sides of a sign-in, and what is kept of it afterwards."""

import time
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from entracte.connections.model import Connection
from entracte.connections.own_keys import published
from entracte.participation.keys import open_key
from entracte.participation.model import Attempt, Participation
from entracte.protocol.state import read_state
from entracte.web.directory import FRESH
from tests.web import at_a_login
from tests.web.running import BRAND, FRAMED_QUIZ, Answer, Browser, redirected, target_of

Kept = TypeVar("Kept")
FORM = [("first_name", "Zoe"), ("email", "ada@northwind.example"), ("phone", ""), ("rules", "yes")]


class Stage(at_a_login.Stage):
    """A campaign and a connection of its own for each test, and what the store has of them."""

    def connect(self, **settings: Any) -> Connection:
        """As elsewhere; and the brand's page may frame the campaign."""
        name = f"quiz-{next(at_a_login.NUMBERS)}"
        self.campaign = f"/c/{name}"
        kept = self.site.connect(self.provider, name=name, **settings)
        own = f"connection: {name}"
        text = FRAMED_QUIZ.replace("campaign: quiz", f"campaign: {name}")
        self.site.publish(text.replace("connection: northwind", own))
        self.provider.client_jwks = published(kept)
        self.connection = kept
        return kept

    @property
    def cookie(self) -> str:
        """The name of the cookie of the campaign."""
        return f"__Host-entracte-{self.campaign.rpartition('/')[2]}"

    def openid(self, **settings: object) -> Connection:
        """A connection whose profile comes from UserInfo."""
        userinfo = f"{self.provider.issuer}/userinfo"
        return self.connect(**{"profile_source": "userinfo", "userinfo_endpoint": userinfo, **settings})

    def participation(self, browser: Browser) -> Participation:
        """What is kept of this browser."""
        return self._of_key(browser.cookies[self.cookie])

    def participation_of(self, base: str) -> Participation:
        """What is kept of a frame, by its address."""
        return self._of_key(base.rpartition("/")[2])

    def _of_key(self, text: str) -> Participation:
        key = there(open_key(text, self.site.program.keys))
        number = self.site.organization.number
        return there(self.site.work(lambda store: store.participations.get(number, key.participation)))

    def attempt(self, address: str) -> Attempt:
        """What is kept of the attempt that began with this address of the login."""
        content = read_state(state_of(address), self.site.program.keys)
        number = self.site.organization.number
        return there(
            self.site.work(lambda store: store.participations.attempt(number, content.participation, content.attempt))
        )

    def refused(self) -> tuple[str, str]:
        """Reason and evidence of a sign-in that is refused, and of which the browser gets nothing."""
        browser, address = self.at_the_login()
        returned = browser.get(browser.carry_back(address).path)
        assert returned.path == f"{self.campaign}/sign-in/mishap"
        assert self.participation(browser).profile is None
        kept = self.attempt(address)
        return kept.reason, kept.evidence

    def asked(self) -> list[str]:
        """The endpoints that we asked, in order."""
        return [call.path for call in self.provider.requests if call.path != "/authorize"]

    def wait_for_the_directory(self) -> None:
        """Until the program no longer remembers a connection as it was."""
        time.sleep(FRESH + 0.1)

    def in_a_frame(self) -> tuple[Browser, str]:
        """A browser before the sign-in in a frame of the brand's page, and the frame's address with its key."""
        browser = self.site.browser()
        base = browser.get(f"{self.campaign}/in?page={quote(f'{BRAND}/win', safe='')}").path
        browser.answer_questions(base)
        return browser, base


def there(kept: Kept | None) -> Kept:
    assert kept is not None
    return kept


def state_of(address: str) -> str:
    """The state in an address of the login."""
    return parse_qs(urlsplit(address).query)["state"][0]


def back(address: str) -> str:
    """Where the login leads a browser back to, on our side."""
    return target_of(redirected(address))


def handle_of(browser: Browser, address: str) -> str:
    """What a framed sign-in leaves behind the `#` of the brand's page."""
    returned = browser.get(browser.get(back(address)).path)
    assert returned["location"].startswith(f"{BRAND}/win#entracte-return=")
    return returned["location"].partition("=")[2]


def follow(browser: Browser, target: str) -> Answer:
    """The page that an address of ours leads to in the end."""
    answer = browser.get(target)
    for _ in range(5):
        if answer.status != 303:
            return answer
        answer = browser.get(target_of(answer.path))
    raise AssertionError("it leads around in circles")

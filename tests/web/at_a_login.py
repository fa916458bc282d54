"""An installation and a login that misbehaves by a switch; each test has a campaign and a connection of its own."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from entracte.connections.model import Connection
from entracte.connections.own_keys import published
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider
from tests.web.running import Answer, Browser, Running

NUMBERS = count()


@dataclass
class Stage:
    """The two sides."""

    site: Running
    provider: MisbehavingProvider
    campaign: str = ""

    def connect(self, **settings: Any) -> Connection:
        name = f"quiz-{next(NUMBERS)}"
        self.campaign = f"/c/{name}"
        kept = self.site.connect(self.provider, name=name, **settings)
        own = f"connection: {name}"
        self.site.publish(QUIZ.replace("campaign: quiz", f"campaign: {name}").replace("connection: northwind", own))
        self.provider.client_jwks = published(kept)
        return kept

    def at_the_login(self) -> tuple[Browser, str]:
        browser = self.site.browser()
        browser.answer_questions(self.campaign)
        return browser, browser.go_to_the_login(self.campaign)

    def sign_in(self) -> tuple[Browser, Answer, Answer]:
        """The browser, what the OAuth service answered, and what the campaign answered then."""
        browser, address = self.at_the_login()
        callback = browser.carry_back(address)
        return browser, callback, browser.get(callback.path)

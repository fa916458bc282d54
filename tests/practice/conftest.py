from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from entracte.practice.clients import PracticeClient
from entracte.practice.provider import PracticeProvider
from entracte.practice.serving import Served, listen
from entracte.values import Secret
from tests.practice.visitor import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, SIGNED_OUT_URI, Trip, Visitor


@dataclass
class Running:
    """A provider that answers, with a clock that the test may move."""

    provider: PracticeProvider
    url: str
    clock: "MovableClock"

    def visitor(self, language: str = "en") -> Visitor:
        return Visitor(self.url, language)

    def trip(self) -> Trip:
        return Trip(self.visitor())


class MovableClock:
    def __init__(self, start: int) -> None:
        self.time = start

    def __call__(self) -> int:
        return self.time


@pytest.fixture
def running() -> Iterator[Running]:
    from entracte.values import now

    listening = listen()
    clock = MovableClock(now())
    clients = [
        PracticeClient(CLIENT_ID, Secret(CLIENT_SECRET), (REDIRECT_URI,), (SIGNED_OUT_URI,)),
        PracticeClient("other", Secret("other-secret"), ("http://127.0.0.1:9/other",), name="Another <b>brand</b>"),
    ]
    provider = PracticeProvider(listening.url, clients, slow_seconds=0.4, clock=clock)
    with Served(provider.app, listening) as served:
        yield Running(provider, served.url, clock)
    provider.close()

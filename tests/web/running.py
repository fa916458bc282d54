"""The real program in a thread, on a free port of loopback, and a client that sends exactly the bytes a test says.

Browsers would reach it by TLS (`PUBLIC`), so that its cookies are those of a real installation.
"""

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import uvicorn

from entracte.campaigns.draft import read_draft
from entracte.campaigns.model import Published
from entracte.connections import manage
from entracte.connections.model import Connection, ConnectionConfig
from entracte.listening import Listening, listen
from entracte.organizations.manage import add_organization
from entracte.organizations.model import Brand, Organization
from entracte.protocol.seal import encode
from entracte.settings import read_settings
from entracte.store.opened import Store
from entracte.store.schema import migrate
from entracte.values import Secret, entropy, now
from entracte.wiring import Program, server
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider

Result = TypeVar("Result")
Header = tuple[str, str]

PUBLIC = "https://play.example"
BRAND = "https://www.northwind.example"
FRAMED_QUIZ = f"{QUIZ}embed:\n  origins: [{BRAND}]\n"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
LONGEST_ADDRESS = 1_000_000
"""Characters that a browser follows."""
PATIENCE = 60
"""Seconds for an answer: the program waits up to 10 for a database."""


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case; a header may stand there several times."""

    status: int
    headers: Sequence[Header]
    body: str = field(repr=False)

    def __getitem__(self, name: str) -> str:
        """The one header of that name."""
        [value] = [value for given, value in self.headers if given == name]
        return value

    def has(self, name: str) -> bool:
        return any(given == name for given, _ in self.headers)

    @property
    def set_cookies(self) -> list[str]:
        return [value for name, value in self.headers if name == "set-cookie"]

    @property
    def path(self) -> str:
        """Where it leads, without the scheme and host of ours."""
        return self["location"].removeprefix(PUBLIC)


def ask(port: int, target: str, method: str = "GET", headers: Sequence[Header] = (), body: bytes = b"") -> Answer:
    """One request on a connection of its own. A `Host` among the headers stands in for ours."""
    given = list(headers)
    if not any(name.lower() == "host" for name, _ in given):
        given.insert(0, ("Host", "play.example"))
    if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in given):
        given.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given), "Connection: close"]
    return ask_raw(port, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def ask_raw(port: int, request: bytes) -> Answer:
    """The answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        with contextlib.suppress(OSError):  # it may be refused before it was all sent
            connection.sendall(request)
        received = bytearray()
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            assert received, "the connection was cut without an answer"
    head, _, content = bytes(received).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return Answer(
        int(status.split()[1]), [(name.strip().lower(), value.strip()) for name, _, value in pairs], content.decode()
    )


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself, and says what browsers say of a form's origin."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    def get(self, target: str, *headers: Header) -> Answer:
        return self._ask(target, "GET", headers, b"")

    def post(
        self,
        target: str,
        fields: Sequence[tuple[str, str]] = (),
        *,
        origin: str = PUBLIC,
        headers: Sequence[Header] = (),
    ) -> Answer:
        return self._ask(target, "POST", (FORM, ("Origin", origin), *headers), urlencode(fields).encode())

    def _ask(self, target: str, method: str, headers: Sequence[Header], body: bytes) -> Answer:
        sent = [("Accept-Language", self.language), *headers]
        if self.cookies:
            sent.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        answer = ask(self.port, target, method, sent, body)
        for line in answer.set_cookies:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer

    def answer_questions(self, campaign: str = "/c/quiz") -> None:
        """From the first page to the sign-in."""
        self.get(campaign)
        for step, answer in (("hello", ""), ("song", "b"), ("places", "beach"), ("why", "The sea")):
            assert self.post(f"{campaign}/{step}", [("answer", answer)]).status == 303

    def go_to_the_login(self, campaign: str = "/c/quiz") -> str:
        """The address of the login."""
        answer = self.post(f"{campaign}/sign-in")
        assert answer.status == 303
        return answer["location"]

    def carry_back(self, sent_to: str) -> Answer:
        """What the OAuth service answers to what the login sends this browser back with, in whichever way that is."""
        return self.carry(sent_back(sent_to))

    def carry(self, came: "SentBack") -> Answer:
        """The same for an answer that is known already."""
        if came.mode == "form_post":
            return self.post(came.path, came.parameters, origin="null")
        if came.mode == "fragment":
            return self.post(f"{came.path}/fragment", came.parameters)
        return self.get(f"{came.path}?{urlencode(came.parameters)}")

    def sign_in(self, campaign: str = "/c/quiz") -> Answer:
        """To the login, back by the OAuth service, and the answer of the campaign."""
        return self.get(self.get(target_of(redirected(self.go_to_the_login(campaign)))).path)


def redirected(address: str) -> str:
    """Where an address on another server leads."""

    async def go() -> str:
        async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as answer:
            return answer.headers["Location"]

    return asyncio.run(go())


@dataclass(frozen=True)
class SentBack:
    """How a login sends the browser back: in the query, in the fragment or by a form; and where to."""

    mode: str
    path: str
    parameters: list[tuple[str, str]] = field(repr=False)


def sent_back(address: str) -> SentBack:
    """What a login answers to a browser that was sent to this address."""

    async def go() -> SentBack:
        async with (
            aiohttp.ClientSession(max_field_size=LONGEST_ADDRESS) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if "Location" not in answer.headers:
                text = await answer.text()
                # a page without a form is a login that says what is wrong: nothing comes back
                action, fields = next(iter(ACTION.findall(text)), "/oauth/callback"), FIELD.findall(text)
                given = [(unescape(name), unescape(value)) for name, value in fields]
                return SentBack("form_post", urlsplit(unescape(action)).path, given)
            parts = urlsplit(answer.headers["Location"])
            mode = "fragment" if parts.fragment else "query"
            return SentBack(mode, parts.path, parse_qsl(parts.fragment or parts.query, keep_blank_values=True))

    return asyncio.run(go())


ACTION = re.compile(r'<form method="post" action="([^"]*)">')
FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def target_of(address: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@dataclass
class Running:
    """An installation that serves."""

    program: Program
    port: int
    organization: Organization
    database: Path

    def ask(self, target: str, method: str = "GET", headers: Sequence[Header] = (), body: bytes = b"") -> Answer:
        return ask(self.port, target, method, headers, body)

    def browser(self, language: str = "en") -> Browser:
        return Browser(self.port, language=language)

    def work(self, what: Callable[[Store], Awaitable[Result]]) -> Result:
        return work(self.program.settings.database_url.get_secret_value(), what)

    def publish(self, text: str, organization: Organization | None = None) -> Published:
        owner = organization or self.organization
        definition = read_draft(text)
        return self.work(lambda store: store.campaigns.publish(owner.number, definition, now()))

    def connect(self, provider: MisbehavingProvider, **settings: Any) -> Connection:
        """A connection with the keys of ours that it needs; `northwind`, the quiz's, unless the settings name it."""
        issuer, keys = provider.issuer, self.program.keys
        given = {
            "name": "northwind",
            "title": "Northwind",
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "issuer_in_response": True,
            "client_id": provider.client_id,
            **settings,
        }
        config, secret = ConnectionConfig.model_validate(given), Secret(provider.client_secret)
        return self.work(
            lambda store: manage.add(store.connections, self.organization.number, config, secret, keys, now())
        )


def work(database_url: str, what: Callable[[Store], Awaitable[Result]]) -> Result:
    """Run something on the store at this address."""

    async def run() -> Result:
        store = Store.open(database_url)
        await store.start()
        try:
            return await what(store)
        finally:
            await store.stop()

    return asyncio.run(run())


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Running]:
    """An installation with one organization, until the end of the block."""
    database = folder / "entracte.sqlite3"
    given = {
        "database_url": f"sqlite:///{database}",
        "public_url": PUBLIC,
        "secret_keys": f"1:{encode(entropy(32))}",
        "outbound_allow": "127.0.0.1",
        **settings,
    }
    program = Program(read_settings(**given))
    url = program.settings.database_url.get_secret_value()
    migrate(url)
    organization = work(
        url,
        lambda store: add_organization(
            store.organizations, "northwind", "Northwind Radio", Brand(mark="♪"), program.keys, entropy
        ),
    )
    with served(server(program), program.settings.host) as port:
        yield Running(program, port, organization, database)


@contextmanager
def served(serving: uvicorn.Server, host: str = "127.0.0.1") -> Iterator[int]:
    """The port on which the server answers, until the end of the block."""
    listening: Listening = listen(host)
    thread = Thread(target=serving.run, kwargs={"sockets": [listening.socket]}, name="entracte")
    thread.start()
    deadline = time.monotonic() + 60
    while not serving.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield listening.port
    finally:
        serving.should_exit = True
        thread.join(60)
        listening.close()

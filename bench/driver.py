"""The driver: virtual users on keep-alive connections, who go where a browser would go and look at what they get."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp

T = TypeVar("T")
REDIRECTS = frozenset({302, 303})


class WentWrong(Exception):
    """A sign-in did not end where it should: its figure would mean nothing."""


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    location: str
    text: str


@dataclass
class User:
    """One browser: its cookies for the system under test, and how long each of its requests there took (seconds)."""

    session: aiohttp.ClientSession
    base: str
    campaign: str = "bench"
    cookies: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    async def ask(self, method: str, address: str, data: Mapping[str, str] | None = None) -> Got:
        """One request, to the end of its answer."""
        url = self.base + address if address.startswith("/") else address
        ours = url.startswith(self.base)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if ours else {}
        began = time.perf_counter()
        async with self.session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            text = await answer.text()
        if ours:
            self.seconds.append(time.perf_counter() - began)
            for name, cookie in answer.cookies.items():
                self._keep(name, cookie.value)
        return Got(answer.status, answer.headers.get("location", ""), text)

    async def follow(self, got: Got) -> Got:
        """Through all redirects."""
        while got.status in REDIRECTS:
            got = await self.ask("GET", got.location)
        return got

    def _keep(self, name: str, value: str) -> None:
        if value:
            self.cookies[name] = value
        else:
            self.cookies.pop(name, None)


def session(users: int) -> aiohttp.ClientSession:
    """Connections for so many users at once, kept open."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=users), cookie_jar=aiohttp.DummyCookieJar())


async def together(users: int, work: Callable[[User], Awaitable[T]], everybody: Iterable[User]) -> list[T]:
    """The work of everybody, so many at a time."""
    turns = asyncio.Semaphore(users)

    async def one(user: User) -> T:
        async with turns:
            return await work(user)

    return list(await asyncio.gather(*(one(user) for user in everybody)))

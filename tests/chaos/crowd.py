"""Participants who never give up, and who remember what they were told was kept."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from bench.driver import Got, User, session
from bench.stub import Answer, Stub
from bench.systems import CAMPAIGN
from entracte.participation.keys import open_key
from entracte.values import ParticipationId
from tests.installation import Installation

NAME = "bench"
CHOICES = ("one", "two", "three", "four")
AFTER_A_FAILURE = 0.05
"""Seconds that a participant waits before trying again."""

__all__ = ["CAMPAIGN", "NAME", "CountingStub", "Crowd", "Participant", "provider"]


class CountingStub(Stub):
    """Counts how often each code is brought to the token endpoint."""

    def __init__(self, issuer: str) -> None:
        super().__init__(issuer)
        self.brought: Counter[str] = Counter()

    def _token(self, query: str, body: bytes, authorization: str) -> Answer:
        code = next(part for part in body.decode().split("&") if part.startswith("code="))
        self.brought[code] += 1
        return super()._token(query, body, authorization)


@asynccontextmanager
async def provider() -> AsyncIterator[CountingStub]:
    """The authorization server, in this process: it outlives every kill."""
    made: list[CountingStub] = []

    async def answer(request: web.Request) -> web.Response:
        endpoint = made[0].endpoints.get(request.path)
        if endpoint is None:
            return web.Response(status=404)
        authorization = request.headers.get("Authorization", "")
        status, headers, body = endpoint(request.query_string, await request.read(), authorization)
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    made.append(CountingStub(f"http://localhost:{port}"))
    try:
        yield made[0]
    finally:
        await runner.cleanup()


@dataclass
class Participant:
    """One person. `kept` are the answers that were acknowledged; `has_entered` says whether the entry was."""

    user: User
    text: str
    choice: str
    kept: dict[str, object] = field(default_factory=dict)
    has_entered: bool = False
    is_through: bool = False

    async def go_through(self) -> None:
        """Until the thanks page, whatever happens on the way."""
        while not self.is_through:
            try:
                await self._step()
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                await asyncio.sleep(AFTER_A_FAILURE)

    async def _step(self) -> None:
        """From wherever they are, one step."""
        here = await self._look()
        if here == "thanks":
            self.is_through = True
        elif here == "welcome":
            raise AssertionError("there is no such page")
        elif here == "sign-in":
            await self.user.follow(await self._post("sign-in", {}))
        elif here == "details":
            form = {"first_name": "Ana", "last_name": "Lopez", "email": "ana@example.com"}
            self.has_entered |= _is_kept(await self._post(here, form))
        elif here:
            await self._answer(here)

    async def _answer(self, step: str) -> None:
        given = self.choice if step in CHOICES else self.text
        if _is_kept(await self._post(step, {"answer": given})):
            self.kept[step] = given

    async def _look(self) -> str:
        """Where they are: the last part of the address. Nothing when nobody can say just now."""
        got = await self.user.ask("GET", f"/c/{NAME}")
        if got.status == 200:  # the first page of a participation that has just begun
            return CHOICES[0]
        if got.status != 303:
            await asyncio.sleep(AFTER_A_FAILURE)
            return ""
        return urlsplit(got.location).path.rpartition("/")[2]

    async def _post(self, step: str, data: dict[str, str]) -> Got:
        return await self.user.ask("POST", f"/c/{NAME}/{step}", data)


def _is_kept(got: Got) -> bool:
    return got.status == 303


class Crowd:
    """So many participants at once; who is through makes room for the next, until `stop`."""

    def __init__(self, installation: Installation, chance: random.Random, size: int = 12) -> None:
        self.participants: list[Participant] = []
        self._installation = installation
        self._chance = chance
        self._size = size
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """While the block lasts people come; at its end everybody who has come goes through."""
        async with session(self._size) as connections:
            self._tasks = [asyncio.create_task(self._one_after_another(connections)) for _ in range(self._size)]
            try:
                yield
            except BaseException:
                for task in self._tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                raise
            self._stopping = True
            async with asyncio.timeout(200):
                await asyncio.gather(*self._tasks)

    async def _one_after_another(self, connections: aiohttp.ClientSession) -> None:
        while not self._stopping:
            number = len(self.participants)
            one = Participant(
                User(connections, self._installation.url), f"Answer {number}", self._chance.choice(("a", "b"))
            )
            self.participants.append(one)
            await one.go_through()

    def id_of(self, participant: Participant) -> ParticipationId:
        """The participation that their cookie names."""
        key = open_key(participant.user.cookies[f"entracte-{NAME}"], self._installation.settings.seal_keys())
        assert key is not None
        return key.participation

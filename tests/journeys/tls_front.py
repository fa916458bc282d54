"""What stands in front of a real installation: TLS on a free port of loopback, handed on byte for byte."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from tests.misbehaving_provider.certificates import server_context


@contextmanager
def tls_front(to_port: int) -> Iterator[int]:
    """The port that browsers come to by https, until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="tls-front")
    thread.start()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            back, forth = await asyncio.open_connection("127.0.0.1", to_port)
            await asyncio.gather(_copied(reader, forth), _copied(back, writer))
        writer.close()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(hand_on, "127.0.0.1", 0, ssl=server_context(asks_for_certificate=False))

    async def stop() -> None:
        listening.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    finally:
        with suppress(OSError, RuntimeError):
            writer.close()

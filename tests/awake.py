"""A clock for tests that measure how long something takes. It stands still while the process does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

TICK = 0.005


@contextmanager
def awake() -> Iterator[Callable[[], float]]:
    """How many seconds this process has been awake since the block began.

    A thread counts short sleeps. On a machine that is busy with others it counts fewer of them, and none while the
    process stands still; it does count while the process waits, or while an event loop is held up. So an upper limit on
    it is one for the program and not for the machine. A lower limit is for a watch: `time.monotonic`.
    """
    ticks, ended = 0, Event()

    def count() -> None:
        nonlocal ticks
        while not ended.wait(TICK):
            ticks += 1

    thread = Thread(target=count, name="awake")
    thread.start()
    try:
        yield lambda: ticks * TICK
    finally:
        ended.set()
        thread.join()

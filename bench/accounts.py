"""The operating system's accounts of a process and of everything that it started: CPU time and memory. Linux alone."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_milliseconds(process: int) -> float:
    """User and system time of the tree below a process, of those that ended in it as well (proc(5), `stat`)."""
    ticks = sum(sum(map(int, _stat(one)[11:15])) for one in tree(process))
    return ticks * 1000 / _TICKS


def memory_mebibytes(process: int) -> float:
    """The proportional set size of the tree: what would be free if it ended."""
    return sum(_proportional_kibibytes(one) for one in tree(process)) / 1024


def tree(process: int) -> Iterator[int]:
    """A process and everything below it that lives."""
    yield process
    for task in (Path("/proc") / str(process) / "task").glob("*/children"):
        for child in task.read_text().split():
            yield from tree(int(child))


def _stat(process: int) -> list[str]:
    """The fields behind the name, which may hold anything."""
    return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()


def _proportional_kibibytes(process: int) -> int:
    lines = (Path("/proc") / str(process) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

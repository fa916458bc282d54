"""`entracte demo` as a newcomer starts it, twice on the same folder, and stopped with Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.installation import free_port


class Demo:
    def __init__(self, folder: Path) -> None:
        self.ports = [free_port() for _ in range(3)]
        names = ("ENTRACTE_PORT", "ENTRACTE_PRACTICE_PORT", "ENTRACTE_SITE_PORT")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTRACTE_")}
        environment.update({name: str(port) for name, port in zip(names, self.ports, strict=True)})
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "entracte", "demo", "--folder", str(folder)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def wait(self) -> None:
        """Until it says that everything answers."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + 120
        while "Ctrl-C stops everything" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            assert time.monotonic() < deadline, self.said
            self.said += line

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=90)
        return rest


def status(address: str) -> int:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return int(answer.status)


@pytest.mark.timeout(300)
def test_everything_answers_and_stops(tmp_path: Path) -> None:
    for _ in ("the first start", "the second start on the same folder"):
        demo = Demo(tmp_path / "demo")
        try:
            demo.wait()
            addresses = re.findall(r"http://localhost:\d+\S*", demo.said)
            assert len(set(addresses)) >= 4
            for address in set(addresses):
                assert status(address) == 200, address
            assert re.search(r"sign in as \S+@\S+", demo.said)
            assert re.search(r"password is \S+-\S+", demo.said)
        finally:
            rest = demo.stop()
        assert demo.process.returncode == 0, rest
        assert "Traceback" not in rest
        assert "Stopped." in rest
    secrets = tmp_path / "demo" / "secrets.json"
    assert secrets.stat().st_mode & 0o077 == 0, "the secrets are for their owner alone"

"""Looks for new inputs with atheris: `make fuzz`, or `.venv/bin/python -m fuzz 60 jws jwe` (seconds, targets).

Each target runs in a process of its own for so many seconds, 600 unless told. An input that fails is kept in the
target's corpus, where every run of the tests replays it until it is mended, and from then on.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.seeds import CORPUS
from fuzz.targets import TARGETS

SECONDS = 600
LONGEST_INPUT = 4096
"""Bytes. The limits of sizes have tests of their own."""


def main(*arguments: str) -> int:
    seconds = int(arguments[0]) if arguments and arguments[0].isdecimal() else SECONDS
    names = [name for name in arguments if not name.isdecimal()] or list(TARGETS)
    failed = [name for name in names if not _looked_for(name, seconds)]
    print(f"Targets that failed: {', '.join(failed)}." if failed else "Nothing was found that fails.")
    return 1 if failed else 0


def _looked_for(name: str, seconds: int) -> bool:
    folder = CORPUS / name
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as new:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "fuzz.one", name, new, str(folder)),
                *(f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-artifact_prefix={new}/found-"),
                *("-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        found = sorted(Path(new).glob("found-*"))
        for path in found:
            (folder / path.name).write_bytes(path.read_bytes())
    executions = re.search(r"number_of_executed_units: (\d+)", ended.stderr)
    print(f"{name}: {executions[1] if executions else 'no'} executions, {len(found)} that failed", flush=True)
    if ended.returncode or found:
        print(f"{ended.stdout[-2000:]}{ended.stderr[-3000:]}", file=sys.stderr)
    return not found and ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The files in `deploy/`: every command in them is run here as it stands. Only places differ, and they are in `PLACES`
and the environment."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from entracte.protocol.seal import encode
from entracte.values import entropy
from entracte.wiring import server_config
from tests import parts
from tests.installation import free_port
from tests.postgresql import PostgreSQL, find_binaries

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HOME = "/opt/entracte"
"""Where the files say that the program is; the tests put a temporary folder there."""
STATE = "/var/lib/entracte"


def instructions() -> list[tuple[str, str]]:
    """The container file, a line each: the instruction and the rest."""
    lines = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    kept = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in kept]


def of(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def words(text: str) -> list[str]:
    """A command in its exec form: there is no other, so no shell reads it."""
    found: list[str] = json.loads(text)
    return found


def placed(command: list[str], home: Path) -> list[str]:
    return [word.replace(HOME, str(home)) for word in command]


def unit() -> list[tuple[str, str]]:
    lines = (DEPLOY / "entracte.service").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return [(name, value) for name, _, value in pairs]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def clean(**settings: str) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("ENTRACTE_")}
    return {**outside, **settings}


def run(command: list[str], environment: Mapping[str, str], folder: Path, seconds: int = 100) -> str:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, (command, done.stdout[-1500:], done.stderr[-1500:])
    return done.stdout


@contextmanager
def serving(command: list[str], ready: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """The server until it is ready by its own health check; then a clean stop within its time."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(ready, env=environment, capture_output=True, check=False).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield
        process.send_signal(signal.SIGTERM)
        process.wait(90)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The container's `/opt/entracte`, made by the instructions of the container file, in their order."""
    home = tmp_path_factory.mktemp("container") / "entracte"
    home.mkdir()
    for name, rest in instructions():
        if name == "COPY":
            *sources, target = rest.split()
            (home / target).mkdir(parents=True, exist_ok=True)
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(
                        ROOT / source, home / target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
                    )
                else:
                    shutil.copy(ROOT / source, home / target)
        elif name == "RUN":
            command = placed(words(rest), home)
            run([sys.executable, *command[1:]] if command[0] == "python" else command, clean(), home, 400)
    return home


@pytest.mark.timeout(600)
def test_the_container_runs_with_the_commands_of_compose(home: Path, tmp_path: Path) -> None:
    parts.require(parts.POSTGRESQL)
    services, port = compose()["services"], str(free_port())
    [entrypoint] = [placed(words(text), home) for text in of("ENTRYPOINT")]
    [check] = [placed(words(text.partition("CMD ")[2]), home) for text in of("HEALTHCHECK")]
    server = PostgreSQL()
    try:
        server.start()
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        (secrets / "database_url").write_text(server.new_database())
        (secrets / "keys").write_text(run([*entrypoint, "keys", "new"], clean(), tmp_path))
        form, *probe = services["database"]["healthcheck"]["test"]
        probe = [word.replace("5432", str(server.port)) for word in probe]
        assert form == "CMD"
        run([str(find_binaries() / probe[0]), *probe[1:]], clean(), tmp_path)
        container = dict(text.split("=", 1) for text in of("ENV")) | {"ENTRACTE_PORT": port}
        given = services["entracte"]["environment"]
        settings = {name: value.replace("/run/secrets", str(secrets)) for name, value in given.items()}
        environment = clean(**container, **settings)
        assert "nothing" in run([*entrypoint, *services["migrate"]["command"]], environment, tmp_path)
        for command in (services["entracte"]["command"], *(words(text) for text in of("CMD"))):
            assert subprocess.run(check, env=environment, capture_output=True, check=False).returncode == 1
            with serving([*entrypoint, *command], check, environment, tmp_path):
                pass
    finally:
        server.close()


def test_the_container_file_is_plain() -> None:
    assert {name for name, _ in instructions()} <= {
        *("FROM", "WORKDIR", "RUN", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    assert re.fullmatch(r"python:\d\.\d+-slim", of("FROM")[0])
    assert of("WORKDIR") == [HOME]
    [user] = of("USER")
    assert int(user.partition(":")[0]) > 0
    order = [name for name, _ in instructions()]
    assert order.index("USER") > max(place for place, name in enumerate(order) if name == "RUN")


def test_compose_holds_together() -> None:
    found = compose()
    services = found["services"]
    assert set(services) == {"database", "migrate", "entracte"}
    assert services["entracte"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["migrate"]["restart"] == "no"
    for service in services.values():
        assert set(service["secrets"]) <= set(found["secrets"])
        named = [value for value in service["environment"].values() if value.startswith("/run/secrets/")]
        assert {Path(value).name for value in named} == set(service["secrets"])
        assert not any("password@" in str(value) for value in service["environment"].values())
        if "build" in service:
            build = service["build"]
            assert ((DEPLOY / build["context"]).resolve() / build["dockerfile"]).is_file()
    [volume] = services["database"]["volumes"]
    assert volume.partition(":")[0] in found["volumes"]
    grace = int(services["entracte"]["stop_grace_period"].removesuffix("s"))
    assert grace > grace_of_the_server()


def grace_of_the_server() -> int:
    [seconds] = server_config.__defaults__ or (0,)
    return int(seconds)


def test_the_unit_starts_the_server(tmp_path: Path) -> None:
    """Its commands as they stand, on SQLite, with the settings that it and its files give."""
    keys, state = tmp_path / "keys", tmp_path / "state"
    state.mkdir()
    keys.write_text(f"1:{encode(entropy(32))}\n")
    programs = {f"{HOME}/.venv/bin/entracte": [sys.executable, "-m", "entracte"]}
    settings = dict(value.split("=", 1) for name, value in unit() if name == "Environment")
    places = {"%d/keys": str(keys), STATE: str(state)}
    for shown, here in places.items():
        settings = {name: value.replace(shown, here) for name, value in settings.items()}
    environment = clean(**settings, ENTRACTE_PORT=str(free_port()))
    [before] = [shlex.split(value) for name, value in unit() if name == "ExecStartPre"]
    [start] = [shlex.split(value) for name, value in unit() if name == "ExecStart"]
    run([*programs[before[0]], *before[1:]], environment, state)
    with serving([*programs[start[0]], *start[1:]], [sys.executable, "-m", "entracte", "ready"], environment, state):
        assert (state / "entracte.sqlite3").exists()


def test_the_unit_is_hardened_and_waits_for_the_server() -> None:
    said = dict(unit())
    assert int(said["TimeoutStopSec"]) > grace_of_the_server()
    wanted = {"DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "KillSignal": "SIGTERM"}
    assert wanted.items() <= said.items()
    assert f"/var/lib/{said['StateDirectory']}" == STATE


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Where systemd is; elsewhere its lines are checked for their form alone."""
    text = (DEPLOY / "entracte.service").read_text(encoding="utf-8")
    for line in text.splitlines():
        assert re.fullmatch(r"|#.*|\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*", line), line
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:
        program = tmp_path / "entracte"
        program.write_text("")
        program.chmod(0o755)
        copy = tmp_path / "entracte.service"
        copy.write_text(text.replace(f"{HOME}/.venv/bin/entracte", str(program)))
        done = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True, check=False, timeout=60)
        about = [line for line in done.stderr.splitlines() if "entracte.service" in line]
        assert about == []

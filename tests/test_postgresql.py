"""The server that the tests run on."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import postgresql
from tests.postgresql import MissingPart, PostgreSQL


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    try:
        made = PostgreSQL()
    except MissingPart as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"A part is missing: {missing}")
    yield made
    made.close()


def test_it_listens_on_loopback_alone_and_survives_a_crash(server: PostgreSQL) -> None:
    server.start()
    url = server.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (x integer)")
        connection.commit()
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.info.server_version >= 150000
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    server.start()
    with psycopg.connect(server.new_database(like=url)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_nothing_is_left(server: PostgreSQL) -> None:
    other = PostgreSQL()
    other.start()
    with other.administer() as connection:
        directory = Path(str(connection.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]
        process = connection.info.backend_pid
    other.close()
    assert not directory.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_part_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_candidates", list)
    with pytest.raises(MissingPart, match="PostgreSQL 15 or newer"):
        PostgreSQL()

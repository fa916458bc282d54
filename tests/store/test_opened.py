"""The store as a whole."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from entracte.errors import LocalError
from entracte.organizations.model import Brand
from entracte.participation.events import EventKind, Outcome
from entracte.store.commits import Commits
from entracte.store.engine import open_engine
from entracte.store.opened import Store
from entracte.store.prepared import Prepared
from entracte.store.schema import migrate
from entracte.store.tables import METADATA
from entracte.values import OrganizationNumber
from tests.store.samples import (
    CONNECTION,
    SEALED_PERSON_KEY,
    START,
    a_participation,
    a_profile,
    an_attempt,
    an_entry,
    an_event,
)


async def test_what_was_kept_is_there_after_a_restart(shared_url: str) -> None:
    first = Store.open(shared_url)
    await first.start()
    northwind = await first.organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
    participation = a_participation(northwind.number, answers={"color": "red"})
    await first.participations.start(participation, [])
    await first.stop()
    second = Store.open(shared_url)
    second.check_schema()
    await second.start()
    assert await second.organizations.by_name("northwind") == northwind
    assert await second.participations.get(northwind.number, participation.id) == participation
    await second.stop()


async def test_memory_comes_with_its_tables_and_is_gone_at_stop() -> None:
    store, other = Store.open("sqlite://"), Store.open("sqlite://")
    store.check_schema()
    await store.start()
    await other.start()
    await store.organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
    store.check_schema()
    assert await other.organizations.everyone() == []
    await store.stop()
    await other.stop()


async def test_a_database_without_tables_is_refused(empty_url: str) -> None:
    store = Store.open(empty_url)
    with pytest.raises(LocalError, match="schema_missing"):
        store.check_schema()
    migrate(empty_url)
    store.check_schema()
    await store.stop()


def test_nothing_is_left_beside_a_file(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


async def _journey(store: Store, organization: OrganizationNumber) -> None:
    """Everything that participants and the manager's pages do."""
    kept = store.participations
    one = a_participation(organization)
    key = (organization, one.id)
    await kept.start(one, [an_event(one, EventKind.STARTED)])
    await kept.keep_answer(*key, "color", "red", START, [an_event(one, EventKind.ANSWERED, "color")])
    await kept.keep_draft(*key, {})
    await kept.set_language(*key, "de")
    await kept.attempt_was_sent(an_attempt(one), [an_event(one, EventKind.SIGN_IN_SENT)])
    await kept.consume_attempt(an_attempt(one), START, [an_event(one, EventKind.SIGN_IN_RETURNED)])
    await kept.finish_attempt(an_attempt(one, 2, outcome=Outcome.FAILED))
    await kept.hold_profile(an_attempt(one, 3), a_profile())
    await kept.claim_profile(*key, an_attempt(one, 3).number)
    await kept.sign_in(an_attempt(one), a_profile())
    await kept.form_was_shown(*key, 2, [])
    await kept.take_part_as_guest(*key, [])
    await kept.get(*key)
    await kept.attempt(*key, an_attempt(one).number)
    await kept.latest_attempt(*key)
    await kept.enter(an_entry(one), [an_event(one, EventKind.ENTERED)])
    await kept.latest_entries(organization, one.campaign, 10)
    assert [entry async for entry in kept.entries(organization, one.campaign)]
    await store.tallies.counts(organization, one.campaign, START)
    await store.campaigns.by_name("summer-quiz")
    await store.campaigns.by_number(one.campaign)
    await store.connections.by_number(organization, CONNECTION)
    await store.members.by_email("alice@example.com")
    await store.members.session(b"token", START)


async def test_no_statement_reads_a_whole_table(shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps a login as quick with ten million participations as with none."""
    engine = open_engine(shared_url)
    statements: dict[str, object] = {}

    def collect(connection: object, cursor: object, statement: str, given: object, context: object, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            statements[statement] = given[0] if many and isinstance(given, list) else given

    run = Prepared._run

    def run_and_collect(self: Prepared, connection: Connection, values: Mapping[str, Any], read: Any) -> Any:
        found = run(self, connection, values, read)
        compiled = self._compiled[connection.dialect.name]
        statements[compiled.text] = compiled.parameters(values)
        return found

    store = Store(engine, Commits(engine))
    await store.start()
    northwind = await store.organizations.add("northwind", "Northwind", Brand(), SEALED_PERSON_KEY)
    event.listen(engine, "before_cursor_execute", collect)
    monkeypatch.setattr(Prepared, "_run", run_and_collect)
    await _journey(store, northwind.number)
    await store.commits.stop()
    event.remove(engine, "before_cursor_execute", collect)
    assert len(statements) > 25
    with engine.connect() as connection:
        for statement, given in statements.items():
            plan = _plan(connection, statement, given)
            assert not re.search(rf"Seq Scan|SCAN ({'|'.join(METADATA.tables)})", plan), (statement, plan)
    engine.dispose()


def _plan(connection: Connection, statement: str, given: object) -> str:
    explain = "EXPLAIN QUERY PLAN "
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # tables as small as these it would rather scan
        explain = "EXPLAIN "
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, _given(given)))  # type: ignore[arg-type]


def _given(given: object) -> object:
    return tuple(given) if isinstance(given, list) else given

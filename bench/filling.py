"""A store that has been in use: many customers, or many participations, made quickly.

Rows are those of people who went through the campaign of the benchmark: a participation, five answers, an attempt that
signed in, the events of the way, and for every other one an entry. The database makes them itself, by one statement for
each table: a million people are some twenty million rows.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import make_url

from bench.stub import CLIENT_SECRET
from entracte.campaigns.draft import read_draft
from entracte.campaigns.model import Definition
from entracte.connections.client_secrets import seal_secret
from entracte.connections.model import Connection as Customer
from entracte.organizations.manage import add_organization
from entracte.organizations.model import Brand
from entracte.participation.events import EventKind
from entracte.protocol.seal import SealKeys
from entracte.store.engine import open_engine
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret, entropy, now

AT_ONCE = 64
OF_ONE_ORGANIZATION = 100
"""Connections."""

_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {most}) ",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(1, {most}) AS n) ",
}
_ID = {
    "sqlite": "printf('01800000%024x', n)",
    "postgresql": "('01800000' || lpad(to_hex(n), 24, '0'))::uuid",
}
_BYTES = {"sqlite": "randomblob(32)", "postgresql": "sha256(n::text::bytea)"}
_TRUE = {"sqlite": "1", "postgresql": "true"}
_FALSE = {"sqlite": "0", "postgresql": "false"}
_STARTED = "{since} + n / 50"
_STEPS = ("one", "two", "three", "four", "five")
_PROFILE = """'{"attributes": {"email": "ana@example.com", "first_name": "Ana", "last_name": "Lopez"}, "verified": ["email"], "account": "ana@example.com"}'"""  # noqa: E501
_ANSWERS = """'{"one": "a", "two": "b", "three": "a", "four": "b", "five": "Because of the sea."}'"""
_VALUES = """'{"first_name": "Ana", "last_name": "Lopez", "email": "ana@example.com", "news": false}'"""
_OUTCOMES = """'{"first_name": "kept", "last_name": "kept", "email": "kept", "news": "blank"}'"""
_KINDS = (
    EventKind.STARTED, EventKind.SIGN_IN_SHOWN, EventKind.SIGN_IN_SENT, EventKind.SIGN_IN_RETURNED,
    EventKind.FORM_SHOWN, EventKind.ENTERED,
)  # fmt: skip


def fill_with_participations(url: str, kept: Customer, campaign: int, count: int) -> None:
    """Put so many participations of that campaign into the store at this address; nobody serves it meanwhile."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        _fill_sqlite(str(address.database), _statements("sqlite", kept, campaign, count))
    else:
        _fill_postgresql(url, _statements("postgresql", kept, campaign, count))


def _fill_sqlite(file: str, statements: Sequence[str]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # of this connection alone
        for statement in (*statements, "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.execute(statement)


def _fill_postgresql(url: str, statements: Sequence[str]) -> None:
    engine = open_engine(url, connections=1, patient=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (*statements, "VACUUM ANALYZE"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()


def _statements(dialect: str, kept: Customer, campaign: int, count: int) -> Sequence[str]:
    numbers = _NUMBERS[dialect].format(most=count)
    own, number, at = kept.organization, _ID[dialect], _STARTED.format(since=now() - count // 50 - 3600)
    yes, no, raw = _TRUE[dialect], _FALSE[dialect], _BYTES[dialect]

    def insert(table: str, columns: str, values: str, where: str = "") -> str:
        return f"INSERT INTO {table} ({columns}) {numbers} SELECT {values} FROM numbers {where}"  # noqa: S608 - words of this file

    events = [(kind, "") for kind in _KINDS] + [(EventKind.ANSWERED, step) for step in _STEPS]
    return [
        insert(
            "participation",
            "organization, id, campaign, language, started_at, embed_page, generation, previous_key_open, guest, "
            "sign_in_outcome, profile, person, draft, entered_at",
            f"{own}, {number}, {campaign}, 'en', {at}, '', 1, {no}, {no}, 'signed_in', {_PROFILE}, {raw}, '{{}}', "
            f"{at} + 90",
        ),
        *(
            insert(
                "answer",
                "organization, participation, step, answer, kept_at",
                f"{own}, {number}, '{step}', '\"a\"', {at} + 9",
            )
            for step in _STEPS
        ),
        insert(
            "attempt",
            "organization, participation, number, campaign, connection, short_code, sent_at, place, consumed_at, "
            "finished_at, outcome, reason, evidence",
            f"{own}, {number}, n, {campaign}, {kept.number}, 'K7Q-2M4', {at} + 40, 1, {at} + 60, {at} + 61, "
            "'signed_in', '', ''",
        ),
        *(
            insert(
                "event",
                "organization, participation, kind, step, campaign, at",
                f"{own}, {number}, '{kind.value}', '{step}', {campaign}, {at}",
            )
            for kind, step in events
        ),
        insert(
            "entry",
            "organization, participation, campaign, entered_at, language, signed_in, person, answers, form_values, "
            "outcomes",
            f"{own}, {number}, {campaign}, {at} + 90, 'en', {yes}, {raw}, {_ANSWERS}, {_VALUES}, {_OUTCOMES}",
            "WHERE n % 2 = 0",
        ),
    ]


async def fill_with_connections(store: Store, keys: SealKeys, model: Customer, campaign: str, count: int) -> list[str]:
    """Add so many customers' connections with a campaign each, like the given one; the campaigns' names."""
    definition = read_draft(campaign)
    names: list[str] = []
    for start in range(0, count, OF_ONE_ORGANIZATION):
        size = min(OF_ONE_ORGANIZATION, count - start)
        name = f"customer-{start}"
        owner = await add_organization(store.organizations, name, name.title(), Brand(), keys, entropy)
        names += await _of_one(store, owner.number, keys, model, definition, start, size)
    return names


async def _of_one(
    store: Store,
    owner: OrganizationNumber,
    keys: SealKeys,
    model: Customer,
    definition: Definition,
    start: int,
    size: int,
) -> list[str]:
    sealed = seal_secret(Secret(CLIENT_SECRET), owner, keys)
    turns = asyncio.Semaphore(AT_ONCE)

    async def add(number: int) -> str:
        name, connection = f"bench-{number}", f"login-{number}"
        config = model.config.model_copy(update={"name": connection})
        sign_in = definition.sign_in.model_copy(update={"connection": connection})  # type: ignore[union-attr]
        async with turns:
            await store.connections.add(owner, config, sealed)
            changed = definition.model_copy(update={"campaign": name, "sign_in": sign_in})
            await store.campaigns.publish(owner, changed, now())
        return name

    return await asyncio.gather(*(add(number) for number in range(start, start + size)))

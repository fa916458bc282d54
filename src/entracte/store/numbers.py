"""Numbers that are unique in one installation, because they travel in addresses and states."""

from sqlalchemy import Connection

from entracte.errors import Kind, LocalError, Problem
from entracte.store.dialects import Upsert
from entracte.store.tables import allocation

GREATEST = {"organization": 2**53 - 1, "connection": 2**24 - 1, "campaign": 2**32 - 1}
"""What the state has room for (`values`); organizations stay exact in JSON."""

_NEXT = Upsert(
    allocation,
    lambda insert: insert.on_conflict_do_update(
        index_elements=[allocation.c.kind], set_={"latest": allocation.c.latest + 1}
    ).returning(allocation.c.latest),
)


def next_number(connection: Connection, kind: str) -> int:
    """One that nobody else has or gets. Gaps are possible. LocalError `numbers_exhausted` after the greatest."""
    number: int = connection.execute(_NEXT.of(connection), {"kind": kind, "latest": 1}).scalar_one()
    if number > GREATEST[kind]:
        raise LocalError(Problem(Kind.CONFLICT, "numbers_exhausted", f"There is no further number for a {kind}."))
    return number

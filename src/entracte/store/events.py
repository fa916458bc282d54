"""Statements for events: each is kept once per participation, kind and step."""

from collections.abc import Sequence

from sqlalchemy import Connection

from entracte.participation.events import Event
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.tables import event

_KEEP = Upsert(event, or_nothing).prepared()


def keep_events(connection: Connection, events: Sequence[Event]) -> None:
    """Keep those that are not there yet."""
    for happened in events:
        _KEEP.change(connection, _row(happened))


def _row(happened: Event) -> dict[str, object]:
    return {
        "organization": happened.organization,
        "participation": happened.participation,
        "kind": happened.kind.value,
        "step": happened.step,
        "campaign": happened.campaign,
        "at": happened.at,
    }

"""`entracte attempt`: sign-in attempts, found by what a participant reads out."""

from collections.abc import Sequence
from typing import Any

import click

from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.cli.lists import json_option
from entracte.cli.printed import instant, print_facts, print_json
from entracte.connections.sign_in import short_code_from
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.model import Organization
from entracte.participation.model import Attempt
from entracte.settings import Settings
from entracte.statistics.reasons import reason_in_words
from entracte.store.opened import Store


@main.group()
def attempt() -> None:
    """Sign-in attempts: trips to an authorization server."""


@attempt.command("find")
@click.argument("code")
@json_option
@organization_option
def attempt_find(code: str, as_json: bool, organization_name: str | None) -> None:
    """Find sign-in attempts by the short code of an error page, however it was typed: K7Q-2M4, k7q2m4. It says how the
    attempt ended and why, and nothing about the person."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        found = await store.records.attempts_by_short_code(owner.number, short_code_from(code))
        if not found:
            raise LocalError(_unknown())
        shown = await shown_attempts(store, owner, found)
        if as_json:
            print_json({"items": shown})
            return
        for place, one in enumerate(shown):
            click.echo("\n" if place else "", nl=False)
            print_facts(one)

    with_store(work)


async def shown_attempts(store: Store, owner: Organization, attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """With the names of their campaigns and connections; as the REST API shows them."""
    campaigns = {one.number: one.name for one in await store.campaigns.of(owner.number)}
    connections = {one.number: one.config.name for one in await store.connections.of(owner.number)}
    return [
        {
            "short_code": one.short_code,
            "campaign": campaigns.get(one.campaign),
            "connection": connections.get(one.connection),
            "outcome": one.outcome.value,
            "reason": one.reason,
            "reason_in_words": reason_in_words(one.reason),
            "evidence": one.evidence,
            "sent_at": instant(one.sent_at),
            "returned_at": instant(one.consumed_at),
            "finished_at": instant(one.finished_at),
            "participation": str(one.participation),
        }
        for one in attempts
    ]


def _unknown() -> Problem:
    message = "There is no sign-in attempt with this code."
    hint = "A code has no 0, 1, I and O. One from a page that belongs to no attempt is in the log, as `return_refused`."
    return Problem(Kind.NOT_FOUND, "attempt_unknown", message, hint)

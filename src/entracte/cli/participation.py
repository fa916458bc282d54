"""`entracte participation`: how far people came, and what they wrote only where that is asked for."""

from typing import Any
from uuid import UUID

import click

from entracte.campaigns.manage import named
from entracte.cli.attempt import shown_attempts
from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.cli.lists import after_option, between, cursors, json_option, limit_option, position, purpose
from entracte.cli.printed import instant, plain, print_facts, print_json, written
from entracte.errors import Kind, LocalError, Problem
from entracte.organizations.model import Organization
from entracte.participation.events import Outcome
from entracte.participation.model import Entry, Participation
from entracte.participation.records import ParticipationFilter
from entracte.settings import Settings
from entracte.store.opened import Store
from entracte.values import ParticipationId


@main.group()
def participation() -> None:
    """Participations: one participant's way through one campaign."""


@participation.command("show")
@click.argument("participation_id", metavar="ID", type=click.UUID)
@click.option("--values", "with_values", is_flag=True, help="Also what the person answered and entered.")
@json_option
@organization_option
def participation_show(participation_id: UUID, with_values: bool, as_json: bool, organization_name: str | None) -> None:
    """Show how far a participation came, and its sign-in attempts. Without --values it holds nothing personal."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        kept = await store.records.participation(owner.number, ParticipationId(participation_id))
        if kept is None:
            raise LocalError(Problem(Kind.NOT_FOUND, "participation_unknown", "There is no such participation."))
        shown = await _with_attempts(store, owner, kept)
        if with_values:
            shown |= _values(kept, await store.records.entry(owner.number, kept.id))
        if as_json:
            print_json(shown)
        else:
            _print(shown)

    with_store(work)


@participation.command("list")
@click.argument("campaign_name", metavar="CAMPAIGN")
@between("Started")
@click.option("--entered/--not-entered", default=None, help="Only those with an entry, or only those without.")
@click.option(
    "--outcome", type=click.Choice([one.value for one in Outcome]), help="Only those whose sign-in stands so."
)
@after_option
@limit_option
@json_option
@organization_option
def participation_list(
    campaign_name: str,
    since: int | None,
    before: int | None,
    entered: bool | None,
    outcome: str | None,
    cursor: str,
    limit: int,
    as_json: bool,
    organization_name: str | None,
) -> None:
    """List the participations of a campaign by their start, oldest first: id, start, sign-in, entry, and the steps that
    were answered. Where there is more, the cursor for --after goes to standard error."""
    chosen = ParticipationFilter(since, before, entered, Outcome(outcome) if outcome else None)

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        campaign = await named(store.campaigns, owner.number, campaign_name)
        wanted, keys = purpose("participations", campaign, chosen), settings.seal_keys()
        after = position(cursor, wanted, keys)
        page = await store.records.participations(owner.number, campaign.number, chosen, after, limit)
        ends = cursors(page, after, wanted, keys)
        if as_json:
            print_json({"items": [_shown(one) for one in page.items], **ends})
            return
        for one in page.items:
            click.echo(_line(one))
        if ends["next"] is not None:
            click.echo(f"There is more: --after {ends['next']}", err=True)

    with_store(work)


def _shown(kept: Participation) -> dict[str, Any]:
    """As the REST API shows it."""
    return {
        "id": str(kept.id),
        "language": kept.language,
        "started_at": instant(kept.started_at),
        "answered": list(kept.answers),
        "guest": kept.guest,
        "outcome": kept.sign_in_outcome.value if kept.sign_in_outcome is not None else None,
        "entered_at": instant(kept.entered_at),
    }


async def _with_attempts(store: Store, owner: Organization, kept: Participation) -> dict[str, Any]:
    names = {one.number: one.name for one in await store.campaigns.of(owner.number)}
    attempts = await shown_attempts(store, owner, await store.records.attempts_of(owner.number, kept.id))
    return _shown(kept) | {"campaign": names.get(kept.campaign), "attempts": attempts}


def _values(kept: Participation, entry: Entry | None) -> dict[str, Any]:
    return {
        "answers": dict(kept.answers),
        "values": dict(entry.values) if entry is not None else {},
        "outcomes": {name: one.value for name, one in entry.outcomes.items()} if entry is not None else {},
    }


def _print(shown: dict[str, Any]) -> None:
    facts = {name: shown[name] for name in ("id", "campaign", "language", "started_at", "outcome", "entered_at")}
    print_facts(facts | {"answered": " ".join(shown["answered"]), "guest": "yes" if shown["guest"] else None})
    for one in shown["attempts"]:
        said = (one["short_code"], one["sent_at"], one["outcome"], one["reason"])
        click.echo("\t".join(["attempt", *(plain(part) for part in said if part)]))
    for group, name in (("answer", "answers"), ("form", "values")):
        print_facts({f"{group} {key}": written(value) for key, value in shown.get(name, {}).items()})


def _line(kept: Participation) -> str:
    outcome = kept.sign_in_outcome.value if kept.sign_in_outcome is not None else "-"
    moments = (instant(kept.started_at), outcome, instant(kept.entered_at) or "-")
    return "\t".join([str(kept.id), *map(str, moments), " ".join(map(plain, kept.answers)) or "-"])

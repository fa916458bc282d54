"""`entracte statistics`: the numbers of a campaign, from the same report as the manager's page and the export."""

import sys
from collections.abc import Iterator
from typing import Any

import click

from entracte.campaigns.manage import named
from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.cli.lists import json_option
from entracte.cli.printed import Moment, instant, plain, print_json
from entracte.settings import Settings
from entracte.statistics.csv_export import statistics_csv
from entracte.statistics.report import WORDS, Measure, Report, Row, report
from entracte.store.opened import Store
from entracte.values import now
from entracte.web.pages.manage_campaigns.views import facts, first_language

_DAY = 24 * 60 * 60


@main.group()
def statistics() -> None:
    """Statistics: counts, and never a person."""


@statistics.command("show")
@click.argument("campaign_name", metavar="CAMPAIGN")
@click.option("--since", type=Moment(), help="From when `started_since` counts; today, in UTC, when left out.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print what the manager exports.")
@organization_option
def statistics_show(
    campaign_name: str, since: int | None, as_json: bool, as_csv: bool, organization_name: str | None
) -> None:
    """Show the funnel of a campaign: count, share of those who started, share of those who were sent to the login."""
    if as_json and as_csv:
        raise click.UsageError("Choose --json or --csv.")
    start = now() // _DAY * _DAY if since is None else since

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        campaign = await named(store.campaigns, owner.number, campaign_name)
        counts = await store.tallies.counts(owner.number, campaign.number, start)
        definition = campaign.definition
        made = report(facts(definition, first_language(definition)), counts, start)
        if as_json:
            print_json(_shown(made))
        elif as_csv:
            sys.stdout.buffer.write(statistics_csv(made).encode())
        else:
            for line in _lines(made):
                click.echo(line)

    with_store(work)


def _shown(made: Report) -> dict[str, Any]:
    """As the REST API shows it."""
    return {
        "rows": [_row(row) for row in made.rows],
        "since": instant(made.since),
        "started_since": made.started_since,
        "people": made.people,
        "median_sign_in_seconds": made.median_sign_in_seconds,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "measure": row.measure.value,
        "key": row.key,
        "label": row.label,
        "count": row.count,
        "share_of_started": row.share_of_started,
        "share_of_sent": row.share_of_sent,
    }


def _lines(made: Report) -> Iterator[str]:
    for row in made.rows:
        shares = (_percent(row.share_of_started), _percent(row.share_of_sent))
        yield "\t".join([plain(row.label), str(row.count), *filter(None, shares)])
    yield f"Started since {instant(made.since)}\t{made.started_since}"
    yield f"{WORDS[Measure.PEOPLE]}\t{made.people}"
    if made.median_sign_in_seconds is not None:
        yield f"{WORDS[Measure.MEDIAN_SIGN_IN_SECONDS]}\t{made.median_sign_in_seconds}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"

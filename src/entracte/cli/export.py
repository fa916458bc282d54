"""`entracte export`: the entries of a campaign as a file."""

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from entracte.campaigns.manage import named
from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.cli.lists import between
from entracte.deliveries.csv_export import entries_csv
from entracte.participation.records import EntryFilter, every_entry
from entracte.settings import Settings
from entracte.store.opened import Store


@main.command()
@click.argument("campaign_name", metavar="CAMPAIGN")
@click.option(
    "--format", "form", type=click.Choice(["csv"]), default="csv", show_default=True, help="The format of the file."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output by default.")
@between("Entered")
@click.option("--language", help="Only those who took part in this language.")
@click.option("--signed-in/--guests", default=None, help="Only those who signed in, or only guests.")
@organization_option
def export(
    campaign_name: str,
    form: str,
    output: Path | None,
    since: int | None,
    before: int | None,
    language: str | None,
    signed_in: bool | None,
    organization_name: str | None,
) -> None:
    """Export the entries of a campaign, all of them or those that are chosen."""
    chosen = EntryFilter(since, before, language, signed_in)

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        campaign = await named(store.campaigns, owner.number, campaign_name)
        entries = every_entry(store.records, owner.number, campaign.number, chosen)
        with output.open("wb") if output else nullcontext(sys.stdout.buffer) as stream:
            async for piece in entries_csv(campaign.definition, entries):
                stream.write(piece.encode())

    with_store(work)

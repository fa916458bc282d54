"""`entracte export`: the entries of a campaign as a file."""

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from entracte.cli.commands import main, named_organization, organization_option, with_store
from entracte.deliveries.csv_export import entries_csv
from entracte.errors import Kind, LocalError, Problem
from entracte.settings import Settings
from entracte.store.opened import Store


@main.command()
@click.argument("campaign_name", metavar="CAMPAIGN")
@click.option(
    "--format", "form", type=click.Choice(["csv"]), default="csv", show_default=True, help="The format of the file."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; standard output by default.")
@organization_option
def export(campaign_name: str, form: str, output: Path | None, organization_name: str | None) -> None:
    """Export the entries of a campaign."""

    async def work(store: Store, settings: Settings) -> None:
        owner = await named_organization(store, organization_name)
        published = await store.campaigns.by_name(campaign_name)
        if published is None or published.organization != owner.number:
            raise LocalError(Problem(Kind.NOT_FOUND, "campaign_unknown", f"There is no campaign {campaign_name}."))
        entries = store.participations.entries(owner.number, published.number)
        with output.open("wb") if output else nullcontext(sys.stdout.buffer) as stream:
            async for piece in entries_csv(published.definition, entries):
                stream.write(piece.encode())

    with_store(work)

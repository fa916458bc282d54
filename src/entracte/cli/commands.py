"""The command `entracte` itself, and what its commands have in common: the opened store, the organization."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import click

from entracte import __version__
from entracte.errors import EntracteError, Kind, LocalError, Problem
from entracte.organizations.model import Organization
from entracte.settings import Settings, read_settings
from entracte.store.opened import Store


class Commands(click.Group):
    """Problems of ours are said in words, without a traceback; the exit status is 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except EntracteError as error:
            for problem in error.problems:
                click.echo(f"entracte: {problem}", err=True)
            context.exit(1)


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="entracte")
def main() -> None:
    """Sign-in for interactive campaigns."""


organization_option = click.option(
    "--organization",
    "organization_name",
    envvar="ENTRACTE_ORGANIZATION",
    help="The organization's name; not needed while there is only one.",
)


def with_store(work: Callable[[Store, Settings], Awaitable[None]]) -> None:
    """Run some work on the opened store."""

    async def run() -> None:
        settings = read_settings()
        async with opened(settings) as store:
            await work(store, settings)

    asyncio.run(run())


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    store = Store.open(settings.database_url.get_secret_value())
    store.check_schema()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def named_organization(store: Store, name: str | None) -> Organization:
    """The organization that is named, or the only one."""
    if name:
        found = await store.organizations.by_name(name)
        if found is not None:
            return found
        raise LocalError(Problem(Kind.NOT_FOUND, "organization_unknown", f"There is no organization {name}."))
    everyone = await store.organizations.everyone()
    if len(everyone) == 1:
        return everyone[0]
    hint = "Add one with `entracte organization add`." if not everyone else "Name one with --organization."
    count = "There is no organization yet." if not everyone else "There are several organizations."
    raise LocalError(Problem(Kind.BAD_INPUT, "organization_needed", count, hint=hint))

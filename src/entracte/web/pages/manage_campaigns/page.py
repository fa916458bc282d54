"""`/manage`, and `/manage/campaigns/{name}` with its exports."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from entracte.campaigns.model import Definition, Published
from entracte.deliveries.csv_export import entries_csv
from entracte.participation.model import Entry
from entracte.spreadsheet import CONTENT_TYPE
from entracte.statistics.csv_export import statistics_csv
from entracte.statistics.report import Report, report
from entracte.web.manage import HOME, Desk, ManageServices, not_there, open_to_members
from entracte.web.pages.manage_campaigns.views import (
    campaign_line,
    campaign_page,
    facts,
    first_language,
    render_campaign,
    render_campaigns,
    spoken_language,
)

LATEST_ENTRIES = 20
_ROOM = "campaigns"


def routes(services: ManageServices) -> list[Route]:
    """The addresses of these pages."""
    endpoint = partial(open_to_members, services)
    return [
        Route(HOME, endpoint(_list), methods=["GET"]),
        Route("/manage/campaigns/{name}", endpoint(_campaign), methods=["GET"]),
        Route("/manage/campaigns/{name}/entries.csv", endpoint(_entries), methods=["GET"]),
        Route("/manage/campaigns/{name}/statistics.csv", endpoint(_statistics), methods=["GET"]),
    ]


async def _list(desk: Desk) -> Response:
    """The campaigns of the member's organization."""
    published = await desk.services.campaigns.of(desk.organization.number)
    newest_first = sorted(published, key=lambda campaign: (-campaign.published_at, campaign.name))
    language, today = desk.visit.language, _today(desk)
    reports = await _reports(desk, newest_first, partial(spoken_language, language=language))
    lines = [campaign_line(*pair, today, language) for pair in zip(newest_first, reports, strict=True)]
    return desk.visit.page(render_campaigns(lines, desk.frame(_ROOM)))


async def _campaign(desk: Desk) -> Response:
    """One campaign: its funnel, the sign-in, the latest entries."""
    campaign = await _named(desk)
    if campaign is None:
        return not_there(desk.visit)
    language = desk.visit.language
    counting = _reports(desk, [campaign], partial(spoken_language, language=language))
    (numbers,), entries = await asyncio.gather(counting, _latest_entries(desk, campaign))
    view = campaign_page(campaign, numbers, entries, _today(desk), desk.services.public_url, language)
    return desk.visit.page(render_campaign(view, desk.frame(_ROOM)))


async def _entries(desk: Desk) -> Response:
    """All entries as CSV."""
    campaign = await _named(desk)
    if campaign is None:
        return not_there(desk.visit)
    entries = desk.services.participations.entries(campaign.organization, campaign.number)
    return _download(entries_csv(campaign.definition, entries), f"{campaign.name}-entries.csv")


async def _statistics(desk: Desk) -> Response:
    """The numbers of the page as CSV."""
    campaign = await _named(desk)
    if campaign is None:
        return not_there(desk.visit)
    (numbers,) = await _reports(desk, [campaign], first_language)
    return _download([statistics_csv(numbers)], f"{campaign.name}-statistics.csv")


async def _named(desk: Desk) -> Published | None:
    """The campaign of the address, when it is this organization's."""
    campaign = await desk.services.campaigns.by_name(desk.visit.request.path_params["name"])
    return campaign if campaign is not None and campaign.organization == desk.organization.number else None


async def _reports(
    desk: Desk, campaigns: Sequence[Published], language_of: Callable[[Definition], str]
) -> list[Report]:
    """With what was started today, in UTC, and the campaigns' own texts in the languages asked for."""
    midnight = datetime.combine(_today(desk), datetime.min.time(), UTC)
    since = int(midnight.timestamp())
    numbers = [campaign.number for campaign in campaigns]
    counts = await desk.services.tallies.counts_of_each(desk.organization.number, numbers, since)
    told = [facts(campaign.definition, language_of(campaign.definition)) for campaign in campaigns]
    return [report(of, counted, since) for of, counted in zip(told, counts, strict=True)]


async def _latest_entries(desk: Desk, campaign: Published) -> list[Entry]:
    kept = desk.services.participations
    return await kept.latest_entries(campaign.organization, campaign.number, LATEST_ENTRIES)


def _today(desk: Desk) -> date:
    return datetime.fromtimestamp(desk.services.clock(), UTC).date()


def _download(content: AsyncIterator[str] | list[str], name: str) -> Response:
    """Campaign names are letters, digits and hyphens, so the file name needs no quoting."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(content, media_type=CONTENT_TYPE, headers=disposition)

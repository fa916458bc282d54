"""`/campaigns/{name}/statistics`: the same report as the manager's page and the export."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from entracte.campaigns.manage import named
from entracte.organizations.tokens import Scope
from entracte.statistics.report import Measure, Report, Row, report
from entracte.web.api.access import Access, needs
from entracte.web.api.operation import resource
from entracte.web.api.shown import Since, epoch, instant
from entracte.web.pages.manage_campaigns.views import facts, first_language

router = resource("statistics")
_DAY = 24 * 60 * 60


class ShownRow(BaseModel):
    """One line of the funnel."""

    measure: Measure
    key: str = Field(description="The key of a question, or the code of a reason; empty elsewhere.")
    label: str = Field(description="In the campaign's first language, or in English.")
    count: int = Field(description="Participations.")
    share_of_started: float | None = Field(description="0 to 1; null when nobody started.")
    share_of_sent: float | None = Field(description="Of those who were sent to the login; null elsewhere.")


class ShownReport(BaseModel):
    """All numbers of a campaign."""

    rows: tuple[ShownRow, ...] = Field(description="In the order of the participant's way.")
    since: datetime = Field(description="From when `started_since` counts.")
    started_since: int
    people: int = Field(description="Different persons with an entry.")
    median_sign_in_seconds: int | None


@router.get("/campaigns/{name}/statistics")
async def get_statistics(
    name: str, access: Annotated[Access, needs(Scope.STATISTICS_READ)], since: Since = None
) -> ShownReport:
    """The report of a campaign. `since` is for `started_since` alone; today, in UTC, when it is left out."""
    services = access.services
    campaign = await named(services.campaigns, access.organization, name)
    today = services.clock() // _DAY * _DAY
    moment = epoch(since)
    start = today if moment is None else moment
    counts = await services.tallies.counts(access.organization, campaign.number, start)
    definition = campaign.definition
    return _shown(report(facts(definition, first_language(definition)), counts, start))


def _shown(kept: Report) -> ShownReport:
    return ShownReport(
        rows=tuple(map(_row, kept.rows)),
        since=instant(kept.since),
        started_since=kept.started_since,
        people=kept.people,
        median_sign_in_seconds=kept.median_sign_in_seconds,
    )


def _row(row: Row) -> ShownRow:
    return ShownRow(
        measure=row.measure,
        key=row.key,
        label=row.label,
        count=row.count,
        share_of_started=row.share_of_started,
        share_of_sent=row.share_of_sent,
    )

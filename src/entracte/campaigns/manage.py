"""Publishing a campaign, whether it can be played today, and closing it by hand.

What is written here is what the command and the REST API do.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from enum import StrEnum

from entracte.campaigns.document import spell
from entracte.campaigns.model import Campaigns, Definition, Published, Version
from entracte.campaigns.rules import connection_findings
from entracte.errors import Kind, LocalError, Problem
from entracte.values import OrganizationNumber


class Status(StrEnum):
    """Where a campaign is in its schedule."""

    NOT_YET = "not_yet"
    OPEN = "open"
    OVER = "over"
    CLOSED = "closed"
    """By hand, whatever the schedule says."""


def status(published: Published, today: date) -> Status:
    """Whether the campaign can be played. `today` is the date in UTC; `closes` is the last day that one can."""
    definition = published.definition
    if published.closed_at is not None:
        return Status.CLOSED
    if definition.opens is not None and today < definition.opens:
        return Status.NOT_YET
    if definition.closes is not None and today > definition.closes:
        return Status.OVER
    return Status.OPEN


def day_of(at: int) -> date:
    """The date in UTC of epoch seconds."""
    return datetime.fromtimestamp(at, UTC).date()


def days(published: Published) -> tuple[date | None, date | None]:
    """The first day that it can be played, and the day of its end, in UTC: of the schedule, or of the closing."""
    if published.closed_at is not None:
        return None, day_of(published.closed_at)
    return published.definition.opens, published.definition.closes


def using(connection: str, published: Iterable[Published]) -> list[str]:
    """The campaigns that sign in at the connection of this name."""
    signing_in = ((one.name, one.definition.sign_in) for one in published)
    return [name for name, sign_in in signing_in if sign_in is not None and sign_in.connection == connection]


async def named(campaigns: Campaigns, organization: OrganizationNumber, name: str) -> Published:
    """The published campaign of this name. LocalError `campaign_unknown`: not there, or another organization's."""
    found = await campaigns.by_name(name)
    return _known(found if found is not None and found.organization == organization else None, name)


async def versions(campaigns: Campaigns, organization: OrganizationNumber, name: str) -> list[Version]:
    """Every publication, the newest first. LocalError `campaign_unknown`."""
    await named(campaigns, organization, name)
    return await campaigns.versions(organization, name)


async def close(campaigns: Campaigns, organization: OrganizationNumber, name: str, at: int) -> Published:
    """Take no entries any more, from now on. A campaign that is closed stays so. LocalError `campaign_unknown`."""
    return _known(await campaigns.close(organization, name, at), name)


async def reopen(campaigns: Campaigns, organization: OrganizationNumber, name: str) -> Published:
    """Undo the closing by hand; the schedule holds again. LocalError `campaign_unknown`."""
    return _known(await campaigns.reopen(organization, name), name)


def unknown(name: str) -> LocalError:
    """There is no such campaign, or it is another organization's: both look the same."""
    return LocalError(Problem(Kind.NOT_FOUND, "campaign_unknown", f"There is no campaign {name}."))


def _known(found: Published | None, name: str) -> Published:
    if found is None:
        raise unknown(name)
    return found


async def publish(
    campaigns: Campaigns,
    organization: OrganizationNumber,
    definition: Definition,
    known_connections: Mapping[str, AbstractSet[str]],
    at: int,
) -> Published:
    """Publish a definition: from `at` (epoch seconds) on it is what participants see.

    `known_connections` are the organization's connections by name, each with the attributes that its claim map
    defines. LocalError: `campaign_unknown_connection`, `campaign_unmapped_field` (all of them at once), and
    `campaign_name_taken` from what keeps campaigns."""
    found = connection_findings(definition.model_dump(mode="json"), known_connections)
    problems = [
        Problem(Kind.BAD_INPUT, finding.code, finding.message, finding.hint, spell(finding.path)) for finding in found
    ]
    if problems:
        raise LocalError(*problems)
    return await campaigns.publish(organization, definition, at)

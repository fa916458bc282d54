"""Publishing a campaign, and whether it can be played today."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from enum import StrEnum

from entracte.campaigns.document import spell
from entracte.campaigns.model import Campaigns, Definition, Published
from entracte.campaigns.rules import connection_findings
from entracte.errors import Kind, LocalError, Problem
from entracte.values import OrganizationNumber


class Status(StrEnum):
    """Where a campaign is in its schedule."""

    NOT_YET = "not_yet"
    OPEN = "open"
    OVER = "over"


def status(definition: Definition, today: date) -> Status:
    """Whether the campaign can be played. `today` is the date in UTC; `closes` is the last day that one can."""
    if definition.opens is not None and today < definition.opens:
        return Status.NOT_YET
    if definition.closes is not None and today > definition.closes:
        return Status.OVER
    return Status.OPEN


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

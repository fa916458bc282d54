"""Publishing a campaign, and whether it can be played today."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from enum import StrEnum

from entracte.campaigns.document import spell
from entracte.campaigns.model import Campaigns, Definition, Published
from entracte.campaigns.rules import placeholders
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
    problems = list(_connection_problems(definition, known_connections))
    if problems:
        raise LocalError(*problems)
    return await campaigns.publish(organization, definition, at)


def _connection_problems(definition: Definition, known: Mapping[str, AbstractSet[str]]) -> Iterator[Problem]:
    if definition.sign_in is None:
        return
    name = definition.sign_in.connection
    if name not in known:
        yield Problem(
            Kind.BAD_INPUT,
            "campaign_unknown_connection",
            f"There is no connection `{name}`.",
            hint=f"There are: {', '.join(sorted(known))}." if known else "Make one with `entracte connection add`.",
            where="sign_in.connection",
        )
        return
    for where, attribute in _attributes(definition):
        if attribute not in known[name]:
            yield Problem(
                Kind.BAD_INPUT,
                "campaign_unmapped_field",
                f"The connection `{name}` does not define the attribute `{attribute}`.",
                hint=f"It defines: {', '.join(sorted(known[name]))}.",
                where=where,
            )


def _attributes(definition: Definition) -> Iterator[tuple[str, str]]:
    """The attributes of the profile that the form uses, each with its place."""
    place = definition.steps.index(definition.form)
    form = definition.form
    named = {name for language in definition.languages for name in placeholders(definition.say(form.title, language))}
    yield from ((spell(("steps", place, "title")), name) for name in sorted(named))
    for number, field in enumerate(form.fields):
        if field.prefill:
            yield spell(("steps", place, "fields", number, "prefill")), field.prefill

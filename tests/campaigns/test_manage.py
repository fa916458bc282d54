"""Publishing: only what the organization's connections can do; and the schedule."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from entracte.campaigns.draft import read_draft
from entracte.campaigns.manage import Status, close, days, named, publish, reopen, status, using, versions
from entracte.campaigns.model import Definition, Published, Version
from entracte.errors import LocalError
from entracte.values import CampaignNumber, OrganizationNumber
from tests.campaigns.definitions import small

OWNER = OrganizationNumber(7)


class Shelf:
    """Keeps the last campaign that was published."""

    def __init__(self) -> None:
        self.kept: Published | None = None

    async def publish(self, organization: OrganizationNumber, definition: Definition, at: int) -> Published:
        version = self.kept.version + 1 if self.kept else 1
        self.kept = Published(organization, CampaignNumber(1), definition, version, at)
        return self.kept

    async def by_name(self, name: str) -> Published | None:
        return self.kept if self.kept and self.kept.name == name else None

    async def by_number(self, number: CampaignNumber) -> Published | None:
        return self.kept if self.kept and self.kept.number == number else None

    async def of(self, organization: OrganizationNumber) -> list[Published]:
        return [self.kept] if self.kept and self.kept.organization == organization else []

    async def versions(self, organization: OrganizationNumber, name: str) -> list[Version]:
        return [Version(one.version, one.published_at) for one in await self.of(organization) if one.name == name]

    async def close(self, organization: OrganizationNumber, name: str, at: int) -> Published | None:
        return await self._change(organization, name, at)

    async def reopen(self, organization: OrganizationNumber, name: str) -> Published | None:
        return await self._change(organization, name, None)

    async def _change(self, organization: OrganizationNumber, name: str, closed_at: int | None) -> Published | None:
        if self.kept is None or (self.kept.organization, self.kept.name) != (organization, name):
            return None
        self.kept = replace(self.kept, closed_at=closed_at)
        return self.kept


def draft(prefill: str = "name", title: str = "You") -> Definition:
    values = small()
    values["steps"][2] |= {"title": title, "title_guest": "You"}
    values["steps"][2]["fields"][0]["prefill"] = prefill
    return read_draft(json.dumps(values))


async def test_a_campaign_whose_connection_tells_what_it_needs_is_published() -> None:
    published = await publish(Shelf(), OWNER, draft(), {"northwind": {"name", "email"}}, 1000)
    assert (published.organization, published.version, published.published_at) == (OWNER, 1, 1000)


@pytest.mark.parametrize("known", [{}, {"other": {"name"}}])
async def test_an_unknown_connection_is_refused(known: Mapping[str, set[str]]) -> None:
    shelf = Shelf()
    with pytest.raises(LocalError) as raised:
        await publish(shelf, OWNER, draft(), known, 1000)
    assert [problem.code for problem in raised.value.problems] == ["campaign_unknown_connection"]
    assert shelf.kept is None


async def test_every_attribute_that_the_claim_map_does_not_define_is_refused() -> None:
    with pytest.raises(LocalError) as raised:
        await publish(Shelf(), OWNER, draft("shoe_size", "Hi {first_name}"), {"northwind": {"email"}}, 1000)
    assert [(problem.code, problem.where) for problem in raised.value.problems] == [
        ("campaign_unmapped_field", "steps[2].title"),
        ("campaign_unmapped_field", "steps[2].fields[0].prefill"),
    ]
    assert "shoe_size" in raised.value.problems[1].message


async def test_a_campaign_without_sign_in_needs_no_connection() -> None:
    definition = draft().model_copy(update={"sign_in": None})
    assert (await publish(Shelf(), OWNER, definition, {}, 1)).version == 1


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 5, 31), Status.NOT_YET),
        (date(2026, 6, 1), Status.OPEN),
        (date(2026, 8, 31), Status.OPEN),
        (date(2026, 9, 1), Status.OVER),
    ],
)
def test_a_campaign_is_open_from_its_first_day_to_its_last(today: date, expected: Status) -> None:
    published = play(opens=date(2026, 6, 1), closes=date(2026, 8, 31))
    assert status(published, today) is expected
    assert status(replace(published, closed_at=0), today) is Status.CLOSED


def play(**changes: object) -> Published:
    return Published(OWNER, CampaignNumber(1), Definition.model_validate(small(**changes)), 1, 0)


def test_a_campaign_without_a_schedule_is_open() -> None:
    assert status(play(), date(1, 1, 1)) is Status.OPEN


def test_the_days_of_a_campaign_are_those_of_its_schedule_or_of_its_closing() -> None:
    published = play(opens=date(2026, 6, 1), closes=date(2026, 8, 31))
    assert days(published) == (date(2026, 6, 1), date(2026, 8, 31))
    assert days(replace(published, closed_at=1_750_000_000)) == (None, date(2025, 6, 15))


async def test_a_campaign_is_closed_and_reopened_by_its_organization_alone() -> None:
    shelf, charlie = Shelf(), OrganizationNumber(8)
    await publish(shelf, OWNER, draft(), {"northwind": {"name"}}, 1000)
    assert (await close(shelf, OWNER, "small", 2000)).closed_at == 2000
    assert (await named(shelf, OWNER, "small")).closed_at == 2000
    assert (await reopen(shelf, OWNER, "small")).closed_at is None
    assert await versions(shelf, OWNER, "small") == [Version(1, 1000)]
    for refused in (
        close(shelf, charlie, "small", 1), reopen(shelf, charlie, "small"),
        named(shelf, charlie, "small"), versions(shelf, charlie, "small"), named(shelf, OWNER, "other"),
    ):  # fmt: skip
        with pytest.raises(LocalError) as raised:
            await refused
        assert raised.value.problem.code == "campaign_unknown"


def test_the_campaigns_that_use_a_connection() -> None:
    assert using("northwind", [play(), play(campaign="without", sign_in=None)]) == ["small"]
    assert using("other", [play()]) == []

"""From a public address or a state to the campaign, its organization and its connection: remembered for a moment,
so that a page does not cost three reads."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from entracte.campaigns.model import Campaigns, Published
from entracte.connections.identity import SETTLING
from entracte.connections.model import Connection, Connections
from entracte.organizations.model import Organization, Organizations
from entracte.values import CampaignNumber, Clock, ConnectionNumber, OrganizationNumber

FRESH = SETTLING
"""Seconds after which a new publication, and a connection that was set up otherwise, is seen by every process."""
MOST = 20_000
"""Names and numbers of campaigns remembered by one process, and connections."""
NAME = re.compile(r"[a-z0-9-]{1,60}")
"""What a campaign's name can be made of (`organizations.model.Name`)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A campaign with what its pages need."""

    published: Published
    organization: Organization
    connection: Connection | None


@dataclass(slots=True)
class Directory:
    """The process's memory of campaigns."""

    organizations: Organizations
    campaigns: Campaigns
    connections: Connections
    clock: Clock
    _remembered: dict[str | int, tuple[int, Listed | None]] = field(default_factory=dict)
    _connections: dict[tuple[OrganizationNumber, ConnectionNumber], tuple[int, Connection | None]] = field(
        default_factory=dict
    )

    async def by_name(self, name: str) -> Listed | None:
        """The campaign of an address. What could be no campaign's name is neither asked for nor remembered."""
        if not NAME.fullmatch(name):
            return None
        return await self._look_up(name, lambda: self.campaigns.by_name(name))

    def remembered(self, name: str) -> Listed | None:
        """The campaign of an address as this process last knew it, for what is to be said when nothing can be asked."""
        return self._remembered.get(name, (0, None))[1]

    async def by_number(self, number: CampaignNumber) -> Listed | None:
        return await self._look_up(number, lambda: self.campaigns.by_number(number))

    async def connection(self, organization: OrganizationNumber, number: ConnectionNumber) -> Connection | None:
        """The connection that an opened state names, within the campaign's organization and no other."""
        key = (organization, number)
        now = self.clock()
        remembered = self._connections.get(key)
        if remembered is not None and now - remembered[0] < FRESH:
            return remembered[1]
        found = await self.connections.by_number(organization, number)
        self._keep(key, (now, found))
        return found

    def _keep(self, key: tuple[OrganizationNumber, ConnectionNumber], found: tuple[int, Connection | None]) -> None:
        if len(self._connections) >= MOST:
            self._connections.clear()
        self._connections[key] = found

    async def _look_up(self, key: str | int, find: Callable[[], Awaitable[Published | None]]) -> Listed | None:
        now = self.clock()
        remembered = self._remembered.get(key)
        if remembered is not None and now - remembered[0] < FRESH:
            return remembered[1]
        listed = await self._listed(await find())
        if len(self._remembered) >= MOST:
            self._remembered.clear()
        self._remembered[key] = (now, listed)
        if listed is not None:
            self._remember_ways_in(listed, now)
        return listed

    def _remember_ways_in(self, listed: Listed, now: int) -> None:
        """A sign-in comes by the name, comes back by the number, and then by the connection's number."""
        published, connection = listed.published, listed.connection
        self._remembered[published.name] = self._remembered[published.number] = (now, listed)
        if connection is not None:
            self._keep((published.organization, connection.number), (now, connection))

    async def _listed(self, published: Published | None) -> Listed | None:
        if published is None:
            return None
        organization = await self.organizations.by_number(published.organization)
        if organization is None:
            return None
        sign_in = published.definition.sign_in
        connection = None
        if sign_in is not None:
            connection = await self.connections.by_name(published.organization, sign_in.connection)
        return Listed(published, organization, connection)

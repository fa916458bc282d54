"""What the store of an installation has, for journeys."""

from entracte.participation.model import Entry
from entracte.store.opened import Store
from tests.installation import Installation


def entries_of(installation: Installation, campaign: str) -> list[Entry]:
    """The entries of a campaign, latest first."""

    async def read(store: Store) -> list[Entry]:
        published = await store.campaigns.by_name(campaign)
        assert published is not None
        return await store.participations.latest_entries(published.organization, published.number, 100)

    return installation.work(read)

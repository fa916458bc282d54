"""The store, opened: everything that is kept, behind the Protocols of the domains."""

from sqlalchemy import Engine

from entracte.store import schema
from entracte.store.campaigns import StoredCampaigns
from entracte.store.commits import READERS, Commits
from entracte.store.connections import StoredConnections
from entracte.store.drafts import StoredDrafts
from entracte.store.engine import is_memory, open_engine
from entracte.store.kept_answers import StoredAnswers
from entracte.store.organizations import StoredMembers, StoredOrganizations
from entracte.store.participations import StoredParticipations
from entracte.store.provider_sessions import StoredProviderSessions
from entracte.store.records import StoredRecords
from entracte.store.tallies import StoredTallies
from entracte.store.tokens import StoredTokens


class Store:
    """One database. Between `start` and `stop` its parts can be used."""

    def __init__(self, engine: Engine, commits: Commits) -> None:
        self._engine = engine
        self.commits = commits
        self.organizations = StoredOrganizations(commits)
        self.members = StoredMembers(commits)
        self.connections = StoredConnections(commits)
        self.campaigns = StoredCampaigns(commits)
        self.drafts = StoredDrafts(commits)
        self.participations = StoredParticipations(commits)
        self.provider_sessions = StoredProviderSessions(commits)
        self.tallies = StoredTallies(commits)
        self.records = StoredRecords(commits)
        self.tokens = StoredTokens(commits)
        self.kept_answers = StoredAnswers(commits)

    @classmethod
    def open(cls, url: str) -> "Store":
        """For `sqlite:///path`, `postgresql://…`, or `sqlite://`: in memory, with its tables, gone at `stop`.

        Connects to nothing yet, but in memory. LocalError `database_url_unknown`.
        """
        engine = open_engine(url, connections=READERS + 2)
        if is_memory(engine):
            schema.migrate_engine(engine)  # nobody else could
        return cls(engine, Commits(engine))

    def check_schema(self) -> None:
        """LocalError `schema_missing`, `schema_older`, `schema_newer`, `database_too_old` or `store_unavailable`.

        Waits for the database: at the start of a program, before anything else runs in its loop.
        """
        schema.check(self._engine)

    async def start(self) -> None:
        """Begin to accept changes and reads."""
        await self.commits.start()

    async def stop(self) -> None:
        """Accept nothing more, finish what was accepted, close every connection."""
        await self.commits.stop()
        self.close()

    def close(self) -> None:
        """Close every connection. After `stop`, or where nothing was started."""
        self._engine.dispose()

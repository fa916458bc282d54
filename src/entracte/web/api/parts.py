"""What the resources of the REST API call."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from entracte.campaigns.drafts import Drafts
from entracte.campaigns.model import Campaigns
from entracte.connections.addresses import CALLBACK
from entracte.connections.metadata import InsecureAllowed
from entracte.connections.metadata_memory import MetadataMemory
from entracte.connections.model import Connections
from entracte.connections.providers import Fetch
from entracte.organizations.model import Organizations
from entracte.organizations.tokens import Tokens
from entracte.participation.records import Records
from entracte.protocol.seal import SealKeys
from entracte.statistics.tallies import Tallies
from entracte.values import Clock, Entropy, OrganizationNumber
from entracte.web.allowance import Allowances


class KnownKey(Protocol):
    """What is known of a key: see `store.kept_answers.Claim`."""

    @property
    def is_ours(self) -> bool: ...
    @property
    def fingerprint(self) -> bytes: ...
    @property
    def status(self) -> int | None: ...
    @property
    def sealed_answer(self) -> str | None: ...


class KeptAnswers(Protocol):
    """What keeps answers by key: see `store.kept_answers.StoredAnswers`."""

    async def claim(
        self, organization: OrganizationNumber, key: str, fingerprint: bytes, at: int, keep: int, patience: int
    ) -> KnownKey: ...
    async def keep(
        self, organization: OrganizationNumber, key: str, fingerprint: bytes, status: int, sealed_answer: str
    ) -> None: ...
    async def release(self, organization: OrganizationNumber, key: str, fingerprint: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Everything below the API, and what the installation is called. `oauth_url` is the address of the OAuth
    service."""

    organizations: Organizations
    tokens: Tokens
    connections: Connections
    campaigns: Campaigns
    drafts: Drafts
    records: Records
    tallies: Tallies
    kept_answers: KeptAnswers
    allowances: Allowances
    keys: SealKeys
    clock: Clock
    entropy: Entropy
    fetch: Fetch
    insecure_allowed: InsecureAllowed
    metadata: MetadataMemory
    public_url: str
    oauth_url: str

    @property
    def redirect_uri(self) -> str:
        """The fixed redirect URI of the installation."""
        return f"{self.oauth_url}{CALLBACK}"

    def new_id(self) -> UUID:
        """For a token: random (RFC 9562 section 5.4)."""
        return UUID(bytes=self.entropy(16), version=4)

"""Discovery asked again: seldom, together, and with the last good document while a server is down; and a change of an
address is a member's decision."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from entracte.connections.configuration import configure
from entracte.connections.manage import add, named
from entracte.connections.metadata import ENDPOINTS
from entracte.connections.metadata_memory import (
    NEEDS_APPROVAL,
    MetadataMemory,
    compare,
    differences,
    refresh,
)
from entracte.connections.profiles import Profile
from entracte.connections.providers import REFETCH_INTERVAL, STALE_MAXIMUM
from entracte.errors import LocalError
from entracte.organizations.model import Brand
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret
from tests.connections.relying import KEYS, Relying
from tests.misbehaving_provider import MisbehavingProvider

NAMED = {"name": "northwind", "title": "Northwind", "client_id": "us"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000

    def __call__(self) -> int:
        return self.now


class Town:
    """A kept connection, its server, and a memory of its metadata."""

    def __init__(self, store: Store, relying: Relying) -> None:
        self.store = store
        self.relying = relying
        self.clock = Clock()
        self.memory = MetadataMemory(relying.fetcher, relying.fetcher.insecure_allowed, self.clock)
        self.owner = OrganizationNumber(0)

    @property
    def provider(self) -> MisbehavingProvider:
        return self.relying.provider

    async def begin(self) -> None:
        self.owner = (await self.store.organizations.add("northwind", "Northwind", Brand(), "sealed")).number
        fetcher = self.relying.fetcher
        config = await configure({**NAMED, "issuer": self.provider.issuer}, fetcher, fetcher.insecure_allowed)
        await add(self.store.connections, self.owner, config, Secret("one"), KEYS)
        self.provider.requests.clear()

    def later(self, seconds: int = REFETCH_INTERVAL) -> None:
        self.clock.now += seconds

    async def refresh(self, *keep: str, approve: bool = False) -> None:
        compared = await compare(self.store.connections, self.owner, "northwind", self.memory)
        allowed = self.relying.fetcher.insecure_allowed
        await refresh(self.store.connections, compared, KEYS, allowed, 5, approve=approve, keep=keep)

    def asked(self) -> int:
        return len(self.provider.requests)


@pytest.fixture
async def town(relying: Relying) -> AsyncIterator[Town]:
    store = Store.open("sqlite://")
    await store.start()
    town = Town(store, relying)
    await town.begin()
    yield town
    await store.stop()


@pytest.mark.conformance("MUST 44")
async def test_an_issuer_is_asked_seldom_and_once_for_all(town: Town) -> None:
    issuer = town.provider.issuer
    known = await asyncio.gather(*(town.memory.ask(town.owner, issuer, openid=True) for _ in range(5)))
    assert town.asked() == 1
    assert all(one.metadata == known[0].metadata for one in known)
    town.later(REFETCH_INTERVAL - 1)
    await town.memory.ask(town.owner, issuer, openid=True)
    assert town.asked() == 1
    town.later()
    await town.memory.ask(town.owner, issuer, openid=True)
    assert town.asked() == 2


@pytest.mark.conformance("MUST 44")
async def test_the_last_good_document_answers_while_a_server_is_down(town: Town) -> None:
    issuer = town.provider.issuer
    good = await town.memory.ask(town.owner, issuer, openid=True)
    town.provider.misbehaviour = "discovery_500"
    town.later()
    stale = await town.memory.ask(town.owner, issuer, openid=True)
    assert stale.metadata == good.metadata
    assert stale.fetched_at == good.fetched_at
    assert stale.refusal is not None
    assert stale.refusal.reason is Reason.PROVIDER_ERROR
    town.later(STALE_MAXIMUM)
    with pytest.raises(Refused):
        await town.memory.ask(town.owner, issuer, openid=True)
    town.provider.misbehaviour = ""
    town.later()
    assert (await town.memory.ask(town.owner, issuer, openid=True)).refusal is None


async def test_a_refusal_is_remembered_too(town: Town) -> None:
    town.provider.misbehaviour = "discovery_500"
    for _ in range(3):
        with pytest.raises(Refused):
            await town.memory.ask(town.owner, town.provider.issuer, openid=True)
    assert town.asked() == 1


@pytest.mark.conformance("MUST 45")
@pytest.mark.parametrize("misbehaviour", ["discovery_wrong_issuer", "discovery_slash_issuer", "discovery_upper_issuer"])
async def test_another_issuer_is_refused_and_nothing_older_answers_for_it(town: Town, misbehaviour: str) -> None:
    await town.memory.ask(town.owner, town.provider.issuer, openid=True)
    town.provider.misbehaviour = misbehaviour
    town.later()
    with pytest.raises(Refused) as refused:
        await town.memory.ask(town.owner, town.provider.issuer, openid=True)
    assert refused.value.reason is Reason.METADATA_ISSUER


async def test_who_asks_is_cut_off(town: Town) -> None:
    asking = asyncio.create_task(town.memory.ask(town.owner, town.provider.issuer, openid=True))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises(Refused) as refused:
        await town.memory.ask(town.owner, town.provider.issuer, openid=True)
    assert refused.value.reason is Reason.PROVIDER_UNREACHABLE


async def test_nothing_is_different(town: Town) -> None:
    compared = await compare(town.store.connections, town.owner, "northwind", town.memory)
    assert compared.differences == ()


@pytest.mark.conformance("MUST 47")
@pytest.mark.parametrize("setting", ENDPOINTS)
async def test_an_address_that_gets_something_is_approved(town: Town, setting: str) -> None:
    """RFC 9700 section 4.4: nothing is taken over before, and no address of the new server is asked."""
    before = await named(town.store.connections, town.owner, "northwind")
    moved = "https://other.example/moved"
    town.provider.metadata = {setting: moved}
    with pytest.raises(LocalError) as refused:
        await town.refresh()
    assert [(one.code, one.where) for one in refused.value.problems] == [("connection_approval_missing", setting)]
    assert await named(town.store.connections, town.owner, "northwind") == before
    town.later()
    await town.refresh(approve=True)
    after = (await named(town.store.connections, town.owner, "northwind")).config
    assert getattr(after, setting) == moved


@pytest.mark.conformance("MUST 47")
def test_whatever_discovery_can_move_has_a_reason_to_be_approved() -> None:
    assert set(NEEDS_APPROVAL) == {*ENDPOINTS, "issuer_in_response"}
    assert all(NEEDS_APPROVAL.values())


async def test_some_changes_are_taken_over_and_some_are_kept(town: Town) -> None:
    issuer = town.provider.issuer
    town.provider.metadata = {"end_session_endpoint": f"{issuer}/end", "token_endpoint": f"{issuer}/other"}
    await town.refresh("token_endpoint", approve=True)
    config = (await named(town.store.connections, town.owner, "northwind")).config
    assert config.end_session_endpoint == f"{issuer}/end"
    assert config.token_endpoint == f"{issuer}/token"


async def test_a_defence_is_not_dropped_without_a_word(town: Town) -> None:
    town.provider.metadata = {"authorization_response_iss_parameter_supported": False}
    with pytest.raises(LocalError, match="connection_approval_missing"):
        await town.refresh()


async def test_an_old_document_is_not_taken_over(town: Town) -> None:
    town.provider.metadata = {"end_session_endpoint": f"{town.provider.issuer}/end"}
    await town.memory.ask(town.owner, town.provider.issuer, openid=True)
    town.provider.misbehaviour = "discovery_500"
    town.later()
    with pytest.raises(LocalError, match="connection_metadata_stale"):
        await town.refresh(approve=True)


async def test_an_internal_address_is_refused_approved_or_not(town: Town) -> None:
    """MUST 37: endpoints from discovery are checked each time."""
    town.provider.misbehaviour = "discovery_internal_token_endpoint"
    with pytest.raises(Refused) as refused:
        await town.refresh(approve=True)
    assert refused.value.reason is Reason.METADATA_MALFORMED


async def test_a_connection_without_an_issuer(town: Town) -> None:
    settings = {
        **NAMED, "name": "plain", "authorization_endpoint": "https://login.example/a",
        "token_endpoint": "https://login.example/t", "userinfo_endpoint": "https://login.example/u",
        "scopes": ["profile"],
    }  # fmt: skip
    config = await configure(settings, town.relying.fetcher, lambda host: False)
    await add(town.store.connections, town.owner, config, Secret("one"), KEYS)
    with pytest.raises(LocalError, match="connection_without_discovery"):
        await compare(town.store.connections, town.owner, "plain", town.memory)
    with pytest.raises(LocalError, match="connection_unknown"):
        await compare(town.store.connections, town.owner, "nobody", town.memory)


async def test_what_a_profile_fixes_is_not_for_discovery_to_say(town: Town) -> None:
    town.provider.metadata = {"authorization_response_iss_parameter_supported": False}
    known = await town.memory.ask(town.owner, town.provider.issuer, openid=True)
    config = (await named(town.store.connections, town.owner, "northwind")).config
    assert [one.setting for one in differences(config, known.metadata)] == ["issuer_in_response"]
    strict = config.model_copy(update={"profile": Profile.FAPI2_SECURITY})
    assert differences(strict, known.metadata) == ()


@pytest.mark.conformance("MUST 42")
async def test_who_finds_no_place_speaks_for_nobody_else() -> None:
    """An organization whose names hang is refused before a server is asked: others ask at once."""
    asked: list[str] = []

    async def fetch(request: HttpRequest) -> HttpResponse:
        asked.append(request.asked_by)
        raise refuse(Reason.PROVIDER_BUSY if request.asked_by == "1" else Reason.PROVIDER_TIMEOUT)

    memory = MetadataMemory(fetch, lambda host: False, Clock())
    for organization, reason in ((1, Reason.PROVIDER_BUSY), (1, Reason.PROVIDER_BUSY), (2, Reason.PROVIDER_TIMEOUT)):
        with pytest.raises(Refused) as refused:
            await memory.ask(OrganizationNumber(organization), "https://login.example", openid=True)
        assert refused.value.reason is reason
    assert asked == ["1", "2"]

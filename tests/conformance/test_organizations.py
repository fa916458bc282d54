"""Two organizations at one installation, often at the same server: nothing of one is of use at the other."""

import base64
import hmac
import inspect
import re
from dataclasses import fields, is_dataclass, replace
from hashlib import md5, sha1, sha256, sha512
from typing import Any, get_args, get_type_hints
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit
from uuid import uuid4

import pytest

from entracte.connections import manage
from entracte.connections.client_secrets import Place, secret_of
from entracte.connections.manage import named
from entracte.connections.metadata_memory import Compared, MetadataMemory, compare, refresh
from entracte.connections.model import Connection
from entracte.errors import LocalError
from entracte.fetch import Fetcher, OutboundAllow
from entracte.organizations import tokens
from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Organizations, Role
from entracte.organizations.tokens import Scope
from entracte.protocol.errors import Reason, Refused
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret, entropy, now
from tests.api.programs import Program
from tests.conformance.stage import Stage, back, follow, state_of, there
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.misbehaving_provider.model import Client
from tests.store.test_apart import DIRECTORY, MAKES, READS
from tests.web.running import Running, running

MARKED = "canary-of-a-client-secret"
THEIRS = Client("their client", "their secret")


@pytest.fixture(scope="module")
def their_site(site: Running) -> Running:
    """The same installation, of another organization."""
    keys = site.program.keys
    other = site.work(lambda store: add_organization(store.organizations, "other", "Other", Brand(), keys, entropy))
    return replace(site, organization=other)


@pytest.fixture
def theirs(stage: Stage, their_site: Running) -> Stage:
    """Their campaign at the same server, where they are another client with another secret."""
    made = Stage(their_site, stage.provider)
    kept = made.connect(client_id=THEIRS.id)
    stage.provider.registered[THEIRS.id] = THEIRS
    set_secret(made, kept, THEIRS.secret)
    return made


def set_secret(stage: Stage, kept: Connection, secret: str) -> None:
    async def work(store: Store) -> None:
        of, name = kept.organization, kept.config.name
        await manage.add_secret(store.connections, of, name, Secret(secret), stage.site.program.keys, now())
        await manage.remove_secret(store.connections, of, name, Place.PREVIOUS)

    stage.site.work(work)


def proofs(provider: MisbehavingProvider) -> list[tuple[str, str]]:
    """Client and secret of each token request."""
    found = []
    for call in provider.calls("/token"):
        raw = base64.b64decode(call.headers["authorization"].partition(" ")[2]).decode()
        name, _, secret = raw.partition(":")
        found.append((unquote_plus(name), unquote_plus(secret)))
    return found


@pytest.mark.conformance("MUST 49")
def test_one_server_two_clients_and_nothing_in_common(stage: Stage, theirs: Stage) -> None:
    """Each proves itself by its own secret; one account has another mark at each; a token for one is none at the
    other. The document with the server's keys may be one."""
    stage.connect()
    marks = set()
    for side in (stage, theirs):
        browser, _callback, returned = side.sign_in()
        assert returned.path == f"{side.campaign}/details"
        marks.add(there(side.participation(browser).profile).person)
    assert len(marks) == 2
    assert proofs(stage.provider) == [
        (stage.provider.client_id, stage.provider.client_secret),
        (THEIRS.id, THEIRS.secret),
    ]
    assert len(stage.provider.calls("/jwks")) <= 2
    stage.provider.misbehaviour = "wrong_aud"
    for side in (stage, theirs):
        assert side.refused()[0] == Reason.TOKEN_AUDIENCE.code


@pytest.mark.conformance("BAD 27", "MUST 49")
def test_one_account_has_another_mark_at_each_organization_and_installation(
    stage: Stage, theirs: Stage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each is keyed: it stays the same for one organization, and no hash without its key is one of them."""
    stage.connect()
    with running(tmp_path_factory.mktemp("another")) as another:
        elsewhere = Stage(another, stage.provider)
        elsewhere.connect()
        marks = [mark_of(side) for side in (stage, theirs, elsewhere)]
    assert len(set(marks)) == 3
    assert mark_of(stage) == marks[0]
    texts = [stage.provider.issuer, str(stage.provider.person["sub"])]
    known = [*texts, *("".join((first, joint, last)) for first, last in (texts, texts[::-1]) for joint in JOINTS)]
    assert not {hash_(text.encode()).digest() for text in known for hash_ in (md5, sha1, sha256, sha512)} & {*marks}
    keyed_by_what_is_known = {hmac.digest(key.encode(), text.encode(), sha256) for key in known for text in known}
    assert not keyed_by_what_is_known & {*marks}


JOINTS = ("", "\0", ":", "|", "/", " ", "\n")


def mark_of(side: Stage) -> bytes:
    """What is kept of the login's person after a sign-in in a new browser."""
    browser, _callback, returned = side.sign_in()
    assert returned.path == f"{side.campaign}/details"
    return there(side.participation(browser).profile).person


@pytest.mark.conformance("MUST 49", "MUST 51")
def test_a_secret_of_one_opens_for_no_other(stage: Stage, theirs: Stage) -> None:
    """Each is sealed under a key of its organization: not even the server's own keys open it for another."""
    mine, keys = stage.connect(), stage.site.program.keys
    assert secret_of(mine, keys).reveal() == stage.provider.client_secret
    with pytest.raises(Refused):
        secret_of(replace(mine, organization=theirs.site.organization.number), keys)


@pytest.mark.conformance("MUST 48")
def test_a_code_of_one_with_the_state_of_the_other(stage: Stage, theirs: Stage) -> None:
    """In both directions, each in the browser that began the state's sign-in: who redeems is the state's client, and
    the server does not give to it what another one was promised."""
    stage.connect()
    for mine, other in ((stage, theirs), (theirs, stage)):
        browser, address = mine.at_the_login()
        _other_browser, other_address = other.at_the_login()
        code = parse_qs(urlsplit(back(other_address)).query)["code"][0]
        mixed = urlencode({"state": state_of(address), "code": code, "iss": stage.provider.issuer})
        follow(browser, f"/oauth/callback?{mixed}")
        assert mine.attempt(address).reason == Reason.TOKEN_REFUSED.code
        assert mine.participation(browser).profile is None


@pytest.mark.conformance("MUST 48")
def test_a_state_leads_to_its_own_campaign_whatever_the_way_back_says(stage: Stage, theirs: Stage) -> None:
    """The state names a campaign, and a campaign is of one organization; under the address of another organization's
    campaign, with its own key, it is nobody's."""
    stage.connect()
    browser, address = stage.at_the_login()
    way_back = browser.get(back(address)).path
    assert way_back.startswith(f"{stage.campaign}/")
    browser.answer_questions(theirs.campaign)
    answer = browser.get(way_back.replace(stage.campaign, theirs.campaign))
    assert (answer.status, stage.asked()) == (400, [])
    assert theirs.participation(browser).profile is None
    assert browser.get(way_back).path == f"{stage.campaign}/details"


@pytest.mark.conformance("MUST 48")
@pytest.mark.parametrize("kept_by", READS)
def test_every_lookup_begins_with_an_organization(kept_by: type) -> None:
    """As a number, or in what is looked up: the rooms can not ask the store without saying whose it is. What they find
    an organization by is a short list, and nobody makes one inside another. That each method looks at what it is told,
    `tests/store/test_apart.py` shows."""
    ways_in = DIRECTORY.get(kept_by, frozenset()) | (MAKES[kept_by] if kept_by is Organizations else frozenset())
    methods = {
        name: method
        for name, method in inspect.getmembers(kept_by, inspect.isfunction)
        if not name.startswith("_") and name not in ways_in
    }
    assert methods
    for name, method in methods.items():
        first = next(iter(get_type_hints(method).values()))
        given = (*get_args(first), first)[0]
        held = {field.name for field in fields(given)} if is_dataclass(given) else set()
        assert given is OrganizationNumber or "organization" in held, name


@pytest.mark.conformance("MUST 51")
def test_a_secret_is_read_nowhere(stage: Stage) -> None:
    """Neither in the API, where it was told, nor in the manager, nor on the disk; two can be kept, so that none is
    missed while the server changes from one to the next."""
    kept, site = stage.connect(), stage.site
    number, name = site.organization.number, kept.config.name
    scopes = [scope.value for scope in Scope]

    async def prepare(store: Store) -> str:
        await add_member(store.members, number, "member@northwind.example", Role.OWNER, Secret("correct horse battery"))
        made = await tokens.create(store.tokens, number, "t", scopes, 1, now(), entropy, uuid4())
        return made.text.reveal()

    program = Program(site.port, site.work(prepare))
    told = [program("POST", f"/connections/{name}/secrets", json={"client_secret": MARKED})]
    told += [program("GET", f"/connections{path}") for path in ("", f"/{name}", f"/{name}/secrets")]
    assert [answer.status_code for answer in told] == [201, 200, 200, 200]
    assert len(told[3].json()["items"]) == 2
    member = site.browser()
    signed_in = [("email", "member@northwind.example"), ("password", "correct horse battery")]
    assert member.post("/manage/sign-in", signed_in).status == 303
    shown = [answer.text for answer in told] + [member.get(f"/manage{path}").body for path in ("", stage.campaign[2:])]
    files = b"".join(path.read_bytes() for path in site.database.parent.glob("entracte.sqlite3*"))
    for secret in (MARKED, stage.provider.client_secret):
        assert not [text for text in shown if secret in text]
        assert secret.encode() not in files
    after = site.work(lambda store: named(store.connections, number, name))
    assert secret_of(after, site.program.keys).reveal() == MARKED
    assert stage.sign_in()[2].path == f"{stage.campaign}/details", "the server knows the one before, and it still works"


@pytest.mark.conformance("MUST 47")
async def test_where_our_proof_goes_changes_by_approval_alone(site: Running) -> None:
    """Discovery names another token endpoint from now on. Sign-ins go on at the one that a member approved; taking the
    new one over needs a word, and without it nothing changes."""
    store = Store.open(site.program.settings.database_url.get_secret_value())
    fetcher = Fetcher(OutboundAllow.parse("127.0.0.1"))
    await store.start()
    await fetcher.start()
    try:
        async with MisbehavingProvider() as provider, MisbehavingProvider() as hostile:
            kept = await _connected(site, store, provider)
            provider.metadata = {"token_endpoint": f"{hostile.issuer}/token"}
            compared = await _compared(site, store, fetcher, kept)
            assert {one.setting for one in compared.differences if one.why} >= {"token_endpoint"}
            taking = (store.connections, compared, site.program.keys, fetcher.insecure_allowed, now())
            with pytest.raises(LocalError, match="connection_approval_missing"):
                await refresh(*taking, approve=False)
            again = await named(store.connections, kept.organization, kept.config.name)
            assert again.config.token_endpoint == f"{provider.issuer}/token"
            assert hostile.requests == []
            approved = await refresh(*taking, approve=True)
            assert approved.config.token_endpoint == f"{hostile.issuer}/token"
    finally:
        await fetcher.stop()
        await store.stop()


async def _connected(site: Running, store: Store, provider: MisbehavingProvider) -> Connection:
    given = {
        "name": "moving", "title": "Moving", "issuer": provider.issuer, "client_id": "c", "issuer_in_response": True,
        "authorization_endpoint": f"{provider.issuer}/authorize", "token_endpoint": f"{provider.issuer}/token",
        "jwks_uri": f"{provider.issuer}/jwks",
    }  # fmt: skip
    config, number = manage.read_config(given, lambda _: True), site.organization.number
    return await manage.add(store.connections, number, config, Secret("s"), site.program.keys)


async def _compared(site: Running, store: Store, fetcher: Fetcher, kept: Connection) -> Compared:
    memory = MetadataMemory(fetcher, fetcher.insecure_allowed, now)
    return await compare(store.connections, kept.organization, kept.config.name, memory)


@pytest.mark.conformance("MUST 47", "MUST 9")
def test_a_proof_goes_to_the_approved_endpoint_whatever_discovery_says_now(stage: Stage) -> None:
    stage.connect()
    with served_misbehaving_provider() as hostile:
        stage.provider.metadata = {"token_endpoint": f"{hostile.issuer}/token", "jwks_uri": f"{hostile.issuer}/jwks"}
        _browser, _callback, returned = stage.sign_in()
        assert returned.path == f"{stage.campaign}/details"
        assert hostile.requests == []
    assert stage.asked() == ["/token", "/jwks"]


@pytest.fixture
def generous(stage: Stage) -> Stage:
    """A login that gives refresh tokens, whether or not somebody asks for them."""
    stage.provider.refresh_tokens = True
    return stage


@pytest.mark.conformance("MUST 60")
@pytest.mark.parametrize("settings", [{}, {"refresh_tokens": True}, {"sign_out": True}], ids=str)
def test_no_token_stays_after_the_sign_in(generous: Stage, settings: dict[str, Any]) -> None:
    """Redeemed, read, and gone: no token is on the disk, also where a connection takes refresh tokens, which live as
    long as the sign-in. Where people sign out at the server, the ID token is kept for that alone, and sealed."""
    stage = generous
    if settings.get("sign_out"):
        settings = {**settings, "end_session_endpoint": f"{stage.provider.issuer}/end_session"}
    stage.openid(**settings)
    browser, _callback, returned = stage.sign_in()
    assert "ada@northwind.example" in browser.get(returned.path).body
    given = [*stage.provider.access_tokens, *stage.provider.refresh_grants, *stage.provider.grants]
    assert len(given) >= 2
    files = b"".join(path.read_bytes() for path in stage.site.database.parent.glob("entracte.sqlite3*"))
    for token in given:
        assert token.encode() not in files
    assert not re.search(rb"eyJ[A-Za-z0-9_-]{8,}\.", files), "and no signed token"


@pytest.mark.conformance("MUST 60")
def test_a_refresh_token_is_used_only_where_the_connection_says_so(generous: Stage) -> None:
    """And at the end it is revoked, where the connection says that."""
    generous.openid()
    generous.sign_in()
    assert {call.form["grant_type"] for call in generous.provider.calls("/token")} == {"authorization_code"}
    assert generous.provider.refresh_grants
    generous.openid(refresh_tokens=True, revoke_tokens=True, revocation_endpoint=f"{generous.provider.issuer}/revoke")
    before = set(generous.provider.refresh_grants)
    generous.sign_in()
    assert generous.asked()[-1] == "/revoke"
    assert set(generous.provider.refresh_grants) <= before

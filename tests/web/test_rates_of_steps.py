"""MUST 52, as a table over HTTP: each step of a sign-in, from one address, of one organization, and at one server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from types import MappingProxyType
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest

from entracte.campaigns.draft import read_draft
from entracte.campaigns.model import Published
from entracte.connections import manage
from entracte.connections.addresses import client_address
from entracte.connections.model import Connection, ConnectionConfig
from entracte.organizations.manage import add_organization
from entracte.organizations.model import Brand, Organization
from entracte.protocol.state import StateContent, seal_state
from entracte.store.opened import Store
from entracte.values import AttemptNumber, ParticipationId, Secret, entropy, now
from entracte.web.rates import PER_REQUEST_OBJECT
from tests.web.running import FORM, PUBLIC, Answer, Browser, Header, Running, running

LIMIT = 2
NUMBERS = count(1)
DRAFT = """
campaign: {name}
title: Sign in
languages: [en]
sign_in: {{connection: login}}
steps:
  - {{kind: welcome, key: hello, title: Hello}}
  - kind: form
    key: details
    title: Details
    fields: [{{key: email, kind: email, label: E-mail, prefill: email, required: true}}]
  - {{kind: thanks, key: thanks, title: Thank you}}
"""


@dataclass
class Place:
    """A campaign of an organization, at a server. Nobody asks the server: it has no address."""

    site: Running
    organization: Organization
    connection: Connection
    published: Published

    @property
    def campaign(self) -> str:
        return f"/c/{self.published.name}"

    @property
    def client(self) -> str:
        return client_address(self.connection, "")

    @cached_property
    def browser(self) -> Browser:
        """Somebody who takes part."""
        browser = self.site.browser()
        browser.get(self.campaign)
        assert browser.post(f"{self.campaign}/hello").path == f"{self.campaign}/sign-in"
        return browser

    @cached_property
    def request(self) -> str:
        """The path of a request that the server is told to fetch."""
        [address] = parse_qs(urlsplit(self.browser.go_to_the_login(self.campaign)).query)["request_uri"]
        return address.removeprefix(PUBLIC)

    def answer(self) -> list[tuple[str, str]]:
        """What the server sends back for a sign-in that another browser began."""
        content = StateContent(
            self.published.number, self.connection.number, ParticipationId(uuid4()), AttemptNumber(1), now()
        )
        state = seal_state(content, self.site.program.keys)
        return [("state", state), ("code", "x"), ("iss", self.connection.config.issuer)]


Act = Callable[[Place, Header], Answer]


def _get(place: Place, path: str, source: Header, parameters: Sequence[tuple[str, str]] = ()) -> Answer:
    return place.site.ask(f"{path}?{urlencode(parameters)}" if parameters else path, headers=[source])


def _post(place: Place, path: str, source: Header, parameters: Sequence[tuple[str, str]]) -> Answer:
    return place.site.ask(path, "POST", [FORM, source], urlencode(parameters).encode())


def _issuer(place: Place) -> tuple[str, str]:
    return "iss", place.connection.config.issuer


@dataclass(frozen=True)
class Step:
    """How one is taken, the status of one that is admitted, and by what it is counted."""

    act: Act
    status: int
    counted_by: frozenset[str] = frozenset({"address", "organization", "server"})


STEPS: Mapping[str, Step] = MappingProxyType({
    "start": Step(lambda at, source: at.browser.post(f"{at.campaign}/sign-in", headers=[source]), 303),
    "initiate": Step(lambda at, source: _get(at, f"{at.client}/initiate-login", source, [_issuer(at)]), 303),
    "callback": Step(lambda at, source: _get(at, "/oauth/callback", source, at.answer()), 303),
    "fragment": Step(lambda at, source: _post(at, "/oauth/callback/fragment", source, at.answer()), 303),
    "return": Step(lambda at, source: _get(at, f"{at.campaign}/sign-in/return", source, at.answer()), 400),
    "sign-out": Step(lambda at, source: at.browser.post(f"{at.campaign}/sign-out", headers=[source]), 303),
    # no server is asked
    "session changed": Step(
        lambda at, source: at.browser.post(f"{at.campaign}/sign-out/changed", headers=[source]),
        303,
        frozenset({"address", "organization"}),
    ),
    # of no sign-out that we know: it is told that all is done
    "signed-out": Step(lambda at, source: _get(at, "/oauth/signed-out", source), 200, frozenset({"address"})),
    "front-channel": Step(
        lambda at, source: _get(at, f"{at.client}/front-channel-logout", source, [_issuer(at), ("sid", "s")]), 200
    ),
    # counted for an address because it is refused
    "back-channel": Step(lambda at, source: _post(at, f"{at.client}/back-channel-logout", source, []), 400),
    "request object, broken": Step(
        lambda at, source: _get(at, f"{at.client}/requests/x", source), 404, frozenset({"address"})
    ),
    "request object": Step(
        lambda at, source: _get(at, at.request, source), 200, frozenset({"organization", "server"})
    ),
})  # fmt: skip


def counted_by(kind: str) -> list[str]:
    return [name for name, step in STEPS.items() if kind in step.counted_by]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Running]]:
    """Three installations: each has one limit that is small."""
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(
                running(
                    tmp_path_factory.mktemp(kind),
                    trusted_proxies="127.0.0.1",
                    **{f"sign_ins_per_minute_per_{kind}": LIMIT},
                )
            )
            for kind in ("address", "organization", "server")
        }


def somewhere() -> Header:
    """A public address that nobody has had."""
    number = next(NUMBERS)
    return "X-Forwarded-For", f"9.9.{number // 250}.{number % 250 + 1}"


def places(site: Running, *servers: str, organization: Organization | None = None) -> list[Place]:
    """A campaign at each of these servers, each of an organization of its own where none is given."""

    async def add(store: Store) -> list[Place]:
        return [await _place(site, store, server, organization) for server in servers]

    return site.work(add)


async def _place(site: Running, store: Store, server: str, organization: Organization | None) -> Place:
    name, keys = f"place-{next(NUMBERS)}", site.program.keys
    owner = organization or await add_organization(store.organizations, name, name, Brand(mark="♪"), keys, entropy)
    connection = "login" if organization is None else name
    config = ConnectionConfig.model_validate(
        {
            "name": connection,
            "title": "Login",
            "client_id": "us",
            "issuer": f"{server}/{name}",
            "authorization_endpoint": f"{server}/authorize",
            "token_endpoint": f"{server}/token",
            "jwks_uri": f"{server}/jwks",
            "end_session_endpoint": f"{server}/end",
            "check_session_iframe": f"{server}/check",
            "issuer_in_response": True,
            "request_object": "reference",
            "sign_out": True,
            "single_logout": True,
            "watch_session": True,
        }
    )
    kept = await manage.add(store.connections, owner.number, config, Secret("secret"), keys, now())
    draft = DRAFT.format(name=name).replace("{connection: login}", f"{{connection: {connection}}}")
    return Place(site, owner, kept, await store.campaigns.publish(owner.number, read_draft(draft), now()))


def a_server() -> str:
    return f"https://login-{next(NUMBERS)}.example"


def is_too_often(answer: Answer) -> bool:
    """The calm page, at an address that may hold a code."""
    if answer.status != 429:
        return False
    assert "Your answers are safe." in answer.body
    assert "sign_ins_too_many" in answer.body
    assert answer["referrer-policy"] == "no-referrer"
    assert 1 <= int(answer["retry-after"]) <= 60
    return True


@pytest.mark.conformance("MUST 52")
@pytest.mark.parametrize("name", counted_by("address"))
def test_one_address_may_so_often_and_another_is_not_held_up(sites: Mapping[str, Running], name: str) -> None:
    step, source = STEPS[name], somewhere()
    [place] = places(sites["address"], a_server())
    answers = [step.act(place, source) for _ in range(LIMIT + 1)]
    assert [answer.status for answer in answers] == [step.status] * LIMIT + [429]
    assert is_too_often(answers[-1])
    assert step.act(place, somewhere()).status == step.status


@pytest.mark.conformance("MUST 52")
@pytest.mark.parametrize("name", counted_by("organization"))
def test_one_organization_may_so_often_and_another_is_not_held_up(sites: Mapping[str, Running], name: str) -> None:
    step, server = STEPS[name], a_server()
    one, other = places(sites["organization"], server, server)
    answers = [step.act(one, somewhere()) for _ in range(LIMIT + 1)]
    assert [answer.status for answer in answers] == [step.status] * LIMIT + [429]
    assert is_too_often(answers[-1])
    assert step.act(other, somewhere()).status == step.status


@pytest.mark.conformance("MUST 52")
@pytest.mark.parametrize("name", counted_by("server"))
def test_at_one_server_so_often_and_another_is_not_held_up(sites: Mapping[str, Running], name: str) -> None:
    """Two organizations at one server share its count, and one of them has a campaign at another server."""
    step, server = STEPS[name], a_server()
    one, other = places(sites["server"], server, server)
    [elsewhere] = places(sites["server"], a_server(), organization=other.organization)
    answers = [step.act(place, somewhere()) for place in (one, other, one, other)]
    assert [answer.status for answer in answers] == [step.status] * LIMIT + [429] * LIMIT
    assert is_too_often(answers[-1])
    assert step.act(elsewhere, somewhere()).status == step.status


def test_who_fetches_for_everybody_is_not_counted_by_address(sites: Mapping[str, Running]) -> None:
    step, source = STEPS["request object"], somewhere()
    [place] = places(sites["address"], a_server())
    assert [step.act(place, source).status for _ in range(3 * LIMIT)] == [200] * 3 * LIMIT


def test_the_request_of_one_sign_in_is_not_made_for_ever(sites: Mapping[str, Running]) -> None:
    step = STEPS["request object"]
    [place] = places(sites["address"], a_server())
    assert [step.act(place, somewhere()).status for _ in range(PER_REQUEST_OBJECT)] == [200] * PER_REQUEST_OBJECT
    assert is_too_often(step.act(place, somewhere()))


def test_our_keys_are_for_everybody(sites: Mapping[str, Running]) -> None:
    """One address asks for all connections at its server."""
    source = somewhere()
    [place] = places(sites["address"], a_server())
    assert [_get(place, f"{place.client}/jwks", source).status for _ in range(3 * LIMIT)] == [200] * 3 * LIMIT


def test_what_is_not_there_is_counted_for_who_looks_for_it(sites: Mapping[str, Running]) -> None:
    [place] = places(sites["address"], a_server())
    source = somewhere()
    for path in ("back-channel-logout", "requests/x"):
        answers = [
            place.site.ask(f"/oauth/clients/1-99999/{path}", "POST" if "logout" in path else "GET", [source])
            for _ in range(LIMIT + 1)
        ]
        assert [answer.status for answer in answers] == [404] * LIMIT + [429]

"""MUST 52: how often sign-ins begin and come back, by address, organization and server; and who is never counted.

Every step, each way of counting it, is in `test_rates_of_steps`."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from urllib.parse import urlencode
from uuid import UUID

import pytest

from entracte.connections.addresses import client_address
from entracte.connections.model import Connection, ConnectionConfig
from entracte.settings import Settings
from entracte.values import AttemptNumber, ConnectionNumber, OrganizationNumber, ParticipationId
from entracte.web.rates import PER_REQUEST_OBJECT, Rates, Step, TooOften, network_of, server_origin
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.web.running import Answer, Browser, Running, redirected, running, target_of

NOW = 1_800_000_000
LIMIT = 3
SOMEBODY, SOMEBODY_ELSE = "8.8.8.8", "9.9.9.9"
BY_SOMEBODY = ("X-Forwarded-For", SOMEBODY)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("8.8.8.8", "8.8.8.8"), ("2606:4700:1:2:3:4:5:6", "2606:4700:1:2::/64"), ("127.0.0.1", ""), ("10.1.2.3", ""),
        ("100.64.0.1", ""), ("fd00::1", ""), ("", ""), ("unix:", ""), ("::ffff:8.8.8.8", "8.8.8.8"),
        ("64:ff9b::8.8.4.4", "8.8.4.4"), ("::ffff:10.1.2.3", ""), ("64:ff9b::7f00:1", ""),
    ],
)  # fmt: skip
def test_an_address_counts_when_it_is_public(address: str, network: str) -> None:
    assert network_of(address) == network


def a_connection(number: int, **addresses: str) -> Connection:
    """Where nothing is said, at a server of its own."""
    server = f"https://login-{number}.example"
    given = {
        "issuer": server,
        "authorization_endpoint": f"{server}/authorize",
        "token_endpoint": f"{server}/token",
        "userinfo_endpoint": f"{server}/userinfo",
        "jwks_uri": f"{server}/jwks",
        **addresses,
    }
    config = ConnectionConfig.model_validate(
        {"name": "login", "title": "Login", "client_id": "us", "profile_source": "userinfo", **given}
    )
    return Connection(OrganizationNumber(1), ConnectionNumber(number), config, "")


@pytest.mark.parametrize(
    ("addresses", "server"),
    [
        ({}, "https://login-1.example"), ({"issuer": "https://SSO.example:443/realms/us"}, "https://sso.example"),
        ({"issuer": "https://sso.example:8443/"}, "https://sso.example:8443"),
        ({"issuer": "", "token_endpoint": "https://api.example/oauth/token"}, "https://api.example"),
    ],
)  # fmt: skip
def test_a_server_is_known_by_its_origin(addresses: dict[str, str], server: str) -> None:
    assert server_origin(a_connection(1, **addresses).config) == server


def test_each_step_organization_and_server_has_its_own_count() -> None:
    rates = Rates(per_organization=LIMIT)
    one, other = OrganizationNumber(1), OrganizationNumber(2)
    for _ in range(LIMIT):
        rates.admit_owner(Step.START, one, a_connection(1), NOW)
    with pytest.raises(TooOften) as refused:
        rates.admit_owner(Step.START, one, a_connection(2), NOW + 20)
    assert (refused.value.problem.code, refused.value.retry_after) == ("sign_ins_too_many", 40)
    rates.admit_owner(Step.CALLBACK, one, a_connection(2), NOW)
    rates.admit_owner(Step.START, other, a_connection(1), NOW)
    rates.admit_owner(Step.START, one, a_connection(1), NOW + 60)


@pytest.mark.conformance("MUST 52")
def test_organizations_share_the_count_of_a_server_and_none_can_use_it_up_alone() -> None:
    """As thousands do at one issuer: what the limit of an organization refuses takes nothing of the others' part."""
    rates = Rates(per_organization=LIMIT, per_server=2 * LIMIT)
    one, other, third = (OrganizationNumber(number) for number in (1, 2, 3))
    shared = "https://login.example"
    at_the_server = [a_connection(number, issuer=f"{shared}/{number}") for number in (1, 2, 3)]
    for attempt in range(10 * LIMIT):
        with suppress(TooOften) if attempt >= LIMIT else nullcontext():
            rates.admit_owner(Step.START, one, at_the_server[0], NOW)
    for _ in range(LIMIT):
        rates.admit_owner(Step.START, other, at_the_server[1], NOW)
    with pytest.raises(TooOften):
        rates.admit_owner(Step.START, third, at_the_server[2], NOW)
    rates.admit_owner(Step.START, third, a_connection(4), NOW)
    rates.admit_owner(Step.START, third, None, NOW)


def test_none_of_the_limits_is_below_what_those_before_it_let_through() -> None:
    rates = Rates()
    limits = [rates.per_address, rates.per_organization, rates.per_server]
    assert limits == sorted(set(limits))
    settings = Settings.model_fields
    assert limits == [
        settings[f"sign_ins_per_minute_per_{who}"].default for who in ("address", "organization", "server")
    ]


def test_the_request_of_one_sign_in_is_made_so_often() -> None:
    rates, participation = Rates(), ParticipationId(UUID(int=1))
    for _ in range(PER_REQUEST_OBJECT):
        rates.admit_request_object(participation, AttemptNumber(1), NOW)
    with pytest.raises(TooOften):
        rates.admit_request_object(participation, AttemptNumber(1), NOW)
    rates.admit_request_object(participation, AttemptNumber(2), NOW)


@pytest.fixture(scope="module")
def provider() -> Iterator[MisbehavingProvider]:
    with served_misbehaving_provider() as serving:
        yield serving


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, provider: MisbehavingProvider) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("rates")
    with running(folder, trusted_proxies="127.0.0.1", sign_ins_per_minute_per_address=LIMIT) as started:
        started.connect(provider)
        started.publish(QUIZ)
        yield started


def is_too_often(answer: Answer) -> bool:
    if answer.status != 429:
        return False
    assert 1 <= int(answer["retry-after"]) <= 60  # what is left of the minute
    assert "Your answers are safe." in answer.body
    return True


@pytest.mark.conformance("MUST 52")
def test_one_address_may_begin_so_often_and_another_is_not_held_up(site: Running) -> None:
    browser = site.browser()
    browser.answer_questions()
    begun = [begin(browser, SOMEBODY) for _ in range(LIMIT + 1)]
    assert [answer.status for answer in begun] == [303] * LIMIT + [429]
    assert is_too_often(begun[-1])
    assert begin(browser, SOMEBODY_ELSE).status == 303
    assert browser.get("/c/quiz").status == 303, "the answers are there, and the campaign goes on"


@pytest.mark.conformance("MUST 52", "BAD 47")
def test_one_address_may_come_back_so_often(site: Running) -> None:
    def come_back(address: str, *more: tuple[str, str]) -> Answer:
        return site.ask("/oauth/callback?state=x&code=y", headers=[("X-Forwarded-For", address), *more])

    assert [come_back(SOMEBODY).status for _ in range(LIMIT)] == [400] * LIMIT
    assert is_too_often(come_back(SOMEBODY))
    assert come_back(SOMEBODY_ELSE).status == 400
    # who puts an address of their own in front of that which the proxy saw does not begin anew
    assert is_too_often(come_back(f"1.1.1.1, {SOMEBODY}"))


def test_behind_a_proxy_that_is_not_named_nobody_is_counted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("proxy"), sign_ins_per_minute_per_address=LIMIT) as started:
        answers = [started.ask("/oauth/callback?state=x&code=y") for _ in range(LIMIT + 2)]
    assert [answer.status for answer in answers] == [400] * (LIMIT + 2)


@pytest.mark.conformance("MUST 52", "MUST 59")
@pytest.mark.parametrize(
    ("trusted", "said"),
    [("127.0.0.1", "{}"), ("127.0.0.0/8, 10.0.0.0/8", "{}, ::ffff:10.1.2.3"), ("10.1.2.3,127.0.0.1", "::ffff:{}")],
)
def test_a_server_for_ipv6_believes_its_proxy_of_ipv4(
    tmp_path_factory: pytest.TempPathFactory, trusted: str, said: str
) -> None:
    """On `::` the proxy at 127.0.0.1 is seen as `::ffff:127.0.0.1`."""
    limit = {"sign_ins_per_minute_per_address": LIMIT}
    with running(tmp_path_factory.mktemp("ipv6"), host="::", trusted_proxies=trusted, **limit) as started:

        def come_back(address: str) -> int:
            headers = [("X-Forwarded-For", said.format(address))]
            return started.ask("/oauth/callback?state=x&code=y", headers=headers).status

        assert [come_back(SOMEBODY) for _ in range(LIMIT + 1)] == [400] * LIMIT + [429]
        assert come_back(SOMEBODY_ELSE) == 400


@pytest.mark.conformance("MUST 59")
def test_a_server_for_ipv6_believes_nobody_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    limit = {"sign_ins_per_minute_per_address": 1, "trusted_proxies": "127.0.0.2,::1,10.0.0.0/8"}
    with running(tmp_path_factory.mktemp("ipv6"), host="::", **limit) as started:
        forged = [("X-Forwarded-For", SOMEBODY)]
        answers = [started.ask("/oauth/callback?state=x&code=y", headers=forged) for _ in range(3)]
    assert [answer.status for answer in answers] == [400] * 3


def test_a_whole_sign_in_takes_one_of_each_count(site: Running) -> None:
    """The server sends somebody, they begin, come back to the one address and then to their campaign: four steps."""
    kept = site.work(lambda store: store.connections.by_name(site.organization.number, "northwind"))
    assert kept is not None
    initiate = f"{client_address(kept, '')}/initiate-login?{urlencode({'iss': kept.config.issuer})}"
    for _ in range(LIMIT):
        assert sign_in(site, initiate).path == "/c/quiz/details"
    assert site.ask(initiate, headers=[BY_SOMEBODY]).status == 429


def test_who_comes_back_too_often_may_come_again_with_the_same_address(site: Running) -> None:
    """The attempt is not used up by a page that says to wait."""
    browser = site.browser()
    browser.answer_questions()
    for _ in range(LIMIT):
        assert site.ask("/c/quiz/sign-in/return?state=x&code=y", headers=[BY_SOMEBODY]).status == 400
    back = browser.get(target_of(redirected(begin(browser, SOMEBODY)["location"])))
    refused = browser.get(back.path, BY_SOMEBODY)
    assert is_too_often(refused)
    assert refused["referrer-policy"] == "no-referrer", "the address holds the code, which is good still"
    assert browser.get(back.path, ("X-Forwarded-For", SOMEBODY_ELSE)).path == "/c/quiz/details"


def begin(browser: Browser, address: str) -> Answer:
    return browser.post("/c/quiz/sign-in", (), headers=(("X-Forwarded-For", address),))


def sign_in(site: Running, initiate: str) -> Answer:
    """One whole sign-in of somebody new, all from one address."""
    assert site.ask(initiate, headers=[BY_SOMEBODY]).status == 303
    browser = site.browser()
    browser.answer_questions()
    back = redirected(begin(browser, SOMEBODY)["location"])
    return browser.get(browser.get(target_of(back), BY_SOMEBODY).path, BY_SOMEBODY)

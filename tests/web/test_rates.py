"""MUST 52: how often sign-ins begin and come back, by address and by organization; and who is never counted."""

from collections.abc import Iterator

import pytest

from entracte.values import ConnectionNumber, OrganizationNumber
from entracte.web.rates import Rates, Step, TooOften, network_of
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider
from tests.web.running import Answer, Browser, Running, running

NOW = 1_800_000_000
LIMIT = 3
SOMEBODY, SOMEBODY_ELSE = "8.8.8.8", "9.9.9.9"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("8.8.8.8", "8.8.8.8"), ("2606:4700:1:2:3:4:5:6", "2606:4700:1:2::/64"), ("127.0.0.1", ""), ("10.1.2.3", ""),
        ("100.64.0.1", ""), ("fd00::1", ""), ("", ""), ("unix:", ""),
    ],
)  # fmt: skip
def test_an_address_counts_when_it_is_public(address: str, network: str) -> None:
    assert network_of(address) == network


def test_each_step_organization_and_connection_has_its_own_count() -> None:
    rates = Rates(per_organization=LIMIT)
    one, other = OrganizationNumber(1), OrganizationNumber(2)
    for _ in range(LIMIT):
        rates.admit_owner(Step.START, one, ConnectionNumber(1), NOW)
    with pytest.raises(TooOften) as refused:
        rates.admit_owner(Step.START, one, ConnectionNumber(2), NOW + 20)
    assert (refused.value.problem.code, refused.value.retry_after) == ("sign_ins_too_many", 40)
    rates.admit_owner(Step.CALLBACK, one, ConnectionNumber(2), NOW)
    rates.admit_owner(Step.START, other, ConnectionNumber(3), NOW)
    rates.admit_owner(Step.START, one, ConnectionNumber(1), NOW + 60)


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
    assert answer["retry-after"] == "60"
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


def begin(browser: Browser, address: str) -> Answer:
    return browser.post("/c/quiz/sign-in", (), headers=(("X-Forwarded-For", address),))

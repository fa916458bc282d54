"""The state of an answer at the running program, with the FAPI 2 profiles: one that is not ours, none, and one of
another sign-in beside a signed answer. The code is told to nobody."""

from typing import Any

import pytest

from entracte.connections.model import Connection
from entracte.participation.events import Outcome
from entracte.protocol.errors import Reason
from entracte.protocol.jarm import state_inside
from entracte.protocol.state import read_state
from entracte.values import Secret
from tests.conformance.stage import Stage, follow, there
from tests.web.running import SentBack, sent_back

WRONG = "fapi2-ensure-authorization-response-with-invalid-state-fails"
MISSING = "fapi2-ensure-authorization-response-with-invalid-missing-state-fails"
EMAIL = "ada@northwind.example"
SECURITY, SIGNING = "fapi2-security", "fapi2-message-signing"


def fapi(stage: Stage, profile: str) -> Connection:
    provider = stage.provider
    provider.authentication, provider.algorithm = "private_key_jwt", "ES256"
    provider.par_required = provider.dpop_required = True
    provider.request_object_required = profile == SIGNING
    address = f"{provider.issuer}/par"
    return stage.openid(profile=profile, id_token_algorithms=["ES256"], pushed_authorization_request_endpoint=address)


def state_of_the_answer(came: SentBack) -> str:
    return state_inside(Secret(dict(came.parameters)["response"]))


def case(profile: str, misbehaviour: str, *lines: str) -> Any:
    return pytest.param(profile, misbehaviour, id=misbehaviour, marks=pytest.mark.conformance(*lines))


@pytest.mark.parametrize(
    ("profile", "misbehaviour"),
    [
        case(SECURITY, "callback_wrong_state", WRONG, "BAD 3"),
        case(SECURITY, "callback_missing_state", MISSING, "BAD 5"),
        case(SIGNING, "jarm_wrong_state", WRONG, "MUST 35"),
        case(SIGNING, "jarm_missing_state", MISSING, "MUST 35"),
    ],
)
def test_an_answer_without_a_state_of_ours_is_nobodys(stage: Stage, profile: str, misbehaviour: str) -> None:
    fapi(stage, profile)
    stage.provider.misbehaviour = misbehaviour
    browser, address = stage.at_the_login()
    answer = browser.carry_back(address)
    assert (answer.status, answer.has("location")) == (400, False)
    assert stage.asked() == ["/par"]
    assert stage.participation(browser).profile is None
    stage.provider.misbehaviour = ""
    assert EMAIL in follow(browser, browser.carry_back(browser.go_to_the_login(stage.campaign)).path).body


@pytest.mark.conformance(WRONG, "MUST 35")
def test_a_good_state_of_another_sign_in_beside_a_signed_answer(stage: Stage) -> None:
    """Both are of this browser, both are under way: the answer of the first is not that of the second."""
    fapi(stage, SIGNING)
    browser = stage.site.browser()
    browser.answer_questions(stage.campaign)
    first, second = (sent_back(browser.go_to_the_login(stage.campaign)) for _ in range(2))
    mixed = SentBack(first.mode, first.path, [*first.parameters, ("state", state_of_the_answer(second))])
    stage.provider.requests.clear()
    assert browser.get(browser.carry(mixed).path).path == f"{stage.campaign}/sign-in/mishap"
    assert stage.asked() == ["/jwks"]
    content = read_state(state_of_the_answer(second), stage.site.program.keys)
    number = stage.site.organization.number
    kept = there(
        stage.site.work(lambda store: store.participations.attempt(number, content.participation, content.attempt))
    )
    assert (kept.outcome, kept.reason) == (Outcome.FAILED, Reason.RESPONSE_MIXED.code)
    assert EMAIL in follow(browser, browser.carry(first).path).body, "the first is whole"

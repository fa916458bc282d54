"""A return to the OAuth service with a wrong state or a wrong response: the calm page with a code and the status 400,
no request to the provider, and the answers stay where they are."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from entracte.protocol.seal import SealKeys, encode
from entracte.protocol.state import open_state, read_state, seal_state
from entracte.values import entropy, now
from tests.bad_input.stage import Stage, follow, signed_in, state_of
from tests.web.running import Browser, redirected, target_of

GIVEN = {"hello": None, "song": "b", "places": ["beach"], "why": "The sea"}
DAY = 86_400


def nothing_was_asked_and_nothing_is_lost(stage: Stage, browser: Browser) -> None:
    assert [call.path for call in stage.provider.requests if call.path != "/authorize"] == []
    kept = stage.installation.participation(browser)
    assert kept.answers == GIVEN
    assert kept.profile is None
    stage.provider.misbehaviour = ""
    assert signed_in(browser.sign_in())
    assert stage.installation.participation(browser).profile is not None


Spoil = Callable[[str, Stage], str]


def _aged(seconds: int) -> Spoil:
    def age(state: str, stage: Stage) -> str:
        keys = stage.installation.settings.seal_keys()
        return seal_state(replace(read_state(state, keys), issued_at=now() + seconds), keys)

    return age


def _flipped(place: int) -> Spoil:
    return lambda state, stage: f"{state[:place]}{'A' if state[place] != 'A' else 'B'}{state[place + 1 :]}"


def _of_another_campaign(state: str, stage: Stage) -> str:
    keys = stage.installation.settings.seal_keys()
    return seal_state(replace(read_state(state, keys), campaign=read_state(state, keys).campaign + 1), keys)  # type: ignore[arg-type]


def _of_another_server(state: str, stage: Stage) -> str:
    other = SealKeys(1, {1: entropy(32)})
    return seal_state(read_state(state, stage.installation.settings.seal_keys()), other)


WRONG_STATES: dict[str, Spoil] = {
    "empty": lambda state, stage: "",
    "truncated by one": lambda state, stage: state[:-1],
    "truncated to half": lambda state, stage: state[:32],
    "one character more": lambda state, stage: f"{state}A",
    "first character flipped": _flipped(0),
    "middle flipped": _flipped(30),
    "last character flipped": _flipped(63),
    "not base64url": lambda state, stage: f"{state[:-1]}!",
    "something else": lambda state, stage: encode(entropy(48)),
    "sealed by another server": _of_another_server,
    "a campaign that is not there": _of_another_campaign,
    "too old by a second": _aged(-602),
    "a day old": _aged(-DAY),
    "from the future": _aged(120),
    "from a far future": _aged(DAY),
}


@pytest.mark.conformance("MUST 4", "BAD 3", "fapi2-ensure-authorization-response-with-invalid-state-fails")
@pytest.mark.parametrize("name", WRONG_STATES)
def test_a_wrong_state(stage: Stage, browser: Browser, name: str) -> None:
    state = WRONG_STATES[name](state_of(browser.go_to_the_login()), stage)
    query = urlencode({"state": state, "code": "abc", "iss": stage.provider.issuer})
    stage.calm(follow(browser, f"/oauth/callback?{query}"), 400)
    nothing_was_asked_and_nothing_is_lost(stage, browser)


@pytest.mark.conformance("BAD 5", "fapi2-ensure-authorization-response-with-invalid-missing-state-fails")
def test_a_missing_state(stage: Stage, browser: Browser) -> None:
    stage.calm(follow(browser, f"/oauth/callback?{urlencode({'code': 'abc', 'iss': stage.provider.issuer})}"), 400)
    stage.calm(follow(browser, "/oauth/callback"), 400)
    nothing_was_asked_and_nothing_is_lost(stage, browser)


@pytest.mark.conformance("MUST 10", "BAD 40")
def test_a_state_that_stands_there_twice(stage: Stage, browser: Browser) -> None:
    state = state_of(browser.go_to_the_login())
    stage.calm(follow(browser, f"/oauth/callback?state={state}&state={state}&code=abc"), 400)
    nothing_was_asked_and_nothing_is_lost(stage, browser)


@pytest.mark.conformance("MUST 1", "BAD 1", "BAD 2")
def test_a_state_of_another_browser(stage: Stage, browser: Browser) -> None:
    """Somebody is sent the return address of somebody else, whole and unused."""
    back = target_of(redirected(browser.go_to_the_login()))
    stage.provider.requests.clear()
    stranger = stage.installation.browser()
    stage.calm(follow(stranger, back), 400)
    other = stage.installation.browser()
    other.answer_questions()
    stage.calm(follow(other, back), 400)
    assert stage.installation.participation(other).profile is None
    nothing_was_asked_and_nothing_is_lost(stage, browser)


@pytest.mark.conformance("MUST 2")
def test_a_state_that_was_used_leads_on_in_the_browser_that_used_it(stage: Stage, browser: Browser) -> None:
    back = target_of(redirected(browser.go_to_the_login()))
    first = browser.get(browser.get(back).path)
    assert signed_in(first)
    asked = len(stage.provider.calls("/token"))
    assert asked == 1
    again = follow(browser, back)
    assert again.status == 200
    assert "Send my entry" in again.body
    assert len(stage.provider.calls("/token")) == asked, "a code is redeemed once"
    assert stage.installation.participation(browser).answers == GIVEN
    stage.calm(follow(stage.installation.browser(), back), 400)
    assert len(stage.provider.calls("/token")) == asked


def test_a_state_that_was_used_for_nothing_leads_to_what_happened(stage: Stage, browser: Browser) -> None:
    stage.provider.misbehaviour = "callback_access_denied"
    back = target_of(redirected(browser.go_to_the_login()))
    for _ in range(2):
        page = follow(browser, back)
        assert (page.status, "You came back without signing in." in page.body) == (200, True)
    nothing_was_asked_and_nothing_is_lost(stage, browser)


WRONG_RESPONSES = (
    "callback_double_code", "callback_code_and_error", "callback_neither", "callback_wrong_iss", "callback_empty_iss",
    "callback_missing_iss",
)  # fmt: skip


@pytest.mark.conformance("MUST 7", "MUST 10", "MUST 11", "BAD 39", "BAD 40")
@pytest.mark.parametrize("misbehaviour", WRONG_RESPONSES)
def test_a_wrong_response(stage: Stage, browser: Browser, misbehaviour: str) -> None:
    """`code` missing, twice, beside `error`; wrong `iss`: as a provider sends it."""
    stage.provider.misbehaviour = misbehaviour
    stage.calm(follow(browser, target_of(redirected(browser.go_to_the_login()))), 400)
    nothing_was_asked_and_nothing_is_lost(stage, browser)


def test_the_state_that_was_altered_would_have_opened(stage: Stage, browser: Browser) -> None:
    """So that the tests above say something: the same state, untouched, is good."""
    keys = stage.installation.settings.seal_keys()
    state = state_of(browser.go_to_the_login())
    assert open_state(state, keys, now()).content == read_state(state, keys)
    assert open_state(_aged(0)(state, stage), keys, now())

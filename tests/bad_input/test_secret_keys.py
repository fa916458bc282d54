"""Secret keys that are missing or too short: the server refuses to start, and says which setting it is. A state under a
key that is not there: that one is refused, and the others go on."""

import pytest

from entracte.protocol.seal import SealKeys, encode
from entracte.protocol.state import read_state, seal_state
from entracte.values import entropy
from tests.bad_input.stage import Stage, signed_in, state_of
from tests.installation import free_port
from tests.web.running import Browser, redirected, target_of

GOOD = encode(bytes(range(32)))
WRONG_KEYS = {
    "missing": "",
    "blank": "  , ",
    "too short": f"1:{encode(bytes(31))}",
    "the second too short": f"2:{GOOD},1:{encode(bytes(16))}",
    "no number": GOOD,
    "a number that is too large": f"256:{GOOD}",
    "not base64url": "1:this is not base64url",
    "the same number twice": f"1:{GOOD},1:{GOOD}",
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_the_server_refuses_to_start(stage: Stage, name: str) -> None:
    environment = {"ENTRACTE_SECRET_KEYS": WRONG_KEYS[name], "ENTRACTE_PORT": str(free_port())}
    said = stage.installation.command("serve", **environment)
    assert (said.status, said.out) == (1, "")
    assert "ENTRACTE_SECRET_KEYS" in said.error
    assert "Traceback" not in said.error
    assert GOOD not in said.error, "no key is shown"
    assert "listens on" not in said.error


def test_a_file_of_keys_that_is_not_there(stage: Stage) -> None:
    environment = {"ENTRACTE_SECRET_KEYS": "", "ENTRACTE_SECRET_KEYS_FILE": "/nowhere/keys"}
    said = stage.installation.command("serve", **environment, ENTRACTE_PORT=str(free_port()))
    assert said.status == 1
    assert "ENTRACTE_SECRET_KEYS_FILE" in said.error
    assert "Traceback" not in said.error


def test_a_state_under_an_unknown_key_is_refused_alone(stage: Stage, browser: Browser) -> None:
    keys = stage.installation.settings.seal_keys()
    login = browser.go_to_the_login()
    unknown = SealKeys(9, {9: entropy(32)})
    state = seal_state(read_state(state_of(login), keys), unknown)
    answer = browser.get(f"/oauth/callback?state={state}&code=abc")
    stage.calm(answer, 400)
    [refused] = stage.installation.logged("return_refused")
    assert refused["reason"] == "state_unknown_key"
    assert stage.provider.calls("/token") == []
    other = stage.installation.browser()
    other.answer_questions()
    assert signed_in(other.sign_in())
    assert signed_in(browser.get(browser.get(target_of(redirected(login))).path))
    for one in (browser, other):
        assert stage.installation.participation(one).profile is not None


def test_a_participation_key_under_an_unknown_key_begins_anew(stage: Stage, browser: Browser) -> None:
    """It is as if the browser had none; nobody else notices."""
    stranger = stage.installation.browser()
    stranger.cookies = {name: f"CQ{value[2:]}" for name, value in browser.cookies.items()}
    assert stranger.get("/c/quiz/why").path == "/c/quiz"
    assert stranger.get("/c/quiz").status == 200
    assert browser.get("/c/quiz/why").status == 200
    stage.no_traceback()


def test_the_key_before_still_opens(stage: Stage, browser: Browser) -> None:
    """A new key is put first while somebody is at the login: they come back and are signed in."""
    installation = stage.installation
    old_key = dict(browser.cookies)
    back = target_of(redirected(browser.go_to_the_login()))
    before = installation.environment["ENTRACTE_SECRET_KEYS"]
    installation.stop()
    installation.environment["ENTRACTE_SECRET_KEYS"] = f"2:{encode(entropy(32))},{before}"
    try:
        installation.start()
        assert signed_in(browser.get(browser.get(back).path))
        assert browser.get("/c/quiz/details").status == 200
        assert installation.participation(Browser(browser.port, old_key)).profile is not None
    finally:
        installation.stop()
        installation.environment["ENTRACTE_SECRET_KEYS"] = before
        installation.start()

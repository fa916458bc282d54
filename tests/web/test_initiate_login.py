"""A login that the server initiates: the right server, a normal sign-in, and nothing else that the link asks for."""

from collections.abc import Iterator
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from entracte.participation.login_hints import (
    HANDLE_AGE,
    HINT_AGE,
    LONGEST,
    NO_HINT,
    LoginHint,
    open_handle,
    open_hint,
    seal_handle,
    seal_hint,
    usable_hint,
)
from entracte.participation.model import Participation
from entracte.protocol.seal import SealKeys
from entracte.values import CampaignNumber, OrganizationNumber
from entracte.wiring import new_participation_id
from tests.bad_input.stage import Stage, staged
from tests.web.running import PUBLIC, Answer, Browser, redirected

KEYS = SealKeys(1, {1: b"k" * 32})
NOW = 1_800_000_000
DIRECT = """
campaign: direct
title: Sign in first
languages: [en]
sign_in: {connection: northwind}
steps:
  - kind: form
    key: details
    title: Hello
    fields: [{key: email, kind: email, label: E-mail, prefill: email, required: true}]
  - {kind: thanks, key: thanks, title: Thank you}
"""
OTHERS = DIRECT.replace("direct", "others").replace("northwind", "contoso")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("initiate")) as stage:
        served, provider = stage.installation, stage.provider
        served.connect(provider.issuer, name="contoso", client_id="other")
        served.publish(OTHERS)
        served.publish(DIRECT)
        yield stage


@pytest.fixture
def address(stage: Stage) -> str:
    """The `initiate_login_uri` of the connection."""
    kept = stage.installation.connect(
        stage.provider.issuer, client_id=stage.provider.client_id, secret=stage.provider.client_secret
    )
    return f"/oauth/clients/{kept.organization}-{kept.number}/initiate-login"


def link(address: str, stage: Stage, **parameters: str) -> str:
    return f"{address}?{urlencode({'iss': stage.provider.issuer, **parameters})}"


def initiated(browser: Browser, address: str) -> Answer:
    """What the campaign answers to who is sent there."""
    answer = browser.get(address)
    assert answer.status == 303, answer.body
    assert answer["location"].startswith(f"{PUBLIC}/c/")
    return browser.get(answer.path)


def asked(answer: Answer) -> dict[str, str]:
    """The authorization request that a redirect leads to."""
    return dict(parse_qsl(urlsplit(answer["location"]).query))


@pytest.mark.conformance("3rd-party-init-login")
@pytest.mark.parametrize("by", ["GET", "POST"])
def test_a_normal_sign_in_begins_at_the_right_server(stage: Stage, address: str, by: str) -> None:
    browser = stage.installation.browser()
    parameters = {"iss": stage.provider.issuer, "login_hint": "ada@northwind.example"}
    if by == "GET":
        answer = browser.get(f"{address}?{urlencode(parameters)}")
    else:
        answer = browser.post(address, list(parameters.items()), origin=stage.provider.issuer)
    assert answer.status == 303
    assert answer.path.startswith("/c/direct/sign-in/initiated?")
    begun = browser.get(answer.path)
    assert (begun.status, begun.path) == (303, "/c/direct/sign-in")
    sent = browser.get(begun.path)
    assert sent["location"].startswith(f"{stage.provider.issuer}/authorize?")
    assert asked(sent)["login_hint"] == "ada@northwind.example"
    back = browser.get(urlsplit(redirected(sent["location"])).path + "?" + urlsplit(redirected(sent["location"])).query)
    assert back.status == 303
    assert browser.get(back.path).path == "/c/direct/details"
    assert browser.get("/c/direct/details").status == 200


@pytest.mark.conformance("3rd-party-init-login")
@pytest.mark.parametrize("issuer", ["", "{}/", "https://other.example", None])
def test_another_issuer_begins_nothing(stage: Stage, address: str, issuer: str | None) -> None:
    """Byte for byte; and the issuer of another connection of the organization is another one."""
    given = "" if issuer is None else f"?{urlencode({'iss': issuer.format(stage.provider.issuer)})}"
    stage.calm(stage.installation.browser().get(address + given), 400)


@pytest.mark.conformance("3rd-party-init-login", "BAD 34")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", f"{PUBLIC}@evil.example/", f"{PUBLIC}/c/others",
        f"{PUBLIC}/c/nobody",
        f"{PUBLIC}/manage", f"{PUBLIC}/c/quiz/../direct", f"{PUBLIC}/c/quiz?x=1", f"{PUBLIC}/c/quiz#x", "/c/quiz",
        f"{PUBLIC}/C/quiz", " ", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_target_of_somebody_else_is_no_target(stage: Stage, address: str, target: str) -> None:
    """It leads to the newest campaign of this connection, never anywhere else."""
    answer = stage.installation.browser().get(link(address, stage, target_link_uri=target))
    assert (answer.status, urlsplit(answer.path).path) == (303, "/c/direct/sign-in/initiated")


def test_a_campaign_of_this_connection_may_be_the_target(stage: Stage, address: str) -> None:
    """Questions stand before its sign-in: the hint waits, and the person presses."""
    browser = stage.installation.browser()
    hint = {"target_link_uri": f"{PUBLIC}/c/quiz", "login_hint": "ada"}
    assert initiated(browser, link(address, stage, **hint)).path == "/c/quiz/hello"
    browser.answer_questions()
    assert browser.get("/c/quiz/sign-in").status == 200
    assert asked(browser.post("/c/quiz/sign-in"))["login_hint"] == "ada"


@pytest.mark.conformance("MUST 14")
def test_a_link_chooses_no_scope_no_claim_and_no_prompt(stage: Stage, address: str) -> None:
    plain, tricked = stage.installation.browser(), stage.installation.browser()
    wishes = {
        "scope": "openid offline_access", "claims": "{}", "prompt": "none", "acr_values": "0", "client_id": "other",
        "redirect_uri": "https://evil.example", "response_mode": "fragment", "state": "x", "request": "x",
    }  # fmt: skip
    requests = []
    for browser, more in ((plain, {}), (tricked, wishes)):
        initiated(browser, link(address, stage, **more))
        sent = asked(browser.get("/c/direct/sign-in"))
        requests.append(
            {name: value for name, value in sent.items() if name not in ("state", "nonce", "code_challenge")}
        )
    assert requests[0] == requests[1]


@pytest.mark.conformance("MUST 14", "BAD 40")
def test_what_stands_there_twice_begins_nothing(stage: Stage, address: str) -> None:
    stage.calm(stage.installation.browser().get(link(address, stage) + "&iss=https://other.example"), 400)
    headers = (("Content-Type", "text/plain"),)
    stage.calm(stage.installation.browser()._ask(address, "POST", headers, b"iss=x"), 400)
    stage.calm(stage.installation.browser().post(link(address, stage), [("iss", stage.provider.issuer)]), 400)


def test_who_takes_part_is_not_signed_in_elsewhere(stage: Stage, address: str) -> None:
    """A login CSRF: the participation in this browser goes on where it was, and its sign-in waits for a press."""
    browser = stage.installation.browser()
    browser.answer_questions()
    before = stage.installation.participation(browser)
    to_quiz = link(address, stage, target_link_uri=f"{PUBLIC}/c/quiz", login_hint="mallory")
    assert initiated(browser, to_quiz).path == "/c/quiz/sign-in"
    shown = browser.get("/c/quiz/sign-in")
    assert shown.status == 200
    assert stage.installation.participation(browser).id == before.id
    assert "login_hint" not in asked(browser.post("/c/quiz/sign-in"))


def test_a_sign_in_begins_by_itself_once(stage: Stage, address: str) -> None:
    browser = stage.installation.browser()
    initiated(browser, link(address, stage))
    sent = browser.get("/c/direct/sign-in")
    assert sent.status == 303
    came = urlsplit(redirected(sent["location"]))
    state = parse_qs(came.query)["state"][0]
    refused = browser.get(
        f"/oauth/callback?{urlencode({'state': state, 'error': 'access_denied', 'iss': stage.provider.issuer})}"
    )
    browser.get(refused.path)
    assert browser.get("/c/direct/sign-in").status == 200


@pytest.mark.parametrize("place", ["image", "iframe", "empty", "script"])
def test_nothing_begins_from_within_another_page(stage: Stage, address: str, place: str) -> None:
    browser = stage.installation.browser()
    answer = browser.get(link(address, stage))
    inside = browser.get(answer.path, ("Sec-Fetch-Dest", place))
    assert inside.status == 404
    assert browser.cookies == {}


def test_a_robot_only_looks(stage: Stage, address: str) -> None:
    browser = stage.installation.browser()
    answer = browser.get(link(address, stage))
    assert browser.get(answer.path, ("Sec-Purpose", "prefetch")).status == 503
    assert browser.cookies == {}


@pytest.mark.parametrize("handle", ["", "x", "A" * 2000])
def test_a_made_up_handle_begins_nothing(stage: Stage, handle: str) -> None:
    browser = stage.installation.browser()
    answer = browser.get(f"/c/direct/sign-in/initiated?{urlencode({'handle': handle})}")
    assert (answer.status, answer.path) == (303, "/c/direct")
    assert browser.cookies == {}


@pytest.mark.parametrize("client", ["999-999", "1-99999", "x", "1", "1-1-1", "-1-1"])
def test_a_connection_that_is_not_there(stage: Stage, client: str) -> None:
    assert stage.installation.browser().get(f"/oauth/clients/{client}/initiate-login?iss=x").status == 404


def test_a_connection_that_no_campaign_uses(stage: Stage) -> None:
    kept = stage.installation.connect(stage.provider.issuer, name="unused")
    unused = f"/oauth/clients/{kept.organization}-{kept.number}/initiate-login"
    answer = stage.installation.browser().get(link(unused, stage))
    assert answer.status == 404
    assert "initiate_login_no_campaign" in answer.body


def test_a_hint_is_in_no_log(stage: Stage, address: str) -> None:
    browser = stage.installation.browser()
    initiated(browser, link(address, stage, login_hint="canary-of-a-hint@northwind.example"))
    browser.get("/c/direct/sign-in")
    assert stage.installation.logged("login_initiated")
    assert "canary-of-a-hint" not in stage.installation.log()


@pytest.mark.parametrize("hint", ["x" * (LONGEST + 1), "\u202eada"])
def test_a_hint_that_can_be_none_is_left_out(stage: Stage, address: str, hint: str) -> None:
    browser = stage.installation.browser()
    initiated(browser, link(address, stage, login_hint=hint))
    assert "login_hint" not in asked(browser.get("/c/direct/sign-in"))


@pytest.mark.parametrize("hint", ["a\r\nSet-Cookie: x", "a\x00b"])
def test_a_control_character_begins_nothing(stage: Stage, address: str, hint: str) -> None:
    stage.calm(stage.installation.browser().get(link(address, stage, login_hint=hint)), 400)


# The sealed texts


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f600", '"'])
def test_the_longest_hint_opens_whatever_it_is_written_in(letter: str) -> None:
    text, mine = usable_hint(letter * LONGEST), participation()
    assert len(text) == LONGEST
    assert open_handle(seal_handle(CampaignNumber(3), text, KEYS, NOW), CampaignNumber(3), KEYS, NOW) == text
    assert open_hint(seal_hint(mine, LoginHint(text), KEYS, NOW), mine, KEYS, NOW).text == text


def participation() -> Participation:
    return Participation(OrganizationNumber(1), CampaignNumber(3), new_participation_id(), "en", NOW)


def test_a_handle_is_for_one_campaign_and_a_while() -> None:
    handle = seal_handle(CampaignNumber(3), "ada", KEYS, NOW)
    assert open_handle(handle, CampaignNumber(3), KEYS, NOW + HANDLE_AGE) == "ada"
    assert open_handle(handle, CampaignNumber(3), KEYS, NOW + HANDLE_AGE + 1) is None
    assert open_handle(handle, CampaignNumber(3), KEYS, NOW - 1) is None
    assert open_handle(handle, CampaignNumber(4), KEYS, NOW) is None


def test_a_hint_is_for_one_participation_and_a_while() -> None:
    mine, hint = participation(), LoginHint("ada", begins=True)
    sealed = seal_hint(mine, hint, KEYS, NOW)
    assert open_hint(sealed, mine, KEYS, NOW + HINT_AGE) == hint
    assert open_hint(sealed, mine, KEYS, NOW + HINT_AGE + 1) is NO_HINT
    assert open_hint(sealed, participation(), KEYS, NOW) is NO_HINT
    assert open_hint(seal_handle(CampaignNumber(3), "ada", KEYS, NOW), mine, KEYS, NOW) is NO_HINT
    assert "ada" not in repr(hint)

"""Signing out in a real browser: by us, by the login's frame, by its server, and by a session that is watched."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from entracte.connections.addresses import addresses_of
from entracte.connections.model import Connection
from tests.browser import come_to_pass
from tests.installation import CLIENT_SECRET, Installation
from tests.interop.node_provider import PASSWORD, NodeProvider, node_provider
from tests.journeys.quiz import QUIZ, answer_questions, go_to_the_login, send_entry
from tests.journeys.stored import entries_of
from tests.misbehaving_provider import MisbehavingProvider, served_misbehaving_provider

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

SIGN_IN = re.compile("/c/quiz/sign-in$")
DETAILS = re.compile("/c/quiz/details$")
PATIENCE = 16_000
"""Milliseconds of the page's clock: the script asks every 15 seconds."""


@dataclass
class Stage:
    installation: Installation
    provider: MisbehavingProvider
    connection: Connection

    @property
    def url(self) -> str:
        return f"{self.installation.url}/c/quiz"

    def sign_in(self, page: "Page", url: str = "") -> None:
        answer_questions(page, url or self.url)
        go_to_the_login(page)
        page.wait_for_url(re.compile("/details$"))
        assert page.get_by_label("E-mail").input_value() == "ada@northwind.example"

    def change(self, page: "Page") -> None:
        """The session at the login is over, and the page asks."""
        self.provider.session_changed = True
        frame = watching(page)
        frame.goto(frame.url)
        page.clock.run_for(PATIENCE)


def watching(page: "Page") -> "Frame":
    """The frame of the login, once it has said that the session is unchanged: the page asks from then on."""
    page.wait_for_function("() => sessionStorage.getItem('entracte-watched') !== null")
    [frame] = [one for one in page.frames if one.url.endswith("/check_session")]
    return frame


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One campaign whose login is watched, and one whose login tells through the browser."""
    installation = Installation(tmp_path_factory.mktemp("logout"))
    with served_misbehaving_provider() as provider:
        provider.client_id = "entracte"
        provider.announces = provider.session_management = True
        connection = installation.connect(
            provider.issuer,
            secret=provider.client_secret,
            client_id=provider.client_id,
            sign_out=True,
            single_logout=True,
            watch_session=True,
        )
        installation.publish(QUIZ)
        with installation:
            yield Stage(installation, provider, connection)


@pytest.fixture
def stage(everything: Stage) -> Stage:
    provider = everything.provider
    provider.misbehaviour, provider.session_changed, provider.front_channel_logout_uri = "", False, ""
    provider.sid = "session-1"
    return everything


@pytest.mark.conformance("rp-init-logout")
def test_a_person_signs_out_and_another_one_signs_in(stage: Stage, page: "Page") -> None:
    stage.sign_in(page)
    page.get_by_label("Mobile number").fill("+34600123456")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(SIGN_IN)
    [call] = stage.provider.calls("/end_session")[-1:]
    assert {"id_token_hint", "post_logout_redirect_uri", "state", "client_id", "ui_locales"} == set(call.query)
    assert "ada@northwind.example" not in page.content()
    stage.provider.session_changed = False
    go_to_the_login(page)
    page.wait_for_url(DETAILS)
    assert page.get_by_label("Mobile number").input_value() == ""
    send_entry(page)
    page.wait_for_url(re.compile("/thanks$"))
    entry = entries_of(stage.installation, "quiz")[0]
    assert entry.answers["song"] == "b"
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/thanks$"))
    page.get_by_role("button", name="Sign out").wait_for(state="detached")
    page.get_by_role("heading", name="You are in").wait_for()
    assert entries_of(stage.installation, "quiz")[0] == entry


@pytest.mark.conformance("rp-init-logout")
def test_it_works_without_scripts(stage: Stage, plain_page: "Page") -> None:
    stage.sign_in(plain_page)
    plain_page.get_by_role("button", name="Sign out").click()
    plain_page.wait_for_url(SIGN_IN)
    assert plain_page.get_by_role("button", name="Continue with Northwind").is_visible()


@pytest.mark.conformance("rp-init-logout-other-state", "rp-init-logout-no-state")
@pytest.mark.parametrize("misbehaviour", ["end_session_other_state", "end_session_missing_state"])
def test_another_way_back_is_calm(stage: Stage, page: "Page", misbehaviour: str) -> None:
    stage.sign_in(page)
    stage.provider.misbehaviour = misbehaviour
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out.").wait_for()
    page.goto(stage.url)
    page.wait_for_url(SIGN_IN)


@pytest.mark.conformance("rp-frontchannel-opinitlogout", "MUST 55")
def test_the_logins_page_signs_out_in_its_frame(stage: Stage, page: "Page") -> None:
    """Its frame is of another site, where no cookie of ours comes along: the session says who it is."""
    stage.sign_in(page)
    address = addresses_of(stage.connection, stage.installation.url).frontchannel_logout_uri
    assert address is not None
    stage.provider.front_channel_logout_uri = address
    page.goto(f"{stage.provider.issuer}/front_channel_logout")
    page.frame_locator("iframe").locator("html").wait_for(state="attached")
    [frame] = [one for one in page.frames if one != page.main_frame]
    frame.wait_for_url(re.compile("/front-channel-logout"))
    assert frame.title() == "Signed out"
    page.goto(stage.url)
    page.wait_for_url(SIGN_IN)


@pytest.mark.conformance("rp-frontchannel-rpinitlogout")
def test_our_own_sign_out_comes_by_the_logins_frame(stage: Stage, page: "Page") -> None:
    stage.sign_in(page)
    address = addresses_of(stage.connection, stage.installation.url).frontchannel_logout_uri
    assert address is not None
    stage.provider.front_channel_logout_uri = address
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Go on").click()
    page.wait_for_url(SIGN_IN)


@pytest.mark.conformance("session-management", "MUST 56")
def test_a_session_that_changed_at_the_login_shows_the_sign_in(stage: Stage, page: "Page") -> None:
    page.clock.install()
    stage.sign_in(page)
    watching(page)
    page.clock.run_for(PATIENCE)
    assert DETAILS.search(page.url), "unchanged: nothing happens"
    stage.change(page)
    page.wait_for_url(SIGN_IN)
    page.goto(f"{stage.url}/song")
    assert page.get_by_role("radio", name="Dancing Queen").is_checked(), "the answers are kept"


@pytest.mark.conformance("session-management")
def test_a_browser_that_hides_the_logins_cookies_signs_nobody_out(stage: Stage, page: "Page") -> None:
    """The frame says "changed" from the first: to believe it would end every sign-in, one after the other."""
    page.clock.install()
    answer_questions(page, stage.url)
    page.goto(f"{stage.url}/sign-in")
    page.route("**/check_session", lambda route: route.fulfill(content_type="text/html", body=ALWAYS_CHANGED))
    with page.expect_request("**/check_session"):
        go_to_the_login(page)
    page.wait_for_url(DETAILS)
    page.wait_for_function("() => document.querySelector('iframe') === null")
    page.clock.run_for(PATIENCE)
    assert DETAILS.search(page.url)


ALWAYS_CHANGED = """<!doctype html><script>
addEventListener("message", (event) => event.source.postMessage("changed", event.origin));
</script>"""


@pytest.mark.conformance("session-management")
def test_an_error_of_the_frame_is_the_last_answer(stage: Stage, page: "Page") -> None:
    stage.provider.misbehaviour = "check_session_error"
    page.clock.install()
    with page.expect_request("**/check_session"):
        stage.sign_in(page)
    page.wait_for_function("() => document.querySelector('iframe') === null")
    page.clock.run_for(PATIENCE)
    assert DETAILS.search(page.url)


@pytest.mark.conformance("MUST 56")
def test_words_that_nobody_knows_and_other_voices_mean_nothing(stage: Stage, page: "Page") -> None:
    page.clock.install()
    stage.sign_in(page)
    frame = watching(page)
    page.evaluate("window.postMessage('changed', location.origin)")
    stage.provider.misbehaviour = "check_session_garbage"
    frame.goto(frame.url)
    frame.evaluate("parent.postMessage('signed out', '*')")
    page.clock.run_for(PATIENCE)
    page.evaluate("new Promise((resolve) => { window.postMessage('', '*'); addEventListener('message', resolve) })")
    assert DETAILS.search(page.url)
    assert page.locator("iframe").count() == 1


@pytest.mark.conformance("session-management")
def test_the_frame_is_asked_every_five_seconds_at_the_most(stage: Stage, page: "Page") -> None:
    """Whatever the page's attribute says."""
    page.clock.install()
    page.add_init_script(HURRIED)
    stage.sign_in(page)
    page.wait_for_function("() => document.querySelector('[data-seconds]').dataset.seconds === '0.01'")
    watching(page)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 60)  # from here on no time passes by itself
    page.evaluate("window.heard = 0; addEventListener('message', () => window.heard++)")
    page.clock.run_for(60_000)
    page.wait_for_function("() => window.heard >= 12")
    page.wait_for_timeout(500)  # for answers on their way
    assert page.evaluate("window.heard") <= 13  # one more for the time before


HURRIED = """
new MutationObserver(() => {
  for (const script of document.querySelectorAll("[data-seconds]")) script.dataset.seconds = "0.01";
}).observe(document, { childList: true, subtree: true });
"""


def test_who_was_signed_out_while_typing_is_shown_the_sign_in(stage: Stage, page: "Page") -> None:
    """The login's server tells directly; what stands in the form of a person who has left is not taken."""
    stage.sign_in(page)
    address = addresses_of(stage.connection, stage.installation.url).frontchannel_logout_uri
    told = page.request.get(f"{address}?iss={stage.provider.issuer}&sid=session-1")
    assert told.status == 200
    send_entry(page)
    page.wait_for_url(SIGN_IN)


# By other hands


@dataclass
class NodeStage:
    installation: Installation
    login: NodeProvider


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeStage]:
    installation = Installation(tmp_path_factory.mktemp("node"))
    with node_provider(host="localhost", claims_in_id_token=True) as login:
        scopes = ("openid", "profile", "email", "phone")
        connection = installation.connect(
            login.issuer, client_id="entracte", scopes=scopes, sign_out=True, single_logout=True
        )
        addresses = addresses_of(connection, installation.url)
        login.add_client(
            {
                "client_id": "entracte",
                "client_secret": CLIENT_SECRET,
                "redirect_uris": [addresses.redirect_uri],
                "post_logout_redirect_uris": [addresses.post_logout_redirect_uri],
                "backchannel_logout_uri": addresses.backchannel_logout_uri,
                "backchannel_logout_session_required": True,
            }
        )
        installation.publish(QUIZ)
        with installation:
            yield NodeStage(installation, login)


def _log_in(page: "Page", url: str) -> None:
    answer_questions(page, url)
    go_to_the_login(page)
    page.get_by_label("Login").fill("ana")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(DETAILS)


@pytest.mark.conformance("rp-init-logout", "rp-backchannel-rpinitlogout")
def test_at_a_login_by_other_hands(node: NodeStage, page: "Page") -> None:
    """npm's `oidc-provider` asks, ends its session, sends its logout token, and brings the person back."""
    _log_in(page, f"{node.installation.url}/c/quiz")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{node.login.issuer}/**")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(SIGN_IN)
    come_to_pass(page, lambda: '"event": "logout_told"' in node.installation.log())
    assert '"event": "logout_refused"' not in node.installation.log()
    go_to_the_login(page)
    page.get_by_label("Password").wait_for()  # the session at the login is over, too


@pytest.mark.conformance("rp-backchannel-rpinitlogout")
def test_a_logout_there_signs_out_here(node: NodeStage, page: "Page") -> None:
    """The person logs out at the login itself; its server tells ours."""
    _log_in(page, f"{node.installation.url}/c/quiz")
    before = node.installation.log().count('"ended": 1')
    page.goto(f"{node.login.issuer}/session/end")
    with page.expect_navigation():
        page.get_by_role("button", name="Sign out").click()
    come_to_pass(page, lambda: node.installation.log().count('"ended": 1') > before)
    page.goto(f"{node.installation.url}/c/quiz")
    page.wait_for_url(SIGN_IN)
    assert node.installation.log().count('"ended": 1') == before + 1

"""A sign-in at Keycloak in the ways that the journey in a browser does not go, each the whole way: a participant plays,
goes to the login, comes back to a form with the e-mail address in it, and sends an entry; and how a sign-in ends.
"""

import html
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from entracte.connections import manage
from entracte.connections.key_rotation import PUBLISHED_FIRST
from entracte.connections.model import ConnectionConfig
from entracte.values import now
from tests.installation import Installation, free_port
from tests.interop.certificates import make_certificates
from tests.interop.keycloak import Keycloak, keycloak
from tests.interop.keycloak_connections import connect_all
from tests.interop.keycloak_rows import ROWS, TABLES, logouts, rotated
from tests.interop.participant import KEYCLOAK_SIGN_IN, Page, Participant
from tests.interop.way import check_the_way
from tests.journeys.stored import entries_of

pytestmark = pytest.mark.timeout(300)
"""Keycloak takes a while to start where the machine is busy, and the first test waits for it."""

SERVER = "Keycloak"
KEYS = ("RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""The algorithms of keys that Keycloak else makes when it first needs one. That many new ones at once are not what a
login in the wild has; so they are there before."""


@dataclass(frozen=True)
class Stage:
    """An installation with a campaign for each row, and who it trusts."""

    installation: Installation
    login: Keycloak
    trusted: ssl.SSLContext

    def participant(self, name: str) -> Participant:
        return Participant(f"{self.installation.url}/c/{name}", self.trusted)

    def config_of(self, name: str) -> ConnectionConfig:
        organization = self.installation.organization.number
        return self.installation.work(lambda store: manage.named(store.connections, organization, name)).config

    def told(self, page: Page) -> str:
        """Why a sign-in ended on another page."""
        if not page.path.endswith("/mishap"):
            return re.sub(r"<[^>]+>|\s+", " ", page.text)[-1500:]
        organization = self.installation.organization.number
        [attempt] = self.installation.work(
            lambda store: store.records.attempts_by_short_code(organization, page.short_code)
        )
        return f"{attempt.reason}: {attempt.evidence}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    port = free_port()
    installation = Installation(
        tmp_path_factory.mktemp("flow"),
        port=port,
        oauth_url=f"http://127.0.0.1:{port}",
        outbound_ca_file=str(certificates.authority),
    )
    with keycloak(redirect_uri=installation.redirect_uri, https=certificates) as login:
        for algorithm in KEYS:
            login.add_signing_key(algorithm)
        installation.work(lambda store: connect_all(store, installation, ROWS, login, certificates))
        with installation:
            yield Stage(installation, login, ssl.create_default_context(cafile=str(certificates.authority)))


def marked() -> list[Any]:
    """The rows as cases, each with the mark of what it shows."""
    return [
        pytest.param(name, marks=pytest.mark.interop(SERVER, *row.features), id=name)
        for name, row in ROWS.items()
        if name not in {**rotated(), **logouts()}
    ]


@pytest.mark.parametrize("name", marked())
def test_a_person_goes_through(stage: Stage, name: str) -> None:
    row, config = ROWS[name], stage.config_of(name)
    with stage.participant(name) as participant:
        participant.play()
        form = participant.sign_in()
        assert (form.path, form.email) == (f"/c/{name}/details", "ana@example.com"), stage.told(form)
        thanks = participant.send_entry(form)
    assert thanks.path == f"/c/{name}/thanks"
    [entry] = entries_of(stage.installation, name)
    assert (entry.values["email"], entry.signed_in, len(entry.person)) == ("ana@example.com", True, 32)
    check_the_way(config, row, stage.installation.settings.oauth_address, participant.steps)
    asked = stage.login.asked_by(name)
    assert tuple(asked[-len(row.asked) :]) == row.asked or not row.asked, asked
    assert "UserInfo" not in row.features or "USER_INFO_REQUEST" in asked


@pytest.mark.interop(SERVER, "key rotation")
@pytest.mark.parametrize("name", rotated())
def test_a_new_key_of_ours_is_used(stage: Stage, name: str) -> None:
    """Keys that were made long enough ago are used as soon as they are there."""
    installation, organization = stage.installation, stage.installation.organization.number
    keys, long_ago = installation.settings.seal_keys(), now() - 2 * PUBLISHED_FIRST
    before = installation.work(lambda store: manage.named(store.connections, organization, name))
    rotated = installation.work(lambda store: manage.rotate_keys(store.connections, organization, name, keys, long_ago))
    assert len(rotated.own_keys) == 2 * len(before.own_keys)
    test_a_person_goes_through(stage, name)


@pytest.mark.interop(SERVER, "key rotation")
def test_a_new_key_of_the_login_is_taken(stage: Stage) -> None:
    """Which signs what comes after a sign-in with the one before."""
    with stage.participant("plain") as before, stage.participant("plain") as after:
        goes_through(before, stage, "plain")
        stage.login.add_signing_key()
        goes_through(after, stage, "plain")


@pytest.mark.interop(SERVER, "RP-initiated logout")
def test_who_signs_out_here_is_signed_out_there(stage: Stage) -> None:
    """OpenID Connect RP-Initiated Logout 1.0: the identity leaves, the answers stay. Keycloak asks nothing, as the ID
    token is the hint; it sends the browser back to the campaign, and knows nobody any more."""
    with stage.participant("sign-out") as participant:
        goes_through(participant, stage, "sign-out")
        assert participant.send("sign-out").path == "/c/sign-out/sign-in"
        passed = [step.address for step in participant.steps]
        there, back = stage.config_of("sign-out").end_session_endpoint, stage.installation.settings.oauth_address
        assert passed[-4:-2] == [there, f"{back}/oauth/signed-out"]
        assert KEYCLOAK_SIGN_IN in participant.send("sign-in").text


@pytest.mark.interop(SERVER, "back-channel logout")
def test_a_logout_there_signs_out_here(stage: Stage) -> None:
    """OpenID Connect Back-Channel Logout 1.0: at every campaign of that session, but not where an entry was sent."""
    with stage.participant("told") as participant, stage.participant("told-too") as somebody_else:
        entered = goes_through(participant, stage, "told")
        assert participant.send_entry(entered).path == "/c/told/thanks"
        goes_through(participant, stage, "told-too")
        goes_through(somebody_else, stage, "told-too")
        page = participant.visit("GET", stage.config_of("told").end_session_endpoint)
        participant.press(page, "confirmLogout", confirmLogout="Logout")
        assert where(participant, stage, "told-too") == "/c/told-too/sign-in"
        assert where(participant, stage, "told") == "/c/told/thanks"
        assert where(somebody_else, stage, "told-too") == "/c/told-too/details", "another session goes on"
    [entry] = entries_of(stage.installation, "told")
    assert (entry.values["email"], entry.signed_in) == ("ana@example.com", True)


@pytest.mark.interop(SERVER, "front-channel logout")
def test_a_logout_there_signs_out_here_by_a_frame(stage: Stage) -> None:
    """OpenID Connect Front-Channel Logout 1.0, section 2: the page of the logout shows a page of ours in a frame."""
    with stage.participant("framed") as participant:
        goes_through(participant, stage, "framed")
        page = participant.visit("GET", stage.config_of("framed").end_session_endpoint)
        page = participant.press(page, "confirmLogout", confirmLogout="Logout")
        assert where(participant, stage, "framed") == "/c/framed/details", "before the frame is there"
        frame = re.search(r'<iframe src="([^"]+)"', page.text)
        assert frame, page.text
        participant.visit("GET", html.unescape(frame[1]))
        assert where(participant, stage, "framed") == "/c/framed/sign-in"


def goes_through(participant: Participant, stage: Stage, name: str) -> Page:
    """To the form of a campaign, signed in."""
    participant.campaign_url = f"{stage.installation.url}/c/{name}"
    participant.play()
    form = participant.sign_in()
    assert (form.path, form.email) == (f"/c/{name}/details", "ana@example.com"), stage.told(form)
    return form


def where(participant: Participant, stage: Stage, name: str) -> str:
    """Where the campaign leads this browser now."""
    return participant.visit("GET", f"{stage.installation.url}/c/{name}").path


def test_each_row_has_a_name_of_its_own() -> None:
    assert len(ROWS) == sum(map(len, TABLES))

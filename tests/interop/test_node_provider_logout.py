"""How a sign-in at npm's `oidc-provider` ends: by a cancel, by a sign-out on our pages, by a logout there."""

import ssl
from collections.abc import Iterator, Mapping

import pytest

from entracte.connections import manage
from entracte.connections.model import ConnectionConfig
from tests.installation import Installation, free_port
from tests.interop.certificates import make_certificates
from tests.interop.node_connections import connected
from tests.interop.node_provider import PASSWORD
from tests.interop.node_row import Row
from tests.interop.participant import CANCEL, SIGN_IN, Page, Participant
from tests.journeys.stored import entries_of

ROWS: Mapping[str, Row] = {
    "plain": Row(()),
    "sign-out": Row((), {"sign_out": True}),
    "told": Row((), {"single_logout": True}),
    "told-too": Row((), {"single_logout": True, "id_token_algorithms": ("ES256",)}),
}
LOGOUT_FORM = "op.logoutForm"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    port = free_port()
    made = Installation(tmp_path_factory.mktemp("logout"), port=port, oauth_url=f"http://127.0.0.1:{port}")
    with connected(made, ROWS, make_certificates(tmp_path_factory.mktemp("certificates"))), made:
        yield made


@pytest.fixture
def participant(installation: Installation) -> Iterator[Participant]:
    """Somebody with a browser that has been nowhere yet."""
    with Participant(f"{installation.url}/c/plain", ssl.create_default_context()) as somebody:
        yield somebody


def goes_through(participant: Participant, installation: Installation, name: str) -> Page:
    """To the form of another campaign, signed in."""
    participant.campaign_url = f"{installation.url}/c/{name}"
    participant.play()
    form = participant.sign_in()
    assert (form.path, form.email) == (f"/c/{name}/details", "ana@example.com")
    return form


def where(participant: Participant, installation: Installation, name: str) -> str:
    """Where the campaign leads this browser now."""
    return participant.visit("GET", f"{installation.url}/c/{name}").path


def config_of(installation: Installation, name: str) -> ConnectionConfig:
    organization = installation.organization.number
    return installation.work(lambda store: manage.named(store.connections, organization, name)).config


@pytest.mark.interop("oidc-provider", "cancel")
@pytest.mark.parametrize("at_the_consent", [False, True], ids=["at the login", "at the consent"])
def test_a_cancel_is_calm(installation: Installation, participant: Participant, *, at_the_consent: bool) -> None:
    participant.play()
    page = participant.send("sign-in")
    if at_the_consent:
        page = participant.press(page, SIGN_IN, login="ana", password=PASSWORD)
    mishap = participant.press(page, CANCEL)
    assert mishap.path == "/c/plain/sign-in/mishap"
    organization = installation.organization.number
    [attempt] = installation.work(lambda store: store.records.attempts_by_short_code(organization, mishap.short_code))
    assert (attempt.outcome, attempt.reason) == ("cancelled", "access_denied")
    assert participant.sign_in().email == "ana@example.com"


@pytest.mark.interop("oidc-provider", "RP-initiated logout")
def test_who_signs_out_here_is_signed_out_there(installation: Installation, participant: Participant) -> None:
    """OpenID Connect RP-Initiated Logout 1.0: the identity leaves, the answers stay. The login sends the browser back
    to the campaign, and knows nobody any more."""
    goes_through(participant, installation, "sign-out")
    asked = participant.send("sign-out")
    assert where(participant, installation, "sign-out") == "/c/sign-out/sign-in", "before the login has said anything"
    back = participant.press(asked, LOGOUT_FORM, logout="yes")
    assert back.path == "/c/sign-out/sign-in"
    passed = [step.address for step in participant.steps]
    assert f"{installation.settings.oauth_address}/oauth/signed-out" in passed
    assert SIGN_IN in participant.send("sign-in").text


@pytest.mark.interop("oidc-provider", "back-channel logout")
def test_a_logout_there_signs_out_here(installation: Installation, participant: Participant) -> None:
    """OpenID Connect Back-Channel Logout 1.0: at every campaign of that session, but not where an entry was sent."""
    entered = goes_through(participant, installation, "told")
    assert participant.send_entry(entered).path == "/c/told/thanks"
    goes_through(participant, installation, "told-too")
    with Participant(f"{installation.url}/c/told-too", ssl.create_default_context()) as somebody_else:
        goes_through(somebody_else, installation, "told-too")
        page = participant.visit("GET", config_of(installation, "told").end_session_endpoint)
        participant.press(page, LOGOUT_FORM, logout="yes")
        assert where(participant, installation, "told-too") == "/c/told-too/sign-in"
        assert where(participant, installation, "told") == "/c/told/thanks"
        assert where(somebody_else, installation, "told-too") == "/c/told-too/details", "another session goes on"
    [entry] = entries_of(installation, "told")
    assert (entry.values["email"], entry.signed_in) == ("ana@example.com", True)

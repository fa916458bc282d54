"""A sign-in at npm's `oidc-provider` in every way that both sides can, each the whole way: a participant plays, goes to
the login, consents, comes back to a form with the e-mail address in it, and sends an entry. And what has to fail, fails
calmly, with its reason in the log of attempts.

Connections are made as the command and the REST API make them: from the provider's metadata, with keys of ours, which
the provider then fetches where we publish them.
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from entracte.connections import manage
from entracte.connections.key_rotation import PUBLISHED_FIRST
from entracte.connections.model import ConnectionConfig
from entracte.participation.model import Attempt, Entry
from entracte.values import now
from tests.installation import Installation, free_port
from tests.interop.certificates import Certificates, make_certificates
from tests.interop.node_connections import CLIENT_SECRET, certify, connected, register_row, unregister_row
from tests.interop.node_provider import NodeProvider
from tests.interop.node_rows import ROWS, TABLES
from tests.interop.participant import Page, Participant
from tests.interop.way import check_the_way
from tests.journeys.stored import entries_of

SERVER = "oidc-provider"
ROTATED = ("rotated-key-jwt", "rotated-encrypted", "rotated-tls")


@dataclass(frozen=True)
class Stage:
    """An installation with a campaign for each row, and who it trusts."""

    installation: Installation
    providers: Mapping[bool, NodeProvider]
    certificates: Certificates
    trusted: ssl.SSLContext

    def participant(self, name: str) -> Participant:
        return Participant(f"{self.installation.url}/c/{name}", self.trusted)

    def attempts_of(self, entry: Entry) -> list[Attempt]:
        return self.installation.work(lambda store: store.records.attempts_of(entry.organization, entry.participation))

    def attempt(self, short_code: str) -> Attempt:
        organization = self.installation.organization.number
        [found] = self.installation.work(lambda store: store.records.attempts_by_short_code(organization, short_code))
        return found


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
    with connected(installation, ROWS, certificates) as providers, installation:
        yield Stage(
            installation, providers, certificates, ssl.create_default_context(cafile=str(certificates.authority))
        )


def marked(*, refused: bool) -> list[Any]:
    """The rows as cases, each with the mark of what it shows."""
    return [
        pytest.param(name, marks=pytest.mark.interop(SERVER, *row.features), id=name)
        for name, row in ROWS.items()
        if (row.reason is not None) is refused and not row.registers and name not in ROTATED
    ]


@pytest.mark.parametrize("name", marked(refused=False))
def test_a_person_goes_through(stage: Stage, name: str) -> None:
    with stage.participant(name) as participant:
        participant.play()
        form = participant.sign_in()
        assert (form.path, form.email) == (f"/c/{name}/details", "ana@example.com"), told(stage, form)
        thanks = participant.send_entry(form)
    assert thanks.path == f"/c/{name}/thanks"
    [entry] = entries_of(stage.installation, name)
    assert (entry.values["email"], entry.signed_in, len(entry.person)) == ("ana@example.com", True, 32)
    [attempt] = stage.attempts_of(entry)
    assert (attempt.outcome, attempt.reason) == ("signed_in", "")
    check_the_way(config_of(stage, name), ROWS[name], stage.installation.settings.oauth_address, participant.steps)
    check_what_was_asked(stage, name)


@pytest.mark.parametrize("name", marked(refused=True))
def test_what_has_to_fail_fails_calmly(stage: Stage, name: str) -> None:
    with stage.participant(name) as participant:
        participant.play()
        mishap = participant.sign_in()
    assert mishap.path == f"/c/{name}/sign-in/mishap", mishap.text
    attempt = stage.attempt(mishap.short_code)
    reason = ROWS[name].reason
    assert reason is not None
    assert (attempt.outcome, attempt.reason) == ("failed", reason.code), attempt.evidence
    assert entries_of(stage.installation, name) == []
    assert CLIENT_SECRET not in attempt.evidence


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.interop(SERVER, *row.features), id=name)
        for name, row in ROWS.items()
        if row.registers
    ],
)
def test_we_register_ourselves(stage: Stage, name: str) -> None:
    """We are registered, the server is told of a change, a person goes through, and the registration is ended: then the
    server knows us no more."""
    provider, installation = stage.providers[ROWS[name].https], stage.installation
    registered = installation.work(lambda store: register_row(store, installation, name, ROWS[name], provider))
    assert registered.config.client_id not in (name, "")
    test_a_person_goes_through(stage, name)
    installation.work(lambda store: unregister_row(store, installation, name))
    with stage.participant(name) as participant:
        participant.play()
        page = participant.sign_in()
    assert "invalid_client" in page.text or page.path.endswith("/mishap")


@pytest.mark.interop(SERVER, "key rotation", "private_key_jwt", "ID token encrypted", "tls_client_auth")
@pytest.mark.parametrize("name", ROTATED)
def test_a_new_key_of_ours_is_used(stage: Stage, name: str) -> None:
    """Keys that were made long enough ago are used as soon as they are there; an authority certifies the new one."""
    installation, organization = stage.installation, stage.installation.organization.number
    keys, long_ago = installation.settings.seal_keys(), now() - 2 * PUBLISHED_FIRST
    before = installation.work(lambda store: manage.named(store.connections, organization, name))
    rotated = installation.work(lambda store: manage.rotate_keys(store.connections, organization, name, keys, long_ago))
    assert len(rotated.own_keys) == 2 * len(before.own_keys)
    if rotated.config.client_certificate:
        installation.work(lambda store: certify(store, installation, name, stage.certificates))
    test_a_person_goes_through(stage, name)


def told(stage: Stage, page: Page) -> str:
    """Why a sign-in ended on another page."""
    if page.path.endswith("/mishap"):
        attempt = stage.attempt(page.short_code)
        return f"{attempt.reason}: {attempt.evidence}"
    return re.sub(r"<[^>]+>|\s+", " ", page.text)[-1500:]


def config_of(stage: Stage, name: str) -> ConnectionConfig:
    organization = stage.installation.organization.number
    return stage.installation.work(lambda store: manage.named(store.connections, organization, name)).config


def check_what_was_asked(stage: Stage, name: str) -> None:
    """The provider was asked what the row says, at the end of the way."""
    row = ROWS[name]
    by_us = {"pushed_authorization_request", "token", "userinfo", "introspection", "revocation"}
    asked = stage.providers[row.https].asked_by(config_of(stage, name).client_id)
    ours = [one for one in asked if one.partition(":")[0] in by_us]
    assert tuple(ours[-len(row.asked) :]) == row.asked or not row.asked, ours
    if "PAR" in row.features:
        assert "pushed_authorization_request:201" in ours
    if "UserInfo" in row.features:
        assert "userinfo:200" in ours


def test_each_row_has_a_name_of_its_own() -> None:
    assert len(ROWS) == sum(map(len, TABLES))

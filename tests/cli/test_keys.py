"""`entracte keys`: what was made under an old key goes on, and nothing is lost when the old key is dropped."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from entracte.cli import sealed
from entracte.cli.sealed import numbers_in_use, reseal_everything
from entracte.connections.client_secrets import client_of, seal_secret, with_secret
from entracte.connections.provider_sessions import ID_TOKEN, ProviderSession, opened_for
from entracte.organizations.person_key import reseal_person_key
from entracte.participation.provider_sessions import KeptSession, with_told
from entracte.protocol.seal import SealKeys, encode
from entracte.settings import read_settings
from entracte.store.opened import Store
from entracte.values import Secret, entropy
from tests import parts
from tests.cli.command import Operator, send
from tests.journeys.quiz import QUIZ
from tests.journeys.stored import entries_of
from tests.misbehaving_provider import served_misbehaving_provider
from tests.postgresql import PostgreSQL
from tests.store.samples import a_participation, a_profile, an_attempt, numbered
from tests.web.running import redirected, target_of


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operator]:
    if request.param == "sqlite":
        yield Operator(tmp_path)
        return
    parts.require(parts.POSTGRESQL)
    server = PostgreSQL()
    try:
        server.start()
        yield Operator(tmp_path, server.new_database())
    finally:
        server.close()


@pytest.mark.conformance("MUST 51")
def test_a_rotation_from_the_first_command_to_the_last(operator: Operator) -> None:
    installation = operator.installation
    with served_misbehaving_provider() as provider:
        installation.connect(provider.issuer, client_id=provider.client_id, secret=provider.client_secret)
        installation.publish(QUIZ)
        with installation:
            operator.enter()
            away, playing, absent = operator.browser(), operator.browser(), operator.browser()
            for browser in (away, playing, absent):
                browser.answer_questions()
            login = away.go_to_the_login()

            assert operator.says("keys", "rotate") == ""
            operator.restart()
            # under the old key: the state, the cookie, the PKCE verifier, the client secret, the organization's key
            assert away.get(away.get(target_of(redirected(login))).path).path == "/c/quiz/details"
            send(away)
            assert playing.get("/c/quiz").path == "/c/quiz/sign-in"
            assert operator.says("keys", "list") == "2\tseals\t0 in the database\n1\topens\t2 in the database\n"
            assert "[key_in_use]" in operator.refuses("keys", "drop", "1")

            assert "1 organizations, 1 connections" in operator.says("keys", "reseal")
            assert "0 organizations, 0 connections" in operator.says("keys", "reseal")
            operator.says("keys", "drop", "1")
            operator.restart()
            assert operator.says("keys", "list") == "2\tseals\t2 in the database\n"
            operator.enter()
            assert playing.sign_in().path == "/c/quiz/details"
            send(playing)
            # who did not come back while both keys were there begins anew: this is what dropping costs
            assert absent.get("/c/quiz/sign-in").path == "/c/quiz"
    people = {entry.person for entry in entries_of(installation, "quiz")}
    assert len(entries_of(installation, "quiz")) == 4
    assert len(people) == 1  # one person at the provider is one person here, under every key
    assert oct(stat.S_IMODE(operator.keys.stat().st_mode)) == "0o600"
    for item in operator.keys.read_text().strip().split(","):
        assert item.partition(":")[2] not in installation.log()


def test_a_rotation_in_two_steps_and_without_a_file(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    before = operator.keys.read_text().strip()
    operator.says("keys", "rotate", "--behind")
    first, second = operator.keys.read_text().strip().split(",")
    assert (first, second[:2]) == (before, "2:")
    operator.says("keys", "rotate", "--first", "2")
    assert operator.keys.read_text() == f"{second},{first}\n"
    printed = operator.says(
        "keys", "rotate", ENTRACTE_SECRET_KEYS_FILE="", ENTRACTE_SECRET_KEYS=f"255:{second[2:]},{first}"
    )
    assert printed.startswith("0:")
    assert printed.strip().endswith(f",255:{second[2:]},{first}")
    assert "[key_newest]" in operator.refuses("keys", "drop", "2")
    assert "[key_unknown]" in operator.refuses("keys", "drop", "9")
    assert "[key_unknown]" in operator.refuses("keys", "rotate", "--first", "9")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["entracte.sqlite3", "keys"]


def test_a_file_that_can_not_be_used_is_left_as_it_is(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    assert "[keys_file_unusable]" in operator.refuses("keys", "rotate", "--file", str(tmp_path / "absent"))
    broken = tmp_path / "broken"
    broken.write_text("1:c2hvcnQ")
    assert "shorter than 32 bytes" in operator.refuses("keys", "rotate", "--file", str(broken))
    assert broken.read_text() == "1:c2hvcnQ"
    full = tmp_path / "full"
    full.write_text(",".join(f"{number}:{encode(entropy(32))}" for number in range(256)))
    assert "[keys_full]" in operator.refuses("keys", "rotate", "--file", str(full))


def test_what_changes_meanwhile_is_not_lost(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    settings = operator.installation.settings
    [old] = settings.seal_keys().by_number.values()
    both = SealKeys(2, {1: old, 2: entropy(32)})

    async def work(store: Store) -> None:
        [owner] = await store.organizations.everyone()
        # another operator was faster: what was read is not what is there
        assert await reseal_person_key(store.organizations, owner, both)
        [resealed] = await store.organizations.everyone()
        assert not await reseal_person_key(store.organizations, owner, both)
        assert await store.organizations.everyone() == [resealed]

    operator.installation.work(work)


def test_both_secrets_of_a_connection_are_sealed_anew(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    [old] = operator.installation.settings.seal_keys().by_number.values()
    keys = SealKeys(1, {1: old})
    both, alone = SealKeys(2, {1: old, 2: b"n" * 32}), SealKeys(2, {2: b"n" * 32})
    with served_misbehaving_provider() as provider:
        kept = operator.installation.connect(provider.issuer, secret="the first")

    async def work(store: Store) -> None:
        sealed = seal_secret(Secret("the second"), kept.organization, keys)
        await store.connections.change(
            kept.organization, kept.config.name, lambda one: with_secret(one, sealed, 1, replace_previous=True)
        )
        assert await numbers_in_use(store) == {1: 3}
        await reseal_everything(store, both)
        assert await numbers_in_use(store) == {2: 3}
        [resealed] = await store.connections.of(kept.organization)
        assert client_of(resealed, alone).client_secret == Secret("the second")
        assert resealed.previous_sealed_secret is not None

    operator.installation.work(work)


def test_what_is_kept_of_sessions_is_sealed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are read at once; one that was sealed with the newest key already is left alone."""
    monkeypatch.setattr(sealed, "SESSIONS_AT_ONCE", 3)
    count, operator = 8, Operator(tmp_path)
    [old] = operator.installation.settings.seal_keys().by_number.values()
    keys = SealKeys(1, {1: old})
    both, alone = SealKeys(2, {1: old, 2: b"n" * 32}), SealKeys(2, {2: b"n" * 32})

    async def work(store: Store) -> None:
        [owner] = await store.organizations.everyone()
        for number in range(count):
            participation = a_participation(owner.number, id=numbered(number))
            await store.participations.start(participation, [])
            attempt = an_attempt(participation)
            told = ProviderSession(None, Secret("an.id.token"), Secret("a state") if number else None)
            of = KeptSession(
                *(owner.number, attempt.campaign, participation.id, attempt.number, attempt.connection, 1, b"person")
            )
            kept = with_told(of, told, both if number == 1 else keys)
            await store.participations.sign_in(attempt, a_profile(b"person"), kept)
        assert await numbers_in_use(store) == {1: 1 + 2 * count - 3, 2: 2}
        assert (await reseal_everything(store, both)).sessions == count - 1
        assert await numbers_in_use(store) == {2: 1 + 2 * count - 1}
        assert (await reseal_everything(store, both)).sessions == 0
        first = await store.provider_sessions.current(owner.number, numbered(0), b"person")
        assert first is not None
        opened = opened_for(ID_TOKEN, first.sealed_id_token, owner.number, alone)
        assert (opened, first.sealed_session_state) == (Secret("an.id.token"), None)

    operator.installation.work(work)


def test_a_key_that_is_missing_is_named(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    other = f"7:{encode(entropy(32))}"
    listed = operator.says("keys", "list", ENTRACTE_SECRET_KEYS=other)
    assert listed == "7\tseals\t0 in the database\n1\tMISSING\t1 in the database\n"
    assert "[state_unknown_key]" in operator.refuses("keys", "reseal", ENTRACTE_SECRET_KEYS=other)
    assert read_settings(secret_keys=other).seal_keys().newest == 7

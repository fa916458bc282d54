"""`entracte attempt`: from the short code that a participant reads out to the reason."""

import json

import pytest

from entracte.statistics.reasons import reason_in_words
from entracte.web.api.attempts import ShownAttempt
from tests.cli.crowd import Crowd, gather
from tests.test_cli import Shell

CODE = "K7Q-2ML"


@pytest.fixture(scope="module")
def crowd(shell: Shell) -> Crowd:
    return gather(shell)


@pytest.mark.parametrize("typed", [CODE, "k7q2ml", " k7q 2m1 ", "K7Q–2MI"])
def test_a_code_is_found_however_it_was_typed(shell: Shell, crowd: Crowd, typed: str) -> None:
    newest, older = shell.says("attempt", "find", typed).split("\n\n")
    assert newest.splitlines() == [
        f"short_code\t{CODE}",
        "campaign\tsmall",
        "connection\tnorthwind",
        "outcome\tfailed",
        "reason\ttoken_algorithm",
        f"reason_in_words\t{reason_in_words('token_algorithm')}",
        "evidence\tExpected RS256; got none.\\u001b[31m\\u202e",
        "sent_at\t2027-01-15T08:03:22Z",
        "returned_at\t2027-01-15T08:05:00Z",
        "finished_at\t2027-01-15T08:05:01Z",
        f"participation\t{crowd.cleo.id}",
    ]
    assert "reason\tprovider_timeout" in older


def test_one_document_is_what_the_api_says(shell: Shell, crowd: Crowd) -> None:
    [attempt] = json.loads(shell.says("attempt", "find", "ANA-222", "--json"))["items"]
    assert set(attempt) == set(ShownAttempt.model_fields)
    assert ShownAttempt.model_validate(attempt).participation == crowd.ana.participation
    assert (attempt["outcome"], attempt["reason"], attempt["reason_in_words"]) == ("signed_in", "", "")


def test_nothing_of_the_person_is_shown(shell: Shell, crowd: Crowd) -> None:
    for told in (shell.says("attempt", "find", "ANA-222"), shell.says("attempt", "find", "ANA-222", "--json")):
        assert "example.com" not in told
        assert "Ana" not in told
        assert b"ana".hex() not in told


@pytest.mark.parametrize("typed", ["K7Q-2MM", "", "no code at all", "K7Q-2M", "1; DROP TABLE attempt"])
def test_a_code_that_nobody_has(shell: Shell, crowd: Crowd, typed: str) -> None:
    assert "[attempt_unknown]" in shell.refuses("attempt", "find", typed)
    assert "[attempt_unknown]" in shell.refuses("attempt", "find", typed, "--json")


def test_another_organization_does_not_find_it(shell: Shell, crowd: Crowd) -> None:
    mine = shell.refuses("attempt", "find", CODE, "--organization", "contoso")
    assert mine == shell.refuses("attempt", "find", "K7Q-2MM", "--organization", "contoso")
    assert "[attempt_unknown]" in mine

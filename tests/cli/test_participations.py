"""`entracte participation`: how far people came."""

import json

import pytest

from entracte.web.api.participations import ShownParticipation
from tests.cli.crowd import Crowd, gather
from tests.store.samples import numbered
from tests.test_cli import Shell


@pytest.fixture(scope="module")
def crowd(shell: Shell) -> Crowd:
    return gather(shell)


def ids(told: str) -> list[str]:
    return [line.split("\t")[0] for line in told.splitlines()]


def test_a_participation_is_shown_without_values(shell: Shell, crowd: Crowd) -> None:
    assert shell.says("participation", "show", str(crowd.ana.participation)).splitlines() == [
        f"id\t{crowd.ana.participation}",
        "campaign\tsmall",
        "language\ten",
        "started_at\t2027-01-15T08:01:00Z",
        "outcome\tsigned_in",
        "entered_at\t2027-01-15T08:10:00Z",
        "answered\tone welcome",
        "attempt\tANA-222\t2027-01-15T08:01:01Z\tsigned_in",
    ]
    told = shell.says("participation", "show", str(crowd.ana.participation), "--json")
    shown = json.loads(told)
    assert set(shown) == {*ShownParticipation.model_fields, "campaign", "attempts"}
    assert ShownParticipation.model_validate(shown).id == crowd.ana.participation
    assert "Ana" not in told
    assert "example.com" not in told


def test_values_are_shown_where_they_are_asked_for(shell: Shell, crowd: Crowd) -> None:
    command = ("participation", "show", str(crowd.ana.participation), "--values")
    told = shell.says(*command)
    assert "answer one\ta\\u001b[31m\\u202e\n" in told
    assert "form name\tAna\\u001b[31m\\u202e\n" in told
    told = shell.says(*command, "--json")
    assert told.isascii()
    assert "\x1b" not in told
    shown = json.loads(told)
    assert shown["answers"] == {"welcome": None, "one": "a\x1b[31m\u202e"}
    assert shown["values"] == dict(crowd.ana.values)
    assert shown["outcomes"] == {"name": "typed"}
    waiting = json.loads(shell.says("participation", "show", str(crowd.cleo.id), "--values", "--json"))
    assert (waiting["answers"], waiting["values"]) == ({"welcome": None}, {})


def test_failed_attempts_are_among_it(shell: Shell, crowd: Crowd) -> None:
    lines = shell.says("participation", "show", str(crowd.cleo.id)).splitlines()
    assert [line.split("\t")[3:] for line in lines if line.startswith("attempt\t")] == [
        ["failed", "token_algorithm"],
        ["failed", "provider_timeout"],
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [1, 2, 3]),
        (("--entered",), [1, 2]),
        (("--not-entered",), [3]),
        (("--outcome", "failed"), [3]),
        (("--outcome", "signed_in"), [1]),
        (("--since", "2027-01-15T08:02:00Z"), [2, 3]),
        (("--since", "2027-01-15T09:02:00+01:00", "--before", "2027-01-15T08:03"), [2]),
        (("--before", "2027-01-15"), []),
        (("--since", "2027-01-15"), [1, 2, 3]),
    ],
)
def test_participations_are_listed(shell: Shell, crowd: Crowd, options: tuple[str, ...], expected: list[int]) -> None:
    assert ids(shell.says("participation", "list", "small", *options)) == [str(numbered(n)) for n in expected]


def test_a_line_says_how_far_somebody_came(shell: Shell, crowd: Crowd) -> None:
    ana, bea, _ = shell.says("participation", "list", "small").splitlines()
    assert ana.split("\t")[1:] == ["2027-01-15T08:01:00Z", "signed_in", "2027-01-15T08:10:00Z", "one welcome"]
    assert bea.split("\t")[1:] == ["2027-01-15T08:02:00Z", "-", "2027-01-15T08:20:00Z", "welcome"]


def test_pages_follow_each_other(shell: Shell, crowd: Crowd) -> None:
    listing = ("participation", "list", "small")
    first = shell.run(*listing, "--limit", "2")
    cursor = first.stderr.removeprefix("There is more: --after ").strip()
    second = shell.run(*listing, "--limit", "2", "--after", cursor)
    assert [len(ids(page.stdout)) for page in (first, second)] == [2, 1]
    assert first.stdout + second.stdout == shell.says(*listing)
    assert second.stderr == ""
    page = json.loads(shell.says(*listing, "--limit", "2", "--json"))
    assert page["next"] == cursor
    last = json.loads(shell.says(*listing, "--after", page["next"], "--json"))
    assert last["next"] is None
    assert last["resume"]
    assert [one["id"] for one in (*page["items"], *last["items"])] == ids(shell.says(*listing))
    for wrong in (("--after", cursor, "--entered"), ("--after", f"{cursor}x"), ("--after", "x")):
        assert "[cursor_invalid]" in shell.refuses(*listing, *wrong)


def test_what_is_not_there_or_another_organizations(shell: Shell, crowd: Crowd) -> None:
    charlie = ("--organization", "contoso")
    assert "[campaign_unknown]" in shell.refuses("participation", "list", "small", *charlie)
    assert "[campaign_unknown]" in shell.refuses("participation", "list", "nobodys")
    for nobody in ((str(numbered(9)),), (str(crowd.ana.participation), *charlie)):
        assert "[participation_unknown]" in shell.refuses("participation", "show", *nobody)


@pytest.mark.parametrize(
    "options", [("--since", "yesterday"), ("--before", "2027-13-01"), ("--limit", "1001"), ("--limit", "0")]
)
def test_what_is_written_wrongly(shell: Shell, crowd: Crowd, options: tuple[str, ...]) -> None:
    assert shell.run("participation", "list", "small", *options).returncode == 2

"""`entracte campaign publish` with a file that is wrong: every problem at once, each with its line and path, and
nothing is published: the version before is still served."""

import re
from pathlib import Path

import pytest

from entracte.store.opened import Store
from tests.bad_input.stage import Stage
from tests.journeys.quiz import QUIZ

TITLE = "title: {en: Summer quiz, fr: Le quiz de l’été}"
CHANGED = QUIZ.replace(TITLE, "title: {en: A changed quiz, fr: Un autre quiz}")
LINE = re.compile(r"entracte: quiz\.yaml:(\d+)(?:: ([\w.\[\]-]+))?: .+ \[(campaign_\w+)\]")

Wrong = list[tuple[str, str]]


def changed(*changes: tuple[str, str]) -> str:
    text = CHANGED
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


FILES: dict[str, tuple[bytes | str, Wrong]] = {
    "not YAML": ("steps: [", [("", "campaign_not_yaml")]),
    "not a mapping": ("- a\n- b\n", [("", "campaign_wrong_type")]),
    "empty": ("", [("", "campaign_wrong_type")]),
    "not UTF-8": (b"campaign: \xff\xfe", [("", "campaign_not_utf8")]),
    "huge": ("#" * 1_000_001, [("", "campaign_too_large")]),
    "nested too deep": ("[" * 100_000, [("", "campaign_not_yaml")]),
    "an unknown key": (changed(("guests: true", "gusets: true")), [("sign_in.gusets", "campaign_unknown_key")]),
    "a wrong type": (changed(("guests: true", "guests: perhaps")), [("sign_in.guests", "campaign_wrong_type")]),
    "a text missing in a language": (
        changed((", fr: Quelle chanson", "")),
        [("steps[1].title", "campaign_language_missing")],
    ),
    "a field mapped to nothing": (
        changed(("prefill: first_name", "prefill: shoe_size")),
        [("steps[4].fields[0].prefill", "campaign_unmapped_field")],
    ),
    "a connection that is not there": (
        changed(("connection: northwind", "connection: southwind")),
        [("sign_in.connection", "campaign_unknown_connection")],
    ),
    "all of it": (
        changed(
            ("guests: true", "guests: perhaps"),
            (", fr: Quelle chanson", ""),
            ("prefill: first_name", "prefill: shoe_size"),
            ("prefill: phone, country: BE", "prefill: phone, country: 7, colour: red"),
            ("campaign: quiz", "campaign: quiz\nanother: key"),
        ),
        [
            ("another", "campaign_unknown_key"),
            ("sign_in.guests", "campaign_wrong_type"),
            ("steps[1].title", "campaign_language_missing"),
            ("steps[4].fields[0].prefill", "campaign_unmapped_field"),
            ("steps[4].fields[2].colour", "campaign_unknown_key"),
            ("steps[4].fields[2].country", "campaign_malformed_name"),
        ],
    ),
}


def versions(stage: Stage) -> list[tuple[str, int]]:
    async def read(store: Store) -> list[tuple[str, int]]:
        return [(one.name, one.version) for one in await store.campaigns.of(stage.installation.organization.number)]

    return stage.installation.work(read)


@pytest.mark.parametrize("name", FILES)
def test_everything_is_said_at_once_and_nothing_is_published(stage: Stage, tmp_path: Path, name: str) -> None:
    content, expected = FILES[name]
    file = tmp_path / "quiz.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = versions(stage)
    said = stage.installation.command("campaign", "publish", str(file))
    assert (said.status, said.out) == (1, "")
    assert "Traceback" not in said.error
    found = [LINE.fullmatch(line) for line in said.error.splitlines()]
    assert all(found), said.error
    assert sorted((one[2] or "", one[3]) for one in found if one) == sorted(expected)
    lines = [int(one[1]) for one in found if one]
    assert lines == sorted(lines)
    assert versions(stage) == before
    page = stage.installation.browser().get("/c/quiz")
    assert (page.status, "Summer quiz" in page.body) == (200, True)


WORDS = {
    "an unknown key": "gusets",
    "a wrong type": "perhaps",
    "a text missing in a language": "Which song",
    "a field mapped to nothing": "shoe_size",
    "a connection that is not there": "southwind",
}


@pytest.mark.parametrize("name", WORDS)
def test_the_line_is_that_of_the_mistake(stage: Stage, tmp_path: Path, name: str) -> None:
    text = str(FILES[name][0])
    file = tmp_path / "quiz.yaml"
    file.write_text(text, encoding="utf-8")
    said = stage.installation.command("campaign", "publish", str(file))
    number = next(number for number, row in enumerate(text.splitlines(), start=1) if WORDS[name] in row)
    assert f"quiz.yaml:{number}: " in said.error


def test_a_file_that_is_right_is_published(stage: Stage, tmp_path: Path) -> None:
    """So that the tests above say something: the same file without a mistake."""
    file = tmp_path / "changed.yaml"
    file.write_text(CHANGED.replace("campaign: quiz", "campaign: changed"), encoding="utf-8")
    said = stage.installation.command("campaign", "publish", str(file))
    assert (said.status, said.error) == (0, "")
    assert "Summer quiz" not in stage.installation.browser().get("/c/changed").body

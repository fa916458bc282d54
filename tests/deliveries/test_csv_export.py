"""The export of entries: every value, nothing that a spreadsheet runs, and bounded memory."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from entracte.campaigns.model import Definition
from entracte.deliveries.csv_export import CHUNK_LINES, entries_csv
from entracte.participation.events import ValueOutcome
from entracte.participation.model import Entry
from entracte.values import CampaignNumber, OrganizationNumber, ParticipationId

DEFINITION = Definition.model_validate(
    {
        "campaign": "quiz",
        "title": {"fr": "Jeu", "en": "Quiz"},
        "languages": ["fr", "en"],
        "steps": [
            {"kind": "welcome", "key": "hello", "title": {"fr": "Salut", "en": "Hi"}},
            {
                "kind": "single_choice",
                "key": "song",
                "title": {"fr": "Chanson", "en": "Song"},
                "choices": [
                    {"key": "a", "label": {"fr": "Été", "en": "Summer"}},
                    {"key": "b", "label": {"fr": "=Hiver", "en": "Winter"}},
                ],
            },
            {
                "kind": "multiple_choice",
                "key": "days",
                "title": "Jours",
                "choices": [{"key": "sat", "label": "Samedi"}, {"key": "sun", "label": "Dimanche"}],
            },
            {"kind": "open_text", "key": "why", "title": "Pourquoi"},
            {
                "kind": "form",
                "key": "form",
                "title": "Vous",
                "fields": [
                    {"key": "email", "kind": "email", "label": "E-mail"},
                    {"key": "phone", "kind": "phone", "label": "GSM"},
                    {
                        "key": "shirt",
                        "kind": "choice",
                        "label": "T-shirt",
                        "choices": [{"key": "s", "label": "Petit"}, {"key": "l", "label": "Grand"}],
                    },
                    {"key": "rules", "kind": "checkbox", "label": "OK"},
                ],
            },
            {"kind": "thanks", "key": "thanks", "title": "Merci"},
        ],
    }
)


def an_entry(**given: Any) -> Entry:
    values: dict[str, Any] = {
        "organization": OrganizationNumber(1),
        "campaign": CampaignNumber(1),
        "participation": ParticipationId(uuid4()),
        "entered_at": 1_800_000_000,
        "language": "en",
        "signed_in": True,
        "person": b"person",
        "answers": {"song": "a", "days": ["sat", "sun"], "why": "because"},
        "values": {"email": "ana@example.com", "phone": "+32470123456", "shirt": "l", "rules": True},
        "outcomes": {"email": ValueOutcome.KEPT, "phone": ValueOutcome.EDITED, "shirt": ValueOutcome.TYPED},
    }
    return Entry(**(values | given))


async def kept(*entries: Entry) -> AsyncIterator[Entry]:
    for entry in entries:
        yield entry


async def read(*entries: Entry) -> list[dict[str, str]]:
    text = "".join([piece async for piece in entries_csv(DEFINITION, kept(*entries))])
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


async def test_one_line_holds_everything() -> None:
    assert await read(an_entry()) == [
        {
            "entered_at": "2027-01-15T08:00:00Z",
            "language": "en",
            "signed_in": "true",
            "question.song": "Été",
            "question.days": "Samedi; Dimanche",
            "question.why": "because",
            "form.email": "ana@example.com",
            "form.email.outcome": "kept",
            "form.phone": "'+32470123456",
            "form.phone.outcome": "edited",
            "form.shirt": "Grand",
            "form.shirt.outcome": "typed",
            "form.rules": "true",
            "form.rules.outcome": "",
            "no_longer_asked": "",
        }
    ]


async def test_without_entries_there_is_the_header() -> None:
    pieces = [piece async for piece in entries_csv(DEFINITION, kept())]
    assert "".join(pieces).startswith("entered_at,language,signed_in,question.song,")
    assert "".join(pieces).count("\r\n") == 1


@pytest.mark.conformance("MUST 58")
async def test_nothing_is_run_by_a_spreadsheet() -> None:
    lines = await read(
        an_entry(
            answers={"song": "b", "why": '=cmd|"/C calc"!A0', "days": ["=x", "sun"]},
            values={"email": "@x", "phone": "\t=1", "shirt": "-1"},
            outcomes={},
        )
    )
    (line,) = lines
    assert line["question.song"] == "'=Hiver"
    assert line["question.why"] == '\'=cmd|"/C calc"!A0'
    assert line["question.days"] == "'=x; Dimanche"
    assert (line["form.email"], line["form.phone"], line["form.shirt"]) == ("'@x", "'\t'=1", "'-1")


async def test_lines_and_quotes_in_a_text_stay_in_their_cell() -> None:
    awkward = 'one\r\ntwo, "three"\n;four\u202e'
    (line,) = await read(an_entry(answers={"why": awkward}))
    assert line["question.why"] == awkward


async def test_a_passed_question_and_a_missing_value_are_empty() -> None:
    (line,) = await read(an_entry(answers={"song": None}, values={"rules": False}, signed_in=False, person=b""))
    assert (line["question.song"], line["question.days"], line["form.email"]) == ("", "", "")
    assert (line["form.rules"], line["signed_in"]) == ("false", "false")


async def test_what_an_earlier_version_asked_is_not_lost() -> None:
    (line,) = await read(
        an_entry(answers={"song": "gone", "old": ["x"], "passed": None}, values={"city": "Köln", "empty": None})
    )
    assert line["question.song"] == "gone"
    assert json.loads(line["no_longer_asked"]) == {"question.old": ["x"], "form.city": "Köln"}


async def test_many_entries_come_in_pieces() -> None:
    taken = 0

    async def endless() -> AsyncIterator[Entry]:
        nonlocal taken
        while True:
            taken += 1
            yield an_entry()

    pieces = entries_csv(DEFINITION, endless())
    sizes = []
    async for piece in pieces:
        sizes.append(piece.count("\r\n"))
        assert taken <= len(sizes) * CHUNK_LINES
        if len(sizes) == 4:
            break
    assert max(sizes) <= CHUNK_LINES


async def test_every_entry_is_there_once_and_in_order() -> None:
    lines = await read(*(an_entry(answers={"why": str(number)}) for number in range(2 * CHUNK_LINES + 3)))
    assert [line["question.why"] for line in lines] == [str(number) for number in range(2 * CHUNK_LINES + 3)]

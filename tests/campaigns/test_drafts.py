"""Drafts: kept right or wrong, read with every mistake, published only when everything is right."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.campaigns.document import read_document
from entracte.campaigns.drafts import (
    Draft,
    DraftChanged,
    anything,
    examine,
    file_text,
    get,
    publish_draft,
    remove,
    save,
    text_of,
)
from entracte.errors import LocalError
from entracte.organizations.model import Brand
from entracte.store.opened import Store
from entracte.values import Json, OrganizationNumber
from tests.campaigns.definitions import small
from tests.campaigns.test_manage import OWNER, Shelf

KNOWN = {"northwind": {"name", "email"}}


def draft(text: str, name: str = "small") -> Draft:
    return Draft(OWNER, name, 1, 1000, text)


def file(**changes: Any) -> str:
    return text_of(small(**changes))


async def test_a_draft_that_is_right_has_no_mistakes() -> None:
    examined = await examine(draft(file()), KNOWN)
    assert examined.mistakes == ()
    assert isinstance(examined.value, dict)
    assert examined.value["campaign"] == "small"


async def test_every_mistake_has_line_path_and_code() -> None:
    text = "campaign: small\ntitle: {en: A}\nlanguages: [en, fr]\nsteps: []\ncolour: red\n"
    mistakes = (await examine(draft(text), KNOWN)).mistakes
    assert {(one.line, one.path, one.code) for one in mistakes} >= {
        (2, "title", "campaign_language_missing"),
        (4, "steps", "campaign_out_of_range"),
        (5, "colour", "campaign_unknown_key"),
    }
    assert all(one.message for one in mistakes)


async def test_a_file_that_can_not_be_read_is_one_mistake() -> None:
    examined = await examine(draft("title: a\nb: [\n"), KNOWN)
    assert examined.value is None
    [mistake] = examined.mistakes
    assert (mistake.code, mistake.path) == ("campaign_not_yaml", "")
    assert mistake.line >= 2


async def test_an_empty_draft_can_be_kept() -> None:
    assert [one.code for one in (await examine(draft(""), KNOWN)).mistakes] == ["campaign_wrong_type"]


async def test_what_the_connections_do_not_have_is_a_mistake() -> None:
    assert [one.code for one in (await examine(draft(file()), {})).mistakes] == ["campaign_unknown_connection"]


async def test_a_draft_of_another_campaign_is_a_mistake() -> None:
    examined = await examine(draft(file(), "other"), KNOWN)
    assert [(one.code, one.path) for one in examined.mistakes] == [("campaign_other_name", "campaign")]


async def test_only_a_draft_without_mistakes_is_published() -> None:
    shelf = Shelf()
    with pytest.raises(LocalError) as raised:
        await publish_draft(shelf, draft(file(colour="red", languages=["en", "fr"]), "other"), KNOWN, 5)
    assert {problem.code for problem in raised.value.problems} >= {"campaign_unknown_key", "campaign_other_name"}
    with pytest.raises(LocalError, match="campaign_not_yaml"):
        await publish_draft(shelf, draft("["), KNOWN, 5)
    assert shelf.kept is None
    published = await publish_draft(shelf, draft(file()), KNOWN, 5)
    assert (published.name, published.version, published.published_at) == ("small", 1, 5)
    assert shelf.kept == published


TEXTS = st.text(st.characters(codec="utf-8"))


@given(st.dictionaries(TEXTS, st.one_of(TEXTS, st.lists(TEXTS))))
def test_a_json_document_reads_as_the_same_values(values: dict[str, Json]) -> None:
    """But for control characters, which no campaign has."""
    document = read_document(text_of(values), "draft", lambda path: False)
    if not document.findings:
        assert document.value == values
    else:
        assert {finding.code for finding in document.findings} == {"campaign_character"}


def test_a_json_document_with_a_character_beyond_the_first_plane_is_text() -> None:
    assert "🎤" in text_of(json.loads('{"title": "\\ud83c\\udfa4"}'))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff", "campaign_not_utf8"),
        ("title: \ud800", "campaign_not_utf8"),
        ("a: 1\nb: \0", "campaign_not_yaml"),
        ("x" * 1_000_001, "campaign_too_large"),
    ],
)
def test_what_can_not_be_kept_is_refused(raw: str | bytes, code: str) -> None:
    with pytest.raises(LocalError) as raised:
        file_text(raw)
    assert raised.value.problem.code == code


async def test_a_draft_is_kept_changed_and_removed() -> None:
    store = Store.open("sqlite://")
    await store.start()
    try:
        organization = await store.organizations.add("northwind", "Northwind", Brand(), "sealed")
        mine = organization.number
        first = await save(store.drafts, mine, "quiz", "one", 1)
        assert await get(store.drafts, mine, "quiz") == first
        second = await save(store.drafts, mine, "quiz", "two", 2, lambda kept: kept is not None)
        assert second.mark != first.mark
        with pytest.raises(DraftChanged):
            await save(store.drafts, mine, "quiz", "x", 3, lambda kept: kept is None)
        with pytest.raises(DraftChanged):
            await remove(store.drafts, mine, "quiz", lambda kept: kept == first)
        charlie = OrganizationNumber(mine + 1)
        for refused in (get(store.drafts, charlie, "quiz"), remove(store.drafts, charlie, "quiz"),
                        get(store.drafts, mine, "q\0")):  # fmt: skip
            with pytest.raises(LocalError) as raised:
                await refused
            assert raised.value.problem.code == "campaign_draft_unknown"
        await remove(store.drafts, mine, "quiz")
        # the same name again is not the same draft
        assert (await save(store.drafts, mine, "quiz", "three", 4)).mark not in (first.mark, second.mark)
    finally:
        await store.stop()


@pytest.mark.parametrize("name", ["", "Quiz", "a_b", "a--b", "-a", "a\n", "x" * 61, "q\0"])
async def test_a_name_that_no_campaign_can_have(name: str) -> None:
    store = Store.open("sqlite://")
    await store.start()
    try:
        with pytest.raises(LocalError) as raised:
            await save(store.drafts, OWNER, name, "one", 1, anything)
    finally:
        await store.stop()
    assert raised.value.problem.code == "campaign_malformed_name"

"""Lists in pages: each line once, by cursors that are good for their list alone."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from entracte.protocol.errors import Reason
from tests.api.programs import Neighbours, neighbours
from tests.bad_input.stage import follow
from tests.web.running import redirected, target_of

ENTRIES, PARTICIPATIONS = "/campaigns/quiz/entries", "/campaigns/quiz/participations"
PEOPLE = 5


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """Five entries, and one who only began."""
    with neighbours(tmp_path_factory.mktemp("lists"), api_requests_per_minute=100_000) as running:
        for _ in range(PEOPLE):
            running.enter()
        running.served.browser(language="fr").answer_questions()
        yield running


def pages(crowd: Neighbours, address: str) -> list[list[dict[str, Any]]]:
    """Every page, by the addresses in `Link`."""
    found = []
    while address:
        answer = crowd.alice("GET", address)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found.append(body["items"])
        following = answer.links.get("next", {}).get("url", "")
        assert bool(following) == (body["next"] is not None)
        parts = urlsplit(following)
        address = f"{parts.path}?{parts.query}".removeprefix("/api/v1") if following else ""
    return found


def test_pages_have_each_once(crowd: Neighbours) -> None:
    found = pages(crowd, f"{ENTRIES}?limit=2")
    assert [len(page) for page in found] == [2, 2, 1]
    ids = [entry["participation"] for page in found for entry in page]
    assert len(set(ids)) == PEOPLE
    assert ids == [entry["participation"] for entry in crowd.alice.get(ENTRIES)["items"]]


def test_a_filter_goes_with_every_page(crowd: Neighbours) -> None:
    found = pages(crowd, f"{PARTICIPATIONS}?limit=2&entered=true&outcome=signed_in&since=2026-01-01T00:00:00%2B01:00")
    assert [len(page) for page in found] == [2, 2, 1]
    [[only]] = pages(crowd, f"{PARTICIPATIONS}?limit=2&entered=false")
    assert only["language"] == "fr"
    assert only["answered"] == ["hello", "places", "song", "why"]
    assert only["outcome"] is None
    assert pages(crowd, f"{ENTRIES}?signed_in=false") == [[]]
    assert pages(crowd, f"{ENTRIES}?before=2026-01-01T00:00:00Z") == [[]]


def test_an_entry_says_what_was_submitted(crowd: Neighbours) -> None:
    entry = crowd.alice.get(ENTRIES)["items"][0]
    assert entry["answers"] == {"hello": None, "song": "b", "places": ["beach"], "why": "The sea"}
    assert entry["values"]["first_name"] == "Ana"
    assert entry["outcomes"]["email"] == "kept"
    assert entry["signed_in"] is True
    assert crowd.alice.get(f"/entries/{entry['participation']}") == entry


def test_participations_show_nothing_that_was_written(crowd: Neighbours) -> None:
    answer = crowd.alice("GET", PARTICIPATIONS).text
    for value in ("Ana", "ada@northwind.example", "The sea"):
        assert value not in answer


def test_to_resume_is_to_miss_nothing(crowd: Neighbours) -> None:
    resume = crowd.alice.get(ENTRIES)["resume"]
    known = {entry["participation"] for entry in crowd.alice.get(ENTRIES)["items"]}
    crowd.enter()
    later = crowd.alice.get(f"{ENTRIES}?cursor={resume}")
    new = [entry for entry in later["items"] if entry["participation"] not in known]
    assert len(new) == 1


@pytest.mark.parametrize(
    "other",
    [
        f"{ENTRIES}?language=en",
        f"{ENTRIES}?since=2026-01-01T00:00:00Z",
        PARTICIPATIONS,
        "/campaigns/other/entries",
    ],
)
def test_a_cursor_is_good_for_its_list_alone(other: str, crowd: Neighbours) -> None:
    cursor = crowd.alice.get(f"{ENTRIES}?limit=1")["next"]
    separator = "&" if "?" in other else "?"
    answer = crowd.alice("GET", f"{other}{separator}cursor={cursor}")
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("cursor_invalid", "campaign_unknown")


def test_a_failed_sign_in_is_found_by_its_short_code(crowd: Neighbours) -> None:
    browser = crowd.served.browser()
    browser.answer_questions()
    crowd.stage.provider.misbehaviour = "wrong_nonce"
    try:
        page = follow(browser, target_of(redirected(browser.go_to_the_login())))
    finally:
        crowd.stage.provider.misbehaviour = ""
    code = page.body.partition("<code>")[2].partition("</code>")[0]
    for typed in (code, code.lower(), code.replace("-", " "), code.replace("-", "").lower()):
        [attempt] = crowd.alice.get("/attempts", params={"short_code": typed})["items"]
        assert attempt["reason"] == Reason.TOKEN_NONCE.code
        assert attempt["reason_in_words"]
        assert attempt["outcome"] == "failed"
        assert (attempt["campaign"], attempt["connection"]) == ("quiz", "northwind")
    again = crowd.alice.get(f"/participations/{attempt['participation']}/attempts")["items"]
    assert again == [attempt]
    assert crowd.charlie.get("/attempts", params={"short_code": code})["items"] == []


def test_the_numbers_are_those_of_the_manager(crowd: Neighbours) -> None:
    report = crowd.alice.get("/campaigns/quiz/statistics")
    counts = {(row["measure"], row["key"]): row["count"] for row in report["rows"]}
    entries = len(crowd.alice.get(ENTRIES)["items"])
    assert counts["entered", ""] == entries
    assert counts["started", ""] == len(crowd.alice.get(PARTICIPATIONS)["items"])
    assert report["people"] == 1
    assert report["started_since"] == counts["started", ""]
    since = crowd.alice.get("/campaigns/quiz/statistics?since=2099-01-01T00:00:00Z")
    assert since["started_since"] == 0
    assert since["rows"] == report["rows"]

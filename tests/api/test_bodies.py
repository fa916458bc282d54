"""Bad input at the REST API: each row gets its problem document at once, and the process stays as it was."""

import json
from typing import Any

import pytest

from tests.api.programs import Neighbours
from tests.web.running import ask

JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
WANTED = {"name": "exports", "scopes": ["entries:read"]}
DRAFT = "/campaigns/quiz/draft"
MEBIBYTE = 1024 * 1024


def test_a_body_over_the_limit_is_not_read(town: Neighbours) -> None:
    head = [
        ("Authorization", f"Bearer {town.alice.token}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(10**12)),
    ]
    answer = ask(town.served.port, "/api/v1/tokens", "POST", head)
    assert answer.status == 413
    assert json.loads(answer.body)["code"] == "body_too_large"


def test_a_body_without_a_length_is_cut_off_and_memory_is_flat(town: Neighbours) -> None:
    before = town.served.memory()

    def endless() -> Any:
        for _ in range(64):
            yield b" " * MEBIBYTE

    for _ in range(3):
        assert town.alice("POST", "/tokens", content=endless(), headers=JSON).status_code == 413
    assert town.served.memory() - before < 16 * MEBIBYTE


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_media_type(media_type: str, town: Neighbours) -> None:
    body = json.dumps(WANTED)
    problem = town.alice.refused("POST", "/tokens", 415, content=body, headers={"Content-Type": media_type})
    assert problem["code"] == "body_media_type"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": "\xff"}',
        b'{"name": "x", "scopes": [1e999]}',
        b"[" * 100_000,
        b'{"days": ' + b"9" * 5000 + b"}",
        b"null",
        b"[]",
        b'"text"',
        b'{"name": "\\ud800", "scopes": ["entries:read"]}',
        b'{"name": "a\\u0000b", "scopes": ["entries:read"]}',
        b"\x00",
        b"\xef\xbb\xbf{}",
        json.dumps({f"key{number}": number for number in range(10_000)}).encode(),
        json.dumps({"name": {"$ne": None}, "scopes": {"a": 1}}).encode(),
        json.dumps({**WANTED, "days": True}).encode(),
        json.dumps({**WANTED, "days": "7"}).encode(),
        json.dumps({**WANTED, "scopes": ["entries:read"] * 10_000}).encode(),
    ],
)
def test_what_can_not_be_read(body: bytes, town: Neighbours) -> None:
    problem = town.alice.refused("POST", "/tokens", 400, content=body, headers=JSON)
    assert problem["code"] in ("body_malformed", "request_malformed", "token_name_malformed")
    assert town.stage.installation.logged("unexpected") == []


def test_nothing_at_all(town: Neighbours) -> None:
    assert town.alice.refused("POST", "/tokens", 400)["code"] == "request_malformed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xfe", "campaign_not_utf8"),
        (b"campaign: a\x00b\n", "campaign_not_yaml"),
        (b" " * (MEBIBYTE - 1), "campaign_too_large"),
    ],
)
def test_a_draft_that_is_no_text(body: bytes, code: str, town: Neighbours) -> None:
    assert town.alice.refused("PUT", DRAFT, 400, content=body, headers=YAML)["code"] == code


def test_a_draft_under_a_name_that_is_none(town: Neighbours) -> None:
    for name in ("UPPER", "a" * 61, "a_b", "%00", "a%20b"):
        problem = town.alice.refused("PUT", f"/campaigns/{name}/draft", 400, content=b"x: y\n", headers=YAML)
        assert problem["code"] == "campaign_malformed_name"


def test_a_bomb_of_aliases_is_a_mistake_of_the_draft(town: Neighbours) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    saved = town.alice("PUT", DRAFT, content="\n".join(lines), headers=YAML)
    assert saved.status_code == 200
    assert saved.json()["mistakes"] != []


def test_a_cookie_of_a_mebibyte(town: Neighbours) -> None:
    head = [("Authorization", f"Bearer {town.alice.token}"), ("Cookie", "a=" + "b" * MEBIBYTE)]
    assert ask(town.served.port, "/api/v1/token", headers=head).status == 431


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=ten",
        "limit=1e400",
        "since=yesterday",
        "since=2026-11-24",
        "before=99999-01-01T00:00:00Z",
        "language=%00",
        "language=en%ff",
        "signed_in=perhaps",
        "cursor=" + "A" * 201,
        "cursor=abc",
        "cursor=%00",
        "cursor=AQ" + "A" * 64,
    ],
)
def test_a_list_asked_for_wrongly(query: str, town: Neighbours) -> None:
    problem = town.alice.refused("GET", f"/campaigns/quiz/entries?{query}", 400)
    assert problem["code"] in ("request_malformed", "cursor_invalid")
    assert problem["where"].endswith(query.partition("=")[0])


@pytest.mark.parametrize("path", ["/campaigns/%00", "/connections/%ff", "/tokens/not-a-uuid", "/entries/1", "/x" * 900])
def test_addresses_of_nothing(path: str, town: Neighbours) -> None:
    town.alice.refused("GET", path, 404)


def test_another_method(town: Neighbours) -> None:
    answer = town.alice("PUT", "/tokens")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert set(answer.headers["Allow"].split(", ")) >= {"GET"}


def test_no_answer_is_kept_by_anybody(town: Neighbours) -> None:
    for path in ("/token", "/campaigns/quiz/entries", "/nothing", "/tokens/x"):
        assert town.alice("GET", path).headers["Cache-Control"] == "no-store"

"""`/metrics`, the ids of requests, and what libraries log, at the running server."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from entracte.protocol.errors import Reason
from entracte.web.journal import OfLibraries
from tests.api.programs import Neighbours, neighbours
from tests.bad_input.stage import follow
from tests.chaos.kills import workers_of
from tests.installation import Installation
from tests.web.running import Answer, ask, redirected, target_of


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    with neighbours(tmp_path_factory.mktemp("metrics")) as running:
        yield running


def scrape(port: int, *headers: tuple[str, str]) -> Answer:
    return ask(port, "/metrics", headers=headers)


def samples(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every number, by name and labels."""
    families = text_string_to_metric_families(scrape(port).body)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(port: int, name: str, **labels: str) -> float:
    return samples(port).get((name, frozenset(labels.items())), 0.0)


def test_requests_sign_ins_providers_and_commits_are_counted(watched: Neighbours) -> None:
    port = watched.served.port
    watched.enter()
    assert value(port, "entracte_requests_total", method="POST", route="/c/{campaign}/{step}", status="303") == 5
    assert value(port, "entracte_request_seconds_count", route="/oauth/callback") == 1
    assert value(port, "entracte_sign_ins_total", outcome="sent", reason="") == 1
    assert value(port, "entracte_sign_ins_total", outcome="signed_in", reason="") == 1
    for purpose in ("token", "jwks"):
        assert value(port, "entracte_provider_request_seconds_count", purpose=purpose, outcome="answered") == 1
    assert value(port, "entracte_commit_changes_sum") >= 8
    assert value(port, "entracte_commit_seconds_count") == value(port, "entracte_commit_changes_count")
    assert value(port, "entracte_queue_depth", queue="changes") == 0
    assert value(port, "process_resident_memory_bytes") > 0


@pytest.mark.parametrize(
    ("misbehaviour", "reason"), [("wrong_nonce", Reason.TOKEN_NONCE), ("callback_access_denied", Reason.ACCESS_DENIED)]
)
def test_a_sign_in_that_fails_is_counted_with_its_reason(
    misbehaviour: str, reason: Reason, watched: Neighbours
) -> None:
    port, browser = watched.served.port, watched.served.browser()
    browser.answer_questions()
    watched.stage.provider.misbehaviour = misbehaviour
    try:
        follow(browser, target_of(redirected(browser.go_to_the_login())))
    finally:
        watched.stage.provider.misbehaviour = ""
    outcome = "cancelled" if reason is Reason.ACCESS_DENIED else "failed"
    assert value(port, "entracte_sign_ins_total", outcome=outcome, reason=reason.code) == 1


def test_a_return_of_nobody_is_counted(watched: Neighbours) -> None:
    port = watched.served.port
    ask(port, "/oauth/callback?code=x&state=y")
    assert value(port, "entracte_sign_ins_total", outcome="refused", reason=Reason.STATE_INVALID.code) == 1


def test_operations_of_the_api_have_their_route(watched: Neighbours) -> None:
    watched.alice.get("/campaigns/quiz/entries")
    route = "/api/v1/campaigns/{name}/entries"
    assert value(watched.served.port, "entracte_requests_total", method="GET", route=route, status="200") == 1


def test_nobody_can_make_series(watched: Neighbours) -> None:
    port = watched.served.port
    for method in ("GET", "POST", "BREW"):
        ask(port, "/first-of-its-kind", method)
    before = set(samples(port))
    for number in range(50):
        ask(port, f"/made/up/{number}")
        ask(port, f"/c/made-up-{number}")
        ask(port, f"/assets/{number}.css")
        ask(port, f"/api/v1/made/up/{number}")
        ask(port, f"/oauth/callback?state={number}")
        ask(port, "/c/quiz", f"METHOD{number}")
    new = {name for name, _ in set(samples(port)) - before}
    labels = [dict(labels) for name, labels in set(samples(port)) - before if name == "entracte_requests_total"]
    assert len(labels) <= 8, labels
    assert not any("made" in str(label) or "METHOD" in str(label) for label in labels)
    assert all(name.startswith("entracte_") for name in new)


def test_what_alerts_wait_for_begins_at_nothing(watched: Neighbours) -> None:
    """A counter that is first seen at 1 did not rise: the first time would wake nobody."""
    known = samples(watched.served.port)
    for reason in set(Reason) - {Reason.ACCESS_DENIED}:
        assert ("entracte_sign_ins_total", frozenset({("outcome", "failed"), ("reason", reason.code)})) in known
    for queue in ("changes", "reads"):
        assert known["entracte_queue_refused_total", frozenset({("queue", queue)})] == 0
    assert known["entracte_mistakes_total", frozenset()] == 0


def test_the_alerts_of_the_guide_ask_for_numbers_that_there_are(watched: Neighbours) -> None:
    guide = Path("docs/how-to/run-in-production.md").read_text(encoding="utf-8")
    [rules] = [block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "alert:" in block]
    expressions = [rule["expr"] for group in YAML(typ="safe").load(rules)["groups"] for rule in group["rules"]]
    text = " ".join(expressions)
    shown = samples(watched.served.port)
    assert len(expressions) == rules.count("alert:") >= 5
    assert set(re.findall(r"entracte_\w+", text)) <= {name for name, _ in shown}
    labels = {pair for _, labels in shown for pair in labels}
    assert set(re.findall(r'(\w+)="(\w+)"', text)) <= labels


def test_no_label_names_a_customer(watched: Neighbours) -> None:
    text = scrape(watched.served.port).body
    for name in ("northwind", "contoso", "quiz", watched.stage.provider.issuer, watched.stage.provider.client_id):
        assert name not in text


def test_the_scraper_gets_the_format_that_it_likes(watched: Neighbours) -> None:
    answer = scrape(watched.served.port, ("Accept", "application/openmetrics-text; version=1.0.0"))
    assert answer["content-type"].startswith("application/openmetrics-text")
    assert answer.body.endswith("# EOF\n")


def test_with_a_token_the_numbers_are_shown_to_who_has_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with neighbours(tmp_path_factory.mktemp("token"), metrics_token="only Prometheus knows") as running:
        port = running.served.port
        for wrong in ((), (("Authorization", "Bearer guess"),), (("Authorization", "Bearer "),)):
            refused = scrape(port, *wrong)
            assert refused.status == 401
            assert refused["www-authenticate"].startswith("Bearer")
            assert "entracte_" not in refused.body
        assert scrape(port, ("Authorization", "Bearer only Prometheus knows")).status == 200


# Ids of requests


def test_each_request_has_an_id_in_the_log_and_in_the_answer(watched: Neighbours) -> None:
    ids = [ask(watched.served.port, path)["x-request-id"] for path in ("/c/quiz", "/nothing", "/api/v1/x", "/manage")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in ids)
    ask(watched.served.port, "/healthz")  # a line is written after its answer: when this one comes, the others are
    logged = {line["request_id"]: line for line in watched.served.logged("request")}
    assert set(ids) <= set(logged)
    assert logged[ids[1]]["route"] == "none"


def test_every_line_of_a_request_has_its_id(watched: Neighbours) -> None:
    answer = ask(watched.served.port, "/oauth/callback?code=x&state=y")
    [line] = [one for one in watched.served.logged("return_refused") if one["request_id"] == answer["x-request-id"]]
    assert line["reason"] == Reason.STATE_INVALID.code


def test_an_id_from_outside_is_not_believed(watched: Neighbours) -> None:
    answer = ask(watched.served.port, "/healthz", headers=[("X-Request-Id", "mine")])
    assert answer["x-request-id"] != "mine"


def test_behind_a_proxy_its_id_is_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    with neighbours(tmp_path_factory.mktemp("proxy"), trusted_proxies="127.0.0.1") as running:
        port = running.served.port
        assert ask(port, "/healthz", headers=[("X-Request-Id", "edge-7.A_b")])["x-request-id"] == "edge-7.A_b"
        for forged in ("", "a b", "x" * 65, 'a","level":"', "ä"):
            assert ask(port, "/healthz", headers=[("X-Request-Id", forged)])["x-request-id"] != forged


def test_who_is_no_proxy_of_ours_gives_no_id(tmp_path_factory: pytest.TempPathFactory) -> None:
    with neighbours(tmp_path_factory.mktemp("direct"), trusted_proxies="127.0.0.2,10.0.0.0/8") as running:
        named = [("X-Request-Id", "mine"), ("X-Forwarded-For", "10.0.0.1")]
        assert ask(running.served.port, "/healthz", headers=named)["x-request-id"] != "mine"


# What libraries say


def test_a_library_says_no_more_than_one_line() -> None:
    with structlog.testing.capture_logs() as lines:
        logger = logging.Logger("some.library")
        logger.addHandler(OfLibraries())
        try:
            raise ValueError("what a person typed")
        except ValueError:
            logger.exception("Task failed\nfuture: <Task exception=ValueError('what a person typed')>")
        logger.warning("slow: %s", "typed " * 1000)
        logger.error("Exception in callback _tell('typed') at app.py:1\nhandle: <Handle _tell('typed')>")
        logger.error(ValueError("what a person typed"))
        logger.error("long" * 1000)
    failed, slow, callback, raised, long = lines
    assert failed == {
        "event": "library",
        "log_level": "error",
        "logger": "some.library",
        "message": "Task failed",
        "error": "ValueError",
        "where": failed["where"],
    }
    assert failed["where"].startswith("test_metrics.py:")
    assert slow["message"] == "slow: %s"
    assert callback["message"] == "Exception in callback _tell"
    assert (raised["message"], raised["error"]) == ("", "ValueError")
    assert len(long["message"]) == 200
    assert "typed" not in json.dumps(lines)


SPEAKS = """
import threading, warnings
from entracte.wiring import configure_logs
configure_logs("json")

class Broken:
    def __del__(self):
        raise ValueError("what a person typed")

def fail():
    raise ValueError("what a person typed")

warnings.warn("what a person typed", RuntimeWarning)
thread = threading.Thread(target=fail, name="typed")
thread.start()
thread.join()
threading.Thread(target=exit).start()
broken = Broken()
del broken
"""


def test_threads_warnings_and_the_interpreter_speak_in_our_form() -> None:
    written = subprocess.run([sys.executable, "-c", SPEAKS], capture_output=True, text=True, check=True).stderr
    lines = [json.loads(line) for line in written.splitlines()]
    assert [(line["event"], line["logger"], line["error"]) for line in lines] == [
        ("library", "warnings", "RuntimeWarning"),
        ("library", "threading", "ValueError"),
        ("library", "interpreter", "ValueError"),
    ]
    assert [line["where"] for line in lines] == ["<string>:13", "<string>:11", "<string>:8"]
    assert "typed" not in written


def test_a_program_that_can_not_start_says_why(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    command = (
        "from entracte import cli; from entracte.store.opened import Store\n"
        "async def start(self): raise OSError('a password')\n"
        "Store.start = start\n"
        "cli.main(['serve'])"
    )
    environment = {**os.environ, **installation.environment}
    ended = subprocess.run(
        [sys.executable, "-c", command], check=False, capture_output=True, text=True, env=environment, timeout=60
    )
    assert ended.returncode != 0
    said = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    assert [(line["error"], line["where"]) for line in said if line["event"] == "not_started"] == [
        ("OSError", "<string>:2")
    ]
    assert "a password" not in ended.stderr


def test_a_server_that_can_not_read_a_request_says_so_in_our_form(watched: Neighbours) -> None:
    ask(watched.served.port, "/a b c")
    lines = [line for line in watched.served.log().splitlines() if line]
    assert all(line.startswith("{") for line in lines if "listens on" not in line), lines


# Several processes


def test_with_several_processes_the_numbers_are_sums(tmp_path: Path) -> None:
    installation = Installation(tmp_path, workers=2)
    installation.environment["TMPDIR"] = str(tmp_path)

    def counted() -> float:
        return value(installation.port, "entracte_requests_total", method="GET", route="/healthz", status="200")

    def comes_to(number: int) -> None:
        """One process tells, and the other may be about to count what it has answered."""
        deadline = time.monotonic() + 60
        while counted() != number and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [counted() for _ in range(6)] == [number] * 6

    with installation:
        for _ in range(40):
            ask(installation.port, "/healthz")
        comes_to(40)
        first = workers_of(installation)
        os.kill(first[0], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while len(new := set(workers_of(installation))) < 2 or new == set(first):
            assert time.monotonic() < deadline, "nobody took its place"
            time.sleep(0.1)
        comes_to(40)
        ask(installation.port, "/healthz")
        comes_to(41)
        assert value(installation.port, "entracte_queue_depth", queue="reads") == 0
        [folder] = tmp_path.glob("entracte-metrics-*")
        assert f"gauge_livesum_{first[0]}.db" not in {file.name for file in folder.iterdir()}
    assert list(tmp_path.glob("entracte-metrics-*")) == []

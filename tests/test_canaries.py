"""Marked secrets and personal values go through every flow and every refusal; none of them is in a log, in the numbers,
or on a page that says what went wrong.

The values are what really travelled: the provider records what it was sent, browsers keep their cookies, and what
people typed is typed here. Each is looked for as it is, as an address writes it, and in base64.
"""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlsplit

import pytest

from tests.api.programs import Neighbours, neighbours
from tests.installation import CLIENT_SECRET, MEMBER, PASSWORD
from tests.misbehaving_provider import MISBEHAVIOURS
from tests.web.running import PUBLIC, Answer, Browser, ask, redirected, target_of

PERSON = {
    "sub": "canary-subject-7781",
    "name": "Canariabird Fullname",
    "given_name": "Canariabird",
    "family_name": "Feathersworth",
    "email": "canary.mailbox@northwind.example",
    "email_verified": True,
    "phone_number": "+32470998877",
    "address": {"locality": "Canaryville"},
}
TYPED = {
    "why": "canary-open-answer <b>&amp; \u00e9",
    "first_name": "Typedcanary",
    "email": "typed.canary@example.com",
    "phone": "0470 11 22 33 canary",
}
WRONG_PASSWORD = "canary password that is wrong"
SLOW = {"token_hangs", "token_drips"}
"""They differ from the others in time alone, and take that time."""
TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.")
"""How every signed token begins (RFC 7519): `{"`."""


@dataclass
class Marks:
    """Values that belong in no log."""

    kept: dict[str, str] = field(default_factory=dict)
    """By value, what it is."""

    def add(self, what: str, *values: object) -> None:
        self.kept.update((str(value), what) for value in values if len(str(value)) >= 5)

    def found_in(self, text: str) -> set[str]:
        """What each mark in the text is."""
        return {what for value, what in self.kept.items() if any(form in text for form in forms(value))} | (
            {"a signed token"} if TOKEN.search(text) else set()
        )


def forms(value: str) -> set[str]:
    """A value as it is, in an address, in JSON, in HTML, and in base64 at each of its three places."""
    written = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    for shift in range(3):
        raw = (b"\0" * shift + value.encode())[: (shift + len(value.encode())) // 3 * 3]
        for encode in (b64encode, urlsafe_b64encode):
            written.add(encode(raw).decode()[4 if shift else 0 :])
    return {form for form in written if len(form) >= 5}


@dataclass
class Run:
    """Everything that was seen on the way."""

    town: Neighbours
    marks: Marks
    wrong_pages: list[Answer] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.town.served.port

    def wrong(self, answer: Answer) -> None:
        self.wrong_pages.append(answer)

    def mark_browser(self, browser: Browser) -> None:
        self.marks.add("a cookie", *browser.cookies.values())

    def mark_login(self, address: str) -> None:
        given = dict(parse_qsl(urlsplit(address).query))
        for name in ("state", "nonce", "code_challenge"):
            self.marks.add(name, given[name])

    def mark_what_the_provider_saw(self) -> None:
        for call in self.town.stage.provider.requests:
            for name in ("code", "code_verifier", "access_token", "client_secret"):
                self.marks.add(name, call.form.get(name, ""))
            self.marks.add("an Authorization header", call.headers.get("authorization", "").partition(" ")[2])
        self.marks.add("an access token", *self.town.stage.provider.access_tokens)
        self.marks.add("a code", *self.town.stage.provider.grants)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with neighbours(tmp_path_factory.mktemp("canaries")) as town:
        town.served.add_member()
        made = Run(town, Marks())
        mark_what_is_set(made)
        everything(made)
        made.mark_what_the_provider_saw()
        yield made


def mark_what_is_set(run: Run) -> None:
    provider, served = run.town.stage.provider, run.town.served
    provider.person = dict(PERSON)
    run.marks.add("a value of the profile", *(value for value in PERSON.values() if isinstance(value, str)))
    run.marks.add("a value of the profile", PERSON["address"]["locality"])  # type: ignore[index]
    run.marks.add("what was typed", *TYPED.values())
    run.marks.add("the client secret", provider.client_secret, quote_plus(provider.client_secret), CLIENT_SECRET)
    run.marks.add("a password", PASSWORD, WRONG_PASSWORD)
    run.marks.add("a member's address", MEMBER)
    run.marks.add("a key of the server", served.settings.secret_keys.get_secret_value().partition(":")[2])
    for program in (run.town.alice, run.town.bob, run.town.charlie):
        run.marks.add("a token of the REST API", program.token)


def everything(run: Run) -> None:
    enter(run, signed_in=True)
    enter(run, signed_in=False)
    for misbehaviour in sorted(MISBEHAVIOURS - SLOW):
        fail(run, misbehaviour)
    returns_of_others(run)
    wrong_addresses(run)
    manager(run)
    programs(run)


def answer_questions(run: Run, browser: Browser) -> None:
    browser.get("/c/quiz")
    for step, answer in (("hello", ""), ("song", "b"), ("places", "beach"), ("why", TYPED["why"])):
        assert browser.post(f"/c/quiz/{step}", [("answer", answer)]).status == 303


def enter(run: Run, *, signed_in: bool) -> None:
    browser = run.town.served.browser()
    answer_questions(run, browser)
    run.mark_browser(browser)
    if signed_in:
        address = browser.go_to_the_login()
        run.mark_login(address)
        browser.get(browser.get(target_of(redirected(address))).path)
        run.mark_browser(browser)
        assert str(PERSON["given_name"]) in browser.get("/c/quiz/details").body
    else:
        assert browser.post("/c/quiz/guest").status == 303
    form = [("first_name", TYPED["first_name"]), ("email", TYPED["email"]), ("phone", TYPED["phone"])]
    refused = browser.post("/c/quiz/details", form)
    assert refused.status == 422  # the number, and the rules are not accepted
    email = str(PERSON["email"]) if signed_in else TYPED["email"]  # that of an account can not be changed
    accepted = browser.post("/c/quiz/details", [form[0], ("email", email), ("phone", ""), ("rules", "yes")])
    assert accepted.status == 303, re.sub(r"(?s).*<main|<[^>]+>", " ", accepted.body)


def fail(run: Run, misbehaviour: str) -> None:
    """A sign-in at a provider that does one thing wrong."""
    browser = run.town.served.browser()
    answer_questions(run, browser)
    address = browser.go_to_the_login()
    run.mark_login(address)
    run.town.stage.provider.misbehaviour = misbehaviour
    try:
        target = target_of(redirected(address))
        answer = browser.get(target)
        while answer.status == 303 and "details" not in answer.path:
            answer = browser.get(answer.path)
    finally:
        run.town.stage.provider.misbehaviour = ""
    for name, value in parse_qsl(urlsplit(target).query):
        run.marks.add(name, *([value] if name in ("code", "state") else []))
    run.mark_browser(browser)
    if answer.status != 303:
        run.wrong(answer)
        run.wrong(browser.get(target))  # once more: it was used


def returns_of_others(run: Run) -> None:
    """Codes and states that are not this browser's, or nobody's."""
    browser = run.town.served.browser()
    answer_questions(run, browser)
    address = browser.go_to_the_login()
    run.mark_login(address)
    state = dict(parse_qsl(urlsplit(address).query))["state"]
    run.marks.add("a code", "canary-code-of-nobody")
    for other in (run.town.served.browser(), browser):
        for changed in (state, state[:-1], state[:-4] + "AAAA", "canary-state-of-nobody", ""):
            answer = other.get(f"/oauth/callback?code=canary-code-of-nobody&state={changed}")
            while answer.status == 303 and other is not browser:
                answer = other.get(answer.path)
            if answer.status != 303:
                run.wrong(answer)
    run.marks.add("a state", "canary-state-of-nobody")


def wrong_addresses(run: Run) -> None:
    secret = "canary-in-an-address"
    run.marks.add("what stands in an address", secret)
    for path in (f"/{secret}", f"/c/{secret}", f"/c/quiz/{secret}", f"/assets/{secret}", f"/manage/campaigns/{secret}"):
        run.wrong(ask(run.port, f"{path}?token={secret}"))
    run.wrong(ask(run.port, "/c/quiz/song", "POST", [("Content-Type", "text/plain"), ("Cookie", f"a={secret}")], b"x"))
    run.wrong(ask(run.port, "/c/quiz", "GET", [("Referer", f"https://x.example/?code={secret}"), ("X-Secret", secret)]))


def manager(run: Run) -> None:
    door = run.town.served.browser()
    refused = door.post("/manage/sign-in", [("email", MEMBER), ("password", WRONG_PASSWORD)])
    assert WRONG_PASSWORD not in refused.body  # the address comes back, to who typed it
    assert door.post("/manage/sign-in", [("email", MEMBER), ("password", PASSWORD)]).status == 303
    run.mark_browser(door)
    assert door.get("/manage/campaigns/quiz").status == 200
    assert TYPED["email"] in door.get("/manage/campaigns/quiz/entries.csv").body
    door.post("/manage/sign-out", [])
    run.wrong(ask(run.port, "/manage/sign-in", "POST", [("Origin", "https://evil.example")], b"x"))


def programs(run: Run) -> None:
    alice, secret = run.town.alice, "canary-secret-of-a-program"
    run.marks.add("a secret that a program sent", secret)
    made = alice.post("/tokens", json={"name": "canary", "scopes": ["tokens:read"]}, headers={"Idempotency-Key": "k-1"})
    run.marks.add("a token of the REST API", made["token"])
    connection = {
        "name": "second",
        "title": "T",
        "client_id": "c",
        "client_secret": secret,
        "issuer": "http://10.1.2.3",
    }
    alice("POST", "/connections", json=connection)
    alice("POST", "/connections", json={**connection, "discovery": "no", "name": secret})
    alice("POST", "/connections/northwind/secrets", json={"client_secret": secret})
    alice("DELETE", "/connections/northwind/secrets/current")
    alice("GET", f"/attempts?short_code={secret}")
    alice("GET", f"/campaigns/quiz/entries?cursor={secret}")
    alice("GET", "/campaigns/quiz/entries")
    alice("PUT", "/campaigns/quiz/draft", content="x: y", headers={"Content-Type": "application/yaml"})
    alice("GET", "/token", headers={"Authorization": f"Bearer entracte_{secret}"})


def test_something_was_marked(run: Run) -> None:
    """So that the rest can fail."""
    kinds = set(run.marks.kept.values())
    assert kinds >= {"code", "code_verifier", "state", "nonce", "a cookie", "an access token", "a value of the profile"}
    assert len(run.marks.kept) > 200
    assert len(run.wrong_pages) > 50


@pytest.mark.parametrize(
    "write", [lambda mark: mark, quote_plus, lambda mark: b64encode(f"{{'a': '{mark}'}}".encode()).decode()]
)
def test_the_search_finds_each_mark(write: object, run: Run) -> None:
    missed = [what for mark, what in run.marks.kept.items() if what not in run.marks.found_in(f"…{write(mark)}…")]  # type: ignore[operator]
    assert missed == []


@pytest.mark.conformance("MUST 53", "BAD 19")
def test_the_log_has_none_of_it(run: Run) -> None:
    log = run.town.served.log()
    assert len(run.town.served.logged("request")) > 500
    assert run.marks.found_in(log) == set()
    assert run.marks.found_in(unquote_plus(log)) == set()


def test_nothing_went_wrong_unexpectedly(run: Run) -> None:
    assert run.town.served.logged("unexpected") == []
    assert run.town.served.logged("library") == []


@pytest.mark.conformance("MUST 53")
def test_the_numbers_have_none_of_it(run: Run) -> None:
    assert run.marks.found_in(ask(run.port, "/metrics").body) == set()


@pytest.mark.conformance("MUST 53", "BAD 19")
def test_a_page_about_what_went_wrong_has_none_of_it(run: Run) -> None:
    for answer in run.wrong_pages:
        assert run.marks.found_in(answer.body) == set(), answer.body
        shown = [value for name, value in answer.headers if name not in ("set-cookie", "location")]
        assert run.marks.found_in(" ".join(shown)) == set()


@pytest.mark.conformance("MUST 53", "MUST 60")
def test_what_is_kept_on_the_disk_is_no_secret(run: Run) -> None:
    """The database has the entries; of tokens, codes and secrets it has nothing."""
    written = b"".join(path.read_bytes() for path in Path(run.town.served.folder).glob("entracte.sqlite3*"))
    personal = {"a value of the profile", "what was typed", "a member's address"}
    for value, what in run.marks.kept.items():
        if what not in personal:
            assert value.encode() not in written, what


def test_every_request_has_an_id(run: Run) -> None:
    ids = [line["request_id"] for line in run.town.served.logged("request")]
    assert len(set(ids)) == len(ids)
    assert ask(run.port, "/c/quiz", headers=[("Origin", PUBLIC)])["x-request-id"] not in ids

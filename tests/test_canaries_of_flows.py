"""Every way of signing in, with each misbehaviour that it can meet: what travelled is in no log, no number, on no page
about what went wrong and, but sealed, on no disk.

As in `test_canaries`, the values are those that really travelled: assertions, request objects and where they lie,
proofs and their nonces, sealed and encrypted answers, tokens of each kind, sessions at the login, and our own private
keys.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlencode, urlsplit

import pytest

from entracte.connections import manage
from entracte.connections.addresses import addresses_of
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.own_keys import published
from entracte.participation.keys import open_key
from entracte.protocol.seal import open_sealed
from entracte.store.opened import Store
from entracte.values import Secret, now
from tests.api.programs import Program, make_token
from tests.bad_input.stage import Served
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import (
    CALLBACKS,
    EVERY_MISBEHAVIOUR,
    ID_TOKEN_CLAIMS,
    Encryption,
    MisbehavingProvider,
    SigningKey,
    served_misbehaving_provider,
)
from tests.misbehaving_provider.encryption import ENCRYPTIONS
from tests.misbehaving_provider.logout import logout_token
from tests.misbehaving_provider.signatures import SIGNATURES, TEXTS
from tests.test_canaries import PERSON, TOKEN, Marks, forms
from tests.web.running import FORM, PUBLIC, Answer, Browser, ask, sent_back

SLOW = ("_hangs", "_drips")
"""They differ from the others in time alone, and take that time."""
SHARED = {"iss", "error", "error_description", "token_type", "expires_in", "scope", "response_mode"}
"""What an answer tells that is no secret."""
SENT = (
    "code", "code_verifier", "access_token", "refresh_token", "client_secret", "client_assertion", "request",
    "request_uri", "token", "state", "nonce", "id_token_hint", "logout_token",
)  # fmt: skip
"""What we send that is nobody else's business, by its name in a form or an address."""
LONG = 12


class QuickMarks(Marks):
    """Looks for many marks in much text: only where a text has the first characters of a mark is it compared."""

    def found_in(self, text: str) -> set[str]:
        pieces = set(text.split('"'))
        grams = {piece[at : at + LONG] for piece in pieces for at in range(len(piece) - LONG + 1)}
        return {
            what
            for value, what in self.kept.items()
            if any(
                (form[:LONG] in grams or len(form) < LONG or '"' in form) and form in text for form in written(value)
            )
        }


def _may_be(form: str, grams: set[str]) -> bool:
    return form[:LONG] in grams or len(form) < LONG or '"' in form


@lru_cache(maxsize=20_000)
def written(value: str) -> tuple[str, ...]:
    """Each way in which a value may be written."""
    return tuple(forms(value))


class NeverRemembering(set[tuple[str, str]]):
    """Consents of people who are asked anew each time, so that each answer brings the name."""

    def add(self, consent: tuple[str, str]) -> None:
        pass


class Forgetful(dict[str, Any]):
    """Access tokens of a server that does not know the first one of a sign-in any more."""

    forgot = False

    def get(self, token: str, default: Any = None) -> Any:
        if not self.forgot:
            self.forgot = True
            return default
        return super().get(token, default)


@dataclass
class Flow:
    """One way of signing in: how the connection and the server are set up, and what goes wrong there."""

    settings: Mapping[str, Any]
    misbehaviours: Iterable[str]
    server: Mapping[str, Any] = field(default_factory=dict)
    extra: Callable[["Playing"], None] | None = None
    """What is done once everything else was."""


def named(*beginnings: str) -> list[str]:
    """The misbehaviours that begin so, but for the slow ones."""
    return [name for name in EVERY_MISBEHAVIOUR if name.startswith(beginnings) and not name.endswith(SLOW)]


def sign_out_everywhere(playing: "Playing") -> None:
    """At the login by way of the browser, and told by the login in both of its ways, rightly and wrongly."""
    provider, browser = playing.provider, playing.browser
    own = addresses_of(playing.connection, "")
    assert own.backchannel_logout_uri
    for misbehaviour in ["", *named("logout_", "end_session_")]:
        playing.sign_in(misbehaviour if misbehaviour.startswith("end_session_") else "")
        provider.misbehaviour = misbehaviour
        token = logout_token(provider, sub=str(PERSON["sub"]), sid=provider.sid, client_id=provider.client_id)
        playing.marks.add("a logout token", token)
        if misbehaviour.startswith("end_session_"):
            left = browser.post(f"{playing.campaign}/sign-out")
            playing.mark_address(left["location"])
            back = sent_back(left["location"]).parameters
            playing.see(browser.get(f"/oauth/signed-out?{urlencode(back)}"))
        else:
            body = urlencode({"logout_token": token}).encode()
            playing.see(ask(browser.port, own.backchannel_logout_uri, "POST", [FORM], body))
        provider.misbehaviour = ""
    told = urlencode({"iss": provider.issuer, "sid": provider.sid})
    playing.see(browser.get(f"{own.frontchannel_logout_uri}?{told}", ("Sec-Fetch-Dest", "iframe")))


def ask_for_the_request(playing: "Playing") -> None:
    """Where a request object lies it is got by who knows the address, which is the server alone."""
    browser = playing.browser
    for _ in range(3):
        address = browser.go_to_the_login(playing.campaign)
        playing.mark_address(address)
        [place] = [value for name, value in parse_qsl(urlsplit(address).query) if name == "request_uri"]
        got = ask(browser.port, urlsplit(place).path)
        assert (got.status, got.body.count(".")) == (200, 2)
        playing.marks.add("a request object", got.body, *got.body.split("."))
        playing.marks.add("where a request object lies", place.rpartition("/")[2])
        playing.see(ask(browser.port, urlsplit(place).path[:-2]))


def come_with_another_account(playing: "Playing") -> None:
    """One that the connection does not take."""
    playing.provider.person["tier"] = "canary-tier-of-others"
    refused = playing.refused
    for _ in range(3):
        playing.sign_in("")
    assert playing.refused == refused + 3


OPENID = {"profile_source": "userinfo", "userinfo_endpoint": "/userinfo"}
SIGNED = {"authentication": "private_key_jwt"}
TEAM_KEY = SigningKey(60, "ES256")
POSTED = {"firstName": "Postedcanary", "lastName": "Whitethroat-by-form"}
FLOWS: dict[str, Flow] = {
    "form-post": Flow({"response_mode": "form_post"}, CALLBACKS),
    "apple": Flow(
        {
            "authentication": "client_secret_post", "response_mode": "form_post", "user_in_response": True,
            "made_secret": {"issuer": "DEF123GHIJ", "audience": "https://appleid.apple.com"},
            "required_claims": {"tier": ["canary-tier"]},
        },
        [*named("token_4", "token_5", "callback_"), "wrong_nonce"],
        {
            "authentication": "client_secret_post", "secret_keys": [TEAM_KEY.jwk()], "secret_issuer": "DEF123GHIJ",
            "secret_audience": "https://appleid.apple.com", "consented": NeverRemembering(),
            "client_secret": f"{TEAM_KEY.kid}\n{TEAM_KEY.private_pem()}",
            "posted_user": json.dumps({"name": POSTED, "email": "posted.canary@northwind.example"}),
            "person": {"sub": "canary-subject-of-apple", "email": PERSON["email"], "tier": ["canary-tier", "other"]},
        },
        come_with_another_account,
    ),
    "fragment": Flow({"response_mode": "fragment", "response_type": "code token"}, CALLBACKS),
    "jarm": Flow({"response_mode": "query.jwt"}, [*CALLBACKS, *named("jarm_"), "callback_code_beside_response"]),
    "encrypted-jarm": Flow(
        {"response_mode": "form_post.jwt", "encrypted": ["response"], "encryption_algorithm": "ECDH-ES"},
        [*ENCRYPTIONS, *named("jarm_missing", "jarm_wrong", "jarm_alg")],
        {"response_encryption": Encryption("ECDH-ES")},
    ),
    "hybrid": Flow(
        {"response_type": "code id_token token", "response_mode": "form_post"},
        [*ID_TOKEN_CLAIMS, *SIGNATURES, *TEXTS],
        {"misbehaves_at": "authorization"},
    ),
    "encrypted": Flow(
        {
            **OPENID, "signed_userinfo": True, "encrypted": ["id_token", "userinfo"],
            "encryption_algorithm": "RSA-OAEP",
        },
        [*ENCRYPTIONS, *named("userinfo_")],
        {
            "userinfo_algorithm": "RS256", "id_token_encryption": Encryption("RSA-OAEP"),
            "userinfo_encryption": Encryption("RSA-OAEP"),
        },
    ),
    "pushed": Flow(
        {**OPENID, **SIGNED, "pushed_authorization_request_endpoint": "/par", "push_requests": True, "dpop": True},
        [*named("par_", "dpop_", "token_"), "userinfo_401"],
        {"authentication": "private_key_jwt", "par_required": True, "dpop_required": True, "dpop_nonce": True},
    ),
    "request-object": Flow(
        {"authentication": "client_secret_jwt", "request_object": "value"},
        named("token_4", "token_5", "callback_e"),
        {"authentication": "client_secret_jwt", "request_object_required": True},
    ),
    "request-reference": Flow({**SIGNED, "request_object": "reference"}, [], extra=ask_for_the_request),
    "refresh": Flow(
        {**OPENID, "refresh_tokens": True, "revoke_tokens": True, "revocation_endpoint": "/revoke"},
        named("refreshed_", "refresh_", "revocation_"),
        {"refresh_tokens": True},
    ),
    "introspection": Flow(
        {"profile_source": "introspection", "introspection_endpoint": "/introspect"}, named("introspection_")
    ),
    "jwt-access-token": Flow(
        {"profile_source": "access_token", "access_token_audience": "entracte client"},
        named("access_token_"),
        {"jwt_access_tokens": True},
    ),
    "sources": Flow(
        {**OPENID, "claim_sources": "trusted"},
        named("source_"),
        {"aggregated": {"nickname": "canary-nickname"}, "distributed": {"website": "canary-website"}},
    ),
    "logout": Flow(
        {
            "sign_out": True, "single_logout": True, "watch_session": True, "end_session_endpoint": "/end_session",
            "check_session_iframe": "/check_session",
        },
        [],
        {"client_id": "entracte", "session_management": True, "sid": "canary-session-at-the-login"},
        sign_out_everywhere,
    ),
}  # fmt: skip


@dataclass
class Playing:
    """One flow, with a server and a browser of its own."""

    name: str
    flow: Flow
    provider: MisbehavingProvider
    connection: Connection
    browser: Browser
    marks: Marks
    wrong: list[Answer] = field(default_factory=list)
    signed_in: int = 0
    refused: int = 0

    @property
    def campaign(self) -> str:
        return f"/c/{self.name}"

    def see(self, answer: Answer) -> None:
        self.wrong.append(answer)

    def go_through(self) -> None:
        self.browser.answer_questions(self.campaign)
        self.marks.add("a cookie", *self.browser.cookies.values())
        # by their ends, so that an endpoint that does not answer is not met many times in a row: its circuit would open
        for misbehaviour in ["", *sorted(set(self.flow.misbehaviours), key=lambda name: name[::-1]), ""]:
            if self.name != "request-reference":
                self.sign_in(misbehaviour)
        if self.flow.extra is not None:
            self.flow.extra(self)
        self.mark_what_travelled()

    def sign_in(self, misbehaviour: str) -> None:
        self.provider.misbehaviour = misbehaviour
        if self.name == "refresh":
            self.provider.access_tokens = Forgetful(self.provider.access_tokens)
        begun = self.browser.post(f"{self.campaign}/sign-in?another=1")
        self.mark_address(begun["location"])
        answer = begun
        if begun["location"].startswith(self.provider.issuer):
            came = sent_back(begun["location"])
            self.marks.add("what an answer brought", *(value for name, value in came.parameters if name not in SHARED))
            answer = self.browser.carry(came)
        if answer.status == 303:
            self.mark_address(answer["location"])
            answer = self.browser.get(answer.path)
        self.provider.misbehaviour = ""
        self.marks.add("a cookie", *self.browser.cookies.values())
        self._finish(answer)

    def _finish(self, answer: Answer) -> None:
        if answer.status == 303 and answer.path.endswith("/details"):
            self.signed_in += 1
            return
        self.refused += 1
        self.see(answer if answer.status != 303 else self.browser.get(answer.path))

    def mark_address(self, address: str) -> None:
        for name, value in parse_qsl(urlsplit(address).query):
            if name in (*SENT, "answer", "response", "id_token"):
                self.marks.add(name, value)

    def mark_what_travelled(self) -> None:
        provider = self.provider
        for call in provider.requests:
            for name in SENT:
                self.marks.add(name, call.form.get(name, ""), call.query.get(name, ""))
            self.marks.add("an Authorization header", call.headers.get("authorization", "").partition(" ")[2])
            self.marks.add("a proof", call.headers.get("dpop", ""))
        self.marks.add("an access token", *provider.access_tokens)
        self.marks.add("a refresh token", *provider.refresh_grants, *provider.used_refresh_tokens)
        self.marks.add("a code", *provider.grants)
        self.marks.add("a nonce of proofs", *provider.given_nonces)
        self.marks.add("a token of another source", *provider.source_tokens)
        self.marks.add("a client secret", provider.client_secret)
        self.marks.add("a session at the login", provider.sid)
        if provider.secret_keys:
            lines = provider.client_secret.splitlines()
            self.marks.add("a private key of ours", *(line for line in lines[1:] if not line.startswith("-----")))


@dataclass
class Run:
    """Everything that was seen on the way."""

    served: Served
    marks: QuickMarks
    playings: list[Playing]
    api: list[str] = field(default_factory=list)
    """What the REST API answered."""


def set_up(served: Served, stack: ExitStack, name: str, flow: Flow) -> Playing:
    provider = stack.enter_context(served_misbehaving_provider())
    provider.client_secret = f"canary+secret/of:{name}%&{secrets.token_hex(16)}"
    provider.person = {**PERSON, "sub": f"canary-subject-of-{name}"} if name != "logout" else dict(PERSON)
    for attribute, value in flow.server.items():
        setattr(provider, attribute, value)
    config = ConnectionConfig.model_validate(settings_of(provider, name, flow))
    number, keys = served.organization.number, served.settings.seal_keys()
    secret = Secret(provider.client_secret)
    connection = served.work(lambda store: manage.add(store.connections, number, config, secret, keys, now()))
    provider.client_jwks = published(connection)
    own = f"campaign: {name}"
    served.publish(QUIZ.replace("campaign: quiz", own).replace("connection: northwind", f"connection: {name}"))
    marks = QuickMarks()
    for key in connection.own_keys:
        private = json.loads(open_sealed(key.sealed, f"own key of {number}", keys))
        marks.add("a private key of ours", *(str(private[part]) for part in ("d", "p", "q", "k") if part in private))
    return Playing(name, flow, provider, connection, Browser(0), marks)


def settings_of(provider: MisbehavingProvider, name: str, flow: Flow) -> dict[str, Any]:
    issuer, source = provider.issuer, provider.source_issuer
    given = {
        "name": name, "title": "Northwind", "issuer": issuer, "authorization_endpoint": "/authorize",
        "token_endpoint": "/token", "jwks_uri": "/jwks", "issuer_in_response": True, "client_id": provider.client_id,
        **flow.settings,
    }  # fmt: skip
    if given.get("claim_sources"):
        given["claim_sources"] = {source: {"jwks_uri": f"{source}/source/jwks", "origins": [source]}}
        given["claims"] = {"email": "email", "first_name": "nickname", "phone": "website"}
    return {
        name: f"{issuer}{value}" if isinstance(value, str) and value.startswith("/") else value
        for name, value in given.items()
    }


def register(run: Run, program: Program, provider: MisbehavingProvider) -> None:
    """Dynamic registration by the REST API, with each way of going wrong, and its end."""
    provider.initial_access_token = "canary-initial-access-token"
    provider.announces = True
    run.marks.add("an initial access token", provider.initial_access_token)
    wanted = {"contacts": ["canary@northwind.example"], "initial_access_token": provider.initial_access_token}
    for number, misbehaviour in enumerate(["", *sorted(named("registration_", "discovery_"))]):
        provider.misbehaviour = misbehaviour
        given = {"name": f"registered-{number}", "title": "R", "issuer": provider.issuer, "registration": wanted}
        run.api.append(program("POST", "/connections", json=given).text)
        run.api.append(program("DELETE", f"/connections/registered-{number}").text)
    provider.misbehaviour = ""
    kept = program("POST", "/connections", json={**given, "name": "kept"})
    assert kept.status_code == 201, kept.text
    run.api += [kept.text, program("GET", "/connections/kept").text]
    run.api.append(program("GET", "/connections/kept/registration").text)
    run.marks.add("a registered secret", *(client.secret for client in provider.registered.values()))
    run.marks.add("a registration access token", *provider.management_tokens.values())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    served = Served(tmp_path_factory.mktemp("canaries"), public_url=PUBLIC, outbound_allow="127.0.0.1")
    with ExitStack() as stack:
        playings = [set_up(served, stack, name, flow) for name, flow in FLOWS.items()]
        registering = stack.enter_context(served_misbehaving_provider())
        token = make_token(served, served.organization).text.reveal()
        stack.enter_context(served)
        made = Run(served, QuickMarks(), playings)
        for playing in playings:
            playing.browser.port = served.port
        with ThreadPoolExecutor(max_workers=3) as threads:
            done = [threads.submit(playing.go_through) for playing in playings]
            register(made, Program(served.port, token), registering)
            for one in done:
                one.result()
        for playing in playings:
            made.marks.kept.update(playing.marks.kept)
        made.marks.add("a token of the REST API", token)
        made.marks.add("a key of the server", served.settings.secret_keys.get_secret_value().partition(":")[2])
        made.marks.add("a value of the profile", *(value for value in PERSON.values() if isinstance(value, str)))
        made.marks.add("a value of the profile", "canary-nickname", "canary-website", *POSTED.values())
        made.marks.add("a claim that is required", "canary-tier-of-others")
        made.marks.kept.pop("entracte", None)
        yield made


def test_every_flow_was_gone_through(run: Run) -> None:
    """Each signs in when all is well, and meets refusals; what is marked is what the flow is for."""
    for playing in run.playings:
        if playing.name != "request-reference":
            assert playing.signed_in >= 2, playing.name
            assert playing.refused >= (0 if playing.name == "logout" else 3), playing.name
    kinds = set(run.marks.kept.values())
    assert kinds >= {
        "client_assertion", "request", "request_uri", "a proof", "a nonce of proofs", "a refresh token", "answer",
        "what an answer brought", "a logout token", "id_token_hint", "a token of another source", "token",
        "a private key of ours", "a request object", "where a request object lies", "a registration access token",
        "an initial access token", "a registered secret", "a session at the login", "a cookie", "state", "nonce",
    }  # fmt: skip
    assert len(run.marks.kept) > 3000


def test_circuits_stayed_closed(run: Run) -> None:
    """So that each misbehaviour was met, and not refused for those before."""
    number, keys = run.served.organization.number, run.served.settings.seal_keys()
    held = [open_key(one.browser.cookies[f"__Host-entracte-{one.name}"], keys) for one in run.playings]
    participations = [key.participation for key in held if key is not None]
    assert len(participations) == len(run.playings)

    async def reasons(store: Store) -> set[str]:
        kept = [await store.records.attempts_of(number, one) for one in participations]
        return {attempt.reason for attempts in kept for attempt in attempts}

    found = run.served.work(reasons)
    assert len(found) > 15
    assert "provider_paused" not in found


@pytest.mark.conformance("MUST 53", "BAD 19")
def test_the_log_has_none_of_it(run: Run) -> None:
    log = run.served.log()
    assert len(run.served.logged("request")) > 2000
    assert run.marks.found_in(log) == set()
    assert run.marks.found_in(unquote_plus(log)) == set()
    assert not TOKEN.search(log), "nor any signed token"


def test_nothing_went_wrong_unexpectedly(run: Run) -> None:
    assert run.served.logged("unexpected") == []
    assert run.served.logged("library") == []
    assert "Traceback" not in run.served.log()


@pytest.mark.conformance("MUST 53")
def test_the_numbers_have_none_of_it(run: Run) -> None:
    assert run.marks.found_in(ask(run.served.port, "/metrics").body) == set()


@pytest.mark.conformance("MUST 53", "BAD 19")
def test_a_page_about_what_went_wrong_has_none_of_it(run: Run) -> None:
    seen = [answer for playing in run.playings for answer in playing.wrong]
    assert len(seen) > 300
    assert run.marks.found_in('"'.join(answer.body for answer in seen)) == set()
    shown = [value for answer in seen for name, value in answer.headers if name not in ("set-cookie", "location")]
    assert run.marks.found_in('"'.join(shown)) == set()


@pytest.mark.conformance("MUST 51", "MUST 53")
def test_the_api_tells_no_secret(run: Run) -> None:
    assert len(run.api) > 50
    assert run.marks.found_in('"'.join(run.api)) == set()


@pytest.mark.conformance("MUST 51", "MUST 53", "MUST 60")
def test_the_disk_has_them_sealed_or_not_at_all(run: Run) -> None:
    files = b"".join(path.read_bytes() for path in Path(run.served.folder).glob("entracte.sqlite3*")).decode("latin-1")
    secret = {value: what for value, what in run.marks.kept.items() if what != "a value of the profile"}
    assert QuickMarks(secret).found_in(files) == set()
    assert not TOKEN.search(files)


def test_the_search_finds_each_mark(run: Run) -> None:
    """However it is written: so that the rest can fail."""
    for write in (str, quote_plus, lambda mark: json.dumps({"a": mark}), lambda mark: urlencode({"a": mark})):
        text = "\n".join(write(mark) for mark in run.marks.kept)
        missed = set(run.marks.kept.values()) - run.marks.found_in(text)
        assert missed == set()

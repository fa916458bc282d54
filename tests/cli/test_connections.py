"""`entracte connection`: set up by options, a file or a preset, changed, shown, registered, and what can be removed."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from ruamel.yaml import YAML

from entracte.cli import main
from entracte.connections.presets import presets
from entracte.connections.settings import ConnectionSettings
from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import MisbehavingProvider, SigningKey, served_misbehaving_provider
from tests.test_cli import SECRET, Shell

NAMED = ("--title", "Northwind", "--client-id", "x")
ENDPOINTS = (
    *("--scope", "profile", "--authorization-endpoint", "https://login.example/a"),
    *("--token-endpoint", "https://login.example/t", "--userinfo-endpoint", "https://login.example/u"),
)


class Quick(Shell):
    """The same commands without a process of their own for each: the tests below type some two hundred."""

    def __init__(self, shell: Shell) -> None:
        self.folder, self.environment = shell.folder, shell.environment

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        others = {name: None for name in os.environ if name.startswith("ENTRACTE_")}
        done = CliRunner().invoke(main, list(arguments), env={**others, **self.environment, **environment})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def quick(shell: Shell) -> Shell:
    return Quick(shell)


def add(shell: Shell, name: str) -> None:
    shell.says("connection", "add", name, *NAMED, *ENDPOINTS, ENTRACTE_CLIENT_SECRET=SECRET)


@pytest.mark.conformance("MUST 51")
def test_a_secret_is_changed_without_a_moment_with_none(shell: Shell) -> None:
    add(shell, "rotated")

    def places() -> list[str]:
        return [line.split("\t")[0] for line in shell.says("connection", "secret", "list", "rotated").splitlines()]

    assert places() == ["current"]
    assert "[connection_secret_last]" in shell.refuses("connection", "secret", "remove", "rotated", "current")
    assert "[connection_secret_unknown]" in shell.refuses("connection", "secret", "remove", "rotated", "previous")
    again = {"ENTRACTE_CLIENT_SECRET": SECRET}
    shell.says("connection", "secret", "add", "rotated", **again)
    assert places() == ["current", "previous"]
    told = shell.refuses("connection", "secret", "add", "rotated", **again)
    assert "[connection_secrets_full]" in told
    shell.says("connection", "secret", "add", "rotated", "--replace-previous", **again)
    shell.says("connection", "secret", "remove", "rotated", "previous")
    assert places() == ["current"]
    told = shell.refuses("connection", "secret", "add", "rotated", ENTRACTE_CLIENT_SECRET="two\nlines")
    assert "[connection_secret_malformed]" in told
    assert "two" not in told


@pytest.mark.conformance("MUST 51")
def test_a_connection_is_shown_without_its_secret(shell: Shell) -> None:
    add(shell, "shown")
    shown = YAML(typ="safe", pure=True).load(shell.says("connection", "show", "shown"))
    assert shown["token_endpoint"] == "https://login.example/t"
    assert shown["profile_source"] == "userinfo"
    assert shown["mix_up_defence"] is False
    [secret] = shown["secrets"]
    assert secret["place"] == "current"
    assert set(secret) == {"place", "added_at"}


@pytest.mark.conformance("MUST 8")
def test_a_connection_without_a_defence_is_marked_and_may_be_given_an_address_of_its_own(quick: Shell) -> None:
    add(quick, "plain")
    assert "plain\thttps://login.example/a\tuserinfo\tno mix-up defence" in quick.says("connection", "list")
    quick.says("connection", "change", "plain", "--setting", "own_redirect_uri=true")
    assert "plain\thttps://login.example/a\tuserinfo\n" in quick.says("connection", "list")
    after = shown(quick, "plain")
    assert after["mix_up_defence"] is True
    own = after["addresses"]["jwks_uri"].removesuffix("/jwks").replace("/oauth/clients/", "/oauth/callback/")
    assert after["addresses"]["redirect_uri"] == own


def test_a_connection_that_a_campaign_uses_stays(shell: Shell) -> None:
    with served_misbehaving_provider() as provider:
        shell.says("connection", "add", "northwind", *NAMED, "--issuer", provider.issuer, ENTRACTE_CLIENT_SECRET=SECRET)
    file = shell.folder / "quiz.yaml"
    file.write_text(QUIZ)
    shell.says("campaign", "publish", str(file))
    told = shell.refuses("connection", "remove", "northwind")
    assert "[connection_in_use]" in told
    assert "quiz" in told
    add(shell, "unused")
    assert "unused" in shell.says("connection", "remove", "unused")
    assert "unused" not in shell.says("connection", "list")


@pytest.mark.conformance("MUST 48")
def test_the_connections_of_others_are_not_there(quick: Shell) -> None:
    add(quick, "mine")
    for command in (
        ("show", "mine"), ("remove", "mine"), ("secret", "list", "mine"), ("secret", "add", "mine"),
        ("secret", "remove", "mine", "current"), ("change", "mine"), ("keys", "list", "mine"),
        ("keys", "rotate", "mine"), ("keys", "certificate-request", "mine"), ("registration", "show", "mine"),
        ("registration", "update", "mine"), ("registration", "end", "mine"), ("refresh", "mine"),
    ):  # fmt: skip
        for name in ("mine", "nobodys"):
            arguments = [name if word == "mine" else word for word in command]
            told = quick.refuses("connection", *arguments, "--organization", "contoso", ENTRACTE_CLIENT_SECRET=SECRET)
            assert told == f"entracte: There is no connection {name}. [connection_unknown]\n"


def shown(shell: Shell, name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(shell.says("connection", "show", name))
    return found


@pytest.fixture(scope="module")
def provider() -> Iterator[MisbehavingProvider]:
    with served_misbehaving_provider() as running:
        running.announces = True
        yield running


EVERY_SETTING = """
title: All of it
client_id: us
issuer: https://login.example
authorization_endpoint: https://login.example/a
token_endpoint: https://login.example/t
jwks_uri: https://login.example/j
userinfo_endpoint: https://login.example/u
end_session_endpoint: https://login.example/e
check_session_iframe: https://login.example/s
issuer_in_response: true
own_redirect_uri: true
profile: ''
authentication: private_key_jwt
assertion_audience: https://login.example/t
made_secret: null
signing_algorithm: PS256
client_certificate: ''
response_type: code id_token
response_mode: form_post
user_in_response: true
pushed_authorization_request_endpoint: https://login.example/par
push_requests: true
request_object: value
request_object_encryption: RSA-OAEP
dpop: true
certificate_bound_tokens: false
encryption_algorithm: RSA-OAEP
encrypted: [id_token, userinfo]
signed_userinfo: true
max_age: 600
acr_values: [gold, silver]
resource: [https://api.example]
requested_claims: {userinfo: {email: null}}
required_claims: {hd: [northwind.example, a.example], acct: [0, 1.5], email_verified: [true]}
introspection_endpoint: https://login.example/i
revocation_endpoint: https://login.example/r
revoke_tokens: true
introspect_tokens: true
signed_introspection: true
refresh_tokens: true
userinfo_bearer: header
claim_sources: {"https://c.example": {jwks_uri: https://c.example/j, algorithms: [ES256], origins: []}}
scopes: [openid, email]
extra_parameters: {ui: dark}
id_token_algorithms: [ES256]
other_algorithms: {userinfo: [ES384]}
profile_source: rest
rest: {url: https://api.example/me, method: POST, bearer: header, person: a.b, subject: id}
access_token_audience: https://api.example
access_token_types: [at+jwt]
claims: {email: {paths: [mail], constant: null, transform: lower, verified: null}}
another_account_prompt: select_account
prefill_opt_ins: true
sign_out: true
sign_out_hint: account
single_logout: true
watch_session: true
"""


def test_every_setting_in_a_file_and_one_by_one(quick: Shell) -> None:
    """What can be set can be set by the command: none is forgotten, and what is shown can be given back."""
    wanted = YAML(typ="safe", pure=True).load(EVERY_SETTING)
    assert set(wanted) | {"name"} == set(ConnectionSettings.model_fields)
    file = quick.folder / "everything.yaml"
    file.write_text(EVERY_SETTING)
    quick.says("connection", "add", "by-file", "--file", str(file), "--no-discovery")
    found = shown(quick, "by-file")
    assert {name: found[name] for name in wanted} == wanted

    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in wanted.items()}
    options = [word for name, text in texts.items() for word in ("--setting", f"{name}={text}")]
    quick.says("connection", "add", "one-by-one", "--no-discovery", *options)
    assert {name: shown(quick, "one-by-one")[name] for name in wanted} == wanted

    file.write_text(quick.says("connection", "show", "by-file"))
    quick.says("connection", "add", "again", "--file", str(file), "--no-discovery", "--setting", "name=ignored")
    again = shown(quick, "again")
    assert {name: again[name] for name in wanted} == wanted


def test_which_accounts_are_taken_is_set_in_one_line(quick: Shell) -> None:
    add(quick, "staff")
    quick.says("connection", "change", "staff", "--setting", "required_claims={hd: [northwind.example]}")
    assert shown(quick, "staff")["required_claims"] == {"hd": ["northwind.example"]}
    told = quick.refuses("connection", "change", "staff", "--setting", "required_claims={hd: northwind.example}")
    assert "required_claims.hd" in told
    quick.says("connection", "change", "staff", "--setting", "required_claims={}")
    assert shown(quick, "staff")["required_claims"] == {}


APPLE_ENDPOINTS = (
    *("--no-discovery", "--authorization-endpoint", "https://appleid.apple.com/auth/authorize"),
    *("--token-endpoint", "https://appleid.apple.com/auth/token", "--jwks-uri", "https://appleid.apple.com/auth/keys"),
)


def test_apple_is_given_the_key_of_the_team(quick: Shell) -> None:
    """As the how-to shows it: the key's identifier, and the file behind it."""
    first, second = SigningKey(61, "ES256"), SigningKey(62, "ES256")
    by_preset = ["connection", "add", "apple", *NAMED, "--preset", "apple", *APPLE_ENDPOINTS]
    assert "preset.team_id" in quick.refuses(*by_preset)
    by_preset += ["--preset-parameter", "team_id=DEF123GHIJ"]

    def given(text: str) -> dict[str, str]:
        return {"ENTRACTE_CLIENT_SECRET": text}

    for wrong in (SECRET, first.private_pem(), f"ABC123DEFG\n{SigningKey(61, 'ES384').private_pem()}"):
        told = quick.refuses(*by_preset, **given(wrong))
        assert "[connection_secret_no_key]" in told
        assert not any(line in told for line in wrong.splitlines())
    quick.says(*by_preset, **given(f"ABC123DEFG\n{first.private_pem()}"))
    assert shown(quick, "apple")["made_secret"] == {"issuer": "DEF123GHIJ", "audience": "https://appleid.apple.com"}
    quick.says("connection", "secret", "add", "apple", **given(f"XYZ123DEFG\n{second.private_pem()}"))
    assert [one["place"] for one in shown(quick, "apple")["secrets"]] == ["current", "previous"]
    assert "[connection_secret_no_key]" in quick.refuses("connection", "secret", "add", "apple", **given(SECRET))
    told = quick.refuses("connection", "change", "apple", "--setting", "made_secret=null")
    assert "[connection_secret_missing]" in told
    quick.says("connection", "change", "apple", "--setting", "made_secret=null", **given(SECRET))
    found = quick.says("connection", "show", "apple")
    assert YAML(typ="safe", pure=True).load(found)["made_secret"] is None
    assert [one["place"] for one in shown(quick, "apple")["secrets"]] == ["current"]
    assert not any(line in found for key in (first, second) for line in key.private_pem().splitlines())


def test_the_addresses_to_register_are_told(quick: Shell, provider: MisbehavingProvider) -> None:
    given = ("--issuer", provider.issuer, "--setting", "single_logout=true")
    told = quick.says("connection", "add", "told", *NAMED, *given, ENTRACTE_CLIENT_SECRET=SECRET)
    for part in ("/oauth/callback", "/jwks", "/initiate-login", "/back-channel-logout"):
        assert part in told
    addresses = shown(quick, "told")["addresses"]
    assert addresses["redirect_uri"] == "http://localhost:8000/oauth/callback"
    assert addresses["jwks_uri"].endswith("/jwks")


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (("--setting", "dpop"), "is not NAME=VALUE"),
        (("--setting", "scopes=[openid"), "This is no YAML"),
        (("--setting", "colour=red"), "colour"),
        (("--setting", "dpop=perhaps"), "dpop"),
        (("--setting", "client_certificate=@not-there.pem"), "not-there.pem"),
        (("--file", "not-there.yaml"), "not-there.yaml"),
        (("--preset", "nobody"), "preset_unknown"),
        (("--preset", "okta"), "preset.domain"),
        (("--preset-parameter", "domain=a.okta.com"), "--preset-parameter"),
        ((), "client_id"),
    ],
)
def test_what_can_not_be_read_is_named(quick: Shell, options: tuple[str, ...], where: str) -> None:
    told = quick.refuses("connection", "add", "odd", "--title", "Odd", *options, ENTRACTE_CLIENT_SECRET=SECRET)
    assert where in told


def test_a_file_that_is_no_mapping(quick: Shell) -> None:
    file = quick.folder / "list.yaml"
    file.write_text("- a")
    assert "mapping" in quick.refuses("connection", "add", "odd", *NAMED, "--file", str(file))


def test_what_is_not_given_stays(quick: Shell) -> None:
    add(quick, "changing")
    quick.says("connection", "change", "changing", "--title", "Another", "--claim", "city=address.locality")
    first = shown(quick, "changing")
    assert first["title"] == "Another"
    assert first["token_endpoint"] == "https://login.example/t"
    assert first["claims"]["city"]["paths"] == ["address.locality"]
    assert first["claims"]["email"]["paths"] == ["email"]
    quick.says("connection", "change", "changing", "--rest-url", "https://api.example/me", "--profile", "rest")
    quick.says("connection", "change", "changing", "--rest-person", "data")
    assert shown(quick, "changing")["rest"]["url"] == "https://api.example/me"
    assert shown(quick, "changing")["claims"]["city"]["paths"] == ["address.locality"]
    assert "[connection_setting_malformed]" in quick.refuses("connection", "change", "changing", "--setting", "dpop=7")
    assert "[connection_other_name]" in quick.refuses("connection", "change", "changing", "--setting", "name=other")
    assert "[connection_unknown]" in quick.refuses("connection", "change", "nobody", "--title", "X")


def test_a_change_to_a_secret_asks_for_one(quick: Shell, provider: MisbehavingProvider) -> None:
    given = ("--issuer", provider.issuer, "--no-discovery", "--setting", "authentication=none")
    quick.says("connection", "add", "public", *NAMED, *ENDPOINTS, *given)
    assert shown(quick, "public")["secrets"] == []
    basic = ("--authentication", "client_secret_basic")
    assert quick.run("connection", "change", "public", *basic).returncode != 0  # there is nobody to type it
    quick.says("connection", "change", "public", *basic, ENTRACTE_CLIENT_SECRET=SECRET)
    assert [one["place"] for one in shown(quick, "public")["secrets"]] == ["current"]


def test_another_issuer_brings_its_endpoints(quick: Shell, provider: MisbehavingProvider) -> None:
    add(quick, "moving")
    quick.says("connection", "change", "moving", "--issuer", provider.issuer, "--setting", "scopes=[openid, email]")
    found = shown(quick, "moving")
    assert found["token_endpoint"] == f"{provider.issuer}/token"
    assert found["jwks_uri"] == f"{provider.issuer}/jwks"
    assert found["title"] == "Northwind"


def test_one_word_fixes_a_profile(quick: Shell) -> None:
    endpoints = {"pushed_authorization_request_endpoint": "par", "jwks_uri": "j"}
    more = [word for name, path in endpoints.items() for word in ("--setting", f"{name}=https://login.example/{path}")]
    word = ("--security-profile", "fapi2-message-signing", "--issuer", "https://login.example", "--no-discovery")
    quick.says("connection", "add", "bank", *NAMED, *ENDPOINTS, *more, *word)
    found = shown(quick, "bank")
    assert (found["request_object"], found["response_mode"], found["dpop"]) == ("value", "jwt", True)
    told = quick.refuses("connection", "change", "bank", "--authentication", "client_secret_basic")
    assert "the profile fapi2-message-signing fixes authentication" in told
    add(quick, "becoming")
    quick.says("connection", "change", "becoming", *more, *word)
    assert shown(quick, "becoming")["authentication"] == "private_key_jwt"


def test_our_keys_are_listed_rotated_and_certified(quick: Shell) -> None:
    given = ("--issuer", "https://login.example", "--no-discovery", "--setting", "jwks_uri=https://login.example/j")
    method = ("--authentication", "self_signed_tls_client_auth", "--setting", "dpop=true")
    quick.says("connection", "add", "keyed", *NAMED, *ENDPOINTS, *given, *method)
    [proof, tls] = json.loads(quick.says("connection", "keys", "list", "keyed", "--json"))["items"]
    assert {proof["use"], tls["use"]} == {"dpop", "tls"}
    certified = tls if tls["use"] == "tls" else proof
    listed = quick.says("connection", "keys", "list", "keyed")
    assert certified["certificate"] in listed
    assert f"x5t#S256 {certified['thumbprint']}" in listed
    assert "/oauth/clients/" in listed
    assert listed.count("in use") == 2
    rotated = quick.says("connection", "keys", "rotate", "keyed")
    assert certified["kid"] in rotated
    assert len(json.loads(quick.says("connection", "keys", "list", "keyed", "--json"))["items"]) == 4
    told = quick.refuses("connection", "keys", "rotate", "keyed")
    assert "[connection_keys_rotating]" in told
    assert "Wait 60 minutes" in told
    request = x509.load_pem_x509_csr(quick.says("connection", "keys", "certificate-request", "keyed").encode())
    assert request.is_signature_valid
    by_authority = ("--no-discovery", "--authentication", "tls_client_auth", "--setting")
    told = quick.refuses("connection", "change", "keyed", *by_authority, "client_certificate=junk")
    assert "client_certificate: The certificate can not be read." in told
    quick.says("connection", "change", "keyed", *by_authority, f"client_certificate={certified['certificate']}")
    leaked = quick.says("connection", "keys", "rotate", "keyed", "--leaked")
    assert leaked.count("in use") == 2
    assert certified["kid"] not in leaked
    assert shown(quick, "keyed")["client_certificate"] == ""
    add(quick, "keyless")
    assert "needs no keys" in quick.says("connection", "keys", "list", "keyless")
    assert "[connection_key_missing]" in quick.refuses("connection", "keys", "certificate-request", "keyless")


def test_presets_are_listed_and_shown(quick: Shell) -> None:
    listed = quick.says("connection", "presets")
    assert [line.split("\t")[0] for line in listed.splitlines()] == list(presets())
    one = quick.says("connection", "presets", "entra")
    assert "--preset-parameter tenant=" in one
    assert "Not checked against a live server." in one
    assert quick.run("connection", "presets", "nobody").returncode == 2


def test_a_registration_from_its_beginning_to_its_end(quick: Shell, provider: MisbehavingProvider) -> None:
    told = quick.refuses("connection", "register", "ours", "--title", "Northwind", "--issuer", provider.issuer)
    assert "[registration_contact_missing]" in told
    provider.initial_access_token = "an initial access token"
    given = ("--title", "Northwind", "--issuer", provider.issuer, "--contact", "it@northwind.example")
    assert "[registration_refused]" in quick.refuses("connection", "register", "ours", *given)
    provider.software_statement = "a.signed.statement"
    statement = quick.folder / "statement.jwt"
    statement.write_text("a.signed.statement\n", encoding="ascii")
    stated, token = ("--software-statement", str(statement)), provider.initial_access_token
    quick.says("connection", "register", "ours", *given, *stated, ENTRACTE_INITIAL_ACCESS_TOKEN=token)
    found = shown(quick, "ours")
    assert found["client_id"] in provider.registered
    assert found["registration"]["managed"]
    assert [one["place"] for one in found["secrets"]] == ["current"]
    registered = json.loads(quick.says("connection", "registration", "show", "ours"))
    assert registered["contacts"] == ["it@northwind.example"]
    assert "entracte connection registration update ours" in quick.says(
        "connection", "change", "ours", "--scope", "openid"
    )
    quick.says("connection", "registration", "update", "ours", "--contact", "new@northwind.example")
    metadata = provider.registered[found["client_id"]].metadata
    assert (metadata["scope"], metadata["contacts"]) == ("openid", ["new@northwind.example"])
    quick.says("connection", "remove", "ours", "--unregister")
    assert found["client_id"] not in provider.registered
    assert "ours" not in quick.says("connection", "list").split()
    add(quick, "by-hand")
    assert "[registration_unmanaged]" in quick.refuses("connection", "registration", "end", "by-hand")


def test_discovery_is_asked_again(quick: Shell, provider: MisbehavingProvider) -> None:
    quick.says("connection", "add", "moved", *NAMED, "--issuer", provider.issuer, ENTRACTE_CLIENT_SECRET=SECRET)
    assert "Discovery says what" in quick.says("connection", "refresh", "moved")
    elsewhere = "https://other.example/token"
    provider.metadata = {"token_endpoint": elsewhere, "end_session_endpoint": f"{provider.issuer}/out"}
    try:
        shown_only = quick.says("connection", "refresh", "moved", "--show")
        assert f"-> {elsewhere}\tneeds approval" in shown_only
        assert "[connection_approval_missing]" in quick.refuses("connection", "refresh", "moved")
        assert shown(quick, "moved")["end_session_endpoint"] != f"{provider.issuer}/out"
        assert f"-> {provider.issuer}/out\tneeds approval" in shown_only
        quick.says("connection", "refresh", "moved", "--keep", "token_endpoint", "--approve")
        assert shown(quick, "moved")["end_session_endpoint"] == f"{provider.issuer}/out"
        assert shown(quick, "moved")["token_endpoint"] == f"{provider.issuer}/token"
        quick.says("connection", "refresh", "moved", "--approve")
        assert shown(quick, "moved")["token_endpoint"] == elsewhere
    finally:
        provider.metadata = {}


def test_an_issuer_is_found(quick: Shell, provider: MisbehavingProvider) -> None:
    assert quick.says("connection", "find", provider.issuer).strip() == provider.issuer
    assert "[identifier_malformed]" in quick.refuses("connection", "find", "=alice")

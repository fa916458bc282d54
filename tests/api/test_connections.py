"""`/connections` of the REST API: presets, registration, our keys, discovery asked again; and what never comes out."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509

from entracte.connections.presets import presets
from tests.api.programs import Neighbours, Program
from tests.fetch.certificates import self_signed
from tests.misbehaving_provider import MisbehavingProvider, SigningKey

SERVER = "https://login.example"
ENDPOINTS = {
    "title": "Bank",
    "client_id": "us",
    "issuer": SERVER,
    "authorization_endpoint": f"{SERVER}/a",
    "token_endpoint": f"{SERVER}/t",
    "jwks_uri": f"{SERVER}/j",
    "discovery": False,
}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


@pytest.fixture
def provider(town: Neighbours) -> Iterator[MisbehavingProvider]:
    found = town.stage.provider
    found.announces = True
    yield found
    found.announces, found.metadata, found.misbehaviour = False, {}, ""


@pytest.fixture
def alice(town: Neighbours) -> Iterator[Program]:
    """Alice, whose connections but the one of the quiz are gone again afterwards."""
    yield town.alice
    for one in town.alice.get("/connections")["items"]:
        if one["name"] != "northwind":
            assert town.alice("DELETE", f"/connections/{one['name']}").status_code == 204


def test_our_keys_are_shown_and_rotated(alice: Program) -> None:
    alice.post("/connections", json={**ENDPOINTS, "name": "bank", "authentication": "self_signed_tls_client_auth"})
    shown = alice.get("/connections/bank/keys")
    [key] = shown["items"]
    assert (key["use"], key["in_use"]) == ("tls", True)
    assert not PRIVATE & key["jwk"].keys()
    certificate = x509.load_pem_x509_certificate(key["certificate"].encode())
    assert shown["jwks_uri"].endswith("/jwks")
    request = alice.get("/connections/bank/certificate-request")["certificate_request"]
    assert x509.load_pem_x509_csr(request.encode()).public_key() == certificate.public_key()
    again = {"Idempotency-Key": "rotate-once"}
    rotated = alice.post("/connections/bank/key-rotations", headers=again)
    assert [one["in_use"] for one in rotated["items"]] == [False, True]
    assert alice.post("/connections/bank/key-rotations", headers=again) == rotated
    assert alice.get("/connections/bank/keys") == rotated
    assert "sealed" not in str(rotated)
    assert alice.refused("POST", "/connections/bank/key-rotations", 409)["code"] == "connection_keys_rotating"
    assert alice.refused("POST", "/connections/bank/key-rotations", 400, json={"leaked": 1})["code"]
    [alone] = alice.post("/connections/bank/key-rotations", json={"leaked": True})["items"]
    assert alone["in_use"]
    assert alone["kid"] not in str(rotated)


@pytest.mark.parametrize(
    ("certificate", "code"),
    [("junk", "connection_certificate_unreadable"), (self_signed().chain, "connection_certificate_other_key")],
)
def test_a_certificate_is_for_a_key_of_ours(alice: Program, certificate: str, code: str) -> None:
    wanted = {**ENDPOINTS, "name": "bank", "authentication": "tls_client_auth"}
    with_it = {**wanted, "client_certificate": certificate}
    assert alice.refused("POST", "/connections", 400, json=with_it)["code"] == code
    alice.post("/connections", json=wanted)
    assert alice.refused("PUT", "/connections/bank", 400, json=with_it)["code"] == code


def test_a_connection_without_keys(alice: Program) -> None:
    alice.post("/connections", json={**ENDPOINTS, "name": "plain", "authentication": "none"})
    assert alice.get("/connections/plain/keys")["items"] == []
    assert alice.refused("GET", "/connections/plain/certificate-request", 404)["code"] == "connection_key_missing"


def test_presets_are_listed(alice: Program) -> None:
    listed = alice.get("/presets")["items"]
    assert [one["name"] for one in listed] == list(presets())
    [okta] = [one for one in listed if one["name"] == "okta"]
    assert okta["parameters"]["domain"]["example"]


@pytest.mark.parametrize(
    ("preset", "code", "where"),
    [
        ({"name": "nobody"}, "preset_unknown", "preset"),
        ({"name": "okta"}, "preset_parameter_malformed", "preset.domain"),
        ({"name": "entra", "parameters": {"tenant": "common"}}, "preset_parameter_malformed", "preset.tenant"),
    ],
)
def test_a_preset_that_can_not_be_used(alice: Program, preset: dict[str, Any], code: str, where: str) -> None:
    wanted = {"name": "x", "title": "X", "client_id": "us", "authentication": "none", "preset": preset}
    problem = alice.refused("POST", "/connections", 400, json=wanted)
    assert problem["code"] == code
    assert where in str(problem)


def test_a_preset_is_where_it_begins(alice: Program) -> None:
    given = {"name": "entra", "parameters": {"tenant": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"}}
    made = alice.post("/connections", json={
        "name": "entra", "title": "Entra", "client_id": "us", "authentication": "none", "discovery": False,
        "authorization_endpoint": f"{SERVER}/a", "token_endpoint": f"{SERVER}/t", "jwks_uri": f"{SERVER}/j",
        "preset": given,
    })  # fmt: skip
    assert made["issuer"] == "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"
    assert made["claims"]["email"]["verified"] is None


def test_a_connection_is_registered_at_once(alice: Program, provider: MisbehavingProvider) -> None:
    provider.initial_access_token = "an initial access token"
    wanted = {
        "name": "ours", "title": "Ours", "issuer": provider.issuer, "registration":
        {
            "contacts": ["it@northwind.example"], "initial_access_token": provider.initial_access_token,
            "software_statement": "a.signed.statement",
        },
    }  # fmt: skip
    provider.software_statement = "a.signed.statement"
    try:
        made = alice.post("/connections", json=wanted)
    finally:
        provider.initial_access_token = provider.software_statement = ""
    client = provider.registered[made["client_id"]]
    assert made["registration"]["contacts"] == ["it@northwind.example"]
    assert made["registration"]["managed"]
    assert made["addresses"]["jwks_uri"].endswith("/jwks")
    assert client.secret not in str(made)
    read = alice.get("/connections/ours/registration")
    assert read["registered"]["redirect_uris"] == [made["redirect_uri"]]
    assert provider.management_tokens[client.id] not in str(read)
    updated = alice("PUT", "/connections/ours/registration", json={"contacts": ["new@northwind.example"]}).json()
    assert updated["contacts"] == ["new@northwind.example"]
    assert provider.registered[client.id].metadata["contacts"] == ["new@northwind.example"]
    assert alice("DELETE", "/connections/ours/registration").status_code == 204
    assert client.id not in provider.registered
    assert alice.get("/connections/ours")["registration"] is None


def test_a_kept_connection_is_registered(alice: Program, provider: MisbehavingProvider) -> None:
    wanted = {"name": "kept", "title": "Kept", "client_id": "by hand", "issuer": provider.issuer}
    alice.post("/connections", json={**wanted, "client_secret": "by hand"})
    alice.post("/connections/kept/registration", json={"contacts": ["it@northwind.example"]})
    assert alice.get("/connections/kept")["client_id"] in provider.registered
    again = alice.refused("POST", "/connections/kept/registration", 409, json={"contacts": ["it@northwind.example"]})
    assert again["code"] == "registration_exists"
    none = alice.refused("POST", "/connections/kept/registration", 409, json={"contacts": []})
    assert none["code"] == "registration_exists"


def test_a_registration_that_is_refused_leaves_nothing(alice: Program, provider: MisbehavingProvider) -> None:
    provider.misbehaviour = "registration_other_redirect_uris"
    wanted = {"name": "bad", "title": "Bad", "issuer": provider.issuer, "registration": {"contacts": ["a@b.example"]}}
    assert alice.refused("POST", "/connections", 502, json=wanted)["code"] == "registration_refused"
    assert alice("GET", "/connections/bad").status_code == 404


def test_which_accounts_are_taken(alice: Program) -> None:
    required = {"hd": ["northwind.example"], "acct": [0], "email_verified": [True]}
    made = alice.post("/connections", json={**ENDPOINTS, "name": "staff", "required_claims": required,
                                            "client_secret": "x"})  # fmt: skip
    assert made["required_claims"] == required
    unusable: tuple[dict[str, Any], ...] = ({"hd": []}, {"hd": "northwind.example"}, {"hd": [None]}, {"hd": [{}]})
    for wrong in unusable:
        given = {**ENDPOINTS, "name": "other", "client_secret": "x", "required_claims": wrong}
        assert "required_claims" in str(alice.refused("POST", "/connections", 400, json=given))


def test_a_secret_that_we_make_and_the_key_behind_it(alice: Program) -> None:
    key = SigningKey(63, "ES256")
    text = f"ABC123DEFG\n{key.private_pem()}"
    given = {
        **ENDPOINTS,
        "name": "made",
        "authentication": "client_secret_post",
        "made_secret": {"issuer": "DEF123GHIJ", "audience": SERVER},
    }
    refused = alice.refused("POST", "/connections", 400, json={**given, "client_secret": "no key"})
    assert refused["code"] == "connection_secret_no_key"
    made = alice.post("/connections", json={**given, "client_secret": text})
    assert made["made_secret"] == given["made_secret"]
    added = alice.post("/connections/made/secrets", json={"client_secret": text.replace("ABC", "XYZ")})
    assert [one["place"] for one in added["items"]] == ["current", "previous"]
    assert not any(line in str(made) + str(added) for line in key.private_pem().splitlines())


def test_without_a_registration_there_is_a_client_id(alice: Program) -> None:
    without = {name: value for name, value in ENDPOINTS.items() if name != "client_id"}
    problem = alice.refused("POST", "/connections", 400, json={**without, "name": "x"})
    assert "client_id" in str(problem)


def test_discovery_is_asked_again(alice: Program, provider: MisbehavingProvider) -> None:
    wanted = {"name": "moved", "title": "Moved", "client_id": "us", "issuer": provider.issuer}
    alice.post("/connections", json={**wanted, "client_secret": "x"})
    provider.metadata = {"token_endpoint": "https://other.example/t", "end_session_endpoint": f"{provider.issuer}/out"}
    told = alice.get("/connections/moved/metadata")
    assert told["refused"] is None
    by_setting = {one["setting"]: one for one in told["differences"]}
    assert by_setting["token_endpoint"]["needs_approval"]
    assert "ID tokens" in by_setting["end_session_endpoint"]["needs_approval"]
    refreshes = "/connections/moved/metadata-refreshes"
    assert alice.refused("POST", refreshes, 409, json={})["code"] == "connection_approval_missing"
    kept = alice.post(refreshes, json={"keep": ["token_endpoint"], "approve": True})
    assert kept["token_endpoint"] == f"{provider.issuer}/token"
    assert kept["end_session_endpoint"] == f"{provider.issuer}/out"
    assert alice.post(refreshes, json={"approve": True})["token_endpoint"] == "https://other.example/t"


def test_an_issuer_is_looked_up(alice: Program, provider: MisbehavingProvider) -> None:
    assert alice.post("/issuer-lookups", 200, json={"identifier": provider.issuer})["issuer"] == provider.issuer
    assert alice.refused("POST", "/issuer-lookups", 400, json={"identifier": "=x"})["code"] == "identifier_malformed"
    for address in ("https://169.254.169.254/", "https://10.0.0.1/"):
        problem = alice.refused("POST", "/issuer-lookups", 502, json={"identifier": address})
        assert problem["code"] == "provider_blocked"

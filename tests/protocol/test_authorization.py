"""The authorization request and response: MUST 6, 7, 10, 11, 15, 57; BAD 39, 40, 50."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.authorization import (
    MAXIMUM_PARAMETERS,
    MAXIMUM_QUERY,
    OWN_PARAMETERS,
    Code,
    authorization_url,
    code_challenge,
    parse_query,
    read_callback,
)
from entracte.protocol.errors import Reason, Refused
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import vectors

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


def url(endpoint: str = "https://as.example/authorize", **changes: Any) -> str:
    parameters: dict[str, Any] = {
        "client_id": "s6BhdRkqt3",
        "redirect_uri": "https://login.example/oauth/callback",
        "scope": ["openid", "email"],
        "state": "the-state",
        "nonce": "the-nonce",
        "code_verifier": VERIFIER,
        "extra": {},
    }
    return authorization_url(endpoint, **(parameters | changes))


@pytest.mark.parametrize("vector", vectors("pkce.json"), ids=lambda vector: vector["id"])
def test_pkce_vectors(vector: dict[str, str]) -> None:
    assert code_challenge(vector["code_verifier"]) == vector["code_challenge"]


def test_every_parameter_of_the_request() -> None:
    """MUST 6: PKCE S256 always; B12: the nonce too. A space is %20, which every server reads alike."""
    address = url()
    assert address.startswith("https://as.example/authorize?response_type=code&client_id=s6BhdRkqt3&")
    assert "scope=openid%20email&" in address
    assert dict(parse_qsl(urlsplit(address).query)) == {
        "response_type": "code",
        "client_id": "s6BhdRkqt3",
        "redirect_uri": "https://login.example/oauth/callback",
        "scope": "openid email",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize(("scope", "sent"), [(["email"], "email"), ([], None), (["openidconnect"], "openidconnect")])
def test_the_nonce_goes_with_openid_alone(scope: list[str], sent: str | None) -> None:
    query = parse_qs(urlsplit(url(scope=scope)).query)
    assert "nonce" not in query
    assert query.get("scope") == ([sent] if sent else None)
    assert query["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize(
    ("endpoint", "beginning"),
    [
        ("https://as.example/authorize?p=B2C_1%20sign", "https://as.example/authorize?p=B2C_1%20sign&response_type="),
        ("https://as.example/authorize?p=&q", "https://as.example/authorize?p=&q&response_type="),
        ("https://as.example/authorize?", "https://as.example/authorize?response_type="),
        ("https://as.example", "https://as.example?response_type="),
    ],
)
def test_a_query_of_the_endpoint_is_kept(endpoint: str, beginning: str) -> None:
    assert url(endpoint).startswith(beginning)


def test_extra_parameters_are_sent() -> None:
    query = dict(parse_qsl(urlsplit(url(extra={"prompt": "login", "claims": '{"userinfo":{}}'})).query))
    assert (query["prompt"], query["claims"]) == ("login", '{"userinfo":{}}')


@pytest.mark.parametrize("name", sorted(OWN_PARAMETERS))
def test_no_extra_parameter_overrides_ours(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        url(extra={"prompt": "login", name: "evil"})
    with pytest.raises(ValueError, match=name):
        url(f"https://as.example/authorize?{name}=evil")


def test_a_parameter_stands_there_once() -> None:
    with pytest.raises(ValueError, match="already"):
        url("https://as.example/authorize?prompt=none", extra={"prompt": "login"})


@given(state=texts, nonce=texts, client_id=texts, redirect_uri=texts, value=texts)
def test_whatever_a_value_is_it_comes_through(
    state: str, nonce: str, client_id: str, redirect_uri: str, value: str
) -> None:
    address = url(state=state, nonce=nonce, client_id=client_id, redirect_uri=redirect_uri, extra={"login_hint": value})
    query = parse_qs(urlsplit(address).query, keep_blank_values=True, strict_parsing=True)
    assert address.isascii()
    assert all(len(values) == 1 for values in query.values())
    assert query["state"] == [state]
    assert query["nonce"] == [nonce]
    assert query["client_id"] == [client_id]
    assert query["redirect_uri"] == [redirect_uri]
    assert query["login_hint"] == [value]


@pytest.mark.parametrize("vector", vectors("callback.json"), ids=lambda vector: vector["id"])
def test_callback_vectors(vector: dict[str, Any]) -> None:
    if "code" in vector:
        parameters = parse_query(vector["query"])
        code = read_callback(parameters, issuer=vector["issuer"], issuer_announced=vector["announced"])
        assert code == Code(Secret(vector["code"]))
        return
    with pytest.raises(Refused) as refusal:
        read_callback(parse_query(vector["query"]), issuer=vector["issuer"], issuer_announced=vector["announced"])
    assert refusal.value.reason.code == vector["reason"]
    assert vector.get("evidence", refusal.value.evidence) == refusal.value.evidence


@given(st.dictionaries(texts, texts, max_size=MAXIMUM_PARAMETERS))
def test_parameters_come_through(parameters: dict[str, str]) -> None:
    given_pairs = {name: value for name, value in parameters.items() if name or value}
    for encode_with in (quote, None):
        query = urlencode(given_pairs, quote_via=encode_with) if encode_with else urlencode(given_pairs)
        if len(query) <= MAXIMUM_QUERY:
            assert parse_query(query) == given_pairs


@given(st.text(max_size=200) | st.text(alphabet="code=&%0aFf+;?#state", max_size=80))
def test_any_query_is_read_or_refused(query: str) -> None:
    parameters = outcome(lambda: parse_query(query))
    if isinstance(parameters, Refused):
        assert parameters.reason in {Reason.RESPONSE_MALFORMED, Reason.PARAMETER_REPEATED}
        assert is_silent_about(parameters, query)
        return
    assert parameters == dict(parse_qsl(query, keep_blank_values=True, strict_parsing=False, errors="strict"))


callback_names = st.sampled_from(["code", "state", "error", "iss", "error_description", "response", "id_token", "x"])
callback_values = st.sampled_from(["", "access_denied", "login_required", "https://as.example"]) | st.text()


@given(st.dictionaries(callback_names, callback_values), st.sampled_from(["", "https://as.example"]), st.booleans())
def test_any_response_is_a_code_or_refused(parameters: dict[str, str], issuer: str, announced: bool) -> None:
    code = outcome(lambda: read_callback(parameters, issuer=issuer, issuer_announced=announced))
    if isinstance(code, Refused):
        told = {"access_denied", "login_required", "https://as.example"}
        assert is_silent_about(code, *(set(parameters.values()) - told))
        return
    assert code.value.reveal() == parameters["code"] != ""
    assert "error" not in parameters
    assert not issuer or parameters.get("iss", issuer) == issuer
    assert not (issuer and announced) or "iss" in parameters


def test_the_limits_of_a_query() -> None:
    """MUST 4: oversize."""
    assert len(parse_query("a=" + "b" * (MAXIMUM_QUERY - 2))["a"]) == MAXIMUM_QUERY - 2
    assert len(parse_query("&".join(f"p{number}=" for number in range(MAXIMUM_PARAMETERS)))) == MAXIMUM_PARAMETERS
    for query in (
        "a=" + "b" * (MAXIMUM_QUERY - 1),
        "&".join(f"p{number}=" for number in range(MAXIMUM_PARAMETERS + 1)),
    ):
        with pytest.raises(Refused) as refusal:
            parse_query(query)
        assert refusal.value.reason is Reason.RESPONSE_MALFORMED


def test_a_code_is_not_shown() -> None:
    assert "canary" not in repr(read_callback({"code": "canary"}, issuer="", issuer_announced=False))

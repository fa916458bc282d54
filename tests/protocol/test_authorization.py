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
    RESPONSE_TYPES,
    AuthorizationResponse,
    Code,
    ResponseMode,
    address,
    carrier,
    check_access_token,
    check_no_own_parameters,
    code_challenge,
    is_response_token,
    parse_query,
    query_names,
    read_callback,
    request_parameters,
    usual_mode,
)
from entracte.protocol.errors import Reason, Refused
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import vectors

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


def made_parameters(**changes: Any) -> list[tuple[str, str]]:
    members: dict[str, Any] = {
        "client_id": "s6BhdRkqt3",
        "redirect_uri": "https://login.example/oauth/callback",
        "scope": ["openid", "email"],
        "state": "the-state",
        "nonce": "the-nonce",
        "code_verifier": VERIFIER,
        "extra": {},
    }
    return request_parameters(**(members | changes))


def url(endpoint: str = "https://as.example/authorize", **changes: Any) -> str:
    return address(endpoint, made_parameters(**changes))


@pytest.mark.parametrize("vector", vectors("pkce.json"), ids=lambda vector: vector["id"])
def test_pkce_vectors(vector: dict[str, str]) -> None:
    assert code_challenge(vector["code_verifier"]) == vector["code_challenge"]


@pytest.mark.conformance("MUST 6")
def test_every_parameter_of_the_request() -> None:
    """MUST 6: PKCE S256 always; B12: the nonce too. A space is %20, which every server reads alike."""
    address = url()
    assert address.startswith("https://as.example/authorize?response_type=code&client_id=s6BhdRkqt3&")
    assert "scope=openid%20email&" in address
    assert "&redirect_uri=https%3A%2F%2Flogin.example%2Foauth%2Fcallback&" in address
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
    query = parse_qs(urlsplit(url(scope=scope)).query, keep_blank_values=True)
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


@pytest.mark.conformance("MUST 7", "MUST 10", "MUST 11", "MUST 15", "BAD 39", "BAD 40")
@pytest.mark.parametrize("vector", vectors("callback.json"), ids=lambda vector: vector["id"])
def test_callback_vectors(vector: dict[str, Any]) -> None:
    if "code" in vector:
        parameters = parse_query(vector["query"])
        code = read_callback(parameters, issuer=vector["issuer"], issuer_announced=vector["announced"])
        assert code == AuthorizationResponse(Code(Secret(vector["code"])))
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
    assert code.code is not None
    assert code.code.value.reveal() == parameters["code"] != ""
    assert "error" not in parameters
    assert not issuer or parameters.get("iss", issuer) == issuer
    assert not (issuer and announced) or "iss" in parameters


@pytest.mark.conformance("MUST 4")
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


@pytest.mark.conformance("nonce-unless-code-flow", "MUST 6")
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_the_request_of_every_response_type(response_type: str) -> None:
    """A challenge goes with a code (RFC 7636), a nonce with an ID token (`nonce-unless-code-flow`: always)."""
    made = dict(made_parameters(response_type=response_type))
    assert made["response_type"] == response_type
    assert made["nonce"] == "the-nonce"
    challenge = (code_challenge(VERIFIER), "S256") if "code" in response_type.split() else (None, None)
    assert (made.get("code_challenge"), made.get("code_challenge_method")) == challenge
    assert "response_mode" not in made


@pytest.mark.parametrize(
    ("response_type", "mode", "sent"),
    [
        ("code", None, None),
        ("code", ResponseMode.QUERY, None),
        ("code", ResponseMode.FORM_POST, "form_post"),
        ("code", ResponseMode.FRAGMENT, "fragment"),
        ("code", ResponseMode.JWT, "jwt"),
        ("code", ResponseMode.QUERY_JWT, "query.jwt"),
        ("code id_token", None, None),
        ("code id_token", ResponseMode.FRAGMENT, None),
        ("code id_token", ResponseMode.FORM_POST, "form_post"),
        ("id_token token", ResponseMode.FORM_POST_JWT, "form_post.jwt"),
    ],
)
def test_a_mode_is_sent_where_it_is_not_the_usual_one(
    response_type: str, mode: ResponseMode | None, sent: str | None
) -> None:
    made = dict(made_parameters(response_type=response_type, response_mode=mode))
    assert made.get("response_mode") == sent


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_the_usual_mode_and_the_carrier(response_type: str) -> None:
    """Multiple Response Type Encoding Practices sections 2.1 and 5; JARM section 2.3.4."""
    usual = ResponseMode.QUERY if response_type == "code" else ResponseMode.FRAGMENT
    assert usual_mode(response_type) is usual
    assert carrier(ResponseMode.JWT, response_type) is usual
    for mode in (ResponseMode.QUERY, ResponseMode.FRAGMENT, ResponseMode.FORM_POST):
        assert carrier(mode, response_type) is mode
        assert carrier(ResponseMode(f"{mode.value}.jwt"), response_type) is mode


def test_which_modes_are_a_token() -> None:
    tokens = {ResponseMode.QUERY_JWT, ResponseMode.FRAGMENT_JWT, ResponseMode.FORM_POST_JWT, ResponseMode.JWT}
    assert {mode for mode in ResponseMode if is_response_token(mode)} == tokens


def test_resources_stand_there_as_often_as_there_are() -> None:
    """RFC 8707 section 2; what the connection adds comes last."""
    made = made_parameters(resource=("https://a.example/", "https://b.example/"), extra={"prompt": "login"})
    assert made[-3:] == [("resource", "https://a.example/"), ("resource", "https://b.example/"), ("prompt", "login")]
    assert address("https://as.example/a", made[-3:-1]) == (
        "https://as.example/a?resource=https%3A%2F%2Fa.example%2F&resource=https%3A%2F%2Fb.example%2F"
    )


def test_what_is_not_for_a_connection_to_set_is_said() -> None:
    with pytest.raises(ValueError, match=r"^not for a connection to set: nonce, state$"):
        made_parameters(extra={"state": "a", "prompt": "b", "nonce": "c"})
    with pytest.raises(ValueError, match=r"^not for a connection to set: client_id$"):
        address("https://as.example/a?client_id=evil", [])
    with pytest.raises(ValueError, match=r"^a parameter stands in the authorization endpoint already$"):
        address("https://as.example/a?prompt=none&x=1", [("scope", "openid"), ("prompt", "login")])
    check_no_own_parameters(["prompt", "x"])


def test_the_names_in_a_query() -> None:
    assert query_names("https://as.example/a?b=1&c&d=&b=2#e=f") == {"b", "c", "d"}
    assert query_names("https://as.example/a") == frozenset()


GOOD = {"code": "canary-code", "id_token": "canary.id.token", "access_token": "canary-token", "token_type": "Bearer"}
NAMES = {
    "code": ("code",),
    "code id_token": ("code", "id_token"),
    "code token": ("code", "access_token", "token_type"),
    "code id_token token": ("code", "id_token", "access_token", "token_type"),
    "id_token": ("id_token",),
    "id_token token": ("id_token", "access_token", "token_type"),
}


def response(response_type: str, **changes: str | None) -> dict[str, str]:
    members = {name: GOOD[name] for name in NAMES[response_type]} | changes
    return {name: value for name, value in members.items() if value is not None}


def read(answer: dict[str, str], response_type: str) -> AuthorizationResponse:
    return read_callback(answer, issuer="", issuer_announced=False, response_type=response_type)


def refused(answer: dict[str, str], response_type: str) -> tuple[Reason, str]:
    with pytest.raises(Refused) as refusal:
        read(answer, response_type)
    assert "canary" not in str(refusal.value)
    return refusal.value.reason, refusal.value.evidence


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_a_good_answer_to_every_response_type(response_type: str) -> None:
    assert RESPONSE_TYPES[response_type] == set(NAMES[response_type]) - {"token_type"}
    answer = read(response(response_type, state="s", expires_in="3600"), response_type)
    assert answer.code == (Code(Secret("canary-code")) if "code" in NAMES[response_type] else None)
    assert answer.id_token == (Secret("canary.id.token") if "id_token" in NAMES[response_type] else None)
    assert answer.access_token == (Secret("canary-token") if "access_token" in NAMES[response_type] else None)
    assert "canary" not in repr(answer)


@pytest.mark.conformance("MUST 11")
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_all_that_was_asked_for_has_to_be_there_and_no_more(response_type: str) -> None:
    for name in RESPONSE_TYPES[response_type]:
        for value in (None, ""):
            assert refused(response(response_type, **{name: value}), response_type) == (Reason.RESPONSE_MIXED, "")
    unasked = (Reason.RESPONSE_MIXED, "It holds what was not asked for.")
    for name in {"code", "id_token", "access_token"} - RESPONSE_TYPES[response_type]:
        assert refused(response(response_type, **{name: "canary"}), response_type) == unasked
        assert refused({name: "canary", "error": "access_denied"}, response_type) == unasked
    assert refused(response(response_type, response="canary"), response_type) == unasked
    assert refused({"response": "canary"}, response_type) == unasked


@pytest.mark.conformance("MUST 11", "form-post-error")
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_an_error_instead_of_the_answer(response_type: str) -> None:
    told = {
        "access_denied": Reason.ACCESS_DENIED,
        "user_cancelled_authorize": Reason.ACCESS_DENIED,
        "user_cancelled_login": Reason.ACCESS_DENIED,
        "login_required": Reason.PROVIDER_ERROR,
    }
    for error, reason in told.items():
        assert refused({"error": error}, response_type) == (reason, f"The error is {error}.")
    assert refused({"error": "<b>canary"}, response_type) == (Reason.PROVIDER_ERROR, "")
    assert refused(response(response_type, error="access_denied"), response_type) == (Reason.RESPONSE_MIXED, "")
    assert refused({}, response_type) == (Reason.RESPONSE_MIXED, "")


@pytest.mark.parametrize("response_type", [name for name in NAMES if "token_type" in NAMES[name]])
def test_the_type_of_a_token_from_the_authorization_endpoint(response_type: str) -> None:
    for token_type in ("bearer", "BEARER"):
        assert read(response(response_type, token_type=token_type), response_type).access_token is not None
    for other in (None, "", "DPoP", "mac", "Bearer "):
        assert refused(response(response_type, token_type=other), response_type) == (Reason.TOKEN_TYPE, "")


@pytest.mark.conformance("MUST 57")
@pytest.mark.parametrize("token", ["canary token", "canary\r\nX: y", "canary-é", "\x00", "\ud800", " "])
def test_a_token_that_no_header_can_carry(token: str) -> None:
    """Anybody can put an access token into a fragment."""
    expected = (Reason.RESPONSE_MALFORMED, "`access_token` has characters that can not stand in a header.")
    assert refused(response("code token", access_token=token), "code token") == expected
    with pytest.raises(Refused):
        check_access_token("")
    check_access_token("!~")


@pytest.mark.conformance("MUST 7", "MUST 15")
def test_the_issuer_comes_first() -> None:
    """Before the type, the mixture and the error are looked at."""
    issuer = "https://as.example"
    for answer in ({"error": "access_denied"}, {}, {"code": "c", "id_token": "t"}, {"response": "r"}):
        with pytest.raises(Refused) as refusal:
            read_callback({**answer, "iss": "https://evil.example"}, issuer=issuer, issuer_announced=False)
        assert refusal.value.reason is Reason.ISSUER_MISMATCH
        assert refusal.value.evidence == "Expected https://as.example."
        with pytest.raises(Refused) as refusal:
            read_callback(answer, issuer=issuer, issuer_announced=True)
        assert refusal.value.reason is Reason.ISSUER_MISSING
    plain = read_callback({"code": "c", "iss": "https://any.example"}, issuer="", issuer_announced=True)
    assert plain.code == Code(Secret("c"))


@pytest.mark.parametrize(
    ("query", "evidence"),
    [
        ("a" * (MAXIMUM_QUERY + 1), "The query is too long, or not ASCII."),
        ("a=é", "The query is too long, or not ASCII."),
        ("&".join(f"a{number}=" for number in range(51)), "There are more than 50 parameters."),
        ("a=%0a", "A parameter holds a control character."),
        ("%0a=a", "A parameter holds a control character."),
        ("a=%zz", "A parameter is not percent-encoded."),
        ("a=%ff", "A parameter is not UTF-8."),
    ],
)
def test_the_evidence_of_a_query_that_can_not_be_read(query: str, evidence: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse_query(query)
    assert (refusal.value.reason, refusal.value.evidence) == (Reason.RESPONSE_MALFORMED, evidence)


def test_line_breaks_in_the_description_alone() -> None:
    """Microsoft Entra ID breaks lines there."""
    assert parse_query("error=a&error_description=one%0D%0Atwo%09three") == {
        "error": "a",
        "error_description": "one  two three",
    }
    with pytest.raises(Refused):
        parse_query("error=a&error_description=one%00two")


@pytest.mark.conformance("MUST 7")
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
def test_an_issuer_that_was_announced_has_to_be_there_for_every_response_type(response_type: str) -> None:
    """An ID token in the answer stands for nothing there. Where no `iss` is announced, none is missed, and one that is
    there has to be right all the same."""
    issuer = "https://as.example"
    answer = response(response_type)

    def came(answer: dict[str, str], *, announced: bool) -> AuthorizationResponse:
        return read_callback(answer, issuer=issuer, issuer_announced=announced, response_type=response_type)

    good = came({**answer, "iss": issuer}, announced=True)
    assert came(answer, announced=False) == good
    for announced, wrong, reason in (
        (True, answer, Reason.ISSUER_MISSING),
        (True, {"error": "access_denied"}, Reason.ISSUER_MISSING),
        (True, {**answer, "iss": "https://evil.example"}, Reason.ISSUER_MISMATCH),
        (True, {**answer, "iss": ""}, Reason.ISSUER_MISMATCH),
        (False, {**answer, "iss": "https://evil.example"}, Reason.ISSUER_MISMATCH),
        (False, {**answer, "iss": ""}, Reason.ISSUER_MISMATCH),
        (False, {"error": "access_denied"}, Reason.ACCESS_DENIED),
    ):
        with pytest.raises(Refused) as refusal:
            came(wrong, announced=announced)
        assert refusal.value.reason is reason

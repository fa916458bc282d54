"""Logout by us, by a frame, and by a token: section 2 of the conformance lines, MUST 36, BAD 23, BAD 24."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.authorization import parse_query
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.jws import UnknownKey
from entracte.protocol.logout import (
    EVENT,
    FrontChannelLogout,
    LogoutExpectation,
    logout_url,
    read_front_channel_logout,
    read_logout_request,
    verify_logout_token,
)
from entracte.values import Secret
from tests.protocol.refusals import is_silent_about, outcome, refused
from tests.protocol.signing import elliptic_signer, json_part, key_set, rsa_signer, vectors

ISSUER = "https://server.example.com"
ENDPOINT = "https://server.example.com/logout"
SIGNER = rsa_signer("RS256", kid="one")
ELLIPTIC = elliptic_signer("ES256", kid="two")
KEYS = key_set(SIGNER.jwk, ELLIPTIC.jwk)
EXPECTED = LogoutExpectation(ISSUER, "s6BhdRkqt3", frozenset({"RS256"}))
NOW = 1471566160
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": "s6BhdRkqt3",
    "iat": 1471566154,
    "exp": 1471566274,
    "jti": "canary-bWJq",
    "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
    "events": {EVENT: {}},
}


@pytest.mark.conformance("rp-init-logout")
def test_the_address_with_all_of_it() -> None:
    """RP-Initiated Logout section 2."""
    url = logout_url(
        f"{ENDPOINT}?tenant=a",
        client_id="s6BhdRkqt3",
        id_token_hint=Secret("canary.id.token"),
        post_logout_redirect_uri="https://client.example.org/out?a=b",
        state="s t",
        ui_locales=("fr-CA", "en"),
        logout_hint="jane",
    )
    parts = urlsplit(url.reveal())
    assert url.reveal().startswith(f"{ENDPOINT}?tenant=a&")
    assert parse_qs(parts.query) == {
        "tenant": ["a"],
        "id_token_hint": ["canary.id.token"],
        "logout_hint": ["jane"],
        "client_id": ["s6BhdRkqt3"],
        "post_logout_redirect_uri": ["https://client.example.org/out?a=b"],
        "state": ["s t"],
        "ui_locales": ["fr-CA en"],
    }
    assert "canary" not in repr(url)


def test_the_address_with_little_of_it() -> None:
    assert logout_url(ENDPOINT, client_id="s6BhdRkqt3").reveal() == f"{ENDPOINT}?client_id=s6BhdRkqt3"


def test_a_state_that_nothing_would_bring_back() -> None:
    with pytest.raises(ValueError, match=r"^a state needs an address to return to$"):
        logout_url(ENDPOINT, client_id="s6BhdRkqt3", state="s")


@pytest.mark.parametrize("query", ["client_id=other", "post_logout_redirect_uri=https%3A%2F%2Fevil.example", "state="])
@pytest.mark.conformance("BAD 34")
def test_bad_34_an_endpoint_that_names_our_parameters(query: str) -> None:
    back = "https://client.example.org/out"
    evidence = "`end_session_endpoint` has parameters of the request in its query."
    assert refused(
        lambda: logout_url(f"{ENDPOINT}?{query}", client_id="s6BhdRkqt3", post_logout_redirect_uri=back)
    ) == (Reason.METADATA_MALFORMED, evidence)


def test_a_front_channel_logout() -> None:
    """Front-Channel Logout section 2, its example."""
    query = "iss=https://server.example.com&sid=08a5019c-17e1-4977-8f42-65a12843ea02"
    for required in (True, False):
        logout = read_front_channel_logout(parse_query(query), issuer=ISSUER, session_required=required)
        assert logout == FrontChannelLogout("08a5019c-17e1-4977-8f42-65a12843ea02")
        assert "08a5019c" not in repr(logout)


def test_a_front_channel_logout_of_whoever_is_there() -> None:
    assert read_front_channel_logout({}, issuer=ISSUER, session_required=False) == FrontChannelLogout(None)


@pytest.mark.parametrize(
    ("parameters", "reason", "evidence"),
    [
        ({}, Reason.RESPONSE_MALFORMED, "Expected `iss` and `sid`, both."),
        ({"iss": ISSUER}, Reason.RESPONSE_MALFORMED, "Expected `iss` and `sid`, both."),
        ({"sid": "canary-sid"}, Reason.RESPONSE_MALFORMED, "Expected `iss` and `sid`, both."),
        ({"iss": ISSUER, "sid": ""}, Reason.RESPONSE_MALFORMED, "Expected `iss` and `sid`, both."),
        ({"iss": ISSUER, "sid": "x" * 256}, Reason.RESPONSE_MALFORMED, "Expected `iss` and `sid`, both."),
        (
            {"iss": ISSUER + "/", "sid": "canary-sid"},
            Reason.ISSUER_MISMATCH,
            f"Expected {ISSUER}; only a slash at the end differs.",
        ),
        ({"iss": "", "sid": "canary-sid"}, Reason.ISSUER_MISMATCH, f"Expected {ISSUER}; it was empty."),
        ({"iss": "https://evil.example", "sid": "canary-sid"}, Reason.ISSUER_MISMATCH, f"Expected {ISSUER}."),
    ],
)
def test_a_front_channel_logout_that_is_refused(parameters: dict[str, str], reason: Reason, evidence: str) -> None:
    for required in (True, False) if parameters else (True,):
        refusal = outcome(
            lambda required=required: read_front_channel_logout(  # type: ignore[misc]
                parameters, issuer=ISSUER, session_required=required
            )
        )
        assert isinstance(refusal, Refused)
        assert (refusal.reason, refusal.evidence) == (reason, evidence)
        assert is_silent_about(refusal, "canary-sid", "https://evil.example")


def test_the_form_of_a_back_channel_request() -> None:
    assert read_logout_request(parse_query("logout_token=a.b.c")) == Secret("a.b.c")
    for parameters in ({}, {"logout_token": ""}, {"token": "a.b.c"}):
        expected = (Reason.TOKEN_MALFORMED, "There is no `logout_token`.")
        assert refused(lambda parameters=parameters: read_logout_request(parameters)) == expected  # type: ignore[misc]


def marked(vector: dict[str, Any]) -> Any:
    marks = [pytest.mark.conformance(*vector["lines"])] if vector["lines"] else []
    return pytest.param(vector, id=vector["id"], marks=marks)


@pytest.mark.parametrize("vector", [marked(vector) for vector in vectors("logout_token.json")])
def test_vectors(vector: dict[str, Any]) -> None:
    claims = vector["claims"]
    token = Secret(SIGNER.sign(claims, typ=vector["typ"], kid="one"))
    read = outcome(lambda: verify_logout_token(token, KEYS, EXPECTED, now=vector["now"]))
    if "reason" in vector:
        assert isinstance(read, Refused)
        assert read.reason.code == vector["reason"]
        assert is_silent_about(read, *claims.values(), token.reveal())
        return
    assert not isinstance(read, Refused)
    assert (read.issuer, read.subject, read.session) == (ISSUER, claims.get("sub"), claims.get("sid"))
    assert "248289761001" not in repr(read)
    assert "08a5019c" not in repr(read)


def verify(token: str, expected: LogoutExpectation = EXPECTED) -> Any:
    return outcome(lambda: verify_logout_token(Secret(token), KEYS, expected, now=NOW))


@pytest.mark.conformance("rp-backchannel-rpinitlogout-alg-none", "BAD 23", "MUST 36")
def test_bad_23_an_unsigned_one_whatever_the_settings() -> None:
    header = json_part({"alg": "none", "typ": "logout+jwt"})
    for signature in ("", "AAAA"):
        expected = LogoutExpectation(ISSUER, "s6BhdRkqt3", frozenset({"RS256", "none"}))
        refusal = verify(f"{header}.{json_part(CLAIMS)}.{signature}", expected)
        assert refusal.reason is Reason.TOKEN_ALGORITHM


@pytest.mark.parametrize("typ", [None, "JWT", "application/jwt", "at+jwt"])
@pytest.mark.conformance("MUST 36")
def test_must_36_the_type_is_needed(typ: str | None) -> None:
    assert verify(SIGNER.sign(CLAIMS, typ=typ, kid="one")).reason is Reason.TOKEN_CLAIM


@pytest.mark.conformance("rp-backchannel-rpinitlogout-wrong-alg", "MUST 36")
def test_another_algorithm_than_the_connection_s() -> None:
    token = ELLIPTIC.sign(CLAIMS, typ="logout+jwt", kid="two")
    assert verify(token).reason is Reason.TOKEN_ALGORITHM
    expected = LogoutExpectation(ISSUER, "s6BhdRkqt3", frozenset({"ES256"}))
    assert verify(token, expected).subject == "248289761001"


@pytest.mark.conformance("MUST 36")
def test_must_36_a_stranger_s_signature_and_an_unknown_key() -> None:
    stranger = rsa_signer("RS256", number=1)
    assert verify(stranger.sign(CLAIMS, typ="logout+jwt", kid="one")).reason is Reason.TOKEN_SIGNATURE
    with pytest.raises(UnknownKey):
        verify(SIGNER.sign(CLAIMS, typ="logout+jwt", kid="three"))


@pytest.mark.conformance("MUST 36")
def test_must_36_an_id_token_and_an_access_token_are_none() -> None:
    """Back-Channel Logout section 4.1."""
    id_token = {name: value for name, value in CLAIMS.items() if name != "events"} | {"nonce": "n-0S6_WzA2Mj"}
    assert verify(SIGNER.sign(id_token, kid="one")).reason is Reason.TOKEN_CLAIM
    assert verify(SIGNER.sign(id_token, typ="logout+jwt", kid="one")).reason is Reason.TOKEN_EVENT
    assert verify(SIGNER.sign(CLAIMS, typ="at+jwt", kid="one")).reason is Reason.TOKEN_CLAIM


@pytest.mark.parametrize(
    ("changes", "typ", "reason", "evidence"),
    [
        ({}, "JWT", Reason.TOKEN_CLAIM, "The header's `typ` is not logout+jwt."),
        ({}, 7, Reason.TOKEN_CLAIM, "The header's `typ` is not logout+jwt."),
        (
            {"nonce": "n-0S6_WzA2Mj"},
            "logout+jwt",
            Reason.TOKEN_EVENT,
            "`nonce` stands there: the token is none of a logout.",
        ),
        ({"sub": None, "sid": None}, "logout+jwt", Reason.TOKEN_SUBJECT, "Neither `sub` nor `sid` stands there."),
        (
            {"iss": f"{ISSUER}/"},
            "logout+jwt",
            Reason.TOKEN_ISSUER,
            f"`iss` does not match. Expected {ISSUER}; only a slash at the end differs.",
        ),
    ],
)
def test_what_is_said_of_a_token_that_is_refused(
    changes: dict[str, Any], typ: Any, reason: Reason, evidence: str
) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    refusal = verify(SIGNER.sign(claims, typ=typ, kid="one"))
    assert (refusal.reason, refusal.evidence) == (reason, evidence)


def replay(**changes: Any) -> Any:
    return verify(SIGNER.sign({**CLAIMS, **changes}, typ="logout+jwt", kid="one")).replay


@pytest.mark.conformance("BAD 24", "MUST 36")
def test_bad_24_what_is_stored_so_that_it_counts_once() -> None:
    first = replay()
    assert first == replay(sid="another")
    assert first.digest != replay(jti="canary-bWJr").digest
    assert len(first.digest) == len(replay(jti="x" * 255).digest) == 64
    assert "canary" not in repr(first)


def test_issuer_and_jti_do_not_run_into_each_other() -> None:
    names = [("https://a", '", "b'), ('https://a", "', "b"), ("https://a", "b"), ("https://ab", "")]
    digests = set()
    for issuer, jti in names[:3]:
        expected = LogoutExpectation(issuer, "s6BhdRkqt3", frozenset({"RS256"}))
        token = SIGNER.sign({**CLAIMS, "iss": issuer, "jti": jti}, typ="logout+jwt", kid="one")
        digests.add(verify(token, expected).replay.digest)
    assert len(digests) == 3


@pytest.mark.parametrize(("exp", "until"), [(1471566274, 1471566334), (1471566273.5, 1471566334)])
def test_it_is_stored_until_its_age_refuses_it(exp: float, until: int) -> None:
    assert replay(exp=exp).until == until
    token = SIGNER.sign({**CLAIMS, "exp": exp, "iat": exp}, typ="logout+jwt", kid="one")
    late = outcome(lambda: verify_logout_token(Secret(token), KEYS, EXPECTED, now=until))
    assert isinstance(late, Refused)
    assert late.reason is Reason.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iat": NOW - 300}, None),
        ({"iat": NOW - 301}, Reason.TOKEN_TOO_OLD),
        ({"iat": NOW + 60}, None),
        ({"iat": NOW + 61}, Reason.TOKEN_EXPIRED),
        ({"exp": NOW - 59}, None),
        ({"exp": NOW - 60}, Reason.TOKEN_EXPIRED),
        ({"exp": NOW + 360}, None),
        ({"exp": NOW + 361}, Reason.TOKEN_EXPIRED),
    ],
)
@pytest.mark.conformance("MUST 36")
def test_must_36_the_edges_of_time(changes: dict[str, int], reason: Reason | None) -> None:
    read = verify(SIGNER.sign({**CLAIMS, **changes}, typ="logout+jwt", kid="one"))
    assert (read.reason if isinstance(read, Refused) else None) is reason


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ISSUER, NOW, EVENT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just(EVENT), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "nonce"]), anything, max_size=4), anything)
def test_any_claims_are_verified_or_refused(changes: dict[str, Any], typ: Any) -> None:
    for kind in ("logout+jwt", typ):
        read = verify(
            ELLIPTIC.sign({**CLAIMS, **changes}, typ=kind, kid="two"),
            LogoutExpectation(ISSUER, "s6BhdRkqt3", frozenset({"ES256"})),
        )
        assert isinstance(read, Refused) or (read.issuer == ISSUER and "nonce" not in changes)


parameters = st.dictionaries(st.sampled_from(["iss", "sid", "state", "logout_token"]), st.text() | st.just(ISSUER))


@given(parameters, st.booleans())
def test_any_parameters_are_read_or_refused(given_parameters: dict[str, str], required: bool) -> None:
    outcome(lambda: read_logout_request(given_parameters))
    read = outcome(lambda: read_front_channel_logout(given_parameters, issuer=ISSUER, session_required=required))
    assert isinstance(read, Refused) or read.session == given_parameters.get("sid")

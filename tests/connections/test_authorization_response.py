"""An answer on its way from the OAuth service to the campaign: what goes on in the address, and what goes on sealed."""

from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from entracte.connections.authorization_response import SEALED, Came, handed_on, taken_over
from entracte.protocol.authorization import ResponseMode
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys, encode
from tests.connections.relying import Relying

KEYS = SealKeys(1, {1: b"k" * 32})
STATE = "s" * 64
CODE = {"state": STATE, "code": "canary-code", "iss": "https://login.example"}


def test_a_plain_answer_goes_on_as_it_is_without_what_nobody_reads() -> None:
    more = {"error_description": "told by anybody", "scope": "openid", "session_state": "salted"}
    passed = handed_on(Came({**CODE, **more}), STATE, KEYS)
    assert passed == {**CODE, "session_state": "salted"}
    assert taken_over(passed, KEYS) == Came(passed)


@pytest.mark.parametrize("name", ["id_token", "access_token"])
def test_of_a_token_in_the_query_that_nobody_asked_for_the_name_alone_goes_on(name: str) -> None:
    passed = handed_on(Came({**CODE, name: "canary-token"}), STATE, KEYS)
    assert passed == {**CODE, name: ""}


@pytest.mark.parametrize(
    "came",
    [
        Came({**CODE, "id_token": "canary-token", "access_token": "canary", "token_type": "Bearer", "expires_in": "60"},
             ResponseMode.FRAGMENT),
        Came(CODE, ResponseMode.FORM_POST),
        Came({"response": "canary-token"}, ResponseMode.QUERY),
        Came({"response": "canary-token", "state": STATE}, ResponseMode.FORM_POST),
        Came({"error": "access_denied", "state": STATE}, ResponseMode.FORM_POST),
    ],
)  # fmt: skip
def test_everything_else_goes_on_sealed_and_comes_back_the_same(came: Came) -> None:
    """MUST 53: no token stands in an address."""
    passed = handed_on(came, STATE, KEYS)
    assert passed.keys() == {"state", SEALED}
    assert "canary" not in str(passed)
    assert taken_over(passed, KEYS) == came
    assert "canary" not in repr(came)


def test_a_large_answer_fits_into_an_address() -> None:
    """An ID token of 4 KB: a signature and claims hardly shrink, and 8 KB is what proxies let through."""
    token = encode(b"".join(sha256(bytes([number])).digest() for number in range(96)))
    assert len(handed_on(Came({**CODE, "id_token": token}, ResponseMode.FORM_POST), STATE, KEYS)[SEALED]) < 8000


@pytest.mark.parametrize("change", ["state", "answer", "key"])
def test_a_sealed_answer_is_of_one_sign_in_and_of_ours(change: str) -> None:
    passed = handed_on(Came(CODE, ResponseMode.FORM_POST), STATE, KEYS)
    if change == "state":
        passed["state"] = "t" * 64
    if change == "answer":
        passed[SEALED] = "A" * 90
    keys = SealKeys(1, {1: b"x" * 32}) if change == "key" else KEYS
    with pytest.raises(Refused) as refused:
        taken_over(passed, keys)
    assert refused.value.reason in (Reason.STATE_INVALID, Reason.STATE_UNKNOWN_KEY)


SIGNED = "Expected a signed response by {}; a plain one came by {}."


@pytest.mark.conformance("MUST 11", "MUST 35")
@pytest.mark.parametrize(
    ("settings", "by", "evidence"),
    [
        ({}, "fragment", "Expected query; it came by fragment."),
        ({}, "form_post", "Expected query; it came by form_post."),
        ({"response_mode": "form_post"}, "query", "Expected form_post; it came by query."),
        ({"response_type": "code id_token"}, "query", "Expected fragment; it came by query."),
        ({"response_mode": "query.jwt"}, "query", SIGNED.format("query", "query")),
        ({"response_mode": "form_post.jwt"}, "form_post", SIGNED.format("form_post", "form_post")),
        ({"response_mode": "form_post.jwt"}, "query", SIGNED.format("form_post", "query")),
    ],
)
@pytest.mark.parametrize("answer", [{"error": "access_denied"}, {"error": "server_error", "response": "a.b.c"}, {}])
async def test_an_error_that_comes_another_way_than_asked_is_used_for_nothing(
    relying: Relying, settings: dict[str, Any], by: str, evidence: str, answer: dict[str, str]
) -> None:
    """Not for the word in it either: anybody can write a plain error, and put it into an address."""
    connection = relying.connection(**settings)
    state = parse_qs(urlsplit(await relying.begin(connection)).query)["state"][0]
    query = urlencode({**answer, "state": state, "iss": connection.config.issuer})
    with pytest.raises(Refused) as refused:
        await relying.complete(connection, query, by=ResponseMode(by))
    assert (refused.value.reason, refused.value.evidence) == (Reason.RESPONSE_MODE, evidence)
    assert relying.paths() == []


@pytest.mark.parametrize(
    ("settings", "by"),
    [({}, "query"), ({"response_mode": "form_post"}, "form_post"), ({"response_type": "code token"}, "fragment")],
)
async def test_an_error_that_comes_as_asked_is_one(relying: Relying, settings: dict[str, Any], by: str) -> None:
    connection = relying.connection(**settings)
    state = parse_qs(urlsplit(await relying.begin(connection)).query)["state"][0]
    query = urlencode({"error": "access_denied", "state": state, "iss": connection.config.issuer})
    with pytest.raises(Refused) as refused:
        await relying.complete(connection, query, by=ResponseMode(by))
    assert refused.value.reason is Reason.ACCESS_DENIED


async def test_a_signed_response_that_comes_another_way_is_refused_before_it_is_read(relying: Relying) -> None:
    connection = relying.connection(response_mode="form_post.jwt")
    state = parse_qs(urlsplit(await relying.begin(connection)).query)["state"][0]
    query = urlencode({"response": "a.b.c", "state": state})
    with pytest.raises(Refused) as refused:
        await relying.complete(connection, query, by=ResponseMode.QUERY)
    assert refused.value.evidence == "Expected a signed response by form_post; it came by query."
    assert refused.value.reason is Reason.RESPONSE_MODE

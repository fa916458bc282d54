"""An answer on its way from the OAuth service to the campaign: what goes on in the address, and what goes on sealed."""

from hashlib import sha256

import pytest

from entracte.connections.authorization_response import SEALED, Came, handed_on, taken_over
from entracte.protocol.authorization import ResponseMode
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys, encode

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

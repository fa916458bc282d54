"""The name that Apple posts beside the code: on its way to the campaign, and what a sign-in makes of it."""

import json
from typing import Any

import pytest

from entracte.connections.authorization_response import SEALED, Came, handed_on, posted_names, taken_over
from entracte.connections.presets import settings_of_preset
from entracte.connections.sign_in import person_hash
from entracte.protocol.authorization import ResponseMode
from tests.connections.relying import KEYS, PERSON_KEY, Relying
from tests.misbehaving_provider.model import PERSON

STATE = "s" * 64
CODE = {"state": STATE, "code": "a-code"}
EVE = json.dumps({"name": {"firstName": "Eve", "lastName": "Canary"}, "email": "eve@elsewhere.example"})
NAMELESS = {name: value for name, value in PERSON.items() if name not in ("name", "given_name", "family_name")}


# On its way


def test_the_posted_name_goes_on_sealed_and_other_names_do_not() -> None:
    came = Came({**CODE, "user": EVE, "error_description": "told by anybody"}, ResponseMode.FORM_POST)
    passed = handed_on(came, STATE, KEYS)
    assert passed.keys() == {"state", SEALED}
    assert "Canary" not in str(passed)
    assert taken_over(passed, KEYS) == Came({**CODE, "user": EVE}, ResponseMode.FORM_POST)
    assert "Canary" not in repr(came)


@pytest.mark.parametrize("by", [ResponseMode.QUERY, ResponseMode.FRAGMENT])
def test_what_was_not_posted_goes_no_further(by: ResponseMode) -> None:
    passed = handed_on(Came({**CODE, "user": EVE}, by), STATE, KEYS)
    assert "user" not in passed
    assert "user" not in taken_over(passed, KEYS).parameters


@pytest.mark.parametrize("user", ["", "x" * 1025, "\u540d" * 342])
def test_what_is_too_long_does_not_lengthen_the_address(user: str) -> None:
    bare = handed_on(Came(CODE, ResponseMode.FORM_POST), STATE, KEYS)
    assert handed_on(Came({**CODE, "user": user}, ResponseMode.FORM_POST), STATE, KEYS) == bare


def test_one_who_writes_it_into_the_address_is_not_heard(relying: Relying) -> None:
    """The address of the return is the browser's, too: a plain answer is none that was posted."""
    config = relying.connection(response_mode="form_post", user_in_response=True).config
    for by, names in ((ResponseMode.QUERY, {}), (ResponseMode.FRAGMENT, {}),
                      (ResponseMode.FORM_POST, {"given_name": "Eve", "family_name": "Canary"})):  # fmt: skip
        assert posted_names(Came({"user": EVE}, by), config) == names
    assert posted_names(taken_over({**CODE, "user": EVE}, KEYS), config) == {}
    assert posted_names(Came({}, ResponseMode.FORM_POST), config) == {}
    deaf = relying.connection(response_mode="form_post").config
    assert posted_names(Came({"user": EVE}, ResponseMode.FORM_POST), deaf) == {}


@pytest.mark.parametrize("mode", ["", "query", "fragment", "form_post.jwt", "jwt"])
def test_only_a_connection_that_is_answered_by_a_form_can_want_it(relying: Relying, mode: str) -> None:
    with pytest.raises(ValueError, match="user_in_response needs response_mode form_post"):
        relying.connection(response_mode=mode, user_in_response=True)


# A whole sign-in


def by_preset(relying: Relying, **changes: Any) -> Any:
    settings = settings_of_preset("apple", {"team_id": "DEF123GHIJ"})
    own = {"issuer": relying.provider.issuer, "made_secret": None, **changes}
    return relying.connection(**{**settings, **own})


async def test_the_first_consent_brings_a_name_and_the_next_does_not(relying: Relying) -> None:
    relying.provider.person = NAMELESS
    relying.provider.posted_user = EVE
    connection = by_preset(relying)
    first = (await relying.sign_in(connection)).mapped
    assert first.attributes == {"email": "ada@northwind.example", "first_name": "Eve", "last_name": "Canary"}
    assert first.verified == {"email"}
    assert first.account == "ada@northwind.example"
    second = (await relying.sign_in(connection)).mapped
    assert second.attributes == {"email": "ada@northwind.example"}


async def test_a_signed_name_goes_before_a_posted_one(relying: Relying) -> None:
    relying.provider.posted_user = EVE
    half = {**NAMELESS, "given_name": "Ada"}
    relying.provider.person = half
    mapped = (await relying.sign_in(by_preset(relying))).mapped
    assert (mapped.attributes["first_name"], mapped.attributes["last_name"]) == ("Ada", "Canary")


async def test_a_name_of_the_id_token_counts_whatever_the_source_is(relying: Relying) -> None:
    """Then there is a signed one, and the profile's source has none: a posted one does not take its place."""
    provider = relying.provider
    provider.posted_user = EVE
    rest = {"url": f"{provider.issuer}/api/person", "person": "data"}
    mapped = (await relying.sign_in(by_preset(relying, profile_source="rest", rest=rest))).mapped
    assert [call.path for call in provider.requests][-1] == "/api/person"
    assert "first_name" not in mapped.attributes
    assert "last_name" not in mapped.attributes


LIES = [
    json.dumps({"sub": "person-2", "email": "eve@elsewhere.example", "email_verified": True, "iss": "x"}),
    json.dumps({"name": {"firstName": "Eve", "sub": "person-2", "email": "eve@elsewhere.example"}}),
    json.dumps({"name": {"firstName": ["Eve"], "lastName": {"email": "eve@elsewhere.example"}}}),
    '{"name": {"firstName": "Eve"', "[" * 500, "null", "Eve", '{"name": "Eve"}', "x" * 5000, "\U0001f3ad" * 200,
]  # fmt: skip


@pytest.mark.parametrize("user", LIES)
async def test_whatever_is_posted_the_person_stays_who_was_proven(relying: Relying, user: str) -> None:
    relying.provider.person = {name: value for name, value in NAMELESS.items() if not name.startswith("email")}
    relying.provider.posted_user = user
    signed_in = await relying.sign_in(by_preset(relying))
    assert signed_in.person == person_hash(PERSON_KEY, relying.provider.issuer, "person-1")
    assert signed_in.mapped.attributes.keys() <= {"first_name"}
    assert signed_in.mapped.verified == frozenset()
    assert signed_in.mapped.account == ""

"""The claim map: what is found where, what comes through, and what is vouched for."""

import re
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.connections.claim_map import ClaimRule
from entracte.connections.claims import LONGEST_VALUE, MappedClaims, at_path, map_claims, map_claims_beside
from entracte.connections.model import ConnectionConfig


def config(**claims: Any) -> ConnectionConfig:
    values: dict[str, Any] = {
        "name": "northwind",
        "title": "Northwind",
        "issuer": "https://login.example",
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token",
        "jwks_uri": "https://login.example/keys",
        "client_id": "entracte",
    }
    return ConnectionConfig.model_validate({**values, "claims": claims} if claims else values)


def mapped(claims: dict[str, Any], rule: Any) -> Any:
    """The value that one rule finds, None for nothing."""
    return map_claims(claims, config(value=rule)).attributes.get("value")


STANDARD = {
    "sub": "1",
    "email": "ana@example.com",
    "email_verified": True,
    "given_name": "Ana",
    "family_name": "Lopez",
    "phone_number": "+32470123456",
    "birthdate": "1988-05-17",
}


def test_standard_claims_have_the_names_that_campaigns_use() -> None:
    result = map_claims(STANDARD, config())
    assert result.attributes == {
        "email": "ana@example.com",
        "first_name": "Ana",
        "last_name": "Lopez",
        "phone": "+32470123456",
        "birthdate": "1988-05-17",
    }
    assert result.verified == {"email"}
    assert result.account == "ana@example.com"


def test_nothing_personal_is_in_the_repr() -> None:
    assert "ana" not in repr(map_claims(STANDARD, config())).lower()


DOCUMENT: dict[str, Any] = {
    "emails": [{"value": "a@example.com"}, {"value": "b@example.com"}],
    "name": {"first": "Ana", "last.name": "Lopez"},
    "https://brand.example/phone": "+32470123456",
    "https://brand.example/app": {"v1.0": {"city": "Ghent"}},
    "a.b": "whole",
    "a": {"b": "nested", "c": None},
    "null": None,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("emails.0.value", "a@example.com"),
        ("emails.1.value", "b@example.com"),
        ("emails.2.value", None),
        ("emails.-1.value", None),
        ("emails.٠.value", None),
        ("emails.99999999999999999999.value", None),
        ("emails.value", None),
        ("name.first", "Ana"),
        ("name.last.name", "Lopez"),
        ('name."last.name"', "Lopez"),
        ("https://brand.example/phone", "+32470123456"),
        ('"https://brand.example/phone"', "+32470123456"),
        ("https://brand.example/app.v1.0.city", "Ghent"),
        ('"https://brand.example/app"."v1.0".city', "Ghent"),
        ("a.b", "whole"),
        ('"a".b', "nested"),
        ('a."b"', "nested"),
        ("a.c", None),
        ("null", None),
        ("", None),
        (".", None),
        ("a.", None),
        ('"', None),
        ("name.first.x", None),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: object) -> None:
    assert at_path(DOCUMENT, path) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("Ana", "Ana"),
        (" Ana ", "Ana"),
        ("A\x00n\x7fa\u202e\ud800", "Ana"),
        ("Rue A\r\nB", "Rue A  B"),
        ("", None),
        ("  ", None),
        (12, "12"),
        (-3, "-3"),
        (10**100, None),
        (1.5, "1.5"),
        (12.0, "12"),
        (1e300, "1e+300"),
        (float("nan"), None),
        (float("inf"), None),
        (True, True),
        (False, False),
        (None, None),
        ({"a": 1}, None),
        (["a"], None),
        ("x" * 5000, "x" * LONGEST_VALUE),
    ],
)
def test_texts_numbers_and_truth_values_come_through_alone(raw: object, value: object) -> None:
    assert mapped({"claim": raw}, "claim") == value


@pytest.mark.parametrize(
    ("transform", "raw", "value"),
    [
        ("trim", "  a   b ", "a b"),
        ("lower", "ANA", "ana"),
        ("upper", "straße", "STRASSE"),
        ("upper", "ß" * 1000, "S" * 1000),
        ("title", "ANA LOPEZ-GARCÍA", "Ana Lopez-García"),
        ("title", "jean d'arc", "Jean D'Arc"),
        ("title", "Ian McKay", "Ian McKay"),
        ("first_word", "Ana Maria Lopez", "Ana"),
        ("last_words", "Ana Maria Lopez", "Maria Lopez"),
        ("last_words", "Ana", None),
        ("boolean", "Yes", True),
        ("boolean", 1, True),
        ("boolean", "0", False),
        ("boolean", "perhaps", None),
        ("boolean", False, False),
        ("lower", True, True),
    ],
)
def test_a_transform_changes_a_text(transform: str, raw: object, value: object) -> None:
    assert mapped({"claim": raw}, {"paths": ["claim"], "transform": transform}) == value


def test_the_first_path_with_a_value_is_taken_then_the_constant() -> None:
    rule = {"paths": ["a", "b"], "constant": "c"}
    assert mapped({"a": "1", "b": "2"}, rule) == "1"
    assert mapped({"a": " ", "b": "2"}, rule) == "2"
    assert mapped({"a": {}, "b": []}, rule) == "c"
    assert mapped({}, {"constant": False}) is False


@pytest.mark.conformance("MUST 29")
@pytest.mark.parametrize(
    ("claims", "is_verified"),
    [
        ({"email": "a@example.com", "ok": True}, True),
        ({"email": "a@example.com", "ok": "true"}, True),
        ({"email": "a@example.com", "ok": "True"}, False),
        ({"email": "a@example.com", "ok": 1}, False),
        ({"email": "a@example.com", "ok": "yes"}, False),
        ({"email": "a@example.com", "ok": [True]}, False),
        ({"email": "a@example.com"}, False),
        ({"mail": "b@example.com", "ok": True}, False),
        ({"ok": True}, False),
    ],
)
def test_only_true_in_the_same_document_vouches_for_the_first_path(claims: dict[str, Any], is_verified: bool) -> None:
    rule = ClaimRule(paths=("email", "mail"), constant="c@example.com", verified="ok")
    assert map_claims(claims, config(email=rule)).verified == ({"email"} if is_verified else set())


@pytest.mark.parametrize(
    ("claims", "account"),
    [
        ({"email": "a@example.com", "name": "Ana"}, "a@example.com"),
        ({"name": "Ana Lopez", "given_name": "A"}, "Ana Lopez"),
        ({"given_name": "Ana", "family_name": "Lopez"}, "Ana Lopez"),
        ({"family_name": "Lopez"}, "Lopez"),
        ({"email": True}, ""),
        ({}, ""),
    ],
)
def test_the_account_is_what_the_person_knows_it_by(claims: dict[str, Any], account: str) -> None:
    assert map_claims(claims, config()).account == account


UNSIGNED = {"given_name": "Eve", "family_name": "Who \u202eever\x00" + "x" * 2000}


def test_names_that_nobody_signed_count_where_the_document_has_none() -> None:
    """With the limits of every attribute: one line, no overrides, a thousand characters."""
    plain = map_claims_beside({}, STANDARD, config())
    assert plain == map_claims(STANDARD, config())
    assert map_claims_beside(UNSIGNED, STANDARD, config()) == plain
    half = {"email": "ana@example.com", "email_verified": True, "given_name": "Ana"}
    told = map_claims_beside(UNSIGNED, half, config())
    assert told.attributes["first_name"] == "Ana"
    assert told.attributes["last_name"] == ("Who ever" + "x" * 2000)[:LONGEST_VALUE]
    assert told.verified == {"email"}


def test_what_nobody_signed_is_never_vouched_for_and_names_no_account() -> None:
    """Whatever the claim map says: nor is it the flag that vouches for another claim."""
    rules = {
        "first_name": ClaimRule(paths=("given_name",), verified="email_verified"),
        "last_name": ClaimRule(paths=("surname", "family_name"), constant="Nobody", verified="email_verified"),
        "phone": ClaimRule(paths=("phone",), verified="given_name"),
    }
    claims = {"email_verified": True, "phone": "1"}
    told = map_claims_beside({"given_name": "true", "family_name": "Who"}, claims, config(**rules))
    assert told.attributes == {"first_name": "true", "last_name": "Who", "phone": "1"}
    assert told.verified == frozenset()
    assert told.account == map_claims(claims, config(**rules)).account == "Nobody"
    assert map_claims_beside(UNSIGNED, {}, config()).account == ""


NAMES = st.sampled_from(["email", "name", "a", "b", "0", "a.b", "email_verified", ""]) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(lambda names: ".".join(names)[:200] or "a")
RULES = st.builds(
    ClaimRule,
    paths=st.lists(PATHS, max_size=3).map(tuple),
    constant=st.none() | st.booleans() | st.text(max_size=5),
    transform=st.sampled_from(["", "trim", "lower", "upper", "title", "first_word", "last_words", "boolean"]),
    verified=st.none() | PATHS,
)


@pytest.mark.conformance("MUST 58")
@given(st.dictionaries(NAMES, JSON, max_size=6), RULES)
def test_any_claims_are_mapped_to_short_clean_values(claims: dict[str, Any], rule: ClaimRule) -> None:
    result: MappedClaims = map_claims(claims, config(email=rule))
    for value in result.attributes.values():
        assert isinstance(value, (str, bool))
        if isinstance(value, str):
            assert 0 < len(value) <= LONGEST_VALUE
            assert not any(ord(character) < 32 for character in value)
            value.encode()
    assert result.verified <= set(result.attributes)


@given(st.dictionaries(NAMES, JSON, max_size=6), st.text(max_size=50))
def test_any_path_is_followed_without_an_error(claims: dict[str, Any], path: str) -> None:
    at_path(claims, path)


@given(st.text(st.characters(exclude_categories=())))
def test_a_text_keeps_every_character_that_can_be_shown(text: str) -> None:
    one_line = re.sub("[\t\n\r]", " ", text)
    reordering = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    shown = "".join(one for one in one_line if category(one) not in ("Cc", "Cs") and one not in reordering)
    assert mapped({"name": text}, "name") == (shown.strip()[:LONGEST_VALUE] or None)

"""The `claims` parameter: its form, and what of it the ID token is checked for (OpenID Connect Core section 5.5)."""

from typing import Any

import pytest

from entracte.connections.requested_claims import demanded_contexts, demanded_subjects, is_claims_request

OF_THE_SPECIFICATION = {
    "userinfo": {
        "given_name": {"essential": True},
        "nickname": None,
        "email": {"essential": True},
        "http://example.info/claims/groups": None,
    },
    "id_token": {"auth_time": {"essential": True}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}},
}
STRANGE: list[Any] = [True, 1, "high", ["high"], [], 1.5]
NO_FLAGS: list[Any] = [1, "true", None, []]
NO_LISTS: list[Any] = [None, "high", {"high": 1}, [1], ["high", None]]
NO_TEXTS: list[Any] = [None, 1, ["high"], {}]


@pytest.mark.parametrize(
    "requested",
    [
        {},
        OF_THE_SPECIFICATION,
        {"id_token": {}, "userinfo": {}},
        {"verified_claims": ["of an extension"], "id_token": {"sub": {"value": "248289761001", "purpose": 7}}},
        {"id_token": {"credit": {"value": 700, "values": [1, None, {}]}, "acr": None, "sub": {}}},
    ],
)
def test_what_has_its_form(requested: dict[str, Any]) -> None:
    assert is_claims_request(requested)


@pytest.mark.parametrize(
    "requested",
    [
        *({member: strange} for member in ("id_token", "userinfo") for strange in [*STRANGE, None]),
        *({"id_token": {name: strange}} for name in ("acr", "sub", "email") for strange in STRANGE),
        *({"userinfo": {"email": {"essential": strange}}} for strange in NO_FLAGS),
        *({"id_token": {"acr": {"values": strange}}} for strange in NO_LISTS),
        *({"id_token": {name: {"value": strange}}} for name in ("acr", "sub") for strange in NO_TEXTS),
    ],
)
def test_what_has_not(requested: dict[str, Any]) -> None:
    assert not is_claims_request(requested)
    assert isinstance(demanded_contexts(requested), tuple)  # of a kept connection it is read all the same
    assert isinstance(demanded_subjects(requested), tuple)


@pytest.mark.parametrize(
    ("acr", "contexts"),
    [
        ({"essential": True, "values": ["high", "higher"]}, ("high", "higher")),
        ({"essential": True, "value": "high"}, ("high",)),
        ({"essential": True, "value": "high", "values": ["higher"]}, ("high", "higher")),
        ({"essential": False, "values": ["high"]}, ()),
        ({"values": ["high"]}, ()),
        ({"essential": True}, ()),
        (None, ()),
    ],
)
def test_the_contexts_that_have_to_be(acr: Any, contexts: tuple[str, ...]) -> None:
    assert demanded_contexts({"id_token": {"acr": acr, "sub": {"value": "x"}}}) == contexts
    assert demanded_contexts({"userinfo": {"acr": acr}}) == ()


@pytest.mark.parametrize("essential", [{}, {"essential": True}, {"essential": False}])
@pytest.mark.parametrize(
    ("sub", "subjects"), [({"value": "a"}, ("a",)), ({"values": ["a", "b"]}, ("a", "b")), ({}, ())]
)
def test_the_person_that_it_has_to_be(sub: Any, subjects: tuple[str, ...], essential: Any) -> None:
    assert demanded_subjects({"id_token": {"sub": {**sub, **essential}}}) == subjects
    assert demanded_subjects({"userinfo": {"sub": {**sub, **essential}}}) == ()

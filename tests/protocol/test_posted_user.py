"""The name that is posted beside the code: two texts are taken of it, and nothing that it holds is an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.posted_user import MAXIMUM_BYTES, read_posted_user

ADA = {"given_name": "Ada", "family_name": "Lovelace"}


def posted(**name: Any) -> str:
    return json.dumps({"name": name, "email": "ada@northwind.example"})


def test_the_two_names_are_taken_and_nothing_else() -> None:
    """Apple, "Request an authorization to the Sign in with Apple server"."""
    assert read_posted_user(posted(firstName="Ada", lastName="Lovelace")) == ADA
    more = posted(firstName="Ada", lastName="Lovelace", middleName="King", sub="person-2", email="x@y.example")
    assert read_posted_user(more) == ADA
    lies = {"sub": "person-2", "email": "x@y.example", "email_verified": True, "given_name": "Eve", "iss": "me"}
    assert read_posted_user(json.dumps({**lies, "name": {"firstName": "Ada", "lastName": "Lovelace"}})) == ADA
    assert read_posted_user(json.dumps(lies)) == {}


def test_each_name_may_be_there_alone() -> None:
    assert read_posted_user(posted(firstName="Ada")) == {"given_name": "Ada"}
    assert read_posted_user(posted(lastName="Lovelace")) == {"family_name": "Lovelace"}
    assert read_posted_user(posted()) == {}


@pytest.mark.parametrize("value", [None, 7, 1.5, True, ["Ada"], {"a": "Ada"}])
def test_a_name_that_is_no_text_is_left_out(value: Any) -> None:
    assert read_posted_user(posted(firstName=value, lastName="Lovelace")) == {"family_name": "Lovelace"}
    assert read_posted_user(posted(firstName="Ada", lastName=value)) == {"given_name": "Ada"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada Lovelace",
        "null",
        "[]",
        '"Ada"',
        '{"name": "Ada Lovelace"}',
        '{"name": ["Ada", "Lovelace"]}',
        '{"name": null}',
        "{}",
        '{"name": {"firstName": "Ada"}',
        '{"name": {"firstName": "Ada", "firstName": "Eve"}}',
        '{"name": {"firstName": "\\ud800"}}',
        '{"name": {"firstName": NaN}}',
        '{"name": ' + "[" * 200 + "]" * 200 + "}",
        "\ud800",
    ],
)
def test_what_can_not_be_read_tells_nothing(text: str) -> None:
    """MUST 23: no name twice, no half character, no depth; and none of it is an error."""
    assert read_posted_user(text) == {}


def test_a_kilobyte_is_enough() -> None:
    """In bytes, as it came: characters of other scripts are longer."""
    bare = len(posted(firstName=""))
    assert MAXIMUM_BYTES == 1024
    assert read_posted_user(posted(firstName="a" * (1024 - bare))) == {"given_name": "a" * (1024 - bare)}
    assert read_posted_user(posted(firstName="a" * (1025 - bare))) == {}
    assert read_posted_user('{"name": {"firstName": "' + "名" * 400 + '"}}') == {}
    assert read_posted_user('{"name": {"firstName": "' + "名" * 300 + '"}}') == {"given_name": "名" * 300}


@given(st.text() | st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(
    st.sampled_from(["name", "firstName", "lastName", "email"]), inner)).map(json.dumps))  # fmt: skip
def test_whatever_it_is_two_texts_come_out_at_most(text: str) -> None:
    told = read_posted_user(text)
    assert told.keys() <= {"given_name", "family_name"}
    assert all(isinstance(value, str) for value in told.values())

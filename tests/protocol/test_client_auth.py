"""Client authentication: B14 and the examples of RFC 6749."""

from base64 import b64decode
from typing import Any
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.client_auth import Client, ClientAuthentication, authenticate
from entracte.values import Secret
from tests.protocol.signing import vectors

FORM = {"grant_type": "authorization_code"}
texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("vector", vectors("client_auth.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    client = Client(vector["client_id"], Secret(vector["client_secret"]), ClientAuthentication(vector["method"]))
    form, headers = authenticate(client, FORM)
    assert form == {**FORM, **vector["form"]}
    assert {name: value.reveal() for name, value in headers.items()} == (
        {"Authorization": vector["authorization"]} if vector["authorization"] else {}
    )


@given(texts, texts)
def test_b14_basic_can_be_taken_apart_again(client_id: str, client_secret: str) -> None:
    client = Client(client_id, Secret(client_secret), ClientAuthentication.BASIC)
    _, headers = authenticate(client, {})
    scheme, _, credentials = headers["Authorization"].reveal().partition(" ")
    name, _, password = b64decode(credentials).decode("ascii").partition(":")
    assert scheme == "Basic"
    assert (unquote_plus(name), unquote_plus(password)) == (client_id, client_secret)


@pytest.mark.parametrize("method", ClientAuthentication)
def test_the_form_that_was_given_stays_as_it_was(method: ClientAuthentication) -> None:
    given_form = dict(FORM)
    form, _ = authenticate(Client("client", Secret("canary"), method), given_form)
    form["more"] = "more"
    assert given_form == FORM


def test_the_secret_is_not_shown() -> None:
    client = Client("client", Secret("canary"), ClientAuthentication.BASIC)
    assert "canary" not in repr(client)
    assert "canary" not in repr(authenticate(client, FORM))

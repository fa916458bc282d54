"""What is kept of the session at the server: only what the options need, as hashes and sealed texts."""

from typing import Any

import pytest
from pydantic import ValidationError

from entracte.connections.model import ConnectionConfig
from entracte.connections.provider_sessions import (
    ID_TOKEN,
    SESSION_STATE,
    ProviderSession,
    opened_for,
    provider_session,
    sealed_for,
    session_hash,
    session_state_of,
)
from entracte.connections.sign_in import person_hash
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys
from entracte.values import OrganizationNumber, Secret

KEYS = SealKeys(1, {1: b"k" * 32})
PERSON_KEY = b"p" * 32
ISSUER = "https://login.example"
TOKEN = Secret("canary.id.token")
STATE = Secret("canary-state")
OURS, THEIRS = OrganizationNumber(1), OrganizationNumber(2)


def config(**changes: Any) -> ConnectionConfig:
    given = {
        "name": "northwind", "title": "Northwind", "client_id": "us", "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/a", "token_endpoint": f"{ISSUER}/t", "jwks_uri": f"{ISSUER}/j",
        "end_session_endpoint": f"{ISSUER}/e", "check_session_iframe": f"{ISSUER}/c",
        **changes,
    }  # fmt: skip
    return ConnectionConfig.model_validate(given)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, (False, False)),
        ({"sign_out": True}, (False, True)),
        ({"sign_out": True, "sign_out_hint": "account"}, (False, False)),
        ({"sign_out": True, "sign_out_hint": ""}, (False, False)),
        ({"single_logout": True}, (True, False)),
        ({"watch_session": True}, (False, False)),
    ],
)
@pytest.mark.conformance("MUST 60")
def test_an_option_keeps_what_it_needs(options: dict[str, Any], kept: tuple[bool, bool]) -> None:
    session = provider_session(config(**options), {"sid": "s-1"}, TOKEN, None, PERSON_KEY)
    assert (session.session is not None, session.id_token is not None) == kept
    assert config(**options).keeps_session == bool(options)
    assert "canary" not in repr(session)


@pytest.mark.parametrize("sid", [None, 7, "", True, ["s"], "x" * 256, "a\nb"])
def test_a_session_that_can_not_be_one_is_none(sid: Any) -> None:
    """The sign-in goes on: the server can still end it by the person."""
    claims = {} if sid is None else {"sid": sid}
    assert provider_session(config(single_logout=True), claims, TOKEN, None, PERSON_KEY) == ProviderSession()


def test_a_hash_is_of_one_issuer_one_key_and_a_session() -> None:
    made = {
        session_hash(PERSON_KEY, ISSUER, "a"),
        session_hash(PERSON_KEY, ISSUER, "b"),
        session_hash(PERSON_KEY, f"{ISSUER}/", "a"),
        session_hash(b"q" * 32, ISSUER, "a"),
        person_hash(PERSON_KEY, ISSUER, "a"),
    }
    assert len(made) == 5
    assert {len(one) for one in made} == {32}
    assert session_hash(PERSON_KEY, ISSUER, "a") == session_hash(PERSON_KEY, ISSUER, "a")


def test_the_session_state_is_read_where_it_is_used() -> None:
    watching = config(watch_session=True)
    assert session_state_of({"session_state": "canary-state"}, watching) == STATE
    assert session_state_of({"session_state": "canary-state"}, config()) is None
    assert session_state_of({}, watching) is None
    with pytest.raises(Refused) as refused:
        session_state_of({"session_state": "a b"}, watching)
    assert refused.value.reason is Reason.RESPONSE_MALFORMED


def test_a_sealed_text_opens_for_its_organization_and_its_use() -> None:
    sealed = sealed_for(ID_TOKEN, TOKEN, OURS, KEYS)
    assert sealed is not None
    assert "canary" not in sealed
    assert opened_for(ID_TOKEN, sealed, OURS, KEYS) == TOKEN
    for what, organization in ((ID_TOKEN, THEIRS), (SESSION_STATE, OURS)):
        with pytest.raises(Refused):
            opened_for(what, sealed, organization, KEYS)
    assert sealed_for(ID_TOKEN, None, OURS, KEYS) is None
    assert opened_for(ID_TOKEN, None, OURS, KEYS) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sign_out": True, "end_session_endpoint": ""}, "sign_out needs end_session_endpoint"),
        ({"watch_session": True, "check_session_iframe": ""}, "an ID token and check_session_iframe"),
        ({"watch_session": True, "client_id": "a b"}, "watch_session needs a client_id without a space"),
        ({"single_logout": True, "issuer": "", "profile_source": "userinfo", "userinfo_endpoint": f"{ISSUER}/u"},
         "single_logout needs an ID token"),
        ({"watch_session": True, "scopes": ("email",), "profile_source": "userinfo",
          "userinfo_endpoint": f"{ISSUER}/u"}, "watch_session needs an ID token and check_session_iframe"),
        ({"sign_out": "yes"}, "boolean"),
    ],
)  # fmt: skip
def test_options_without_what_they_need_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        config(**changes)


def test_plain_oauth_can_sign_out_too() -> None:
    """A server without ID tokens may have an address to log out at: then there is no hint."""
    assert config(sign_out=True, issuer="", profile_source="userinfo", userinfo_endpoint=f"{ISSUER}/u").sign_out

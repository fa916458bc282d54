"""Configurations that are kept are read, whatever rules were added since; what they ask for is checked."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from entracte.connections.configuration import changed
from entracte.connections.kept_config import read_kept
from entracte.connections.model import ConnectionConfig
from entracte.errors import LocalError
from entracte.protocol.messages import HttpRequest, HttpResponse
from tests.connections.relying import Relying
from tests.connections.test_contradictions import SERVER, TOGETHER

ENDPOINT = f"{SERVER}/authorize"
PLAIN = ConnectionConfig.model_validate(
    {
        "name": "one",
        "title": "One",
        "client_id": "us",
        "issuer": SERVER,
        "authorization_endpoint": ENDPOINT,
        "token_endpoint": f"{SERVER}/token",
        "jwks_uri": f"{SERVER}/jwks",
        "userinfo_endpoint": f"{SERVER}/userinfo",
    }
)
CLAIMS = {"id_token": {"acr": {"essential": True, "value": "high"}}}
NEVER_WORKED = [("max_age", "soon"), ("max_age", ""), ("max_age", "9" * 19), ("max_age", "٣"), ("claims", "{"),
                ("claims", "[]"), ("claims", "\ud800")]  # fmt: skip


def kept(**settings: Any) -> str:
    """A row as a program without today's rules wrote it."""
    return json.dumps({**json.loads(PLAIN.model_dump_json()), **settings})


def test_nothing_is_changed_without_need() -> None:
    assert read_kept(PLAIN.model_dump_json()) == PLAIN
    settings: dict[str, Any] = {
        "extra_parameters": {"ui": "dark", "acr_values": "a"},
        "authorization_endpoint": f"{ENDPOINT}?x=%20+&y&x=2",
    }
    assert read_kept(kept(**settings)) == PLAIN.model_copy(update=settings)


@pytest.mark.parametrize(("wrong", "_right", "_sentence"), TOGETHER)
def test_no_rule_makes_a_kept_connection_unreadable(wrong: dict[str, Any], _right: Any, _sentence: str) -> None:
    assert read_kept(kept(**wrong)).name == "one"


@pytest.mark.parametrize("profile", ["fapi1-advanced", "fapi2-security", "fapi2-message-signing"])
def test_no_profile_makes_a_kept_connection_unreadable(profile: str) -> None:
    """Though not one of these settings is what the profile fixes today."""
    read = read_kept(kept(profile=profile, user_in_response=True, introspect_tokens=True))
    assert (read.profile.value, read.introspect_tokens, read.signed_introspection) == (profile, True, False)


@pytest.mark.parametrize(
    "settings",
    [
        {"extra_parameters": {"max_age": "60", "ui": "dark"}},
        {"extra_parameters": {"ui": "dark"}, "authorization_endpoint": f"{ENDPOINT}?max_age=60"},
        {"extra_parameters": {"max_age": "7", "ui": "dark"}, "authorization_endpoint": f"{ENDPOINT}?max_age=60"},
        {"extra_parameters": {"max_age": "60", "ui": "dark"}, "max_age": 600},
        {"extra_parameters": {"max_age": "600", "ui": "dark"}, "max_age": 60},
        {"extra_parameters": {"max_age": "600", "ui": "dark"}, "max_age": 60, "requested_claims": CLAIMS},
    ],
)
def test_a_max_age_becomes_the_setting(settings: dict[str, Any]) -> None:
    read = read_kept(kept(**settings))
    assert read.max_age == 60
    assert read.extra_parameters == {"ui": "dark"}
    assert read.authorization_endpoint == ENDPOINT
    assert read.requested_claims == settings.get("requested_claims", {})
    assert ConnectionConfig.model_validate(read.model_dump()) == read  # by the rules of today


@pytest.mark.parametrize("requested", [{}, {"id_token": {"email": None}}])
@pytest.mark.parametrize("query", [False, True])
def test_claims_become_the_setting(requested: dict[str, Any], query: bool) -> None:
    settings: dict[str, Any] = {"extra_parameters": {"claims": json.dumps(CLAIMS)}}
    if query:
        settings = {"authorization_endpoint": f"{ENDPOINT}?a=b%20c&claims=%7B%22id_token%22%3A{{}}%7D&d=%2F"}
    read = read_kept(kept(requested_claims=requested, max_age=5, **settings))
    assert read.requested_claims == ({"id_token": {}} if query else CLAIMS)
    assert read.authorization_endpoint == (f"{ENDPOINT}?a=b%20c&d=%2F" if query else ENDPOINT)
    assert (read.extra_parameters, read.max_age) == ({}, 5)


@pytest.mark.parametrize(("name", "value"), NEVER_WORKED)
def test_what_nobody_could_read_is_left_out(name: str, value: str) -> None:
    read = read_kept(kept(extra_parameters={name: value}, max_age=5, requested_claims=CLAIMS))
    assert (read.extra_parameters, read.max_age, read.requested_claims) == ({}, 5, CLAIMS)


@pytest.mark.parametrize("settings", [{"issuer": ""}, {"scopes": ["profile"]}])
def test_without_an_id_token_no_age_is_asked_for(settings: dict[str, Any]) -> None:
    read = read_kept(kept(profile_source="userinfo", extra_parameters={"max_age": "60"}, **settings))
    assert (read.extra_parameters, read.max_age) == ({}, None)


@pytest.mark.parametrize("settings", [{"colour": "red"}, {"client_id": ""}, {"max_age": "60"}, {"scopes": 7}])
def test_what_was_never_kept_is_not_read(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_kept(kept(**settings))


async def test_what_is_checked_is_what_is_asked_for(relying: Relying) -> None:
    """`acr_values` in both places, as no rule forbade once: the extra parameter was sent, and the setting checked."""
    plain = relying.connection(acr_values=["high"])
    text = json.dumps({**json.loads(plain.config.model_dump_json()), "extra_parameters": {"acr_values": "low"}})
    await relying.sign_in(plain.with_config(read_kept(text)))
    assert relying.provider.calls("/authorize")[0].query["acr_values"] == "high"


async def no_network(request: HttpRequest) -> HttpResponse:
    raise AssertionError("nothing is asked for")


async def test_who_changes_it_next_is_told() -> None:
    read = read_kept(kept(resource=["https://a.example"], extra_parameters={"resource": "https://b.example"}))
    with pytest.raises(LocalError, match="resource stands in the setting"):
        await changed(read, {"title": "Two"}, no_network, lambda host: False)
    assert (await changed(read, {"resource": []}, no_network, lambda host: False)).resource == ()


@pytest.mark.parametrize("request_object", ["", "value", "reference"])
@pytest.mark.parametrize(
    "settings",
    [
        {"extra_parameters": {"claims": "{"}},
        {"extra_parameters": {"max_age": "soon"}},
        {"resource": ["https://a.example"], "authorization_endpoint": "?resource=b"},
        {"requested_claims": {"id_token": {"sub": [1]}, "userinfo": 7}},
    ],
)
async def test_a_sign_in_begins_and_ends(relying: Relying, request_object: str, settings: dict[str, Any]) -> None:
    """Each of these once ended in an error of ours, or would by a careless reading."""
    plain = relying.connection(request_object=request_object)
    given = {**json.loads(plain.config.model_dump_json()), **settings}
    given["authorization_endpoint"] = plain.config.authorization_endpoint + settings.get("authorization_endpoint", "")
    connection = plain.with_config(read_kept(json.dumps(given)))
    url = await relying.begin(connection)
    if request_object != "reference":  # for that one the provider would ask our web server
        assert (await relying.carry(connection, url)).mapped.attributes["email"] == "ada@northwind.example"

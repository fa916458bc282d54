"""A connection with a redirect URI of its own: what is told where, what is handed on, and what is refused."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from entracte.connections.addresses import client_name, redirect_uri_of
from entracte.connections.authorization_request import opened_reference
from entracte.connections.authorization_response import AT, SEALED, Came, check_address, handed_on, taken_over
from entracte.connections.model import ConnectionConfig
from entracte.protocol.authorization import ResponseMode
from entracte.protocol.errors import Reason, Refused
from entracte.values import now
from tests.connections.relying import KEYS, OAUTH_URL, Relying
from tests.connections.test_addresses import connection

STATE = "s" * 64
CODE = {"state": STATE, "code": "canary-code", "iss": "https://login.example"}
OWN = "https://play.example/oauth/callback/1-7"


# Handed on


def test_where_a_plain_answer_came_is_handed_on_beside_it() -> None:
    passed = handed_on(Came({**CODE, AT: "told by the server"}, at="4-7"), STATE, KEYS)
    assert passed == {**CODE, AT: "4-7"}
    assert taken_over(passed, KEYS) == Came(CODE, at="4-7")


@pytest.mark.parametrize("by", [ResponseMode.FORM_POST, ResponseMode.FRAGMENT])
def test_where_a_sealed_answer_came_is_sealed_with_it(by: ResponseMode) -> None:
    """What stands beside it in the address counts for nothing."""
    passed = handed_on(Came({**CODE, AT: "told by the server"}, by, "4-7"), STATE, KEYS)
    assert passed.keys() == {"state", SEALED}
    assert taken_over({**passed, AT: "4-8"}, KEYS) == Came(CODE, by, "4-7")


def test_at_the_fixed_address_nothing_more_is_handed_on_and_a_server_can_not_add_it() -> None:
    for by in ResponseMode.QUERY, ResponseMode.FORM_POST:
        passed = handed_on(Came({**CODE, AT: "4-7"}, by), STATE, KEYS)
        assert passed.keys() == ({"state", SEALED} if by is ResponseMode.FORM_POST else CODE.keys())
        assert taken_over(passed, KEYS) == Came(CODE, by)


# Refused


@pytest.mark.conformance("MUST 8")
@pytest.mark.parametrize(
    ("own", "at", "evidence"),
    [
        (True, "", "Expected this connection's own one; it came at the fixed redirect URI."),
        (True, "4-8", "Expected this connection's own one; it came at one of another connection's own."),
        (True, "5-7", "Expected this connection's own one; it came at one of another connection's own."),
        (True, "04-7", "Expected this connection's own one; it came at one of another connection's own."),
        (False, "4-7", "Expected the fixed redirect URI; it came at this connection's own one."),
        (False, "4-8", "Expected the fixed redirect URI; it came at one of another connection's own."),
    ],
)
def test_an_answer_at_another_address_is_refused(own: bool, at: str, evidence: str) -> None:
    with pytest.raises(Refused) as refused:
        check_address(Came(CODE, at=at), connection(own_redirect_uri=own))
    assert (refused.value.reason, refused.value.evidence) == (Reason.RESPONSE_ADDRESS, evidence)


def test_an_answer_at_the_right_address_is_taken() -> None:
    check_address(Came(CODE, at="4-7"), connection(own_redirect_uri=True))
    check_address(Came(CODE), connection())


@pytest.mark.conformance("MUST 8")
def test_an_address_of_its_own_tells_servers_apart() -> None:
    """Of a server that has no other way to say who it is."""
    plain = {
        "issuer": "",
        "scopes": ["profile"],
        "profile_source": "userinfo",
        "userinfo_endpoint": "https://l.example",
    }
    settings = connection().config.model_dump() | plain
    for has_one in (False, True):
        config = ConnectionConfig.model_validate(settings | {"own_redirect_uri": has_one})
        assert config.tells_servers_apart is has_one


# Told


WAYS: dict[str, dict[str, Any]] = {
    "in the address": {},
    "pushed": {"push_requests": True},
    "signed": {"request_object": "value"},
    "signed and pushed": {"request_object": "value", "push_requests": True},
    "code id_token": {"response_type": "code id_token"},
    "a signed answer, posted": {"response_mode": "form_post.jwt"},
}


@pytest.mark.conformance("MUST 8")
@pytest.mark.parametrize("way", WAYS)
async def test_the_server_is_told_the_same_address_everywhere(relying: Relying, way: str) -> None:
    """The provider takes no other one, and no other one at the token endpoint than in the request."""
    kept = relying.connection(own_redirect_uri=True, **WAYS[way])
    assert redirect_uri_of(kept, OAUTH_URL) == OWN
    signed_in = await relying.sign_in(kept)
    assert signed_in.mapped.attributes["email"] == "ada@northwind.example"
    [call] = relying.provider.calls("/token")
    assert call.form["redirect_uri"] == OWN


async def test_a_request_that_is_kept_at_an_address_of_ours_keeps_the_redirect_uri(relying: Relying) -> None:
    kept = relying.connection(own_redirect_uri=True, request_object="reference")
    [reference] = parse_qs(urlsplit(await relying.begin(kept)).query)["request_uri"]
    assert len(reference) <= 512, "OpenID Connect Core section 6.2"
    assert reference.startswith(f"{OAUTH_URL}/oauth/clients/{client_name(kept)}/requests/")
    asked, _ = opened_reference(reference.rpartition("/")[2], OAUTH_URL, KEYS, now())
    assert asked.redirect_uri == OWN

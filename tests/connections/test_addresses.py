"""The addresses to register: those that a connection uses, below one of its own."""

from dataclasses import asdict

import pytest

from entracte.connections.addresses import addresses_of, client_name, own_callback, redirect_uri_of
from entracte.connections.client_metadata import Ourselves, client_metadata
from entracte.connections.model import Connection
from entracte.values import ConnectionNumber, OrganizationNumber
from tests.connections.test_provider_sessions import config

OAUTH = "https://login.play.example"
OWN = f"{OAUTH}/oauth/clients/4-7"


def of(**options: bool) -> dict[str, str | None]:
    return asdict(addresses_of(connection(**options), OAUTH))


def connection(**options: bool) -> Connection:
    return Connection(OrganizationNumber(4), ConnectionNumber(7), config(**options), "")


def test_a_connection_that_signs_out_registers_where_to() -> None:
    assert of(sign_out=True, single_logout=True) == {
        "redirect_uri": f"{OAUTH}/oauth/callback",
        "jwks_uri": f"{OWN}/jwks",
        "initiate_login_uri": f"{OWN}/initiate-login",
        "post_logout_redirect_uri": f"{OAUTH}/oauth/signed-out",
        "frontchannel_logout_uri": f"{OWN}/front-channel-logout",
        "backchannel_logout_uri": f"{OWN}/back-channel-logout",
    }


def test_what_a_connection_does_not_use_is_not_named() -> None:
    assert {name for name, address in of().items() if address is None} == {
        "post_logout_redirect_uri", "frontchannel_logout_uri", "backchannel_logout_uri",
    }  # fmt: skip
    assert of(sign_out=True)["backchannel_logout_uri"] is None
    assert of(single_logout=True)["post_logout_redirect_uri"] is None


@pytest.mark.conformance("MUST 8")
def test_a_connection_may_have_a_redirect_uri_of_its_own() -> None:
    """In the same bytes wherever a server is told it."""
    own = connection(own_redirect_uri=True)
    address = f"{OAUTH}/oauth/callback/4-7"
    assert redirect_uri_of(own, OAUTH) == addresses_of(own, OAUTH).redirect_uri == address
    assert client_metadata(own, Ourselves("Northwind", OAUTH, ("it@northwind.example",))).redirect_uris == (address,)
    assert (own_callback(own), own_callback(connection()), client_name(connection())) == ("4-7", "", "4-7")
    assert redirect_uri_of(connection(), OAUTH) == f"{OAUTH}/oauth/callback"
    assert of(own_redirect_uri=True) == {**of(), "redirect_uri": address}

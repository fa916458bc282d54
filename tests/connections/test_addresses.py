"""The addresses to register: those that a connection uses, below one of its own."""

from dataclasses import asdict

from entracte.connections.addresses import addresses_of
from entracte.connections.model import Connection
from entracte.values import ConnectionNumber, OrganizationNumber
from tests.connections.test_provider_sessions import config

OAUTH = "https://login.play.example"
OWN = f"{OAUTH}/oauth/clients/4-7"


def of(**options: bool) -> dict[str, str | None]:
    return asdict(addresses_of(Connection(OrganizationNumber(4), ConnectionNumber(7), config(**options), ""), OAUTH))


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

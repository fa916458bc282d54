"""Our addresses that an authorization server is told when we are registered there."""

from dataclasses import dataclass

from entracte.connections.model import Connection

CALLBACK = "/oauth/callback"
CLIENTS = "/oauth/clients"
SIGNED_OUT = "/oauth/signed-out"
INITIATE_LOGIN = "/initiate-login"
FRONT_CHANNEL_LOGOUT = "/front-channel-logout"
BACK_CHANNEL_LOGOUT = "/back-channel-logout"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What to register, by the names of the registry (RFC 7591 section 2, and the logout specifications); None for what
    the connection does not use. The key set is empty until the connection has keys of ours."""

    redirect_uri: str
    jwks_uri: str
    initiate_login_uri: str
    post_logout_redirect_uri: str | None
    frontchannel_logout_uri: str | None
    backchannel_logout_uri: str | None


def client_name(connection: Connection) -> str:
    """What an address of this connection's own calls it: `4-7`, the numbers of its organization and its own."""
    return f"{connection.organization}-{connection.number}"


def client_address(connection: Connection, oauth_url: str) -> str:
    """Where this connection's own addresses stand."""
    return f"{oauth_url}{CLIENTS}/{client_name(connection)}"


def own_callback(connection: Connection) -> str:
    """Which redirect URI is this connection's: its name, or empty for the fixed one of all."""
    return client_name(connection) if connection.config.own_redirect_uri else ""


def redirect_uri_of(connection: Connection, oauth_url: str) -> str:
    """The redirect URI that requests of this connection name, in the same bytes everywhere."""
    own = own_callback(connection)
    return f"{oauth_url}{CALLBACK}/{own}" if own else f"{oauth_url}{CALLBACK}"


def addresses_of(connection: Connection, oauth_url: str) -> Addresses:
    """The addresses of a connection. `oauth_url` is that of the OAuth service."""
    config, own = connection.config, client_address(connection, oauth_url)
    return Addresses(
        redirect_uri=redirect_uri_of(connection, oauth_url),
        jwks_uri=f"{own}/jwks",
        initiate_login_uri=f"{own}{INITIATE_LOGIN}",
        post_logout_redirect_uri=f"{oauth_url}{SIGNED_OUT}" if config.sign_out else None,
        frontchannel_logout_uri=f"{own}{FRONT_CHANNEL_LOGOUT}" if config.single_logout else None,
        backchannel_logout_uri=f"{own}{BACK_CHANNEL_LOGOUT}" if config.single_logout else None,
    )

"""What the proxies in front say of a request."""

from ipaddress import IPv4Network, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

REQUEST_ID = b"x-request-id"


class OfProxies:
    """Believes `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` of those proxies (addresses and networks,
    separated by commas). From anybody else the id is taken away.

    A socket on `::` takes IPv4 as well, and names such a peer `::ffff:127.0.0.1` (RFC 4291 section 2.5.5.2): an IPv4
    proxy is believed under that name, too, wherever it stands. So `::` serves everybody, as who writes it means.
    """

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self._app = ProxyHeadersMiddleware(app, _by_both_names(trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_proxy(scope):
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != REQUEST_ID]
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def _is_proxy(self, scope: Scope) -> bool:
        client = scope.get("client")
        return (client[0] if client else None) in self._app.trusted_hosts


def _by_both_names(trusted: str) -> str:
    items = [item.strip() for item in trusted.split(",")]
    return ",".join([*items, *filter(None, map(_mapped, items))])


def _mapped(item: str) -> str:
    """An address or network of IPv4 as one of IPv6; empty for anything else."""
    try:
        network = ip_network(item)
    except ValueError:
        return ""
    if not isinstance(network, IPv4Network):
        return ""
    return f"::ffff:{network.network_address}/{96 + network.prefixlen}"

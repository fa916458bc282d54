"""What the proxies in front say of a request."""

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

REQUEST_ID = b"x-request-id"


class OfProxies:
    """Believes `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` of those proxies (addresses and networks,
    separated by commas). From anybody else the id is taken away."""

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_proxy(scope):
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != REQUEST_ID]
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def _is_proxy(self, scope: Scope) -> bool:
        client = scope.get("client")
        return (client[0] if client else None) in self._app.trusted_hosts

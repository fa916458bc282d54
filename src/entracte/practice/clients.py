"""The clients that may send people here. Its methods are what Authlib asks of a client."""

from collections.abc import Sequence
from dataclasses import dataclass

from entracte.values import Secret

SCOPES = ("openid", "profile", "email", "phone", "address")
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True)
class PracticeClient:
    """A confidential client, registered by hand.

    `redirect_uris` and `post_logout_redirect_uris` are compared byte by byte (RFC 9700 section 2.1).
    `name` is who the consent page says will be told.
    """

    client_id: str
    client_secret: Secret
    redirect_uris: Sequence[str]
    post_logout_redirect_uris: Sequence[str] = ()
    name: str = "Northwind Radio"

    @property
    def client_metadata(self) -> dict[str, object]:
        return {"post_logout_redirect_uris": list(self.post_logout_redirect_uris)}

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: every request names its redirect URI (OpenID Connect Core section 3.1.2.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The known ones among the asked scopes; None, which is `invalid_scope`, when there is none.
        Unknown scopes are ignored (OpenID Connect Core section 3.1.2.1)."""
        asked = (scope or "").split()
        return " ".join(known for known in SCOPES if known in asked) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return self.client_secret == Secret(client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return endpoint == "token" and method in AUTHENTICATION_METHODS

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"

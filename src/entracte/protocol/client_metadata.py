"""What we tell an authorization server of ourselves, and whether it registered that.

RFC 7591 section 2 and OpenID Connect Dynamic Client Registration 1.0 section 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from entracte.protocol.addresses import usable_address
from entracte.protocol.client_auth import ClientAuthentication
from entracte.values import Json

_WRITTEN_BY_SERVER = frozenset(
    {
        "client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at", "registration_access_token",
        "registration_client_uri",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """What we tell of ourselves (RFC 7591 section 2). Raises ValueError without a redirect URI or a contact, for an
    address that can not be one, and when `more` says what has a field of its own."""

    redirect_uris: tuple[str, ...]
    contacts: tuple[str, ...]
    token_endpoint_auth_method: ClientAuthentication
    response_types: tuple[str, ...] = ("code",)
    grant_types: tuple[str, ...] = ("authorization_code",)
    id_token_signed_response_alg: str = "RS256"  # noqa: S105
    client_name: str = ""
    scope: tuple[str, ...] = ()
    jwks_uri: str = ""
    post_logout_redirect_uris: tuple[str, ...] = ()
    initiate_login_uri: str = ""
    backchannel_logout_uri: str = ""
    frontchannel_logout_uri: str = ""
    more: Mapping[str, Json] = field(default_factory=dict)
    """Other members of the registry, by their names: `dpop_bound_access_tokens`, `request_object_signing_alg`, ..."""

    def __post_init__(self) -> None:
        if not self.redirect_uris or not self.contacts:
            raise ValueError("a registration needs a redirect URI and a contact")
        own = self._own()
        if own.keys() & self.more.keys() or _WRITTEN_BY_SERVER & self.more.keys():
            raise ValueError("a member has a field of its own, or is the server's to say")
        single = (self.jwks_uri, self.initiate_login_uri, self.backchannel_logout_uri, self.frontchannel_logout_uri)
        for url in (*self.redirect_uris, *self.post_logout_redirect_uris, *filter(None, single)):
            usable_address(url, lambda _host: True)

    def _own(self) -> dict[str, Json]:
        return {
            "application_type": "web",
            "redirect_uris": list(self.redirect_uris),
            "contacts": list(self.contacts),
            "token_endpoint_auth_method": self.token_endpoint_auth_method.value,
            "response_types": list(self.response_types),
            "grant_types": list(self.grant_types),
            "id_token_signed_response_alg": self.id_token_signed_response_alg,
            "client_name": self.client_name,
            "scope": " ".join(self.scope),
            "jwks_uri": self.jwks_uri,
            "post_logout_redirect_uris": list(self.post_logout_redirect_uris),
            "initiate_login_uri": self.initiate_login_uri,
            "backchannel_logout_uri": self.backchannel_logout_uri,
            "frontchannel_logout_uri": self.frontchannel_logout_uri,
        }

    def document(self) -> dict[str, Json]:
        """The members as JSON, without those that say nothing."""
        return {name: value for name, value in self._own().items() if value} | dict(self.more)


def _texts(value: Any) -> frozenset[str]:
    """The strings of a list, empty for anything else."""
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def _response_types(value: Any) -> frozenset[frozenset[str]]:
    """The order of the words says nothing (Multiple Response Type Encoding Practices section 3)."""
    return frozenset(frozenset(text.split(" ")) for text in _texts(value))


def _same_texts(got: Any, asked: Any) -> bool:
    return _texts(got) == _texts(asked)


def _texts_and_more(got: Any, asked: Any) -> bool:
    return _texts(asked) <= _texts(got)


def _response_types_and_more(got: Any, asked: Any) -> bool:
    return _response_types(asked) <= _response_types(got)


def _same(got: Any, asked: Any) -> bool:
    return type(got) is type(asked) and bool(got == asked)


_AS_ASKED: Mapping[str, tuple[Any, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        # a redirect URI of somebody else would get our codes
        "redirect_uris": (None, _same_texts),
        # more of these do no harm: a request says which one is meant
        "response_types": (["code"], _response_types_and_more),
        "grant_types": (["authorization_code"], _texts_and_more),
        "token_endpoint_auth_method": ("client_secret_basic", _same),
        "id_token_signed_response_alg": ("RS256", _same),
    }
)
"""Member -> (what it is when the answer leaves it out, whether what was registered is what was asked for)."""

_NOT_OTHERWISE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "post_logout_redirect_uris": _same_texts,
        **dict.fromkeys(
            (
                "jwks_uri", "jwks", "initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri",
                "userinfo_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
                "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc", "request_object_signing_alg",
                "authorization_signed_response_alg", "introspection_signed_response_alg",
                "token_endpoint_auth_signing_alg", "require_pushed_authorization_requests",
                "require_signed_request_object", "dpop_bound_access_tokens",
                "tls_client_certificate_bound_access_tokens", "tls_client_auth_subject_dn",
                "tls_client_auth_san_dns",
            ),
            _same,
        ),
    }
)  # fmt: skip
"""Members that an answer may leave out, but not change, where we asked for them."""


def first_difference(document: Mapping[str, Any], asked: ClientMetadata) -> str:
    """The name of the first member that is missing in what a server registered, or not as asked; empty when all are."""
    wanted = asked.document()
    for name, (default, holds) in _AS_ASKED.items():
        if not holds(document.get(name, default), wanted.get(name)):
            return name
    for name, holds in _NOT_OTHERWISE.items():
        if name in wanted and name in document and not holds(document[name], wanted[name]):
            return name
    return ""

"""Discovery (OpenID Connect Discovery 1.0 sections 3 and 4, RFC 8414)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from entracte.protocol.authorization import check_no_own_parameters, query_names
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.protocol.json_documents import read_json_object, required_text
from entracte.protocol.jws import JOSERFC_ALGORITHMS
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose

WELL_KNOWN = "/.well-known/openid-configuration"
WELL_KNOWN_OAUTH = "/.well-known/oauth-authorization-server"
MAXIMUM_URL = 2048

_UNUSABLE_CHARACTER = re.compile(r"[^\x21-\x7e]|\\")
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What we use of a metadata document. Made only by `read_metadata`."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    id_token_algorithms: frozenset[str]
    """Those of the server's that we can verify; RS256 when it does not say."""
    token_endpoint_authentication: frozenset[str]
    issuer_in_response: bool
    """`authorization_response_iss_parameter_supported` (RFC 9207 section 3)."""
    code_challenge_methods: frozenset[str]
    pushed_authorization_request_endpoint: str | None
    introspection_endpoint: str | None
    revocation_endpoint: str | None
    registration_endpoint: str | None
    check_session_iframe: str | None
    must_push: bool
    """`require_pushed_authorization_requests` (RFC 9126 section 5)."""
    dpop_algorithms: frozenset[str]
    """`dpop_signing_alg_values_supported` (RFC 9449 section 5.1); empty: no DPoP."""
    response_types: frozenset[str]
    response_modes: frozenset[str]
    """Empty for both: the server does not say."""
    tls_endpoints: Mapping[str, str]
    """`mtls_endpoint_aliases` (RFC 8705 section 5): where to go with a client certificate."""
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Every `…_supported` list of words, by its name. What is not there was not said."""
    flags: Mapping[str, bool] = field(default_factory=dict)
    """Every true or false, by its name."""


def metadata_request(issuer: str) -> HttpRequest:
    """The request for `issuer` + `/.well-known/openid-configuration`. Raises `Refused(METADATA_MALFORMED)` for an
    issuer with a query or a fragment, and for what is no web address at all."""
    parts = _issuer_parts(issuer)
    # section 4: a slash at the end is removed first
    address = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{WELL_KNOWN}"
    return HttpRequest("GET", address, purpose=Purpose.METADATA)


def oauth_metadata_request(issuer: str) -> HttpRequest:
    """The request of RFC 8414 section 3.1, for a server that knows no OpenID Connect: there the well-known part stands
    before the path. Raises as `metadata_request` does."""
    parts = _issuer_parts(issuer)
    address = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN_OAUTH}{parts.path.rstrip('/')}"
    return HttpRequest("GET", address, purpose=Purpose.METADATA)


def _issuer_parts(issuer: str) -> SplitResult:
    try:
        # whether http is allowed is decided by who sends the request
        parts = _parts(issuer)
    except ValueError as problem:
        raise refuse(Reason.METADATA_MALFORMED, f"The issuer can not be used: {problem}.") from None
    if "?" in issuer:
        raise refuse(Reason.METADATA_MALFORMED, "An issuer has no query.")
    return parts


def _never(_host: str) -> bool:
    return False


_MORE_ENDPOINTS = (
    "userinfo_endpoint",
    "end_session_endpoint",
    "pushed_authorization_request_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "check_session_iframe",
)


def read_metadata(
    response: HttpResponse,
    issuer: str,
    *,
    insecure_allowed: Callable[[str], bool] = _never,
    openid: bool = True,
) -> Metadata:
    """Refuses `METADATA_ISSUER` unless `issuer` is equal byte for byte, and `METADATA_MALFORMED`; as every reader
    `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`.

    `insecure_allowed` says of a host (lower case) whether http may be used with it. `openid` says whether the document
    is that of an OpenID provider, which has to have keys; one of RFC 8414 need not (section 2).
    """
    document = read_json_object(response, malformed=Reason.METADATA_MALFORMED)
    named = required_text(document, "issuer", Reason.METADATA_MALFORMED)
    if named != issuer:
        raise refuse(Reason.METADATA_ISSUER, difference(issuer, named))
    _endpoint(document, "issuer", insecure_allowed)
    aliases = _tls_endpoints(document, insecure_allowed)
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_authorization_endpoint(document, insecure_allowed),
        # a server whose clients all show a certificate may name the alias alone
        token_endpoint=_endpoint({**aliases, **document}, "token_endpoint", insecure_allowed),
        jwks_uri=_endpoint(document, "jwks_uri", insecure_allowed) if openid or "jwks_uri" in document else "",
        **{name: _optional_endpoint(document, name, insecure_allowed) for name in _MORE_ENDPOINTS},
        id_token_algorithms=_texts(document, "id_token_signing_alg_values_supported", "RS256").intersection(
            JOSERFC_ALGORITHMS
        ),
        token_endpoint_authentication=_texts(document, "token_endpoint_auth_methods_supported", "client_secret_basic"),
        issuer_in_response=document.get("authorization_response_iss_parameter_supported") is True,
        code_challenge_methods=_texts(document, "code_challenge_methods_supported"),
        must_push=document.get("require_pushed_authorization_requests") is True,
        dpop_algorithms=_texts(document, "dpop_signing_alg_values_supported"),
        response_types=_texts(document, "response_types_supported"),
        response_modes=_texts(document, "response_modes_supported"),
        tls_endpoints=aliases,
        lists={name: _texts(document, name) for name in document if _is_list_of(document, name)},
        flags={name: value for name, value in document.items() if isinstance(value, bool)},
    )


def _is_list_of(document: Mapping[str, Any], name: str) -> bool:
    """Whether it is a list of what the server can do. An empty one says nothing that anybody could mean."""
    return name.endswith("_supported") and bool(_texts(document, name))


def _tls_endpoints(document: Mapping[str, Any], insecure_allowed: Callable[[str], bool]) -> Mapping[str, str]:
    aliases = document.get("mtls_endpoint_aliases")
    if not isinstance(aliases, dict):
        return {}
    return {
        name: _endpoint(aliases, name, insecure_allowed)
        for name in ("token_endpoint", *_MORE_ENDPOINTS)
        if aliases.get(name) is not None
    }


def _endpoint(document: Mapping[str, Any], name: str, insecure_allowed: Callable[[str], bool]) -> str:
    url = required_text(document, name, Reason.METADATA_MALFORMED)
    try:
        return check_endpoint(url, insecure_allowed=insecure_allowed(_parts(url).hostname or ""))
    except ValueError as problem:
        raise refuse(Reason.METADATA_MALFORMED, f"`{name}` can not be used: {problem}.") from None


def _optional_endpoint(document: Mapping[str, Any], name: str, insecure_allowed: Callable[[str], bool]) -> str | None:
    return None if document.get(name) is None else _endpoint(document, name, insecure_allowed)


def _authorization_endpoint(document: Mapping[str, Any], insecure_allowed: Callable[[str], bool]) -> str:
    url = _endpoint(document, "authorization_endpoint", insecure_allowed)
    try:
        check_no_own_parameters(query_names(url))
    except ValueError:
        raise refuse(
            Reason.METADATA_MALFORMED, "`authorization_endpoint` has parameters of the request in its query."
        ) from None
    return url


def _texts(document: Mapping[str, Any], name: str, *default: str) -> frozenset[str]:
    """The strings of a list. Documents in the wild leave it out or put other things in: then the default counts."""
    value = document.get(name)
    if not isinstance(value, list):
        return frozenset(default)
    return frozenset(item for item in value if isinstance(item, str))


def check_endpoint(url: str, *, insecure_allowed: bool) -> str:
    """The address when it may be used: https (http only where `insecure_allowed`), a host, no user info, no
    fragment, no control characters. Otherwise ValueError that says why; the message never shows the address' query."""
    parts = _parts(url)
    if parts.scheme == "http" and not insecure_allowed:
        raise ValueError("the address has to begin with https")
    return url


def _parts(url: str) -> SplitResult:
    """The parts of a web address that no two parsers read differently. ValueError never shows the address."""
    if len(url) > MAXIMUM_URL:
        raise ValueError("the address is too long")
    if _UNUSABLE_CHARACTER.search(url):
        raise ValueError("the address holds a space, a backslash or a character that is not ASCII")
    if "#" in url:
        raise ValueError("the address holds a fragment")
    parts = _split(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError("the address has to begin with https")
    _check_authority(parts.netloc)
    return parts


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.netloc.startswith("["):
            # Python before 3.11.4 takes anything in brackets
            IPv6Address(parts.netloc[1:].partition("]")[0])
    except ValueError:
        raise ValueError("the address has no usable host") from None
    return parts


def _check_authority(authority: str) -> None:
    """The whole of it, by our own grammar: of `[::1]name` or `name:80@other` parsers disagree what the host is."""
    if "@" in authority:
        raise ValueError("the address holds a user name")
    match = _AUTHORITY.fullmatch(authority)
    if match is None or (match["name"] is not None and not _is_name(match["name"])):
        raise ValueError("the address has no usable host")
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        raise ValueError("the address has no usable port")


def _is_name(name: str) -> bool:
    return len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))

"""Finding the issuer of what a person typed (RFC 7033, OpenID Connect Discovery 1.0 section 2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from entracte.protocol.addresses import never, usable_address
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.json_documents import is_any_json, read_json_object
from entracte.protocol.messages import HttpRequest, HttpResponse, Purpose

WELL_KNOWN = "/.well-known/webfinger"
RELATION = "http://openid.net/specs/connect/1.0/issuer"
MAXIMUM_TYPED = 512
MAXIMUM_BYTES = 64 * 1024
MAXIMUM_LINKS = 100

_GLOBAL_CONTEXT = ("=", "@", "!", "+", "$", "(", "xri://")
"""How an XRI begins, which WebFinger does not find (Discovery section 2.1.1)."""
_WEB = re.compile(r"https?://", re.IGNORECASE)
_ACCOUNT = re.compile(r"(?:acct:)?([^@/?#:\\]+)@([^@/?#:]+)", re.IGNORECASE)
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_ACCOUNT_CHARACTERS = "!$&'()*+,;=%"
"""Beside letters, digits and `-._~`, what may stand in the first part of an account (RFC 7565 section 7)."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """What was typed, as WebFinger asks for it. Made only by `read_identifier`."""

    resource: str = field(repr=False)
    """An `acct:` or web address: a personal value."""
    host: str
    """Who is asked, with a port where one was typed."""


def read_identifier(typed: str) -> Identifier:
    """The normalisation of Discovery section 2.1.2. Refuses `METADATA_MALFORMED` for what can be no identifier; a host
    has to be in its ASCII form."""
    text = typed.strip()
    if not text or len(text) > MAXIMUM_TYPED or _SPACE_OR_CONTROL.search(text) or text.startswith(_GLOBAL_CONTEXT):
        raise _unusable()
    account = _ACCOUNT.fullmatch(text)
    if account is not None:
        return _account(account[1], account[2])
    return _web(text if _WEB.match(text) else f"https://{text}")


def _account(name: str, host: str) -> Identifier:
    try:
        usable_address(f"https://{host}/")
        return Identifier(f"acct:{quote(name, safe=_ACCOUNT_CHARACTERS)}@{host}", host)
    except ValueError:  # also UnicodeEncodeError, of half a character
        raise _unusable() from None


def _web(url: str) -> Identifier:
    without_fragment = url.partition("#")[0]
    try:
        usable_address(without_fragment, _any_host)
    except ValueError:
        raise _unusable() from None
    parts = urlsplit(without_fragment)
    return Identifier(urlunsplit(parts._replace(path=parts.path or "/")), parts.netloc)


def _any_host(_host: str) -> bool:
    """An identifier may begin with http; what is fetched does not."""
    return True


def _unusable() -> Refused:
    return refuse(Reason.METADATA_MALFORMED, "What was typed is no account, e-mail address, web address or host.")


def webfinger_request(identifier: Identifier, *, insecure_allowed: Callable[[str], bool] = never) -> HttpRequest:
    """The request of Discovery section 2.2. It goes over TLS whatever was typed (RFC 7033 section 4), but to a host
    (lower case) of which `insecure_allowed` says otherwise."""
    host = urlsplit(f"https://{identifier.host}").hostname or ""
    scheme = "http" if insecure_allowed(host) else "https"
    query = urlencode({"resource": identifier.resource, "rel": RELATION}, quote_via=quote, safe="")
    return HttpRequest(
        "GET",
        f"{scheme}://{identifier.host}{WELL_KNOWN}?{query}",
        accept="application/jrd+json, application/json",
        purpose=Purpose.WEBFINGER,
    )


def read_webfinger(response: HttpResponse, *, insecure_allowed: Callable[[str], bool] = never) -> str:
    """The issuer that the answer names first (RFC 7033 section 4.4.4: in order of preference). It is only a hint:
    its metadata has to name it byte for byte. `subject` may be another name of the same person (section 4.4.1), so
    only its type is looked at. Refuses `METADATA_LACKS` (nobody is known by that name, or no issuer is named),
    `METADATA_MALFORMED`, `PROVIDER_ERROR` (5xx, 429) and `RESPONSE_REDIRECTED`."""
    if response.status in (404, 410):
        raise refuse(Reason.METADATA_LACKS, f"The status was {response.status}.")
    document = read_json_object(
        response, accepts=is_any_json, malformed=Reason.METADATA_MALFORMED, maximum_bytes=MAXIMUM_BYTES
    )
    if not isinstance(document.get("subject", ""), str):
        raise refuse(Reason.METADATA_MALFORMED, "`subject` is not a string.")
    for link in _links(document):
        if isinstance(link, dict) and link.get("rel") == RELATION:
            return _issuer(link, insecure_allowed)
    raise refuse(Reason.METADATA_LACKS, "No link names an issuer.")


def _links(document: Mapping[str, Any]) -> list[Any]:
    links = document.get("links", [])
    if not isinstance(links, list) or len(links) > MAXIMUM_LINKS:
        raise refuse(Reason.METADATA_MALFORMED, f"`links` has to be a list of at most {MAXIMUM_LINKS}.")
    return links


def _issuer(link: Mapping[str, Any], insecure_allowed: Callable[[str], bool]) -> str:
    issuer = link.get("href")
    try:
        if not isinstance(issuer, str) or "?" in issuer:
            raise ValueError("an issuer is an address without a query")
        return usable_address(issuer, insecure_allowed)
    except ValueError as problem:
        raise refuse(Reason.METADATA_MALFORMED, f"The issuer can not be used: {problem}.") from None

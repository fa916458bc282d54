"""Addresses that a document of the other side names, and the origin of one (RFC 6454)."""

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from types import MappingProxyType
from urllib.parse import urlsplit

from entracte.protocol.metadata import check_endpoint

_USUAL_PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})


def never(_host: str) -> bool:
    """No host may be spoken to without TLS."""
    return False


def usable_address(url: str, insecure_allowed: Callable[[str], bool] = never) -> str:
    """The address when it may be used. `insecure_allowed` says of a host (lower case) whether http may be used with
    it. Otherwise ValueError that says why and never shows the address, as `check_endpoint` does."""
    check_endpoint(url, insecure_allowed=True)
    return check_endpoint(url, insecure_allowed=insecure_allowed(urlsplit(url).hostname or ""))


def origin(url: str) -> str:
    """Scheme, host and port as a browser writes them (RFC 6454 section 6.2), of an address that is usable: lower case,
    and no port where it is the usual one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    written = f"[{IPv6Address(host).compressed}]" if ":" in host else host
    port = parts.port
    return f"{parts.scheme}://{written}" + (f":{port}" if port not in (None, _USUAL_PORTS[parts.scheme]) else "")

"""Where a request goes: an address taken apart and normalised, or refused."""

import re
import string
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote

from yarl import URL

from entracte.fetch.hosts import normalize_host
from entracte.network_addresses import Address
from entracte.protocol.errors import Reason, refuse

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#@:\\%]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?].*)?)",
    re.IGNORECASE | re.DOTALL,
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_MAXIMUM_URL = 8 * 1024


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes, read and normalised. Made only by `read_destination`."""

    secure: bool
    host: str
    """A name in ASCII, or an address without brackets."""
    address: Address | None
    """The address, when the host is one."""
    port: int
    url: URL

    @property
    def usual(self) -> bool:
        """What any server may be asked: https, on a port where login servers live."""
        return self.secure and (self.port == 443 or self.port >= 1024)


@lru_cache(maxsize=1024)  # a connection's endpoints stay the same from one sign-in to the next
def read_destination(url: str) -> Destination:
    """Take an address apart (RFC 3986 section 3). Refuses `PROVIDER_BLOCKED` for one that no provider would be at."""
    match = _URL.fullmatch(url)
    if match is None or _UNPRINTABLE.search(url) or len(url) > _MAXIMUM_URL:
        raise refuse(Reason.PROVIDER_BLOCKED, _what_is_wrong(url))
    try:
        host = normalize_host(match["host"])
    except ValueError as error:
        raise refuse(Reason.PROVIDER_BLOCKED, str(error)) from None
    secure = match["scheme"].lower() == "https"
    port = int(match["port"] or (443 if secure else 80))
    if not 0 < port <= 65535:
        raise refuse(Reason.PROVIDER_BLOCKED, "the port is not one")
    return _destination(secure, host, port, match["rest"])


_WRONG: tuple[tuple[str, str], ...] = (
    (r"[\s\S]{8193}", "the address is too long"),
    (r"(?i)(?!https?://)", "the address does not begin with https"),
    (r"[\s\S]*[\x00-\x20\x7f\\\ud800-\udfff]", "the address has characters that no address has"),
    (r"[^/]*//[^/?#]*@", "the address has user information before the host"),
    (r"[\s\S]*#", "the address has a fragment"),
)


def _what_is_wrong(url: str) -> str:
    return next((why for pattern, why in _WRONG if re.match(pattern, url)), "the address has no usable host")


def _destination(secure: bool, host: str | Address, port: int, rest: str) -> Destination:
    if "#" in rest:
        raise refuse(Reason.PROVIDER_BLOCKED, "the address has a fragment")
    address = None if isinstance(host, str) else host
    name = str(host)
    authority = f"[{name}]" if isinstance(host, IPv6Address) else name
    if port != (443 if secure else 80):
        authority += f":{port}"
    # encoded here and nowhere else: what the customer wrote is sent byte for byte
    url = URL(f"http{'s' * secure}://{authority}{quote(rest, safe=string.printable)}", encoded=True)
    return Destination(secure, name, address, port, url)

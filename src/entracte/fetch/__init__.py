"""Every request that leaves: one pooled client, an outbound guard, and limits on what a server can make us wait for.

A customer types the addresses, so each of them is hostile until checked (OWASP server-side request forgery):

- **Address**: https; no user info, no fragment; the host normalised (IDNA, lower case). A number that is not written as
  a plain dotted IPv4 address (`127.1`, `0x7f.1`, `2130706433`) is refused.
- **Port**: 443, or any from 1024 up (brands run login servers on 8443 and 9443, always with TLS). The others below 1024
  belong to other protocols, and are refused.
- **Network**: a name is resolved once per connection, *all* its addresses are checked, and the connection goes to
  exactly those, with the original name in SNI and Host. A name that changes its address in between changes nothing.
- **Allowed**: `ENTRACTE_OUTBOUND_ALLOW` names networks and hosts of the operator's own. Those may be private, may use
  http and any port. A name counts as inside a network only when every one of its addresses is.

No proxy from the environment, no cookies, no redirects, no `.netrc`, HTTP/1.1 only, TLS 1.2 or newer, always verified.
A POST is never sent twice: a code is redeemed once. A GET is sent again, once, when its connection just closed.
"""

from entracte.fetch.destinations import Destination, read_destination
from entracte.fetch.fetcher import Fetcher
from entracte.fetch.guard import check_addresses
from entracte.fetch.limits import Limits
from entracte.fetch.lookups import Resolve, resolve_by_system
from entracte.fetch.networks import DENIED, SETTING, OutboundAllow, is_public
from entracte.fetch.tls import tls_context

__all__ = [
    "DENIED",
    "SETTING",
    "Destination",
    "Fetcher",
    "Limits",
    "OutboundAllow",
    "Resolve",
    "check_addresses",
    "is_public",
    "read_destination",
    "resolve_by_system",
    "tls_context",
]

"""The outbound guard: which addresses a request may be sent to (MUST 37 and 38)."""

from collections.abc import Sequence
from ipaddress import ip_address

from entracte.fetch.destinations import Destination
from entracte.fetch.networks import SETTING, OutboundAllow, is_public
from entracte.protocol.errors import Reason, refuse


def check_addresses(destination: Destination, addresses: Sequence[str], allow: OutboundAllow) -> None:
    """Let a connection to these addresses through, or refuse `PROVIDER_BLOCKED`. One bad address spoils all: which of
    them answers is the name server's choice (MUST 38)."""
    host = destination.host
    if host in allow.hosts:
        return
    read = [ip_address(address) for address in addresses]
    own = [address for address in read if allow.has(address)]
    if read and len(own) == len(read):
        return
    if not destination.secure:
        raise refuse(Reason.PROVIDER_BLOCKED, f"{host}: http is only for hosts that {SETTING} names")
    if not destination.usual:
        raise refuse(Reason.PROVIDER_BLOCKED, f"{host}: port {destination.port} is only for hosts that {SETTING} names")
    if not all(address in own or is_public(address) for address in read):
        raise refuse(Reason.PROVIDER_BLOCKED, f"{host}: leads to an address that is not on the public internet")

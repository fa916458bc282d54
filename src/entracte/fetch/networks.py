"""Which networks are the public internet, and which others the operator lets through."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self

from entracte.errors import Kind, LocalError, Problem
from entracte.fetch.hosts import normalize_host
from entracte.network_addresses import Address, embedded

SETTING = "ENTRACTE_OUTBOUND_ALLOW"

Network = IPv4Network | IPv6Network

DENIED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        # IANA IPv4 special-purpose registry
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a public number that is Azure's metadata and agent host inside Azure
        # IANA IPv6 special-purpose registry, and the tunnels, which end who knows where
        "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
        "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip

_GLOBAL_UNICAST = IPv6Network("2000::/3")


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet: by our own table and by the standard library's."""
    real = embedded(address)
    if isinstance(real, IPv6Address) and real not in _GLOBAL_UNICAST:
        return False
    return real.is_global and not any(real in network for network in DENIED)


@dataclass(frozen=True, slots=True)
class OutboundAllow:
    """What the operator lets through besides the public internet: `ENTRACTE_OUTBOUND_ALLOW`."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Exact names, normalised; a name does not stand for the names below it."""

    @classmethod
    def parse(cls, setting: str) -> Self:
        """Networks (`10.1.0.0/16`), addresses (`::1`) and host names, separated by commas.

        Raises LocalError with one problem `outbound_allow_malformed` for each item that is none of these.
        """
        read = [_allowed(item) for item in filter(None, map(str.strip, setting.split(",")))]
        problems = [item for item in read if isinstance(item, Problem)]
        if problems:
            raise LocalError(*problems)
        hosts = frozenset(item for item in read if isinstance(item, str))
        return cls(tuple(item for item in read if isinstance(item, Network)), hosts)

    def has(self, address: Address) -> bool:
        """Whether an address, or the IPv4 address embedded in it, is in an allowed network."""
        return any(address in network or embedded(address) in network for network in self.networks)


def _allowed(item: str) -> Network | str | Problem:
    try:
        if "/" in item or ":" in item:
            return ip_network(item)
        host = normalize_host(item)
    except ValueError:
        return _malformed(item)
    return host if isinstance(host, str) else ip_network(host)


def _malformed(item: str) -> Problem:
    return Problem(
        Kind.BAD_INPUT,
        "outbound_allow_malformed",
        f"“{item[:100]}” is no network, address or host name.",
        hint="Write 10.1.0.0/16 (nothing after the prefix), ::1 or login.intra.example, separated by commas.",
        where=SETTING,
    )

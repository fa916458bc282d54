"""Network addresses of machines: which IPv4 address an IPv6 one leads to, and who is counted as one visitor."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


def embedded(address: Address) -> Address:
    """The IPv4 address that a v4-mapped or NAT64 (RFC 6052) address really leads to; others as they are."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def household(address: Address) -> str:
    """Who is counted as one: an IPv4 address, however it is written, or a household of IPv6 addresses (a /64)."""
    real = embedded(address)
    return str(ip_network((real, 64), strict=False)) if isinstance(real, IPv6Address) else str(real)

"""The host of an address: a name in ASCII, or a plain address. Nothing in between."""

import re
from ipaddress import IPv4Address, IPv6Address

from yarl import URL

from entracte.network_addresses import Address

_NAME = re.compile(r"(?!.{254})[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""What ends in a number is an IPv4 address to somebody (WHATWG URL, "ends in a number")."""


def normalize_host(text: str) -> str | Address:
    """A host as it is compared and connected to. Raises ValueError that says why, never naming the host."""
    if text.startswith("["):
        return _bracketed(text)
    try:
        host = URL.build(scheme="https", host=text).raw_host or ""
    except (ValueError, UnicodeError):
        raise ValueError("the host name has characters that no host name has") from None
    if _NUMBER.fullmatch(host):
        return _plain_number(host)
    if not _NAME.fullmatch(host):
        raise ValueError("the host name is not one")
    return host


def _bracketed(text: str) -> IPv6Address:
    try:
        return IPv6Address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError("the host is in brackets and no IPv6 address") from None


def _plain_number(host: str) -> IPv4Address:
    try:
        return IPv4Address(host)
    except ValueError:
        raise ValueError("the host is a number that is not written as an address") from None

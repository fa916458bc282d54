"""How often sign-ins may begin, come back and be ended: by network address, by organization and by connection.

Nobody who takes part should ever meet a limit: they stop a program that hammers, or one customer's crowd from taking
the place of all others'. An address counts only when it is on the public internet: behind a proxy that
`ENTRACTE_TRUSTED_PROXIES` does not name, all people would have one. The counts live in this process.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.requests import Request

from entracte.errors import Kind, LocalError, Problem
from entracte.values import ConnectionNumber, OrganizationNumber
from entracte.web.allowance import Allowances

PER_ADDRESS = 300
PER_ORGANIZATION = 60_000


class Step(StrEnum):
    """What is counted, each for itself."""

    START = "start"
    CALLBACK = "callback"
    LOGOUT = "logout"


class TooOften(LocalError):
    """`sign_ins_too_many`. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        message = "More sign-ins than one place, or one organization, makes in a minute."
        super().__init__(
            Problem(Kind.TOO_MANY, "sign_ins_too_many", message, hint=f"Wait {retry_after} seconds and try again.")
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits of one process, in a minute; the time is an argument, in epoch seconds."""

    per_address: int = PER_ADDRESS
    per_organization: int = PER_ORGANIZATION
    """Also for one connection: its authorization server is asked so often at the most."""
    _addresses: Allowances = field(init=False, repr=False)
    _owners: Allowances = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_addresses", Allowances(self.per_address, capacity=100_000))
        object.__setattr__(self, "_owners", Allowances(self.per_organization))

    def admit_address(self, step: Step, request: Request, now: int) -> None:
        """One more from this address. Raises `TooOften`."""
        network = network_of(request.client.host if request.client else "")
        if network:
            _take(self._addresses, ((step, network),), now)

    def admit_owner(self, step: Step, organization: OrganizationNumber, connection: ConnectionNumber, now: int) -> None:
        """One more for this organization and at this connection's server. Raises `TooOften`."""
        _take(self._owners, ((step, "organization", organization), (step, "connection", connection)), now)


def _take(allowances: Allowances, keys: Iterable[Hashable], now: int) -> None:
    for key in keys:
        allowance = allowances.take(key, now)
        if not allowance.granted:
            raise TooOften(max(1, allowance.reset))


def network_of(address: str) -> str:
    """The public address, a household of IPv6 addresses (a /64) as one; empty for one that is not public."""
    try:
        read = ip_address(address)
    except ValueError:
        return ""
    if not read.is_global:
        return ""
    return str(ip_network((read, 64), strict=False)) if isinstance(read, IPv6Address) else address

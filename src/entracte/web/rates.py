"""How often sign-ins may begin, come back and be ended: by network address, by organization, by authorization server.

Nobody who takes part should ever meet a limit: they stop a program that hammers, or one customer's crowd from taking
the place of all others'. An address counts only when it is on the public internet: behind a proxy that
`ENTRACTE_TRUSTED_PROXIES` does not name, all people would have one. The counts live in this process.

The address is asked first, then the organization, then the server: what one of them refuses is not counted for those
after it. So a customer at a server that thousands share stops at their own limit, and not the others with them.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address

from starlette.requests import Request

from entracte.connections.model import Connection, ConnectionConfig
from entracte.errors import Kind, LocalError, Problem
from entracte.network_addresses import embedded, household
from entracte.protocol.addresses import origin
from entracte.values import AttemptNumber, OrganizationNumber, ParticipationId
from entracte.web.allowance import Allowances

PER_ADDRESS = 300
PER_ORGANIZATION = 60_000
PER_SERVER = 5 * PER_ORGANIZATION
PER_REQUEST_OBJECT = 30
"""A server asks for the request of a sign-in once, and again when its login page is loaded again."""


class Step(StrEnum):
    """What is counted, each for itself: a sign-in goes through several, and takes one of each."""

    INITIATE = "initiate"
    START = "start"
    REQUEST_OBJECT = "request_object"
    CALLBACK = "callback"
    RETURN = "return"
    SIGN_OUT = "sign_out"
    SIGNED_OUT = "signed_out"
    FRONT_CHANNEL_LOGOUT = "front_channel_logout"
    BACK_CHANNEL_LOGOUT = "back_channel_logout"


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
    per_server: int = PER_SERVER
    """For all organizations together."""
    _addresses: Allowances = field(init=False, repr=False)
    _organizations: Allowances = field(init=False, repr=False)
    _servers: Allowances = field(init=False, repr=False)
    _requests: Allowances = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_addresses", Allowances(self.per_address, capacity=100_000))
        object.__setattr__(self, "_organizations", Allowances(self.per_organization))
        object.__setattr__(self, "_servers", Allowances(self.per_server))
        object.__setattr__(self, "_requests", Allowances(PER_REQUEST_OBJECT))

    def admit_address(self, step: Step, request: Request, now: int) -> None:
        """One more from this address. Raises `TooOften`."""
        network = _network(request)
        if network:
            _take(self._addresses, (step, network), now)

    def admit_unless_refused(self, step: Step, request: Request, now: int) -> None:
        """One more from an address that is counted by `count_refused` alone. Raises `TooOften`."""
        network = _network(request)
        allowance = self._addresses.look((step, network), now)
        if network and not allowance.granted:
            raise TooOften(max(1, allowance.reset))

    def count_refused(self, step: Step, request: Request, now: int) -> None:
        """What came from this address was good for nothing."""
        network = _network(request)
        if network:
            self._addresses.take((step, network), now)

    def admit_owner(
        self, step: Step, organization: OrganizationNumber, connection: Connection | None, now: int
    ) -> None:
        """One more for this organization, and at this connection's server; None: no server is asked. Raises
        `TooOften`."""
        _take(self._organizations, (step, organization), now)
        if connection is not None:
            _take(self._servers, (step, server_origin(connection.config)), now)

    def admit_request_object(self, participation: ParticipationId, attempt: AttemptNumber, now: int) -> None:
        """Once more the request of this attempt. Raises `TooOften`."""
        _take(self._requests, (participation, attempt), now)


def server_origin(config: ConnectionConfig) -> str:
    """The authorization server of a connection, as it is counted: the origin of the issuer, or of the token endpoint
    where there is none. A server that answers without one has its login."""
    return origin(config.issuer or config.token_endpoint or config.authorization_endpoint)


def network_of(address: str) -> str:
    """Whom a public address is of, as it is counted; empty for one that is not public."""
    try:
        read = ip_address(address)
    except ValueError:
        return ""
    return household(read) if embedded(read).is_global else ""


def _network(request: Request) -> str:
    return network_of(request.client.host if request.client else "")


def _take(allowances: Allowances, who: Hashable, now: int) -> None:
    allowance = allowances.take(who, now)
    if not allowance.granted:
        raise TooOften(max(1, allowance.reset))

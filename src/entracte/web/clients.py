"""The addresses at which an authorization server finds its connection, on the OAuth service."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from entracte.connections.addresses import CLIENTS
from entracte.connections.model import Connection
from entracte.protocol.errors import Refused
from entracte.values import ConnectionNumber, OrganizationNumber
from entracte.web.rates import Step
from entracte.web.visits import NotThere, Services

CLIENT = f"{CLIENTS}/{{client}}"
"""Where a connection is found: the numbers of its organization and its own."""
_NUMBERS = re.compile(r"([0-9]{1,15})-([0-9]{1,8})", re.ASCII)


async def connection_of(request: Request, services: Services) -> Connection:
    """The connection of the address. Raises `NotThere`."""
    numbers = numbers_of(request.path_params["client"])
    found = await services.directory.connection(*numbers) if numbers else None
    if found is None:
        raise NotThere
    return found


def numbers_of(name: str) -> tuple[OrganizationNumber, ConnectionNumber] | None:
    """The organization and the connection of a name in an address (`addresses.client_name`); None for what is none."""
    match = _NUMBERS.fullmatch(name)
    return (OrganizationNumber(int(match[1])), ConnectionNumber(int(match[2]))) if match else None


@contextmanager
def refusals_counted(step: Step, request: Request, services: Services) -> Iterator[None]:
    """Around what a server asks or tells us: it speaks for everybody who signs in there, from one address. So an
    address is counted only for what is refused, and waits when that was too much. Raises `TooOften`."""
    now = services.clock()
    services.rates.admit_unless_refused(step, request, now)
    try:
        yield
    except (NotThere, Refused):
        services.rates.count_refused(step, request, now)
        raise

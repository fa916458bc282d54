"""The addresses at which an authorization server finds its connection, on the OAuth service."""

import re

from starlette.requests import Request

from entracte.connections.model import Connection
from entracte.values import ConnectionNumber, OrganizationNumber
from entracte.web.visits import NotThere, Services

CLIENT = "/oauth/clients/{client}"
"""Where a connection is found: the numbers of its organization and its own."""
_NUMBERS = re.compile(r"([0-9]{1,15})-([0-9]{1,8})", re.ASCII)


async def connection_of(request: Request, services: Services) -> Connection:
    """The connection of the address. Raises `NotThere`."""
    match = _NUMBERS.fullmatch(request.path_params["client"])
    if match is None:
        raise NotThere
    found = await services.directory.connection(OrganizationNumber(int(match[1])), ConnectionNumber(int(match[2])))
    if found is None:
        raise NotThere
    return found

"""The authorization response as it reached us, and on its way from the OAuth service to the campaign's host.

A plain answer (a code in the query) goes on in the query. One with a token in it, one that was posted, and one that is
a token itself go on sealed: no token ever stands in an address.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from entracte.connections.addresses import client_name, own_callback
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.server import Server
from entracte.connections.settings import Encrypted, Signed
from entracte.protocol.authorization import ANSWERS, ResponseMode, carrier, is_response_token
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.jarm import ResponseExpectation, read_response_token
from entracte.protocol.posted_user import MAXIMUM_BYTES, read_posted_user
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import Secret

SEALED = "answer"
"""The parameter that holds a sealed response."""
PURPOSE = "authorization response"
AT = "at"
"""The parameter that says at which connection's own redirect URI an answer came; there is none for the fixed one. It is
ours: what a server puts into its answer under this name is not handed on."""

PLAIN = ("state", "code", "iss", "error", "session_state")
"""What a plain answer is made of: descriptions of errors go nowhere."""
USER = "user"
"""The parameter with the name that Apple posts beside the code. It goes on sealed, as all that was posted does."""
_WITH_TOKENS = (*PLAIN, "id_token", "access_token", "token_type", "expires_in", "response")


@dataclass(frozen=True, slots=True)
class Came:
    """An authorization response as it reached us: its parameters, by which of query, fragment and form post, and at
    which connection's own redirect URI (`addresses.client_name`); empty: at the fixed one."""

    parameters: Mapping[str, str] = field(repr=False)
    by: ResponseMode = ResponseMode.QUERY
    at: str = ""


def handed_on(came: Came, state: str, keys: SealKeys) -> dict[str, str]:
    """The parameters with which the browser goes on to the campaign. Of what was never asked for the name goes, so that
    the campaign refuses it, and not the value, which may be a token."""
    if came.by is ResponseMode.QUERY and "response" not in came.parameters:
        unasked = dict.fromkeys((ANSWERS - {"code"}) & came.parameters.keys(), "")
        where = {AT: came.at} if came.at else {}
        return {name: came.parameters[name] for name in PLAIN if name in came.parameters} | unasked | where
    kept = {name: came.parameters[name] for name in _WITH_TOKENS if name in came.parameters} | _posted_user(came)
    document = json.dumps([state, came.by.value, kept, *filter(None, [came.at])], separators=(",", ":"))
    return {"state": state, SEALED: seal(zlib.compress(document.encode(), 9), PURPOSE, keys)}


def _posted_user(came: Came) -> dict[str, str]:
    """The posted `user`, where there is one that may be read. Whose connection it is nobody knows here: no other server
    posts one, and what its connection does not want is left aside there."""
    user = came.parameters.get(USER, "") if came.by is ResponseMode.FORM_POST else ""
    return {USER: user} if user and len(user.encode()) <= MAXIMUM_BYTES else {}


def taken_over(parameters: Mapping[str, str], keys: SealKeys) -> Came:
    """What `handed_on` handed on. Refuses `STATE_INVALID` and `STATE_UNKNOWN_KEY` for a sealed answer that is not ours,
    or another sign-in's."""
    if SEALED not in parameters:
        plain = {name: value for name, value in parameters.items() if name != AT}
        return Came(plain, at=parameters.get(AT, ""))
    # whatever opens was sealed by us, so its size is known
    state, by, kept, *at = json.loads(zlib.decompress(open_sealed(parameters[SEALED], PURPOSE, keys)))
    if state != parameters.get("state"):
        raise refuse(Reason.STATE_INVALID)
    return Came(kept, ResponseMode(by), *at)


def check_address(came: Came, connection: Connection) -> None:
    """Refuses `RESPONSE_ADDRESS` for an answer that came at another redirect URI than the one that this connection's
    requests name: a server sends its answer to an address that is registered there, so the address says which server
    it is from (RFC 9700 section 4.4.2.2)."""
    expected = own_callback(connection)
    if came.at != expected:
        evidence = f"Expected {_whose(expected, connection)}; it came at {_whose(came.at, connection)}."
        raise refuse(Reason.RESPONSE_ADDRESS, evidence)


def _whose(at: str, connection: Connection) -> str:
    if not at:
        return "the fixed redirect URI"
    return "this connection's own one" if at == client_name(connection) else "one of another connection's own"


def posted_names(came: Came, config: ConnectionConfig) -> Mapping[str, str]:
    """The names that were posted beside the code, as claims that nobody signed; none where the connection does not take
    them."""
    if not config.user_in_response or came.by is not ResponseMode.FORM_POST:
        return {}
    return read_posted_user(came.parameters.get(USER, ""))


async def parameters_of(came: Came, state: str, server: Server) -> Mapping[str, str]:
    """The parameters of the response, out of their token where the connection asks for one (JARM). What came in another
    way than it was asked for is refused, `RESPONSE_MODE`, an error as well: nothing in it is used, so whoever sends one
    another way, or unsigned, ends a sign-in with no words of their own."""
    config = server.config
    _check_mode(came, config)
    if not is_response_token(config.mode):
        return came.parameters
    sealed = Secret(came.parameters["response"])
    token = server.opened(sealed, encrypted=Encrypted.RESPONSE in config.encrypted)
    algorithms = config.algorithms_of(Signed.RESPONSE)
    expectation = ResponseExpectation(config.issuer, config.client_id, frozenset(algorithms))
    return await server.proven(
        algorithms, lambda keys: read_response_token(token, keys, expectation, state=state, now=server.now)
    )


def _check_mode(came: Came, config: ConnectionConfig) -> None:
    """A signed response has nothing beside it that a plain one is made of."""
    wanted, signed = carrier(config.mode, config.response_type), is_response_token(config.mode)
    plain = "response" not in came.parameters or not came.parameters.keys().isdisjoint({*ANSWERS, "error"})
    if came.by is wanted and not (signed and plain):
        return
    expected = f"a signed response by {wanted.value}" if signed else wanted.value
    what = "a plain one" if signed and plain else "it"
    raise refuse(Reason.RESPONSE_MODE, f"Expected {expected}; {what} came by {came.by.value}.")

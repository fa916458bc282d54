"""The authorization response as it reached us, and on its way from the OAuth service to the campaign's host.

A plain answer (a code in the query) goes on in the query. One with a token in it, one that was posted, and one that is
a token itself go on sealed: no token ever stands in an address.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from entracte.connections.server import Server
from entracte.connections.settings import Encrypted
from entracte.protocol.authorization import ANSWERS, ResponseMode, carrier, is_response_token
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.jarm import ResponseExpectation, read_response_token
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.values import Secret

SEALED = "answer"
"""The parameter that holds a sealed response."""
PURPOSE = "authorization response"

PLAIN = ("state", "code", "iss", "error", "session_state")
"""What a plain answer is made of: descriptions of errors go nowhere."""
_WITH_TOKENS = (*PLAIN, "id_token", "access_token", "token_type", "expires_in", "response")


@dataclass(frozen=True, slots=True)
class Came:
    """An authorization response as it reached us: its parameters, and by which of query, fragment and form post."""

    parameters: Mapping[str, str] = field(repr=False)
    by: ResponseMode = ResponseMode.QUERY


def handed_on(came: Came, state: str, keys: SealKeys) -> dict[str, str]:
    """The parameters with which the browser goes on to the campaign. Of what was never asked for the name goes, so that
    the campaign refuses it, and not the value, which may be a token."""
    if came.by is ResponseMode.QUERY and "response" not in came.parameters:
        unasked = dict.fromkeys((ANSWERS - {"code"}) & came.parameters.keys(), "")
        return {name: came.parameters[name] for name in PLAIN if name in came.parameters} | unasked
    kept = {name: came.parameters[name] for name in _WITH_TOKENS if name in came.parameters}
    document = json.dumps([state, came.by.value, kept], separators=(",", ":"))
    return {"state": state, SEALED: seal(zlib.compress(document.encode(), 9), PURPOSE, keys)}


def taken_over(parameters: Mapping[str, str], keys: SealKeys) -> Came:
    """What `handed_on` handed on. Refuses `STATE_INVALID` and `STATE_UNKNOWN_KEY` for a sealed answer that is not ours,
    or another sign-in's."""
    if SEALED not in parameters:
        return Came(parameters)
    # whatever opens was sealed by us, so its size is known
    state, by, kept = json.loads(zlib.decompress(open_sealed(parameters[SEALED], PURPOSE, keys)))
    if state != parameters.get("state"):
        raise refuse(Reason.STATE_INVALID)
    return Came(kept, ResponseMode(by))


async def parameters_of(came: Came, state: str, server: Server) -> Mapping[str, str]:
    """The parameters of the response, out of their token where the connection asks for one (JARM). An answer that came
    in another way than it was asked for is refused; an error may come in any way, and is one."""
    config = server.config
    wanted = carrier(config.mode, config.response_type)
    answers = ANSWERS & came.parameters.keys()
    if not is_response_token(config.mode):
        if came.by is not wanted and answers:
            raise refuse(Reason.RESPONSE_MODE, f"Expected {wanted.value}; it came by {came.by.value}.")
        return came.parameters
    if "response" not in came.parameters and not answers:
        return came.parameters
    if came.by is not wanted or "response" not in came.parameters or answers:
        raise refuse(Reason.RESPONSE_MODE, f"Expected a signed response by {wanted.value}.")
    sealed = Secret(came.parameters["response"])
    token = server.opened(sealed, encrypted=Encrypted.RESPONSE in config.encrypted)
    expectation = ResponseExpectation(config.issuer, config.client_id, frozenset(config.id_token_algorithms))
    return await server.proven(lambda keys: read_response_token(token, keys, expectation, state=state, now=server.now))
